// What the library computes over a sequence, taken apart step by step for a look inside. The states
// are the library's own: its layers read the sequence a step at a time. The terms that make up a step
// are the lesson, and plain loops over the same weights.

import { affine } from './byhand.js';

/** @import { Matrix, Reading, Term, Unrolled, Unrolling } from '../types.js' */

/**
 * A row-major matrix as rows.
 * @param {ArrayLike<number>} data
 * @param {number} columns
 * @returns {number[][]}
 */
export const rowsOf = (data, columns) =>
  Array.from({ length: data.length / columns }, (_, row) =>
    Array.from({ length: columns }, (_, column) => data[row * columns + column]),
  );

/** @param {number} length @param {string} [name] */
export const names = (length, name = 'x') =>
  Array.from({ length }, (_, k) => (length === 1 ? name : `${name}${k}`));

/** A sequence as the library takes it. @param {number[][]} sequence [T][I] @returns {Float32Array} */
export const flat = (sequence) => Float32Array.from(sequence.flat());

const MANY = 20; // values of a step, from which on they lie side by side

/**
 * Rows over time as a picture, a step in each column (or row, where there are many values).
 * @param {string} title
 * @param {number[][]} values  [T][n]
 * @param {Partial<Matrix>} [more]
 * @returns {Matrix}
 */
export function overTime(title, values, more = {}) {
  const [T, n] = [values.length, values[0].length];
  const { rowLabel = 'unit', ...rest } = more;
  if (n > MANY && n > 4 * T) {
    const labels = { rowLabel: 'step', columnLabel: rowLabel };
    return { title, shape: [T, n], data: values.flat(), ...labels, time: 'rows', ...rest };
  }
  return {
    title,
    shape: [n, T],
    data: Array.from({ length: n * T }, (_, k) => values[k % T][Math.floor(k / T)]),
    rowLabel,
    columnLabel: 'step',
    time: 'columns',
    ...rest,
  };
}

/** @param {ArrayLike<number>} bias @returns {number[][]} what is the same at every step */
const constant = (bias) => [Array.from(bias)];

/**
 * The names of a layer's terms. `x` is a term's key, the rest are symbols.
 * @typedef {object} Signs
 * @property {string} [key]    put before the layer's own keys, where there are several layers
 * @property {string} [x]      the key of what the layer reads
 * @property {string} [index]  put on the symbols
 */

/**
 * The terms of one Elman layer over a sequence:
 *
 *     a[t] = W_xh x[t] + b_xh + W_hh h[t-1] + b_hh,  h[t] = f(a[t])
 *
 * @param {object} layer
 * @param {number[][]} layer.x       [T][I], in float32
 * @param {number[][]} layer.h       [T][H], the library's states
 * @param {import('unrolled').StateDict} layer.weights  a recurrent layer's
 * @param {number} [layer.number]    of the layer in its stack
 * @param {string} [layer.f]         the activation's name
 * @param {Signs} [signs]
 * @returns {{ terms: Record<string, Term>, lines: string[][] }}
 */
export function elmanTerms({ x, h, weights, number = 0, f = 'tanh' }, signs = {}) {
  const { key = '', x: read = 'x', index = '' } = signs;
  const [I, H] = [x[0].length, h[0].length];
  const { data: W } = weights[`weight_ih_l${number}`];
  const { data: U } = weights[`weight_hh_l${number}`];
  const b = weights[`bias_ih_l${number}`].data;
  const c = weights[`bias_hh_l${number}`].data;
  const before = [new Array(H).fill(0), ...h.slice(0, -1)];
  const fromX = x.map((row) => [...affine(row, W, null, { I, K: H })]);
  const fromH = before.map((row) => [...affine(row, U, null, { I: H, K: H })]);
  const sum = fromX.map((row, t) => row.map((value, k) => value + b[k] + fromH[t][k] + c[k]));

  const superscript = index && `^{${index}}`;
  const state = `h${superscript}`;
  const reads = read === 'x' ? 'x_t' : `h^{${Number(index) - 1}}_t`;
  const k = (/** @type {string} */ name) => key + name;
  return {
    terms: {
      ...(read === 'x' && { x: { symbol: 'x_t', name: 'what is read', values: x } }),
      [k('Wx')]: {
        symbol: `W_{xh} ${reads}`,
        name: 'what the input says',
        values: fromX,
        product: { weights: W, of: read },
      },
      [k('b')]: { symbol: 'b_{xh}', name: 'its bias', values: constant(b) },
      [k('Uh')]: {
        symbol: `W_{hh} ${state}_{t−1}`,
        name: 'what memory says',
        values: fromH,
        product: { weights: U, of: k('h'), before: true },
      },
      [k('c')]: { symbol: 'b_{hh}', name: 'its bias', values: constant(c) },
      ...(read === 'x' && {
        [k('before')]: { symbol: `${state}_{t−1}`, name: 'the state before', values: before },
      }),
      [k('a')]: { symbol: `a${superscript}_t`, name: 'their sum', values: sum },
      [k('h')]: { symbol: `${state}_t`, name: 'the new state', values: h },
    },
    lines: [
      ...(read === 'x' ? [['x', 'and', k('before')]] : []),
      [k('a'), '=', k('Wx'), '+', k('b'), '+', k('Uh'), '+', k('c')],
      f === 'identity' ? [k('h'), '=', k('a')] : [k('h'), '=', f, k('a')],
    ],
  };
}

