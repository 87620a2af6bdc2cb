import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, test } from 'node:test';
import {
  Adam,
  Dropout,
  GRU,
  info,
  init,
  LastStep,
  Linear,
  LSTM,
  LSTMCell,
  MSELoss,
  NumpyRandom,
  OutOfMemoryError,
  RNN,
  rand,
  randperm,
  Sequential,
  Softmax,
  Trainer,
} from 'unrolled';
import { assertSame } from './support/compare.js';
import { values } from './support/numeric.js';

before(() => init());

test('info: version, SIMD, memory', async () => {
  const { version, simd, memoryBytes, allocatedBytes, liveObjects } = info();
  const manifest = await import('unrolled/package.json', { with: { type: 'json' } });
  assert.equal(version, manifest.default.version);
  assert.match(simd, /simd/i);
  assert.ok(memoryBytes > 0 && memoryBytes % 65536 === 0);
  assert.ok(allocatedBytes >= 0 && allocatedBytes <= memoryBytes);
  assert.ok(Number.isInteger(liveObjects));
});

/** Something of every kind, used once. @returns {{ dispose(): void }[]} */
function something() {
  const cell = new LSTMCell(2, 3);
  let state;
  for (let t = 0; t < 9; t++) state = cell.forward(values(2, t), state);
  cell.backward({ h: values(3, 1) });
  const lstm = new LSTM(2, 3, { numLayers: 2, dropout: 0.1, projSize: 2 });
  lstm.forward(values(2 * 2 * 50, 1), { batch: 2 });
  lstm.step(values(2, 1));
  const model = new Sequential(new GRU(2, 3), new Dropout(), new LastStep(), new Linear(3, 1));
  const loss = new MSELoss();
  const optimizer = new Adam(model.parameters(), { amsgrad: true });
  const trainer = new Trainer(model, { loss, optimizer });
  trainer.step(values(2 * 10 * 3, 1), values(3, 2), { batch: 3 });
  const random = new NumpyRandom(1);
  random.randn(100);
  const softmax = new Softmax(4);
  softmax.forward(values(40, 1));
  return [cell, lstm, trainer, optimizer, loss, model, random, softmax];
}

test('liveObjects and allocatedBytes return to where they were', () => {
  const { liveObjects, allocatedBytes } = info();
  for (let round = 0; round < 3; round++) {
    const things = something();
    assert.equal(info().liveObjects, liveObjects + things.length + 4); // and the modules inside
    assert.ok(info().allocatedBytes > allocatedBytes);
    for (const thing of things) thing.dispose();
    assert.equal(info().liveObjects, liveObjects);
    assert.equal(info().allocatedBytes, allocatedBytes);
  }
});

test('and in any order of disposal', () => {
  const { liveObjects, allocatedBytes } = info();
  for (const thing of something().reverse()) thing.dispose();
  assert.deepEqual([info().liveObjects, info().allocatedBytes], [liveObjects, allocatedBytes]);
});

test('and after thousands of objects', () => {
  const { liveObjects, allocatedBytes } = info();
  const many = Array.from({ length: 3000 }, () => new Linear(1, 1));
  assert.equal(info().liveObjects, liveObjects + 3000);
  const x = Float32Array.of(2);
  const kept = many.map((linear) => linear.forward(x)[0]);
  many.forEach((linear, i) => {
    if (i % 3 === 0) linear.dispose();
  });
  many.forEach((linear, i) => {
    if (i % 3) assert.equal(linear.forward(x)[0], kept[i]);
  });
  for (const linear of many) linear.dispose();
  assert.equal(info().liveObjects, liveObjects);
  assert.equal(info().allocatedBytes, allocatedBytes);
});

test('a step allocates nothing', () => {
  const model = new Sequential(new LSTM(3, 8), new LastStep(), new Linear(8, 1));
  const loss = new MSELoss();
  const optimizer = new Adam(model.parameters());
  const trainer = new Trainer(model, { loss, optimizer });
  const step = (N) => trainer.step(values(4 * N * 3, N), values(N, 1), { batch: N });
  step(5);
  const { allocatedBytes } = info();
  for (const N of [5, 1, 3, 5, 2]) step(N);
  assert.equal(info().allocatedBytes, allocatedBytes, 'smaller batches fit');
  step(6);
  assert.ok(info().allocatedBytes > allocatedBytes, 'a larger one does not');
  for (const thing of [trainer, optimizer, loss, model]) thing.dispose();
});

test('an object that was made when a constructor threw leaves nothing', () => {
  const { liveObjects, allocatedBytes } = info();
  const wrong = [
    () => new Linear(0, 1),
    () => new LSTM(2, 3, /** @type {any} */ ({ projSize: 9 })),
    () => new Sequential(/** @type {any} */ (5)),
    () => new Adam([]),
    () => new Linear(2 ** 20, 2 ** 20),
    () => new LSTM(2 ** 31 - 1, 2 ** 31 - 1),
  ];
  for (const make of wrong) assert.throws(make);
  assert.deepEqual([info().liveObjects, info().allocatedBytes], [liveObjects, allocatedBytes]);
});

test('more than memory can hold: an OutOfMemoryError says how much, what existed lives on', () => {
  const linear = new Linear(1, 1_000_000);
  const y = linear.forward(Float32Array.of(1)).slice(0, 5);
  const { liveObjects } = info();
  assert.throws(
    () => linear.forward(new Float32Array(2000)), // 2000 rows of 4 MB
    (error) => error instanceof OutOfMemoryError && /\d{9,}/.test(error.message),
  );
  const g = new Float32Array(1_000_000);
  assert.throws(() => linear.backward(g), { name: 'StateError' });
  assertSame(linear.forward(Float32Array.of(1)).slice(0, 5), y, 'the same model');
  assert.equal(linear.backward(g).length, 1);
  assert.throws(() => rand(2 ** 30 - 1), { name: 'OutOfMemoryError', message: /\d{9,}/ });
  assert.equal(info().liveObjects, liveObjects);
  linear.dispose();
});

