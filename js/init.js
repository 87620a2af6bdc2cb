// In place, drawn from the global stream as torch.nn.init draws: https://pytorch.org/docs/stable/nn.init.html

import { expectNumber, expectWord, misfit, settle, shapeText, wrong } from './check.js';
import { call, handleOf } from './core.js';
import { Parameter } from './module.js';

/** torch.nn.init.calculate_gain; leaky_relu's is for a slope of 0. @type {Record<string, number>} */
const GAINS = {
  linear: 1,
  sigmoid: 1,
  tanh: 5 / 3,
  relu: Math.SQRT2,
  leaky_relu: Math.SQRT2,
  selu: 3 / 4,
};
const MODES = ['fan_in', 'fan_out'];

/**
 * @param {unknown} parameter
 * @param {string} kind
 * @param {number} a
 * @param {number} b
 */
function fill(parameter, kind, a, b) {
  const what = `initialize.${kind}`;
  const reference = Parameter.reference(parameter);
  if (!reference) throw wrong(what, 'a Parameter', parameter);
  const { name, shape } = /** @type {Parameter} */ (parameter);
  const kinds = Object.keys(initialize);
  const number = kinds.indexOf(kind);
  if (number > kinds.indexOf('constant') && shape.length < 2) {
    throw misfit(`${what} ${name}`, 'two axes', shapeText(shape));
  }
  call('initialize', handleOf(reference.owner), reference.index, number, a, b);
}

/**
 * @param {Parameter} parameter
 * @param {'kaimingUniform' | 'kaimingNormal'} kind
 * @param {{ a?: number, mode?: 'fan_in' | 'fan_out', nonlinearity?: string }} [options]
 */
function kaiming(parameter, kind, options = {}) {
  const table = /** @satisfies {Record<string, import('./check.js').Option>} */ ({
    a: [0, expectNumber],
    mode: ['fan_in', expectWord, MODES],
    nonlinearity: ['leaky_relu', expectWord, Object.keys(GAINS)],
  });
  const { a, mode, nonlinearity } = settle(`initialize.${kind}`, options, table, null);
  const gain = nonlinearity === 'leaky_relu' ? Math.sqrt(2 / (1 + a ** 2)) : GAINS[nonlinearity];
  fill(parameter, kind, gain, MODES.indexOf(mode));
}

/**
 * @param {Parameter} parameter
 * @param {'xavierUniform' | 'xavierNormal' | 'orthogonal'} kind
 * @param {{ gain?: number }} [options]
 */
function withGain(parameter, kind, options = {}) {
  const { gain } = settle(`initialize.${kind}`, options, { gain: [1, expectNumber] }, null);
  fill(parameter, kind, gain, 0);
}

/**
 * Fills a parameter anew, as the functions of `torch.nn.init` do and from the same random stream.
 *
 * Source: https://docs.pytorch.org/docs/stable/nn.init.html
 */
export const initialize = Object.freeze({
  // First those that the core has, in the order of src/unrolled.h.
  /** U(low, high). @param {Parameter} parameter @param {number} [low] @param {number} [high] */
  uniform(parameter, low = 0, high = 1) {
    expectNumber(low, 'initialize.uniform low');
    fill(parameter, 'uniform', low, expectNumber(high, 'initialize.uniform high', low));
  },
  /** N(mean, std²). @param {Parameter} parameter @param {number} [mean] @param {number} [std] */
  normal(parameter, mean = 0, std = 1) {
    expectNumber(mean, 'initialize.normal mean');
    fill(parameter, 'normal', mean, expectNumber(std, 'initialize.normal std', 0));
  },
  /** All elements to one value. @param {Parameter} parameter @param {number} value */
  constant(parameter, value) {
    fill(parameter, 'constant', expectNumber(value, 'initialize.constant value'), 0);
  },
  /**
   * Uniform of variance 2 gain² / (fan_in + fan_out) (X. Glorot, Y. Bengio 2010).
   * @param {Parameter} parameter
   * @param {{ gain?: number }} [options]
   */
  xavierUniform(parameter, options) {
    withGain(parameter, 'xavierUniform', options);
  },
  /**
   * Normal of variance 2 gain² / (fan_in + fan_out).
   * @param {Parameter} parameter
   * @param {{ gain?: number }} [options]
   */
  xavierNormal(parameter, options) {
    withGain(parameter, 'xavierNormal', options);
  },
  /**
   * Uniform of variance gain² / fan (K. He et al. 2015).
   * @param {Parameter} parameter
   * @param {{ a?: number, mode?: 'fan_in' | 'fan_out', nonlinearity?: string }} [options]
   */
  kaimingUniform(parameter, options) {
    kaiming(parameter, 'kaimingUniform', options);
  },
  /**
   * Normal of variance gain² / fan.
   * @param {Parameter} parameter
   * @param {{ a?: number, mode?: 'fan_in' | 'fan_out', nonlinearity?: string }} [options]
   */
  kaimingNormal(parameter, options) {
    kaiming(parameter, 'kaimingNormal', options);
  },
  /**
   * A (semi-)orthogonal matrix times gain (A. Saxe et al. 2014): PyTorch's within 1e-5, for PyTorch
   * factors in single precision.
   * @param {Parameter} parameter
   * @param {{ gain?: number }} [options]
   */
  orthogonal(parameter, options) {
    withGain(parameter, 'orthogonal', options);
  },
  /** All elements to 0. @param {Parameter} parameter */
  zeros(parameter) {
    fill(parameter, 'constant', 0, 0);
  },
  /** All elements to 1. @param {Parameter} parameter */
  ones(parameter) {
    fill(parameter, 'constant', 1, 0);
  },
});
