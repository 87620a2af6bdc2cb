// Starting the WebAssembly core.

import { expectOptions } from './check.js';
import { attach } from './core.js';
import { ArgumentError, OutOfMemoryError, UnrolledError } from './errors.js';
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
export async function init(options = {}) {
  expectOptions(options, ['wasm'], 'init');
  starting ??= start(options).catch((error) => {
    starting = null;
    throw error;
  });
  return starting;
}

/** @param {{ wasm?: Parameters<typeof loadModule>[0] }} options */
async function start(options) {
  const module = await loadModule(options.wasm);
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  if (!names.includes('unrolled_out')) {
    throw new ArgumentError('init wasm: this WebAssembly module is not unrolled');
  }
  attach((await instantiate(module)).exports);
}

/** @param {WebAssembly.Module} module */
async function instantiate(module) {
  try {
    return await WebAssembly.instantiate(module, {
      env: { emscripten_notify_memory_growth() {} }, // core.js notices by itself
    });
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof RangeError) {
      throw new OutOfMemoryError(`init: no memory for the WebAssembly core: ${text}`);
    }
    throw new UnrolledError(`init: the WebAssembly core cannot be started: ${text}`);
  }
}
