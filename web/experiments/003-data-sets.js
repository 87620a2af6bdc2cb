// Notebook 003: three ways to cut the counting numbers into sequences.

import { exact } from './shared/rows.js';
import { sums, windows } from './shared/sets.js';
import { isolated } from './shared/stream.js';

/** @type {import('./types.js').Check} */
export default {
  id: '003-data-sets',
  notebook: '003',
  kind: 'check',
  title: 'Sums of neighbours, and the next number',
  summary:
    'Two sets ask for the sum of three neighbouring numbers, one for the number that follows ' +
    'five others. A DataLoader deals them out, as the notebook does.',
  watch:
    'The targets of a set lie on a straight line: a network that learns them learns that line.',
  params: [],
  run: (unrolled) =>
    isolated(unrolled, 0, () => {
      const short = sums(15, 3);
      const long = sums(100, 3);
      const next = windows(5, 1000);
      /**
       * The first item, as the loader hands it out.
       * @param {{ inputs: Float32Array, targets: Float32Array }} set
       * @param {number} samples
       */
      const first = ({ inputs, targets }, samples) => {
        const [item] = new unrolled.DataLoader({ inputs, targets, samples, batchSize: 1 });
        return `[${[...item.input].join(', ')}] -> ${item.target.join()}`;
      };
      const loader = new unrolled.DataLoader({
        ...long,
        samples: 100,
        batchSize: 4,
        shuffle: true,
      });
      const dealt = [...loader].flatMap(({ target }) => [...target]);

      return {
        rows: [
          exact('1 to 45 in rows of 3: shape', [15, 3, 1], [15, short.inputs.length / 15, 1]),
          exact('1 to 45: first row', [1, 2, 3], [...short.inputs.subarray(0, 3)]),
          exact('1 to 45: last row', [43, 44, 45], [...short.inputs.subarray(42)]),
          exact(
            '1 to 45: targets (15 numbers)',
            '6, 15, 24 … 132',
            `${[...short.targets.subarray(0, 3)].join(', ')} … ${short.targets[14]}`,
            'each is 9 more than the one before',
          ),
          exact('1 to 300 in rows of 3: first item', '[1, 2, 3] -> 6', first(long, 100)),
          exact('1 to 300: how many', 100, long.targets.length),
          exact('windows of 5 below 1000: first item', '[0, 1, 2, 3, 4] -> 5', first(next, 995)),
          exact('windows of 5: how many', 995, next.samples),
          exact('batches of 4 in 100 samples', 25, loader.length),
          exact(
            'a shuffled epoch holds every sample once',
            true,
            String(dealt.sort((a, b) => a - b)) === String([...long.targets]),
          ),
        ],
        tables: [
          {
            title: '1 to 45 in rows of 3',
            columns: ['row', 'x0', 'x1', 'x2', 'sum'],
            rows: Array.from({ length: 15 }, (_, k) => [
              k,
              ...short.inputs.subarray(3 * k, 3 * k + 3),
              short.targets[k],
            ]),
          },
        ],
        series: [
          {
            title: 'Targets of 1 to 300',
            xLabel: 'row',
            x: Array.from({ length: 100 }, (_, k) => k),
            lines: [{ label: 'sum of the row', values: [...long.targets] }],
          },
        ],
      };
    }),
};
