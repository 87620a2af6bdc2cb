// unrolled/onnx: a model's forward pass as an ONNX file.
//
// Messages and their field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
// Operators: https://onnx.ai/onnx/operators/
//
// What differs from here, and is put right:
//
//     LSTM   gates i o f c, here i f g o;  GRU gates z r h, here r z n, with linear_before_reset = 1
//     W [D][G·H][I]   R [D][G·H][H]   B [D][2·G·H] = Wb and Rb one after the other
//     Y [T][D][N][H], here [T][N][D·H]
//
// ONNX's LSTM has no projection: a layer that has one is a Scan over the equations themselves.

import { Dropout, LastStep, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh } from './activation.js';
import { GRUCell, LSTMCell, RNNCell } from './cell.js';
import { call, handleOf, VERSION, word } from './core.js';
import { ArgumentError } from './errors.js';
import { inOrder } from './gates.js';
import { GRU } from './gru.js';
import { Linear } from './linear.js';
import { LSTM } from './lstm.js';
import { expectModule, Module } from './module.js';
import { encode, float, integer, message, raw, run, text } from './protobuf.js';
import { Recurrent } from './recurrent.js';
import { RNN } from './rnn.js';
import { Sequential } from './sequential.js';

/** @import { StateDict } from './module.js' */
/** @import { Fields } from './protobuf.js' */
/** @typedef {number | string} Dim  a size, or the name of one that is free */
/** @typedef {number | string | number[] | string[] | Float32Array | { graph: Fields }} Attribute */

/**
 * Of ONNX 1.9, from 2021, so that old runtimes read it too: newer sets have nothing that is needed here.
 * (The recurrent operators change next in 22, for bfloat16.)
 */
const OPSET = 14;
const IR_VERSION = 7; // the one that came with it

/** TensorProto.DataType */
const FLOAT = 1;
const INT64 = 7;

/** AttributeProto.AttributeType */
const ATTRIBUTE = Object.freeze({ INT: 2, STRING: 3, GRAPH: 5, FLOATS: 6, INTS: 7, STRINGS: 8 });

/** Of the gates: LSTM i o f c, GRU z r h. https://onnx.ai/onnx/operators/onnx__LSTM.html */
const ORDERS = { RNN: [0], LSTM: [0, 3, 1, 2], GRU: [1, 0, 2] };

const ACTIVATION = Object.freeze({ tanh: 'Tanh', relu: 'Relu', identity: 'Affine' });

/**
 * A model's forward pass as an ONNX file (opset 14): what inference computes, without dropout, from
 * states of zeros. Its input is called `input`, its output `output`, both float32 and shaped as
 * forward's are. Batch and steps are free, so that one file serves all:
 *
 *     import { saveOnnx } from 'unrolled/onnx';
 *     const session = await ort.InferenceSession.create(saveOnnx(model)); // of onnxruntime-web
 *     const { output } = await session.run({ input: new ort.Tensor('float32', x, [T, N, I]) });
 *
 *     recurrent, or a Sequential that has one   [steps][batch][I], or [batch][steps][I] with batchFirst
 *     after a LastStep                          [batch][K]
 *     all others                                [batch][I]
 *     a cell, for streams: `input` [batch][I] and the states before, `h0` and (LSTMCell) `c0`, [batch][H];
 *     `output` is the state h after it, and `cn` (LSTMCell) the state c
 *
 * Initializers have the names of the state dict. A Linear's are its own; a recurrent layer's
 * `weight_ih_l0`, `weight_hh_l0` and `bias_l0` hold both directions in ONNX's order of gates. (Those of
 * an LSTM with projections are its own again.) The same model gives the same bytes.
 *
 * @param {Module} model
 * @returns {Uint8Array}
 * @throws {ArgumentError} for what has no forward of its own (LastStep), and for a file beyond 2 GiB
 */
export function saveOnnx(model) {
  expectModule(model, 'saveOnnx model');
  if (model instanceof LastStep) {
    throw new ArgumentError(
      'saveOnnx model: a LastStep selects inside a Sequential, put it into one',
    );
  }
  const graph = new Graph(model.stateDict());
  const ends = isCell(model) ? cell(graph, model) : network(graph, model);
  const file = run(
    integer(1, IR_VERSION),
    text(2, 'unrolled'),
    text(3, VERSION),
    text(6, `${outline(model)}, the forward pass`),
    message(7, graph.encode('unrolled', ends.inputs, ends.outputs)),
    message(8, integer(2, OPSET)),
  );
  return encode(file, 'saveOnnx model');
}

