import { handleOf } from './core.js';
import { KIND, Recurrent } from './recurrent.js';

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
    super('LSTM', KIND.LSTM, inputSize, hiddenSize, options, ['projSize']);
  }

  /**
   * @param {Float32Array} input  [T][N][I], or [N][T][I] with batchFirst
   * @param {{ batch?: number, h0?: Float32Array, c0?: Float32Array }} [options]
   *   batch: N (default 1); h0 [L·D][N][Ho] and c0 [L·D][N][H] (default zeros)
   * @returns {SequenceResult & { cn: Float32Array }}
   *   output [T][N][D·Ho] (or [N][T][D·Ho]), hn [L·D][N][Ho], cn [L·D][N][H]
   * @throws {ShapeError} when a length does not fit; nothing has changed then
   */
  forward(input, options = {}) {
    handleOf(this);
    const { output, hn, cn } = this.runForward(input, options);
    return { output, hn, cn: /** @type {Float32Array} */ (cn) };
  }

  /**
   * Gradients of the last forward: adds to every parameter's gradient, returns those of the inputs.
   * @param {Float32Array | null} gradOutput  as output; null: only the states count
   * @param {{ hn?: Float32Array, cn?: Float32Array }} [state]
   * @returns {{ input: Float32Array, h0: Float32Array, c0: Float32Array }}
   */
  backward(gradOutput, state = {}) {
    handleOf(this);
    const { input, h0, c0 } = this.runBackward(gradOutput, state);
    return { input, h0, c0: /** @type {Float32Array} */ (c0) };
  }
}
