// The modules that the core makes.

import { call } from './core.js';

/** In the order of src/unrolled.h; a recurrence without gates goes by its nonlinearity. */
const KINDS = [
  'tanh',
  'relu',
  'identity',
  'LSTM',
  'GRU',
  'Linear',
  'Tanh',
  'ReLU',
  'Sigmoid',
  'Softmax',
  'LogSoftmax',
  'Dropout',
  'LastStep',
];

// flags, as src/unrolled.h has them
export const BIAS = 1;
export const BIDIRECTIONAL = 2;
export const BATCH_FIRST = 4;
export const CELL = 8;

/**
 * A new module of the core; sizes that its kind does not have are left out.
 * @param {string} kind
 * @param {number} [inputs]
 * @param {number} [outputs]  or hidden units
 * @param {number} [flags]
 * @param {number} [dropout]
 * @param {number} [layers]
 * @param {number} [projection]
 * @returns {number}  its handle
 */
export function create(kind, inputs, outputs, flags, dropout, layers, projection) {
  const number = KINDS.indexOf(kind);
  return call('module_create', number, inputs, outputs, flags, dropout, layers, projection);
}
