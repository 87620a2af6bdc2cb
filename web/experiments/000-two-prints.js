// Notebook 000: one table of outputs, printed twice.

import { numbers, printed } from './shared/rows.js';

// by PyTorch, with four decimals
export const FOUR = printed(`
  0.8554 0.1904
  0.1754 0.1891
  0.5608 0.3311
  0.2357 0.2064
  0.2606 0.2381
  0.4244 0.1892
  0.5049 0.3548
  0.6795 0.5007
  0.4063 0.2149
  0.4123 0.2507
`);

// by NumPy, from the loop, with eight
export const EIGHT = printed(`
  0.85543753 0.19036498
  0.17543979 0.18906787
  0.56084059 0.33111797
  0.2356865  0.20642882
  0.26061645 0.23813986
  0.42441308 0.18923939
  0.50494503 0.35484738
  0.67948664 0.50067571
  0.40632076 0.21485729
  0.41230013 0.25070022
`);

/** @param {number} k */
const column = (k) => EIGHT.values.filter((_, at) => at % 2 === k);

/** @type {import('./types.js').Check} */
export default {
  id: '000-two-prints',
  notebook: '000',
  kind: 'check',
  title: 'Four decimals against eight',
  summary:
    'The outputs stand in the notebook twice: as PyTorch printed them, and as the loop printed ' +
    'them. Rounded to four decimals, the second table must be the first.',
  watch: 'Both curves are the numbers of the notebook itself; only their last digits differ.',
  params: [],
  run: () => ({
    rows: [
      numbers('print of the layers, print of the loop', FOUR, EIGHT.values, {
        absolute: 5.1e-5,
        why: 'within half a unit of the fourth decimal',
      }),
    ],
    tables: [
      {
        title: 'The two prints',
        columns: ['step', 'layers, 0', 'layers, 1', 'loop, 0', 'loop, 1'],
        rows: column(0).map((_, t) => [
          t,
          ...[FOUR, EIGHT].flatMap(({ texts }) => texts.slice(2 * t, 2 * t + 2)),
        ]),
      },
    ],
    series: [
      {
        title: 'The outputs that the notebook printed',
        xLabel: 'step',
        x: column(0).map((_, t) => t),
        lines: [
          { label: 'output 0', values: column(0) },
          { label: 'output 1', values: column(1) },
        ],
      },
    ],
  }),
};
