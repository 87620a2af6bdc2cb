// Notebook 003: the first network of the notebook, in NumPy, with an error that teaches.

import { affine, elman, transpose } from './shared/byhand.js';
import { exact, largestDifference, property, show, small, unreproducible } from './shared/rows.js';
import { isolated, seedParam, state, valuesOf } from './shared/stream.js';

const [T, I, H] = [10, 1, 10];
const params = [seedParam(0, "Seed of NumPy's stream")];

/** @type {import('./types.js').Check} */
export default {
  id: '003-dummy',
  notebook: '003',
  kind: 'check',
  title: 'A state without an activation',
  summary:
    'All weights lie between 0 and 1, and the state that is carried on never passes a tanh, only ' +
    'the output does. So the state multiplies itself up at every step, and the output is 1.',
  watch: 'The state grows about fivefold a step; the output matrix has one row that is not 1.',
  params,
  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      // in the order in which the notebook draws
      const numpy = own(new unrolled.NumpyRandom(seed));
      const [Whi, Wxi, Who, b1, b2] = [H * H, H * I, H * H, H, H].map((n) => numpy.rand(n));
      const x = numpy.rand(T * I);

      // by hand: the state is a row times Whi, which a layer writes as its transpose times a column
      const W_hh = Float64Array.from(
        { length: H * H },
        (_, k) => Whi[(k % H) * H + Math.floor(k / H)],
      );
      const identity = (/** @type {number} */ sum) => sum;
      const statesByHand = elman(x, { W_ih: Wxi, W_hh, b_ih: b1 }, { I, H, f: identity });
      const byHand = affine(statesByHand, Who, b2, { I: H, K: H }).map(Math.tanh);

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
      const tanh = own(new unrolled.Tanh());
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
        matrices: [
          {
            title: 'Outputs',
            shape: [T, H],
            data: [...output],
            rowLabel: 'step',
            columnLabel: 'unit',
          },
        ],
      };
    });
  },
};
