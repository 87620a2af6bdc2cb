// Notebook 003: the cell with 300 units, before its training.

import { affine, elman } from './shared/byhand.js';
import { cell, HIDDEN, lookInside, SEED } from './shared/cell.js';
import {
  exact,
  largestDifference,
  numbers,
  printed,
  property,
  small,
  unreproducible,
} from './shared/rows.js';
import { isolated, newestOf, seedParam, valuesOf } from './shared/stream.js';

const T = 5;
const params = [seedParam(SEED)];

// PyTorch 1.13's answer in full
export const RECORDED = printed('-0.0731246620');

const weightsOf = newestOf((unrolled, seed) =>
  isolated(unrolled, seed, (own) => {
    const { rnn, fc } = cell(unrolled);
    return { rnn: own(rnn).stateDict(), fc: own(fc).stateDict() };
  }),
);

/** @type {import('./types.js').Check} */
export default {
  id: '003-cell',
  notebook: '003',
  kind: 'check',
  title: 'A cell of 300 units from seed 123',
  summary:
    'The notebook draws its own weights: 300 and 90,000 normals, then a Linear layer. The order ' +
    'of the draws and every step of the generator must be right for the one printed number.',
  watch:
    'The weights are so large that from the second step on nine units of ten are near plus or ' +
    'minus one.',
  params,

  look(unrolled, values, input = [[1], [2], [3], [4], [5]]) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const drawn = weightsOf(unrolled, seed);
      const rnn = own(new unrolled.RNN(1, HIDDEN, { batchFirst: true }));
      const fc = own(new unrolled.Linear(HIDDEN, 1));
      rnn.loadStateDict(drawn.rnn);
      fc.loadStateDict(drawn.fc);
      return lookInside({ rnn, fc, weights: drawn }, input);
    });
  },

  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const { rnn, fc } = cell(unrolled);
      own(rnn);
      own(fc);
      const x = Float32Array.of(1, 2, 3, 4, 5);
      const states = rnn.forward(x).output;
      const last = states.subarray((T - 1) * HIDDEN);
      const answer = fc.forward(last);

      const w = rnn.stateDict();
      const head = fc.stateDict();
      const byHand = affine(
        elman(
          x,
          { W_ih: w.weight_ih_l0.data, W_hh: w.weight_hh_l0.data },
          { I: 1, H: HIDDEN },
        ).subarray((T - 1) * HIDDEN),
        head.weight.data,
        head.bias.data,
        { I: HIDDEN, K: 1 },
      );
      const apart = largestDifference(answer, byHand);

      return {
        rows: [
          exact('shape of the answer', [1, 1], [1, answer.length]),
          ...(seed === SEED
            ? [
                numbers('answer to [1, 2, 3, 4, 5]', printed('-0.0731'), answer, {
                  absolute: 5.1e-5,
                  why: 'within half a unit of the fourth decimal',
                }),
                numbers('the same in full', RECORDED, answer, {
                  absolute: 2e-5,
                  why: 'PyTorch 1.13; sums of size 17 before the tanh: within 2e-5',
                  recorded: true,
                }),
              ]
            : [
                unreproducible(
                  'answer to [1, 2, 3, 4, 5]',
                  '-0.0731',
                  answer[0].toFixed(4),
                  `the notebook's seed is ${SEED}`,
                ),
              ]),
          property(
            'answer: layers and loop',
            null,
            `${small(apart)} apart`,
            apart <= 2e-5,
            'float32 against double: at most 2e-5',
          ),
        ],
        series: [
          {
            title: 'The first four units over time',
            xLabel: 'step',
            x: Array.from({ length: T }, (_, t) => t),
            lines: Array.from({ length: 4 }, (_, unit) => ({
              label: `unit ${unit}`,
              values: Array.from({ length: T }, (__, t) => states[t * HIDDEN + unit]),
            })),
          },
        ],
        matrices: [
          {
            title: 'The first 30 units of Waa',
            shape: [30, 30],
            // Waa[i][j] is weight_hh[j][i]
            data: Array.from(
              { length: 900 },
              (_, k) => w.weight_hh_l0.data[(k % 30) * HIDDEN + Math.floor(k / 30)],
            ),
            rowLabel: 'unit before',
            columnLabel: 'unit',
          },
        ],
      };
    });
  },
};
