// The stream of PyTorch's CPU generator, draw for draw; and NumPy's legacy one.

import { expectCount, expectNumber, expectWhole, INT_MAX, wrong } from './check.js';
import {
  attempt,
  call,
  copyDoubles,
  copyFloats,
  copyInts,
  handleOf,
  Resource,
  stage,
  viewBytes,
  word,
} from './core.js';

/**
 * Restarts the global stream exactly as torch.manual_seed does. PyTorch's generator looks at the low 32
 * bits of a seed only. One stream an instance of the library (a worker has its own).
 * @param {number | bigint} seed  a whole number; as a number, safe
 */
export function manualSeed(seed) {
  const whole = typeof seed === 'bigint' || Number.isSafeInteger(seed);
  if (!whole) throw wrong('manualSeed seed', 'a safe whole number or a bigint', seed);
  attempt('seed', Number(BigInt.asUintN(32, BigInt(seed))));
}

/** The whole state of the global stream, cached normal included: opaque bytes. @returns {Uint8Array} */
export function getRngState() {
  return stateView().slice();
}

/** The global stream goes on from there. @param {Uint8Array} state  from getRngState */
export function setRngState(state) {
  const size = stateView().length;
  if (state instanceof Uint8Array && state.length === size) {
    const copy = state.slice(); // before memory may grow
    const at = stage(size);
    viewBytes(at, size).set(copy);
    if (attempt('rng_restore', at) >= 0) return;
  }
  throw wrong('setRngState state', `${size} bytes that getRngState gave`, state);
}

function stateView() {
  const at = attempt('rng_state') >>> 0;
  return viewBytes(at, word(0));
}

/** What can be drawn, as src/unrolled.h numbers it. */
const UNIFORM = 0;
const NORMAL = 1;
const INTEGERS = 2;
const PERMUTATION = 3;
const BERNOULLI = 4;
const EPOCH = 5;

/**
 * Draws n values.
 * @template {typeof copyFloats | typeof copyInts | typeof copyDoubles} C
 * @param {C} copy  how they come out
 * @param {string} what  the public call
 * @param {number} kind
 * @param {number} n
 * @param {number} [a]
 * @param {number} [b]
 * @param {number} [numpy]  whose stream, if not the global one
 * @returns {ReturnType<C>}
 */
function draw(copy, what, kind, n, a = 0, b = 0, numpy = 0) {
  expectCount(n, `${what} n`);
  const at = stage((copy === copyDoubles ? 8 : 4) * n);
  call('draw', numpy, kind, n, a, b, at);
  return /** @type {ReturnType<C>} */ (copy(at, n));
}

/** Uniform in [0, 1), as torch.rand. @param {number} n @returns {Float32Array} */
export function rand(n) {
  return draw(copyFloats, 'rand', UNIFORM, n, 0, 1);
}

/** Standard normal, as torch.randn. @param {number} n @returns {Float32Array} */
export function randn(n) {
  return draw(copyFloats, 'randn', NORMAL, n, 0, 1);
}

/** As Tensor.uniform_(low, high). @param {number} n @param {number} low @param {number} high @returns {Float32Array} */
export function uniform(n, low, high) {
  expectNumber(high, 'uniform high', expectNumber(low, 'uniform low'));
  return draw(copyFloats, 'uniform', UNIFORM, n, low, high);
}

/** As Tensor.normal_(mean, std). @param {number} n @param {number} mean @param {number} std @returns {Float32Array} */
export function normal(n, mean, std) {
  expectSpread(mean, std, 'normal');
  return draw(copyFloats, 'normal', NORMAL, n, mean, std);
}

/** As Tensor.bernoulli_(p), the draw of dropout masks: 0 or 1. @param {number} n @param {number} p @returns {Float32Array} */
export function bernoulli(n, p) {
  expectNumber(p, 'bernoulli p', 0, 1);
  return draw(copyFloats, 'bernoulli', BERNOULLI, n, p);
}

/**
 * Whole numbers in [low, high), as torch.randint.
 * @param {number} low
 * @param {number} high
 * @param {number} n
 * @returns {Int32Array}
 */
export function randint(low, high, n) {
  expectRange(low, high, 'randint');
  return draw(copyInts, 'randint', INTEGERS, n, low, high);
}

/** A permutation of 0 … n−1, as torch.randperm. @param {number} n @returns {Int32Array} */
export function randperm(n) {
  return draw(copyInts, 'randperm', PERMUTATION, n);
}

/** @param {number} mean @param {number} std @param {string} what */
function expectSpread(mean, std, what) {
  expectNumber(mean, `${what} mean`);
  expectNumber(std, `${what} std`, 0);
}

/** Values from low to below high fit Int32. @param {number} low @param {number} high @param {string} what */
function expectRange(low, high, what) {
  expectWhole(low, `${what} low`);
  expectWhole(high, `${what} high`, low + 1, INT_MAX + 1);
}

/** The order of one DataLoader epoch over n samples. @param {number} n @param {boolean} shuffle */
export function epochOrder(n, shuffle) {
  return draw(copyInts, 'DataLoader', EPOCH, n, shuffle ? 1 : 0);
}

const NUMPY = 'NumpyRandom';

/** @param {NumpyRandom} numpy @param {string} what @param {number} kind @param {number} n @param {number} a @param {number} b */
function doubles(numpy, what, kind, n, a, b) {
  return draw(copyDoubles, `${NUMPY} ${what}`, kind, n, a, b, handleOf(numpy));
}

/** NumPy's legacy stream, as np.random.seed(seed) starts it and np.random.rand … draw from it. */
export class NumpyRandom extends Resource {
  /** @param {number} seed  0 to 2^32 − 1 */
  constructor(seed) {
    expectWhole(seed, `${NUMPY} seed`, 0, 2 ** 32 - 1);
    super(NUMPY, call('numpy_create', seed));
  }

  /** Uniform in [0, 1). @param {number} n @returns {Float64Array} */
  rand(n) {
    return doubles(this, 'rand', UNIFORM, n, 0, 1);
  }

  /** Standard normal. @param {number} n @returns {Float64Array} */
  randn(n) {
    return doubles(this, 'randn', NORMAL, n, 0, 1);
  }

  /** @param {number} low @param {number} high @param {number} n @returns {Float64Array} */
  uniform(low, high, n) {
    expectNumber(low, `${NUMPY} uniform low`);
    expectNumber(high, `${NUMPY} uniform high`);
    return doubles(this, 'uniform', UNIFORM, n, low, high);
  }

  /** @param {number} mean @param {number} std @param {number} n @returns {Float64Array} */
  normal(mean, std, n) {
    expectSpread(mean, std, `${NUMPY} normal`);
    return doubles(this, 'normal', NORMAL, n, mean, std);
  }

  /** Whole numbers in [low, high). @param {number} low @param {number} high @param {number} n @returns {Int32Array} */
  randint(low, high, n) {
    const what = `${NUMPY} randint`;
    expectRange(low, high, what);
    return draw(copyInts, what, INTEGERS, n, low, high, handleOf(this));
  }

  /** A permutation of 0 … n−1. @param {number} n @returns {Int32Array} */
  permutation(n) {
    return draw(copyInts, `${NUMPY} permutation`, PERMUTATION, n, 0, 0, handleOf(this));
  }
}
