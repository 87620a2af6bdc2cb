// RNNCell, GRUCell, LSTMCell: one step, for loops written by hand. Forwards stack up, each backward
// undoes the newest, zeroGrad() forgets those that wait.

import {
  batchOf,
  begin,
  expectBoolean,
  expectFloats,
  expectLength,
  expectOptions,
  expectSize,
  optionalLength,
  settle,
  stepsOf,
  wrong,
} from './check.js';
import { word } from './core.js';
import { BIAS, CELL, create } from './kinds.js';
import { Module } from './module.js';
import * as pass from './pass.js';
import * as AT from './places.js';
import { ELMAN } from './recurrent.js';

class Cell extends Module {
  /**
   * @param {string} kind
   * @param {number} inputSize
   * @param {number} hiddenSize
   * @param {object} options
   * @param {Record<string, import('./check.js').Option>} [more]  options beyond bias
   */
  constructor(kind, inputSize, hiddenSize, options, more = {}) {
    const settings = settle(kind, options, { bias: [true, expectBoolean], ...more });
    const { bias, nonlinearity = kind.replace('Cell', '') } =
      /** @type {{ bias: boolean, nonlinearity?: string }} */ (settings);
    expectSize(inputSize, `${kind} inputSize`);
    expectSize(hiddenSize, `${kind} hiddenSize`);
    super(kind, create(nonlinearity, inputSize, hiddenSize, CELL | (bias ? BIAS : 0)));
    /** @readonly */
    this.inputSize = inputSize;
    /** @readonly */
    this.hiddenSize = hiddenSize;
    /** @readonly */
    this.bias = bias;
  }
}

/** @typedef {{ h?: Float32Array, c?: Float32Array }} State  [N][H] each */
const STATE = ['h', 'c'];

/**
 * @param {Cell} cell
 * @param {Float32Array} x  [N][I]
 * @param {State} state
 * @param {{ batch?: number }} options
 */
function forward(cell, x, state, options) {
  const { handle, what } = begin(cell, 'forward');
  expectOptions(state, STATE, `${what} state`);
  const { h, c } = state;
  const { inputSize: I, hiddenSize: H } = cell;
  const data = expectFloats(x, `${what} x`);
  const N = batchOf(options, what, undefined, 0) || stepsOf(data.length, 1, I, `${what} x`);
  expectLength(data, N * I, `${what} x [N][I] = [${N}][${I}]`);
  const made = `[N][H] = [${N}][${H}]`;
  const h0 = optionalLength(h, N * H, `${what} h ${made}`);
  const c0 = optionalLength(c, N * H, `${what} c ${made}`);
  pass.forward(handle, 1, N, I, data, h0, c0);
  return { h: pass.take(AT.HN, AT.HS), c: pass.take(AT.CN, AT.CS) };
}

/** @param {Cell} cell @param {State} grad */
function backward(cell, grad) {
  const { handle, what } = begin(cell, 'backward');
  expectOptions(grad, STATE, `${what} grad`);
  const { h, c } = grad;
  if (!h && !c) throw wrong(`${what} grad`, 'h, c or both', grad);
  pass.expectPending(handle, what);
  const length = word(AT.HS);
  const dh = optionalLength(h, length, `${what} gradient of h`);
  const dc = optionalLength(c, length, `${what} gradient of c`);
  pass.backward(handle, null, dh, dc);
  return {
    x: pass.take(AT.GRAD_INPUT, AT.INPUTS),
    h: pass.take(AT.GRAD_H, AT.HS),
    c: pass.take(AT.GRAD_C, AT.CS),
  };
}

/** A cell whose state is h alone. */
class PlainCell extends Cell {
  /**
   * @param {Float32Array} x  [N][I]
   * @param {Float32Array} [h]  [N][H], default zeros
   * @param {{ batch?: number }} [options]  N, by default from the length of x
   * @returns {Float32Array}  h' [N][H]
   */
  forward(x, h, options = {}) {
    return forward(this, x, { h }, options).h;
  }

  /**
   * Undoes the newest forward that waits.
   * @param {Float32Array} gradH  of h' [N][H]
   * @returns {{ x: Float32Array, h: Float32Array }}
   */
  backward(gradH) {
    const { what } = begin(this, 'backward');
    const { x, h } = backward(this, { h: expectFloats(gradH, `${what} gradH`) });
    return { x, h };
  }
}

/** One Elman step, h' = f(W_ih x + b_ih + W_hh h + b_hh). As torch.nn.RNNCell. */
export class RNNCell extends PlainCell {
  /**
   * @param {number} inputSize  I
   * @param {number} hiddenSize  H
   * @param {{ bias?: boolean, nonlinearity?: 'tanh' | 'relu' | 'identity' }} [options]
   */
  constructor(inputSize, hiddenSize, options = {}) {
    super('RNNCell', inputSize, hiddenSize, options, ELMAN);
    /** @readonly */
    this.nonlinearity = options.nonlinearity ?? 'tanh';
  }
}

/** One GRU step, gates r, z, n. As torch.nn.GRUCell. */
export class GRUCell extends PlainCell {
  /**
   * @param {number} inputSize  I
   * @param {number} hiddenSize  H
   * @param {{ bias?: boolean }} [options]
   */
  constructor(inputSize, hiddenSize, options = {}) {
    super('GRUCell', inputSize, hiddenSize, options);
  }
}

/** One LSTM step, gates i, f, g, o. As torch.nn.LSTMCell. */
export class LSTMCell extends Cell {
  /**
   * @param {number} inputSize  I
   * @param {number} hiddenSize  H
   * @param {{ bias?: boolean }} [options]
   */
  constructor(inputSize, hiddenSize, options = {}) {
    super('LSTMCell', inputSize, hiddenSize, options);
  }

  /**
   * @param {Float32Array} x  [N][I]
   * @param {{ h?: Float32Array, c?: Float32Array }} [state]  [N][H] each, default zeros
   * @param {{ batch?: number }} [options]  N, by default from the length of x
   * @returns {{ h: Float32Array, c: Float32Array }}
   */
  forward(x, state = {}, options = {}) {
    return forward(this, x, state, options);
  }

  /**
   * Undoes the newest forward that waits.
   * @param {{ h?: Float32Array, c?: Float32Array }} grad  of h' and c'
   * @returns {{ x: Float32Array, h: Float32Array, c: Float32Array }}
   */
  backward(grad) {
    return backward(this, grad);
  }
}
