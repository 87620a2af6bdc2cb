// Inside a stack of two recurrent layers with a Linear layer on the last state, as it is in training.

import { gateReader } from './gates.js';
import { overTime, partOf, reading, rounded, statesOf, strongest } from './unroll.js';

/** @import { Look, Matrix, Unrolled } from '../types.js' */

const BLOCKS = 16; // a large matrix is shown in so many columns

/**
 * @param {Unrolled} unrolled
 * @param {{ model: import('unrolled').Module, done: () => number,
 *   predict: (sequence: number[]) => number }} training
 * @param {{ cell: string, hidden: number }} sizes  the cell: LSTM, GRU or RNN
 */
export function stackReader(unrolled, training, { cell, hidden }) {
  /** @type {{ dispose(): void }[]} */
  const made = [];
  /** @param {number} I */
  function readerOf(I) {
    if (cell === 'LSTM') {
      const reader = gateReader(unrolled, I, hidden);
      made.push(reader);
      return reader.read;
    }
    const stream = unrolled.getRngState(); // what it draws is replaced at once
    const layer = new unrolled[cell](I, hidden);
    unrolled.setRngState(stream);
    made.push(layer);
    return (
      /** @type {import('unrolled').StateDict} */ weights,
      /** @type {number[][]} */ x,
      number = 0,
    ) => {
      const own = Object.entries(weights).filter(([name]) => name.endsWith(`_l${number}`));
      layer.loadStateDict(
        Object.fromEntries(own.map(([name, tensor]) => [name.replace(/_l\d$/, '_l0'), tensor])),
      );
      return { h: statesOf(layer, x) };
    };
  }
  /** @type {ReturnType<typeof readerOf>[] | null} */
  let readers = null; // made when they are first asked for

  /** @param {string} wanted */
  const parameter = (wanted) => training.model.parameters().find(({ name }) => name === wanted);

  /** @returns {Matrix[]} the newest weights and gradients */
  function weightPictures() {
    const recurrent = parameter('rnn.weight_hh_l1');
    const readOut = parameter('fc.weight');
    const side = Math.ceil(hidden / BLOCKS);
    const [rows] = recurrent.shape;
    const labels = { rowLabel: `block of ${side}`, columnLabel: `block of ${side}` };
    const blocks = (/** @type {Float32Array} */ data) => ({
      ...strongest(data, rows, hidden, side),
      ...labels,
    });
    const line = (/** @type {Float32Array} */ data) => ({
      shape: /** @type {[number, number]} */ ([1, hidden]),
      data: [...data],
      rowLabel: 'output',
      columnLabel: 'unit',
    });
    return [
      { title: 'Weights of the output', ...line(readOut.dataView) },
      { title: 'Their newest gradient', ...line(readOut.gradView) },
      { title: 'Upper layer: W_hh, strongest of each block', ...blocks(recurrent.dataView) },
      { title: 'Its newest gradient, likewise', ...blocks(recurrent.gradView) },
    ];
  }

  return {
    /**
     * @param {number[][]} input  [T][1]
     * @returns {Look}
     */
    look(input) {
      readers ??= [1, hidden].map(readerOf);
      const weights = partOf(training.model.stateDict(), 'rnn');
      const lower = readers[0](weights, rounded(input));
      const upper = readers[1](weights, lower.h, 1);
      const sum = input.flat().reduce((total, x) => total + x, 0);
      const gates = /** @type {import('./gates.js').Gates} */ (upper);
      return {
        input: reading('Numbers to add, read by the model as it is now', input, {
          features: ['x'],
          range: [0, 40],
          length: [1, 8],
        }),
        answers: [
          { label: 'the network says', value: training.predict(input.flat()).toFixed(4) },
          { label: 'true sum', value: String(Number(sum.toPrecision(7))) },
        ],
        matrices: [
          overTime('lower layer: hidden state h', lower.h, { most: 1 }),
          overTime('upper layer: hidden state h', upper.h, { most: 1 }),
          ...(cell === 'LSTM'
            ? [
                overTime('upper layer: cell c', gates.c),
                overTime('upper layer: forget gate f', gates.f, { most: 1 }),
                overTime('upper layer: input gate i', gates.i, { most: 1 }),
                overTime('upper layer: output gate o', gates.o, { most: 1 }),
                overTime('upper layer: candidate g', gates.g, { most: 1 }),
                overTime(
                  'lower layer: cell c',
                  /** @type {import('./gates.js').Gates} */ (lower).c,
                ),
              ]
            : []),
          ...weightPictures(),
        ],
      };
    },
    dispose() {
      for (const one of made) one.dispose();
    },
  };
}
