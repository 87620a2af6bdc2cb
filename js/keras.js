// Weights of Keras's recurrent layers, to and from the names and the layout of PyTorch that are used here.
//
//     kernel             [I][G·H]   weight_ih transposed
//     recurrent_kernel   [H][G·H]   weight_hh transposed
//     bias               [G·H]      b_ih + b_hh; of a GRU [2][G·H]: b_ih, b_hh
//
// Gates: LSTM i f c o, which is our i f g o; GRU z r h, here r z n. A Bidirectional layer has the arrays
// of its forward layer, then those of its backward layer.
// Source: keras/src/layers/rnn, https://keras.io/api/layers/recurrent_layers

import { expectOneOf, misfit, product, shapeText, wrong } from './check.js';
import { ArgumentError } from './errors.js';
import { inOrder, joined, KERAS } from './gates.js';
import { tensorData } from './module.js';
import { isRecord, isShape } from './state.js';

/** @import { StateDict, Tensor } from './module.js' */
/** The class of a Keras layer. @typedef {'SimpleRNN' | 'LSTM' | 'GRU'} KerasKind */

const KINDS = /** @type {KerasKind[]} */ (Object.keys(KERAS));

/** Keras's names for the gates of an LSTM, in its order. */
const LSTM_GATES = ['i', 'f', 'c', 'o'];

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
  const what = `fromKeras ${expectOneOf(kind, KINDS, 'fromKeras kind')}`;
  if (!Array.isArray(weights) || ![2, 3, 4, 6].includes(weights.length)) {
    const expected = 'kernel, recurrent kernel and, if any, bias; of a Bidirectional layer twice';
    throw wrong(`${what} weights`, expected, weights);
  }
  const sides = weights.length > 3 ? [' forward', ' backward'] : [''];
  const each = weights.length / sides.length;
  /** @type {StateDict} */
  const state = Object.create(null);
  const kernels = sides.map((side, d) => {
    const own = weights.slice(d * each, (d + 1) * each);
    readLayer(kind, own, ENDINGS[d], state, what + side);
    return shapeText(own[0].shape);
  });
  if (new Set(kernels).size > 1) {
    const got = `kernels ${kernels.join(' and ')}`;
    throw misfit(`${what} weights`, 'both directions of one size', got);
  }
  if (kind === 'LSTM') warnOfOrder(state); // last: console.warn may be anyone's
  return state;
}

/**
 * @param {KerasKind} kind
 * @param {Tensor[]} weights  of one direction
 * @param {string} ending  of the names
 * @param {StateDict} state  takes what is found
 * @param {string} what
 */
function readLayer(kind, [kernel, recurrent, bias], ending, state, what) {
  const order = KERAS[kind];
  const GH = order.length * sizesOf(recurrent, `${what} recurrent kernel`)[0];
  const turn = (/** @type {Tensor} */ tensor, /** @type {string} */ name) => {
    const [rows] = sizesOf(tensor, name);
    const data = transposed(tensorData(tensor, [rows, GH], name), rows, GH);
    return { shape: [GH, rows], data: inOrder(data, order) };
  };
  const hh = turn(recurrent, `${what} recurrent kernel`); // first: it says what H is
  state[WEIGHTS[0] + ending] = turn(kernel, `${what} kernel`);
  state[WEIGHTS[1] + ending] = hh;
  if (bias === undefined) return;
  if (kind === 'GRU') refuseResetBefore(bias, GH, `${what} bias`);
  const data = tensorData(bias, kind === 'GRU' ? [2, GH] : [GH], `${what} bias`);
  const both = joined([data, new Float32Array(GH)]);
  BIASES.forEach((part, i) => {
    const own = both.subarray(i * GH, (i + 1) * GH);
    state[part + ending] = { shape: [GH], data: inOrder(own, order) };
  });
}

/** The sizes of a matrix. @param {Tensor} tensor @param {string} name @returns {readonly number[]} */
function sizesOf(tensor, name) {
  const { shape } = Object(tensor);
  if (!isShape(shape) || product(shape) === 0) throw wrong(name, '{ shape, data }', tensor);
  if (shape.length !== 2) throw misfit(name, 'a matrix', shapeText(shape));
  return shape;
}

/** @param {Tensor} bias @param {number} GH @param {string} name */
function refuseResetBefore(bias, GH, name) {
  const { shape } = Object(bias);
  if (!isShape(shape) || shapeText(shape) !== `[${GH}]`) return;
  throw new ArgumentError(
    `${name}: expected [2, ${GH}], got [${GH}], of reset_after=False, which resets before the recurrent ` +
      'product; PyTorch does after it, as reset_after=True',
  );
}

/** @param {StateDict} state */
function warnOfOrder(state) {
  for (const ending of ENDINGS) {
    const bias = state[`bias_ih${ending}`]?.data;
    if (!bias) continue;
    const H = bias.length / LSTM_GATES.length;
    const near = LSTM_GATES.filter((_, gate) => {
      const mean = bias.subarray(gate * H, (gate + 1) * H).reduce((sum, b) => sum + b, 0) / H;
      return Math.abs(mean - 1) < 0.5; // nearer to 1 than to 0
    });
    if (near.length !== 1 || near[0] === 'f') continue;
    console.warn(
      `unrolled: fromKeras LSTM bias: only the values of ${near} are near 1, where Keras starts those ` +
        'of f: do the gates stand in the order i, f, c, o?',
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
  const what = `toKeras ${expectOneOf(kind, KINDS, 'toKeras kind')}`;
  if (!isRecord(state)) throw wrong(`${what} state`, 'a state dict', state);
  const names = Object.keys(state);
  const endings = names.some((name) => name.endsWith(ENDINGS[1])) ? ENDINGS : ENDINGS.slice(0, 1);
  const biased = names.some((name) => name.startsWith('bias'));
  const parts = biased ? [...WEIGHTS, ...BIASES] : WEIGHTS;
  const wanted = endings.flatMap((ending) => parts.map((part) => part + ending));
  if (names.length !== wanted.length || !wanted.every((name) => Object.hasOwn(state, name))) {
    const expected = `one layer without projection, ${wanted.join(', ')}`;
    throw wrong(`${what} state`, expected, names.join(', '));
  }
  const order = KERAS[kind];
  const sizes = WEIGHTS.map((part) => sizesOf(state[`${part}_l0`], `${what} ${part}_l0`)[1]); // I, H
  const GH = order.length * sizes[1];
  return endings.flatMap((ending) => {
    const read = (/** @type {string} */ part, /** @type {number[]} */ shape) => {
      const name = part + ending;
      return inOrder(tensorData(state[name], shape, `${what} ${name}`), order);
    };
    const kernels = WEIGHTS.map((part, i) => {
      const shape = [sizes[i], GH];
      return { shape, data: transposed(read(part, [GH, sizes[i]]), GH, sizes[i]) };
    });
    if (!biased) return kernels;
    const [ih, hh] = BIASES.map((part) => read(part, [GH]));
    if (kind === 'GRU') return [...kernels, { shape: [2, GH], data: joined([ih, hh]) }];
    // What fromKeras made of one bias comes back to the bit: −0 + 0 would be 0.
    return [...kernels, { shape: [GH], data: ih.map((b, i) => (hh[i] === 0 ? b : b + hh[i])) }];
  });
}

/** @param {Float32Array} data  [rows][cols] @param {number} rows @param {number} cols @returns {Float32Array}  [cols][rows] */
function transposed(data, rows, cols) {
  const to = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) to[c * rows + r] = data[r * cols + c];
  }
  return to;
}
