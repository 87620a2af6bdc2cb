// In place, drawn from the global stream as torch.nn.init draws: https://pytorch.org/docs/stable/nn.init.html

import { describe, expectNumber, expectOneOf, expectOptions } from './check.js';
import { call, handleOf } from './core.js';
import { ArgumentError, ShapeError } from './errors.js';
import { Parameter } from './module.js';

/** As src/unrolled.h numbers them. */
const KIND = Object.freeze({
  uniform: 0,
  normal: 1,
  constant: 2,
  xavierUniform: 3,
  xavierNormal: 4,
  kaimingUniform: 5,
  kaimingNormal: 6,
  orthogonal: 7,
});

const NONLINEARITIES = ['linear', 'sigmoid', 'tanh', 'relu', 'leaky_relu', 'selu'];
const MODES = /** @type {const} */ (['fan_in', 'fan_out']);

/**
 * @param {unknown} parameter
 * @param {keyof typeof KIND} kind
 * @param {number} a
 * @param {number} b
 */
function fill(parameter, kind, a, b) {
  const what = `initialize.${kind}`;
  const reference = Parameter.reference(parameter);
  if (!reference)
    throw new ArgumentError(`${what}: expected a Parameter, got ${describe(parameter)}`);
  const { name, shape } = /** @type {Parameter} */ (parameter);
  if (KIND[kind] > KIND.constant && shape.length < 2) {
    throw new ShapeError(`${what} ${name}: expected two axes, got [${shape}]`);
  }
  call('initialize', handleOf(reference.owner), reference.index, KIND[kind], a, b);
}

/**
 * torch.nn.init.calculate_gain.
 * @param {string} nonlinearity
 * @param {number} a  negative slope of leaky_relu
 */
function gainOf(nonlinearity, a) {
  switch (nonlinearity) {
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.SQRT2;
    case 'leaky_relu':
      return Math.sqrt(2 / (1 + a ** 2));
    case 'selu':
      return 3 / 4;
    default:
      return 1;
  }
}

/**
 * @param {Parameter} parameter
 * @param {'kaimingUniform' | 'kaimingNormal'} kind
 * @param {{ a?: number, mode?: 'fan_in' | 'fan_out', nonlinearity?: string }} options
 */
function kaiming(parameter, kind, options) {
  const what = `initialize.${kind}`;
  expectOptions(options, ['a', 'mode', 'nonlinearity'], what);
  const a = expectNumber(options.a ?? 0, `${what} a`);
  const mode = expectOneOf(options.mode ?? 'fan_in', MODES, `${what} mode`);
  const nonlinearity = expectOneOf(
    options.nonlinearity ?? 'leaky_relu',
    NONLINEARITIES,
    `${what} nonlinearity`,
  );
  fill(parameter, kind, gainOf(nonlinearity, a), MODES.indexOf(mode));
}

/**
 * @param {Parameter} parameter
 * @param {'xavierUniform' | 'xavierNormal' | 'orthogonal'} kind
 * @param {{ gain?: number }} options
 */
function withGain(parameter, kind, options) {
  expectOptions(options, ['gain'], `initialize.${kind}`);
  fill(parameter, kind, expectNumber(options.gain ?? 1, `initialize.${kind} gain`), 0);
}

/**
 * Fills a parameter anew, as the functions of `torch.nn.init` do and from the same random stream.
 *
 * Source: https://docs.pytorch.org/docs/stable/nn.init.html
 */
export const initialize = Object.freeze({
  /** U(low, high). @param {Parameter} parameter @param {number} [low] @param {number} [high] */
  uniform(parameter, low = 0, high = 1) {
    const what = 'initialize.uniform';
    fill(
      parameter,
      'uniform',
      expectNumber(low, `${what} low`),
      expectNumber(high, `${what} high`, low),
    );
  },
  /** N(mean, std²). @param {Parameter} parameter @param {number} [mean] @param {number} [std] */
  normal(parameter, mean = 0, std = 1) {
    const what = 'initialize.normal';
    fill(
      parameter,
      'normal',
      expectNumber(mean, `${what} mean`),
      expectNumber(std, `${what} std`, 0),
    );
  },
  /** All elements to one value. @param {Parameter} parameter @param {number} value */
  constant(parameter, value) {
    fill(parameter, 'constant', expectNumber(value, 'initialize.constant value'), 0);
  },
  /** All elements to 0. @param {Parameter} parameter */
  zeros(parameter) {
    fill(parameter, 'constant', 0, 0);
  },
  /** All elements to 1. @param {Parameter} parameter */
  ones(parameter) {
    fill(parameter, 'constant', 1, 0);
  },
  /**
   * Uniform of variance 2 gain² / (fan_in + fan_out) (X. Glorot, Y. Bengio 2010).
   * @param {Parameter} parameter
   * @param {{ gain?: number }} [options]
   */
  xavierUniform(parameter, options = {}) {
    withGain(parameter, 'xavierUniform', options);
  },
  /**
   * Normal of variance 2 gain² / (fan_in + fan_out).
   * @param {Parameter} parameter
   * @param {{ gain?: number }} [options]
   */
  xavierNormal(parameter, options = {}) {
    withGain(parameter, 'xavierNormal', options);
  },
  /**
   * Uniform of variance gain² / fan (K. He et al. 2015).
   * @param {Parameter} parameter
   * @param {{ a?: number, mode?: 'fan_in' | 'fan_out', nonlinearity?: string }} [options]
   */
  kaimingUniform(parameter, options = {}) {
    kaiming(parameter, 'kaimingUniform', options);
  },
  /**
   * Normal of variance gain² / fan.
   * @param {Parameter} parameter
   * @param {{ a?: number, mode?: 'fan_in' | 'fan_out', nonlinearity?: string }} [options]
   */
  kaimingNormal(parameter, options = {}) {
    kaiming(parameter, 'kaimingNormal', options);
  },
  /**
   * A (semi-)orthogonal matrix times gain (A. Saxe et al. 2014): PyTorch's within 1e-5, for PyTorch
   * factors in single precision.
   * @param {Parameter} parameter
   * @param {{ gain?: number }} [options]
   */
  orthogonal(parameter, options = {}) {
    withGain(parameter, 'orthogonal', options);
  },
});
