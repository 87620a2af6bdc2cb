// The orders in which others keep the gates of a layer, and how rows get from one order to another.
// Here, as in PyTorch, an LSTM's are i f g o, a GRU's r z n. web/guide/gate-orders.md tells more.
//
// An order has, of each of their gates, the place among ours.

/** LSTM i o f c, GRU z r h. https://onnx.ai/onnx/operators/onnx__LSTM.html */
export const ONNX = { RNN: [0], LSTM: [0, 3, 1, 2], GRU: [1, 0, 2] };

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

/** Arrays one after the other. @param {Float32Array[]} parts @returns {Float32Array} */
export function joined(parts) {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
