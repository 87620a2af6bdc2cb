import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  Adam,
  ArgumentError,
  CrossEntropyLoss,
  clipGradNorm,
  Dropout,
  GRU,
  info,
  init,
  LastStep,
  Linear,
  LSTM,
  MSELoss,
  manualSeed,
  RNN,
  Sequential,
  SGD,
  ShapeError,
  StateError,
  Tanh,
  Trainer,
} from 'unrolled';
import { assertClose, assertSame, assertSameState } from './support/compare.js';
import { dispose } from './support/dispose.js';
import { values } from './support/numeric.js';

before(() => init());

const [T, N, I, H] = [4, 3, 2, 6];

/** Models, the length of their prediction for a batch, and a target. */
const MODELS = {
  'a sequence': {
    model: () => new Sequential(new LSTM(I, H), new Linear(H, 2)),
    outputs: T * N * 2,
  },
  'many to one, batch first, with dropout': {
    model: () =>
      new Sequential(
        new GRU(I, H, { batchFirst: true, numLayers: 2, dropout: 0.3 }),
        new Dropout(0.2),
        new LastStep(),
        new Linear(H, 2),
      ),
    outputs: N * 2,
  },
  'rows only': {
    model: () => new Sequential(new Linear(I, H), new Tanh(), new Linear(H, 1)),
    outputs: T * N,
  },
  'a recurrent one alone': {
    model: () => new RNN(I, H, { bidirectional: true }),
    outputs: T * N * 2 * H,
  },
};

for (const [name, { model: make, outputs }] of Object.entries(MODELS)) {
  test(`${name}: a step is what one does by hand, to the bit`, () => {
    for (const clipNorm of [undefined, 0.05]) {
      const steps = 5;
      const [input, target] = [values(T * N * I, 1), values(outputs, 2)];
      const setUp = () => {
        manualSeed(1);
        const model = make();
        const loss = new MSELoss();
        return { model, loss, optimizer: new Adam(model.parameters(), { lr: 0.01 }) };
      };
      const a = setUp();
      const trainer = new Trainer(a.model, { loss: a.loss, optimizer: a.optimizer, clipNorm });
      const losses = Array.from({ length: steps }, () => trainer.step(input, target, { batch: N }));

      const b = setUp();
      const byHand = [];
      for (let s = 0; s < steps; s++) {
        b.optimizer.zeroGrad();
        const result = /** @type {any} */ (b.model).forward(input, { batch: N });
        byHand.push(b.loss.forward(result.output ?? result, target));
        /** @type {any} */ (b.model).backward(b.loss.backward());
        if (clipNorm) clipGradNorm(b.model.parameters(), clipNorm);
        b.optimizer.step();
      }
      assertClose(losses, byHand, { R: 1e-7 }, 'losses');
      assertSameState(b.model.stateDict(), a.model.stateDict(), `${name}, clipNorm ${clipNorm}`);
      assert.notEqual(losses[0], losses.at(-1));
      dispose(trainer, a.optimizer, a.loss, a.model, b.optimizer, b.loss, b.model);
    }
  });
}

test('classes: one index a row, in the order of the rows', () => {
  for (const batchFirst of [false, true]) {
    const model = new Sequential(new GRU(I, H, { batchFirst }), new Linear(H, 3));
    const loss = new CrossEntropyLoss();
    const optimizer = new SGD(model.parameters(), { lr: 0 });
    const trainer = new Trainer(model, { loss, optimizer });
    const input = values(T * N * I, 1);
    const target = Int32Array.from({ length: T * N }, (_, i) => i % 3);
    const want = loss.forward(model.forward(input, { batch: N }), target);
    const got = [
      trainer.step(input, target, { batch: N }),
      trainer.step(input, target, { batch: N, targetShape: batchFirst ? [N, T] : [T, N] }),
      trainer.step(input, target, { batch: N, targetShape: [-1] }),
    ];
    for (const value of got) assertClose([value], [Number(want)], { R: 1e-6 }, 'loss');
    dispose(trainer, optimizer, loss, model);
  }
});

