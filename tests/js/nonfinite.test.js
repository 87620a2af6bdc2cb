// Losses and gradients that are not finite: what a Trainer does with them.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  Adam,
  GRU,
  init,
  Linear,
  LSTM,
  MSELoss,
  NonFiniteError,
  ReLU,
  RNN,
  Sequential,
  SGD,
  Trainer,
  UnrolledError,
} from 'unrolled';
import { assertSame, assertSameState } from './support/compare.js';
import { dispose } from './support/dispose.js';

before(() => init());

/** A model whose second layer's weight gets an infinite gradient from a finite loss. */
function explosive(onNonFinite) {
  const model = new Sequential({
    first: new Linear(1, 1),
    relu: new ReLU(),
    last: new Linear(1, 1),
  });
  const loss = new MSELoss();
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const options = { loss, optimizer, ...(onNonFinite && { onNonFinite }) };
  const trainer = new Trainer(model, options);
  const set = (all) =>
    model.parameters().forEach((p, i) => {
      p.dataView[0] = all[i];
    });
  return { model, loss, optimizer, trainer, set };
}

// first.weight, first.bias, last.weight, last.bias; with the input 1 the hidden value is 3e38.
const EXPLODES = [0, 3e38, 0, 0];
/** @type {[Float32Array, Float32Array]} */
const GOOD = [Float32Array.of(0.5), Float32Array.of(1)];
/** @type {[Float32Array, Float32Array]} */
const BAD = [Float32Array.of(1), Float32Array.of(-1000)];

describe('a gradient that is not finite', () => {
  test("'throw' names step and parameter, and changes nothing", () => {
    const { model, loss, optimizer, trainer, set } = explosive();
    set([0.1, 0.2, 0.3, 0.4]);
    for (let s = 0; s < 3; s++) trainer.step(...GOOD);
    set(EXPLODES);
    const before = [model.stateDict(), optimizer.stateDict()];
    assert.throws(
      () => trainer.step(...BAD),
      (error) => {
        assert.ok(error instanceof NonFiniteError && error instanceof UnrolledError);
        assert.deepEqual([error.step, error.parameter], [3, 'last.weight']);
        assert.match(error.message, /last\.weight.*step 3/);
        return true;
      },
    );
    assert.deepEqual([model.stateDict(), optimizer.stateDict()], before);
    set([0.1, 0.2, 0.3, 0.4]);
    assert.ok(Number.isFinite(trainer.step(...GOOD)), 'it goes on');
    dispose(trainer, optimizer, loss, model);
  });

  test("'skip' leaves out the update, as if the batch had not been", () => {
    const [a, b] = [explosive('skip'), explosive()];
    for (const { set } of [a, b]) set([0.1, 0.2, 0.3, 0.4]);
    for (let s = 0; s < 6; s++) {
      const value = b.trainer.step(...GOOD);
      assert.equal(a.trainer.step(...GOOD), value);
      const weights = a.model.stateDict();
      a.set(EXPLODES);
      assert.ok(Number.isFinite(a.trainer.step(...BAD)), 'the loss itself is finite');
      assertSame(
        Object.values(a.model.stateDict()).map(({ data }) => data[0]),
        EXPLODES.map(Math.fround),
        'weights',
      );
      a.model.loadStateDict(weights);
    }
    assertSameState(a.model.stateDict(), b.model.stateDict(), 'weights');
    assert.deepEqual(a.optimizer.stateDict(), b.optimizer.stateDict());
    for (const one of [a, b]) dispose(one.trainer, one.optimizer, one.loss, one.model);
  });

  test("'ignore' updates all the same", () => {
    const { model, loss, optimizer, trainer, set } = explosive('ignore');
    set(EXPLODES);
    trainer.step(...BAD);
    assert.ok(Number.isNaN(model.stateDict()['last.weight'].data[0]));
    assert.notEqual(model.stateDict()['last.bias'].data[0], 0);
    dispose(trainer, optimizer, loss, model);
  });

  test('with clipping too, before it', () => {
    const model = new Linear(1, 1);
    const loss = new MSELoss();
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const trainer = new Trainer(model, { loss, optimizer, clipNorm: 1 });
    for (const p of model.parameters()) p.dataView.fill(0);
    const before = model.stateDict();
    assert.throws(() => trainer.step(Float32Array.of(3e38), Float32Array.of(-1000)), {
      name: 'NonFiniteError',
      parameter: 'weight',
      step: 0,
    });
    assertSameState(model.stateDict(), before, 'weights');
    dispose(trainer, optimizer, loss, model);
  });

  test('in every kind of layer', () => {
    for (const make of [
      () => new RNN(1, 3, { nonlinearity: 'relu' }),
      () => new LSTM(1, 3, { projSize: 2 }),
      () => new GRU(1, 3, { bidirectional: true }),
    ]) {
      const rnn = make();
      const model = new Sequential({ rnn });
      const loss = new MSELoss({ reduction: 'sum' });
      const optimizer = new SGD(model.parameters(), { lr: 0.1 });
      const trainer = new Trainer(model, { loss, optimizer });
      // Tiny input weights keep the values finite; the input's size makes their gradient infinite.
      for (const p of model.parameters()) p.dataView.fill(p.name.includes('_ih') ? 1e-39 : 0.1);
      const before = model.stateDict();
      const outputs = rnn.forward(Float32Array.of(1)).output.length;
      assert.throws(
        () => trainer.step(Float32Array.of(3e38), new Float32Array(outputs).fill(-1e15)),
        (error) => {
          assert.ok(error instanceof NonFiniteError, String(error));
          assert.match(error.parameter, /^rnn\.weight_ih_l0/);
          return true;
        },
      );
      assertSameState(model.stateDict(), before, 'weights');
      dispose(trainer, optimizer, loss, model);
    }
  });
});

test('a loss that is not finite: parameter is null', () => {
  for (const [input, target] of [
    [NaN, 1],
    [Infinity, 1],
    [1, NaN],
    [1, -Infinity],
    [3e38, -3e38],
  ]) {
    const { model, loss, optimizer, trainer, set } = explosive();
    set([1, 1, 1, 1]);
    const before = model.stateDict();
    assert.throws(() => trainer.step(Float32Array.of(input), Float32Array.of(target)), {
      name: 'NonFiniteError',
      parameter: null,
      step: 0,
    });
    assertSameState(model.stateDict(), before, 'weights');
    assert.deepEqual(Object.keys(optimizer.stateDict().state), []);
    dispose(trainer, optimizer, loss, model);
    const skip = explosive('skip');
    skip.set([1, 1, 1, 1]);
    const value = skip.trainer.step(Float32Array.of(input), Float32Array.of(target));
    assert.ok(!Number.isFinite(value));
    assertSameState(skip.model.stateDict(), before, 'weights after skip');
    dispose(skip.trainer, skip.optimizer, skip.loss, skip.model);
  }
});

test('NonFiniteError in fit: the step counts through the epochs', async () => {
  const { model, loss, optimizer, trainer, set } = explosive();
  set([0.1, 0.2, 0.3, 0.4]);
  const good = { input: GOOD[0], target: GOOD[1], batch: 1 };
  const bad = { input: Float32Array.of(NaN), target: GOOD[1], batch: 1 };
  let round = 0;
  const data = { [Symbol.iterator]: () => [good, good, round++ ? bad : good][Symbol.iterator]() };
  const run = async () => {
    for await (const _ of trainer.fit(data, { epochs: 3 }));
  };
  await assert.rejects(run, { name: 'NonFiniteError', step: 5, parameter: null });
  dispose(trainer, optimizer, loss, model);
});
