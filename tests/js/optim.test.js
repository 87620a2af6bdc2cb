import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  Adagrad,
  Adam,
  AdamW,
  ArgumentError,
  clipGradNorm,
  clipGradValue,
  GRU,
  info,
  init,
  Linear,
  LSTM,
  RMSprop,
  Sequential,
  SGD,
  ShapeError,
  StateError,
} from 'unrolled';
import { change } from './support/change.js';
import { assertClose, assertSame, assertSameState, largest, Worst } from './support/compare.js';
import { casesOf, Fixture } from './support/fixtures.js';
import { values } from './support/numeric.js';

before(() => init());

const CLOSE = { A: 1e-6, R: 1e-5 };

const KINDS = {
  sgd: (parameters, opts) => new SGD(parameters, opts),
  adam: (parameters, opts) => new Adam(parameters, opts),
  adamw: (parameters, opts) => new AdamW(parameters, opts),
  rmsprop: (parameters, opts) => new RMSprop(parameters, opts),
  adagrad: (parameters, opts) => new Adagrad(parameters, opts),
};

/**
 * PyTorch's names of options as the library has them: weight_decay, weightDecay.
 * @param {Record<string, any>} opts
 */
function camel(opts) {
  return Object.fromEntries(
    Object.entries(opts).map(([name, value]) => [
      name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()),
      value,
    ]),
  );
}

/**
 * Parameters of the given shapes, each from a Linear of its own, and the modules that hold them.
 * @param {(readonly number[])[]} shapes
 */
function parametersOf(shapes) {
  const modules = shapes.map(([rows, columns]) => new Linear(columns ?? 1, rows));
  return {
    parameters: modules.map((module, i) => module.parameters()[shapes[i].length === 1 ? 1 : 0]),
    dispose: () => modules.forEach((module) => void module.dispose()),
  };
}

describe("optimizers give PyTorch's numbers", () => {
  const worst = new Worst();
  let covered = 0;
  for (const one of casesOf('optim').filter(({ kind }) => kind in KINDS || kind === 'groups')) {
    test(one.name, () => {
      const fixture = new Fixture(one);
      const { opts, steps } = fixture.config;
      const { parameters, dispose } = parametersOf(
        [0, 1].map((k) => fixture.tensor(`p${k}.init`).shape),
      );
      parameters.forEach((p, k) => void p.dataView.set(fixture.floats(`p${k}.init`)));
      const optimizers =
        one.kind === 'groups'
          ? opts.map((group, k) => new Adam([parameters[k]], camel(group)))
          : [KINDS[one.kind](parameters, camel(opts))];
      for (let s = 0; s < 20; s++) {
        for (const optimizer of optimizers) optimizer.zeroGrad();
        parameters.forEach((p, k) => {
          assert.ok(p.gradView.every((v) => v === 0));
          const grads = fixture.floats(`p${k}.grads`);
          const size = grads.length / 20;
          p.gradView.set(grads.subarray(s * size, (s + 1) * size));
        });
        for (const optimizer of optimizers) optimizer.step();
        if (!steps.includes(s + 1)) continue;
        parameters.forEach((p, k) => {
          const name = `p${k}.step${s + 1}`;
          worst.note('values', assertClose(p.dataView, fixture.floats(name), CLOSE, name));
        });
      }
      for (const optimizer of optimizers) optimizer.dispose();
      dispose();
      covered++;
    });
  }
  test('in all 16 cases', (t) => {
    assert.equal(covered, 16);
    t.diagnostic(`optimizers, ${covered} cases, ${worst}`);
  });

  test('clip', (t) => {
    const [one, ...more] = casesOf('optim').filter(({ kind }) => kind === 'clip');
    assert.equal(more.length, 0);
    const fixture = new Fixture(one);
    let done = 0;
    for (const { op, tag, max_norm, norm_type, clip_value } of fixture.config.ops) {
      const { parameters, dispose } = parametersOf([[3, 4], [5], [2, 4]]);
      parameters.forEach((p, k) => void p.gradView.set(fixture.floats(`grad${k}`)));
      if (op === 'clip_grad_norm_') {
        const normType = norm_type === 'inf' ? Infinity : norm_type;
        const total = clipGradNorm(parameters, max_norm, { normType });
        assertClose([total], fixture.floats(`${tag}.total`), CLOSE, tag);
        if (normType === 2)
          assert.equal(clipGradNorm(parameters, 1e9), clipGradNorm(parameters, 1e9, {}));
      } else {
        assert.equal(op, 'clip_grad_value_');
        clipGradValue(parameters, clip_value);
      }
      parameters.forEach((p, k) => {
        const want = fixture.floats(`${tag}.grad${k}`);
        worst.note('clip', assertClose(p.gradView, want, CLOSE, `${tag} ${k}`));
      });
      dispose();
      done++;
    }
    assert.equal(done, 15);
    t.diagnostic(`clipping, ${done} cases, ${worst}`);
  });
});

