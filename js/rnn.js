import { expectOneOf } from './check.js';
import { handleOf } from './core.js';
import { KIND, Recurrent } from './recurrent.js';

/** @typedef {import('./recurrent.js').SequenceOptions} SequenceOptions */
/** @typedef {import('./recurrent.js').SequenceResult} SequenceResult */

/**
 * A stack of Elman layers, h' = f(W_ih x + b_ih + W_hh h + b_hh), f = tanh, relu or the identity.
 * Parameters, names, defaults and initialization (uniform ±1/√H from the global stream) as torch.nn.RNN:
 * https://pytorch.org/docs/stable/generated/torch.nn.RNN.html
 */
export class RNN extends Recurrent {
  /**
   * @param {number} inputSize  I
   * @param {number} hiddenSize  H
   * @param {SequenceOptions & { nonlinearity?: 'tanh' | 'relu' | 'identity' }} [options]
   */
  constructor(inputSize, hiddenSize, options = {}) {
    const { nonlinearity = 'tanh' } = options ?? {};
    const kind = expectOneOf(nonlinearity, ['tanh', 'relu', 'identity'], 'RNN nonlinearity');
    super('RNN', KIND[kind], inputSize, hiddenSize, options, ['nonlinearity']);
    /** @readonly */
    this.nonlinearity = kind;
  }

  /**
   * @param {Float32Array} input  [T][N][I], or [N][T][I] with batchFirst
   * @param {{ batch?: number, h0?: Float32Array }} [options]
   *   batch: N (default 1); h0 [L·D][N][H] (default zeros)
   * @returns {SequenceResult}  output [T][N][D·H] (or [N][T][D·H]), hn [L·D][N][H]
   * @throws {ShapeError} when a length does not fit; nothing has changed then
   */
  forward(input, options = {}) {
    handleOf(this);
    const { output, hn } = this.runForward(input, options);
    return { output, hn };
  }

  /**
   * Gradients of the last forward: adds to every parameter's gradient, returns those of the inputs.
   * @param {Float32Array | null} gradOutput  as output; null: only the states count
   * @param {{ hn?: Float32Array }} [state]
   * @returns {{ input: Float32Array, h0: Float32Array }}
   */
  backward(gradOutput, state = {}) {
    handleOf(this);
    const { input, h0 } = this.runBackward(gradOutput, state);
    return { input, h0 };
  }
}
