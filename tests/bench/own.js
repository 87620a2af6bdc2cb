// The workloads on unrolled, through its public names. Runs in Node and in pages.

import { headWeights, inputs, layerWeights, targets } from './fill.js';

/** @import { Workload } from './workloads.js' */
/** @import { Run } from './timing.js' */
/** @typedef {typeof import('unrolled')} Unrolled */

/** The network with its weights. @param {Unrolled} unrolled @param {Workload} w */
function network(unrolled, w) {
  const rnn = new unrolled[w.kind](w.I, w.H, { numLayers: w.L, batchFirst: true });
  for (let layer = 0; layer < w.L; layer++) {
    const { ih, hh, bias } = layerWeights(w, layer);
    const none = new Float32Array(bias.length);
    const values = { weight_ih: ih, weight_hh: hh, bias_ih: bias, bias_hh: none };
    for (const [name, data] of Object.entries(values)) set(rnn, `${name}_l${layer}`, data);
  }
  if (!w.K) return { rnn, model: rnn };

  const fc = new unrolled.Linear(w.H, w.K);
  for (const [name, data] of Object.entries(headWeights(w))) set(fc, name, data);
  const between = w.last ? [new unrolled.LastStep()] : [];
  return { rnn, model: new unrolled.Sequential(rnn, ...between, fc) };
}

/** @param {import('unrolled').Module} model @param {string} name @param {Float32Array} data */
function set(model, name, data) {
  model
    .parameters()
    .find((parameter) => parameter.name === name)
    .dataView.set(data);
}

/**
 * A training step; with `some`, one that updates a single parameter: nearly no optimizer is in it.
 * @param {Unrolled} unrolled
 * @param {Workload} w
 * @param {boolean} some
 * @returns {Run}
 */
function training(unrolled, w, some) {
  const { model } = network(unrolled, w);
  const loss = w.classes ? new unrolled.CrossEntropyLoss() : new unrolled.MSELoss();
  const parameters = some ? model.parameters().slice(-1) : model.parameters();
  const optimizer = new unrolled.Adam(parameters, { lr: 1e-3 });
  const trainer = new unrolled.Trainer(model, { loss, optimizer });
  const [x, y, options] = [inputs(w), targets(w), { batch: w.N }];
  return () => trainer.step(x, y, options);
}

/**
 * A forward that keeps what its backward needs.
 * @param {Unrolled} unrolled
 * @param {Workload} w
 * @returns {Run}
 */
function keepingForward(unrolled, w) {
  const model = /** @type {import('unrolled').Sequential} */ (network(unrolled, w).model);
  const [x, options] = [inputs(w), { batch: w.N }];
  return () => model.forward(x, options);
}

/** @param {Unrolled} unrolled @param {Workload} w @returns {Run} */
function forward(unrolled, w) {
  const { model, rnn } = network(unrolled, w);
  const [x, options] = [inputs(w), { batch: w.N }];
  const sequential = /** @type {import('unrolled').Sequential} */ (model);
  const infer = w.K ? () => sequential.forward(x, options) : () => rnn.forward(x, options).output;
  return () => unrolled.noGrad(infer);
}

/** @param {Unrolled} unrolled @param {Workload} w @returns {Run} */
function stream(unrolled, w) {
  const { rnn } = network(unrolled, w);
  const x = inputs(w);
  return () => rnn.step(x);
}

/** The task of a training step that updates nearly nothing. */
export const NO_UPDATE = 'no update';

/**
 * What is measured of a workload; the call itself comes first. A training's phases are found from
 * outside: optimizer = step − no update, weights' gradients = no update − the same in a library that
 * does not compute them, backward = what that takes − forward.
 * @param {Unrolled} unrolled
 * @param {Workload} w
 * @returns {Record<string, () => Run>}
 */
export function ownTasks(unrolled, w) {
  if (w.mode === 'stream') return { step: () => stream(unrolled, w) };
  if (w.mode === 'forward') return { call: () => forward(unrolled, w) };
  return {
    step: () => training(unrolled, w, false),
    [NO_UPDATE]: () => training(unrolled, w, true),
    forward: () => keepingForward(unrolled, w),
  };
}
