// Starting the WebAssembly core.

import { expectOptions } from './check.js';
import { attach } from './core.js';
import { ArgumentError } from './errors.js';
import { loadModule } from './load.js';

/** @typedef {import('./load.js').Source} Source */
/** @typedef {{ wasm?: Source | Promise<Response> }} InitOptions */

/** @type {Promise<void> | null} */
let starting = null;

/**
 * What every entry's init does.
 * @param {InitOptions | undefined} options
 * @param {() => Source} own  where the .wasm is when the caller says nothing
 * @returns {Promise<void>}
 */
export function start(options, own) {
  starting ??= begin(options, own).catch((error) => {
    starting = null;
    throw error;
  });
  return starting;
}

/** @param {InitOptions | undefined} options @param {() => Source} own */
async function begin(options = {}, own) {
  expectOptions(options, ['wasm'], 'init');
  const given = await options.wasm;
  const module = await loadModule(given === undefined ? own() : given);
  const instance = await WebAssembly.instantiate(module, {
    env: { emscripten_notify_memory_growth() {} }, // core.js notices by itself
  });
  if (!('unrolled_out' in instance.exports)) {
    throw new ArgumentError('init wasm: this WebAssembly module is not unrolled');
  }
  attach(instance.exports);
}
