// The gates of an LSTM over a sequence, which a forward keeps to itself: Linear layers of the library
// with the weights of the LSTM, its activations, and its cell for the states.
//
//     (i f g o) = W_ih x[t] + b_ih + W_hh h[t-1] + b_hh
//     c[t] = σ(f) c[t-1] + σ(i) tanh(g),  h[t] = σ(o) tanh(c[t])
//
// in PyTorch's order of the gates (torch.nn.LSTM).

import { flat } from './unroll.js';

/** @import { Unrolled } from '../types.js' */

/** @typedef {{ i: number[][], f: number[][], g: number[][], o: number[][], c: number[][], h: number[][] }} Gates each [T][H] */

const NAMES = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'];

/**
 * What reads the gates of one layer, of any weights.
 * @param {Unrolled} unrolled
 * @param {number} I
 * @param {number} H
 */
export function gateReader(unrolled, I, H) {
  // What fresh layers draw is not missed: their weights are replaced before they are used.
  const stream = unrolled.getRngState();
  const fromX = new unrolled.Linear(I, 4 * H);
  const fromH = new unrolled.Linear(H, 4 * H);
  const cell = new unrolled.LSTMCell(I, H);
  unrolled.setRngState(stream);
  const [sigmoid, tanh] = [new unrolled.Sigmoid(), new unrolled.Tanh()];
  /** @type {Float32Array | null} */
  let loaded = null; // of the weights that were read last

  return {
    /**
     * @param {import('unrolled').StateDict} weights  of the LSTM, new arrays when they are others
     * @param {number[][]} x  [T][I]
     * @param {number} [layer]
     * @returns {Gates}
     */
    read(weights, x, layer = 0) {
      const [weight_ih, weight_hh, bias_ih, bias_hh] = NAMES.map(
        (name) => weights[`${name}_l${layer}`],
      );
      if (loaded !== weight_ih.data) {
        loaded = weight_ih.data;
        fromX.loadStateDict({ weight: weight_ih, bias: bias_ih });
        fromH.loadStateDict({ weight: weight_hh, bias: bias_hh });
        cell.loadStateDict({ weight_ih, weight_hh, bias_ih, bias_hh });
      }
      /** @type {Gates} */
      const over = { i: [], f: [], g: [], o: [], c: [], h: [] };
      unrolled.noGrad(() => {
        const inputs = fromX.forward(flat(x)); // [T][4H]
        /** @type {{ h: Float32Array, c: Float32Array }} */
        let state = { h: new Float32Array(H), c: new Float32Array(H) };
        x.forEach((row, t) => {
          const memory = fromH.forward(state.h);
          const sums = memory.map((value, k) => value + inputs[t * 4 * H + k]);
          ['i', 'f', 'g', 'o'].forEach((gate, at) => {
            const part = sums.slice(at * H, (at + 1) * H);
            over[gate].push([...(gate === 'g' ? tanh : sigmoid).forward(part)]);
          });
          state = cell.forward(Float32Array.from(row), state);
          over.c.push([...state.c]);
          over.h.push([...state.h]);
        });
      });
      return over;
    },
    dispose() {
      for (const made of [fromX, fromH, cell, sigmoid, tanh]) made.dispose();
    },
  };
}
