// Modules without parameters. Formulas: https://pytorch.org/docs/stable/nn.html

import { expectNumber, expectSize } from './check.js';
import { call } from './core.js';
import { ArgumentError } from './errors.js';
import { Module } from './module.js';
import { Rowwise } from './rowwise.js';

/** As src/unrolled.h numbers them. */
const TANH = 0;
const RELU = 1;
const SIGMOID = 2;
const SOFTMAX = 3;
const LOG_SOFTMAX = 4;

class Activation extends Rowwise {
  /** @param {string} name @param {number} kind @param {number} [size]  of the last axis, where it matters */
  constructor(name, kind, size = 0) {
    super(name, call('activation_create', kind, size));
  }
}

/** Elementwise hyperbolic tangent. As torch.nn.Tanh. */
export class Tanh extends Activation {
  constructor() {
    super('Tanh', TANH);
  }
}

/** Elementwise max(x, 0). As torch.nn.ReLU. */
export class ReLU extends Activation {
  constructor() {
    super('ReLU', RELU);
  }
}

/** Elementwise 1 / (1 + e^-x). As torch.nn.Sigmoid. */
export class Sigmoid extends Activation {
  constructor() {
    super('Sigmoid', SIGMOID);
  }
}

/** e^x / Σ e^x over the last axis. As torch.nn.Softmax(dim=-1). */
export class Softmax extends Activation {
  /** @param {number} size  of the last axis */
  constructor(size) {
    super('Softmax', SOFTMAX, expectSize(size, 'Softmax size'));
  }
}

/** log of Softmax. As torch.nn.LogSoftmax(dim=-1). */
export class LogSoftmax extends Activation {
  /** @param {number} size  of the last axis */
  constructor(size) {
    super('LogSoftmax', LOG_SOFTMAX, expectSize(size, 'LogSoftmax size'));
  }
}

/** In training: zero with probability p, else x / (1 − p). As torch.nn.Dropout, mask for mask. */
export class Dropout extends Rowwise {
  /** @param {number} [p] */
  constructor(p = 0.5) {
    super('Dropout', call('dropout_create', expectNumber(p, 'Dropout p', 0, 1)));
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
    throw alone('forward');
  }

  /** @throws {ArgumentError} always */
  backward() {
    throw alone('backward');
  }
}

/** @param {string} method */
function alone(method) {
  return new ArgumentError(`LastStep ${method}: it selects inside a Sequential, put it into one`);
}
