// TensorFlow.js with its WebAssembly backend as a peer. In Node it has SIMD, and one thread.

import { headWeights, inputs, layerWeights, targets } from '../fill.js';
import { answer, request } from '../runner.js';
import { require } from './packages.js';

console.log = console.error; // standard output is for answers

/** @type {any} */
const tf = require('@tensorflow/tfjs-core');
/** @type {any} */
const layers = require('@tensorflow/tfjs-layers');
/** @type {any} */
const backend = require('@tensorflow/tfjs-backend-wasm');

const { workload: w } = request();
const { I, H, L, K, N, T } = w;
const STEP = 1e-3;

backend.setWasmPaths(require.resolve('@tensorflow/tfjs-backend-wasm').replace(/[^/]*$/, ''));
await tf.setBackend('wasm');
await tf.ready();

// ---- Weights: here they are [in][out], and a layer has one bias ------------------------------------

/** @param {Float32Array} data @param {number} rows @param {number} cols */
const transposed = (data, rows, cols) => tf.transpose(tf.tensor2d(data, [rows, cols]));

/** @param {number} layer */
function recurrent(layer) {
  const { GH, inputs: rows, ih, hh, bias } = layerWeights(w, layer);
  return [transposed(ih, GH, rows), transposed(hh, GH, H), tf.tensor1d(bias)];
}

function head() {
  const { weight, bias } = headWeights(w);
  return [transposed(weight, K, H), tf.tensor1d(bias)];
}

const x = tf.tensor3d(inputs(w), [N, T, I]);

function target() {
  if (!w.classes) return tf.tensor2d(targets(w), [N, 1]);
  return tf.cast(tf.oneHot(tf.tensor1d(targets(w), 'int32'), K), 'float32');
}

/** @param {any} y @param {any} prediction */
const lossOf = (y, prediction) =>
  w.classes
    ? tf.losses.softmaxCrossEntropy(y, prediction)
    : tf.losses.meanSquaredError(y, prediction);

/** @param {any} tensor @returns {Promise<Float32Array>} */
async function taken(tensor) {
  const data = await tensor.data();
  tensor.dispose();
  return data;
}

// ---- By layers ------------------------------------------------------------------------------------

/** @param {boolean} stateful */
function byLayers(stateful) {
  const model = layers.sequential();
  const make = { RNN: layers.layers.simpleRNN, LSTM: layers.layers.lstm, GRU: layers.layers.gru };
  for (let layer = 0; layer < L; layer++) {
    const first = layer ? {} : { batchInputShape: [N, T, I] };
    const lstm = w.kind === 'LSTM' ? { unitForgetBias: false } : {};
    const gated = w.kind === 'RNN' ? {} : { recurrentActivation: 'sigmoid', ...lstm };
    const returnSequences = !stateful && (layer < L - 1 || !w.last);
    // zeros until the weights are set: the default, orthogonal, takes seconds
    const zeros = { kernelInitializer: 'zeros', recurrentInitializer: 'zeros' };
    const options = { units: H, returnSequences, stateful, ...first, ...gated, ...zeros };
    model.add(make[w.kind](options));
    const weights = recurrent(layer);
    model.layers[layer].setWeights(w.kind === 'GRU' ? weights.map(updateFirst) : weights);
  }
  if (K) {
    model.add(layers.layers.dense({ units: K }));
    model.layers[L].setWeights(head());
  }
  return model;
}

/** From the order r z n to z r n. @param {any} weights */
function updateFirst(weights) {
  const [r, z, n] = tf.split(weights, 3, weights.rank - 1);
  return tf.concat([z, r, n], weights.rank - 1);
}

function trainLayers() {
  const model = byLayers(false);
  const y = target();
  const optimizer = tf.train.adam(STEP);
  model.compile({ optimizer, loss: (/** @type {any} */ a, /** @type {any} */ b) => lossOf(a, b) });
  return () => model.trainOnBatch(x, y);
}

function predictLayers() {
  const model = byLayers(w.mode === 'stream');
  return () => taken(model.predict(x, { batchSize: N }));
}

// ---- By operations: the projection of all inputs is one product -------------------------------------

/** @param {any} gates @param {any} c  null: zeros */
function lstm(gates, c) {
  const [i, f, g, o] = tf.split(gates, 4, 1);
  const fresh = tf.mul(tf.sigmoid(i), tf.tanh(g));
  const next = c ? tf.add(tf.mul(tf.sigmoid(f), c), fresh) : fresh;
  return [tf.mul(tf.sigmoid(o), tf.tanh(next)), next];
}

