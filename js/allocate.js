import { OutOfMemoryError } from './errors.js';

/**
 * What `make` makes, or an OutOfMemoryError where the engine has no room for it.
 * @template T
 * @param {number} bytes
 * @param {string} what
 * @param {() => T} make
 * @returns {T}
 */
export function allocate(bytes, what, make) {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new OutOfMemoryError(`out of memory in ${what}: ${bytes} bytes were asked for`);
  }
}
