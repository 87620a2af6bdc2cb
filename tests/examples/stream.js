// Reads numbers from standard input, one a line, and prints after each what it expects next, learning as
// it goes: the state of the stream is carried from step to step.
//
//     some-sensor | node tests/examples/stream.js

import { createInterface } from 'node:readline';
import {
  Adam,
  GRU,
  init,
  LastStep,
  Linear,
  MSELoss,
  manualSeed,
  Sequential,
  Trainer,
} from 'unrolled';

const WINDOW = 16; // values that one training step looks back on

await init();
manualSeed(0);
const gru = new GRU(1, 16, { batchFirst: true });
const head = new Linear(16, 1);
const model = new Sequential(gru, new LastStep(), head);
const optimizer = new Adam(model.parameters(), { lr: 0.01 });
const trainer = new Trainer(model, { loss: new MSELoss(), optimizer, clipNorm: 1 });

/** @type {number[]} */
const past = [];
for await (const line of createInterface({ input: process.stdin })) {
  const value = Number(line);
  if (line.trim() === '' || Number.isNaN(value)) {
    console.error(`not a number: ${line}`);
    continue;
  }
  past.push(value);
  if (past.length > WINDOW) {
    trainer.step(Float32Array.from(past.slice(0, WINDOW)), Float32Array.of(value));
    past.shift();
  }
  const [next] = head.forward(gru.step(Float32Array.of(value)));
  console.log(next.toFixed(3));
}
