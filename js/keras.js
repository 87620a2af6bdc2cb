// Weights of Keras's recurrent layers, to and from the names and the layout of PyTorch that are used here.
//
//     kernel             [I][G·H]   weight_ih transposed
//     recurrent_kernel   [H][G·H]   weight_hh transposed
//     bias               [G·H]      b_ih + b_hh; of a GRU [2][G·H]: b_ih, b_hh
//
// Gates: LSTM i f c o, which is our i f g o; GRU z r h, here r z n. A Bidirectional layer has the arrays
// of its forward layer, then those of its backward layer.
// Source: keras/src/layers/rnn, https://keras.io/api/layers/recurrent_layers

import { describe, expectFloats, expectOneOf, product, shapeText } from './check.js';
import { ArgumentError, ShapeError } from './errors.js';
import { inOrder, joined, ORDERS } from './gates.js';
import { tensorData } from './module.js';

/** @import { StateDict, Tensor } from './module.js' */
/** The class of a Keras layer. @typedef {'SimpleRNN' | 'LSTM' | 'GRU'} KerasKind */

const KINDS = /** @type {KerasKind[]} */ (Object.keys(ORDERS.keras));

/** Keras's names for the gates of an LSTM, in its order. */
const LSTM_GATES = ['i', 'f', 'c', 'o'];
const FORGET = 1;

const DIRECTIONS = ['', '_reverse'];

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
    throw new ArgumentError(
      `${what} weights: expected kernel, recurrent kernel and bias (or no bias), of a Bidirectional ` +
        `layer twice, got ${describe(weights)}`,
    );
  }
  const D = weights.length > 3 ? 2 : 1;
  const each = weights.length / D;
  /** @type {StateDict} */
  const state = Object.create(null);
  const shapes = DIRECTIONS.slice(0, D).map((direction, d) => {
    const own = weights.slice(d * each, (d + 1) * each);
    const side = D === 2 ? `${what} ${d ? 'backward' : 'forward'}` : what;
    return readLayer(kind, own, `_l0${direction}`, state, side);
  });
  if (D === 2 && shapes[0] !== shapes[1]) {
    throw new ShapeError(
      `${what} weights: both directions must be of one size, got kernels ${shapes.join(' and ')}`,
    );
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
 * @returns {string}  the kernel's shape
 */
function readLayer(kind, [kernel, recurrent, bias], ending, state, what) {
  const order = ORDERS.keras[kind];
  const G = order.length;
  const H = expectMatrix(recurrent, `${what} recurrent kernel`)[0];
  const I = expectMatrix(kernel, `${what} kernel`)[0];
  const GH = G * H;
  const hh = tensorData(recurrent, [H, GH], `${what} recurrent kernel [H][${G}·H]`);
  const ih = tensorData(kernel, [I, GH], `${what} kernel [I][${G}·H]`);
  let biases = null;
  if (bias !== undefined) {
    if (kind === 'GRU') refuseResetBefore(bias, GH, `${what} bias`);
    const rows = kind === 'GRU' ? [2, GH] : [GH];
    const made = kind === 'GRU' ? '[2][3·H]' : `[${G}·H]`;
    biases = tensorData(bias, rows, `${what} bias ${made}`);
  }

  state[`weight_ih${ending}`] = { shape: [GH, I], data: inOrder(transposed(ih, I, GH), order) };
  state[`weight_hh${ending}`] = { shape: [GH, H], data: inOrder(transposed(hh, H, GH), order) };
  if (biases) {
    const recurrentBias = biases.length > GH ? biases.subarray(GH) : new Float32Array(GH);
    state[`bias_ih${ending}`] = { shape: [GH], data: inOrder(biases.subarray(0, GH), order) };
    state[`bias_hh${ending}`] = { shape: [GH], data: inOrder(recurrentBias, order) };
  }
  return shapeText(kernel.shape);
}

/** @param {Tensor} tensor @param {string} name @returns {readonly number[]} */
function expectMatrix(tensor, name) {
  const { shape } = Object(tensor);
  const whole =
    Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size > 0);
  if (!whole) {
    throw new ArgumentError(`${name}: expected { shape, data }, got ${describe(tensor)}`);
  }
  expectFloats(tensor.data, `${name} data`);
  if (shape.length !== 2 || product(shape) !== tensor.data.length) {
    throw new ShapeError(
      `${name}: expected a matrix, got ${shapeText(shape)} with ${tensor.data.length} values`,
    );
  }
  return shape;
}

