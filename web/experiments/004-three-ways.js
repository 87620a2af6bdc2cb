// Notebook 004: one network of a single ReLU unit, written three times. All its weights are 1:
//
//     h[t] = relu(x[t] + 1 + h[t-1] + 1)

import { exact, largestDifference, numbers, printed, property, small } from './shared/rows.js';
import { isolated, state, valuesOf } from './shared/stream.js';
import { elmanTerms, reading, rounded, statesOf, unrolling } from './shared/unroll.js';

const STEPS = 10;

export const INPUT = printed(`
  2.2424 0.1419 0.3966 1.4313 0.3641 -0.6464 -0.6286 -0.5761 0.7838 0.4501
`);

export const OUTPUT = printed(`
  4.242429 6.38429 8.780897 12.212207 14.576307 15.929882 17.301323 18.72527 21.509113 23.959234
`);

// No step falls to zero, so each input is what its step added, less the two biases; it is known to
// six decimals, where the notebook prints four of it.
export const RECOVERED = OUTPUT.values.map((h, t) => h - (t > 0 ? OUTPUT.values[t - 1] : 0) - 2);

/** @type {import('./types.js').Param[]} */
const params = [
  {
    name: 'input',
    label: 'Input',
    type: 'choice',
    default: 'both',
    choices: [
      { value: 'both', label: 'as printed, and recovered' },
      { value: 'printed', label: 'as printed, four decimals' },
      { value: 'recovered', label: 'recovered from the outputs' },
    ],
  },
];

/**
 * The three implementations on one input.
 * @param {import('./types.js').Unrolled} unrolled
 * @param {ArrayLike<number>} input
 */
export function threeWays(unrolled, input) {
  return isolated(unrolled, 0, (own) => {
    const x = Float32Array.from(input);
    const T = x.length;

    // by hand, rounding after each addition as float32 does
    const byHand = new Float32Array(T);
    for (let t = 0; t < T; t++) {
      const before = t > 0 ? byHand[t - 1] : 0;
      byHand[t] = Math.max(0, Math.fround(Math.fround(Math.fround(x[t] + 1) + before) + 1));
    }

    // two Linear layers and a ReLU
    const ones = { weight: /** @type {[number[], number[]]} */ ([[1, 1], [1]]), bias: [[1], [1]] };
    const i2h = own(new unrolled.Linear(1, 1));
    const h2h = own(new unrolled.Linear(1, 1));
    const relu = own(new unrolled.ReLU());
    i2h.loadStateDict(state(/** @type {any} */ (ones)));
    h2h.loadStateDict(state(/** @type {any} */ (ones)));
    const byLinear = new Float32Array(T);
    /** @type {Float32Array} */
    let hidden = new Float32Array(1);
    for (let t = 0; t < T; t++) {
      const fromInput = i2h.forward(x.subarray(t, t + 1));
      const fromHidden = h2h.forward(hidden);
      hidden = relu.forward(Float32Array.of(fromInput[0] + fromHidden[0]));
      byLinear[t] = hidden[0];
    }

    const rnn = own(new unrolled.RNN(1, 1, { nonlinearity: 'relu', batchFirst: true }));
    for (const parameter of rnn.parameters()) unrolled.initialize.ones(parameter);
    return { byHand, byLinear, byRnn: rnn.forward(x).output };
  });
}

/**
 * @param {string} label
 * @param {ReturnType<typeof threeWays>} ways
 * @param {Parameters<typeof numbers>[3]} compare
 */
function rowsOf(label, { byHand, byLinear, byRnn }, compare) {
  const apart = Math.max(largestDifference(byHand, byLinear), largestDifference(byHand, byRnn));
  return [
    numbers(`${label}: loop by hand`, OUTPUT, byHand, compare),
    numbers(`${label}: two Linear and a ReLU`, OUTPUT, byLinear, compare),
    numbers(`${label}: RNN`, OUTPUT, byRnn, compare),
    property(
      `${label}: the three are equal`,
      'True',
      apart === 0 ? 'True, to the bit' : `${small(apart)} apart`,
      apart <= 2e-6,
      'additions in another order may differ by one rounding at 24: at most 2e-6',
    ),
  ];
}

