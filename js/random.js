// The stream of PyTorch's CPU generator, draw for draw; and NumPy's legacy one.

import { describe, expectCount, expectNumber } from './check.js';
import {
  attempt,
  call,
  copyDoubles,
  copyFloats,
  copyInts,
  failure,
  handleOf,
  Resource,
  ready,
  stage,
  viewBytes,
} from './core.js';
import { ArgumentError } from './errors.js';

const WORD = 2 ** 32;
const INT_MIN = -(2 ** 31);

/**
 * Restarts the global stream exactly as torch.manual_seed does. PyTorch's generator looks at the low 32
 * bits of a seed only. One stream an instance of the library (a worker has its own).
 * @param {number | bigint} seed  a whole number; as a number, safe
 */
export function manualSeed(seed) {
  const whole = typeof seed === 'bigint' || Number.isSafeInteger(seed);
  if (!whole) {
    throw new ArgumentError(
      `manualSeed seed: expected a whole number (beyond 2^53 a bigint), got ${describe(seed)}`,
    );
  }
  attempt('seed', Number(BigInt.asUintN(32, BigInt(seed))));
}

/** The whole state of the global stream, cached normal included: opaque bytes. @returns {Uint8Array} */
export function getRngState() {
  return stateView().slice();
}

/** The global stream goes on from there. @param {Uint8Array} state  from getRngState */
export function setRngState(state) {
  const size = stateView().length;
  if (!(state instanceof Uint8Array) || state.length !== size) {
    throw new ArgumentError(
      `setRngState state: expected the ${size} bytes of getRngState, got ${describe(state)}`,
    );
  }
  const copy = state.slice();
  const at = stage(size);
  viewBytes(at, size).set(copy);
  if (attempt('rng_restore', at) < 0) {
    throw new ArgumentError('setRngState state: these bytes are not a state of the generator');
  }
}

function stateView() {
  const at = attempt('rng_state') >>> 0;
  return viewBytes(at, attempt('rng_state_size') >>> 0);
}

/**
 * @param {string} name  of the export
 * @param {number} n
 * @param {string} what
 * @param {number[]} settings
 */
function floats(name, n, what, ...settings) {
  ready();
  expectCount(n, `${what} n`);
  if (n === 0) return new Float32Array(0);
  const at = stage(4 * n);
  call(name, n, ...settings, at);
  return copyFloats(at, n);
}

/** Uniform in [0, 1), as torch.rand. @param {number} n @returns {Float32Array} */
export function rand(n) {
  return floats('rand', n, 'rand');
}

/** Standard normal, as torch.randn. @param {number} n @returns {Float32Array} */
export function randn(n) {
  return floats('normal', n, 'randn', 0, 1);
}

/** As Tensor.uniform_(low, high). @param {number} n @param {number} low @param {number} high @returns {Float32Array} */
export function uniform(n, low, high) {
  expectNumber(low, 'uniform low');
  expectNumber(high, 'uniform high', low);
  return floats('uniform', n, 'uniform', low, high);
}

/** As Tensor.normal_(mean, std). @param {number} n @param {number} mean @param {number} std @returns {Float32Array} */
export function normal(n, mean, std) {
  expectNumber(mean, 'normal mean');
  expectNumber(std, 'normal std', 0);
  return floats('normal', n, 'normal', mean, std);
}

/** As Tensor.bernoulli_(p), the draw of dropout masks: 0 or 1. @param {number} n @param {number} p @returns {Float32Array} */
export function bernoulli(n, p) {
  return floats('bernoulli', n, 'bernoulli', expectNumber(p, 'bernoulli p', 0, 1));
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
  return ints('randint', n, 'randint', low, high);
}

/** A permutation of 0 … n−1, as torch.randperm. @param {number} n @returns {Int32Array} */
export function randperm(n) {
  return ints('randperm', n, 'randperm');
}

/**
 * @param {string} name
 * @param {number} n
 * @param {string} what
 * @param {number[]} settings
 */
function ints(name, n, what, ...settings) {
  ready();
  expectCount(n, `${what} n`);
  if (n === 0) return new Int32Array(0);
  const at = stage(4 * n);
  call(name, n, ...settings, at);
  return copyInts(at, n);
}

