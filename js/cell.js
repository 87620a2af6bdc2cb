// RNNCell, GRUCell, LSTMCell: one step, for loops written by hand. Forwards stack up, each backward
// undoes the newest, zeroGrad() forgets those that wait.

import {
  expectBoolean,
  expectFloats,
  expectLength,
  expectOneOf,
  expectOptions,
  expectSize,
  optionalFloats,
} from './check.js';
import { call, handleOf, word, writeAt } from './core.js';
import { ArgumentError, ShapeError } from './errors.js';
import { AT, expectPending, HAS_C, HAS_H, keeping, Module, take } from './module.js';
import { BIAS, KIND } from './recurrent.js';

class Cell extends Module {
  #kind;

  /**
   * @param {string} kind
   * @param {number} cell  of KIND
   * @param {number} inputSize
   * @param {number} hiddenSize
   * @param {{ bias?: boolean }} options
   * @param {string[]} more
   */
  constructor(kind, cell, inputSize, hiddenSize, options, more) {
    expectOptions(options, ['bias', ...more], kind);
    const { bias = true } = options;
    expectSize(inputSize, `${kind} inputSize`);
    expectSize(hiddenSize, `${kind} hiddenSize`);
    expectBoolean(bias, `${kind} bias`);
    super(kind, call('cell_create', cell, inputSize, hiddenSize, bias ? BIAS : 0));
    this.#kind = kind;
    /** @readonly */
    this.inputSize = inputSize;
    /** @readonly */
    this.hiddenSize = hiddenSize;
    /** @readonly */
    this.bias = bias;
  }

  /**
   * @protected
   * @param {Float32Array} x
   * @param {Float32Array | undefined} h
   * @param {Float32Array | undefined} c
   * @param {{ batch?: number }} options
   */
  runForward(x, h, c, options) {
    const handle = handleOf(this);
    const { inputSize: I, hiddenSize: H } = this;
    const what = `${this.#kind} forward`;
    expectOptions(options, ['batch'], what);
    const data = expectFloats(x, `${what} x`);
    const N =
      options.batch === undefined ? data.length / I : expectSize(options.batch, `${what} batch`);
    if (!Number.isInteger(N) || N < 1 || data.length !== N * I) {
      throw new ShapeError(`${what} x: expected [N][I] with I = ${I}, got ${data.length} values`);
    }
    const state = `[N][H] = [${N}][${H}]`;
    const h0 = h === undefined ? undefined : expectLength(h, N * H, `${what} h ${state}`);
    const c0 = c === undefined ? undefined : expectLength(c, N * H, `${what} c ${state}`);

    call('reserve', handle, 1, N, I, keeping());
    writeAt(word(AT.INPUT), data);
    if (h0) writeAt(word(AT.H0), h0);
    if (c0) writeAt(word(AT.C0), c0);
    call('forward', handle, (h0 ? HAS_H : 0) | (c0 ? HAS_C : 0));
    return { h: take(AT.HN, AT.HS), c: take(AT.CN, AT.CS) };
  }

  /**
   * @protected
   * @param {Float32Array | undefined} h
   * @param {Float32Array | undefined} c
   */
  runBackward(h, c) {
    const handle = handleOf(this);
    const what = `${this.#kind} backward`;
    // before any call: what is a view of the library's memory is copied here
    const [gh, gc] = [
      optionalFloats(h, `${what} gradient of h`),
      optionalFloats(c, `${what} gradient of c`),
    ];
    expectPending(handle, this.#kind);
    const length = word(AT.HS);
    const dh = gh && expectLength(gh, length, `${what} gradient of h`);
    const dc = gc && expectLength(gc, length, `${what} gradient of c`);
    if (dh) writeAt(word(AT.GRAD_H), dh);
    if (dc) writeAt(word(AT.GRAD_C), dc);
    call('backward', handle, (dh ? HAS_H : 0) | (dc ? HAS_C : 0));
    return {
      x: take(AT.GRAD_INPUT, AT.INPUTS),
      h: take(AT.GRAD_H, AT.HS),
      c: take(AT.GRAD_C, AT.CS),
    };
  }
}

/** One Elman step, h' = f(W_ih x + b_ih + W_hh h + b_hh). As torch.nn.RNNCell. */
export class RNNCell extends Cell {
  /**
   * @param {number} inputSize  I
   * @param {number} hiddenSize  H
   * @param {{ bias?: boolean, nonlinearity?: 'tanh' | 'relu' | 'identity' }} [options]
   */
  constructor(inputSize, hiddenSize, options = {}) {
    const { nonlinearity = 'tanh' } = options ?? {};
    const kind = expectOneOf(nonlinearity, ['tanh', 'relu', 'identity'], 'RNNCell nonlinearity');
    super('RNNCell', KIND[kind], inputSize, hiddenSize, options, ['nonlinearity']);
    /** @readonly */
    this.nonlinearity = kind;
  }