/** Every optimizer with options that make it keep as much as it can. */
const OPTIMIZERS = {
  SGD: (p) => new SGD(p, { lr: 0.1 }),
  'SGD with momentum': (p) =>
    new SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.1, weightDecay: 0.01 }),
  'SGD with Nesterov': (p) => new SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true }),
  Adam: (p) => new Adam(p),
  'Adam with amsgrad': (p) =>
    new Adam(p, { lr: 0.02, betas: [0.8, 0.95], eps: 1e-6, weightDecay: 0.1, amsgrad: true }),
  AdamW: (p) => new AdamW(p, { lr: 0.01 }),
  RMSprop: (p) => new RMSprop(p),
  'RMSprop with everything': (p) =>
    new RMSprop(p, { momentum: 0.5, centered: true, weightDecay: 0.1 }),
  Adagrad: (p) => new Adagrad(p, { lrDecay: 0.1, initialAccumulatorValue: 0.3, weightDecay: 0.1 }),
};

/** @param {Linear} module @param {any} optimizer @param {number} from @param {number} to */
function advance(module, optimizer, from, to) {
  for (let s = from; s < to; s++) {
    module
      .parameters()
      .forEach((p, k) => void p.gradView.set(values(p.gradView.length, 10 * s + k)));
    optimizer.step();
  }
}

for (const [name, make] of Object.entries(OPTIMIZERS)) {
  test(`${name}: a state dict goes on where it was taken`, () => {
    for (const taken of [0, 1, 5]) {
      const module = new Linear(5, 3);
      const optimizer = make(module.parameters());
      advance(module, optimizer, 0, taken);
      const state = structuredClone(optimizer.stateDict());
      const weights = module.stateDict();
      advance(module, optimizer, taken, taken + 4);

      const other = new Linear(5, 3);
      other.loadStateDict(weights);
      const second = make(other.parameters());
      advance(other, second, 100, 103); // whatever it did before is forgotten
      other.loadStateDict(weights);
      second.loadStateDict(state);
      assert.deepEqual(second.stateDict(), optimizerState(state));
      advance(other, second, taken, taken + 4);
      assertSameState(other.stateDict(), module.stateDict(), `${name} from ${taken}`);
      for (const one of [optimizer, second, module, other]) one.dispose();
    }
  });

  test(`${name}: zeroGrad, dispose, info`, () => {
    const { liveObjects, allocatedBytes } = info();
    const module = new Linear(50, 30);
    const optimizer = make(module.parameters());
    for (const p of module.parameters()) p.gradView.fill(1);
    optimizer.step();
    optimizer.zeroGrad();
    for (const p of module.parameters()) assert.ok(p.gradView.every((v) => v === 0));
    optimizer.dispose();
    optimizer.dispose();
    for (const use of ['step', 'zeroGrad', 'stateDict']) {
      assert.throws(() => optimizer[use](), StateError, use);
    }
    assert.throws(() => optimizer.lr, StateError);
    assert.throws(() => {
      optimizer.lr = 1;
    }, StateError);
    assert.throws(() => optimizer.loadStateDict({ state: {}, param_groups: [{}] }), StateError);
    module.dispose();
    assert.deepEqual([info().liveObjects, info().allocatedBytes], [liveObjects, allocatedBytes]);
  });
}

/** structuredClone gives objects a prototype; stateDict's have none. @param {any} state */
function optimizerState({ state, param_groups }) {
  const bare = (object) => Object.assign(Object.create(null), object);
  const entries = Object.entries(state).map(([id, entry]) => [id, bare(entry)]);
  return { state: bare(Object.fromEntries(entries)), param_groups };
}

