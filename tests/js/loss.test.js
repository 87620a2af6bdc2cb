import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  ArgumentError,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  HuberLoss,
  info,
  init,
  L1Loss,
  LogSoftmax,
  MSELoss,
  NLLLoss,
  ShapeError,
  SmoothL1Loss,
  StateError,
} from 'unrolled';
import { assertClose, assertSame, Worst } from './support/compare.js';
import { casesOf, Fixture } from './support/fixtures.js';
import { checkGradients, generator, ofArray, values, weigh } from './support/numeric.js';

before(() => init());

const CLOSE = { A: 1e-6, R: 5e-6 };
const REDUCTIONS = /** @type {const} */ (['mean', 'sum', 'none']);

/** @typedef {import('unrolled').Reduction} Reduction */
/** @type {Record<string, (fixture: Fixture, reduction: Reduction) => MSELoss>} */
const KINDS = {
  mse: (_, reduction) => new MSELoss({ reduction }),
  l1: (_, reduction) => new L1Loss({ reduction }),
  smooth_l1: ({ config }, reduction) => new SmoothL1Loss({ beta: config.beta, reduction }),
  huber: ({ config }, reduction) => new HuberLoss({ delta: config.delta, reduction }),
  cross_entropy: (fixture, reduction) =>
    new CrossEntropyLoss({
      ...weighted(fixture),
      ...(fixture.config.label_smoothing && { labelSmoothing: fixture.config.label_smoothing }),
      reduction,
    }),
  nll: (fixture, reduction) => new NLLLoss({ ...weighted(fixture), reduction }),
  bce_logits: (fixture, reduction) =>
    new BCEWithLogitsLoss({
      ...(fixture.config.pos_weight && { posWeight: fixture.floats('pos_weight') }),
      reduction,
    }),
};

/** @param {Fixture} fixture @returns {{ weight?: Float32Array, ignoreIndex?: number }} */
function weighted(fixture) {
  const { weight, ignore_index: ignoreIndex } = fixture.config;
  return {
    ...(weight && { weight: fixture.floats('weight') }),
    ...(ignoreIndex !== undefined && { ignoreIndex }),
  };
}

/** A loss's value as an array. @param {number | Float32Array} value */
function listed(value) {
  return typeof value === 'number' ? [value] : value;
}

describe("losses give PyTorch's numbers", () => {
  const worst = new Worst();
  let covered = 0;
  for (const one of casesOf('loss')) {
    test(one.name, (t) => {
      t.mock.method(console, 'warn', () => {}); // the notebook's broadcast
      const fixture = new Fixture(one);
      const { config } = fixture;
      const classes = fixture.tensor('target').dtype === 'I64';
      const target = classes ? fixture.ints('target') : fixture.floats('target');
      const shapes = {
        prediction: fixture.tensor('input').shape,
        target: fixture.tensor('target').shape,
      };
      assert.deepEqual(config.reductions, REDUCTIONS);
      for (const reduction of REDUCTIONS) {
        const loss = KINDS[config.fn](fixture, reduction);
        // Shapes are needed where lengths do not say them, and change nothing elsewhere.
        const needed = ['target_shape', 'extra', 'pos_weight'].some((key) => key in config);
        for (const given of needed ? [shapes] : [undefined, shapes]) {
          const what = `${one.name} ${reduction}`;
          const value = listed(loss.forward(fixture.floats('input'), target, given));
          const want = fixture.floats(`output.${reduction}`);
          worst.note('values', assertClose(value, want, CLOSE, what));
          const cotangent = reduction === 'none' ? fixture.floats('grad_output.none') : undefined;
          const gradient = loss.backward(cotangent);
          const slope = fixture.floats(`grad_input.${reduction}`);
          worst.note('gradients', assertClose(gradient, slope, CLOSE, `gradient of ${what}`));
        }
        loss.dispose();
        covered++;
      }
    });
  }
  test('in all 23 cases and 3 reductions', (t) => {
    assert.equal(covered, 69);
    t.diagnostic(`losses, ${covered} cases, ${worst}`);
  });
});

const CLASSES = 5;

