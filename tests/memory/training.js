// In a worker: a training, and between its steps requests that a small memory cannot all grant. Reports
// what became of them, and the bits of the training.

import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import * as u from 'unrolled';
import { values } from '../js/support/numeric.js';

const { wasm, greedy } = workerData;
await u.init({ wasm });

u.manualSeed(1);
const model = new u.Sequential(
  new u.LSTM(4, 24, { batchFirst: true, numLayers: 2, dropout: 0.2 }),
  new u.LastStep(),
  new u.Linear(24, 2),
);
const loss = new u.MSELoss();
const optimizer = new u.Adam(model.parameters());
const trainer = new u.Trainer(model, { loss, optimizer, clipNorm: 1 });
const live = new u.GRU(4, 16);
const cell = new u.LSTMCell(4, 16);
const criterion = new u.MSELoss();
const big = new Float32Array(4 * 200_000);

/** Each asks for megabytes. What it makes is handed back, to be disposed of. @type {Record<string, () => any>} */
const requests = {
  'an LSTM': () => new u.LSTM(300, 200),
  'a GRU': () => new u.GRU(200, 100, { numLayers: 3, bidirectional: true }),
  'a cell': () => new u.LSTMCell(400, 200),
  'a Linear': () => new u.Linear(900, 900),
  numbers: () => void u.rand(700_000),
  'a permutation': () => void u.randperm(700_000),
  'a forward': () => void model.forward(big.subarray(0, 4 * 9000), { batch: 300 }),
  'a forward without gradients': () => void u.noGrad(() => model.forward(big, { batch: 1000 })),
  'live steps': () => void live.step(big.subarray(0, 4 * 20_000), { batch: 20_000 }),
  'a step of a cell': () => void cell.forward(big.subarray(0, 4 * 6000)),
  'a loss': () => void criterion.forward(big, big),
  'an optimizer': () => {
    const linear = new u.Linear(500, 500);
    try {
      return new u.Adam(linear.parameters(), { amsgrad: true });
    } finally {
      linear.dispose();
    }
  },
  'an orthogonal start': () => {
    const linear = new u.Linear(400, 400);
    try {
      u.initialize.orthogonal(linear.parameters()[0]);
    } finally {
      linear.dispose();
    }
  },
  'a step of training': () => {
    const [weights, moments] = [model.stateDict(), structuredClone(optimizer.stateDict())];
    trainer.step(big.subarray(0, 4 * 12_000), big.subarray(0, 2 * 400), { batch: 400 });
    model.loadStateDict(weights);
    optimizer.loadStateDict(moments);
  },
};

const granted = [];
const refused = [];
/** @param {string} name */
function ask(name) {
  const stream = u.getRngState();
  const { liveObjects } = u.info();
  try {
    requests[name]()?.dispose();
    granted.push(name);
  } catch (error) {
    if (!(error instanceof u.OutOfMemoryError)) throw error;
    if (!/\d{4,}/.test(error.message)) throw new Error(`how much? ${error.message}`);
    if (u.info().liveObjects !== liveObjects) throw new Error(`${name} left something`);
    const same = u.getRngState().every((byte, i) => byte === stream[i]);
    if (!same && name !== 'an optimizer' && name !== 'an orthogonal start') {
      throw new Error(`${name} has drawn`);
    }
    refused.push(name);
  }
  u.setRngState(stream);
}

const losses = [];
for (let step = 0; step < 3; step++) {
  for (const name of Object.keys(requests)) {
    if (greedy) ask(name);
    losses.push(trainer.step(values(4 * 5 * 3, step), values(2 * 3, step + 1), { batch: 3 }));
  }
}
const bits = createHash('sha256').update(Float64Array.from(losses)).update(u.getRngState());
for (const { data } of Object.values(model.stateDict())) bits.update(data);
const { memoryBytes } = u.info();
parentPort?.postMessage({ granted, refused, bits: bits.digest('hex'), memoryBytes });
