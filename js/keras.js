// Weights of Keras's recurrent layers, to and from the names and the layout of PyTorch that are used here.
//
//     kernel             [I][G·H]   weight_ih transposed
//     recurrent_kernel   [H][G·H]   weight_hh transposed
//     bias               [G·H]      b_ih + b_hh; of a GRU [2][G·H]: b_ih, b_hh
//
// Gates: LSTM i f c o, which is our i f g o; GRU z r h, here r z n. A Bidirectional layer has the arrays
// of its forward layer, then those of its backward layer.
// Source: keras/src/layers/rnn, https://keras.io/api/layers/recurrent_layers

import { expectWord, isRecord, misfit, product, sameShape, shapeText, wrong } from './check.js';
import { inOrder, KERAS } from './gates.js';
import { tensorData } from './module.js';
import { isShape } from './state.js';

/** @import { StateDict, Tensor } from './module.js' */
/** The class of a Keras layer. @typedef {'SimpleRNN' | 'LSTM' | 'GRU'} KerasKind */

const KINDS = /** @type {KerasKind[]} */ (Object.keys(KERAS));

/** Keras's arrays of one direction; and ours. */
const ARRAYS = ['kernel', 'recurrent kernel', 'bias'];
const WEIGHTS = ['weight_ih', 'weight_hh'];
const BIASES = ['bias_ih', 'bias_hh'];
/** What follows these names, one a direction. */
const ENDINGS = ['_l0', '_l0_reverse'];

/**
 * The weights of a Keras layer as the state dict of a module of one layer (`new LSTM(I, H)`, with
 * `{ bias: false }` for a layer without biases, with `{ bidirectional: true }` for a Bidirectional one):
 * weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0. Where Keras has one bias it becomes bias_ih, and
 * bias_hh is zeros.
 *
 * The layer must compute what is computed here, which its weights cannot tell: activations as Keras has
 * them by default (models of Keras before 2.3 had `hard_sigmoid` gates), and a GRU with
 * `reset_after=True`, the default since TensorFlow 2.
 *
 * Warns on the console when an LSTM's bias looks as if its gates stood in another order: Keras starts
 * the forget gate's at 1 and all others at 0.
 *
 * @param {KerasKind} kind
 * @param {Tensor[]} weights  as `layer.get_weights()` gives them: kernel [I][G·H], recurrent kernel
 *   [H][G·H], and the bias unless there is none; of a Bidirectional layer twice that
 * @returns {StateDict}  copies, on an object without prototype
 * @throws {ArgumentError} for another number of arrays, and for a GRU with `reset_after=False`
 * @throws {ShapeError} when shapes do not fit together
 */
export function fromKeras(kind, weights) {
  const what = `fromKeras ${expectWord(kind, 'fromKeras kind', KINDS)}`;
  if (!Array.isArray(weights) || ![2, 3, 4, 6].includes(weights.length)) {
    const expected = `${ARRAYS.join(', ')}, or no bias; of a Bidirectional layer twice`;
    throw wrong(`${what} weights`, expected, weights);
  }
  const sides = weights.length > 3 ? [' forward', ' backward'] : [''];
  const each = weights.length / sides.length;
  const order = KERAS[kind];
  const [I, H] = [0, 1].map((i) => shapeOf(weights[i], `${what} ${ARRAYS[i]}`)[0]);
  const GH = order.length * H;
  const shapes = [[I, GH], [H, GH], kind === 'GRU' ? [2, GH] : [GH]];
  /** @type {StateDict} */
  const state = Object.create(null);
  sides.forEach((side, d) => {
    const own = weights.slice(d * each, (d + 1) * each);
    const read = (/** @type {number} */ i) =>
      tensorData(own[i], shapes[i], `${what}${side} ${ARRAYS[i]}`);
    /** @param {string} part @param {Float32Array} data @param {number[]} cols */
    const put = (part, data, ...cols) => {
      state[part + ENDINGS[d]] = { shape: [GH, ...cols], data: inOrder(data, order) };
    };
    const recurrent = read(1); // first: it has said what H is
    put('weight_ih', transposed(read(0), I, GH), I);
    put('weight_hh', transposed(recurrent, H, GH), H);
    if (own[2] === undefined) return;
    if (kind === 'GRU' && sameShape(own[2]?.shape ?? [], [GH])) {
      const why = ', which resets before the recurrent product, where PyTorch does after it';
      throw wrong(`${what}${side} bias`, 'reset_after=True', 'reset_after=False', why);
    }
    const bias = read(2);
    put('bias_ih', bias.subarray(0, GH));
    put('bias_hh', kind === 'GRU' ? bias.subarray(GH) : new Float32Array(GH));
  });
  if (kind === 'LSTM') warnOfOrder(state); // last: console.warn may be anyone's
  return state;
}

