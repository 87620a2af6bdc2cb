// Whole trainings against PyTorch's, step by step. The tolerances, and why they differ, are in
// tests/fixtures/README.md.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  Adam,
  AdamW,
  bernoulli,
  CrossEntropyLoss,
  clipGradNorm,
  DataLoader,
  GRU,
  getRngState,
  init,
  initialize,
  LastStep,
  Linear,
  LSTM,
  MSELoss,
  manualSeed,
  noGrad,
  RNN,
  randn,
  Sequential,
  SGD,
  setRngState,
  Trainer,
} from 'unrolled';
import {
  assertClose,
  assertRelative,
  assertSame,
  assertSameState,
  largest,
  Worst,
} from './support/compare.js';
import { dispose } from './support/dispose.js';
import { casesOf, Fixture } from './support/fixtures.js';
import { swap } from './support/sequence.js';

before(() => init());

let covered = 0;
after(() => assert.equal(covered, 6, 'all 6 cases were run'));

/** @param {string} name */
function fixtureOf(name) {
  const found = casesOf('train').find((one) => one.name === name);
  assert.ok(found, name);
  return new Fixture(found);
}

/** The notebook's data: consecutive numbers, and the sum of each row. @param {any} config */
function sums({ samples, seq, batch }) {
  const inputs = Float32Array.from({ length: samples * seq }, (_, i) => i + 1);
  const targets = Float32Array.from({ length: samples }, (_, n) =>
    inputs.subarray(n * seq, (n + 1) * seq).reduce((a, b) => a + b),
  );
  return new DataLoader({ inputs, targets, samples, batchSize: batch, shuffle: true });
}

/**
 * A few numbers that pin down large parameters. Sums add the last bit of every value.
 * @param {import('unrolled').StateDict} state
 * @param {Record<string, any>} checks
 * @param {number} R  of each value's size
 */
function assertChecks(state, checks, R) {
  for (const [name, { shape, sum, sumsq, first8, last8 }] of Object.entries(checks)) {
    const { data, shape: got } = state[name];
    assert.deepEqual([...got], shape, name);
    const magnitude = data.reduce((a, v) => a + Math.abs(v), 0);
    const squares = data.reduce((a, v) => a + v * v, 0);
    const total = data.reduce((a, v) => a + v, 0);
    assert.ok(Math.abs(total - sum) <= R * magnitude + 1e-12, `${name} sum ${total}, not ${sum}`);
    assert.ok(Math.abs(squares - sumsq) <= 2 * R * sumsq, `${name} sum of squares ${squares}`);
    assertClose(data.slice(0, 8), first8, { A: R * 0.1, R }, `${name} first8`);
    assertClose(data.slice(-8), last8, { A: R * 0.1, R }, `${name} last8`);
  }
}

