// Learns a series from a CSV file, and forecasts how it goes on.
//
//     node tests/examples/forecast.js series.csv [column] [steps]
//
// The column is a name from the first line (default: the last); steps: how many values to forecast.

import { readFile } from 'node:fs/promises';
import {
  Adam,
  DataLoader,
  init,
  LastStep,
  Linear,
  LSTM,
  MSELoss,
  manualSeed,
  Sequential,
  Trainer,
} from 'unrolled';

const WINDOW = 12;
const EPOCHS = 60;

const [path, column, steps = '6'] = process.argv.slice(2);
if (!path) {
  console.error('usage: node forecast.js series.csv [column] [steps]');
  process.exit(2);
}
const [header, ...lines] = (await readFile(path, 'utf8')).trim().split(/\r?\n/);
const names = header.split(',');
const place = column === undefined ? names.length - 1 : names.indexOf(column);
const values = lines.map((line) => Number(line.split(',')[place] || NaN));
if (values.length <= WINDOW || values.some(Number.isNaN)) {
  console.error(`${path}: a column of more than ${WINDOW} numbers is needed; there is ${header}`);
  process.exit(2);
}

// Networks like values around 0 and 1.
const mean = values.reduce((a, b) => a + b) / values.length;
const spread = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length) || 1;
const series = Float32Array.from(values, (value) => (value - mean) / spread);

await init();
manualSeed(0);
const samples = series.length - WINDOW;
const inputs = new Float32Array(samples * WINDOW);
for (let i = 0; i < samples; i++) inputs.set(series.subarray(i, i + WINDOW), i * WINDOW);
const data = new DataLoader({
  inputs,
  targets: series.subarray(WINDOW),
  samples,
  batchSize: 16,
  shuffle: true,
});
const model = new Sequential(
  new LSTM(1, 24, { batchFirst: true }),
  new LastStep(),
  new Linear(24, 1),
);
const optimizer = new Adam(model.parameters(), { lr: 0.01 });
const trainer = new Trainer(model, { loss: new MSELoss(), optimizer, clipNorm: 1 });
let loss = 0;
for await (const { epochLoss } of trainer.fit(data, { epochs: EPOCHS })) loss = epochLoss;
console.log(`trained on ${samples} windows, error ${(Math.sqrt(loss) * spread).toPrecision(2)}`);

// Each forecast becomes the newest value of the next window.
const window = [...series.slice(-WINDOW)];
for (let i = 0; i < Number(steps); i++) {
  const [next] = model.forward(Float32Array.from(window));
  window.push(next);
  window.shift();
  console.log((next * spread + mean).toFixed(2));
}
