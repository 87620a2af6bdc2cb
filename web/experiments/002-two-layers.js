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

const [N, T, I, H, L] = [5, 3, 64, 32, 2];
const params = [seedParam(1)];

// hidden[1, 0, :], the upper layer's last state for the first of five sequences
export const PRINTED_STATE = printed(`
  0.3586 -0.4515 -0.0997 0.5056 0.5037 -0.2450 0.0333 -0.4629
  -0.2926 -0.5758 -0.3753 -0.0839 0.3121 0.2695 -0.3496 0.1267
  0.3111 0.1281 0.0380 0.4880 -0.3908 0.3196 0.0031 0.1222
  -0.0567 -0.2905 0.6298 -0.2787 0.6107 -0.4174 -0.0970 0.7040
`);

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
