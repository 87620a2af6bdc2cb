// The orders in which others keep the gates of a layer, and how rows get from one order to another.
// Here, as in PyTorch, an LSTM's are i f g o, a GRU's r z n. web/guide/gate-orders.md tells more.
//
// An order has, of each of their gates, the place among ours.

/** LSTM i f c o, GRU z r h. keras/src/layers/rnn/lstm.py, gru.py */
export const KERAS = { SimpleRNN: [0], LSTM: [0, 1, 2, 3], GRU: [1, 0, 2] };

/**
 * Our blocks of rows, one a gate, in another order; and that order in ours where it is its own inverse,
 * as Keras's are.
 * @param {Float32Array} rows  [G][…]
 * @param {readonly number[]} order
 * @returns {Float32Array}  a copy
 */
export function inOrder(rows, order) {
  const whole = new Float32Array(rows.length);
  const block = rows.length / order.length;
  order.forEach((from, to) => {
    whole.set(rows.subarray(from * block, (from + 1) * block), to * block);
  });
  return whole;
}