/** What a model is made of, in words. @param {Module} model @returns {string} */
function outline(model) {
  const inside = model.namedChildren().map(([name, child]) => `${name}: ${outline(child)}`);
  return `${Module.kindOf(model)}${inside.length ? `(${inside.join(', ')})` : ''}`;
}

// ---- Graphs --------------------------------------------------------------------------------------

/** Nodes in order, and the tensors that they read. */
class Graph {
  /** @type {{ type: string, inputs: string[], outputs: string[], attributes: [string, Attribute][] }[]} */
  #nodes = [];
  /** @type {Map<string, Fields>} by name */
  #tensors = new Map();
  #prefix;
  #values = 0;

  /**
   * @param {StateDict} state
   * @param {string} [prefix]  of the values' names: a graph inside another must not reuse its
   */
  constructor(state, prefix = 'value_') {
    this.state = state;
    this.#prefix = prefix;
  }

  /**
   * A node with one output, whose name comes back.
   * @param {string} type
   * @param {string[]} inputs  '' for one that is left out
   * @param {Record<string, Attribute>} [attributes]
   */
  add(type, inputs, attributes = {}) {
    return this.addMany(type, inputs, 1, attributes)[0];
  }

  /**
   * A node with several outputs.
   * @param {string} type
   * @param {string[]} inputs
   * @param {number} count  of outputs
   * @param {Record<string, Attribute>} [attributes]
   */
  addMany(type, inputs, count, attributes = {}) {
    const outputs = Array.from({ length: count }, () => `${this.#prefix}${this.#values++}`);
    this.#nodes.push({ type, inputs, outputs, attributes: Object.entries(attributes) });
    return outputs;
  }

  /** @param {string} name @param {readonly number[]} shape @param {Float32Array} data */
  tensor(name, shape, data) {
    this.#tensors.set(name, tensor(name, shape, data));
    return name;
  }

  /** A parameter as it is. @param {string} name */
  parameter(name) {
    const { shape, data } = this.state[name];
    return this.tensor(name, shape, data);
  }

  /** A matrix with its axes changed over. @param {string} value */
  transposed(value) {
    return this.add('Transpose', [value], { perm: [1, 0] });
  }

  /** A vector of whole numbers. @param {...number} values */
  integers(...values) {
    const name = `integers_${values.join('_')}`;
    this.#tensors.set(name, tensor(name, [values.length], BigInt64Array.from(values, BigInt)));
    return name;
  }

  /** From now on a value has this name, an output's. @param {string} value @param {string} name */
  rename(value, name) {
    for (const node of this.#nodes) {
      node.inputs = node.inputs.map((input) => (input === value ? name : input));
      node.outputs = node.outputs.map((output) => (output === value ? name : output));
    }
  }

  /**
   * As a GraphProto.
   * @param {string} name
   * @param {[name: string, shape: Dim[]][]} inputs
   * @param {[name: string, shape: Dim[]][]} outputs
   */
  encode(name, inputs, outputs) {
    const nodes = this.#nodes.map((node, i) =>
      message(
        1,
        node.inputs.map((input) => text(1, input)),
        node.outputs.map((output) => text(2, output)),
        text(3, `${node.type}_${i}`),
        text(4, node.type),
        node.attributes.map(([key, value]) => message(5, attribute(key, value))),
      ),
    );
    return run(
      nodes,
      text(2, name),
      Array.from(this.#tensors.values(), (fields) => message(5, fields)),
      inputs.map(([input, shape]) => message(11, valueInfo(input, shape))),
      outputs.map(([output, shape]) => message(12, valueInfo(output, shape))),
    );
  }
}

/** @param {string} name @param {readonly number[]} shape @param {Float32Array | BigInt64Array} data */
function tensor(name, shape, data) {
  return run(
    shape.map((size) => integer(1, size)),
    integer(2, data instanceof Float32Array ? FLOAT : INT64),
    text(8, name),
    raw(9, data),
  );
}

/** @param {string} name @param {Dim[]} shape */
function valueInfo(name, shape) {
  const dims = shape.map((dim) =>
    message(1, typeof dim === 'number' ? integer(1, dim) : text(2, dim)),
  );
  return run(text(1, name), message(2, message(1, integer(1, FLOAT), message(2, dims))));
}

/** @param {string} name @param {Attribute} value */
function attribute(name, value) {
  const [type, fields] = typed(value);
  return run(text(1, name), fields, integer(20, type));
}

