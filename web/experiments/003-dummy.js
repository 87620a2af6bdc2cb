// Notebook 003: the first network of the notebook, in NumPy, with an error that teaches.

import { affine, elman, transpose } from './shared/byhand.js';
import { exact, largestDifference, property, show, small, unreproducible } from './shared/rows.js';
import { isolated, seedParam, state, valuesOf } from './shared/stream.js';
import {
  elmanTerms,
  flat,
  headTerms,
  overTime,
  reading,
  rounded,
  rowsOf,
  statesOf,
  unrolling,
} from './shared/unroll.js';

const [T, I, H] = [10, 1, 10];
const params = [seedParam(0, "Seed of NumPy's stream")];

/**
 * The notebook's network as layers, and what it was made of: in the order in which it draws.
 * @param {import('./types.js').Unrolled} unrolled
 * @param {number} seed
 * @param {<Made extends { dispose(): void }>(made: Made) => Made} own
 */
function network(unrolled, seed, own) {
  const numpy = own(new unrolled.NumpyRandom(seed));
  const [Whi, Wxi, Who, b1, b2] = [H * H, H * I, H * H, H, H].map((n) => numpy.rand(n));
  const x = numpy.rand(T * I);
  const rnn = own(new unrolled.RNN(I, H, { nonlinearity: 'identity', batchFirst: true }));
  rnn.loadStateDict(
    state({
      weight_ih_l0: [[H, I], Wxi],
      weight_hh_l0: [[H, H], transpose(Whi, H, H)],
      bias_ih_l0: [[H], b1],
      bias_hh_l0: [[H], new Float32Array(H)],
    }),
  );
  const fc = own(new unrolled.Linear(H, H));
  fc.loadStateDict(state({ weight: [[H, H], Who], bias: [[H], b2] }));
  return { Whi, Wxi, Who, b1, b2, x, rnn, fc, tanh: own(new unrolled.Tanh()) };
}

/** @type {import('./types.js').Check} */
export default {
  id: '003-dummy',
  notebook: '003',
  kind: 'check',
  title: 'A state without an activation',
  summary:
    'All weights lie between 0 and 1, and the state that is carried on never passes a tanh, only ' +
    'the output does. So the state multiplies itself up at every step, and the output is 1.',
  watch: 'The state grows about fivefold a step; only the outputs of step 0 are not 1.',
  params,

  look(unrolled, values, input) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const { x: drawn, rnn, fc, tanh } = network(unrolled, seed, own);
      const read = input ?? rowsOf(drawn, I);
      const x = rounded(read);
      const h = statesOf(rnn, x);
      const scores = fc.forward(flat(h));
      const head = headTerms(h, rowsOf(scores, H), fc.stateDict());
      const outputs = rowsOf(tanh.forward(scores), H);
      return {
        input: reading('Ten numbers', read, { features: ['x'], range: [0, 1], length: [1, 12] }),
        answers: [
          { label: 'largest state', value: Math.max(...h.at(-1)).toPrecision(4) },
          { label: 'smallest output', value: Math.min(...outputs.at(-1)).toFixed(8) },
        ],
        unrolling: unrolling(
          'What is carried on, and what is put out',
          elmanTerms({ x, h, weights: rnn.stateDict(), f: 'identity' }),
          {
            terms: {
              ...head.terms,
              y: { ...head.terms.y, symbol: 's_t', name: 'the scores' },
              out: { symbol: 'y_t', name: 'the output', values: outputs },
            },
            lines: [...head.lines, ['out', '=', 'tanh', 'y']],
          },
        ),
        matrices: [overTime('states', h), overTime('outputs', outputs, { most: 1 })],
      };
    });
  },

  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const { Whi, Wxi, Who, b1, b2, x, rnn, fc, tanh } = network(unrolled, seed, own);

      // by hand: the state is a row times Whi, which a layer writes as its transpose times a column
      const W_hh = Float64Array.from(
        { length: H * H },
        (_, k) => Whi[(k % H) * H + Math.floor(k / H)],
      );
      const identity = (/** @type {number} */ sum) => sum;
      const statesByHand = elman(x, { W_ih: Wxi, W_hh, b_ih: b1 }, { I, H, f: identity });
      const byHand = affine(statesByHand, Who, b2, { I: H, K: H }).map(Math.tanh);

      const states = rnn.forward(Float32Array.from(x)).output;
      const output = tanh.forward(fc.forward(states));

      const rest = output.subarray(H);
      const lowest = Math.min(...rest);
      const apart = largestDifference(output, byHand);
      const steps = Array.from({ length: T }, (_, t) => t);
      return {
        rows: [
          exact('shape of the input', [10, 1], [x.length / I, I]),
          exact('shape of the outputs', [10, 10], [output.length / H, H]),
          property(
            'outputs of steps 1 to 9',
            '1. … 1.',
            lowest === 1 ? 'all 1' : `at least ${lowest}`,
            lowest > 1 - 5e-9,
            'NumPy prints 1. from 1 - 5e-9 on; holds for any seed',
          ),
          property(
            'outputs: layers and loop',
            null,
            `${small(apart)} apart`,
            apart <= 1e-6,
            'float32 against double: at most 1e-6',
          ),
          unreproducible(
            'outputs of step 0 (10 numbers)',
            '0.99627527 … 0.99967911',
            show(output.subarray(0, H), 8),
            'unseeded: np.random.random',
          ),
        ],
        series: [
          {
            title: 'How large the state is: decimal logarithm of its largest value',
            xLabel: 'step',
            x: steps,
            lines: [
              {
                label: 'log10 of the largest state',
                values: steps.map((t) =>
                  Math.log10(Math.max(...states.subarray(t * H, (t + 1) * H))),
                ),
              },
            ],
          },
        ],
      };
    });
  },
};
