// Notebook 003: the loss of its LSTM on one batch, in the visitor's hands. Why the mean is all that it
// can teach is in 003-plateau.js.

import { exact, property } from './shared/rows.js';
import { isolated } from './shared/stream.js';
import { reading } from './shared/unroll.js';

/** @import { Square, Unrolled } from './types.js' */

const N = 4;
const TARGETS = [24, 240, 456, 672]; // rows of the data set, far apart
const MEAN = TARGETS.reduce((sum, y) => sum + y, 0) / N;
const ANSWERS = [310, 330, 360, 380];

/**
 * The loss of the notebook and the loss that was meant, as MSELoss computes them.
 * @param {Unrolled} unrolled
 * @param {number[]} predictions
 * @param {number[]} targets
 * @returns {Square}
 */
export function squareOf(unrolled, predictions, targets) {
  return isolated(unrolled, 0, (own) => {
    const loss = own(new unrolled.MSELoss());
    const each = own(new unrolled.MSELoss({ reduction: 'none' }));
    const [p, y] = [Float32Array.from(predictions), Float32Array.from(targets)];
    const shapes = { prediction: [p.length, 1], target: [y.length] };
    const pull = () => [...loss.backward()].map((gradient) => -gradient);
    const all = Number(loss.forward(p, y, shapes));
    const toAll = pull();
    const meant = Number(loss.forward(p, y));
    return {
      predictions,
      targets,
      squares: [.../** @type {Float32Array} */ (each.forward(p, y, shapes))],
      all,
      own: meant,
      pulls: { all: toAll, own: pull() },
    };
  });
}

/** @type {import('./types.js').Check} */
export default {
  id: '003-broadcast',
  notebook: '003',
  kind: 'check',
  title: 'Sixteen differences where four were meant',
  summary:
    'Answers of shape [4, 1] minus targets of shape [4]: PyTorch stretches both to 4 × 4, and the ' +
    'loss is the mean of all sixteen squares. Only the diagonal compares an answer with its own ' +
    'target.',
  watch:
    'Each its target: the diagonal is 0, the loss is not. All the mean: the loss is as low as it ' +
    'gets. Drag one answer, and see which way it is pulled.',
  equations: [
    String.raw`\text{printed: } \tfrac{1}{16} \sum_{i} \sum_{j} (\hat{y}_i - y_j)^2`,
    String.raw`\text{meant: } \tfrac{1}{4} \sum_{i} (\hat{y}_i - y_i)^2`,
  ],
  params: [],

  look(unrolled, _, input = ANSWERS.map((value) => [value])) {
    return {
      input: reading('Answers of the network', input, {
        step: 'answer',
        features: ['ŷ'],
        range: [0, 700],
        presets: [
          { label: 'Each its target', values: TARGETS.map((y) => [y]) },
          { label: 'All the mean', values: TARGETS.map(() => [MEAN]) },
        ],
      }),
      answers: [],
      square: squareOf(unrolled, input.flat(), TARGETS),
    };
  },

  run(unrolled) {
    const variance = TARGETS.reduce((sum, y) => sum + (y - MEAN) ** 2, 0) / N;
    const right = squareOf(unrolled, TARGETS, TARGETS);
    const best = squareOf(unrolled, new Array(N).fill(MEAN), TARGETS);
    const still = Math.max(...best.pulls.all.map(Math.abs));
    return {
      rows: [
        exact('shape of [4, 1] − [4]', '[4, 4]', `[${N}, ${right.squares.length / N}]`),
        property(
          'every answer right: the loss as printed',
          null,
          right.all.toFixed(0),
          Math.abs(right.all - 2 * variance) <= 1e-5 * variance,
          `twice the variance of the targets, 2 · ${variance}; the loss that was meant is ${right.own}`,
        ),
        property(
          'every answer the mean: the loss as printed',
          null,
          best.all.toFixed(0),
          Math.abs(best.all - variance) <= 1e-5 * variance,
          'the variance itself: no answer scores lower',
        ),
        property(
          'the gradient there',
          null,
          still.toFixed(6),
          still <= 1e-3,
          'none: training has nowhere to go from the mean',
        ),
      ],
    };
  },
};