/** The sizes of a matrix. @param {Tensor} tensor @param {string} name */
function shapeOf(tensor, name) {
  const { shape } = Object(tensor);
  if (!isShape(shape) || product(shape) === 0) throw wrong(name, '{ shape, data }', tensor);
  if (shape.length === 2) return shape;
  throw misfit(name, 'a matrix', shapeText(shape));
}

/** @param {StateDict} state */
function warnOfOrder(state) {
  for (const ending of ENDINGS) {
    const bias = state[`bias_ih${ending}`]?.data;
    if (!bias) continue;
    const H = bias.length / 4;
    const near = ['i', 'f', 'c', 'o'].filter((_, gate) => {
      const mean = bias.subarray(gate * H, (gate + 1) * H).reduce((sum, b) => sum + b, 0) / H;
      return Math.abs(mean - 1) < 0.5; // nearer to 1 than to 0
    });
    if (near.length !== 1 || near[0] === 'f') continue;
    console.warn(
      `unrolled: fromKeras LSTM bias: ${near} is near 1, where Keras starts f: are the gates i, f, c, o?`,
    );
    return;
  }
}

/**
 * The weights of a module of one layer as a Keras layer takes them: `layer.set_weights()` of a SimpleRNN,
 * LSTM or GRU(reset_after=True), of a Bidirectional one when the module is bidirectional, with
 * `use_bias=False` when it has no biases. Of a SimpleRNN and an LSTM the two biases are added.
 *
 * @param {KerasKind} kind
 * @param {StateDict} state  as `stateDict()` of an RNN, LSTM or GRU with one layer gives it
 * @returns {Tensor[]}  copies: kernel [I][G·H], recurrent kernel [H][G·H], bias
 * @throws {ArgumentError} for other names: more layers, a projection, a prefix
 * @throws {ShapeError} when shapes do not fit together
 */
export function toKeras(kind, state) {
  const what = `toKeras ${expectWord(kind, 'toKeras kind', KINDS)}`;
  if (!isRecord(state)) throw wrong(`${what} state`, 'a state dict', state);
  const names = Object.keys(state);
  const endings = ENDINGS.filter((end, d) => d === 0 || names.some((name) => name.endsWith(end)));
  const biased = names.some((name) => name.startsWith('bias'));
  const parts = biased ? [...WEIGHTS, ...BIASES] : WEIGHTS;
  const wanted = endings.flatMap((ending) => parts.map((part) => part + ending));
  if (names.length !== wanted.length || !wanted.every((name) => names.includes(name))) {
    const expected = `one layer without projection, ${wanted.join(', ')}`;
    throw wrong(`${what} state`, expected, names.join(', '));
  }
  const order = KERAS[kind];
  const sizes = WEIGHTS.map((part) => shapeOf(state[`${part}_l0`], `${what} ${part}_l0`)[1]);
  const GH = order.length * sizes[1];
  return endings.flatMap((ending) => {
    /** @param {string} part @param {number[]} cols */
    const read = (part, ...cols) => {
      const name = part + ending;
      return inOrder(tensorData(state[name], [GH, ...cols], `${what} ${name}`), order);
    };
    const kernels = WEIGHTS.map((part, i) => {
      const data = transposed(read(part, sizes[i]), GH, sizes[i]);
      return { shape: [sizes[i], GH], data };
    });
    if (!biased) return kernels;
    const [ih, hh] = BIASES.map((part) => read(part));
    // Of one bias, what fromKeras made of it comes back to the bit: −0 + 0 would be 0.
    const bias =
      kind === 'GRU'
        ? { shape: [2, GH], data: Float32Array.from([...ih, ...hh]) }
        : { shape: [GH], data: ih.map((b, i) => (hh[i] === 0 ? b : b + hh[i])) };
    return [...kernels, bias];
  });
}

/** @param {Float32Array} data  [rows][cols] @param {number} rows @param {number} cols @returns {Float32Array}  [cols][rows] */
function transposed(data, rows, cols) {
  return data.map((_, i) => data[(i % rows) * cols + Math.floor(i / rows)]);
}
