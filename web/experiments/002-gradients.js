// Notebook 002: its model names two more layers and leaves them commented out, a GRU and an LSTM. What
// they are for shows in the gradient: how much of an early step an answer still depends on.

import { backThrough, KINDS, reachOf } from './shared/gradients.js';
import { largestDifference, property, small } from './shared/rows.js';
import { isolated, seedParam, valuesOf } from './shared/stream.js';
import { reading, rounded } from './shared/unroll.js';

/** @import { Param, Unrolled } from './types.js' */

const [T, H] = [24, 8];
const OPEN = 3; // added to the bias of the gate that keeps: σ(3) = 0.95

/** @type {Param[]} */
const params = [
  {
    name: 'gates',
    label: 'The gates that keep',
    type: 'choice',
    default: 'open',
    choices: [
      { value: 'open', label: 'opened: bias + 3' },
      { value: 'fresh', label: 'as PyTorch draws them' },
    ],
  },
  seedParam(1),
];

const INPUT = Array.from({ length: T }, (_, t) => [
  Number((Math.sin(t / 2) + (t === 2 ? 1.5 : 0)).toFixed(2)),
]);

// where the bias of the keeping gate begins: f is the LSTM's second gate, z the GRU's
const KEEPS = { RNN: null, LSTM: 1, GRU: 1 };

/**
 * Each kind of cell with a read-out, all from one seed, and what runs on them.
 * @template Result
 * @param {Unrolled} unrolled
 * @param {{ seed: number, gates: string }} values
 * @param {(kind: (typeof KINDS)[number], cell: any, head: import('unrolled').Linear) => Result} use
 */
export function networks(unrolled, { seed, gates }, use) {
  return KINDS.map((kind) =>
    isolated(unrolled, seed, (own) => {
      const cell = own(new unrolled[`${kind}Cell`](1, H));
      const head = own(new unrolled.Linear(H, 1));
      if (gates === 'open' && KEEPS[kind] !== null) {
        const bias = cell.parameters().find(({ name }) => name === 'bias_ih').dataView;
        for (let k = 0; k < H; k++) bias[KEEPS[kind] * H + k] += OPEN;
      }
      return use(kind, cell, head);
    }),
  );
}

/** @type {import('./types.js').Check} */
export default {
  id: '002-gradients',
  notebook: '002',
  kind: 'check',
  title: 'How far back an answer reaches',
  summary:
    'The notebook’s second model has two lines commented out: a GRU and an LSTM where the RNN is. ' +
    'Here all three, eight units each, read the same numbers; then the gradient of one output runs ' +
    'back through time.',
  watch:
    'Move the step: its bars show which inputs the answer there depends on. The RNN’s are gone ' +
    'within a few steps. Take the gates as PyTorch draws them, and gates alone do not help.',
  equations: [
    String.raw`\frac{\partial y_k}{\partial x_t} = \frac{\partial y_k}{\partial h_k} \; ` +
      String.raw`\frac{\partial h_k}{\partial h_{k-1}} \cdots \frac{\partial h_{t+1}}{\partial h_t} \; ` +
      String.raw`\frac{\partial h_t}{\partial x_t}`,
  ],
  params,

  look(unrolled, values, input = INPUT) {
    const chosen = /** @type {{ seed: number, gates: string }} */ (valuesOf(params, values));
    const x = rounded(input);
    const made = networks(unrolled, chosen, (kind, cell, head) => ({
      kind,
      ...backThrough(kind, cell, head, x),
      ...reachOf(unrolled, kind, cell, head, x),
    }));
    return {
      input: reading('What all three read', input, {
        features: ['x'],
        range: [-3, 3],
        presets: [
          { label: 'A pulse', values: INPUT.map((_, t) => [t === 2 ? 2 : 0]) },
          { label: 'Silence', values: INPUT.map(() => [0]) },
        ],
      }),
      answers: made.map(({ kind, outputs }) => ({
        label: `${kind}, last output`,
        value: outputs.at(-1).toFixed(4),
      })),
      reach: made.map(({ kind, states, cells, reaches }) => ({
        label: kind,
        norms: [
          { label: cells ? `${kind}, h` : kind, values: states },
          ...(cells
            ? [
                {
                  label: `${kind}, h and c`,
                  values: states.map((value, t) => Math.hypot(value, cells[t])),
                },
              ]
            : []),
        ],
        reaches,
      })),
      matrices: made
        .filter(({ kind }) => kind !== 'GRU')
        .flatMap(({ kind, weight, gradient, shape }) => [
          {
            title: `${kind}: W_hh`,
            shape,
            data: weight,
            rowLabel: 'row',
            columnLabel: 'unit before',
          },
          {
            title: `${kind}: gradient of W_hh`,
            shape,
            data: gradient,
            rowLabel: 'row',
            columnLabel: 'unit before',
          },
        ]),
    };
  },

  run(unrolled, values) {
    const chosen = /** @type {{ seed: number, gates: string }} */ (valuesOf(params, values));
    const x = rounded(INPUT);
    const rows = networks(unrolled, chosen, (kind, cell, head) => {
      const { inputs } = backThrough(kind, cell, head, x);
      const { reaches } = reachOf(unrolled, kind, cell, head, x);
      const apart = largestDifference(inputs, reaches[T - 1]);
      return property(
        `${kind}: gradients of the cell, step by step, and of the layer`,
        null,
        `${small(apart)} apart`,
        apart <= 1e-6,
        'the same sums, in float32: at most 1e-6',
      );
    });
    return { rows };
  },
};