/**
 * A Linear layer on the states: y = W_o h + b_o.
 * @param {number[][]} h  [T][H]
 * @param {number[][]} y  [T][K], the library's
 * @param {import('unrolled').StateDict} head  weight and bias
 * @param {string} [of]   the key of h
 * @returns {{ terms: Record<string, Term>, lines: string[][] }}
 */
export function headTerms(h, y, { weight, bias }, of = 'h') {
  const [H, K] = [h[0].length, y[0].length];
  const W = h.map((row) => [...affine(row, weight.data, null, { I: H, K })]);
  const product = { weights: weight.data, of };
  return {
    terms: {
      Wo: { symbol: 'W_o h_t', name: 'the state, read out', values: W, product },
      bo: { symbol: 'b_o', name: 'the bias of the output', values: constant(bias.data) },
      y: { symbol: 'y_t', name: 'the output', values: y },
    },
    lines: [['y', '=', 'Wo', '+', 'bo']],
  };
}

/**
 * Several parts of one computation as one.
 * @param {string} title
 * @param {...{ terms: Record<string, Term>, lines: string[][] }} parts
 * @returns {Unrolling}
 */
export const unrolling = (title, ...parts) => ({
  title,
  terms: Object.assign({}, ...parts.map(({ terms }) => terms)),
  lines: parts.flatMap(({ lines }) => lines),
});

/**
 * The states of a recurrent module that reads a sequence step by step.
 * @param {{ step(input: Float32Array): Float32Array, resetState(): void }} recurrent
 * @param {number[][]} sequence  [T][I]
 * @returns {number[][]}  [T][H]
 */
export function statesOf(recurrent, sequence) {
  recurrent.resetState();
  const states = sequence.map((x) => [...recurrent.step(Float32Array.from(x))]);
  recurrent.resetState();
  return states;
}

/**
 * The part of a state dict that belongs to one module inside.
 * @param {import('unrolled').StateDict} weights
 * @param {string} name
 * @returns {import('unrolled').StateDict}
 */
export const partOf = (weights, name) =>
  Object.fromEntries(
    Object.entries(weights)
      .filter(([key]) => key.startsWith(`${name}.`))
      .map(([key, tensor]) => [key.slice(name.length + 1), tensor]),
  );

/**
 * A large matrix made small enough to look at: the strongest value of every block.
 * @param {Float32Array} data  [rows][columns]
 * @param {number} rows
 * @param {number} columns
 * @param {number} side  of a block
 * @returns {Pick<Matrix, 'shape' | 'data'>}
 */
export function strongest(data, rows, columns, side) {
  const [R, C] = [Math.ceil(rows / side), Math.ceil(columns / side)];
  const out = new Array(R * C).fill(0);
  let k = 0;
  for (let row = 0; row < rows; row++) {
    const line = Math.floor(row / side) * C;
    for (let block = 0; block < C; block++) {
      const end = Math.min(k + side, (row + 1) * columns);
      let most = out[line + block];
      for (; k < end; k++) if (Math.abs(data[k]) > Math.abs(most)) most = data[k];
      out[line + block] = most;
    }
  }
  return { shape: [R, C], data: out };
}

/** In float32, as the library reads them. @param {number[][]} sequence */
export const rounded = (sequence) => sequence.map((row) => row.map(Math.fround));

/**
 * @param {string} label
 * @param {number[][]} values
 * @param {Partial<Reading>} [more]
 * @returns {Reading}
 */
export const reading = (label, values, more = {}) => ({
  label,
  step: 'step',
  features: names(values[0].length),
  values,
  range: [-3, 3],
  ...more,
});
