// What RNN, LSTM and GRU have in common: their options, a forward over whole sequences, its backward,
// and single steps that carry their own state.

import {
  batchOf,
  expectBoolean,
  expectFloats,
  expectLength,
  expectNumber,
  expectOptions,
  expectSize,
  expectWord,
  fits,
  misfit,
  optionalFloats,
  settle,
  stepsOf,
  wrong,
} from './check.js';
import {
  attempt,
  call,
  copyFloats,
  failure,
  handleOf,
  STATUS,
  stable,
  stage,
  word,
  writeAt,
} from './core.js';
import { ArgumentError } from './errors.js';
import { BATCH_FIRST, BIAS, BIDIRECTIONAL, create } from './kinds.js';
import { Module } from './module.js';
import * as pass from './pass.js';
import * as AT from './places.js';

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

/** A stack of recurrent layers. */
export class Recurrent extends Module {
  #kind;
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
    const settings = settle(kind, options, { ...OPTIONS, ...more });
    const { numLayers, bias, batchFirst, dropout, bidirectional } = settings;
    const { projSize = 0, nonlinearity = kind } = /** @type {Record<string, any>} */ (settings);
    expectSize(inputSize, `${kind} inputSize`);
    expectSize(hiddenSize, `${kind} hiddenSize`);
    if (projSize >= hiddenSize) {
      throw wrong(`${kind} projSize`, `less than hiddenSize = ${hiddenSize}`, projSize);
    }
    if (dropout > 0 && numLayers === 1) {
      console.warn(
        `unrolled: ${kind} dropout acts between layers: with numLayers 1 it does nothing`,
      );
    }
    const flags =
      (bias ? BIAS : 0) | (bidirectional ? BIDIRECTIONAL : 0) | (batchFirst ? BATCH_FIRST : 0);
    super(kind, create(nonlinearity, inputSize, hiddenSize, flags, dropout, numLayers, projSize));
    this.#kind = kind;
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
  get #states() {
    return this.numLayers * (this.bidirectional ? 2 : 1);
  }

  /**
   * @param {Float32Array | undefined} state
   * @param {number} N
   * @param {'h0' | 'c0' | 'hn' | 'cn'} name
   * @param {string} what
   */
  #checkState(state, N, name, what) {
    if (state === undefined) return undefined;
    const cell = name.startsWith('c');
    const [rows, size] = [this.#states, this.#stateSize(cell)];
    const made = `[L·D][N][${cell ? 'H' : 'Ho'}] = [${rows}][${N}][${size}]`;
    return expectLength(state, rows * N * size, `${what} ${name} ${made}`);
  }

  /**
   * @param {Float32Array} input  [T][N][I], or [N][T][I] with batchFirst
   * @param {{ batch?: number, h0?: Float32Array }} [options]
   *   batch: N (default 1); h0 [L·D][N][Ho] (default zeros)
   * @returns {SequenceResult}  output [T][N][D·Ho] (or [N][T][D·Ho]), hn [L·D][N][Ho]
   * @throws {ShapeError} when a length does not fit; nothing has changed then
   */
  forward(input, options = {}) {
    const handle = handleOf(this);
    const what = `${this.#kind} forward`;
    const N = batchOf(options, what, this.#hasCell ? ['batch', 'h0', 'c0'] : ['batch', 'h0']);
    const data = expectFloats(input, `${what} input`);
    const I = this.inputSize;
    const T = stepsOf(data.length, N, I, `${what} input`);
    const { h0, c0 } = /** @type {{ h0?: Float32Array, c0?: Float32Array }} */ (options);
    const h = this.#checkState(h0, N, 'h0', what);
    const c = this.#checkState(c0, N, 'c0', what);
    pass.forward(handle, T, N, I, data, h, c);
    const output = pass.take(AT.OUTPUT, AT.OUTPUTS);
    const hn = pass.take(AT.HN, AT.HS);
    const result = this.#hasCell ? { output, hn, cn: pass.take(AT.CN, AT.CS) } : { output, hn };
    return result;
  }

  /**
   * Gradients of the last forward: adds to every parameter's gradient, returns those of the inputs.
   * @param {Float32Array | null} gradOutput  as output; null: only the states count
   * @param {{ hn?: Float32Array }} [state]
   * @returns {{ input: Float32Array, h0: Float32Array }}
   */
  backward(gradOutput, state = {}) {
    const handle = handleOf(this);
    const what = `${this.#kind} backward`;
    expectOptions(state, this.#hasCell ? ['hn', 'cn'] : ['hn'], what);
    const { hn, cn } = /** @type {{ hn?: Float32Array, cn?: Float32Array }} */ (state);
    // before any call: what is a view of the library's memory is copied here
    const given = gradOutput === null ? null : expectFloats(gradOutput, `${what} gradOutput`);
    const [dhn, dcn] = [optionalFloats(hn, `${what} hn`), optionalFloats(cn, `${what} cn`)];
    pass.expectPending(handle, what);
    const N = word(AT.HS) / (this.#states * this.#stateSize(false));
    const dy = given && expectLength(given, word(AT.OUTPUTS), `${what} gradOutput`);
    const dh = this.#checkState(dhn, N, 'hn', what);
    const dc = this.#checkState(dcn, N, 'cn', what);
    pass.backward(handle, dy, dh, dc);
    const dx = pass.take(AT.GRAD_INPUT, AT.INPUTS);
    const dh0 = pass.take(AT.GRAD_H, AT.HS);
    const result = this.#hasCell
      ? { input: dx, h0: dh0, c0: pass.take(AT.GRAD_C, AT.CS) }
      : { input: dx, h0: dh0 };
    return result;
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
    const handle = handleOf(this);
    const what = `${this.#kind} step`;
    const N = batchOf(options, what);
    this.#expectOneDirection(what);
    const I = this.inputSize;
    const data = fits(input, N * I)
      ? stable(input)
      : expectLength(input, N * I, `${what} input [N][I] = [${N}][${I}]`);
    const status = attempt('step_reserve', handle, N);
    if (status === STATUS.SHAPE) {
      throw misfit(`${what} batch`, `${this.#stepBatch} until resetState() is called`, N);
    }
    if (status < 0) throw failure(status, what);
    this.#stepBatch = N;
    writeAt(word(0), data);
    const at = word(1);
    const length = word(2);
    call('step', handle);
    return copyFloats(at, length);
  }

  /**
   * Sets the carried state to zeros, or to what is given; the batch size follows from its length.
   * @param {{ h0?: Float32Array, c0?: Float32Array }} [state]  [L][N][Ho] and (LSTM) [L][N][H]
   */
  resetState(state = {}) {
    const handle = handleOf(this);
    const what = `${this.#kind} resetState`;
    expectOptions(state, this.#hasCell ? ['h0', 'c0'] : ['h0'], what);
    this.#expectOneDirection(what);
    const [h0, c0] = [
      optionalFloats(state.h0, `${what} h0`),
      optionalFloats(state.c0, `${what} c0`),
    ];
    const first = h0 ?? c0;
    let N = 0; // forgets it
    if (first) {
      N = Math.max(1, Math.floor(first.length / (this.#states * this.#stateSize(first === c0))));
    }
    const h = this.#checkState(h0, N, 'h0', what);
    const c = this.#checkState(c0, N, 'c0', what);
    const hAt = stage((h?.byteLength ?? 0) + (c?.byteLength ?? 0));
    const cAt = hAt + (h?.byteLength ?? 0);
    if (h) writeAt(hAt, h);
    if (c) writeAt(cAt, c);
    call('reset_state', handle, N, h ? hAt : 0, c ? cAt : 0);
    this.#stepBatch = N;
  }

  /** @param {string} what */
  #expectOneDirection(what) {
    if (!this.bidirectional) return;
    throw new ArgumentError(`${what}: a bidirectional ${this.#kind} has no single step`);
  }
}
