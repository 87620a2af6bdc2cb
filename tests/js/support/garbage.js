// Prints, as JSON, the bytes that a call of each kind leaves to the garbage collector. To be run with
// --expose-gc and a young generation so large that nothing is collected in between.

import { getHeapStatistics } from 'node:v8';
import {
  Adam,
  info,
  init,
  LastStep,
  Linear,
  LSTM,
  MSELoss,
  noGrad,
  Sequential,
  Trainer,
} from 'unrolled';

const CALLS = 100_000;
const WARM = 20_000;

await init();
const lstm = new LSTM(4, 8);
const model = new Sequential(new LSTM(3, 5), new LastStep(), new Linear(5, 2));
const trainer = new Trainer(model, {
  loss: new MSELoss(),
  optimizer: new Adam(model.parameters(), { lr: 1e-6 }),
});
const input = new Float32Array(12).fill(0.1); // T = 2, N = 2
const target = new Float32Array(4).fill(0.2);
const value = new Float32Array(4).fill(0.3);
const batch = { batch: 2 };
const shaped = { batch: 2, targetShape: [2, 2] };
const forward = () => model.forward(input, batch);

/** @type {Record<string, () => unknown>} */
const kinds = {
  'Trainer.step': () => trainer.step(input, target, batch),
  'Trainer.step with a targetShape': () => trainer.step(input, target, shaped),
  step: () => lstm.step(value),
  forward,
  'forward inside noGrad': () => noGrad(forward),
};

const used = () => getHeapStatistics().used_heap_size + process.memoryUsage().arrayBuffers;
/** @type {Record<string, number>} */
const bytes = {};
for (const [kind, run] of Object.entries(kinds)) {
  for (let i = 0; i < WARM; i++) run();
  /** @type {any} */ (globalThis).gc();
  const before = used();
  const held = info().allocatedBytes;
  for (let i = 0; i < CALLS; i++) run();
  bytes[kind] = (used() - before) / CALLS;
  if (info().allocatedBytes !== held) throw new Error(`${kind} allocates in WebAssembly`);
}
console.log(JSON.stringify(bytes));