/** @param {unknown} low @param {unknown} high @param {string} what */
function expectRange(low, high, what) {
  for (const [name, value] of /** @type {const} */ ([
    ['low', low],
    ['high', high],
  ])) {
    const bounded =
      typeof value === 'number' && Number.isInteger(value) && value >= INT_MIN && value <= -INT_MIN;
    if (!bounded) {
      throw new ArgumentError(
        `${what} ${name}: expected a whole number whose values fit Int32, got ${describe(value)}`,
      );
    }
  }
  if (/** @type {number} */ (low) >= /** @type {number} */ (high)) {
    throw new ArgumentError(`${what} high: expected more than low = ${low}, got ${high}`);
  }
}

/** The order of one DataLoader epoch over n samples. @param {number} n @param {boolean} shuffle */
export function epochOrder(n, shuffle) {
  const at = stage(4 * n);
  call('epoch', n, shuffle ? 1 : 0, at);
  return copyInts(at, n);
}

const NUMPY = Object.freeze({ UNIFORM: 0, NORMAL: 1 });

/**
 * @param {NumpyRandom} numpy
 * @param {number} kind
 * @param {number} n
 * @param {string} what
 * @param {number} a
 * @param {number} b
 */
function draw(numpy, kind, n, what, a, b) {
  const handle = handleOf(numpy);
  expectCount(n, `NumpyRandom ${what} n`);
  if (n === 0) return new Float64Array(0);
  const at = stage(8 * n);
  call('numpy_draw', handle, kind, n, a, b, at);
  return copyDoubles(at, n);
}

/** NumPy's legacy stream, as np.random.seed(seed) starts it and np.random.rand … draw from it. */
export class NumpyRandom extends Resource {
  /** @param {number} seed  0 to 2^32 − 1 */
  constructor(seed) {
    if (!Number.isInteger(seed) || seed < 0 || seed >= WORD) {
      throw new ArgumentError(
        `NumpyRandom seed: expected a whole number from 0 to 2^32 − 1, got ${describe(seed)}`,
      );
    }
    super('NumpyRandom', call('numpy_create', seed));
  }

  /** Uniform in [0, 1). @param {number} n @returns {Float64Array} */
  rand(n) {
    return draw(this, NUMPY.UNIFORM, n, 'rand', 0, 1);
  }

  /** Standard normal. @param {number} n @returns {Float64Array} */
  randn(n) {
    return draw(this, NUMPY.NORMAL, n, 'randn', 0, 1);
  }

  /** @param {number} low @param {number} high @param {number} n @returns {Float64Array} */
  uniform(low, high, n) {
    handleOf(this);
    expectNumber(low, 'NumpyRandom uniform low');
    expectNumber(high, 'NumpyRandom uniform high');
    return draw(this, NUMPY.UNIFORM, n, 'uniform', low, high);
  }

  /** @param {number} mean @param {number} std @param {number} n @returns {Float64Array} */
  normal(mean, std, n) {
    handleOf(this);
    expectNumber(mean, 'NumpyRandom normal mean');
    expectNumber(std, 'NumpyRandom normal std', 0);
    return draw(this, NUMPY.NORMAL, n, 'normal', mean, std);
  }

  /** Whole numbers in [low, high). @param {number} low @param {number} high @param {number} n @returns {Int32Array} */
  randint(low, high, n) {
    const handle = handleOf(this);
    expectRange(low, high, 'NumpyRandom randint');
    expectCount(n, 'NumpyRandom randint n');
    if (n === 0) return new Int32Array(0);
    const at = stage(4 * n);
    const status = attempt('numpy_randint', handle, n, low, high, at);
    if (status < 0) throw failure(status, 'NumpyRandom randint');
    return copyInts(at, n);
  }

  /** A permutation of 0 … n−1. @param {number} n @returns {Int32Array} */
  permutation(n) {
    const handle = handleOf(this);
    expectCount(n, 'NumpyRandom permutation n');
    if (n === 0) return new Int32Array(0);
    const at = stage(4 * n);
    call('numpy_permutation', handle, n, at);
    return copyInts(at, n);
  }
}
