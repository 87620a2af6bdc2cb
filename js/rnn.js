import { ELMAN, Recurrent } from './recurrent.js';

/** @typedef {import('./recurrent.js').SequenceOptions} SequenceOptions */

/**
 * A stack of Elman layers, h' = f(W_ih x + b_ih + W_hh h + b_hh), f = tanh, relu or the identity.
 * Parameters, names, defaults and initialization (uniform ±1/√H from the global stream) as torch.nn.RNN:
 * https://pytorch.org/docs/stable/generated/torch.nn.RNN.html
 * @extends {Recurrent<'h'>}
 */
export class RNN extends Recurrent {
  /**
   * @param {number} inputSize  I
   * @param {number} hiddenSize  H
   * @param {SequenceOptions & { nonlinearity?: 'tanh' | 'relu' | 'identity' }} [options]
   */
  constructor(inputSize, hiddenSize, options = {}) {
    super('RNN', inputSize, hiddenSize, options, ELMAN);
    /** @readonly */
    this.nonlinearity = options.nonlinearity ?? 'tanh';
  }
}
