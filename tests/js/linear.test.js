import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { init, Linear, manualSeed, noGrad } from 'unrolled';
import { assertClose, assertSame, Worst } from './support/compare.js';
import { casesOf, Fixture } from './support/fixtures.js';
import { checkGradients, ofArray, ofParameter, values, weigh } from './support/numeric.js';

before(() => init());

const CLOSE = { A: 1e-6, R: 5e-6 };

describe("Linear gives PyTorch's numbers", () => {
  const worst = new Worst();
  let covered = 0;
  for (const one of casesOf('linear')) {
    test(one.name, () => {
      const fixture = new Fixture(one);
      const { in_features: I, out_features: K, bias, seed } = fixture.config;
      manualSeed(seed);
      const linear = new Linear(I, K, { bias });
      const parameters = linear.parameters();
      for (const { name, dataView } of parameters) {
        assertClose(dataView, fixture.floats(`param.${name}`), { R: 1.2e-7 }, `initial ${name}`);
      }
      linear.loadStateDict(fixture.state('param.'));
      const note = (got, want, what) => worst.note('Linear', assertClose(got, want, CLOSE, what));
      note(linear.forward(fixture.floats('input')), fixture.floats('output'), 'output');
      const dx = linear.backward(fixture.floats('grad_output'));
      note(dx, fixture.floats('grad_input'), 'gradient of the input');
      const wanted = fixture.state('grad.');
      assert.deepEqual(parameters.map((p) => p.name).sort(), Object.keys(wanted).sort());
      for (const { name, shape, gradView } of parameters) {
        assert.deepEqual([...shape], wanted[name].shape);
        note(gradView, wanted[name].data, `gradient of ${name}`);
      }
      linear.dispose();
      covered++;
    });
  }
  test('in all 4 cases', (t) => {
    assert.equal(covered, 4);
    t.diagnostic(`Linear, ${covered} cases, ${worst}`);
  });
});

test('Linear is x Wᵀ + b, at every size around the tiles', () => {
  for (const I of [1, 2, 3, 4, 5, 8, 13, 16, 17, 33]) {
    for (const K of [1, 3, 4, 5, 8, 11, 16, 17, 33]) {
      for (const rows of [1, 2, 3, 4, 5, 9, 16, 17, 35]) {
        const linear = new Linear(I, K);
        const [weight, bias] = linear.parameters().map(({ dataView }) => dataView.slice());
        const x = values(rows * I, rows + K);
        const want = Float32Array.from({ length: rows * K }, (_, at) => {
          const [n, k] = [Math.floor(at / K), at % K];
          let sum = bias[k];
          for (let i = 0; i < I; i++) sum += x[n * I + i] * weight[k * I + i];
          return sum;
        });
        assertClose(linear.forward(x), want, { A: 1e-6, R: 1e-6 }, `${rows} x ${I} to ${K}`);
        linear.dispose();
      }
    }
  }
});

test('Linear: gradients are slopes', () => {
  for (const I of [1, 3, 5, 7, 17, 33]) {
    for (const K of [1, 3, 5, 7, 17, 33]) {
      for (const bias of [true, false]) {
        const linear = new Linear(I, K, { bias });
        const rows = 1 + ((I + K) % 7);
        const given = { input: values(rows * I, I) };
        const cotangent = values(rows * K, K);
        linear.forward(given.input);
        const dx = linear.backward(cotangent);
        const f = () => weigh([[noGrad(() => linear.forward(given.input)), cotangent]]);
        const tensors = [ofArray(given, 'input', dx), ...linear.parameters().map(ofParameter)];
        checkGradients(f, tensors, { what: `Linear ${I} to ${K}`, seed: I * 100 + K });
        linear.dispose();
      }
    }
  }
});

test('the axes before the last are only rows', () => {
  const linear = new Linear(3, 2);
  const x = values(12, 1);
  const together = linear.forward(x);
  const apart = [0, 1, 2, 3].flatMap((n) => [...linear.forward(x.slice(3 * n, 3 * n + 3))]);
  assertSame(together, apart, 'rows');
  linear.dispose();
});

test('large products, beyond every tile, forward and backward', () => {
  for (const [rows, I, K] of [
    [64, 64, 64],
    [70, 130, 90],
    [129, 65, 257],
    [1, 500, 300],
    [3, 513, 129],
    [300, 3, 5],
    [5, 3, 300],
  ]) {
    const linear = new Linear(I, K);
    const [weight, bias] = linear.parameters().map(({ dataView }) => dataView.slice());
    const [x, g] = [values(rows * I, 1), values(rows * K, 2)];
    const y = new Float64Array(rows * K);
    const [dx, dw, db] = [rows * I, K * I, K].map((n) => new Float64Array(n));
    for (let n = 0; n < rows; n++) {
      for (let k = 0; k < K; k++) {
        const slope = g[n * K + k];
        let sum = bias[k];
        for (let i = 0; i < I; i++) {
          sum += x[n * I + i] * weight[k * I + i];
          dx[n * I + i] += slope * weight[k * I + i];
          dw[k * I + i] += slope * x[n * I + i];
        }
        y[n * K + k] = sum;
        db[k] += slope;
      }
    }
    const what = `${rows} x ${I} to ${K}`;
    const close = { A: 1e-6, R: 2e-6 };
    assertClose(linear.forward(x), y, close, what);
    assertClose(linear.backward(g), dx, close, `gradient of the input, ${what}`);
    const [w, b] = linear.parameters();
    assertClose(w.gradView, dw, close, `gradient of the weight, ${what}`);
    assertClose(b.gradView, db, close, `gradient of the bias, ${what}`);
    linear.dispose();
  }
});
