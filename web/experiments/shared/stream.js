// The library has one random stream, and experiments may take turns in one worker. So each keeps to
// a stream of its own, and leaves the library's as it found it.

/** @import { Unrolled } from '../types.js' */

/**
 * Runs `compute` from a seed, then puts the library's stream back and disposes of what was made.
 * @template Result
 * @param {Unrolled} unrolled
 * @param {number} seed
 * @param {(own: <Made extends { dispose(): void }>(made: Made) => Made) => Result} compute
 *   wraps what it makes in own()
 * @returns {Result}
 */
export function isolated(unrolled, seed, compute) {
  /** @type {{ dispose(): void }[]} */
  const made = [];
  const before = unrolled.getRngState();
  try {
    unrolled.manualSeed(seed);
    return compute((object) => {
      made.push(object);
      return object;
    });
  } finally {
    for (const object of made.reverse()) object.dispose();
    unrolled.setRngState(before);
  }
}

/**
 * The weights of a module as tensors of a state dict.
 * @param {Record<string, [shape: number[], data: ArrayLike<number>]>} tensors
 */
export const state = (tensors) =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, [shape, data]]) => [
      name,
      { shape, data: Float32Array.from(data) },
    ]),
  );

/**
 * The control that most experiments have.
 * @param {number} value  where it starts
 * @param {string} [label]
 * @returns {import('../types.js').Param}
 */
export const seedParam = (value, label = 'Seed') => ({
  name: 'seed',
  label,
  type: 'int',
  default: value,
  min: 0,
  max: 4294967295,
});

/** How a training learns: the learning rate, at any time, and the rule that it is used in. */
export const learningParams = /** @type {import('../types.js').Param[]} */ ([
  {
    name: 'lr',
    label: 'Learning rate',
    type: 'number',
    default: 0.001,
    min: 0.0000001,
    max: 10,
    live: true,
  },
  {
    name: 'optimizer',
    label: 'Optimizer',
    type: 'choice',
    default: 'Adam',
    choices: ['Adam', 'AdamW', 'RMSprop', 'Adagrad', 'SGD'].map((value) => ({
      value,
      label: value,
    })),
  },
]);

/**
 * The values of the controls: those given, else where each starts.
 * @param {import('../types.js').Param[]} params
 * @param {import('../types.js').Values} [values]
 * @returns {import('../types.js').Values}
 */
export const valuesOf = (params, values = {}) => ({
  ...Object.fromEntries(params.map((param) => [param.name, param.default])),
  ...values,
});

/**
 * Keeps what was made for the newest seed, where making it takes longer than a visitor who drags an
 * input should wait.
 * @template Made
 * @param {(unrolled: Unrolled, seed: number) => Made} make
 * @returns {(unrolled: Unrolled, seed: number) => Made}
 */
export function newestOf(make) {
  /** @type {{ seed: number, made: Made } | null} */
  let newest = null;
  return (unrolled, seed) => {
    if (newest?.seed !== seed) newest = { seed, made: make(unrolled, seed) };
    return newest.made;
  };
}
