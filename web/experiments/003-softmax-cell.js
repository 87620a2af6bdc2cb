// Notebook 003: a recurrent cell of its own making, with a softmax at its output.

import { affine, transpose } from './shared/byhand.js';
import { exact, largestDifference, property, small } from './shared/rows.js';
import { isolated, seedParam, state, valuesOf } from './shared/stream.js';

const [N, D, H, K] = [100, 1, 200, 2];
const params = [seedParam(0)];

/** @type {import('./types.js').Check} */
export default {
  id: '003-softmax-cell',
  notebook: '003',
  kind: 'check',
  title: 'A cell that answers in probabilities',
  summary:
    'One step for a hundred samples: tanh of inputs and previous state, then two scores, which a ' +
    'softmax turns into probabilities. The notebook prints the shapes only.',
  watch:
    'With weights as large as these most states are close to plus or minus one, and most ' +
    'answers close to 0 or 1.',
  params,
  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const { randn } = unrolled;
      const Wax = randn(D * H);
      const Waa = randn(H * H);
      const Wya = randn(H * K);
      const Xt = randn(N * D);
      const before = randn(N * H);

      const cell = own(new unrolled.RNNCell(D, H));
      cell.loadStateDict(
        state({
          weight_ih: [[H, D], transpose(Wax, D, H)],
          weight_hh: [[H, H], transpose(Waa, H, H)],
          bias_ih: [[H], new Float32Array(H)],
          bias_hh: [[H], new Float32Array(H)],
        }),
      );
      const scores = own(new unrolled.Linear(H, K));
      scores.loadStateDict(
        state({ weight: [[K, H], transpose(Wya, H, K)], bias: [[K], new Float32Array(K)] }),
      );
      const softmax = own(new unrolled.Softmax(K));
      const [next, answers] = unrolled.noGrad(() => {
        const a = cell.forward(Xt, before, { batch: N });
        return [a, softmax.forward(scores.forward(a))];
      });

      const fromX = affine(Xt, transpose(Wax, D, H), null, { I: D, K: H });
      const fromH = affine(before, transpose(Waa, H, H), null, { I: H, K: H });
      const nextByHand = fromX.map((value, k) => Math.tanh(value + fromH[k]));
      const scoresByHand = affine(nextByHand, transpose(Wya, H, K), null, { I: H, K });
      const answersByHand = scoresByHand.map(
        (score, k) => 1 / (1 + Math.exp(scoresByHand[k ^ 1] - score)), // a softmax of two
      );

      const totals = Array.from({ length: N }, (_, n) => answers[n * K] + answers[n * K + 1]);
      const off = largestDifference(
        totals,
        totals.map(() => 1),
      );
      const apart = Math.max(
        largestDifference(next, nextByHand),
        largestDifference(answers, answersByHand),
      );
      return {
        rows: [
          exact('shape of the next state', [100, 200], [N, next.length / N]),
          exact('shape of the answers', [100, 2], [N, answers.length / N]),
          exact('shape of the inputs', [100, 1], [N, Xt.length / N]),
          property(
            'each answer sums to 1',
            null,
            off === 0 ? 'all 1' : `${small(off)} off at most`,
            off <= 1e-6,
            'float32: at most 1e-6 off',
          ),
          property(
            'layers and loop',
            null,
            `${small(apart)} apart`,
            apart <= 3e-5,
            'sums of 200 products before the tanh, float32 against double: at most 3e-5',
          ),
        ],
        matrices: [
          {
            title: 'Next state',
            shape: [N, H],
            data: [...next],
            rowLabel: 'sample',
            columnLabel: 'unit',
          },
          {
            title: 'Answers',
            shape: [N, K],
            data: [...answers],
            rowLabel: 'sample',
            columnLabel: 'class',
          },
        ],
      };
    });
  },
};
