// What RNN, LSTM and GRU have in common: their options, a forward over whole sequences, its backward,
// and single steps that carry their own state.

import {
  batchOf,
  begin,
  expectBoolean,
  expectFloats,
  expectLength,
  expectNumber,
  expectOptions,
  expectSize,
  expectWord,
  misfit,
  settle,
  stepsOf,
} from './check.js';
import { attempt, call, failure, handleOf, Resource, stage, word, writeAt } from './core.js';
import { ArgumentError } from './errors.js';
import { BATCH_FIRST, BIAS, BIDIRECTIONAL, create } from './kinds.js';
import { Module } from './module.js';
import * as pass from './pass.js';
import * as AT from './places.js';
import * as STATUS from './status.js';

/** @typedef {import('./check.js').Option} Option */

/**
 * The options of PyTorch's recurrent layers, with its defaults.
 * @typedef {{ numLayers?: number, bias?: boolean, batchFirst?: boolean, dropout?: number,
 *   bidirectional?: boolean }} SequenceOptions
 */

const OPTIONS = /** @satisfies {Record<string, Option>} */ ({
  numLayers: [1, expectSize],
  bias: [true, expectBoolean],
  batchFirst: [false, expectBoolean],
  dropout: [0, expectNumber, 0, 1],
  bidirectional: [false, expectBoolean],
});

/** What an Elman layer or cell has besides. */
export const ELMAN = /** @satisfies {Record<string, Option>} */ ({
  nonlinearity: ['tanh', expectWord, ['tanh', 'relu', 'identity']],
});

/**
 * What a walk over sequences gives: output [T][N][D·Ho], of every step ([N][T][D·Ho] with batchFirst), and
 * hn [L·D][N][Ho], after the last.
 * @typedef {{ output: Float32Array, hn: Float32Array }} SequenceResult
 */

/**
 * A stack of recurrent layers.
 * @template {'h' | 'c'} [S='h']  the states it has
 */
export class Recurrent extends Module {
  #hasCell;
  #stepBatch = 0; // sequences whose state is carried by step(); 0: none yet

  /**
   * @param {string} kind  the class's name
   * @param {number} inputSize
   * @param {number} hiddenSize
   * @param {object} options
   * @param {Record<string, Option>} [more]  options beyond the common ones
   */
  constructor(kind, inputSize, hiddenSize, options, more = {}) {
    expectSize(inputSize, `${kind} inputSize`);
    expectSize(hiddenSize, `${kind} hiddenSize`);
    const settings = settle(kind, options, { ...OPTIONS, ...more });
    const { numLayers, bias, batchFirst, dropout, bidirectional } = settings;
    const { projSize = 0, nonlinearity = kind } = /** @type {Record<string, any>} */ (settings);
    if (dropout > 0 && numLayers === 1) {
      console.warn(
        `unrolled: ${kind} dropout acts between layers: with numLayers 1 it does nothing`,
      );
    }
    const flags =
      (bias ? BIAS : 0) | (bidirectional ? BIDIRECTIONAL : 0) | (batchFirst ? BATCH_FIRST : 0);
    super(kind, create(nonlinearity, inputSize, hiddenSize, flags, dropout, numLayers, projSize));
    this.#hasCell = kind === 'LSTM';
    /** @readonly */
    this.inputSize = inputSize;
    /** @readonly */
    this.hiddenSize = hiddenSize;
    /** @readonly */
    this.numLayers = numLayers;
    /** @readonly */
    this.bias = bias;
    /** @readonly */
    this.batchFirst = batchFirst;
    /** @readonly */
    this.dropout = dropout;
    /** @readonly */
    this.bidirectional = bidirectional;
    /** @readonly 0: none */
    this.projSize = /** @type {number} */ (projSize);
  }

