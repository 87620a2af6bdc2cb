import { expectBoolean, expectSize, settle } from './check.js';
import { BIAS, create } from './kinds.js';
import { Rowwise } from './rowwise.js';

/**
 * y = x Wᵀ + b over the last axis; weight [K][I], bias [K]. As torch.nn.Linear:
 * https://pytorch.org/docs/stable/generated/torch.nn.Linear.html
 */
export class Linear extends Rowwise {
  /**
   * @param {number} inFeatures  I
   * @param {number} outFeatures  K
   * @param {{ bias?: boolean }} [options]
   */
  constructor(inFeatures, outFeatures, options = {}) {
    const { bias } = settle('Linear', options, { bias: [true, expectBoolean] });
    expectSize(inFeatures, 'Linear inFeatures');
    expectSize(outFeatures, 'Linear outFeatures');
    super('Linear', create('Linear', inFeatures, outFeatures, bias ? BIAS : 0));
    /** @readonly */
    this.inFeatures = inFeatures;
    /** @readonly */
    this.outFeatures = outFeatures;
    /** @readonly */
    this.bias = bias;
  }
}
