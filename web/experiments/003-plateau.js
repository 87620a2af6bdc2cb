// Notebook 003: why the loss of its LSTM stalls near 64,000.
//
// The model answers with shape [4, 1], the targets have shape [4]. PyTorch broadcasts their
// difference to a table of 4 by 4: every answer is compared with every target of the batch. Let y
// be the targets, V their variance, and s y (from the mean) the answer for a row. A row's own
// target is one of the four, the other three are drawn from the remaining 99, whose covariance with
// it is -V / 99. The expected loss is
//
//     V (1 + s² - 2 s c),   c = 1/4 - (3/4) / 99
//
// smallest at s = c, where it is V (1 - c²): that is all the model can learn.

import { NOTEBOOK_LSTM } from '../data/losses.js';
import { exact, numbers, printed, property } from './shared/rows.js';
import { sums } from './shared/sets.js';
import { isolated, seedParam, valuesOf } from './shared/stream.js';

const SAMPLES = 100;
const BATCH = 4;
const EPOCHS = 100;
const params = [seedParam(0, 'Seed of the shuffle')];

/** @param {ArrayLike<number>} values */
const mean = (values) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

/** What the broadcast leaves to be learned: the mean, the slope around it, and the loss. */
export function theory() {
  const { targets } = sums(SAMPLES, 3);
  const centre = mean(targets);
  const variance = mean(targets.map((y) => (y - centre) ** 2));
  const slope = 1 / BATCH - (1 - 1 / BATCH) / (SAMPLES - 1);
  return { centre, variance, slope, floor: variance * (1 - slope ** 2) };
}

/** @type {import('./types.js').Check} */
export default {
  id: '003-plateau',
  notebook: '003',
  kind: 'check',
  title: 'A loss of four times four',
  summary:
    'Four answers in a column minus four targets in a row make sixteen differences. The mean of ' +
    'their squares pulls every answer to the mean of its batch, whatever its own target is.',
  watch:
    'Only the diagonal of the matrix is the question that was meant; the loss counts all of it.',
  params,
  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const { inputs, targets } = sums(SAMPLES, 3);
      const { centre, variance, slope, floor } = theory();
      const loss = own(new unrolled.MSELoss());
      const shapes = { prediction: [BATCH, 1], target: [BATCH] };
      /** @param {ArrayLike<number>} y */
      const best = (y) => Float32Array.from(y, (value) => centre + slope * (value - centre));

      const loader = new unrolled.DataLoader({
        inputs,
        targets,
        samples: SAMPLES,
        batchSize: BATCH,
        shuffle: true,
      });
      const losses = [];
      let y = new Float32Array(BATCH);
      for (let epoch = 0; epoch < EPOCHS; epoch++) {
        for (const { target } of loader) {
          y = Float32Array.from(target);
          losses.push(Number(loss.forward(best(y), y, shapes)));
        }
      }
      const answers = best(y);
      const sixteen = Array.from(answers, (p) => Array.from(y, (value) => p - value)).flat();
      const broadcast = Number(loss.forward(answers, y, shapes));
      const meant = Number(loss.forward(answers, y));
      const square = mean(sixteen.map((difference) => difference ** 2));
      const spread = Math.max(
        ...NOTEBOOK_LSTM.slice(-100).map((value) => Math.abs(value / floor - 1)),
      );

      return {
        rows: [
          property(
            'MSELoss of [4, 1] against [4]',
            null,
            `${broadcast.toFixed(2)} is the mean of 16`,
            Math.abs(broadcast - square) <= 1e-5 * square,
            `within 1e-5; with equal shapes it would be ${meant.toFixed(2)}`,
          ),
          exact('mean and variance of the targets', '451.5 67493.25', `${centre} ${variance}`),
          numbers('the plateau: mean of the last 100 prints', printed('64009.62'), [floor], {
            relative: 0.02,
            why: 'theory, V (1 - c²) with c = 8/33, against what 1,000 epochs came to: within 2 %',
          }),
          property(
            'the best answers, scored by MSELoss',
            null,
            mean(losses).toFixed(0),
            Math.abs(mean(losses) / floor - 1) <= 0.05,
            `over ${losses.length} shuffled batches; theory says ${floor.toFixed(0)}: within 5 %`,
          ),
          property(
            'every print of the last 500 epochs',
            '59581.24 … 67501.88',
            `${floor.toFixed(0)} ± ${(100 * spread).toFixed(1)} %`,
            spread <= 0.08,
            'around the theory, within 8 %: an epoch has only 25 batches',
          ),
          property(
            'the best answer for [1, 11, 12]',
            '338.7949',
            (centre + slope * (24 - centre)).toFixed(2),
            Math.abs((centre + slope * (24 - centre)) / 338.7949 - 1) <= 0.05,
            'theory, within 5 %; the sum that was meant is 24',
          ),
        ],
        tables: [
          {
            title: 'A batch: targets, the best answers, and their mean',
            columns: ['target', 'best answer', 'mean of the batch'],
            rows: Array.from(y, (value, k) => [value, answers[k].toFixed(2), mean(y).toFixed(2)]),
          },
        ],
        series: [
          {
            title: 'What the notebook printed, and what theory allows',
            xLabel: 'epoch',
            x: NOTEBOOK_LSTM.map((_, k) => 5 * k),
            lines: [
              { label: 'printed loss', values: NOTEBOOK_LSTM },
              { label: 'theory', values: NOTEBOOK_LSTM.map(() => floor) },
            ],
          },
        ],
        matrices: [
          {
            title: 'Answer minus target, for the last batch',
            shape: [BATCH, BATCH],
            data: sixteen,
            rowLabel: 'answer',
            columnLabel: 'target',
          },
        ],
      };
    });
  },
};