for (const name of ['lstm003_broadcast_bug', 'lstm003_fixed']) {
  test(`${name}: DataLoader and Trainer.fit`, async (t) => {
    t.mock.method(console, 'warn', () => {}); // of the broadcast, which is the point of one of them
    const fixture = fixtureOf(name);
    const { config } = fixture;
    const worst = new Worst();
    const make = () => {
      manualSeed(config.seed);
      const loader = sums(config);
      const rnn = new LSTM(1, config.hidden, { numLayers: config.layers, batchFirst: true });
      const model = new Sequential({ rnn, last: new LastStep(), fc: new Linear(config.hidden, 1) });
      const loss = new MSELoss();
      const optimizer = new Adam(model.parameters(), { lr: config.lr });
      return { loader, model, loss, optimizer, trainer: new Trainer(model, { loss, optimizer }) };
    };
    const probe = (model) => model.forward(Float32Array.from(config.probe_input))[0];
    const shape = config.broadcast_bug ? { targetShape: [-1] } : {};

    const { loader, model, trainer, ...rest } = make();
    assertChecks(model.stateDict(), config.param_check, 1.2e-7);
    const start = probe(model);
    worst.note('probe', assertClose([start], [config.probe_initial], { R: 1e-5 }, 'probe_initial'));
    const losses = [];
    const last = [];
    const mean = [];
    for await (const item of trainer.fit(loader, { epochs: config.epochs, ...shape })) {
      assert.equal(item.step, losses.length);
      assert.equal(item.epoch, Math.floor(losses.length / loader.length));
      losses.push(item.loss);
      last[item.epoch] = item.loss;
      mean[item.epoch] = item.epochLoss;
    }
    const early = fixture.floats('losses_first_epochs').length;
    assert.equal(early, config.step_epochs * loader.length);
    const relative = (got, want, R, what) => worst.note(what, assertRelative(got, want, R, what));
    const all = fixture.floats('losses_all');
    relative(losses.slice(0, early), fixture.floats('losses_first_epochs'), 1e-5, 'first epochs');
    relative(losses, all, 1e-3, 'all epochs');
    relative(losses, fixture.doubles('losses_all_f64'), 1e-3, 'all epochs of float64');
    relative(last, fixture.floats('epoch_last_loss'), 1e-3, 'last of each epoch');
    relative(mean, fixture.floats('epoch_mean_loss'), 1e-3, 'mean of each epoch');
    // The probe lies beyond the data, where two correct programs part sooner: PyTorch's own do.
    const apart = 3 * config.measured_relative_deviation.f64.probe_final;
    const close = { A: apart, R: 1e-4 };
    worst.note(
      'probe_final',
      assertClose([probe(model)], [config.probe_final], close, 'probe_final'),
    );
    dispose(trainer, rest.loss, rest.optimizer, model);

    // The first epochs once more, by an iterable around the loader that looks at the predictions:
    // the same bits.
    const again = make();
    const predictions = [];
    const watched = {
      *[Symbol.iterator]() {
        for (const item of again.loader) {
          const { input, batch } = item;
          predictions.push(...noGrad(() => again.model.forward(input, { batch })));
          yield item;
        }
      },
    };
    const same = [];
    for await (const { loss } of again.trainer.fit(watched, {
      epochs: config.step_epochs,
      ...shape,
    })) {
      same.push(loss);
    }
    assertSame(same, losses.slice(0, early), 'losses of the second run');
    const wanted = fixture.floats('predictions_first_epochs');
    worst.note('predictions', assertClose(predictions, wanted, { R: 1e-5 }, 'predictions'));
    dispose(again.trainer, again.loss, again.optimizer, again.model);
    covered++;
    t.diagnostic(`${name}, ${losses.length} steps, ${worst}`);
  });
}

test("scratch003: the notebook's own network, its draws in the notebook's order", (t) => {
  const fixture = fixtureOf('scratch003');
  const { config } = fixture;
  const { hidden: H, batch } = config;
  const worst = new Worst();
  const rnn = new RNN(1, H, { batchFirst: true }); // its own draws are before the seed
  manualSeed(config.seed);
  const loader = sums(config);
  const wax = randn(H);
  const waa = randn(H * H); // h Waa, so W_hh is its transpose
  const fc = new Linear(H, 1);
  const model = new Sequential({ rnn, last: new LastStep(), fc });
  const parameter = Object.fromEntries(model.parameters().map((p) => [p.name, p]));
  parameter['rnn.weight_ih_l0'].dataView.set(wax);
  parameter['rnn.weight_hh_l0'].dataView.set(
    Float32Array.from(waa, (_, at) => waa[(at % H) * H + Math.floor(at / H)]),
  );
  initialize.zeros(parameter['rnn.bias_ih_l0']);
  initialize.zeros(parameter['rnn.bias_hh_l0']);
  const initial = {
    ...model.stateDict(),
    Wax: { shape: [1, H], data: wax },
    Waa: { shape: [H, H], data: waa },
    ba: { shape: [1, H], data: parameter['rnn.bias_ih_l0'].dataView.slice() },
  };
  initial['fc.weight'] = { ...initial['fc.weight'], shape: [1, H] };
  const { Wax, Waa, ...exact } = config.param_check;
  assertChecks(initial, exact, 1.2e-7);
  assertChecks(initial, { Wax, Waa }, 4e-6);

  const probe = () => noGrad(() => model.forward(Float32Array.from(config.probe)))[0];
  worst.note('probe', assertClose([probe()], [config.probe_initial], { A: 1e-5 }, 'probe_initial'));
  const trained = model.parameters().filter(({ name }) => name !== 'rnn.bias_hh_l0');
  assert.equal(trained.length, 5);
  const loss = new MSELoss();
  const optimizer = new Adam(trained, { lr: config.lr });
  const trainer = new Trainer(model, { loss, optimizer });

  const losses = [];
  const predictions = [];
  const targets = [];
  for (const { input, target } of loader) {
    if (losses.length === config.steps) break;
    if (losses.length < 3) targets.push(...target);
    predictions.push(...noGrad(() => model.forward(input, { batch })));
    losses.push(trainer.step(input, target, { batch }));
  }
  assertSame(targets, fixture.floats('first_batches_targets'), 'first_batches_targets');
  const wantLosses = fixture.floats('losses');
  assert.equal(losses.length, wantLosses.length);
  for (const [count, R] of [
    [10, 1e-5],
    [400, 2e-4],
  ]) {
    const what = `losses of ${count} steps`;
    worst.note(what, assertRelative(losses.slice(0, count), wantLosses.slice(0, count), R, what));
  }
  const want = fixture.floats('predictions');
  for (const [count, R] of [
    [1, 1e-5],
    [10, 1e-2],
    [400, 0.1],
  ]) {
    const what = `predictions of ${count} steps`;
    const [got, part] = [predictions.slice(0, count * batch), want.slice(0, count * batch)];
    worst.note(what, assertClose(got, part, { R }, what));
  }
  // The probe is one of the predictions, but for its size.
  const far = { A: 0.1 * largest(want) };
  worst.note('probe_final', assertClose([probe()], [config.probe_final], far, 'probe_final'));
  const still = model.stateDict()['rnn.bias_hh_l0'].data;
  assert.ok(
    still.every((v) => v === 0),
    "bias_hh is not the optimizer's",
  );
  dispose(trainer, optimizer, loss, model);
  covered++;
  t.diagnostic(`scratch003, ${losses.length} steps, ${worst}`);
});

