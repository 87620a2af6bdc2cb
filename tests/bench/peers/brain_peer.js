// brain.js as a peer. It cannot do what the others do, so its times are an order of magnitude only:
// without batches, a "step" is a pass over the same sequences with an update for each; the loss is that
// of the next value at every step, outputs are as many as inputs; its plain network has relu for tanh.

import { fill } from '../fill.js';
import { answer, request } from '../runner.js';
import { require, versionOf } from './packages.js';

console.log = console.error; // standard output is for answers

/** @type {any} */
const { recurrent } = require('brain.js');

const { workload: w } = request();
const Net = recurrent[`${w.kind}TimeStep`];

/** Sequence number n, one step longer than what is predicted from it. @param {number} n */
function sequence(n) {
  if (w.mode === 'train' && !w.classes) {
    return Array.from({ length: w.T + 1 }, (_, t) => (t < w.T ? 1 + n + t : 6 + 3 * n));
  }
  const steps = w.T + (w.mode === 'train' ? 1 : 0);
  const data = fill(steps * w.I, 1000 + n, 1);
  return Array.from({ length: steps }, (_, t) => [...data.subarray(t * w.I, (t + 1) * w.I)]);
}

const data = Array.from({ length: w.N }, (_, n) => sequence(n));
const sizes = { inputSize: w.I, hiddenLayers: Array(w.L).fill(w.H) };

function training() {
  const net = new Net({ ...sizes, outputSize: w.I });
  const options = { iterations: 1, errorThresh: 0, learningRate: 0.001, log: false };
  return () => {
    net.train(data, options);
    return null;
  };
}

function running() {
  const net = new Net({ ...sizes, outputSize: w.K || w.I });
  net.initialize();
  net.bindEquation();
  return () => {
    for (const one of data) net.run(one);
    return null;
  };
}

await answer(versionOf('brain.js'), {
  [`${w.kind}TimeStep`]: w.mode === 'train' ? training : running,
});
