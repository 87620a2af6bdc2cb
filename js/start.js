// Starting the WebAssembly core.

import { expectOptions } from './check.js';
import { attach } from './core.js';
import { ArgumentError } from './errors.js';
import { loadModule, tried } from './load.js';

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
  if (!WebAssembly.Module.exports(module).some(({ name }) => name === 'trainer_step')) {
    throw new ArgumentError('init wasm: this WebAssembly module is not unrolled');
  }
  const instance = await tried(
    WebAssembly.instantiate(module, {}), // it imports nothing
    'init: the core does not start',
  );
  attach(instance.exports);
}
