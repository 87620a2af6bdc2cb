// onnxruntime-web with its WebAssembly backend as a peer: it infers, and cannot train.

import { inputs } from '../fill.js';
import { answer, request } from '../runner.js';
import { onnxModel } from './onnx_model.js';
import { require, versionOf } from './packages.js';

console.log = console.error; // standard output is for answers

/** @type {any} */
const ort = require('onnxruntime-web');
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

const { workload: w } = request();

/** @param {Float32Array} data @param {...number} shape */
const tensor = (data, ...shape) => new ort.Tensor('float32', data, shape);

async function maker() {
  const options = {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: 1,
  };
  const session = await ort.InferenceSession.create(onnxModel(w), options);
  const x = tensor(inputs(w), w.N, w.T, w.I);
  if (w.mode === 'forward') return async () => (await session.run({ x })).y.data;

  let h = tensor(new Float32Array(w.N * w.H), 1, w.N, w.H);
  let c = tensor(new Float32Array(w.N * w.H), 1, w.N, w.H);
  return async () => {
    const next = await session.run({ x, h, c });
    h = next.y;
    c = next.c1;
    return h.data;
  };
}

await answer(versionOf('onnxruntime-web'), { 'session.run': maker });
