// The tanh cell that notebook 003 writes by hand, of 300 units, as modules of the library.
//
//     a[t] = tanh(x[t] Wax + a[t-1] Waa + ba),  y = Linear(a[T-1])
//
// The notebook multiplies rows by matrices, a layer by their transposes: weight_ih is Waxᵀ,
// weight_hh is Waaᵀ. It has one bias where a layer has two, so bias_hh is zero and stays out of the
// training.

import { transpose } from './byhand.js';
import { state } from './stream.js';
import {
  elmanTerms,
  flat,
  headTerms,
  overTime,
  reading,
  rounded,
  rowsOf,
  statesOf,
  unrolling,
} from './unroll.js';

/** @import { Look, Unrolled } from '../types.js' */

export const HIDDEN = 300;
export const SEED = 123;

/**
 * The model as manual_seed leaves the stream to it: randn(1, H), randn(H, H), then the Linear
 * layer.
 * @param {Unrolled} unrolled
 * @returns {{ rnn: import('unrolled').RNN, fc: import('unrolled').Linear }}
 */
export function cell(unrolled) {
  const Wax = unrolled.randn(HIDDEN);
  const Waa = unrolled.randn(HIDDEN * HIDDEN);

  // A layer draws its own first weights, which the notebook's model does not: undo that.
  const stream = unrolled.getRngState();
  const rnn = new unrolled.RNN(1, HIDDEN, { batchFirst: true });
  unrolled.setRngState(stream);
  const fc = new unrolled.Linear(HIDDEN, 1);

  rnn.loadStateDict(
    state({
      weight_ih_l0: [[HIDDEN, 1], transpose(Wax, 1, HIDDEN)],
      weight_hh_l0: [[HIDDEN, HIDDEN], transpose(Waa, HIDDEN, HIDDEN)],
      bias_ih_l0: [[HIDDEN], new Float32Array(HIDDEN)],
      bias_hh_l0: [[HIDDEN], new Float32Array(HIDDEN)],
    }),
  );
  return { rnn, fc };
}

/**
 * Inside the cell, on the numbers it is asked about.
 * @param {{ rnn: import('unrolled').RNN, fc: import('unrolled').Linear,
 *   weights: Record<'rnn' | 'fc', import('unrolled').StateDict> }} model
 * @param {number[][]} input  [T][1]
 * @returns {Look}
 */
export function lookInside({ rnn, fc, weights }, input) {
  const x = rounded(input);
  const h = statesOf(rnn, x);
  const y = rowsOf(fc.forward(flat(h)), 1);
  return {
    input: reading('The numbers it is asked about', input, {
      features: ['x'],
      range: [0, 10],
      length: [1, 8],
    }),
    answers: [
      { label: 'the network says', value: y.at(-1)[0].toFixed(4) },
      { label: 'true sum', value: String(input.flat().reduce((sum, value) => sum + value, 0)) },
    ],
    unrolling: unrolling(
      'Three hundred units at once',
      elmanTerms({ x, h, weights: weights.rnn }),
      headTerms(h, y, weights.fc),
    ),
    matrices: [overTime('hidden states h', h, { most: 1 })],
  };
}
