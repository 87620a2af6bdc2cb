// How far back a gradient reaches: the library's cells run over a sequence and back, a step at a time;
// and its layers, which run over it at once.

import { flat } from './unroll.js';

/** @import { Unrolled } from '../types.js' */

export const KINDS = /** @type {const} */ (['RNN', 'LSTM', 'GRU']);
/** @typedef {(typeof KINDS)[number]} Kind */

/** @param {ArrayLike<number>} values */
const norm = (values) => Math.hypot(...Array.from(values));

/**
 * One kind of network with one output, y[t] = w h[t] + b, over x [T][1]: what its last output owes to
 * each state, by the cell.
 * @param {Kind} kind
 * @param {any} cell
 * @param {import('unrolled').Linear} head  of one output
 * @param {number[][]} x
 * @returns {{ states: number[], cells: number[] | null, inputs: number[], weight: number[],
 *   gradient: number[], shape: [number, number] }}
 *   ‖∂y_T/∂h_t‖, ‖∂y_T/∂c_t‖ and ∂y_T/∂x_t over t, W_hh and ∂y_T/∂W_hh
 */
export function backThrough(kind, cell, head, x) {
  const lstm = kind === 'LSTM'; // it hands on two states, the others one
  /** @type {any} */
  let state;
  for (const row of x) state = cell.forward(Float32Array.from(row), state);
  head.forward(lstm ? state.h : state);
  const dh = head.backward(Float32Array.of(1));
  const [hs, cs, inputs] = [[dh], [new Float32Array(dh.length)], []];
  for (let t = x.length - 1; t >= 0; t--) {
    const before = cell.backward(lstm ? { h: hs[0], c: cs[0] } : hs[0]);
    inputs.unshift(before.x[0]);
    hs.unshift(before.h);
    if (lstm) cs.unshift(before.c);
  }
  const { shape, dataView, gradView } = cell
    .parameters()
    .find((/** @type {{ name: string }} */ { name }) => name === 'weight_hh');
  const [weight, gradient] = [[...dataView], [...gradView]];
  cell.zeroGrad();
  head.zeroGrad();
  // what is left at the front belongs to the states before the first step
  return {
    states: hs.slice(1).map(norm),
    cells: lstm ? cs.slice(1).map(norm) : null,
    inputs,
    weight,
    gradient,
    shape: [shape[0], shape[1]],
  };
}

/**
 * What every output owes to every input, by the layer of the same weights.
 * @param {Unrolled} unrolled
 * @param {Kind} kind
 * @param {any} cell
 * @param {import('unrolled').Linear} head
 * @param {number[][]} x
 * @returns {{ outputs: number[], reaches: number[][] }}  y_k, and ∂y_k/∂x_t
 */
export function reachOf(unrolled, kind, cell, head, x) {
  const [T, H] = [x.length, cell.hiddenSize];
  const input = flat(x);
  const layer = new unrolled[kind](1, H, { batchFirst: true });
  try {
    for (const [k, parameter] of layer.parameters().entries()) {
      parameter.dataView.set(cell.parameters()[k].dataView.slice());
    }
    const outputs = [];
    const reaches = [];
    for (let k = 0; k < T; k++) {
      const { output } = layer.forward(input.subarray(0, k + 1));
      outputs.push(head.forward(output.slice(k * H))[0]);
      const dy = new Float32Array((k + 1) * H);
      dy.set(head.backward(Float32Array.of(1)), k * H);
      reaches.push([...layer.backward(dy).input, ...new Array(T - 1 - k).fill(0)]);
    }
    head.zeroGrad();
    return { outputs, reaches };
  } finally {
    layer.dispose();
  }
}
