import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  ArgumentError,
  GRU,
  GRUCell,
  init,
  initialize,
  Linear,
  LSTM,
  LSTMCell,
  manualSeed,
  RNN,
  RNNCell,
  rand,
  randn,
  ShapeError,
  StateError,
  uniform,
} from 'unrolled';
import { assertClose, assertSame, Worst } from './support/compare.js';
import { casesOf, Fixture } from './support/fixtures.js';

before(() => init());

const LAST_BIT = { R: 1.2e-7 };

/** @param {string} kind */
function fixtureOf(kind) {
  const [one, ...more] = casesOf('rng').filter((each) => each.kind === kind);
  assert.equal(more.length, 0);
  return new Fixture(one);
}

/** @type {Record<string, (config: any) => import('unrolled').Module>} */
const MODULES = {
  RNN: (c) => new RNN(c.input_size, c.hidden_size, stacked(c)),
  LSTM: (c) => new LSTM(c.input_size, c.hidden_size, stacked(c)),
  GRU: (c) => new GRU(c.input_size, c.hidden_size, stacked(c)),
  Linear: (c) => new Linear(c.in_features, c.out_features, { bias: c.bias }),
  RNNCell: (c) => new RNNCell(c.input_size, c.hidden_size),
  GRUCell: (c) => new GRUCell(c.input_size, c.hidden_size),
  LSTMCell: (c) => new LSTMCell(c.input_size, c.hidden_size),
};

/** @param {any} config */
function stacked({ num_layers: numLayers, bidirectional, bias }) {
  return { numLayers, bidirectional, bias };
}

test('modules start as in PyTorch, and leave the stream where PyTorch leaves it', (t) => {
  const fixture = fixtureOf('init_modules');
  const worst = new Worst();
  let covered = 0;
  let tensors = 0;
  for (const config of fixture.config.modules) {
    manualSeed(config.seed);
    const module = MODULES[config.module](config);
    assertSame(rand(2), fixture.floats(`${config.prefix}.next_rand`), `${config.module} next_rand`);
    tensors++;
    const wanted = fixture.state(`${config.prefix}.`);
    for (const { name, shape, dataView } of module.parameters()) {
      const what = `${config.module} ${name}`;
      assert.deepEqual([...shape], wanted[name].shape, what);
      worst.note('values', assertClose(dataView, wanted[name].data, LAST_BIT, what));
      tensors++;
    }
    module.dispose();
    covered++;
  }
  assert.deepEqual([covered, tensors], [11, fixture.tensors.size]);
  t.diagnostic(`default initialization, ${covered} modules, ${worst}`);
});

/** PyTorch's gains. */
const GAINS = { relu: Math.SQRT2, tanh: 5 / 3, leaky_relu: Math.SQRT2 };

/**
 * The standard deviation of a normal initializer.
 * @param {{ fn: string, shape: number[], args: any }} call
 */
function deviation({ fn, shape: [rows, columns], args }) {
  if (fn.startsWith('xavier')) return (args.gain ?? 1) * Math.sqrt(2 / (rows + columns));
  const fan = args.mode === 'fan_out' ? rows : columns;
  return GAINS[args.nonlinearity ?? 'leaky_relu'] / Math.sqrt(fan);
}

test('initializers fill as in PyTorch', (t) => {
  const fixture = fixtureOf('init_functions');
  const worst = new Worst();
  const functions = {
    xavier_uniform_: 'xavierUniform',
    xavier_normal_: 'xavierNormal',
    kaiming_uniform_: 'kaimingUniform',
    kaiming_normal_: 'kaimingNormal',
    orthogonal_: 'orthogonal',
  };
  let covered = 0;
  for (const call of fixture.config.calls) {
    const { name, fn, shape, args } = call;
    const linear = new Linear(shape[1], shape[0]);
    const [weight] = linear.parameters();
    manualSeed(fixture.config.seed);
    initialize[functions[fn]](weight, args);
    const want = fixture.floats(name);
    /** @type {import('./support/compare.js').Tolerance} */
    let close = LAST_BIT;
    if (fn === 'orthogonal_') close = { A: 1e-5 };
    else if (fn.endsWith('normal_') && want.length >= 16) close = { A: 4e-6 * deviation(call) };
    worst.note(fn, assertClose(weight.dataView, want, close, name));
    linear.dispose();
    covered++;
  }
  assert.equal(covered, 11);
  assert.equal(covered, fixture.tensors.size);
  t.diagnostic(`initializers, ${covered} calls, ${worst}`);
});

