// Notebook 003: np.random.randn(2, 3), and nothing else in its cell.

import { exact, numbers, printed, show, unreproducible } from './shared/rows.js';
import { isolated, seedParam, valuesOf } from './shared/stream.js';

const params = [seedParam(0, "Seed of NumPy's stream")];

// np.random.seed(0); np.random.randn(2, 3)
const SEED = 0;
export const RECORDED = printed(`
  1.764052345967664 0.400157208367223 0.978737984105739
  2.240893199201458   1.867557990149968 -0.977277879876411
`);

/** @type {import('./types.js').Check} */
export default {
  id: '003-normals',
  notebook: '003',
  kind: 'check',
  title: "Six normals from NumPy's stream",
  summary:
    'The notebooks take their data from NumPy, which has a generator of its own. The notebook ' +
    "did not seed it here; with a seed, NumPy's digits come out.",
  watch: 'With seed 0 these are the six numbers that anyone who has seeded NumPy with 0 has seen.',
  params,
  run(unrolled, values) {
    const { seed } = valuesOf(params, values);
    return isolated(unrolled, 0, (own) => {
      const drawn = own(new unrolled.NumpyRandom(seed)).randn(6);
      return {
        rows: [
          exact('shape', [2, 3], [2, drawn.length / 2]),
          unreproducible(
            'np.random.randn(2, 3)',
            '-1.48960531 … -1.24990254',
            show(drawn, 8),
            'unseeded',
          ),
          ...(seed === SEED
            ? [
                numbers('the same after np.random.seed(0)', RECORDED, drawn, {
                  relative: 1e-14,
                  why: "NumPy 1.24: to 1e-14, for the last bits are the C library's logarithm",
                  recorded: true,
                }),
              ]
            : []),
        ],
        matrices: [
          {
            title: `np.random.randn(2, 3) after seed ${seed}`,
            shape: [2, 3],
            data: [...drawn],
          },
        ],
      };
    });
  },
};
