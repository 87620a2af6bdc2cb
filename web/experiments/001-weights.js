// Notebook 001: the weights a fresh RNN(3, 5) starts with.

import { HIDDEN, W_XH, W_XH_FOUR } from './shared/printed-001.js';
import { numbers, property } from './shared/rows.js';
import { isolated, seedParam, valuesOf } from './shared/stream.js';

const [I, H] = [3, 5];
const BOUND = 1 / Math.sqrt(H);
const params = [seedParam(1)];

/** @param {ArrayLike<number>} values */
const largest = (values) => Math.max(...Array.from(values, Math.abs));

/** @type {import('./types.js').Check} */
export default {
  id: '001-weights',
  notebook: '001',
  kind: 'check',
  title: 'Where the weights begin',
  summary:
    'PyTorch draws every parameter of a recurrent layer evenly between plus and minus one over ' +
    'the square root of the units. The printed weights must keep that bound; so must ours.',
  watch: 'The strongest cells of both matrices stop at the same strength: 1/√5 = 0.4472.',
  params,
  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, seed, (own) => {
      const rnn = own(new unrolled.RNN(I, H, { batchFirst: true }));
      const tensors = Object.values(rnn.stateDict());
      const ours = rnn.stateDict().weight_ih_l0.data;
      const texts = Array.from(Float32Array.from(W_XH.values), (value) => value.toFixed(4));
      const all = tensors.flatMap(({ data }) => [...data]);
      return {
        rows: [
          numbers('W_xh in float32, printed with 4 decimals', W_XH_FOUR, W_XH.values, {
            absolute: 5.1e-5,
            why: 'within half a unit of the fourth decimal',
          }),
          property(
            'the fifteen texts themselves',
            '0.1940 … 0.1951',
            String(texts) === String(W_XH_FOUR.texts) ? 'equal' : 'different',
            String(texts) === String(W_XH_FOUR.texts),
            'letter for letter',
          ),
          property(
            'printed W_xh within 1/√5',
            '0.43883753',
            `${largest(W_XH.values).toFixed(8)} <= ${BOUND.toFixed(8)}`,
            largest(W_XH.values) <= BOUND,
            'the largest of the 15 against the bound',
          ),
          property(
            'our parameters within 1/√5',
            null,
            `${largest(all).toFixed(8)} <= ${BOUND.toFixed(8)}`,
            largest(all) <= Math.fround(BOUND),
            'the largest of all 50',
          ),
          property(
            'printed hidden states within ±1',
            '-0.9553398 … 0.98065953',
            `${largest(HIDDEN.values).toFixed(8)} < 1`,
            largest(HIDDEN.values) < 1,
            'outputs of tanh',
          ),
        ],
        matrices: [
          {
            title: 'W_xh as the notebook printed it',
            shape: [H, I],
            data: W_XH.values,
            rowLabel: 'unit',
            columnLabel: 'feature',
          },
          {
            title: `W_xh of a fresh RNN(3, 5) from seed ${seed}`,
            shape: [H, I],
            data: [...ours],
            rowLabel: 'unit',
            columnLabel: 'feature',
          },
        ],
      };
    });
  },
};
