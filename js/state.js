// State dicts that are to be written into a file, checked.

import { describe, expectFloats, product, shapeText } from './check.js';
import { ArgumentError, ShapeError } from './errors.js';

/** @typedef {import('./module.js').StateDict} StateDict */

/** Whole numbers from 0 on. @param {unknown} shape @returns {shape is number[]} */
export function isShape(shape) {
  return Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/**
 * The tensors of a state dict, in its order. Sizes of 0 are allowed, as is no size at all.
 * @param {unknown} state
 * @param {string} what  the function it was given to
 * @returns {{ name: string, shape: number[], data: Float32Array }[]}
 */
export function expectState(state, what) {
  if (typeof state !== 'object' || state === null || Array.isArray(state)) {
    throw new ArgumentError(`${what}: expected a state dict, got ${describe(state)}`);
  }
  return Object.entries(/** @type {StateDict} */ (state)).map(([name, tensor]) => {
    const data = expectFloats(tensor?.data, `${what} ${name} data`);
    const { shape } = tensor;
    if (!isShape(shape)) {
      throw new ShapeError(
        `${what} ${name} shape: expected an array of whole numbers from 0 on, got ${
          Array.isArray(shape) ? shapeText(shape) : describe(shape)
        }`,
      );
    }
    if (product(shape) !== data.length) {
      throw new ShapeError(
        `${what} ${name}: ${data.length} values do not make shape ${shapeText(shape)}`,
      );
    }
    // Unpaired surrogates have no UTF-8, and two such names would become one.
    if (/\p{Surrogate}/u.test(name)) {
      throw new ArgumentError(`${what}: the name ${JSON.stringify(name)} is no valid Unicode`);
    }
    return { name, shape: [...shape], data };
  });
}