  /**
   * @param {Float32Array} x  [N][I]
   * @param {Float32Array} [h]  [N][H], default zeros
   * @param {{ batch?: number }} [options]  N, by default from the length of x
   * @returns {Float32Array}  h' [N][H]
   */
  forward(x, h, options = {}) {
    handleOf(this);
    return this.runForward(x, h, undefined, options).h;
  }

  /**
   * Undoes the newest forward that waits.
   * @param {Float32Array} gradH  of h' [N][H]
   * @returns {{ x: Float32Array, h: Float32Array }}
   */
  backward(gradH) {
    handleOf(this);
    const { x, h } = this.runBackward(expectFloats(gradH, 'RNNCell backward gradH'), undefined);
    return { x, h };
  }
}

/** One GRU step, gates r, z, n. As torch.nn.GRUCell. */
export class GRUCell extends Cell {
  /**
   * @param {number} inputSize  I
   * @param {number} hiddenSize  H
   * @param {{ bias?: boolean }} [options]
   */
  constructor(inputSize, hiddenSize, options = {}) {
    super('GRUCell', KIND.GRU, inputSize, hiddenSize, options, []);
  }

  /**
   * @param {Float32Array} x  [N][I]
   * @param {Float32Array} [h]  [N][H], default zeros
   * @param {{ batch?: number }} [options]  N, by default from the length of x
   * @returns {Float32Array}  h' [N][H]
   */
  forward(x, h, options = {}) {
    handleOf(this);
    return this.runForward(x, h, undefined, options).h;
  }

  /**
   * Undoes the newest forward that waits.
   * @param {Float32Array} gradH  of h' [N][H]
   * @returns {{ x: Float32Array, h: Float32Array }}
   */
  backward(gradH) {
    handleOf(this);
    const { x, h } = this.runBackward(expectFloats(gradH, 'GRUCell backward gradH'), undefined);
    return { x, h };
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
    super('LSTMCell', KIND.LSTM, inputSize, hiddenSize, options, []);
  }

  /**
   * @param {Float32Array} x  [N][I]
   * @param {{ h?: Float32Array, c?: Float32Array }} [state]  [N][H] each, default zeros
   * @param {{ batch?: number }} [options]  N, by default from the length of x
   * @returns {{ h: Float32Array, c: Float32Array }}
   */
  forward(x, state = {}, options = {}) {
    handleOf(this);
    expectOptions(state, ['h', 'c'], 'LSTMCell forward state');
    return this.runForward(x, state.h, state.c, options);
  }

  /**
   * Undoes the newest forward that waits.
   * @param {{ h?: Float32Array, c?: Float32Array }} grad  of h' and c'
   * @returns {{ x: Float32Array, h: Float32Array, c: Float32Array }}
   */
  backward(grad) {
    handleOf(this);
    expectOptions(grad, ['h', 'c'], 'LSTMCell backward grad');
    if (!grad.h && !grad.c)
      throw new ArgumentError('LSTMCell backward grad: expected h, c or both');
    return this.runBackward(grad.h, grad.c);
  }
}