/** @param {Attribute} value @returns {[type: number, fields: Fields | Fields[]]} */
function typed(value) {
  if (typeof value === 'number') return [ATTRIBUTE.INT, integer(3, value)];
  if (typeof value === 'string') return [ATTRIBUTE.STRING, text(4, value)];
  if (value instanceof Float32Array) {
    return [ATTRIBUTE.FLOATS, Array.from(value, (one) => float(7, one))];
  }
  if (!Array.isArray(value)) return [ATTRIBUTE.GRAPH, message(6, value.graph)];
  if (value.every((one) => typeof one === 'number')) {
    return [ATTRIBUTE.INTS, value.map((one) => integer(8, one))];
  }
  return [ATTRIBUTE.STRINGS, value.map((one) => text(9, String(one)))];
}

// ---- From module to module -----------------------------------------------------------------------

/**
 * What goes from one module to the next: [steps][batch][features], [batch][steps][features], or, where
 * time is over or never was, [batch][features]. Batch-first sequences are turned where the first
 * recurrent module needs it, and back at the end.
 * @typedef {{ value: string, axes: Dim[], features: Dim }} Flow  axes: all but the features
 */

/** @typedef {[name: string, shape: Dim[]]} End  of the whole graph */

/** Everything but cells. @param {Graph} graph @param {Module} model */
function network(graph, model) {
  call('module_info', handleOf(model));
  const [inputs, usesTime, batchFirst] = [word(1), word(3) === 1, word(4) === 1];
  // Where time matters an input of any size has one value a row: so Sequential.forward counts the steps.
  const features = inputs || (usesTime ? 1 : 'features');
  const sequence = batchFirst ? ['batch', 'steps'] : ['steps', 'batch'];
  const axes = usesTime ? sequence : ['batch'];

  let flow = apply(graph, model, '', { value: 'input', axes, features });
  if (flow.axes.length === 2) flow = arranged(graph, flow, batchFirst);
  const last = flow.value === 'input' ? graph.add('Identity', ['input']) : flow.value;
  graph.rename(last, 'output');
  return {
    inputs: [/** @type {End} */ (['input', [...axes, features]])],
    outputs: [/** @type {End} */ (['output', [...flow.axes, flow.features]])],
  };
}

/**
 * @param {Graph} graph
 * @param {Module} module
 * @param {string} path  before the names of its parameters
 * @param {Flow} flow
 * @returns {Flow}
 */
function apply(graph, module, path, flow) {
  if (module instanceof Sequential) {
    return module
      .namedChildren()
      .reduce((before, [name, child]) => apply(graph, child, `${path}${name}.`, before), flow);
  }
  if (module instanceof Recurrent) return recurrent(graph, module, path, flow);
  if (module instanceof LastStep) return lastStep(graph, flow);
  if (module instanceof Linear) return linear(graph, module, path, flow);
  if (module instanceof Dropout) return flow;

  const { value } = flow;
  const axis = flow.axes.length; // the last one
  if (module instanceof Tanh) return { ...flow, value: graph.add('Tanh', [value]) };
  if (module instanceof ReLU) return { ...flow, value: graph.add('Relu', [value]) };
  if (module instanceof Sigmoid) return { ...flow, value: graph.add('Sigmoid', [value]) };
  if (module instanceof Softmax) return { ...flow, value: graph.add('Softmax', [value], { axis }) };
  if (module instanceof LogSoftmax) {
    return { ...flow, value: graph.add('LogSoftmax', [value], { axis }) };
  }
  throw new ArgumentError(`saveOnnx model: ${Module.kindOf(module)} has no form in ONNX`);
}

/** y = x Wᵀ + b. @param {Graph} graph @param {Linear} module @param {string} path @param {Flow} flow @returns {Flow} */
function linear(graph, module, path, { value, axes }) {
  const features = module.outFeatures;
  const weight = graph.parameter(`${path}weight`);
  const bias = module.bias ? [graph.parameter(`${path}bias`)] : [];
  if (axes.length === 1) {
    return { value: graph.add('Gemm', [value, weight, ...bias], { transB: 1 }), axes, features };
  }
  const xW = graph.add('MatMul', [value, graph.transposed(weight)]);
  return { value: module.bias ? graph.add('Add', [xW, ...bias]) : xW, axes, features };
}

/** out[:, -1, :]. @param {Graph} graph @param {Flow} flow @returns {Flow} */
function lastStep(graph, { value, axes, features }) {
  if (axes.length === 1) return { value, axes, features }; // there is one step only
  const axis = axes[0] === 'batch' ? 1 : 0;
  const step = graph.add('Gather', [value, graph.integers(-1)], { axis }); // that axis has size 1 now
  return {
    value: graph.add('Squeeze', [step, graph.integers(axis)]),
    axes: ['batch'],
    features,
  };
}

