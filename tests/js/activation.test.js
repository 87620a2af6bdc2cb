import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  bernoulli,
  Dropout,
  init,
  LogSoftmax,
  manualSeed,
  noGrad,
  ReLU,
  rand,
  Sigmoid,
  Softmax,
  Tanh,
} from 'unrolled';
import { assertClose, assertSame, Worst } from './support/compare.js';
import { casesOf, Fixture } from './support/fixtures.js';
import { checkGradients, ofArray, values, weigh } from './support/numeric.js';

before(() => init());

/** @type {Record<string, (size: number) => Tanh>} */
const KINDS = {
  tanh: () => new Tanh(),
  relu: () => new ReLU(),
  sigmoid: () => new Sigmoid(),
  softmax: (size) => new Softmax(size),
  log_softmax: (size) => new LogSoftmax(size),
};

describe("activations give PyTorch's numbers", () => {
  const worst = new Worst();
  let covered = 0;
  let otherAxes = 0;
  for (const one of casesOf('activation')) {
    test(one.name, () => {
      const fixture = new Fixture(one);
      const close = one.name === 'relu' ? {} : { A: 1e-6, R: 2e-6 };
      for (const [tag, dim] of Object.entries(fixture.config.dims)) {
        const { shape } = fixture.tensor(`x.${tag}`);
        if (dim !== null && dim !== -1 && dim !== shape.length - 1) {
          otherAxes++;
          continue;
        }
        const module = KINDS[one.name](shape.at(-1));
        const y = module.forward(fixture.floats(`x.${tag}`));
        const dx = module.backward(fixture.floats(`grad_y.${tag}`));
        const note = (kind, got, want) =>
          worst.note(kind, assertClose(got, want, close, `${one.name} ${tag} ${kind}`));
        note('values', y, fixture.floats(`y.${tag}`));
        note('gradients', dx, fixture.floats(`grad_x.${tag}`));
        module.dispose();
        covered++;
      }
    });
  }
  test('in all 30 cases over the last axis', (t) => {
    assert.deepEqual([covered, otherAxes], [30, 2]);
    t.diagnostic(`activations, ${covered} cases, ${worst}`);
  });
});

for (const [kind, make] of Object.entries(KINDS)) {
  test(`${kind}: gradients are slopes`, () => {
    for (const size of [1, 3, 5, 7, 17, 33]) {
      for (const rows of [1, 2, 5]) {
        const module = make(size);
        const given = { x: values(rows * size, size + rows) };
        // away from the corner of relu
        if (kind === 'relu') given.x = given.x.map((v) => v + Math.sign(v) * 0.1);
        const cotangent = values(rows * size, size);
        module.forward(given.x);
        const tensors = [ofArray(given, 'x', module.backward(cotangent))];
        const f = () => weigh([[noGrad(() => module.forward(given.x)), cotangent]]);
        checkGradients(f, tensors, { what: `${kind} ${rows} x ${size}`, seed: size });
        module.dispose();
      }
    }
  });
}

test('Softmax is positive and sums to one; LogSoftmax is its logarithm', () => {
  for (const size of [1, 2, 4, 5, 33]) {
    const [softmax, log] = [new Softmax(size), new LogSoftmax(size)];
    const x = values(3 * size, size).map((v) => 20 * v);
    const y = softmax.forward(x);
    for (let n = 0; n < 3; n++) {
      const sum = y.subarray(n * size, (n + 1) * size).reduce((a, b) => a + b, 0);
      assert.ok(Math.abs(sum - 1) < 1e-6);
    }
    assertClose(log.forward(x).map(Math.exp), y, { A: 1e-6, R: 1e-5 }, 'exp of LogSoftmax');
    softmax.dispose();
    log.dispose();
  }
});

test('Dropout draws its mask from the stream, and scales what stays', () => {
  for (const p of [0.1, 0.5, 0.9]) {
    const dropout = new Dropout(p);
    const x = values(1000, 3);
    manualSeed(7);
    const mask = bernoulli(1000, 1 - p);
    const next = rand(1);
    manualSeed(7);
    const y = dropout.forward(x);
    assertSame(rand(1), next, 'the stream after it');
    const scale = Math.fround(1 / Math.fround(1 - p));
    assertClose(
      y,
      x.map((v, i) => v * mask[i] * scale),
      { R: 1.2e-7 },
      `y, p = ${p}`,
    );
    const g = values(1000, 4);
    const want = g.map((v, i) => v * mask[i] * scale);
    assertClose(dropout.backward(g), want, { R: 1.2e-7 }, `gradient, p = ${p}`);
    const kept = mask.reduce((a, b) => a + b) / 1000;
    assert.ok(Math.abs(kept - (1 - p)) < 0.06, `${kept} kept`);
    dropout.dispose();
  }
});

test('Dropout: gradients are slopes under the same mask', () => {
  for (const size of [1, 3, 5, 7, 17, 33]) {
    const dropout = new Dropout(0.4);
    const given = { x: values(size, size) };
    const cotangent = values(size, 1);
    const run = () => {
      manualSeed(size);
      return dropout.forward(given.x);
    };
    run();
    const tensors = [ofArray(given, 'x', dropout.backward(cotangent))];
    const f = () => weigh([[noGrad(run), cotangent]]);
    checkGradients(f, tensors, { what: `Dropout of ${size}`, seed: size });
    dropout.dispose();
  }
});

test('Dropout with p 0, p 1 and in eval mode draws nothing', () => {
  const x = values(20, 1);
  for (const [p, training, want] of /** @type {const} */ ([
    [0, true, x],
    [1, true, new Float32Array(20)],
    [0.5, false, x],
    [1, false, x],
  ])) {
    const dropout = new Dropout(p).train(training);
    manualSeed(1);
    const next = rand(2);
    manualSeed(1);
    assertSame(dropout.forward(x), want, `p ${p}`);
    assertSame(dropout.backward(x), want, `gradient, p ${p}`);
    assertSame(rand(2), next, 'the stream');
    dropout.dispose();
  }
});

test('a backward has the mask of its forward, whatever mode came between', () => {
  const dropout = new Dropout(0.5);
  const x = new Float32Array(50).fill(1);
  const y = dropout.forward(x);
  dropout.eval();
  assertSame(dropout.backward(x), y, 'masked');
  dropout.forward(x);
  dropout.train();
  assertSame(dropout.backward(x), x, 'not masked');
  dropout.dispose();
});

test('one object serves any shape', () => {
  const tanh = new Tanh();
  for (const length of [1, 7, 3, 100, 2]) {
    const x = values(length, length);
    assertClose(tanh.forward(x), x.map(Math.tanh), { A: 1e-6 }, `${length} values`);
    assert.equal(tanh.backward(x).length, length);
  }
  tanh.dispose();
});
