// What RNN, LSTM and GRU have in common: their options, a forward over whole sequences, its backward,
// and single steps that carry their own state.

import {
  expectBoolean,
  expectFloats,
  expectLength,
  expectNumber,
  expectOptions,
  expectSize,
  fits,
  optionalFloats,
  stepsOf,
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
import { ArgumentError, ShapeError } from './errors.js';
import { AT, expectPending, HAS_C, HAS_H, HAS_OUTPUT, keeping, Module, take } from './module.js';

/** As src/unrolled.h numbers them. */
export const KIND = Object.freeze({ tanh: 0, relu: 1, identity: 2, LSTM: 3, GRU: 4 });
export const BIAS = 1;
const BIDIRECTIONAL = 2;
const BATCH_FIRST = 4;

/**
 * The options of PyTorch's recurrent layers, with its defaults.
 * @typedef {{ numLayers?: number, bias?: boolean, batchFirst?: boolean, dropout?: number,
 *   bidirectional?: boolean }} SequenceOptions
 */

const SEQUENCE_OPTIONS = ['numLayers', 'bias', 'batchFirst', 'dropout', 'bidirectional'];

/**
 * What a walk over sequences gives: output [T][N][D·Ho], of every step ([N][T][D·Ho] with batchFirst), and
 * hn [L·D][N][Ho], after the last.
 * @typedef {{ output: Float32Array, hn: Float32Array }} SequenceResult
 */

/** A stack of recurrent layers. */
export class Recurrent extends Module {
  #kind;
  #cell;
  #stepBatch = 0; // sequences whose state is carried by step(); 0: none yet

  /**
   * @param {string} kind  the class's name
   * @param {number} cell  of KIND
   * @param {number} inputSize
   * @param {number} hiddenSize
   * @param {SequenceOptions & { projSize?: number }} options
   * @param {string[]} more  names of options beyond the common ones
   */
  constructor(kind, cell, inputSize, hiddenSize, options, more) {
    expectOptions(options, [...SEQUENCE_OPTIONS, ...more], kind);
    const {
      numLayers = 1,
      bias = true,
      batchFirst = false,
      dropout = 0,
      bidirectional = false,
      projSize = 0,
    } = options;
    expectSize(inputSize, `${kind} inputSize`);
    expectSize(hiddenSize, `${kind} hiddenSize`);
    expectSize(numLayers, `${kind} numLayers`);
    expectBoolean(bias, `${kind} bias`);
    expectBoolean(batchFirst, `${kind} batchFirst`);
    expectNumber(dropout, `${kind} dropout`, 0, 1);
    expectBoolean(bidirectional, `${kind} bidirectional`);
    if (projSize !== 0 && expectSize(projSize, `${kind} projSize`) >= hiddenSize) {
      throw new ArgumentError(
        `${kind} projSize: expected less than hiddenSize = ${hiddenSize}, got ${projSize}`,
      );
    }
    if (dropout > 0 && numLayers === 1) {
      console.warn(
        `unrolled: ${kind} dropout acts after every layer but the last: with numLayers 1 it does nothing`,
      );
    }
    const flags =
      (bias ? BIAS : 0) | (bidirectional ? BIDIRECTIONAL : 0) | (batchFirst ? BATCH_FIRST : 0);
    super(
      kind,
      call('stack_create', cell, inputSize, hiddenSize, numLayers, projSize, dropout, flags),
    );
    this.#kind = kind;
    this.#cell = cell === KIND.LSTM;
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
    this.projSize = projSize;
  }

  /** Rows of the states, L·D. */
  get #states() {
    return this.numLayers * (this.bidirectional ? 2 : 1);
  }

  /** Values of h, or of c, for a batch of N. @param {number} N @param {boolean} cell */
  #stateLength(N, cell) {
    return this.#states * N * (cell ? this.hiddenSize : this.projSize || this.hiddenSize);
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
    const size = cell ? this.hiddenSize : this.projSize || this.hiddenSize;
    const made = `[L·D][N][${cell ? 'H' : 'Ho'}] = [${this.#states}][${N}][${size}]`;
    return expectLength(state, this.#stateLength(N, cell), `${what} ${name} ${made}`);
  }

  /**
   * @protected
   * @param {Float32Array} input
   * @param {{ batch?: number, h0?: Float32Array, c0?: Float32Array }} options
   */
  runForward(input, options) {
    const handle = handleOf(this);
    const what = `${this.#kind} forward`;
    expectOptions(options, this.#cell ? ['batch', 'h0', 'c0'] : ['batch', 'h0'], what);
    const N = options.batch === undefined ? 1 : expectSize(options.batch, `${what} batch`);
    const data = expectFloats(input, `${what} input`);
    const T = stepsOf(data.length, N, this.inputSize, `${what} input`);
    const h0 = this.#checkState(options.h0, N, 'h0', what);
    const c0 = this.#checkState(options.c0, N, 'c0', what);

    call('reserve', handle, T, N, this.inputSize, keeping());
    writeAt(word(AT.INPUT), data);
    if (h0) writeAt(word(AT.H0), h0);
    if (c0) writeAt(word(AT.C0), c0);
    call('forward', handle, (h0 ? HAS_H : 0) | (c0 ? HAS_C : 0));
    return {
      output: take(AT.OUTPUT, AT.OUTPUTS),
      hn: take(AT.HN, AT.HS),
      cn: this.#cell ? take(AT.CN, AT.CS) : undefined,
    };
  }

  /**
   * @protected
   * @param {Float32Array | null} gradOutput
   * @param {{ hn?: Float32Array, cn?: Float32Array }} state
   */
  runBackward(gradOutput, state) {
    const handle = handleOf(this);
    const what = `${this.#kind} backward`;
    expectOptions(state, this.#cell ? ['hn', 'cn'] : ['hn'], what);
    // before any call: what is a view of the library's memory is copied here
    const given = gradOutput === null ? null : expectFloats(gradOutput, `${what} gradOutput`);
    const [dhn, dcn] = [
      optionalFloats(state.hn, `${what} hn`),
      optionalFloats(state.cn, `${what} cn`),
    ];
    expectPending(handle, this.#kind);
    const outputs = word(AT.OUTPUTS);
    const N = word(AT.HS) / this.#stateLength(1, false);
    const dy = given && expectLength(given, outputs, `${what} gradOutput`);
    const hn = this.#checkState(dhn, N, 'hn', what);
    const cn = this.#checkState(dcn, N, 'cn', what);

    if (dy) writeAt(word(AT.GRAD_OUTPUT), dy);
    if (hn) writeAt(word(AT.GRAD_H), hn);
    if (cn) writeAt(word(AT.GRAD_C), cn);
    call('backward', handle, (dy ? HAS_OUTPUT : 0) | (hn ? HAS_H : 0) | (cn ? HAS_C : 0));
    return {
      input: take(AT.GRAD_INPUT, AT.INPUTS),
      h0: take(AT.GRAD_H, AT.HS),
      c0: this.#cell ? take(AT.GRAD_C, AT.CS) : undefined,
    };
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
    expectOptions(options, ['batch'], what);
    this.#expectOneDirection(what);
    const N = options.batch === undefined ? 1 : expectSize(options.batch, `${what} batch`);
    const I = this.inputSize;
    const data = fits(input, N * I)
      ? stable(input)
      : expectLength(input, N * I, `${what} input [N][I] = [${N}][${I}]`);
    const status = attempt('step_reserve', handle, N);
    if (status === STATUS.SHAPE) {
      throw new ShapeError(
        `${what} batch: the carried state is of ${this.#stepBatch} sequences, got ${N}; ` +
          'call resetState() first',
      );
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
    expectOptions(state, this.#cell ? ['h0', 'c0'] : ['h0'], what);
    this.#expectOneDirection(what);
    const { h0, c0 } = state;
    if (h0 === undefined && c0 === undefined) {
      call('reset_state', handle, 0, 0, 0);
      this.#stepBatch = 0;
      return;
    }
    const [first, cell] = h0 === undefined ? [c0, true] : [expectFloats(h0, `${what} h0`), false];
    const one = this.#stateLength(1, cell);
    const N = Math.max(1, Math.floor(expectFloats(first, `${what} c0`).length / one));
    const h = this.#checkState(h0, N, 'h0', what);
    const c = this.#checkState(c0, N, 'c0', what);
    const at = stage(4 * ((h?.length ?? 0) + (c?.length ?? 0)));
    const cAt = at + 4 * (h?.length ?? 0);
    if (h) writeAt(at, h);
    if (c) writeAt(cAt, c);
    call('reset_state', handle, N, h ? at : 0, c ? cAt : 0);
    this.#stepBatch = N;
  }

  /** @param {string} what */
  #expectOneDirection(what) {
    if (!this.bidirectional) return;
    throw new ArgumentError(
      `${what}: a bidirectional ${this.#kind} reads the whole sequence, it has no single step`,
    );
  }
}