/** A sequence in this order of axes. @param {Graph} graph @param {Flow} flow @param {boolean} batchFirst @returns {Flow} */
function arranged(graph, { value, axes, features }, batchFirst) {
  if (axes.length === 1) {
    const sequence = graph.add('Unsqueeze', [value, graph.integers(batchFirst ? 1 : 0)]);
    return { value: sequence, axes: batchFirst ? ['batch', 1] : [1, 'batch'], features };
  }
  if ((axes[0] === 'batch') === batchFirst) return { value, axes, features };
  const turned = graph.add('Transpose', [value], { perm: [1, 0, 2] });
  return { value: turned, axes: [axes[1], axes[0]], features };
}

// ---- Recurrent layers ----------------------------------------------------------------------------

/** @param {Graph} graph @param {Recurrent} module @param {string} path @param {Flow} flow @returns {Flow} */
function recurrent(graph, module, path, flow) {
  const { numLayers, bidirectional, hiddenSize: H, projSize: P } = module;
  const directions = bidirectional ? ['', '_reverse'] : [''];
  let { value, axes } = arranged(graph, flow, false); // [T][N][I]
  for (let layer = 0; layer < numLayers; layer++) {
    const names = directions.map((direction) => `_l${layer}${direction}`);
    value = P
      ? projected(graph, module, path, names, value)
      : plain(graph, module, path, names, value);
  }
  return { value, axes, features: directions.length * (P || H) };
}

/**
 * One layer by ONNX's own operator.
 * @param {Graph} graph
 * @param {Recurrent} module
 * @param {string} path
 * @param {string[]} names  endings of its parameters' names, one a direction
 * @param {string} x  [T][N][I]
 * @returns {string}  [T][N][D·H]
 */
function plain(graph, module, path, names, x) {
  const { type, weights, attributes } = operator(graph, module, path, names);
  const y = graph.add(type, [x, ...weights], attributes); // [T][D][N][H]
  if (names.length === 1) return graph.add('Squeeze', [y, graph.integers(1)]);
  const byStep = graph.add('Transpose', [y], { perm: [0, 2, 1, 3] }); // [T][N][D][H]
  return graph.add('Reshape', [byStep, graph.integers(0, 0, -1)]); // 0: as before
}

/**
 * The operator of a layer or of a cell, its W, R and (where there is a bias) B, its attributes.
 * @param {Graph} graph
 * @param {Recurrent | CellModule} module
 * @param {string} path
 * @param {string[]} names  endings of its parameters' names, one a direction
 */
function operator(graph, module, path, names) {
  const type = operatorType(module);
  const D = names.length;
  const gather = (/** @type {string[]} */ ...kinds) =>
    joined(
      names.flatMap((name) =>
        kinds.map((kind) => inOrder(graph.state[`${path}${kind}${name}`].data, ORDERS[type])),
      ),
    );
  const { hiddenSize: H } = module;
  const rows = ORDERS[type].length * H;
  const ih = gather('weight_ih');
  const weights = [
    graph.tensor(`${path}weight_ih${names[0]}`, [D, rows, ih.length / (D * rows)], ih),
    graph.tensor(`${path}weight_hh${names[0]}`, [D, rows, H], gather('weight_hh')),
  ];
  if (module.bias) {
    const both = gather('bias_ih', 'bias_hh');
    weights.push(graph.tensor(`${path}bias${names[0]}`, [D, 2 * rows], both));
  }

  /** @type {Record<string, Attribute>} */
  const attributes = { hidden_size: H, direction: D === 2 ? 'bidirectional' : 'forward' };
  if (type === 'GRU') attributes.linear_before_reset = 1;
  if (module instanceof RNN || module instanceof RNNCell) {
    attributes.activations = names.map(() => ACTIVATION[module.nonlinearity]);
    if (module.nonlinearity === 'identity') {
      attributes.activation_alpha = new Float32Array(D).fill(1);
      attributes.activation_beta = new Float32Array(D);
    }
  }
  return { type, weights, attributes };
}

/** @param {Recurrent | CellModule} module */
function operatorType(module) {
  if (module instanceof LSTM || module instanceof LSTMCell) return 'LSTM';
  return module instanceof GRU || module instanceof GRUCell ? 'GRU' : 'RNN';
}

