// Notebook 001: the Linear layer that the notebook does not print, from what it does print.

import { leastSquares } from './shared/byhand.js';
import { HIDDEN, OUTPUT } from './shared/printed-001.js';
import { largestDifference, numbers, property, small } from './shared/rows.js';
import { isolated, state } from './shared/stream.js';

const [T, H, K] = [10, 5, 2];

/**
 * Wo and bo out of [h 1] [Woᵀ; bo] = y: ten equations for the six unknowns of each output.
 * @returns {{ Wo: number[], bo: number[], residual: number }}  [2][5], [2]
 */
export function solveHead() {
  const rows = Array.from({ length: T }, (_, t) => t);
  const A = rows.map((t) => [...HIDDEN.values.slice(t * H, (t + 1) * H), 1]);
  const Y = rows.map((t) => OUTPUT.values.slice(t * K, (t + 1) * K));
  const B = leastSquares(A, Y);
  const fitted = A.flatMap((a) =>
    [0, 1].map((k) => a.reduce((sum, value, j) => sum + value * B[j][k], 0)),
  );
  return {
    Wo: [0, 1].flatMap((k) => B.slice(0, H).map((row) => row[k])),
    bo: B[H],
    residual: largestDifference(fitted, OUTPUT.values),
  };
}

/** @type {import('./types.js').Check} */
export default {
  id: '001-solved-head',
  notebook: '001',
  kind: 'check',
  title: 'The output layer, solved from the print',
  summary:
    'Ten printed hidden states and ten printed outputs leave only one Linear layer that fits. ' +
    'Least squares finds it; with those weights our layer must print the same outputs.',
  watch:
    'Ten equations for six unknowns: a residual at the last printed digit means that the two ' +
    'printed tables belong together.',
  params: [],
  run: (unrolled) =>
    isolated(unrolled, 0, (own) => {
      const { Wo, bo, residual } = solveHead();
      const fc = own(new unrolled.Linear(H, K));
      fc.loadStateDict(state({ weight: [[K, H], Wo], bias: [[K], bo] }));
      const output = fc.forward(Float32Array.from(HIDDEN.values));
      return {
        rows: [
          property(
            'residual of the least squares',
            null,
            small(residual),
            residual <= 5e-7,
            'the prints have eight decimals: at most 5e-7',
          ),
          numbers('Linear on the printed hidden states', OUTPUT, output, {
            absolute: 5e-7,
            why: 'eight printed decimals on either side: within 5e-7',
          }),
        ],
        tables: [
          {
            title: 'The layer that was solved for',
            columns: ['output', 'w0', 'w1', 'w2', 'w3', 'w4', 'bias'],
            rows: [0, 1].map((k) => [
              k,
              ...Wo.slice(k * H, (k + 1) * H).map((value) => value.toFixed(6)),
              bo[k].toFixed(6),
            ]),
          },
          {
            title: 'Outputs at every step',
            columns: ['step', 'printed, 0', 'printed, 1', 'ours, 0', 'ours, 1'],
            rows: Array.from({ length: T }, (_, t) => [
              t,
              ...OUTPUT.texts.slice(2 * t, 2 * t + 2),
              ...[...output.subarray(2 * t, 2 * t + 2)].map((value) => value.toFixed(8)),
            ]),
          },
        ],
        series: [
          {
            title: 'Outputs: printed, and from the solved layer',
            xLabel: 'step',
            x: Array.from({ length: T }, (_, t) => t),
            lines: [0, 1].flatMap((k) => [
              {
                label: `printed, output ${k}`,
                values: OUTPUT.values.filter((_, at) => at % K === k),
              },
              { label: `ours, output ${k}`, values: [...output.filter((_, at) => at % K === k)] },
            ]),
          },
        ],
        matrices: [
          {
            title: 'Weights of the solved layer',
            shape: [K, H],
            data: Wo,
            rowLabel: 'output',
            columnLabel: 'unit',
          },
        ],
      };
    }),
};