describe('counts whose bytes pass 2^32 are refused, and the library lives on', () => {
  // Each in a process of its own: a fault would end the instance.
  for (const call of [
    'rand(2 ** 30)',
    'rand(2 ** 30 + 5)',
    'randn(2 ** 31 - 1)',
    'uniform(2 ** 30 + 5, 0, 1)',
    'normal(2 ** 30 + 5, 0, 1)',
    'bernoulli(2 ** 30 + 5, 0.5)',
    'randint(0, 5, 2 ** 30 + 5)',
    'randperm(2 ** 30 + 5)',
    'new NumpyRandom(1).rand(2 ** 29 + 5)',
    'new NumpyRandom(1).randn(2 ** 29 + 5)',
    'new NumpyRandom(1).randint(0, 5, 2 ** 30 + 5)',
    'new NumpyRandom(1).permutation(2 ** 30 + 5)',
  ]) {
    test(call, () => {
      const script = `
        import * as unrolled from 'unrolled';
        const { rand, randn, uniform, normal, bernoulli, randint, randperm } = unrolled;
        const { NumpyRandom } = unrolled;
        await unrolled.init();
        rand(1000); // a block for passing arrays
        try {
          ${call};
        } catch (error) {
          console.log(error.name, /\\d{9,}/.test(error.message));
        }
        console.log(rand(5).length);`;
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module', '-e', script],
        {
          encoding: 'utf8',
          cwd: import.meta.dirname,
        },
      );
      assert.equal(stdout, 'OutOfMemoryError true\n5\n', stderr);
    });
  }
});

test('Symbol.dispose, where the engine has it', () => {
  const linear = new Linear(1, 1);
  const dispose = /** @type {any} */ (linear)[Symbol.dispose];
  if (typeof Symbol.dispose === 'symbol') {
    dispose.call(linear);
    assert.throws(() => linear.forward(Float32Array.of(1)), { name: 'StateError' });
  } else linear.dispose();
  assert.ok(!('undefined' in Linear.prototype), 'no method called undefined');
});

test('what was dropped without dispose is freed after it was collected', () => {
  const script = `
    import { init, info, LSTM, Sequential, Linear, Adam } from 'unrolled';
    await init();
    (function () {
      for (let i = 0; i < 50; i++) {
        new LSTM(4, 8).forward(new Float32Array(400));
        const model = new Sequential(new Linear(3, 3), new Linear(3, 3));
        new Adam(model.parameters()).step();
      }
    })();
    const kept = new Sequential(new Linear(2, 2));
    const [parameter] = kept.parameters();
    const held = (() => new Linear(5, 5).parameters()[0])();
    for (let i = 0; i < 20 && info().liveObjects > 3; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    console.log(info().liveObjects, parameter.dataView.length, held.dataView.length);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', '--input-type=module', '-e', script],
    { encoding: 'utf8', cwd: import.meta.dirname },
  );
  assert.equal(stdout, '3 4 25\n', stderr);
});

test('what another object works with is not collected before that', () => {
  const script = `
    import { Adam, init, info, LastStep, Linear, MSELoss, RNN, Sequential, StepLR, Trainer } from 'unrolled';
    await init();
    const trainer = (() => {
      const model = new Sequential(new Sequential(new RNN(1, 3), new LastStep()), new Linear(3, 1));
      const optimizer = new Adam(model.parameters());
      return new Trainer(model, { loss: new MSELoss(), optimizer });
    })();
    const schedule = (() => new StepLR(new Adam(new Linear(2, 2).parameters()), { stepSize: 1 }))();
    const [inner, parameter, optimizer] = (() => {
      const layers = [0, 1, 2].map(() => new Linear(2, 2));
      for (const layer of layers) new Sequential(new Sequential(layer));
      return [layers[0], layers[1].parameters()[0], new Adam(layers[2].parameters())];
    })();
    for (let i = 0; i < 20; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
      trainer.step(Float32Array.of(1, 2), Float32Array.of(1));
      schedule.step();
      schedule.optimizer.step();
      inner.forward(parameter.dataView);
      optimizer.step();
    }
    console.log(info().liveObjects);`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--expose-gc', '--input-type=module', '-e', script],
    { encoding: 'utf8', cwd: import.meta.dirname },
  );
  assert.equal(stdout, '20\n', stderr);
});

test('handles of what is gone are not those of what came after', () => {
  const old = new Linear(2, 2);
  const [parameter] = old.parameters();
  old.dispose();
  const fresh = Array.from({ length: 100 }, () => new RNN(2, 2));
  assert.throws(() => parameter.dataView, { name: 'StateError' });
  assert.throws(() => old.forward(values(2, 1)), { name: 'StateError' });
  for (const module of fresh) module.dispose();
});

test('large arrays pass through', () => {
  const n = 300_000;
  const sorted = randperm(n).sort();
  for (let i = 0; i < n; i += 997) assert.equal(sorted[i], i);
  const softmax = new Softmax(n);
  const y = softmax.forward(new Float32Array(n));
  assert.ok(Math.abs(y[12345] * n - 1) < 1e-4);
  softmax.dispose();
});