const FINAL = { A: 1e-6, R: 2e-4 };
const LOSSES = { A: 1e-6, R: 1e-5 };

/** @param {Sequential} model @param {Fixture} fixture @param {Worst} worst */
function assertFinal(model, fixture, worst) {
  const wanted = fixture.state('final.');
  const state = model.stateDict();
  assert.deepEqual(Object.keys(state), Object.keys(wanted));
  for (const [name, { data }] of Object.entries(wanted)) {
    worst.note('final parameters', assertClose(state[name].data, data, FINAL, `final ${name}`));
  }
}

/** The parameters that a model starts with are the fixture's, up to the last bit. */
function assertStart(model, fixture) {
  const state = model.stateDict();
  const wanted = fixture.state('param.');
  assert.deepEqual(Object.keys(state), Object.keys(wanted));
  for (const [name, { data }] of Object.entries(wanted)) {
    assertClose(state[name].data, data, { R: 1.2e-7 }, `initial ${name}`);
  }
  model.loadStateDict(wanted);
}

test('sine_rnn: SGD with momentum after clipping, by the Trainer and by hand', (t) => {
  const fixture = fixtureOf('sine_rnn');
  const { config } = fixture;
  const worst = new Worst();
  const make = () => {
    manualSeed(config.seed);
    const rnn = new RNN(1, config.hidden, { batchFirst: true });
    const model = new Sequential({ rnn, fc: new Linear(config.hidden, 1) });
    const loss = new MSELoss();
    const { lr, momentum } = config;
    return { model, loss, optimizer: new SGD(model.parameters(), { lr, momentum }) };
  };
  const [input, target] = [fixture.floats('input'), fixture.floats('target')];
  const { N: batch, clip: clipNorm, steps } = config;

  const { model, loss, optimizer } = make();
  assertStart(model, fixture);
  const trainer = new Trainer(model, { loss, optimizer, clipNorm });
  const losses = Array.from({ length: steps }, () => trainer.step(input, target, { batch }));
  worst.note('losses', assertClose(losses, fixture.floats('losses'), LOSSES, 'losses'));
  assertFinal(model, fixture, worst);

  const hand = make();
  const norms = [];
  const same = [];
  for (let s = 0; s < steps; s++) {
    hand.optimizer.zeroGrad();
    same.push(hand.loss.forward(hand.model.forward(input, { batch }), target));
    hand.model.backward(hand.loss.backward());
    norms.push(clipGradNorm(hand.model.parameters(), clipNorm));
    hand.optimizer.step();
  }
  assertClose(losses, /** @type {number[]} */ (same), { R: 1e-7 }, 'losses by hand');
  assertSameState(hand.model.stateDict(), model.stateDict(), 'parameters by hand');
  worst.note('norms', assertClose(norms, fixture.floats('total_norms'), FINAL, 'total_norms'));
  dispose(trainer, optimizer, loss, model, hand.optimizer, hand.loss, hand.model);
  covered++;
  t.diagnostic(`sine_rnn, ${steps} steps, ${worst}`);
});

