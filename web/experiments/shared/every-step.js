// The model of notebooks 000 and 001, run two ways: an Elman network of 5 units over 10 steps with
// a Linear layer at every step, once by the library in float32, once by loops in double precision.

import { affine, elman } from './byhand.js';
import { allclose, exact, largestDifference, property, small } from './rows.js';
import { isolated } from './stream.js';
import {
  elmanTerms,
  flat,
  headTerms,
  names,
  overTime,
  reading,
  rounded,
  rowsOf,
  statesOf,
  unrolling,
} from './unroll.js';

/** @import { Look, Row, Series, Table, Unrolled } from '../types.js' */

const [N, T, I, H, K] = [1, 10, 3, 5, 2];

/**
 * @param {Unrolled} unrolled
 * @param {number} seed  of the weights (PyTorch's stream) and of the inputs (NumPy's)
 */
export function everyStep(unrolled, seed) {
  return isolated(unrolled, seed, (own) => {
    const rnn = own(new unrolled.RNN(I, H, { batchFirst: true }));
    const fc = own(new unrolled.Linear(H, K));
    const x = own(new unrolled.NumpyRandom(seed)).randn(N * T * I);

    const { output: hidden, hn } = rnn.forward(Float32Array.from(x), { batch: N });
    const output = fc.forward(hidden);

    const { weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 } = rnn.stateDict();
    const { weight, bias } = fc.stateDict();
    const weights = {
      W_ih: weight_ih_l0.data,
      W_hh: weight_hh_l0.data,
      b_ih: bias_ih_l0.data,
      b_hh: bias_hh_l0.data,
    };
    const hiddenByHand = elman(x, weights, { I, H });
    const outputByHand = affine(hiddenByHand, weight.data, bias.data, { I: H, K });

    return {
      hidden,
      hn,
      output,
      hiddenByHand,
      outputByHand,
      order: rnn.parameters().map(({ name }) => name),
      shapes: {
        output: [N, output.length / (N * K), K],
        W_xh: weight_ih_l0.shape,
        W_hh: weight_hh_l0.shape,
        b_xh: bias_ih_l0.shape,
        b_hh: bias_hh_l0.shape,
        Wo: weight.shape,
        bo: bias.shape,
      },
    };
  });
}

/** @typedef {ReturnType<typeof everyStep>} EveryStep */

/**
 * Inside the same network: on these inputs, or on NumPy's from the seed.
 * @param {Unrolled} unrolled
 * @param {number} seed
 * @param {number[][]} [input]  [T][I]
 * @returns {Look}
 */
export function lookInside(unrolled, seed, input) {
  return isolated(unrolled, seed, (own) => {
    const rnn = own(new unrolled.RNN(I, H, { batchFirst: true }));
    const fc = own(new unrolled.Linear(H, K));
    const values = input ?? rowsOf(own(new unrolled.NumpyRandom(seed)).randn(T * I), I);
    const x = rounded(values);
    const h = statesOf(rnn, x);
    const y = rowsOf(fc.forward(flat(h)), K);
    const weights = rnn.stateDict();
    return {
      input: reading('Ten steps of three features', values, { features: names(I) }),
      answers: y.at(-1).map((value, k) => ({
        label: `output ${k}, last step`,
        value: value.toFixed(4),
      })),
      unrolling: unrolling(
        'Ten steps of three features, one at a time',
        elmanTerms({ x, h, weights }),
        headTerms(h, y, fc.stateDict()),
      ),
      matrices: [
        overTime('inputs x', x, { rowLabel: 'feature' }),
        overTime('hidden states h', h, { most: 1 }),
        overTime('outputs y', y, { rowLabel: 'output' }),
      ],
    };
  });
}

/** @param {...(readonly number[])} shapes */
const side = (...shapes) => shapes.map((shape) => `[${shape.join(', ')}]`).join(' ');

/**
 * What both notebooks print of the shapes.
 * @param {EveryStep} run
 * @returns {Row[]}
 */
export const shapeRows = ({ shapes: s }) => [
  exact('shape of the outputs', side([1, 10, 2]), side(s.output)),
  exact(
    'shapes of W_xh, W_hh, b_xh, b_hh',
    side([5, 3], [5, 5], [5], [5]),
    side(s.W_xh, s.W_hh, s.b_xh, s.b_hh),
  ),
  exact('shapes of Wo, bo', side([2, 5], [2]), side(s.Wo, s.bo)),
];

/**
 * numpy.allclose of the loop and the layers.
 * @param {EveryStep} run
 * @returns {Row}
 */
export function allcloseRow({ output, outputByHand }) {
  const close = allclose(outputByHand, output);
  const difference = largestDifference(outputByHand, output);
  return property(
    'outputs: np.allclose(loop, layers)',
    'True',
    close ? 'True' : 'False',
    close,
    `|a - b| <= 1e-8 + 1e-5 |b|, NumPy's defaults; the largest difference is ` +
      `${small(difference)}. Where an output lies near zero, the rounding of float32 ` +
      'alone can miss this bound.',
  );
}

/**
 * Both ways at every step, to look at.
 * @param {EveryStep} run
 * @returns {{ tables: Table[], series: Series[] }}
 */
export function pictures({ output, outputByHand }) {
  const steps = Array.from({ length: T }, (_, t) => t);
  /** @param {ArrayLike<number>} y @param {number} k */
  const column = (y, k) => steps.map((t) => y[t * K + k]);
  return {
    tables: [
      {
        title: 'Outputs at every step, both ways',
        columns: ['step', 'layers, 0', 'layers, 1', 'loop, 0', 'loop, 1'],
        rows: steps.map((t) => [
          t,
          ...[output, outputByHand].flatMap((y) => [0, 1].map((k) => y[t * K + k].toFixed(8))),
        ]),
      },
    ],
    series: [
      {
        title: 'The two outputs over time: layers and loop lie on each other',
        xLabel: 'step',
        x: steps,
        lines: [
          { label: 'layers, output 0', values: column(output, 0) },
          { label: 'layers, output 1', values: column(output, 1) },
          { label: 'loop, output 0', values: column(outputByHand, 0) },
          { label: 'loop, output 1', values: column(outputByHand, 1) },
        ],
      },
    ],
  };
}
