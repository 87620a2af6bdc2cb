// Numbers at the edge: not finite, subnormal, far out, with learning rates that are far too large. They go
// through as they go through PyTorch, or are a NonFiniteError.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  GRU,
  GRUCell,
  init,
  Linear,
  LogSoftmax,
  LSTM,
  LSTMCell,
  MSELoss,
  NonFiniteError,
  ReduceLROnPlateau,
  ReLU,
  RNN,
  RNNCell,
  SGD,
  Sigmoid,
  Softmax,
  Tanh,
  Trainer,
} from 'unrolled';
import { dispose } from './support/dispose.js';
import { values } from './support/numeric.js';

before(() => init());

const F = (...list) => Float32Array.from(list);
const TINY = 2 ** -149; // the smallest subnormal

describe('activations', () => {
  const x = F(NaN, Infinity, -Infinity, TINY, -TINY, 1e-40, 100, -100, 3e38, -3e38, -0);
  // torch.tanh, torch.relu, torch.sigmoid of the same
  for (const [Class, want] of /** @type {const} */ ([
    [Tanh, [NaN, 1, -1, TINY, -TINY, 1e-40, 1, -1, 1, -1, -0]],
    [ReLU, [NaN, Infinity, 0, TINY, 0, 1e-40, 100, 0, 3e38, 0, 0]],
    [Sigmoid, [NaN, 1, 0, 0.5, 0.5, 0.5, 1, 3.783506e-44, 1, 0, 0.5]],
  ])) {
    test(Class.name, () => {
      const module = new Class();
      const y = module.forward(x);
      want.forEach((value, i) => {
        const near = Math.abs(y[i] - Math.fround(value)) <= 1e-6 * Math.abs(value) + 2 * TINY;
        assert.ok(Object.is(y[i], Math.fround(value)) || near, `${x[i]}: ${y[i]}, not ${value}`);
      });
      module.dispose();
    });
  }
});

describe('softmaxes of logits far out', () => {
  test('±100: probabilities of 1 and next to 0, and their logarithms', () => {
    const [softmax, log] = [new Softmax(3), new LogSoftmax(3)];
    const x = F(100, -100, 0);
    assert.deepEqual([...softmax.forward(x)], [1, 0, Math.fround(3.783506e-44)]);
    assert.deepEqual([...log.forward(x)], [0, -200, -100]);
    dispose(softmax, log);
  });
  test('all −∞ or one +∞ are NaN, one −∞ is a probability of 0', () => {
    const softmax = new Softmax(2);
    assert.ok(softmax.forward(F(-Infinity, -Infinity)).every(Number.isNaN));
    assert.ok(softmax.forward(F(Infinity, 0)).some(Number.isNaN));
    assert.deepEqual([...softmax.forward(F(-Infinity, 5))], [0, 1]);
    softmax.dispose();
  });
  test('the losses over them stay exact', () => {
    const [cross, binary] = [new CrossEntropyLoss(), new BCEWithLogitsLoss()];
    assert.equal(cross.forward(F(100, -100), Int32Array.of(1)), 200);
    assert.deepEqual([...cross.backward()], [1, -1]);
    assert.equal(cross.forward(F(100, -100), Int32Array.of(0)), 0);
    assert.equal(binary.forward(F(100), F(0)), 100);
    assert.equal(binary.forward(F(-100), F(0)), Math.fround(3.783506e-44));
    dispose(cross, binary);
  });
});

test('a NaN or an infinity in one sequence stays in it', () => {
  for (const bad of [NaN, Infinity]) {
    for (const make of [
      () => new RNN(2, 5),
      () => new GRU(2, 5, { numLayers: 2 }),
      () => new LSTM(2, 5, { bidirectional: true }),
    ]) {
      const rnn = make();
      const [T, N] = [4, 5];
      const x = values(T * N * 2, 1);
      const want = rnn.forward(x, { batch: N }).output;
      const K = want.length / (T * N);
      x[(1 * N + 2) * 2] = bad; // step 1 of sequence 2
      const got = rnn.forward(x, { batch: N }).output;
      for (let t = 0; t < T; t++) {
        for (let n = 0; n < N; n++) {
          const at = (t * N + n) * K;
          const row = got.subarray(at, at + K);
          if (n !== 2) assert.deepEqual(row, want.subarray(at, at + K), `step ${t}, sequence ${n}`);
          else if (t >= 1 && Number.isNaN(bad)) assert.ok(row.some(Number.isNaN), `step ${t}`);
        }
      }
      rnn.dispose();
    }
  }
});