/** @param {Tensor} bias @param {number} GH @param {string} name */
function refuseResetBefore(bias, GH, name) {
  const { shape } = Object(bias);
  if (!Array.isArray(shape) || shape.length !== 1 || shape[0] !== GH) return;
  throw new ArgumentError(
    `${name}: shape [${GH}] is that of a GRU with reset_after=False, whose reset gate acts before the ` +
      'recurrent product; here, as in PyTorch, it acts after it. Only a GRU trained with ' +
      `reset_after=True, whose bias is [2, ${GH}], computes the same`,
  );
}

/** @param {StateDict} state */
function warnOfOrder(state) {
  for (const direction of DIRECTIONS) {
    const bias = state[`bias_ih_l0${direction}`]?.data;
    if (!bias) continue;
    const H = bias.length / LSTM_GATES.length;
    const near = LSTM_GATES.map((_, gate) => {
      const mean = bias.subarray(gate * H, (gate + 1) * H).reduce((sum, b) => sum + b, 0) / H;
      return Math.abs(mean - 1) < 0.5; // nearer to 1 than to 0
    });
    const gate = near.indexOf(true);
    if (gate < 0 || near[FORGET] || near.lastIndexOf(true) !== gate) continue;
    console.warn(
      `unrolled: fromKeras LSTM bias: in the order i, f, c, o only the values of ${LSTM_GATES[gate]} ` +
        'are near 1, where Keras starts those of the forget gate f. Are the gates in another order? ' +
        'ONNX, for one, has i, o, f, c',
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
  if (typeof state !== 'object' || state === null) {
    throw new ArgumentError(`${what}: expected a state dict, got ${describe(state)}`);
  }
  const names = Object.keys(state);
  const D = names.some((name) => name.endsWith('_reverse')) ? 2 : 1;
  const parts = names.some((name) => name.startsWith('bias')) ? BIASED : WEIGHTS;
  const endings = DIRECTIONS.slice(0, D).map((direction) => `_l0${direction}`);
  const wanted = endings.flatMap((ending) => parts.map((part) => `${part}${ending}`));
  const missing = wanted.filter((name) => !Object.hasOwn(state, name));
  const unexpected = names.filter((name) => !wanted.includes(name));
  if (missing.length || unexpected.length) {
    throw new ArgumentError(
      `${what}: expected the state dict of one layer without projection, ${wanted.join(', ')}; ` +
        `${missing.length ? `missing ${missing.join(', ')}` : `unexpected ${unexpected.join(', ')}`}`,
    );
  }
  const [I, H] = ['weight_ih_l0', 'weight_hh_l0'].map(
    (name) => expectMatrix(state[name], `${what} ${name}`)[1],
  );
  return endings.flatMap((ending) => writeLayer(kind, state, ending, I, H, what));
}

const WEIGHTS = ['weight_ih', 'weight_hh'];
const BIASED = [...WEIGHTS, 'bias_ih', 'bias_hh'];

/**
 * @param {KerasKind} kind
 * @param {StateDict} state
 * @param {string} ending
 * @param {number} I
 * @param {number} H
 * @param {string} what
 * @returns {Tensor[]}
 */
function writeLayer(kind, state, ending, I, H, what) {
  const order = ORDERS.keras[kind];
  const GH = order.length * H;
  const read = (/** @type {string} */ part, /** @type {number[]} */ shape) => {
    const name = `${part}${ending}`;
    return inOrder(tensorData(state[name], shape, `${what} ${name}`), order);
  };
  const kernel = { shape: [I, GH], data: transposed(read('weight_ih', [GH, I]), GH, I) };
  const recurrent = { shape: [H, GH], data: transposed(read('weight_hh', [GH, H]), GH, H) };
  if (!Object.hasOwn(state, `bias_ih${ending}`)) return [kernel, recurrent];
  const [ih, hh] = ['bias_ih', 'bias_hh'].map((part) => read(part, [GH]));
  if (kind === 'GRU') {
    return [kernel, recurrent, { shape: [2, GH], data: joined([ih, hh]) }];
  }
  // What fromKeras made of one bias comes back to the bit: −0 + 0 would be 0.
  const sum = ih.map((b, i) => (hh[i] === 0 ? b : b + hh[i]));
  return [kernel, recurrent, { shape: [GH], data: sum }];
}

/** @param {Float32Array} data  [rows][cols] @param {number} rows @param {number} cols @returns {Float32Array}  [cols][rows] */
function transposed(data, rows, cols) {
  const to = new Float32Array(data.length);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < cols; c++) to[c * rows + r] = data[r * cols + c];
  }
  return to;
}