test("a state dict has PyTorch's names", () => {
  const module = new Linear(2, 1);
  const adam = new Adam(module.parameters(), { amsgrad: true });
  assert.deepEqual(Object.keys(adam.stateDict().state), []);
  advance(module, adam, 0, 3);
  const { state, param_groups } = adam.stateDict();
  assert.deepEqual(Object.keys(state), ['0', '1']);
  assert.deepEqual(Object.keys(state[0]).sort(), [
    'exp_avg',
    'exp_avg_sq',
    'max_exp_avg_sq',
    'step',
  ]);
  assert.equal(state[0].step, 3);
  assert.deepEqual(/** @type {any} */ (state[0].exp_avg).shape, [1, 2]);
  const { params, betas, weight_decay, amsgrad, lr, eps } = param_groups[0];
  assert.deepEqual(
    { params, betas, weight_decay, amsgrad, lr, eps },
    { params: [0, 1], betas: [0.9, 0.999], weight_decay: 0, amsgrad: true, lr: 0.001, eps: 1e-8 },
  );
  adam.dispose();
  for (const [make, names] of /** @type {const} */ ([
    [(p) => new SGD(p, { lr: 0.1, momentum: 0.9 }), ['momentum_buffer']],
    [
      (p) => new RMSprop(p, { momentum: 0.9, centered: true }),
      ['grad_avg', 'momentum_buffer', 'square_avg', 'step'],
    ],
    [(p) => new Adagrad(p), ['step', 'sum']],
    [(p) => new AdamW(p), ['exp_avg', 'exp_avg_sq', 'step']],
  ])) {
    const optimizer = make(module.parameters());
    advance(module, optimizer, 0, 1);
    assert.deepEqual(Object.keys(optimizer.stateDict().state[0]).sort(), names);
    optimizer.dispose();
  }
  module.dispose();
});

test('loadStateDict checks everything first', () => {
  const module = new Linear(3, 2);
  const adam = new Adam(module.parameters());
  advance(module, adam, 0, 2);
  const good = () => structuredClone(adam.stateDict());
  const before = adam.stateDict();
  /** @param {(string | number)[]} path @param {unknown} value */
  const changed = (path, value) => change(structuredClone(adam.stateDict()), path, value);
  const group = ['param_groups', 0];
  const twoGroups = good();
  twoGroups.param_groups.push(twoGroups.param_groups[0]);
  const noSteps = change(changed(['state', 0, 'step'], 'two'), ['state', 1, 'step'], 'two');
  /** @type {[string, any, new (...args: any[]) => Error, RegExp][]} */
  const broken = [
    ['no object', null, ArgumentError, /param_groups/],
    ['a number', 7, ArgumentError, /param_groups/],
    ['no groups', { state: {} }, ArgumentError, /param_groups/],
    ['no state', { param_groups: good().param_groups }, ArgumentError, /state/],
    ['two groups', twoGroups, ArgumentError, /param_groups/],
    ['fewer parameters', changed([...group, 'params'], [0]), ArgumentError, /params/],
    ['one parameter without state', changed(['state', 1], undefined), ArgumentError, /state/],
    [
      'a short moment',
      changed(['state', 1, 'exp_avg', 'data'], new Float32Array(1)),
      ShapeError,
      /exp_avg/,
    ],
    ['a list', changed(['state', 1, 'exp_avg', 'data'], [1, 2]), ArgumentError, /exp_avg/],
    ['no moment', changed(['state', 1, 'exp_avg_sq'], undefined), ArgumentError, /exp_avg_sq/],
    ['different steps', changed(['state', 1, 'step'], 9), ArgumentError, /step/],
    ['steps that are no number', noSteps, ArgumentError, /step/],
    ['lr NaN', changed([...group, 'lr'], NaN), ArgumentError, /lr/],
    ['lr negative', changed([...group, 'lr'], -1), ArgumentError, /lr/],
    ['beta 1', changed([...group, 'betas'], [0.9, 1]), ArgumentError, /betas/],
    ['eps as text', changed([...group, 'eps'], 'x'), ArgumentError, /eps/],
    ['amsgrad on', changed([...group, 'amsgrad'], true), ArgumentError, /amsgrad/],
    ['maximize', changed([...group, 'maximize'], true), ArgumentError, /maximize/],
  ];
  for (const [what, state, Class, text] of broken) {
    assert.throws(
      () => adam.loadStateDict(state),
      (error) => error instanceof Class && text.test(error.message),
      what,
    );
    assert.deepEqual(adam.stateDict(), before, what);
  }
  adam.dispose();
  module.dispose();
});

