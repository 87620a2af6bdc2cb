// State dicts that are to be written into a file, checked.

import { describe, expectFloats, isRecord, misfit, product, shapeText, wrong } from './check.js';

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
  if (!isRecord(state)) throw wrong(what, 'a state dict', state);
  return Object.entries(state).map(([name, tensor]) => {
    // Unpaired surrogates have no UTF-8, and two such names would become one.
    if (/\p{Surrogate}/u.test(name)) throw wrong(`${what} name`, 'Unicode', name);
    const data = expectFloats(tensor?.data, `${what} ${name} data`);
    const { shape } = tensor;
    if (!isShape(shape) || product(shape) !== data.length) {
      const got = Array.isArray(shape) ? shapeText(shape) : describe(shape);
      throw misfit(`${what} ${name} shape`, `sizes of ${data.length} values`, got);
    }
    return { name, shape: [...shape], data };
  });
}