test('uniform, normal, constant, zeros and ones', () => {
  const linear = new Linear(7, 5);
  const [weight, bias] = linear.parameters();
  const fill = (f) => {
    manualSeed(3);
    f();
    return weight.dataView.slice();
  };
  const put = (drawn) => weight.dataView.set(drawn); // a view ends at the next call: the draw comes first
  assertSame(
    fill(() => initialize.uniform(weight)),
    fill(() => put(rand(35))),
    'U',
  );
  assertSame(
    fill(() => initialize.uniform(weight, -2, 3)),
    fill(() => put(uniform(35, -2, 3))),
    'U(-2, 3)',
  );
  assertSame(
    fill(() => initialize.normal(weight)),
    fill(() => put(randn(35))),
    'N',
  );
  manualSeed(3);
  initialize.normal(bias, 1, 2); // fewer than 16: the other way of drawing
  const five = bias.dataView.slice();
  manualSeed(3);
  assertClose(
    five,
    randn(5).map((v) => 2 * v + 1),
    { A: 1e-6 },
    'N(1, 4)',
  );
  initialize.constant(bias, 0.3);
  assertSame(bias.dataView, new Float32Array(5).fill(0.3), 'constant');
  initialize.zeros(bias);
  assertSame(bias.dataView, new Float32Array(5), 'zeros');
  initialize.ones(bias);
  assertSame(bias.dataView, new Float32Array(5).fill(1), 'ones');
  linear.dispose();
});

test('constants draw nothing', () => {
  const linear = new Linear(2, 2);
  const [weight] = linear.parameters();
  manualSeed(1);
  const want = rand(2);
  manualSeed(1);
  initialize.zeros(weight);
  initialize.ones(weight);
  initialize.constant(weight, 2);
  assertSame(rand(2), want, 'the stream');
  linear.dispose();
});

test('orthogonal: rows or columns are', () => {
  for (const [rows, columns, gain] of [
    [1, 1, 1],
    [5, 5, 1],
    [7, 3, 2],
    [3, 7, 0.5],
    [33, 17, 1],
  ]) {
    const linear = new Linear(columns, rows);
    const [weight] = linear.parameters();
    initialize.orthogonal(weight, { gain });
    const w = weight.dataView.slice();
    const few = Math.min(rows, columns);
    const dot = (a, b) => {
      let sum = 0;
      for (let i = 0; i < Math.max(rows, columns); i++) {
        sum +=
          rows <= columns
            ? w[a * columns + i] * w[b * columns + i]
            : w[i * columns + a] * w[i * columns + b];
      }
      return sum;
    };
    for (let a = 0; a < few; a++) {
      for (let b = 0; b < few; b++) {
        const want = a === b ? gain ** 2 : 0;
        assert.ok(Math.abs(dot(a, b) - want) < 1e-5, `${rows} x ${columns}, ${a}, ${b}`);
      }
    }
    linear.dispose();
  }
});

test('a parameter inside a layer, and only it', () => {
  const rnn = new GRU(3, 4);
  const before = rnn.stateDict();
  const weight = rnn.parameters().find(({ name }) => name === 'weight_hh_l0');
  initialize.orthogonal(weight);
  for (const [name, { data }] of Object.entries(rnn.stateDict())) {
    if (name === 'weight_hh_l0') assert.notDeepEqual(data, before[name].data);
    else assertSame(data, before[name].data, name);
  }
  rnn.dispose();
  assert.throws(() => initialize.zeros(weight), StateError);
});

test('a vector has no fans', () => {
  const linear = new Linear(3, 4);
  const [weight, bias] = linear.parameters();
  for (const name of [
    'xavierUniform',
    'xavierNormal',
    'kaimingUniform',
    'kaimingNormal',
    'orthogonal',
  ]) {
    assert.throws(() => initialize[name](bias), ShapeError, name);
    assert.throws(() => initialize[name](null), ArgumentError, name);
    assert.throws(() => initialize[name](weight.dataView), ArgumentError, name);
  }
  linear.dispose();
});
