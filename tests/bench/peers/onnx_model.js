// A workload's forward as an ONNX model: the few messages of onnx.proto3 that it takes, written out.
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3

import { encode, integer, message, raw, run, text } from '../../../js/protobuf.js';
import { headWeights, layerWeights } from '../fill.js';

/** @import { Workload } from '../workloads.js' */
/** @typedef {import('../../../js/protobuf.js').Fields} Fields */

const FLOAT = 1; // TensorProto.DataType
const INT64 = 7;
const ATTRIBUTE = { int: 2, ints: 7, string: 3 }; // AttributeProto.AttributeType
const IR_VERSION = 8;
const OPSET = 14;

// ---- Messages -------------------------------------------------------------------------------------

/**
 * A tensor that is part of the model.
 * @param {string} name
 * @param {number[]} shape
 * @param {Float32Array | BigInt64Array} data
 */
function constant(name, shape, data) {
  const type = data instanceof Float32Array ? FLOAT : INT64;
  return message(
    5,
    shape.map((size) => integer(1, size)),
    integer(2, type),
    text(8, name),
    raw(9, data),
  );
}

/** @param {string} name @param {number | number[] | string} value */
function attribute(name, value) {
  if (typeof value === 'string')
    return message(5, text(1, name), text(4, value), integer(20, ATTRIBUTE.string));
  if (typeof value === 'number')
    return message(5, text(1, name), integer(3, value), integer(20, ATTRIBUTE.int));
  const ints = value.map((v) => integer(8, v));
  return message(5, text(1, name), ints, integer(20, ATTRIBUTE.ints));
}

/**
 * @param {string} type
 * @param {string[]} inputs  '' for one that is left out
 * @param {string[]} outputs
 * @param {Record<string, number | number[] | string>} [attributes]
 */
const node = (type, inputs, outputs, attributes = {}) =>
  message(
    1,
    inputs.map((name) => text(1, name)),
    outputs.map((name) => text(2, name)),
    text(4, type),
    Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  );

/** @param {11 | 12} field  an input, or an output @param {string} name @param {number[]} shape */
function place(field, name, shape) {
  const dims = shape.map((size) => message(1, integer(1, size)));
  const type = message(1, integer(1, FLOAT), message(2, dims));
  return message(field, text(1, name), message(2, type));
}

/** @param {Fields[]} graph */
const model = (graph) =>
  encode(
    run(integer(1, IR_VERSION), message(8, integer(2, OPSET)), message(7, text(2, 'net'), graph)),
    'the model',
  );

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
  /** @type {Fields[]} */
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