test('gru_classify: AdamW on classes', (t) => {
  const fixture = fixtureOf('gru_classify');
  const { config } = fixture;
  const { seed, I, hidden, layers: numLayers, bidirectional, classes, N: batch, steps } = config;
  const worst = new Worst();
  manualSeed(seed);
  const model = new Sequential({
    rnn: new GRU(I, hidden, { numLayers, batchFirst: true, bidirectional }),
    last: new LastStep(),
    fc: new Linear(bidirectional ? 2 * hidden : hidden, classes),
  });
  assertStart(model, fixture);
  const loss = new CrossEntropyLoss();
  const { lr, weight_decay: weightDecay } = config;
  const optimizer = new AdamW(model.parameters(), { lr, weightDecay });
  const trainer = new Trainer(model, { loss, optimizer });
  const [input, target] = [fixture.floats('input'), fixture.ints('target')];
  const losses = Array.from({ length: steps }, () => trainer.step(input, target, { batch }));
  worst.note('losses', assertClose(losses, fixture.floats('losses'), LOSSES, 'losses'));
  assertFinal(model, fixture, worst);
  const logits = model.forward(input, { batch });
  const wanted = fixture.floats('final_logits');
  worst.note('final_logits', assertClose(logits, wanted, FINAL, 'final_logits'));
  dispose(trainer, optimizer, loss, model);
  covered++;
  t.diagnostic(`gru_classify, ${steps} steps, ${worst}`);
});

test("lstm_dropout: PyTorch's masks", (t) => {
  const fixture = fixtureOf('lstm_dropout');
  const { config } = fixture;
  const { seed, I, hidden, layers: numLayers, p: dropout, N: batch, T, steps } = config;
  const worst = new Worst();
  const [input, target] = [fixture.floats('input'), fixture.floats('target')];
  assert.deepEqual([numLayers, config.bidirectional, config.batch_first], [2, false, true]);
  manualSeed(seed);
  const rnn = new LSTM(I, hidden, { numLayers, dropout, batchFirst: true });
  const model = new Sequential({ rnn, last: new LastStep(), fc: new Linear(hidden, 1) });
  assertStart(model, fixture);
  const stream = getRngState();
  const loss = new MSELoss();
  const optimizer = new Adam(model.parameters(), { lr: config.lr });
  const trainer = new Trainer(model, { loss, optimizer });

  // One layer after the other with the recorded mask between them is the model's own forward.
  const [first, second] = [0, 1].map((layer) => {
    const one = new LSTM(layer ? hidden : I, hidden);
    const own = Object.entries(fixture.state('param.rnn.')).filter(([key]) =>
      key.endsWith(`_l${layer}`),
    );
    one.loadStateDict(Object.fromEntries(own.map(([key, v]) => [key.replace(/_l.$/, '_l0'), v])));
    return one;
  });
  setRngState(stream);
  const masks = [0, 1].map((step) => {
    const mask = bernoulli(T * batch * hidden, 1 - dropout);
    assertSame(mask, fixture.floats(`mask.step${step}.layer0`), `mask of step ${step}`);
    return mask;
  });
  const keep = Math.fround(1 - dropout);
  const between = first.forward(swap(input, batch, T, I), { batch }).output;
  const masked = between.map((v, i) => (v * masks[0][i]) / keep);
  const { hn } = second.forward(masked, { batch });
  setRngState(stream);
  const { output } = rnn.forward(input, { batch });
  const last = swap(output, batch, T, hidden).slice(-batch * hidden);
  assertClose(last, hn, LOSSES, 'the masked output');

  // The first step by hand.
  setRngState(stream);
  const value = loss.forward(model.forward(input, { batch }), target);
  model.backward(loss.backward());
  const gradients = fixture.state('grad0.');
  for (const { name, gradView } of model.parameters()) {
    const want = gradients[name].data;
    worst.note('grad0', assertClose(gradView, want, { A: 1e-6, R: 5e-5 }, `grad0 ${name}`));
  }
  setRngState(stream);
  const losses = Array.from({ length: steps }, () => trainer.step(input, target, { batch }));
  assertClose([losses[0]], [Number(value)], { R: 1e-7 }, 'the first loss');
  worst.note('losses', assertClose(losses, fixture.floats('losses'), LOSSES, 'losses'));
  assertFinal(model, fixture, worst);
  const evaluated = model.eval().forward(input, { batch });
  const wanted = fixture.floats('eval_output');
  worst.note('eval_output', assertClose(evaluated, wanted, FINAL, 'eval_output'));
  dispose(trainer, optimizer, loss, model, first, second);
  covered++;
  t.diagnostic(`lstm_dropout, ${steps} steps, ${worst}`);
});
