// Notebook 002: two recurrent layers of 32 units, and a Linear layer on the last state.

import { affine, elman } from './shared/byhand.js';
import {
  exact,
  largestDifference,
  printed,
  property,
  show,
  small,
  unreproducible,
} from './shared/rows.js';
import { isolated, seedParam, valuesOf } from './shared/stream.js';
import {
  elmanTerms,
  flat,
  headTerms,
  names,
  overTime,
  reading,
  rounded,
  rowsOf,
  statesOf,
  unrolling,
} from './shared/unroll.js';

const [N, T, I, H, L] = [5, 3, 64, 32, 2];
const SHOWN = 4; // features of an input that can be changed
const params = [seedParam(1)];

// hidden[1, 0, :], the upper layer's last state for the first of five sequences
export const PRINTED_STATE = printed(`
  0.3586 -0.4515 -0.0997 0.5056 0.5037 -0.2450 0.0333 -0.4629
  -0.2926 -0.5758 -0.3753 -0.0839 0.3121 0.2695 -0.3496 0.1267
  0.3111 0.1281 0.0380 0.4880 -0.3908 0.3196 0.0031 0.1222
  -0.0567 -0.2905 0.6298 -0.2787 0.6107 -0.4174 -0.0970 0.7040
`);

/** @import { StateDict } from 'unrolled' */

/**
 * One layer of the stack by itself, on what it reads.
 * @param {import('./types.js').Unrolled} unrolled
 * @param {StateDict} stack
 * @param {number} layer
 * @param {number[][]} x
 */
function layerStates(unrolled, stack, layer, x) {
  const rnn = new unrolled.RNN(x[0].length, H, { batchFirst: true });
  const own = Object.entries(stack).filter(([name]) => name.endsWith(`_l${layer}`));
  rnn.loadStateDict(
    Object.fromEntries(own.map(([name, tensor]) => [name.replace(/_l\d$/, '_l0'), tensor])),
  );
  const h = statesOf(rnn, x);
  rnn.dispose();
  return h;
}

/** @type {import('./types.js').Check} */
export default {
  id: '002-two-layers',
  notebook: '002',
  kind: 'check',
  title: 'Two layers, one answer for each sequence',
  summary:
    'Five random sequences run through a stack of two layers; only the last state of the upper ' +
    'one reaches the Linear layer. The shapes must be the printed ones, the values those of ' +
    'a loop.',
  watch: 'The upper matrix is all that the Linear layer sees of three steps of 64 numbers.',
  params,

  look(unrolled, values, input) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const rnn = own(new unrolled.RNN(I, H, { numLayers: L, batchFirst: true }));
      const fc = own(new unrolled.Linear(H, 1));
      const first = rowsOf(unrolled.randn(N * T * I).subarray(0, T * I), I);
      // of 64 features, the first four are the visitor's
      const x = rounded(first.map((row, t) => row.map((value, k) => input?.[t]?.[k] ?? value)));
      const weights = rnn.stateDict();
      const lower = layerStates(unrolled, weights, 0, x);
      const upper = layerStates(unrolled, weights, 1, lower);
      const y = rowsOf(fc.forward(flat(upper)), 1);
      return {
        input: reading(
          'The first sequence: four of its 64 features',
          x.map((row) => row.slice(0, SHOWN)),
          { features: names(SHOWN) },
        ),
        answers: [{ label: 'answer', value: y.at(-1)[0].toFixed(4) }],
        unrolling: unrolling(
          'Through the stack: the lower layer’s states are what the upper one reads',
          elmanTerms({ x, h: lower, weights }, { index: '1' }),
          elmanTerms({ x: lower, h: upper, weights, number: 1 }, { key: 'up', x: 'h', index: '2' }),
          headTerms(upper, y, fc.stateDict(), 'uph'),
        ),
        matrices: [
          overTime('lower layer', lower, { most: 1 }),
          overTime('upper layer', upper, { most: 1 }),
        ],
      };
    });
  },

  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const rnn = own(new unrolled.RNN(I, H, { numLayers: L, batchFirst: true }));
      const fc = own(new unrolled.Linear(H, 1));
      const x = unrolled.randn(N * T * I);
      const { hn } = rnn.forward(x, { batch: N });
      const last = hn.slice((L - 1) * N * H);
      const output = fc.forward(last);

      const w = rnn.stateDict();
      const { weight, bias } = fc.stateDict();
      /** @param {number} layer */
      const weights = (layer) => ({
        W_ih: w[`weight_ih_l${layer}`].data,
        W_hh: w[`weight_hh_l${layer}`].data,
        b_ih: w[`bias_ih_l${layer}`].data,
        b_hh: w[`bias_hh_l${layer}`].data,
      });
      const byHand = Array.from({ length: N }, (_, n) => {
        const lower = elman(x.subarray(n * T * I, (n + 1) * T * I), weights(0), { I, H });
        const upper = elman(lower, weights(1), { I: H, H });
        return affine(upper.subarray((T - 1) * H), weight.data, bias.data, { I: H, K: 1 })[0];
      });
      const apart = largestDifference(output, byHand);

      return {
        rows: [
          exact('shape of the hidden states', [2, 5, 32], [L, N, hn.length / (L * N)]),
          exact('shape of the last layer', [5, 32], [N, last.length / N]),
          exact('shape of the answers', [5, 1], [output.length, 1]),
          property(
            'answers: layers and loop',
            null,
            `${small(apart)} apart`,
            apart <= 1e-6,
            'float32 against double: at most 1e-6',
          ),
          unreproducible(
            'hidden states of the upper layer',
            '0.3586 … 0.7040',
            show(last.subarray(0, H), 4),
            'unseeded: 150,000 places of the stream of seed 1 were tried, none begins this model',
          ),
          unreproducible(
            'answers (5 numbers)',
            '-0.0966 … 0.3404',
            show(output, 4),
            'unseeded, as the states they come from',
          ),
        ],
        tables: [
          {
            title: 'The answer for each sequence',
            columns: ['sequence', 'layers', 'loop'],
            rows: byHand.map((value, n) => [n, output[n].toFixed(8), value.toFixed(8)]),
          },
        ],
        matrices: [
          {
            title: 'Last state of the upper layer',
            shape: [N, H],
            data: [...last],
            rowLabel: 'sequence',
            columnLabel: 'unit',
          },
          {
            title: 'Last state of the lower layer',
            shape: [N, H],
            data: [...hn.subarray(0, N * H)],
            rowLabel: 'sequence',
            columnLabel: 'unit',
          },
          {
            title: "The notebook's first sequence, upper layer, as printed",
            shape: [1, H],
            data: PRINTED_STATE.values,
            rowLabel: 'sequence',
            columnLabel: 'unit',
          },
        ],
      };
    });
  },
};
