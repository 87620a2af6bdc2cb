// Notebook 003: X W + H U, the sum inside every recurrent cell.

import { affine, transpose } from './shared/byhand.js';
import { exact, largestDifference, property, show, small, unreproducible } from './shared/rows.js';
import { isolated, seedParam, state, valuesOf } from './shared/stream.js';

const [N, D, H] = [100, 3, 50];
const params = [seedParam(0)];

/** @type {import('./types.js').Check} */
export default {
  id: '003-shapes',
  notebook: '003',
  kind: 'check',
  title: 'X·W + H·U',
  summary:
    'A hundred inputs of three numbers and a hundred states of fifty become tables of the same ' +
    'shape, and can be added: one step of a recurrent cell before its activation.',
  watch: 'Each row is one sample, each column one unit; the sum is what an identity cell returns.',
  params,
  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const { randn } = unrolled;
      const X = randn(N * D);
      const W = randn(D * H);
      const linearX = own(new unrolled.Linear(D, H)).forward(X);
      const states = randn(N * H);
      const U = randn(H * H);
      const linearH = own(new unrolled.Linear(H, H)).forward(states);
      const bias = randn(H);

      // a Linear layer multiplies by its weight's transpose
      const byW = own(new unrolled.Linear(D, H, { bias: false }));
      byW.loadStateDict(state({ weight: [[H, D], transpose(W, D, H)] }));
      const byU = own(new unrolled.Linear(H, H, { bias: false }));
      byU.loadStateDict(state({ weight: [[H, H], transpose(U, H, H)] }));
      const WX = byW.forward(X);
      const HU = byU.forward(states);
      const sum = WX.map((value, k) => value + HU[k] + bias[k % H]);

      const cell = own(new unrolled.RNNCell(D, H, { nonlinearity: 'identity' }));
      cell.loadStateDict(
        state({
          weight_ih: [[H, D], transpose(W, D, H)],
          weight_hh: [[H, H], transpose(U, H, H)],
          bias_ih: [[H], bias],
          bias_hh: [[H], new Float32Array(H)],
        }),
      );
      const oneStep = unrolled.noGrad(() => cell.forward(X, states, { batch: N }));
      const left = affine(X, transpose(W, D, H), null, { I: D, K: H });
      const right = affine(states, transpose(U, H, H), null, { I: H, K: H });
      const byHand = left.map((value, k) => value + right[k] + bias[k % H]);
      const apart = Math.max(largestDifference(sum, byHand), largestDifference(oneStep, byHand));

      /** @param {ArrayLike<number>} table */
      const shape = (table) => [table.length / H, H];
      return {
        rows: [
          exact('shape of X W', [100, 50], shape(WX)),
          exact('shape of Linear(X)', [100, 50], shape(linearX)),
          exact('shape of H U', [100, 50], shape(HU)),
          exact('shape of Linear(H)', [100, 50], shape(linearH)),
          exact('shape of X W + H U', [100, 50], shape(sum)),
          property(
            'layers, cell and loop',
            null,
            `${small(apart)} apart`,
            apart <= 3e-5,
            'sums of 53 products, up to 30 large, in float32 against double: at most 3e-5',
          ),
          unreproducible(
            'X W + H U + randn(1, 50)',
            '-7.7264 … 0.2755',
            show(sum, 4),
            'unseeded: torch.randn',
          ),
        ],
        matrices: [
          {
            title: 'X W + H U + b',
            shape: [N, H],
            data: [...sum],
            rowLabel: 'sample',
            columnLabel: 'unit',
          },
        ],
      };
    });
  },
};