/** @type {import('./types.js').Check} */
export default {
  id: '004-three-ways',
  notebook: '004',
  kind: 'check',
  title: 'One unit, three times the same',
  summary:
    'A loop over numbers, two Linear layers with a ReLU, and the ready-made RNN, all with ' +
    'weights and biases of 1. The notebook compares them with ==, and so is done here.',
  watch:
    'Every step adds two biases to its input, so the output climbs; three curves lie on one line.',
  params,

  look(unrolled, values, edited) {
    const { input } = valuesOf(params, values);
    const own = input === 'printed' ? INPUT.values : RECOVERED.map((x) => Number(x.toFixed(6)));
    const read = edited ?? own.map((value) => [value]);
    const x = rounded(read);
    const h = isolated(unrolled, 0, (make) => {
      const rnn = make(new unrolled.RNN(1, 1, { nonlinearity: 'relu', batchFirst: true }));
      for (const parameter of rnn.parameters()) unrolled.initialize.ones(parameter);
      return { states: statesOf(rnn, x), weights: rnn.stateDict() };
    });
    const ways = threeWays(unrolled, x.flat());
    return {
      input: reading('Ten numbers', read, { features: ['x'], range: [-10, 5], length: [1, 16] }),
      answers: [
        { label: 'loop', value: ways.byHand.at(-1).toFixed(6) },
        { label: 'Linear', value: ways.byLinear.at(-1).toFixed(6) },
        { label: 'RNN', value: ways.byRnn.at(-1).toFixed(6) },
      ],
      unrolling: unrolling(
        'One unit, a step at a time',
        elmanTerms({ x, h: h.states, weights: h.weights, f: 'relu' }),
      ),
      series: [
        {
          title: 'Input and hidden value',
          xLabel: 'step',
          x: x.map((_, t) => t),
          lines: [
            { label: 'hidden value', values: h.states.flat() },
            { label: 'input', values: x.flat() },
          ],
        },
      ],
    };
  },

  run(unrolled, values) {
    const { input } = valuesOf(params, values);
    const fromPrint = threeWays(unrolled, INPUT.values);
    const fromRecovered = threeWays(unrolled, RECOVERED);
    const steps = Array.from({ length: STEPS }, (_, t) => t);
    const shown = input === 'printed' ? fromPrint : fromRecovered;
    return {
      rows: [
        exact('shape of the input', [1, 10, 1], [1, INPUT.values.length, 1]),
        ...(input === 'recovered'
          ? []
          : rowsOf('printed input', fromPrint, {
              tolerances: steps.map((t) => 6e-5 * (t + 1)),
              why: 'the input is known to 4 decimals, and its errors add up: within 6e-5 (t + 1)',
            })),
        ...(input === 'printed'
          ? []
          : [
              numbers('input recovered from the outputs', INPUT, RECOVERED, {
                absolute: 5.1e-5,
                why: 'within half a unit of the fourth decimal',
              }),
              ...rowsOf('recovered input', fromRecovered, {
                absolute: 1e-5,
                why: 'eight printed digits, ten steps of float32: within 1e-5',
              }),
            ]),
      ],
      tables: [
        {
          title: 'Step by step',
          columns: ['step', 'input', 'loop', 'Linear', 'RNN', 'printed'],
          rows: steps.map((t) => [
            t,
            input === 'printed' ? INPUT.texts[t] : RECOVERED[t].toFixed(6),
            ...[shown.byHand, shown.byLinear, shown.byRnn].map((way) => way[t].toFixed(6)),
            OUTPUT.texts[t],
          ]),
        },
      ],
      series: [
        {
          title: 'The hidden value over time',
          xLabel: 'step',
          x: steps,
          lines: [
            { label: 'loop', values: [...shown.byHand] },
            { label: 'Linear', values: [...shown.byLinear] },
            { label: 'RNN', values: [...shown.byRnn] },
            { label: 'printed', values: OUTPUT.values },
          ],
        },
      ],
    };
  },
};
