// Notebook 002: an RNN(5, 2) from manual_seed(1). Every number it prints can come out again.

import { affine } from './shared/byhand.js';
import { exact, numbers, printed, show, unreproducible } from './shared/rows.js';
import { isolated, seedParam, valuesOf } from './shared/stream.js';
import {
  elmanTerms,
  flat,
  names,
  overTime,
  reading,
  rounded,
  statesOf,
  unrolling,
} from './shared/unroll.js';

const SEED = 1;
const [T, I, H] = [3, 5, 2];
const params = [seedParam(SEED)];

// 1 1 1 1 1, then twos, then threes
const INPUT = Array.from({ length: T }, (_, t) => new Array(I).fill(t + 1));
const COMPARE = {
  absolute: 3e-7,
  why: 'eight printed digits of float32, whose own two prints are 6e-8 apart: within 3e-7',
};

// W_xh x + b_xh at each step
export const INPUT_PART = printed(`
  -0.4701929  0.58639044
  -0.88883156 1.2364398
  -1.3074702  1.8864892
`);

// the loop's tanh(… + W_hh h + b_hh)
export const BY_LOOP = printed(`
  -0.3519801  0.52525216
  -0.68424344 0.76074266
  -0.8649416  0.9046636
`);

export const BY_LAYER = printed(`
  -0.35198015 0.52525216
  -0.68424344 0.76074266
  -0.8649416  0.90466356
`);

// the first print, with four decimals
export const FOUR = printed(`
  -0.3520 0.5253
  -0.6842 0.7607
  -0.8649 0.9047
`);

// what PyTorch draws for this seed; the notebook does not print them
export const PARAMETERS = printed(`
  0.36434609 -0.31210154 -0.13708077 0.33189395 -0.66569638
  0.42406413 -0.14546975 0.35973623 0.09829985 -0.08658109
  0.19612378 0.03488284
  0.25825530 -0.27556023
  -0.05155428 -0.06365894
  0.10249085 -0.00282477
`);

/**
 * The two values of a step.
 * @param {ReturnType<typeof printed>} print
 * @param {number} t
 */
const at = (print, t) => ({
  ...print,
  texts: print.texts.slice(t * H, (t + 1) * H),
  values: print.values.slice(t * H, (t + 1) * H),
});

/** @type {import('./types.js').Check} */
export default {
  id: '002-seeded',
  notebook: '002',
  kind: 'check',
  title: 'One seed, the same digits',
  summary:
    'The notebook seeds the generator with 1 before it builds its layer. The library draws the ' +
    'same weights from the same seed, and so must print what PyTorch printed, at every step.',
  watch:
    'With seed 1 all digits match the print; any other seed is another network, and nothing ' +
    'matches.',
  params,

  look(unrolled, values, input = INPUT) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const rnn = own(new unrolled.RNN(I, H, { batchFirst: true }));
      const x = rounded(input);
      const h = statesOf(rnn, x);
      return {
        input: reading('The three inputs', input, {
          features: names(I),
          range: [-1, 4],
          length: [1, 8],
        }),
        answers: h.at(-1).map((value, k) => ({
          label: `unit ${k}, last step`,
          value: value.toFixed(4),
        })),
        unrolling: unrolling(
          'The notebook’s loop, a step at a time',
          elmanTerms({ x, h, weights: rnn.stateDict() }),
        ),
        matrices: [
          overTime('inputs x', x, { rowLabel: 'feature' }),
          overTime('hidden states h', h, { most: 1 }),
        ],
      };
    });
  },

  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const rnn = own(new unrolled.RNN(I, H, { batchFirst: true }));
      const x = flat(INPUT);
      const { output, hn } = rnn.forward(x);

      const { weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 } = rnn.stateDict();
      const drawn = rnn.parameters().flatMap(({ dataView }) => [...dataView]);
      const inputPart = affine(x, weight_ih_l0.data, bias_ih_l0.data, { I, K: H });
      const byLoop = new Float64Array(T * H);
      for (let t = 0; t < T; t++) {
        const before = t > 0 ? byLoop.subarray((t - 1) * H, t * H) : new Float64Array(H);
        const recurrent = affine(before, weight_hh_l0.data, bias_hh_l0.data, { I: H, K: H });
        for (let k = 0; k < H; k++) {
          byLoop[t * H + k] = Math.tanh(inputPart[t * H + k] + recurrent[k]);
        }
      }

      /**
       * @param {string} what
       * @param {ReturnType<typeof printed>} print
       * @param {ArrayLike<number>} computed
       * @param {Parameters<typeof numbers>[3]} [compare]
       */
      const row = (what, print, computed, compare = COMPARE) =>
        seed === SEED
          ? numbers(what, print, computed, compare)
          : unreproducible(
              what,
              compare.recorded ? null : show(print.values, print.decimals),
              show(computed, print.decimals),
              `the notebook's seed is ${SEED}`,
            );
      const steps = Array.from({ length: T }, (_, t) => t);
      /** @param {ArrayLike<number>} y @param {number} t */
      const step = (y, t) => Array.from(y).slice(t * H, (t + 1) * H);
      const four = {
        absolute: 5.1e-5,
        why: 'within half a unit of the fourth decimal',
      };

      return {
        rows: [
          exact(
            'shapes of W_xh, W_hh, b_xh, b_hh',
            '[2, 5] [2, 2] [2] [2]',
            rnn
              .parameters()
              .map(({ shape }) => `[${shape.join(', ')}]`)
              .join(' '),
          ),
          row('the parameters (18 numbers)', PARAMETERS, drawn, {
            absolute: 1.2e-7,
            why: 'drawn by PyTorch 1.13 from this seed: within one last bit of float32',
            recorded: true,
          }),
          row('outputs, four decimals (6 numbers)', FOUR, output, four),
          row('last hidden state, four decimals', at(FOUR, T - 1), hn, four),
          ...steps.flatMap((t) => [
            row(`step ${t}: W_xh x + b_xh`, at(INPUT_PART, t), step(inputPart, t)),
            row(`step ${t}: output of the loop`, at(BY_LOOP, t), step(byLoop, t)),
            row(`step ${t}: output of the layer`, at(BY_LAYER, t), step(output, t)),
          ]),
        ],
        tables: [
          {
            title: 'Each step: the input part, then the new state',
            columns: [
              'step',
              'Wx + b, 0',
              'Wx + b, 1',
              'loop, 0',
              'loop, 1',
              'layer, 0',
              'layer, 1',
            ],
            rows: steps.map((t) => [
              t,
              ...[inputPart, byLoop, output].flatMap((y) =>
                step(y, t).map((value) => value.toFixed(8)),
              ),
            ]),
          },
        ],
        series: [
          {
            title: 'The two hidden values over time',
            xLabel: 'step',
            x: steps,
            lines: [0, 1].flatMap((k) => [
              { label: `layer, unit ${k}`, values: steps.map((t) => output[t * H + k]) },
              { label: `printed, unit ${k}`, values: steps.map((t) => BY_LAYER.values[t * H + k]) },
            ]),
          },
        ],
        matrices: [
          {
            title: 'W_xh',
            shape: [H, I],
            data: [...weight_ih_l0.data],
            rowLabel: 'unit',
            columnLabel: 'feature',
          },
          {
            title: 'W_hh',
            shape: [H, H],
            data: [...weight_hh_l0.data],
            rowLabel: 'unit',
            columnLabel: 'unit before',
          },
        ],
      };
    });
  },
};
