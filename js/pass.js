// A pass through a module, forward or back, once everything is checked: what goes in, the call, and where
// what comes out of it stands.

import { wrong } from './check.js';
import { attempt, call, copyFloats, failure, stage, word, writeAt } from './core.js';
import * as AT from './places.js';

// What was given; as src/unrolled.h numbers it.
const HAS_H = 1;
const HAS_C = 2;
const HAS_OUTPUT = 4;

let graded = true; // false inside noGrad

/**
 * Forwards inside `fn` keep nothing for a backward: the fast way to infer. Only until fn returns: what an
 * async function does after its first await is outside.
 * Source: torch.no_grad.
 * @template R
 * @param {() => R} fn
 * @returns {R}  what fn returns
 */
export function noGrad(fn) {
  if (typeof fn !== 'function') throw wrong('noGrad', 'a function', fn);
  const before = graded;
  graded = false;
  try {
    return fn();
  } finally {
    graded = before;
  }
}

/**
 * Writes values, where they are given.
 * @param {number} at
 * @param {Float32Array | null | undefined} values
 * @param {number} [told]  what the core is told of them
 * @returns {number}  that, or 0: they are not given
 */
export function put(at, values, told = at) {
  if (!values) return 0;
  writeAt(at, values);
  return told;
}

/**
 * T steps of N sequences; outside noGrad what the backward needs is kept.
 * @param {number} handle
 * @param {number} T
 * @param {number} N
 * @param {number} F  values a row
 * @param {Float32Array} x  [T][N][F]
 * @param {Float32Array} [h]
 * @param {Float32Array} [c]
 */
export function forward(handle, T, N, F, x, h, c) {
  call('reserve', handle, T, N, F, graded ? 1 : 0);
  writeAt(word(AT.INPUT), x);
  call('forward', handle, put(word(AT.H0), h, HAS_H) | put(word(AT.C0), c, HAS_C));
}

/**
 * The forward that waits is in the out block, as it was reserved; StateError when none does.
 * @param {number} handle
 * @param {string} what  waits for it: 'LSTM backward'
 * @param {string} [name]  of the export that knows
 */
export function expectPending(handle, what, name = 'pending') {
  const status = attempt(name, handle);
  if (status < 0) throw failure(status, what);
}

/**
 * Back through the forward that expectPending found.
 * @param {number} handle
 * @param {Float32Array | null} dy
 * @param {Float32Array} [dh]
 * @param {Float32Array} [dc]
 */
export function backward(handle, dy, dh, dc) {
  const given = put(word(AT.GRAD_OUTPUT), dy, HAS_OUTPUT) | put(word(AT.GRAD_H), dh, HAS_H);
  call('backward', handle, given | put(word(AT.GRAD_C), dc, HAS_C));
}

/** A copy of what stands at a place. @param {number} place @param {number} count  the place of how many values it has */
export function take(place, count) {
  return copyFloats(word(place), word(count));
}

/** The address of whole numbers on the stage. @param {ArrayLike<number>} values */
export function stageInts(values) {
  const at = stage(4 * values.length);
  writeAt(at, values);
  return at;
}
