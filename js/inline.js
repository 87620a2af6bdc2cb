// unrolled/inline: the same library, with the .wasm inside the JavaScript. For where no file can lie
// beside it: esbuild, development servers that bundle dependencies, a page opened from the disk.
//
// Classes, models and the random stream are those of `unrolled`: whichever init comes first starts both.

import base64 from '../dist/unrolled.wasm';
import { start } from './start.js';

export * from './names.js';

/**
 * Compiles and starts the WebAssembly core, once: concurrent and later calls share it. After a failure
 * it can be called again.
 * @param {import('./start.js').InitOptions} [options]
 *   wasm: where to take the .wasm from; by default it is the one inside this file
 * @returns {Promise<void>}
 * @throws {UnrolledError} when it may not be compiled: the message says what to do
 */
export function init(options) {
  return start(options, () => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
}