/**
 * One layer of an LSTM whose h is projected: a Scan over the steps in each direction.
 * @param {Graph} graph
 * @param {Recurrent} module
 * @param {string} path
 * @param {string[]} names  endings of its parameters' names, one a direction
 * @param {string} x  [T][N][I]
 * @returns {string}  [T][N][D·P]
 */
function projected(graph, { hiddenSize: H, projSize: P, bias }, path, names, x) {
  const batch = graph.add('Gather', [graph.add('Shape', [x]), graph.integers(1)]); // [N]
  const zeros = (/** @type {number} */ size) =>
    graph.add('ConstantOfShape', [graph.add('Concat', [batch, graph.integers(size)], { axis: 0 })]);
  const outputs = names.map((name, direction) => {
    const parameter = (/** @type {string} */ part) => graph.parameter(`${path}${part}${name}`);
    const [ih, hh, hr] = ['weight_ih', 'weight_hh', 'weight_hr'].map((part) =>
      graph.transposed(parameter(part)),
    );
    let gates = graph.add('MatMul', [x, ih]); // [T][N][4·H]
    if (bias) {
      gates = graph.add('Add', [gates, parameter('bias_ih')]);
      gates = graph.add('Add', [gates, parameter('bias_hh')]);
    }
    return graph.addMany('Scan', [zeros(P), zeros(H), gates], 3, {
      body: { graph: projectedStep(H, P, hh, hr) },
      num_scan_inputs: 1,
      scan_input_directions: [direction],
      scan_output_directions: [direction],
    })[2];
  });
  return outputs.length === 1 ? outputs[0] : graph.add('Concat', outputs, { axis: 2 });
}

/**
 * (h, c, x's part of the gates) → (h', c', h' again, as the step's output).
 * @param {number} H
 * @param {number} P
 * @param {string} hh  W_hhᵀ [P][4·H], a value outside, as
 * @param {string} hr  W_hrᵀ [H][P]
 */
function projectedStep(H, P, hh, hr) {
  const step = new Graph(Object.create(null), 'step_');
  const sum = step.add('Add', ['step_x', step.add('MatMul', ['step_h', hh])]);
  const [i, f, g, o] = step.addMany('Split', [sum], 4, { axis: 1 });
  const kept = step.add('Mul', [step.add('Sigmoid', [f]), 'step_c']);
  const added = step.add('Mul', [step.add('Sigmoid', [i]), step.add('Tanh', [g])]);
  const c = step.add('Add', [kept, added]);
  const wide = step.add('Mul', [step.add('Sigmoid', [o]), step.add('Tanh', [c])]);
  const h = step.add('MatMul', [wide, hr]);
  return step.encode(
    'step',
    [
      ['step_h', ['batch', P]],
      ['step_c', ['batch', H]],
      ['step_x', ['batch', 4 * H]],
    ],
    [
      [h, ['batch', P]],
      [c, ['batch', H]],
      [step.add('Identity', [h]), ['batch', P]],
    ],
  );
}

// ---- Cells ---------------------------------------------------------------------------------------

/** @typedef {RNNCell | GRUCell | LSTMCell} CellModule */

/** @param {Module} model @returns {model is CellModule} */
function isCell(model) {
  return model instanceof RNNCell || model instanceof GRUCell || model instanceof LSTMCell;
}

/** A sequence of one step. @param {Graph} graph @param {CellModule} module */
function cell(graph, module) {
  const { type, weights, attributes } = operator(graph, module, '', ['']);
  const states = type === 'LSTM' ? ['h0', 'c0'] : ['h0'];
  const ends = type === 'LSTM' ? ['output', 'cn'] : ['output'];
  const first = graph.integers(0);
  const unsqueezed = (/** @type {string} */ name) => graph.add('Unsqueeze', [name, first]);
  const [W, R, B = ''] = weights;
  const [, ...after] = graph.addMany(
    type,
    [unsqueezed('input'), W, R, B, '', ...states.map(unsqueezed)], // '': the lengths, all the same
    1 + states.length,
    attributes,
  );
  after.forEach((state, i) => {
    graph.rename(graph.add('Squeeze', [state, first]), ends[i]);
  });
  const size = (/** @type {string} */ name) =>
    /** @type {End} */ ([name, ['batch', module.hiddenSize]]);
  return {
    inputs: [/** @type {End} */ (['input', ['batch', module.inputSize]]), ...states.map(size)],
    outputs: ends.map(size),
  };
}

/** Arrays one after the other. @param {Float32Array[]} parts @returns {Float32Array} */
function joined(parts) {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