/**
 * The reset gate comes before the product, as in its layer.
 * @param {any} part
 * @param {any} h  null: zeros
 * @param {any[]} weights
 */
function gru(part, h, [tied, third]) {
  const [partTied, partThird] = tf.split(part, [2 * H, H], 1);
  const [r, z] = tf.split(tf.sigmoid(h ? tf.add(partTied, tf.matMul(h, tied)) : partTied), 2, 1);
  const n = tf.tanh(h ? tf.add(partThird, tf.matMul(tf.mul(r, h), third)) : partThird);
  return h ? tf.add(n, tf.mul(z, tf.sub(h, n))) : tf.sub(n, tf.mul(z, n));
}

/** All h of one layer. @param {any} rows  [T·N][inputs] @param {any[]} weights */
function unroll(rows, [ih, hh, bias]) {
  const parts = tf.split(tf.add(tf.matMul(rows, ih), bias), T, 0);
  const split = w.kind === 'GRU' ? tf.split(hh, [2 * H, H], 1) : [];
  let h = null;
  let c = null;
  return parts.map((/** @type {any} */ part) => {
    if (w.kind === 'GRU') {
      h = gru(part, h, split);
    } else {
      const gates = h ? tf.add(part, tf.matMul(h, hh)) : part;
      if (w.kind === 'LSTM') [h, c] = lstm(gates, c);
      else h = tf.tanh(gates);
    }
    return h;
  });
}

/** @param {any[][]} weights  of the layers @param {any[]} last  of the Linear */
function byOperations(weights, last) {
  let rows = tf.reshape(tf.transpose(x, [1, 0, 2]), [T * N, I]);
  let steps = [];
  for (const layer of weights) {
    steps = unroll(rows, layer);
    rows = layer === weights.at(-1) && w.last ? steps.at(-1) : tf.concat(steps, 0);
  }
  return tf.add(tf.matMul(rows, last[0]), last[1]);
}

function trainOperations() {
  const variable = (/** @type {any} */ tensor) => tf.variable(tensor);
  const weights = Array.from({ length: L }, (_, layer) => recurrent(layer).map(variable));
  const last = head().map(variable);
  const y = target();
  const optimizer = tf.train.adam(STEP);
  const variables = [...weights.flat(), ...last];
  const loss = () => lossOf(y, byOperations(weights, last));
  return async () => (await taken(optimizer.minimize(loss, true, variables)))[0];
}

function inferOperations() {
  const weights = Array.from({ length: L }, (_, layer) => recurrent(layer));
  const last = head();
  return () => taken(tf.tidy(() => byOperations(weights, last)));
}

function streamOperations() {
  const [ih, hh, bias] = recurrent(0);
  const weights = tf.concat([ih, hh], 0);
  const row = tf.reshape(x, [1, I]);
  let h = tf.zeros([1, H]);
  let c = tf.zeros([1, H]);
  return () => {
    const next = tf.tidy(() => lstm(tf.add(tf.matMul(tf.concat([row, h], 1), weights), bias), c));
    tf.dispose([h, c]);
    [h, c] = next;
    return h.data();
  };
}

/**
 * This backend multiplies by a transposed matrix slowly, and every gradient of a product does. One who
 * knows can replace that gradient; the ratios are to those who do not.
 */
function trainPatched() {
  const step = trainOperations();
  const old = tf.getGradient('BatchMatMul');
  const swap = (/** @type {any} */ tensor) => tf.transpose(tensor);
  const patched = {
    ...old,
    gradFunc(/** @type {any} */ dy, /** @type {any[]} */ [a, b], /** @type {any} */ attributes) {
      const { transposeA, transposeB } = attributes;
      if (transposeA || transposeB || a.rank > 2) return old.gradFunc(dy, [a, b], attributes);
      return { a: () => tf.matMul(dy, swap(b)), b: () => tf.matMul(swap(a), dy) };
    },
  };
  const use = (/** @type {any} */ gradient) => {
    tf.unregisterGradient('BatchMatMul');
    tf.registerGradient(gradient);
  };
  return () => {
    use(patched);
    const result = step(); // all but the reading is done when it returns
    use(old); // for the other ways
    return result;
  };
}

const TASKS = {
  train: { layers: trainLayers, operations: trainOperations, 'patched gradient': trainPatched },
  forward: { layers: predictLayers, ...(K ? { operations: inferOperations } : {}) },
  stream: { layers: predictLayers, operations: streamOperations },
};

await answer(tf.version_core, TASKS[w.mode]);