test("lr can be read and set, and is the state dict's", () => {
  const module = new Linear(1, 1);
  const [weight, bias] = module.parameters();
  const sgd = new SGD([weight], { lr: 0.5 });
  weight.dataView.fill(1);
  weight.gradView.fill(1);
  bias.gradView.fill(1);
  const kept = bias.dataView[0];
  sgd.step();
  assert.equal(weight.dataView[0], 0.5);
  sgd.lr = 0.25;
  assert.equal(sgd.lr, 0.25);
  sgd.step();
  assert.equal(weight.dataView[0], 0.25);
  assert.equal(sgd.stateDict().param_groups[0].lr, 0.25);
  assert.equal(bias.dataView[0], kept, 'only what it was given moves');
  sgd.zeroGrad();
  assert.equal(bias.gradView[0], 1);
  sgd.dispose();
  module.dispose();
});

test('parameters of several models; named twice or disposed they are an ArgumentError', () => {
  const [rnn, fc] = [new GRU(2, 3), new Linear(3, 1)];
  const all = [...rnn.parameters(), ...fc.parameters()];
  const adam = new Adam(all, { lr: 0.1 });
  const before = all.map((p) => p.dataView.slice());
  for (const p of all) p.gradView.fill(1);
  adam.step();
  all.forEach((p, i) => {
    assertClose(
      p.dataView,
      before[i].map((v) => v - 0.1),
      { A: 1e-6 },
      p.name,
    );
  });
  adam.dispose();

  const named = { name: 'ArgumentError', message: /weight_ih_l0/ };
  assert.throws(() => new Adam([...all, ...rnn.parameters()]), named);
  const net = new Sequential(rnn, fc);
  assert.throws(() => new Adam([...net.parameters(), ...rnn.parameters()]), named);
  assert.throws(() => clipGradNorm([all[0], all[0]], 1), named);
  net.dispose();
  assert.throws(() => new Adam(all), named);
  assert.throws(() => clipGradValue(all, 1), named);
});

test('an optimizer whose module was disposed is a StateError, and can be disposed', () => {
  const { liveObjects, allocatedBytes } = info();
  const [a, b] = [new LSTM(2, 3), new Linear(3, 1)];
  const adam = new Adam([...a.parameters(), ...b.parameters()]);
  adam.step();
  a.dispose();
  const next = new LSTM(2, 3); // in the place that became free
  const [kept, started] = [b.stateDict(), next.stateDict()];
  for (const p of b.parameters()) p.gradView.fill(1);
  assert.throws(() => adam.step(), StateError);
  assert.throws(() => adam.zeroGrad(), StateError);
  assertSameState(b.stateDict(), kept, 'the other module');
  assertSameState(next.stateDict(), started, 'a module made later');
  for (const one of [adam, b, next]) one.dispose();
  assert.deepEqual([info().liveObjects, info().allocatedBytes], [liveObjects, allocatedBytes]);
});

test('clipGradNorm: every type of norm, and gradients that are not finite', () => {
  const { parameters, dispose } = parametersOf([[3, 4], [5]]);
  const fill = () =>
    parameters.forEach((p, k) => void p.gradView.set(values(p.gradView.length, k)));
  const flat = () => parameters.flatMap((p) => [...p.gradView]);
  for (const normType of [1, 2, 3, 5, 0.5, Infinity]) {
    fill();
    const before = flat();
    const norm =
      normType === Infinity
        ? largest(before)
        : before.reduce((sum, v) => sum + Math.abs(v) ** normType, 0) ** (1 / normType);
    assertClose([clipGradNorm(parameters, 1e6, { normType })], [norm], { R: 1e-6 }, `${normType}`);
    assertSame(flat(), before, 'small enough');
    clipGradNorm(parameters, 0.5, { normType });
    const want = before.map((v) => (v * 0.5) / (norm + 1e-6));
    assertClose(flat(), want, { R: 1e-6 }, `clipped by ${normType}`);
  }
  fill();
  parameters[0].gradView[0] = Infinity;
  assert.equal(clipGradNorm(parameters, 1), Infinity);
  fill();
  parameters[0].gradView[0] = NaN;
  assert.ok(Number.isNaN(clipGradNorm(parameters, 1)));
  fill();
  parameters[0].gradView[0] = 3e38; // its square is not a float32
  assertClose([clipGradNorm(parameters, 1)], [3e38], { R: 1e-6 }, 'a large norm');
  dispose();
});

test('clipGradValue keeps NaN, and cuts the rest', () => {
  const { parameters, dispose } = parametersOf([[2, 3]]);
  const [{ gradView }] = parameters;
  gradView.set([NaN, Infinity, -Infinity, 0.2, -0.7, 0]);
  clipGradValue(parameters, 0.5);
  assertSame(parameters[0].gradView, Float32Array.of(NaN, 0.5, -0.5, 0.2, -0.5, 0), 'clipped');
  dispose();
});
