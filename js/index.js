// unrolled: the library, with the .wasm as a file beside it.

import { start } from './start.js';

export * from './names.js';

/**
 * Compiles and starts the WebAssembly core, once: concurrent and later calls share it. After a failure
 * it can be called again.
 * @param {import('./start.js').InitOptions} [options]
 *   wasm: where to take the .wasm from; by default it is found beside the library
 * @returns {Promise<void>}
 * @throws {UnrolledError} when it is not there, is something else, or may not be compiled: the message
 *   says what to do
 */
export function init(options) {
  // This very expression is what bundlers know: they copy the file, and put its new address here.
  return start(options, () => new URL('./unrolled.wasm', import.meta.url));
}