/** Every loss and its options. @type {Record<string, (reduction: any) => MSELoss>} */
const LOSSES = {
  MSELoss: (reduction) => new MSELoss({ reduction }),
  L1Loss: (reduction) => new L1Loss({ reduction }),
  SmoothL1Loss: (reduction) => new SmoothL1Loss({ reduction }),
  'SmoothL1Loss with beta': (reduction) => new SmoothL1Loss({ reduction, beta: 0.3 }),
  'SmoothL1Loss with beta 0': (reduction) => new SmoothL1Loss({ reduction, beta: 0 }),
  HuberLoss: (reduction) => new HuberLoss({ reduction }),
  'HuberLoss with delta': (reduction) => new HuberLoss({ reduction, delta: 0.3 }),
  BCEWithLogitsLoss: (reduction) => new BCEWithLogitsLoss({ reduction }),
  'BCEWithLogitsLoss with one posWeight': (reduction) =>
    new BCEWithLogitsLoss({ reduction, posWeight: Float32Array.of(2.5) }),
  CrossEntropyLoss: (reduction) => new CrossEntropyLoss({ reduction }),
  'CrossEntropyLoss with all options': (reduction) =>
    new CrossEntropyLoss({
      reduction,
      weight: Float32Array.of(0.5, 1, 2, 0.1, 3),
      ignoreIndex: 1,
      labelSmoothing: 0.2,
    }),
  NLLLoss: (reduction) => new NLLLoss({ reduction }),
  'NLLLoss with all options': (reduction) =>
    new NLLLoss({ reduction, weight: Float32Array.of(0.5, 1, 2, 0.1, 3), ignoreIndex: 1 }),
};

/** A prediction and a target whose differences keep away from the corners at 0 and at beta. */
function regression(size, seed) {
  const draw = generator(seed);
  const target = values(size, seed + 1).map((v) => (v + 1) / 2);
  const distances = [-2, -0.7, -0.12, 0.15, 0.6, 1.7];
  const input = target.map((v) => v + distances[Math.floor(draw() * 6)] + 0.05 * draw());
  return { input, target };
}

/** Logits and classes, none of them always ignored. */
function classification(size, seed) {
  const target = Int32Array.from({ length: size }, (_, i) => (i * 7 + seed) % CLASSES);
  if (size === 1) target[0] = 2;
  return { input: values(size * CLASSES, seed), target };
}

for (const [name, make] of Object.entries(LOSSES)) {
  test(`${name}: gradients are slopes under every reduction`, () => {
    const classes = /CrossEntropy|NLL/.test(name);
    for (const size of [1, 3, 5, 7, 17, 33]) {
      for (const reduction of REDUCTIONS) {
        const loss = make(reduction);
        const data = (classes ? classification : regression)(size, size);
        const given = { input: data.input };
        const forward = () => listed(loss.forward(given.input, data.target));
        const cotangent = reduction === 'none' ? values(forward().length, 9) : Float32Array.of(1);
        forward();
        const gradient = loss.backward(reduction === 'none' ? cotangent : undefined);
        const tensors = [ofArray(given, 'input', gradient)];
        const f = () => weigh([[forward(), cotangent]]);
        checkGradients(f, tensors, { what: `${name} ${reduction} ${size}`, seed: size });
        loss.dispose();
      }
    }
  });
}

test('shapes broadcast as in PyTorch', (t) => {
  t.mock.method(console, 'warn', () => {});
  const pairs = [
    { prediction: [4, 1], target: [4], result: [4, 4] },
    { prediction: [4], target: [4, 1], result: [4, 4] },
    { prediction: [2, 3], target: [1], result: [2, 3] },
    { prediction: [1], target: [2, 3], result: [2, 3] },
    { prediction: [2, 1, 3], target: [5, 1], result: [2, 5, 3] },
    { prediction: [3, 1, 2, 1], target: [4, 1, 2], result: [3, 4, 2, 2] },
    { prediction: [2, 3, 4], target: [4], result: [2, 3, 4] },
  ];
  for (const { result, ...shapes } of pairs) {
    const sizes = { p: size(shapes.prediction), t: size(shapes.target) };
    const [p, q] = [values(sizes.p, 1), values(sizes.t, 2)];
    const count = size(result);
    // The naive way: walk through the result's places.
    const differences = Float64Array.from({ length: count }, (_, at) => {
      const place = unravel(at, result);
      return p[offset(place, shapes.prediction)] - q[offset(place, shapes.target)];
    });
    const cotangent = values(count, 3);
    const gradient = new Float64Array(sizes.p);
    differences.forEach((d, at) => {
      gradient[offset(unravel(at, result), shapes.prediction)] += 2 * d * cotangent[at];
    });
    const what = JSON.stringify(shapes);

    const none = new MSELoss({ reduction: 'none' });
    assertClose(
      listed(none.forward(p, q, shapes)),
      differences.map((d) => d * d),
      CLOSE,
      what,
    );
    assertClose(none.backward(cotangent), gradient, CLOSE, `gradient of ${what}`);
    const mean = new MSELoss();
    const want = differences.reduce((sum, d) => sum + d * d, 0) / count;
    assertClose(listed(mean.forward(p, q, shapes)), [want], CLOSE, `mean of ${what}`);
    none.dispose();
    mean.dispose();
  }
});

