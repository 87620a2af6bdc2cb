// Starting the WebAssembly core.

import { expectOptions } from './check.js';
import { attach } from './core.js';
import { ArgumentError, OutOfMemoryError, UnrolledError } from './errors.js';
import { loadModule } from './load.js';

/** @import { Source } from './load.js' */
/** What init takes. @typedef {{ wasm?: Source | Promise<Response> }} InitOptions */

/** @type {Promise<void> | null} */
let starting = null;

/**
 * What every entry's init does.
 * @param {InitOptions | undefined} options
 * @param {() => Source} own  where the .wasm is when the caller says nothing
 * @returns {Promise<void>}
 */
export async function start(options = {}, own) {
  expectOptions(options, ['wasm'], 'init');
  starting ??= begin(options, own).catch((error) => {
    starting = null;
    throw error;
  });
  return starting;
}

/** @param {InitOptions} options @param {() => Source} own */
async function begin(options, own) {
  const given = await options.wasm;
  const module = await loadModule(given === undefined ? own() : given);
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  if (!names.includes('unrolled_out')) {
    throw new ArgumentError('init wasm: this WebAssembly module is not unrolled');
  }
  attach((await instantiate(module)).exports);
}

/** @param {WebAssembly.Module} module */
async function instantiate(module) {
  try {
    return await WebAssembly.instantiate(module, {}); // it imports nothing
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof RangeError) {
      throw new OutOfMemoryError(`init: no memory for the WebAssembly core: ${text}`);
    }
    throw new UnrolledError(`init: the WebAssembly core cannot be started: ${text}`);
  }
}
