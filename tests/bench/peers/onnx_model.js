// A workload's forward as an ONNX model: the few messages of onnx.proto3 that it takes, written out.
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3

import { headWeights, layerWeights } from '../fill.js';

/** @import { Workload } from '../workloads.js' */
/** @typedef {number[] | Uint8Array} Bytes */

const FLOAT = 1; // TensorProto.DataType
const INT64 = 7;
const ATTRIBUTE = { int: 2, ints: 7, string: 3 }; // AttributeProto.AttributeType
const IR_VERSION = 8;
const OPSET = 14;

// ---- Protocol buffers: a field is its number and type, then a number, or a length and bytes -------------

/** @param {number} value @returns {number[]} */
const varint = (value) =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];

/** @param {number} field @param {number} value */
const number = (field, value) => [...varint(8 * field), ...varint(value)];

/** @param {...Bytes} parts */
const joined = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

/** @param {number} field @param {...Bytes} parts  a message's fields, or raw bytes */
function bytes(field, ...parts) {
  const body = joined(...parts);
  return joined(varint(8 * field + 2), varint(body.length), body);
}

/** @param {number} field @param {string} value */
const text = (field, value) => bytes(field, Buffer.from(value));

// ---- Messages -------------------------------------------------------------------------------------

/**
 * A tensor that is part of the model.
 * @param {string} name
 * @param {number[]} shape
 * @param {Float32Array | BigInt64Array} data
 */
function constant(name, shape, data) {
  const type = data instanceof Float32Array ? FLOAT : INT64;
  return bytes(
    5,
    ...shape.map((size) => number(1, size)),
    number(2, type),
    text(8, name),
    bytes(9, new Uint8Array(data.buffer)),
  );
}

/** @param {string} name @param {number | number[] | string} value */
function attribute(name, value) {
  if (typeof value === 'string')
    return bytes(5, text(1, name), text(4, value), number(20, ATTRIBUTE.string));
  if (typeof value === 'number')
    return bytes(5, text(1, name), number(3, value), number(20, ATTRIBUTE.int));
  return bytes(5, text(1, name), ...value.map((v) => number(8, v)), number(20, ATTRIBUTE.ints));
}

/**
 * @param {string} type
 * @param {string[]} inputs  '' for one that is left out
 * @param {string[]} outputs
 * @param {Record<string, number | number[] | string>} [attributes]
 */
const node = (type, inputs, outputs, attributes = {}) =>
  bytes(
    1,
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, type),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  );

/** @param {11 | 12} field  an input, or an output @param {string} name @param {number[]} shape */
function place(field, name, shape) {
  const dims = bytes(2, ...shape.map((size) => bytes(1, number(1, size))));
  return bytes(field, text(1, name), bytes(2, bytes(1, number(1, FLOAT), dims)));
}

/** @param {Bytes[]} graph */
const model = (graph) =>
  joined(number(1, IR_VERSION), bytes(8, number(2, OPSET)), bytes(7, text(2, 'net'), ...graph));

// ---- The workload ---------------------------------------------------------------------------------

/** Rows of gates i f g o to the order i o f c. @param {Float32Array} rows */
function reordered(rows) {
  const block = rows.length / 4;
  const to = new Float32Array(rows.length);
  [0, 3, 1, 2].forEach((from, at) => {
    to.set(rows.subarray(from * block, (from + 1) * block), at * block);
  });
  return to;
}

/** A layer's weights. @param {Workload} w @param {number} layer */
function weights(w, layer) {
  const { GH, inputs, ih, hh, bias } = layerWeights(w, layer);
  const order = w.kind === 'LSTM' ? reordered : (/** @type {Float32Array} */ rows) => rows;
  const biases = new Float32Array(2 * GH); // the recurrent one is 0
  biases.set(order(bias));
  return [
    constant(`W${layer}`, [1, GH, inputs], order(ih)),
    constant(`R${layer}`, [1, GH, w.H], order(hh)),
    constant(`B${layer}`, [1, 2 * GH], biases),
  ];
}

/** x [N][T][I] → y, or, of a stream, x, h, c → y, c1. @param {Workload} w @returns {Uint8Array} */
export function onnxModel(w) {
  const { I, H, L, K, N, T } = w;
  const carried = w.mode === 'stream';
  /** @type {Bytes[]} */
  const graph = [place(11, 'x', [N, T, I])];
  if (carried) graph.push(place(11, 'h', [1, N, H]), place(11, 'c', [1, N, H]));
  graph.push(node('Transpose', ['x'], ['x0'], { perm: [1, 0, 2] }));
  graph.push(constant('steps', [3], BigInt64Array.of(BigInt(T), BigInt(N), BigInt(H))));

  for (let layer = 0; layer < L; layer++) {
    const names = [`x${layer}`, `W${layer}`, `R${layer}`, `B${layer}`];
    const state = carried ? ['', 'h', 'c'] : [];
    const outputs = carried ? ['', 'y', 'c1'] : [`y${layer}`];
    graph.push(...weights(w, layer));
    graph.push(node(w.kind, [...names, ...state], outputs, { hidden_size: H }));
    // [T][1][N][H] → [T][N][H]
    if (!carried) graph.push(node('Reshape', [`y${layer}`, 'steps'], [`x${layer + 1}`]));
  }
  if (carried) {
    graph.push(place(12, 'y', [1, N, H]), place(12, 'c1', [1, N, H]));
  } else if (K) {
    const { weight, bias } = headWeights(w);
    const columns = Float32Array.from(weight, (_, i) => weight[(i % K) * H + Math.floor(i / K)]);
    graph.push(constant('V', [H, K], columns), constant('b', [K], bias));
    graph.push(node('MatMul', [`x${L}`, 'V'], ['m']), node('Add', ['m', 'b'], ['s']));
    graph.push(node('Transpose', ['s'], ['y'], { perm: [1, 0, 2] }), place(12, 'y', [N, T, K]));
  } else {
    graph.push(node('Transpose', [`x${L}`], ['y'], { perm: [1, 0, 2] }), place(12, 'y', [N, T, H]));
  }
  return model(graph);
}
