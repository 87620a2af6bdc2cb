import { Recurrent } from './recurrent.js';

/** @typedef {import('./recurrent.js').SequenceOptions} SequenceOptions */

/**
 * A stack of GRU layers: gates r, z, n, the reset gate after the recurrent product. Parameters, names,
 * defaults and initialization as torch.nn.GRU:
 * https://pytorch.org/docs/stable/generated/torch.nn.GRU.html
 * @extends {Recurrent<'h'>}
 */
export class GRU extends Recurrent {
  /**
   * @param {number} inputSize  I
   * @param {number} hiddenSize  H
   * @param {SequenceOptions} [options]
   */
  constructor(inputSize, hiddenSize, options = {}) {
    super('GRU', inputSize, hiddenSize, options);
  }
}
