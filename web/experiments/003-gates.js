// Notebook 003: what the gates of an LSTM do once it has learnt to add, which the notebook's never did.

import { affine } from './shared/byhand.js';
import { gateReader } from './shared/gates.js';
import { largestDifference, property, small } from './shared/rows.js';
import { isolated, newestOf, seedParam, valuesOf } from './shared/stream.js';
import {
  flat,
  names,
  overTime,
  partOf,
  reading,
  rounded,
  rowsOf,
  statesOf,
} from './shared/unroll.js';

/** @import { Unrolled } from './types.js' */

const [T, H] = [8, 6];
const STEPS = 600;
const BATCH = 32;
const params = [seedParam(0)];
const INPUT = [0.5, 0, 1, 0, 0, 0.25, 0.75, 0];

/** @param {ArrayLike<number>} x @returns {number[]} the sum so far, at every step */
const running = (x) => {
  let sum = 0;
  return Array.from(x, (value) => {
    sum += value;
    return sum;
  });
};

/** @param {Unrolled} unrolled */
const layers = (unrolled) => ({
  lstm: new unrolled.LSTM(1, H, { batchFirst: true }),
  fc: new unrolled.Linear(H, 1),
});

/** Rows of numbers from 0 to 1 and their running sums. @param {Unrolled} unrolled @param {number} rows */
function sample(unrolled, rows) {
  const input = unrolled.rand(rows * T);
  const sums = rowsOf(input, T).flatMap(running);
  return { input, target: Float32Array.from(sums) };
}

/** Six hundred steps of training: some 50 ms. */
const trained = newestOf((unrolled, seed) =>
  isolated(unrolled, seed, (own) => {
    const model = own(new unrolled.Sequential(layers(unrolled)));
    const loss = own(new unrolled.MSELoss());
    const optimizer = own(new unrolled.Adam(model.parameters(), { lr: 0.02 }));
    const trainer = own(new unrolled.Trainer(model, { loss, optimizer }));
    for (let step = 0; step < STEPS; step++) {
      optimizer.lr = 0.02 * (1 - step / STEPS) + 0.0005;
      const { input, target } = sample(unrolled, BATCH);
      trainer.step(input, target, { batch: BATCH });
    }
    const fresh = sample(unrolled, 100);
    const answers = unrolled.noGrad(() => model.forward(fresh.input, { batch: 100 }));
    const apart = answers.reduce((sum, y, k) => sum + Math.abs(y - fresh.target[k]), 0) / (100 * T);
    return { weights: model.stateDict(), apart };
  }),
);

/**
 * The trained model over one sequence.
 * @param {Unrolled} unrolled
 * @param {number} seed
 * @param {number[][]} x  [T][1]
 */
export function adder(unrolled, seed, x) {
  const { weights, apart } = trained(unrolled, seed);
  return isolated(unrolled, seed, (own) => {
    const { lstm, fc } = layers(unrolled);
    own(lstm).loadStateDict(partOf(weights, 'lstm'));
    own(fc).loadStateDict(partOf(weights, 'fc'));
    const h = statesOf(lstm, x);
    const y = [...fc.forward(flat(h))];
    const gates = own(gateReader(unrolled, 1, H)).read(partOf(weights, 'lstm'), x);
    return { h, y, gates, head: partOf(weights, 'fc'), apart };
  });
}

/** @type {import('./types.js').Check} */
export default {
  id: '003-gates',
  notebook: '003',
  kind: 'check',
  title: 'Inside an LSTM that can add',
  summary:
    'The notebook wants an LSTM to add, and its loss forbids it. Here a small one, of six units, ' +
    'has learnt to say the sum so far: 600 steps of training, just now. Its gates and its cell ' +
    'show how it does it.',
  watch:
    'Some cells climb with the sum, the others keep quiet. Raise one input: everything after it ' +
    'moves, and nothing before.',
  equations: [
    String.raw`i,f,o = \sigma(W x_t + U h_{t-1} + b)`,
    String.raw`g = \tanh(W x_t + U h_{t-1} + b)`,
    String.raw`c_t = f \odot c_{t-1} + i \odot g`,
    String.raw`h_t = o \odot \tanh c_t`,
  ],
  params,

  look(unrolled, values, input = INPUT.map((value) => [value])) {
    const { seed } = valuesOf(params, values);
    const x = rounded(input);
    const { y, gates } = adder(unrolled, seed, x);
    const sums = running(x.flat());
    return {
      input: reading('Numbers to add', input, {
        features: names(1),
        range: [0, 1],
        length: [1, 16],
        presets: [
          { label: 'One, then nothing', values: INPUT.map((_, t) => [t === 0 ? 1 : 0]) },
          { label: 'Halves', values: INPUT.map(() => [0.5]) },
        ],
      }),
      answers: [
        { label: 'the network says', value: y.at(-1).toFixed(4) },
        { label: 'true sum', value: sums.at(-1).toFixed(4) },
      ],
      series: [
        {
          title: 'The sum so far',
          xLabel: 'step',
          x: sums.map((_, t) => t),
          lines: [
            { label: 'true', values: sums },
            { label: 'network', values: y },
          ],
        },
      ],
      matrices: [
        overTime('input gate i', gates.i, { most: 1 }),
        overTime('forget gate f', gates.f, { most: 1 }),
        overTime('candidate g', gates.g, { most: 1 }),
        overTime('output gate o', gates.o, { most: 1 }),
        overTime('cell c', gates.c),
        overTime('hidden state h', gates.h, { most: 1 }),
      ],
    };
  },

  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    const x = rounded(INPUT.map((value) => [value]));
    const { h, y, gates, head, apart } = adder(unrolled, seed, x);
    const carried = gates.c.map((row, t) =>
      row.map(
        (_, k) => gates.f[t][k] * (t > 0 ? gates.c[t - 1][k] : 0) + gates.i[t][k] * gates.g[t][k],
      ),
    );
    const rebuilt = carried.map((row, t) => row.map((c, k) => gates.o[t][k] * Math.tanh(c)));
    const off = largestDifference(rebuilt.flat(), h.flat());
    const byHand = affine(h.flat(), head.weight.data, head.bias.data, { I: H, K: 1 });
    const answersOff = largestDifference(byHand, y);
    return {
      rows: [
        property(
          'mean error on 100 fresh rows',
          null,
          apart.toFixed(3),
          apart <= 0.12,
          'of sums up to 8, after 600 steps: at most 0.12',
        ),
        property(
          'o tanh(f c + i g), and the layer’s own states',
          null,
          `${small(off)} apart`,
          off <= 2e-6,
          'gates from the weights, states from the LSTM: at most 2e-6',
        ),
        property(
          'answers: layer and loop',
          null,
          `${small(answersOff)} apart`,
          answersOff <= 1e-5,
          'float32 against double, sums up to 8: at most 1e-5',
        ),
      ],
    };
  },
};