/** @param {number[]} shape */
function size(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

/** @param {number} at @param {number[]} shape @returns {number[]} */
function unravel(at, shape) {
  const place = [];
  for (const length of shape.toReversed()) {
    place.unshift(at % length);
    at = Math.floor(at / length);
  }
  return place;
}

/**
 * Where a broadcast operand has the value for a place.
 * @param {number[]} place
 * @param {number[]} shape
 */
function offset(place, shape) {
  const own = place.slice(place.length - shape.length);
  return shape.reduce((at, length, i) => at * length + (length === 1 ? 0 : own[i]), 0);
}

test('classes: a single sample, a sequence, and several axes', () => {
  const loss = new CrossEntropyLoss({ reduction: 'none' });
  const logits = values(3 * 5 * 4, 1); // [3][5][4]
  const target = Int32Array.from({ length: 12 }, (_, i) => (i * 3) % 5); // [3][4]
  const shapes = { prediction: [3, 5, 4], target: [3, 4] };
  const y = listed(loss.forward(logits, target, shapes));
  const g = values(12, 2);
  const dx = loss.backward(g);
  for (let n = 0; n < 3; n++) {
    for (let t = 0; t < 4; t++) {
      const row = Float32Array.from({ length: 5 }, (_, c) => logits[(n * 5 + c) * 4 + t]);
      const at = n * 4 + t;
      const one = listed(loss.forward(row, target.slice(at, at + 1)));
      assertClose([y[at]], one, CLOSE, 'value');
      const slopes = loss.backward(g.slice(at, at + 1));
      const got = Float32Array.from({ length: 5 }, (_, c) => dx[(n * 5 + c) * 4 + t]);
      assertClose(got, slopes, CLOSE, 'gradient');
    }
  }
  const square = { prediction: [3, 5, 2, 2], target: [3, 2, 2] };
  assertSame(listed(loss.forward(logits, target, square)), y, 'two axes more');
  const alone = listed(
    loss.forward(logits.slice(0, 5), Int32Array.of(2), { prediction: [5], target: [] }),
  );
  assertClose(alone, listed(loss.forward(logits.slice(0, 5), Int32Array.of(2))), CLOSE, 'alone');
  loss.dispose();
});

test('CrossEntropyLoss is NLLLoss of LogSoftmax', () => {
  const [loss, nll, log] = [new CrossEntropyLoss(), new NLLLoss(), new LogSoftmax(CLASSES)];
  const { input, target } = classification(9, 2);
  const value = listed(loss.forward(input, target));
  assertClose(value, listed(nll.forward(log.forward(input), target)), CLOSE, 'value');
  assertClose(loss.backward(), log.backward(nll.backward()), CLOSE, 'gradient');
  for (const one of [loss, nll, log]) one.dispose();
});

test('a backward takes the last forward, once', () => {
  for (const make of Object.values(LOSSES)) {
    const loss = make('mean');
    const classes = loss instanceof CrossEntropyLoss || loss instanceof NLLLoss;
    const [a, b] = [4, 7].map((n) => (classes ? classification : regression)(n, n));
    assert.throws(() => loss.backward(), StateError);
    loss.forward(b.input, b.target);
    const want = loss.backward();
    loss.forward(a.input, a.target);
    loss.forward(b.input, b.target);
    assertSame(loss.backward(), want, 'gradient');
    assert.throws(() => loss.backward(), StateError);
    loss.dispose();
  }
});

test('a forward that is refused leaves the one before it to its backward', () => {
  const loss = new MSELoss({ reduction: 'none' });
  const { input, target } = regression(6, 1);
  loss.forward(input, target);
  const want = loss.backward();
  loss.forward(input, target);
  const shapes = { prediction: [6], target: [3, 2] };
  assert.throws(() => loss.forward(input, values(5, 1)), ShapeError);
  assert.throws(() => loss.forward(input, target, shapes), ShapeError);
  assert.throws(() => loss.backward(values(5, 1)), ShapeError);
  assertSame(loss.backward(), want, 'gradient');
  loss.dispose();
});

test("with reduction 'none' the gradient is for ones when none is given", () => {
  const loss = new MSELoss({ reduction: 'none' });
  const { input, target } = regression(6, 1);
  loss.forward(input, target);
  const bare = loss.backward();
  loss.forward(input, target);
  assertSame(bare, loss.backward(new Float32Array(6).fill(1)), 'gradient');
  loss.dispose();
});

test('a class that does not exist is named with its place', () => {
  const loss = new CrossEntropyLoss();
  const input = values(15, 1);
  for (const [bad, place] of [
    [3, 4],
    [-1, 0],
    [-100, -1],
    [2 ** 31 - 1, 2],
  ]) {
    const target = Int32Array.of(0, 1, 2, 0, 1);
    if (place < 0)
      target[2] = bad; // the default ignoreIndex: no error
    else target[place] = bad;
    if (place < 0) loss.forward(input, target);
    else {
      assert.throws(() => loss.forward(input, target), {
        name: 'ArgumentError',
        message: new RegExp(`target\\[${place}\\].*${bad}`),
      });
      assert.throws(() => loss.backward(), StateError);
    }
  }
  loss.dispose();
});

test('a target of another length than the shapes say is refused', () => {
  const { liveObjects } = info();
  for (const loss of [new CrossEntropyLoss(), new NLLLoss()]) {
    for (const [prediction, length] of /** @type {const} */ ([
      [[3, 2], 2],
      [[3, 2], 4],
      [[3, 2], 100_000],
      [[1, 2, 3], 2],
      [[1, 2, 3], 4],
    ])) {
      const target = new Int32Array(length);
      assert.throws(() => loss.forward(values(6, 1), target, { prediction }), ShapeError);
    }
    assert.equal(
      typeof loss.forward(values(6, 1), new Int32Array(3), { prediction: [3, 2] }),
      'number',
    );
    loss.dispose();
  }
  assert.equal(info().liveObjects, liveObjects);
});

test('means and sums of many values do not lose digits', () => {
  const n = 1_000_000;
  const input = new Float32Array(n).fill(0.1);
  const target = new Float32Array(n);
  const each = Math.fround(0.1) ** 2;
  const [mean, sum] = [new MSELoss(), new MSELoss({ reduction: 'sum' })];
  assertClose(listed(mean.forward(input, target)), [each], { R: 2e-7 }, 'mean');
  assertClose(listed(sum.forward(input, target)), [each * n], { R: 2e-7 }, 'sum');
  mean.dispose();
  sum.dispose();
});

test('NaN and infinities pass through, and corners have the slope 0', () => {
  const mse = new MSELoss();
  assert.ok(Number.isNaN(mse.forward(Float32Array.of(NaN, 1), Float32Array.of(0, 0))));
  assert.equal(mse.forward(Float32Array.of(Infinity), Float32Array.of(0)), Infinity);
  const l1 = new L1Loss({ reduction: 'sum' });
  l1.forward(Float32Array.of(1, 2, 3), Float32Array.of(1, 3, 2));
  assertSame(l1.backward(), [0, -1, 1], 'slopes of L1Loss');
  mse.dispose();
  l1.dispose();
});

test('dispose: twice is once, and nothing works after it', () => {
  const { liveObjects, allocatedBytes } = info();
  for (const make of Object.values(LOSSES)) {
    const loss = make('mean');
    const classes = loss instanceof CrossEntropyLoss || loss instanceof NLLLoss;
    const { input, target } = (classes ? classification : regression)(40, 1);
    loss.forward(input, target);
    loss.dispose();
    loss.dispose();
    assert.throws(() => loss.forward(input, target), StateError);
    assert.throws(() => loss.backward(), StateError);
  }
  assert.equal(info().liveObjects, liveObjects);
  assert.equal(info().allocatedBytes, allocatedBytes);
});

test('a mistaken broadcast is warned of once a pair of shapes', (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  const loss = new MSELoss();
  for (let i = 0; i < 3; i++) {
    loss.forward(values(7, 1), values(7, 2), { prediction: [7, 1], target: [7] });
    loss.forward(values(7, 1), values(7, 2), { prediction: [7], target: [7] });
  }
  assert.equal(warn.mock.callCount(), 1);
  assert.match(warn.mock.calls[0].arguments[0], /MSELoss.*\[7, 1\].*\[7\]/);
  loss.dispose();
});

test('the weights are copied', () => {
  const weight = Float32Array.of(1, 2, 3, 4, 5);
  const loss = new CrossEntropyLoss({ weight });
  const { input, target } = classification(6, 1);
  const value = loss.forward(input, target);
  weight.fill(0);
  assert.equal(loss.forward(input, target), value);
  loss.dispose();
});

test('weights must fit the classes', () => {
  const loss = new CrossEntropyLoss({ weight: new Float32Array(4).fill(1) });
  const { input, target } = classification(6, 1);
  assert.throws(() => loss.forward(input, target), ShapeError);
  loss.dispose();
  const bce = new BCEWithLogitsLoss({ posWeight: new Float32Array(4).fill(1) });
  assert.throws(() => bce.forward(values(6, 1), values(6, 2)), ShapeError);
  bce.dispose();
  assert.throws(() => new CrossEntropyLoss({ weight: /** @type {any} */ ([1]) }), ArgumentError);
});
