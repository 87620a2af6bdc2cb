import { expectSize } from './check.js';
import { Recurrent } from './recurrent.js';

/** @typedef {import('./recurrent.js').SequenceOptions} SequenceOptions */
/** @typedef {import('./recurrent.js').SequenceResult} SequenceResult */

/**
 * A stack of LSTM layers: gates i, f, g, o. Parameters, names, defaults and initialization as
 * torch.nn.LSTM: https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html
 */
export class LSTM extends Recurrent {
  /**
   * @param {number} inputSize  I
   * @param {number} hiddenSize  H
   * @param {SequenceOptions & { projSize?: number }} [options]  projSize: P < H, default 0, none
   */
  constructor(inputSize, hiddenSize, options = {}) {
    super('LSTM', inputSize, hiddenSize, options, { projSize: [0, expectProjection] });
  }

  /**
   * @param {Float32Array} input  [T][N][I], or [N][T][I] with batchFirst
   * @param {{ batch?: number, h0?: Float32Array, c0?: Float32Array }} [options]
   *   batch: N (default 1); h0 [L·D][N][Ho] and c0 [L·D][N][H] (default zeros)
   * @returns {SequenceResult & { cn: Float32Array }}
   *   output [T][N][D·Ho] (or [N][T][D·Ho]), hn [L·D][N][Ho], cn [L·D][N][H]
   * @throws {ShapeError} when a length does not fit; nothing has changed then
   * @override
   */
  forward(input, options = {}) {
    return /** @type {SequenceResult & { cn: Float32Array }} */ (super.forward(input, options));
  }

  /**
   * Gradients of the last forward: adds to every parameter's gradient, returns those of the inputs.
   * @param {Float32Array | null} gradOutput  as output; null: only the states count
   * @param {{ hn?: Float32Array, cn?: Float32Array }} [state]
   * @returns {{ input: Float32Array, h0: Float32Array, c0: Float32Array }}
   * @override
   */
  backward(gradOutput, state = {}) {
    /** @type {any} LSTM's, with c0 */
    const gradients = super.backward(gradOutput, state);
    return gradients;
  }
}

/** @param {unknown} size @param {string} name */
function expectProjection(size, name) {
  return size === 0 ? 0 : expectSize(size, name);
}
