import { OutOfMemoryError } from './errors.js';

/** @param {number} bytes @param {string} what  was being done */
export function outOfMemory(bytes, what) {
  return new OutOfMemoryError(`out of memory in ${what}: ${bytes} bytes asked for`);
}

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
    throw error instanceof RangeError ? outOfMemory(bytes, what) : error;
  }
}