test('targetShape: how a target broadcasts; one entry may be -1', (t) => {
  t.mock.method(console, 'warn', () => {});
  const model = new Sequential(
    new RNN(I, H, { batchFirst: true }),
    new LastStep(),
    new Linear(H, 1),
  );
  const loss = new MSELoss();
  const optimizer = new SGD(model.parameters(), { lr: 0 });
  const trainer = new Trainer(model, { loss, optimizer });
  const [input, target] = [values(T * N * I, 1), values(N, 2)];
  const prediction = model.forward(input, { batch: N }); // [N][1]
  const mean = (shapes) => loss.forward(prediction, target, shapes);
  const step = (targetShape) => trainer.step(input, target, { batch: N, targetShape });
  const close = (got, want, what) => assertClose([got], [want], { R: 1e-6 }, what);
  close(step(undefined), mean(), 'none');
  close(step([N, 1]), mean(), 'the same');
  close(step([-1, 1]), mean(), 'the same, open');
  const spread = mean({ prediction: [N, 1], target: [N] });
  close(step([N]), spread, 'a table');
  close(step([-1]), spread, 'a table, open');
  for (const [bad, Class] of /** @type {[any, any][]} */ ([
    [[N + 1], ShapeError],
    [[-1, 2], ShapeError],
    [[-1, -1], ShapeError],
    [[0], ShapeError],
    [[1.5], ArgumentError],
    ['3', ArgumentError],
    [[N, 2], ShapeError],
  ])) {
    assert.throws(
      () => step(bad),
      (/** @type {any} */ error) => error instanceof Class && /targetShape/.test(error.message),
      JSON.stringify(bad),
    );
  }
  const one = trainer.step(input, Float32Array.of(0.5), { batch: N, targetShape: [1] });
  assert.ok(one > 0);
  dispose(trainer, optimizer, loss, model);
});

test('only the parameters of the optimizer move; a gradient is made for all', () => {
  const [rnn, fc] = [new GRU(I, H), new Linear(H, 1)];
  const model = new Sequential({ rnn, fc });
  const before = model.stateDict();
  const loss = new MSELoss();
  const optimizer = new SGD(fc.parameters(), { lr: 0.1 });
  const trainer = new Trainer(model, { loss, optimizer });
  trainer.step(values(T * N * I, 1), values(T * N, 2), { batch: N });
  for (const [name, { data }] of Object.entries(model.stateDict())) {
    if (name.startsWith('rnn')) assertSame(data, before[name].data, name);
    else assert.notDeepEqual(data, before[name].data, name);
  }
  dispose(trainer, optimizer, loss, model);
});

test('parameters of another model move too, their gradients being zero', () => {
  const [model, other] = [new Linear(I, 1), new GRU(2, 3)];
  const loss = new MSELoss();
  const all = [...model.parameters(), ...other.parameters()];
  const optimizer = new SGD(all, { lr: 0.1, weightDecay: 0.5 });
  const trainer = new Trainer(model, { loss, optimizer });
  const before = other.stateDict();
  for (const p of other.parameters()) p.gradView.fill(7);
  trainer.step(values(2 * I, 1), values(2, 2));
  for (const { name, dataView } of other.parameters()) {
    const want = before[name].data.map((v) => v * 0.95);
    assertClose(dataView, want, { R: 1e-6 }, `${name}: weight decay and nothing else`);
  }
  dispose(trainer, optimizer, loss, model, other);
});

test('two trainers and two batch sizes take turns', () => {
  const make = () => {
    manualSeed(1);
    const model = new Sequential(new GRU(I, H), new LastStep(), new Linear(H, 1));
    const [mse, sum] = [new MSELoss(), new MSELoss({ reduction: 'sum' })];
    const optimizer = new Adam(model.parameters());
    const trainers = [mse, sum].map((loss) => new Trainer(model, { loss, optimizer }));
    return { model, trainers, end: () => dispose(...trainers, optimizer, mse, sum, model) };
  };
  const [a, b] = [make(), make()];
  for (let s = 0; s < 6; s++) {
    const N1 = 1 + (s % 3);
    const [input, target] = [values(T * N1 * I, s), values(N1, s)];
    const value = a.trainers[s % 2].step(input, target, { batch: N1 });
    // the other model in between
    assert.equal(b.trainers[s % 2].step(input, target, { batch: N1 }), value);
  }
  assertSameState(a.model.stateDict(), b.model.stateDict(), 'weights');
  a.end();
  b.end();
});

