// Starting the WebAssembly core.

import { expectOptions } from './check.js';
import { attach } from './core.js';
import { ArgumentError } from './errors.js';
import { loadModule } from './load.js';

/** @type {Promise<void> | null} */
let starting = null;

/**
 * Compiles and starts the WebAssembly core, once: concurrent and later calls share it. After a failure
 * it can be called again.
 * @param {{ wasm?: string | URL | Response | Promise<Response> | BufferSource | WebAssembly.Module }} [options]
 *   where to take the .wasm from; by default it is found beside the library
 * @returns {Promise<void>}
 */
export function init(options = {}) {
  starting ??= start(options).catch((error) => {
    starting = null;
    throw error;
  });
  return starting;
}

/** @param {{ wasm?: Parameters<typeof loadModule>[0] }} options */
async function start(options) {
  expectOptions(options, ['wasm'], 'init');
  const module = await loadModule(options.wasm);
  const instance = await WebAssembly.instantiate(module, {
    env: { emscripten_notify_memory_growth() {} }, // core.js notices by itself
  });
  if (!('unrolled_out' in instance.exports)) {
    throw new ArgumentError('init wasm: this WebAssembly module is not unrolled');
  }
  attach(instance.exports);
}
