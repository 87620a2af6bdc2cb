// What runs for hours: many steps of training, many models made and disposed of, many forgotten to the
// garbage collector. What the library holds must be flat after a short warming-up.
//
//     node --expose-gc tests/soak/soak.js [share]     share of the long form, default 1

import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import * as u from 'unrolled';
import { values } from '../js/support/numeric.js';

const STEPS = 1_000_000;
const MODELS = 100_000;
const FORGOTTEN = 10_000;

/** What the library holds. */
function held() {
  const { memoryBytes, allocatedBytes, liveObjects } = u.info();
  return { memoryBytes, allocatedBytes, liveObjects };
}

/** @param {u.Module} model @param {object} [options] */
function trainerOf(model, options) {
  const loss = new u.MSELoss();
  const optimizer = new u.Adam(model.parameters());
  const trainer = new u.Trainer(model, { loss, optimizer, ...options });
  return { trainer, things: [trainer, optimizer, loss, model] };
}

/** Steps with batches of every size, among them some that are refused. @param {number} steps */
export function train(steps) {
  const model = new u.Sequential(
    new u.LSTM(2, 4, { batchFirst: true, dropout: 0.1, numLayers: 2 }),
    new u.LastStep(),
    new u.Linear(4, 1),
  );
  const { trainer, things } = trainerOf(model, { clipNorm: 1, onNonFinite: 'skip' });
  const batches = Array.from({ length: 12 }, (_, i) => {
    const N = 1 + (i % 4);
    return { N, x: values(N * (1 + (i % 3)) * 2, i), y: values(N, i + 1) };
  });
  const broken = { N: 1, x: Float32Array.of(NaN, 1), y: Float32Array.of(1) };
  let before = held();
  for (let step = 0; step < steps; step++) {
    const { N, x, y } = step % 1000 === 999 ? broken : batches[step % batches.length];
    trainer.step(x, y, { batch: N });
    if (step % 500 === 0) assert.throws(() => trainer.step(x, new Float32Array(0)), u.ShapeError);
    if (step === Math.min(2000, steps >> 1)) before = held();
  }
  assert.deepEqual(held(), before, 'memory after the steps');
  assert.ok(Number.isFinite(model.forward(batches[0].x)[0]), 'the model has come through');
  for (const thing of things) thing.dispose();
}

/** One of every kind of model, used. @param {number} i */
function make(i) {
  const size = 1 + (i % 7);
  const x = values(2 * 3 * size, i);
  switch (i % 4) {
    case 0: {
      const lstm = new u.LSTM(size, 4, { numLayers: 1 + (i % 2), bidirectional: i % 8 === 0 });
      lstm.forward(x, { batch: 2 });
      return [lstm];
    }
    case 1: {
      const cell = new u.GRUCell(size, 3);
      cell.forward(x.subarray(0, size));
      return [cell];
    }
    case 2: {
      const model = new u.Sequential(new u.RNN(size, 3), new u.Dropout(), new u.Linear(3, 1));
      const { trainer, things } = trainerOf(model);
      trainer.step(x, values(6, i), { batch: 2 });
      return things;
    }
    default: {
      const live = new u.GRU(size, 3);
      live.step(x.subarray(0, size));
      return [live, new u.NumpyRandom(i), new u.CrossEntropyLoss()];
    }
  }
}

/** Models made and disposed of. @param {number} count */
export function makeAndDispose(count) {
  let before = held();
  for (let i = 0; i < count; i++) {
    for (const thing of make(i)) thing.dispose();
    if (i === Math.min(1000, count >> 1)) before = held();
  }
  assert.deepEqual(held(), before, 'memory after the models');
}

/** Models that nobody disposes of: the collector does, once there is a turn of the event loop. @param {number} count */
export async function makeAndForget(count) {
  const collect = globalThis.gc;
  assert.ok(collect, 'run with --expose-gc');
  const { liveObjects, allocatedBytes } = held();
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  let most = 0;
  for (let i = 0; i < count; i++) {
    make(i);
    if (i % 250 === 249) {
      collect();
      await turn();
      most = Math.max(most, held().memoryBytes);
    }
  }
  for (let round = 0; round < 50 && held().liveObjects > liveObjects; round++) {
    collect();
    await turn();
  }
  const after = held();
  assert.deepEqual([after.liveObjects, after.allocatedBytes], [liveObjects, allocatedBytes]);
  assert.ok(most < 32 * 2 ** 20, `${most} bytes of memory`);
}

/** @param {number} share  of the long form @returns {Promise<string[]>} what was done */
export async function soak(share) {
  const lines = [];
  for (const [what, run, all] of /** @type {const} */ ([
    ['steps of training', train, STEPS],
    ['models made and disposed of', makeAndDispose, MODELS],
    ['models forgotten to the collector', makeAndForget, FORGOTTEN],
  ])) {
    const count = Math.round(all * share);
    await run(count);
    const { memoryBytes, liveObjects } = held();
    lines.push(`${count} ${what}: ${memoryBytes / 1024} KiB of memory, ${liveObjects} objects`);
  }
  return lines;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await u.init();
  for (const line of await soak(Number(process.argv[2] ?? 1))) console.log(line);
}
