// Modules without parameters. Formulas: https://pytorch.org/docs/stable/nn.html

import { expectNumber, expectSize } from './check.js';
import { call } from './core.js';
import { ArgumentError } from './errors.js';
import { Module } from './module.js';
import { Rowwise } from './rowwise.js';

/** As src/unrolled.h numbers them. */
const KIND = Object.freeze({ Tanh: 0, ReLU: 1, Sigmoid: 2, Softmax: 3, LogSoftmax: 4 });

/** Elementwise hyperbolic tangent. As torch.nn.Tanh. */
export class Tanh extends Rowwise {
  constructor() {
    super('Tanh', call('activation_create', KIND.Tanh, 0), 1);
  }
}

/** Elementwise max(x, 0). As torch.nn.ReLU. */
export class ReLU extends Rowwise {
  constructor() {
    super('ReLU', call('activation_create', KIND.ReLU, 0), 1);
  }
}

/** Elementwise 1 / (1 + e^-x). As torch.nn.Sigmoid. */
export class Sigmoid extends Rowwise {
  constructor() {
    super('Sigmoid', call('activation_create', KIND.Sigmoid, 0), 1);
  }
}

/** e^x / Σ e^x over the last axis. As torch.nn.Softmax(dim=-1). */
export class Softmax extends Rowwise {
  /** @param {number} size  of the last axis */
  constructor(size) {
    super(
      'Softmax',
      call('activation_create', KIND.Softmax, expectSize(size, 'Softmax size')),
      size,
    );
  }
}

/** log of Softmax. As torch.nn.LogSoftmax(dim=-1). */
export class LogSoftmax extends Rowwise {
  /** @param {number} size  of the last axis */
  constructor(size) {
    expectSize(size, 'LogSoftmax size');
    super('LogSoftmax', call('activation_create', KIND.LogSoftmax, size), size);
  }
}

/** In training: zero with probability p, else x / (1 − p). As torch.nn.Dropout, mask for mask. */
export class Dropout extends Rowwise {
  /** @param {number} [p] */
  constructor(p = 0.5) {
    super('Dropout', call('dropout_create', expectNumber(p, 'Dropout p', 0, 1)), 1);
    /** @readonly */
    this.p = p;
  }
}

/**
 * Many to one: `out[:, -1, :]` of the sequence before it. Only inside a Sequential, whose batch order
 * it follows.
 */
export class LastStep extends Module {
  constructor() {
    super('LastStep', call('last_step_create'));
  }

  /** @throws {ArgumentError} always: it has no sequence of its own */
  forward() {
    throw new ArgumentError('LastStep forward: it selects inside a Sequential, put it into one');
  }

  /** @throws {ArgumentError} always */
  backward() {
    throw new ArgumentError('LastStep backward: it selects inside a Sequential, put it into one');
  }
}
