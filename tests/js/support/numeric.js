// Gradients against central differences, in random directions.
//
// f is a sum of float32 results times a cotangent. Along a direction d of a tensor x the slope
//
//     (8 (f(x + e d) - f(x - e d)) - (f(x + 2 e d) - f(x - 2 e d))) / (12 e)
//
// must be the inner product of d and the gradient. The formula is exact up to e^4 f'''''/30, so e
// can be large, and rounding does little: each of f's n terms is off by about 2^-24 of its size,
// hence f by 2^-24 sqrt(n) terms, and the slope by that over e. With e = 2^-6 both are far below the
// tolerance, 1/1000 of the gradient's length along d.
//
// d is +-s in each place, s the root mean square of x: the perturbation is small for every tensor,
// and no element of the gradient is left out of the sum.

import assert from 'node:assert/strict';

const STEP = 2 ** -6;
const TOLERANCE = 1e-3;
const ROUNDING = 2 ** -21; // of the size of f's terms: their rounding, and that of what led to them

/**
 * A small generator of its own (mulberry32), so that tests draw nothing from the library's stream.
 * @param {number} seed
 * @returns {() => number}  uniform in [0, 1)
 */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Values uniform in [-1, 1).
 * @param {number} n
 * @param {number} seed
 * @returns {Float32Array}
 */
export function values(n, seed) {
  const next = generator(seed);
  return Float32Array.from({ length: n }, () => 2 * next() - 1);
}

/**
 * @typedef {object} Tensor
 * @property {string} name
 * @property {() => Float32Array} get  a copy
 * @property {(values: Float32Array) => void} set
 * @property {Float32Array} grad  what backward said
 */

/**
 * A parameter, with the gradient it now has.
 * @param {import('unrolled').Parameter} parameter
 * @returns {Tensor}
 */
export function ofParameter(parameter) {
  return {
    name: parameter.name,
    get: () => parameter.dataView.slice(),
    set: (x) => parameter.dataView.set(x),
    grad: parameter.gradView.slice(),
  };
}

/**
 * A named array that `f` reads anew each time.
 * @param {Record<string, Float32Array | undefined>} holder
 * @param {string} name
 * @param {Float32Array} grad
 * @returns {Tensor}
 */
export function ofArray(holder, name, grad) {
  return {
    name,
    get: () => holder[name].slice(),
    set: (x) => {
      holder[name] = x;
    },
    grad,
  };
}

/**
 * Sum of the products of results and cotangents, and the size of its terms.
 * @param {[result: ArrayLike<number>, cotangent: ArrayLike<number>][]} pairs
 */
export function weigh(pairs) {
  let sum = 0;
  let squares = 0;
  for (const [result, cotangent] of pairs) {
    assert.equal(result.length, cotangent.length);
    for (let i = 0; i < result.length; i++) {
      const term = result[i] * cotangent[i];
      sum += term;
      squares += term * term;
    }
  }
  return { sum, size: Math.sqrt(squares) };
}

/**
 * Asserts that each tensor's gradient is the slope of f in a random direction.
 * @param {() => { sum: number, size: number }} f  of weigh()
 * @param {Tensor[]} tensors
 * @param {{ what: string, seed: number, kinks?: boolean }} options
 *   kinks: f has corners (relu). Directions in which slope or curvature differ between the two
 *   distances, because a corner lies on the way, are left out.
 * @returns {number}  directions that were checked
 */
export function checkGradients(f, tensors, { what, seed, kinks = false }) {
  let checked = 0;
  const draw = generator(seed);
  for (const { name, get, set, grad } of tensors) {
    const x = get();
    assert.equal(grad.length, x.length, `${what} ${name}: length of the gradient`);
    const rms = Math.hypot(...x) / Math.sqrt(x.length) || 0.5;
    const signs = Array.from(x, () => (draw() < 0.5 ? -1 : 1));
    const at = (/** @type {number} */ k) => x.map((v, i) => v + k * STEP * rms * signs[i]);
    const points = [-2, -1, 0, 1, 2].map((k) => {
      set(at(k));
      return f();
    });
    set(x);

    const [f2, f1, f0, g1, g2] = points.map(({ sum }) => sum);
    const near = (g1 - f1) / (2 * STEP);
    const far = (g2 - f2) / (4 * STEP);
    const bend = (g1 - 2 * f0 + f1) / STEP;
    const farBend = (g2 - 2 * f0 + f2) / (4 * STEP);
    const slope = (4 * near - far) / 3;
    let inner = 0;
    let squares = 0;
    for (let i = 0; i < grad.length; i++) {
      inner += grad[i] * rms * signs[i];
      squares += (grad[i] * rms) ** 2;
    }
    const size = Math.max(...points.map((point) => point.size));
    const allowed = TOLERANCE * Math.sqrt(squares) + (ROUNDING * size) / STEP;
    const uneven = Math.max(Math.abs(near - far), Math.abs(bend - farBend));
    if (kinks && uneven > allowed / 4) continue;
    checked++;
    assert.ok(
      Math.abs(slope - inner) <= allowed,
      `${what} ${name}: slope ${slope}, gradient says ${inner}, ${allowed} apart is allowed`,
    );
  }
  return checked;
}