test('a NaN among the recurrent weights shows from the second step on, or from a given h0', () => {
  // PyTorch multiplies the zeros of a missing h0 with the weights, and 0 · NaN is NaN in step one
  // already. Here that product is left out: where every weight is finite the two are the same.
  for (const Class of [RNN, GRU, LSTM]) {
    const rnn = new Class(2, 3);
    for (const p of rnn.parameters()) if (p.name === 'weight_hh_l0') p.dataView.fill(NaN);
    const x = values(3 * 2, 1);
    const { output } = rnn.forward(x);
    assert.ok(output.subarray(0, 3).every(Number.isFinite), `${Class.name}, step 0`);
    assert.ok(output.subarray(3).every(Number.isNaN), `${Class.name}, steps 1 and 2`);
    const given = rnn.forward(x, /** @type {any} */ ({ h0: new Float32Array(3) }));
    assert.ok(given.output.every(Number.isNaN), `${Class.name} with an h0`);
    rnn.dispose();
  }
  for (const cell of [new RNNCell(2, 3), new GRUCell(2, 3)]) {
    for (const p of cell.parameters()) if (p.name === 'weight_hh') p.dataView.fill(NaN);
    assert.ok(cell.forward(F(1, 2), new Float32Array(3)).every(Number.isNaN));
    cell.dispose();
  }
  const lstm = new LSTMCell(2, 3);
  for (const p of lstm.parameters()) if (p.name === 'weight_hh') p.dataView.fill(NaN);
  assert.ok(lstm.forward(F(1, 2), { h: new Float32Array(3) }).h.every(Number.isNaN));
  lstm.dispose();
});

test('subnormal values are not flushed to zero', () => {
  const linear = new Linear(1, 1, { bias: false });
  linear.parameters()[0].dataView[0] = 0.5;
  assert.equal(linear.forward(F(1e-40))[0], Math.fround(Math.fround(1e-40) / 2));
  assert.equal(linear.backward(F(4 * TINY))[0], 2 * TINY);
  linear.dispose();
});

test('a learning rate far too large ends in a NonFiniteError, with the last finite weights', () => {
  for (const lr of [1e10, 1e30, 1e300]) {
    const model = new Linear(3, 1);
    const loss = new MSELoss();
    const optimizer = new SGD(model.parameters(), { lr });
    const trainer = new Trainer(model, { loss, optimizer });
    let before = model.stateDict();
    assert.throws(() => {
      for (let step = 0; step < 100; step++) {
        before = model.stateDict();
        trainer.step(values(3, step), values(1, step));
      }
    }, NonFiniteError);
    assert.deepEqual(model.stateDict(), before);
    dispose(trainer, optimizer, loss, model);
  }
});

test("onNonFinite 'skip': steps that were skipped count for no mean, nor for the schedule", async () => {
  const seen = [];
  class Watch extends ReduceLROnPlateau {
    /** @override @param {number} metric */
    step(metric) {
      seen.push(metric);
      super.step(metric);
    }
  }
  const model = new Linear(1, 1);
  const loss = new MSELoss();
  const optimizer = new SGD(model.parameters(), { lr: 0 }); // every loss of a batch is the same
  const trainer = new Trainer(model, { loss, optimizer, onNonFinite: 'skip' });
  const good = { input: F(1), target: F(3), batch: 1 };
  const other = { input: F(2), target: F(-1), batch: 1 };
  const bad = { input: F(NaN), target: F(3), batch: 1 };
  const [a, b] = [good, other].map(({ input, target }) => trainer.step(input, target));
  const epochs = [
    { data: [bad, good, bad, other], means: [NaN, a, a, (a + b) / 2] },
    { data: [bad, bad], means: [NaN, NaN] },
  ];
  for (const { data, means } of epochs) {
    const got = [];
    const options = { epochs: 1, scheduler: new Watch(optimizer, {}) };
    for await (const { epochLoss } of trainer.fit(data, options)) got.push(epochLoss);
    assert.deepEqual(got, means);
    assert.deepEqual(seen.pop(), means[means.length - 1]);
  }
  dispose(trainer, optimizer, loss, model);
});

test('a target of the wrong length loses nothing: a forward that waits still does', () => {
  const model = new Linear(3, 2);
  const loss = new MSELoss();
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const trainer = new Trainer(model, { loss, optimizer });
  const g = values(4, 2);
  model.forward(values(6, 1));
  const want = model.backward(g);
  model.forward(values(6, 1));
  for (const length of [0, 3, 5, 400]) {
    assert.throws(() => trainer.step(values(6, 1), new Float32Array(length)), {
      name: 'ShapeError',
      message: /target: expected 4 values/,
    });
  }
  assert.throws(() => trainer.step(values(6, 1), values(4, 1), { targetShape: [4, 1] }), {
    name: 'ShapeError',
  });
  assert.deepEqual(model.backward(g), want);
  dispose(trainer, optimizer, loss, model);
});
