// Notebook 003: the cell with 300 units in training, from the same seed on.

import { PYTORCH_CELL } from '../data/losses.js';
import { cell, SEED } from './shared/cell.js';
import { numbers, printed, unreproducible } from './shared/rows.js';
import { start } from './shared/session.js';
import { sums } from './shared/sets.js';
import { learningParams, seedParam, valuesOf } from './shared/stream.js';

const PROBE = [1, 2, 3, 4, 5];

/** @type {import('./types.js').Param[]} */
const params = [
  ...learningParams,
  seedParam(SEED),
  { name: 'epochs', label: 'Epochs', type: 'int', default: 100, min: 1, max: 1000 },
];

/** @param {number[]} losses */
const print = (losses) => ({ texts: losses.map(String), values: losses, decimals: 0 });

/** @type {import('./types.js').Training} */
export default {
  id: '003-cell-training',
  notebook: '003',
  kind: 'training',
  title: 'The cell of 300 units learns ten thousand sums',
  summary:
    'Ten thousand rows of three numbers, a hundred times over: 250,000 steps. The notebook asks ' +
    'the result about five numbers, which it never saw in training, and prints 257.0251.',
  watch:
    'The losses are those of PyTorch from the same seed, but the answer drifts: saturated units ' +
    'turn the last bit of a float into another path.',
  params,
  short: [{ label: '400 steps', values: { epochs: 1 }, steps: 400 }],
  full: [{ label: '100 epochs', values: {} }],

  create(unrolled, values) {
    const { lr, optimizer, seed, epochs, changes = [] } = valuesOf(params, values);
    const training = start(unrolled, {
      seed,
      epochs,
      data: sums(10000, 3),
      batchSize: 4,
      optimizer,
      live: { lr },
      changes,
      model() {
        const { rnn, fc } = cell(unrolled);
        return new unrolled.Sequential({ rnn, last: new unrolled.LastStep(), fc });
      },
      parameters: (model) => model.parameters().filter(({ name }) => !name.includes('bias_hh')),
    });
    const { totalSteps, stepsPerEpoch, fit, predict, batch, change, dispose } = training;
    const untrained = predict(PROBE);
    const asRecorded = () =>
      seed === SEED && lr === 1e-3 && optimizer === 'Adam' && training.steered() === 0;

    /**
     * @param {number} from @param {number} to  steps
     * @param {number} relative
     */
    const lossRow = (from, to, relative) =>
      numbers(
        `losses of steps ${from} to ${to - 1}`,
        print(PYTORCH_CELL.slice(from, to)),
        training.losses().slice(from, to),
        { relative, why: `PyTorch 1.13 from the same seed: relative ${relative}`, recorded: true },
      );

    return {
      totalSteps,
      epochs,
      stepsPerEpoch,
      fit,
      predict,
      batch,
      change,
      probe: () => [
        {
          input: '[1, 2, 3, 4, 5]',
          output: predict(PROBE),
          expected: 15,
          printed: '257.0251, trained',
        },
      ],
      rows: () => [
        seed === SEED
          ? numbers('answer to [1, 2, 3, 4, 5], untrained', printed('-0.0731'), [untrained], {
              absolute: 5.1e-5,
              why: 'within half a unit of the fourth decimal',
            })
          : unreproducible(
              'answer to [1, 2, 3, 4, 5], untrained',
              '-0.0731',
              untrained.toFixed(4),
              `the notebook's seed is ${SEED}`,
            ),
        ...(asRecorded() && training.done() >= 10 ? [lossRow(0, 10, 1e-5)] : []),
        ...(asRecorded() && training.done() >= 400 ? [lossRow(10, 400, 2e-4)] : []),
        unreproducible(
          `answer after ${training.done().toLocaleString('en')} steps`,
          '257.0251',
          predict(PROBE).toFixed(4),
          'chaotic: saturated units turn last bits into other paths. The same PyTorch code from ' +
            'the same seed ended at -388.57 on another machine',
        ),
      ],
      dispose,
    };
  },
};