test('views of the library are input and target like any others', () => {
  const make = () => {
    manualSeed(1);
    const model = new Sequential(new Linear(2, 50), new Tanh(), new Linear(50, 1));
    const loss = new MSELoss();
    const optimizer = new Adam(model.parameters());
    return { loss, optimizer, model, trainer: new Trainer(model, { loss, optimizer }) };
  };
  const rows = 20_000; // so many that memory grows inside the step
  const source = new Linear(2, rows);
  const [weight, bias] = source.parameters();
  weight.dataView.set(values(2 * rows, 1));
  bias.dataView.set(values(rows, 2));
  const [a, b] = [make(), make()];
  const { memoryBytes } = info();
  const value = a.trainer.step(weight.dataView, bias.dataView);
  assert.ok(info().memoryBytes > memoryBytes);
  assert.equal(value, b.trainer.step(values(2 * rows, 1), values(rows, 2)));
  assertSameState(a.model.stateDict(), b.model.stateDict(), 'weights');
  for (const one of [a, b]) dispose(one.trainer, one.optimizer, one.loss, one.model);
  source.dispose();
});

test('train and eval are left as they are', () => {
  const model = new Sequential(new Linear(I, 40), new Dropout(0.5), new Linear(40, 1));
  const loss = new MSELoss();
  const optimizer = new SGD(model.parameters(), { lr: 0 });
  const trainer = new Trainer(model, { loss, optimizer });
  const step = () => trainer.step(values(2 * I, 1), values(2, 2));
  assert.notEqual(step(), step());
  model.eval();
  assert.equal(step(), step());
  assert.equal(model.training, false);
  dispose(trainer, optimizer, loss, model);
});

test("after a step there is no forward left for the model's backward", () => {
  const model = new Sequential(new Linear(I, 1));
  const loss = new MSELoss();
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const trainer = new Trainer(model, { loss, optimizer });
  model.forward(values(2 * I, 1));
  trainer.step(values(2 * I, 1), values(2, 2));
  assert.throws(() => model.backward(values(2, 1)), StateError);
  dispose(trainer, optimizer, loss, model);
});

test('what a trainer is made of', () => {
  const model = new Linear(I, 1);
  const loss = new MSELoss();
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const trainer = new Trainer(model, { loss, optimizer });
  trainer.step(values(I, 1), values(1, 2));
  model.dispose();
  const next = new Linear(I, 1); // in the place that became free
  const started = next.stateDict();
  assert.throws(() => trainer.step(values(I, 1), values(1, 2)), StateError);
  assertSameState(next.stateDict(), started, 'a module made later');
  next.dispose();
  assert.throws(() => new Trainer(model, { loss, optimizer }), StateError);
  dispose(trainer, optimizer);
  const second = new Linear(I, 1);
  assert.throws(() => new Trainer(second, { loss, optimizer }), StateError);
  const sgd = new SGD(second.parameters(), { lr: 0.1 });
  const other = new Trainer(second, { loss, optimizer: sgd });
  loss.dispose();
  assert.throws(() => other.step(values(I, 1), values(1, 2)), StateError);
  dispose(other, sgd, second);
});

test('dispose: twice is once, nothing works after it, and nothing is left', () => {
  const { liveObjects, allocatedBytes } = info();
  const model = new Sequential(new LSTM(I, H), new Linear(H, 1));
  const loss = new MSELoss();
  const optimizer = new Adam(model.parameters());
  const trainer = new Trainer(model, { loss, optimizer });
  trainer.step(values(T * N * I, 1), values(T * N, 2), { batch: N });
  trainer.dispose();
  trainer.dispose();
  assert.throws(() => trainer.step(values(I, 1), values(1, 2)), StateError);
  optimizer.step(); // the others live on
  dispose(optimizer, loss, model);
  assert.deepEqual([info().liveObjects, info().allocatedBytes], [liveObjects, allocatedBytes]);
});

test('a class that does not exist: nothing changes', () => {
  const model = new Linear(2, 3);
  const loss = new CrossEntropyLoss();
  const optimizer = new SGD(model.parameters(), { lr: 0.1 });
  const trainer = new Trainer(model, { loss, optimizer });
  const before = model.stateDict();
  assert.throws(() => trainer.step(values(4, 1), Int32Array.of(0, 3)), {
    name: 'ArgumentError',
    message: /target\[1\].*3/,
  });
  assertSameState(model.stateDict(), before, 'weights');
  dispose(trainer, optimizer, loss, model);
});
