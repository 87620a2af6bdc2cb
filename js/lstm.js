import { expectSize, wrong } from './check.js';
import { Recurrent } from './recurrent.js';

/** @typedef {import('./recurrent.js').SequenceOptions} SequenceOptions */

/**
 * A stack of LSTM layers: gates i, f, g, o. Parameters, names, defaults and initialization as
 * torch.nn.LSTM: https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html
 * @extends {Recurrent<'h' | 'c'>}
 */
export class LSTM extends Recurrent {
  /**
   * @param {number} inputSize  I
   * @param {number} hiddenSize  H
   * @param {SequenceOptions & { projSize?: number }} [options]  projSize: P < H, default 0, none
   */
  constructor(inputSize, hiddenSize, options = {}) {
    super('LSTM', inputSize, hiddenSize, options, { projSize: [0, expectProjection, hiddenSize] });
  }
}

/** @param {number} size @param {string} name @param {number} hiddenSize */
function expectProjection(size, name, hiddenSize) {
  if (size === 0 || expectSize(size, name) < hiddenSize) return size;
  throw wrong(name, `less than hiddenSize = ${hiddenSize}`, size);
}