  /** Values of a row of h, Ho, or of c, H. @param {boolean} cell */
  #stateSize(cell) {
    return cell ? this.hiddenSize : this.projSize || this.hiddenSize;
  }

  /** Rows of the states, L·D. */
  get #rows() {
    return this.numLayers * (this.bidirectional ? 2 : 1);
  }

  /** The names of the states before ('0') or after ('n') the steps. @param {'0' | 'n'} when */
  #stateNames(when) {
    return this.#hasCell ? [`h${when}`, `c${when}`] : [`h${when}`];
  }

  /**
   * Those of the states that are given, checked.
   * @param {Record<string, any>} given
   * @param {string[]} names
   * @param {number} N
   * @param {string} what
   * @returns {(Float32Array | undefined)[]}
   */
  #statesOf(given, names, N, what) {
    return names.map((name, i) => {
      if (given[name] === undefined) return undefined;
      const cell = i === 1;
      const [rows, size] = [this.#rows, this.#stateSize(cell)];
      const made = `[L·D][N][${cell ? 'H' : 'Ho'}] = [${rows}][${N}][${size}]`;
      return expectLength(given[name], rows * N * size, `${what} ${name} ${made}`);
    });
  }

  /**
   * @param {Float32Array} input  [T][N][I], or [N][T][I] with batchFirst
   * @param {{ batch?: number } & { [name in `${S}0`]?: Float32Array }} [options]
   *   batch: N (default 1); h0 [L·D][N][Ho] and, of an LSTM, c0 [L·D][N][H] (default zeros)
   * @returns {SequenceResult & { [name in `${S}n`]: Float32Array }}
   *   output [T][N][D·Ho] (or [N][T][D·Ho]), hn [L·D][N][Ho] and, of an LSTM, cn [L·D][N][H]
   * @throws {ShapeError} when a length does not fit; nothing has changed then
   */
  forward(input, options = {}) {
    const { handle, what } = begin(this, 'forward');
    const names = this.#stateNames('0');
    const N = batchOf(options, what, ['batch', ...names]);
    const data = expectFloats(input, `${what} input`);
    const I = this.inputSize;
    const T = stepsOf(data.length, N, I, `${what} input`);
    pass.forward(handle, T, N, I, data, ...this.#statesOf(options, names, N, what));
    /** @type {any} */
    const result = { output: pass.take(AT.OUTPUT, AT.OUTPUTS), hn: pass.take(AT.HN, AT.HS) };
    if (this.#hasCell) result.cn = pass.take(AT.CN, AT.CS);
    return result;
  }

  /**
   * Gradients of the last forward: adds to every parameter's gradient, returns those of the inputs.
   * @param {Float32Array | null} gradOutput  as output; null: only the states count
   * @param {{ [name in `${S}n`]?: Float32Array }} [state]  gradients of hn and, of an LSTM, cn
   * @returns {{ input: Float32Array } & { [name in `${S}0`]: Float32Array }}
   */
  backward(gradOutput, state = {}) {
    const { handle, what } = begin(this, 'backward');
    const names = this.#stateNames('n');
    expectOptions(state, names, what);
    const { hn, cn } = /** @type {any} */ (state); // before the out block is read: they may be getters
    pass.expectPending(handle, what);
    const N = word(AT.HS) / (this.#rows * this.#stateSize(false));
    const dy =
      gradOutput === null ? null : expectLength(gradOutput, word(AT.OUTPUTS), `${what} gradOutput`);
    pass.backward(handle, dy, ...this.#statesOf({ hn, cn }, names, N, what));
    /** @type {any} */
    const gradients = {
      input: pass.take(AT.GRAD_INPUT, AT.INPUTS),
      h0: pass.take(AT.GRAD_H, AT.HS),
    };
    if (this.#hasCell) gradients.c0 = pass.take(AT.GRAD_C, AT.CS);
    return gradients;
  }

  /**
   * One step of inference that carries its own state, for live streams; the state starts from zeros.
   * @param {Float32Array} input  [N][I]
   * @param {{ batch?: number }} [options]  N (default 1)
   * @returns {Float32Array}  [N][Ho], the last layer's h
   * @throws {ShapeError} when the carried state is of another batch size: resetState() first
   * @throws {ArgumentError} for a bidirectional stack, which needs the whole sequence
   */
  step(input, options = {}) {
    const handle = handleOf(this); // as begin() does, without an object for every step
    const what = `${Resource.kindOf(this)} step`;
    const N = batchOf(options, what);
    this.#expectOneDirection(what);
    const data = expectLength(input, N * this.inputSize, `${what} input [N][I]`);
    const status = attempt('step_reserve', handle, N);
    if (status < 0) {
      const expected = `${this.#stepBatch} until resetState() is called`;
      throw failure(status, what, { [STATUS.SHAPE]: misfit(`${what} batch`, expected, N) });
    }
    this.#stepBatch = N;
    writeAt(word(AT.INPUT), data);
    call('step', handle);
    return pass.take(AT.OUTPUT, AT.OUTPUTS);
  }

  /**
   * Sets the carried state to zeros, or to what is given; the batch size follows from its length.
   * @param {{ [name in `${S}0`]?: Float32Array }} [state]  [L][N][Ho] and (LSTM) [L][N][H]
   */
  resetState(state = {}) {
    const { handle, what } = begin(this, 'resetState');
    const names = this.#stateNames('0');
    expectOptions(state, names, what);
    this.#expectOneDirection(what);
    /** @type {{ h0?: Float32Array, c0?: Float32Array }} */
    const { h0, c0 } = state;
    const first = h0 === undefined ? c0 : h0;
    const values = this.#rows * this.#stateSize(h0 === undefined); // of a sequence
    const length = first instanceof Float32Array ? first.length : 0; // what is none is refused below
    const N = first === undefined ? 0 : Math.floor(length / values) || 1; // 0 forgets
    const [h, c] = this.#statesOf({ h0, c0 }, names, N, what);
    const bytes = 4 * this.#rows * N * this.hiddenSize; // for the larger of the two
    const at = stage(2 * bytes);
    call('reset_state', handle, N, pass.put(at, h), pass.put(at + bytes, c));
    this.#stepBatch = N;
  }

  /** @param {string} what */
  #expectOneDirection(what) {
    if (!this.bidirectional) return;
    throw new ArgumentError(`${what}: what is bidirectional has no single step`);
  }
}
