// Checkpoints: what goes on from one has the bits of an unbroken run, and what does not fit changes
// nothing.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as unrolled from 'unrolled';
import { assertSameState } from './support/compare.js';
import { dispose } from './support/dispose.js';
import { values } from './support/numeric.js';

const { Dropout, FormatError, LastStep, Linear, LSTM, MSELoss, Sequential, Tanh } = unrolled;
const { ArgumentError, DataLoader, ShapeError, StateError, StepLR, Trainer } = unrolled;
const { getRngState, init, loadCheckpoint, manualSeed, saveCheckpoint } = unrolled;
const { loadSafetensors, readSafetensorsMetadata } = unrolled;

before(() => init());

const [T, I, H] = [3, 2, 4];
const SAMPLES = 7;
const BATCH = 2; // so the last one of four is short
const EPOCHS = 3;

const OPTIMIZERS = {
  SGD: { lr: 0.05 },
  'SGD with momentum': { lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 },
  Adam: { lr: 0.1 / 3, betas: [0.8, 0.99] },
  'Adam with amsgrad': { lr: 0.02, amsgrad: true },
  AdamW: { lr: 0.02 },
  RMSprop: { lr: 0.01, momentum: 0.5, centered: true },
  Adagrad: { lr: 0.05, lrDecay: 0.1, initialAccumulatorValue: 0.1 },
};

const SCHEDULES = {
  StepLR: { stepSize: 2, gamma: 1 / 3 },
  ExponentialLR: { gamma: 0.7 },
  CosineAnnealingLR: { tMax: 5, etaMin: 0.001 },
  ReduceLROnPlateau: { patience: 0, factor: 0.5, threshold: 0.9, cooldown: 1 },
};

/** The library by any name. @type {Record<string, any>} */
const u = { ...unrolled };

/** Everything that has a state: shuffle, dropout in two places, moments, a schedule. */
function training(optimizerName = 'Adam', scheduleName = 'ReduceLROnPlateau', more = {}) {
  manualSeed(more.seed ?? 7);
  const loader = new DataLoader({
    inputs: values(SAMPLES * T * I, 1),
    targets: values(SAMPLES, 2),
    samples: SAMPLES,
    batchSize: BATCH,
    shuffle: true,
  });
  const model = new Sequential({
    rnn: new LSTM(I, H, { batchFirst: true, numLayers: 2, dropout: 0.2 }),
    last: new LastStep(),
    drop: new Dropout(0.3),
    fc: new Linear(H, 1),
  });
  const loss = new MSELoss();
  const optimizer = new u[optimizerName.split(' ')[0]](
    model.parameters(),
    OPTIMIZERS[optimizerName],
  );
  const scheduler = new u[scheduleName](optimizer, SCHEDULES[scheduleName]);
  const trainer = new Trainer(model, { loss, optimizer, clipNorm: 0.5 });
  const end = () => dispose(trainer, optimizer, loss, model);
  return { state: { model, optimizer, scheduler, loader }, loss, trainer, end };
}

/**
 * Trains; stops after `leave` steps, with a checkpoint.
 * @param {ReturnType<typeof training>} run
 * @param {number} epochs
 * @param {number} [leave]
 */
async function train({ state, trainer }, epochs, leave = Infinity) {
  const { loader, scheduler, optimizer } = state;
  const items = [];
  for await (const { loss, epochLoss } of trainer.fit(loader, { epochs, scheduler })) {
    items.push({ loss, epochLoss, lr: optimizer.lr });
    if (items.length === leave) break;
  }
  return items;
}

/** All that a training is, to the bit. @param {ReturnType<typeof training>} run */
function whole({ state: { model, optimizer, scheduler, loader } }) {
  return structuredClone({
    weights: { ...model.stateDict() },
    optimizer: optimizer.stateDict(),
    scheduler: scheduler.stateDict(),
    loader: loader.stateDict(),
    stream: getRngState(),
    modes: model.training,
  });
}

const STEPS = Math.ceil(SAMPLES / BATCH);
const left = (/** @type {number} */ steps) => EPOCHS - Math.floor(steps / STEPS);

describe('gone on with from a checkpoint: the bits of an unbroken run', () => {
  /** @param {string} optimizer @param {string} schedule @param {number[]} leaves */
  async function compare(optimizer, schedule, leaves) {
    const unbroken = training(optimizer, schedule);
    const want = await train(unbroken, EPOCHS);
    const end = whole(unbroken);
    unbroken.end();
    for (const leave of leaves) {
      const first = training(optimizer, schedule);
      const items = await train(first, EPOCHS, leave);
      const bytes = saveCheckpoint(first.state);
      assert.deepEqual(saveCheckpoint(first.state), bytes, 'saving changes nothing');
      first.end();

      const second = training(optimizer, schedule, { seed: 99 });
      await train(second, 2, 3); // something else, left inside an epoch
      assert.deepEqual({ ...loadCheckpoint(bytes, second.state).metadata }, {});
      assert.deepEqual(saveCheckpoint(second.state), bytes, 'all of it was loaded');
      if (left(leave) > 0) items.push(...(await train(second, left(leave))));
      assert.deepEqual(items, want, `${optimizer}, ${schedule}, after ${leave}`);
      assert.deepEqual(whole(second), end, `${optimizer}, ${schedule}, after ${leave}`);
      second.end();
    }
  }
  for (const optimizer of Object.keys(OPTIMIZERS)) {
    test(optimizer, () => compare(optimizer, 'StepLR', [1, 4, 6]));
  }
  for (const schedule of Object.keys(SCHEDULES)) {
    const leaves = Array.from({ length: EPOCHS * STEPS }, (_, i) => i + 1);
    test(`${schedule}, left after every step`, () => compare('Adam', schedule, leaves));
  }
  test('before the first step, and into objects already in use', async () => {
    const unbroken = training();
    const bytes = saveCheckpoint(unbroken.state);
    const want = await train(unbroken, EPOCHS);
    loadCheckpoint(bytes, unbroken.state);
    assert.deepEqual(await train(unbroken, EPOCHS), want);
    unbroken.end();
  });
});

test('a walk that fit has left does not outlive a checkpoint from between epochs', async () => {
  const run = training();
  await train(run, 1);
  const bytes = saveCheckpoint(run.state);
  const want = await train(run, 1);
  await train(run, 1, 1); // inside an epoch
  loadCheckpoint(bytes, run.state);
  assert.deepEqual(run.state.loader.stateDict(), {});
  assert.deepEqual(await train(run, 1), want);
  run.end();
});

test('any parts: the model alone, a cell, an optimizer of some parameters in another order', () => {
  manualSeed(3);
  const alone = new Linear(2, 3);
  const bytes = saveCheckpoint({ model: alone });
  const stream = getRngState();
  const other = new Linear(2, 3);
  loadCheckpoint(bytes, { model: other });
  assertSameState(other.stateDict(), alone.stateDict(), 'weights');
  assert.deepEqual(getRngState(), stream);

  const cell = new unrolled.GRUCell(2, 3);
  loadCheckpoint(saveCheckpoint({ model: cell }), { model: cell });

  const [weight, bias] = alone.parameters();
  const some = (parameters) => new unrolled.Adam(parameters, { lr: 0.1 });
  const optimizers = [some([bias]), some([bias, weight]), some([weight, bias])];
  const [one, swapped, plain] = optimizers;
  for (const optimizer of optimizers) {
    alone.forward(new Float32Array(2));
    alone.backward(new Float32Array(3).fill(1));
    optimizer.step();
    const state = { model: alone, optimizer };
    const saved = saveCheckpoint(state);
    loadCheckpoint(saved, state);
    assert.deepEqual(saveCheckpoint(state), saved);
  }
  const saved = saveCheckpoint({ model: alone, optimizer: swapped });
  for (const [optimizer, words] of /** @type {const} */ ([
    [one, 'expected "weight" as in the file, got "none"'],
    [plain, 'expected "bias" as in the file, got "weight"'],
  ])) {
    assert.throws(() => loadCheckpoint(saved, { model: alone, optimizer }), {
      name: 'ArgumentError',
      message: `loadCheckpoint optimizer: ${words}`,
    });
  }
  dispose(...optimizers, alone, other, cell);
});

test('training mode comes back, module by module', () => {
  const make = () =>
    new Sequential({ a: new Dropout(0.5), b: new Sequential({ c: new Dropout(0.5) }) });
  const [first, second] = [make(), make()];
  const parts = (/** @type {any} */ model) => [
    model,
    ...model.namedChildren().map(([, child]) => child),
  ];
  const modes = (/** @type {any} */ model) => parts(model).map(({ training }) => training);
  const x = new Float32Array(64).fill(1);
  first.eval();
  parts(first)[2].train();
  const bytes = saveCheckpoint({ model: first });
  const want = first.forward(x);
  loadCheckpoint(bytes, { model: second });
  assert.deepEqual(modes(second), [false, false, true]);
  assert.deepEqual(second.forward(x), want);
  dispose(first, second);
});

test("numbers are exact, and the user's words come back alone", () => {
  const model = new Linear(1, 1);
  const optimizer = new unrolled.SGD(model.parameters(), { lr: 0.1 + 0.2, momentum: 1 / 3 });
  const scheduler = new unrolled.ReduceLROnPlateau(optimizer, { mode: 'max', threshold: -0 });
  const loader = new DataLoader({
    inputs: new Float32Array(3),
    targets: new Float32Array(3),
    samples: 3,
  });
  const state = { model, optimizer, scheduler, loader };
  const metadata = JSON.parse('{"__proto__":"p","constructor":"c","":"ü\\u0000","a":"NaN"}');
  for (const [best, lossSum, lr] of [
    [Infinity, NaN, 5e-324],
    [-Infinity, -Infinity, 1.7976931348623157e308],
    [-0, -0, 0.1],
    [0.1 + 0.7, Number.MAX_SAFE_INTEGER, 2 ** -1074],
  ]) {
    scheduler.best = best;
    optimizer.lr = lr;
    loader.loadStateDict({ order: [2, 0, 1], place: 2, lossSum });
    const bytes = saveCheckpoint({ ...state, metadata });
    scheduler.best = 5;
    optimizer.lr = 5;
    loader.loadStateDict({});
    const { metadata: words } = loadCheckpoint(bytes, state);
    assert.equal(Object.getPrototypeOf(words), null);
    assert.deepEqual(Object.entries(words).sort(), Object.entries(metadata).sort());
    assert.ok(Object.is(scheduler.best, best), `${scheduler.best} is ${best}`);
    assert.ok(Object.is(optimizer.lr, lr));
    const found = loader.stateDict();
    assert.ok(Object.is(found.lossSum, lossSum), `${found.lossSum} is ${lossSum}`);
    assert.deepEqual([found.order, found.place], [[2, 0, 1], 2]);
    assert.ok(Object.is(scheduler.threshold, -0));
  }
  dispose(optimizer, model);
});

test('for other tools it is a safetensors file, the weights under model.', async () => {
  const run = training();
  await train(run, 1, 2);
  const bytes = saveCheckpoint({ ...run.state, metadata: { run: '7' } });
  const tensors = loadSafetensors(bytes);
  const want = run.state.model.stateDict();
  const names = Object.keys(tensors).filter((name) => name.startsWith('model.'));
  assert.deepEqual(
    names,
    Object.keys(want).map((name) => `model.${name}`),
  );
  const { model } = run.state;
  for (const parameter of model.parameters()) parameter.dataView.fill(0);
  const { missing } = model.loadStateDict(tensors, { prefix: 'model.', strict: false });
  assert.deepEqual(missing, []);
  assertSameState(model.stateDict(), want, 'weights');
  const words = readSafetensorsMetadata(bytes);
  assert.deepEqual(Object.keys(words).sort(), ['run', 'unrolled.checkpoint']);
  assert.equal(JSON.parse(words['unrolled.checkpoint']).version, 1);
  run.end();
});

/**
 * The file with another header.
 * @param {Uint8Array} bytes
 * @param {(header: any) => void} change
 */
function withHeader(bytes, change) {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  change(header);
  const json = new TextEncoder().encode(JSON.stringify(header));
  const changed = new Uint8Array(8 + json.length + bytes.length - 8 - length);
  new DataView(changed.buffer).setBigUint64(0, BigInt(json.length), true);
  changed.set(json, 8);
  changed.set(bytes.subarray(8 + length), 8 + json.length);
  return changed;
}

/** Whoever writes such a file on purpose gives it a sum that is right. @param {Uint8Array} bytes */
function withSum(bytes) {
  let crc = -1;
  for (const byte of bytes.subarray(0, -4)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  new DataView(bytes.buffer).setInt32(bytes.length - 4, ~crc, true);
  return bytes;
}

/** @param {Uint8Array} bytes @param {(numbers: any) => void} change */
function withNumbers(bytes, change) {
  const changed = withHeader(bytes, (header) => {
    const numbers = JSON.parse(header.__metadata__['unrolled.checkpoint']);
    change(numbers);
    header.__metadata__['unrolled.checkpoint'] = JSON.stringify(numbers);
  });
  return withSum(changed);
}

describe('what does not fit is refused, and nothing was loaded', () => {
  /** @type {ReturnType<typeof training>} */
  let run;
  /** @type {Uint8Array} */
  let bytes;
  before(async () => {
    await init();
    const first = training('Adam', 'ReduceLROnPlateau');
    await train(first, EPOCHS, 6);
    bytes = saveCheckpoint(first.state);
    first.end();
    run = training('Adam', 'ReduceLROnPlateau', { seed: 5 });
    await train(run, 2, 3);
  });

  /**
   * @param {any} file
   * @param {any} state
   * @param {new (...args: any[]) => Error} Class
   * @param {RegExp} words
   * @param {string} [what]
   */
  function refused(file, state, Class, words, what = String(words)) {
    const kept = whole(run);
    const weights = state?.model?.stateDict?.();
    assert.throws(
      () => loadCheckpoint(file, state),
      (/** @type {Error} */ error) => {
        assert.ok(error instanceof Class, `${what}: ${error.stack}`);
        assert.match(error.message, words, what);
        return true;
      },
    );
    assert.deepEqual(whole(run), kept, what);
    if (weights) assertSameState(state.model.stateDict(), weights, what);
  }

  test('another model', () => {
    const { optimizer, scheduler, loader } = run.state;
    /** @type {Record<string, [unrolled.Module, any, RegExp]>} */
    const models = {
      'another kind': [
        new Linear(2, 2),
        ArgumentError,
        /model: expected "model: Sequential" as in the file, got "model: Linear"/,
      ],
      'another size': [
        new Sequential({
          rnn: new LSTM(I, H + 1, { batchFirst: true, numLayers: 2 }),
          last: new LastStep(),
          drop: new Dropout(0.3),
          fc: new Linear(H + 1, 1),
        }),
        ShapeError,
        /rnn\.weight_ih_l0/,
      ],
      'fewer layers': [
        new Sequential({
          rnn: new LSTM(I, H, { batchFirst: true }),
          last: new LastStep(),
          drop: new Dropout(0.3),
          fc: new Linear(H, 1),
        }),
        ArgumentError,
        /unexpected rnn\.weight_ih_l1/,
      ],
      'other names': [
        new Sequential({ a: new Tanh(), b: new Linear(2, 2) }),
        ArgumentError,
        /model: expected "rnn: LSTM" as in the file, got "a: Tanh"/,
      ],
    };
    for (const [what, [model, Class, words]] of Object.entries(models)) {
      const own = new unrolled.Adam(model.parameters());
      const schedule = new unrolled.ReduceLROnPlateau(own);
      refused(bytes, { model, optimizer: own, scheduler: schedule, loader }, Class, words, what);
      dispose(own, model);
    }
    const model = new Linear(2, 2);
    const strange = { model, optimizer, scheduler, loader };
    refused(
      bytes,
      strange,
      ArgumentError,
      /model: expected "model: Sequential".*got "model: Linear"/,
    );
    const other = /optimizer: expected parameters of the model.*got "rnn\.weight_ih_l0/;
    assert.throws(() => saveCheckpoint(strange), { name: 'ArgumentError', message: other });
    refused(saveCheckpoint({ model, loader }), strange, ArgumentError, other);
    dispose(model);
  });

  test('another optimizer, schedule or loader', () => {
    const { model, loader } = run.state;
    for (const [Class, options, words] of /** @type {[any, object, RegExp][]} */ ([
      [unrolled.AdamW, {}, /optimizer.*"Adam".*"AdamW"/],
      [unrolled.SGD, { lr: 1 }, /optimizer.*"Adam".*"SGD"/],
      [unrolled.Adam, { amsgrad: true }, /amsgrad/],
    ])) {
      const optimizer = new Class(model.parameters(), options);
      const scheduler = new unrolled.ReduceLROnPlateau(optimizer);
      refused(bytes, { model, optimizer, scheduler, loader }, ArgumentError, words);
      dispose(optimizer);
    }
    const few = new unrolled.Adam(model.parameters().slice(1));
    const scheduler = new unrolled.ReduceLROnPlateau(few);
    refused(
      bytes,
      { model, optimizer: few, scheduler, loader },
      ArgumentError,
      /optimizer: expected "rnn\.weight_ih_l0" as in the file, got "rnn\.weight_hh_l0"/,
    );
    dispose(few);

    const another = new StepLR(run.state.optimizer, { stepSize: 1 });
    const words = /scheduler.*"ReduceLROnPlateau".*"StepLR"/;
    refused(bytes, { ...run.state, scheduler: another }, ArgumentError, words);

    const data = { inputs: new Float32Array(SAMPLES), targets: new Float32Array(SAMPLES) };
    const same = { ...data, samples: SAMPLES, batchSize: BATCH, shuffle: true };
    for (const change of [{ batchSize: 3 }, { shuffle: false }, { dropLast: true }]) {
      const other = new DataLoader({ ...same, ...change });
      const words = new RegExp(Object.keys(change)[0]);
      refused(bytes, { ...run.state, loader: other }, ArgumentError, words);
    }
    const twice = { inputs: new Float32Array(2 * SAMPLES), targets: new Float32Array(2 * SAMPLES) };
    const more = new DataLoader({ ...same, ...twice, samples: 2 * SAMPLES });
    refused(bytes, { ...run.state, loader: more }, ArgumentError, /samples.*7.*14/);
  });

  test('a part that is missing, in the file or in the call', () => {
    const { model, optimizer, scheduler, loader } = run.state;
    for (const [saved, asked, words] of /** @type {[any, any, RegExp][]} */ ([
      [{ model }, { model, optimizer }, /optimizer: expected "none" as in the file, got "Adam"/],
      [
        { model, optimizer },
        { model, optimizer, scheduler },
        /scheduler: expected "none" as in the file, got "ReduceLROnPlateau"/,
      ],
      [
        { model, optimizer },
        { model, optimizer, loader },
        /loader: expected "none" as in the file, got "samples: 7"/,
      ],
      [
        { model, optimizer },
        { model },
        /optimizer: expected "Adam" as in the file, got "none"; loadSafetensors/,
      ],
      [
        { model, optimizer, scheduler },
        { model, optimizer },
        /scheduler: expected "ReduceLROnPlateau" as in the file, got "none"/,
      ],
      [{ model, loader }, { model }, /loader: expected "samples: 7" as in the file, got "none"/],
    ])) {
      refused(saveCheckpoint(saved), asked, ArgumentError, words);
    }
  });

  test('what is no part', () => {
    const { model, optimizer, scheduler } = run.state;
    const another = new unrolled.Adam(model.parameters());
    for (const [state, words] of /** @type {[any, RegExp][]} */ ([
      [undefined, /options object/],
      [null, /options object/],
      [{}, /model/],
      [{ model: 5 }, /model/],
      [{ model: {} }, /model/],
      [{ model, optimizer: model }, /optimizer/],
      [{ model, optimizer: null }, /optimizer/],
      [{ model, optimizer, scheduler: optimizer }, /scheduler/],
      [{ model, optimizer, loader: [] }, /loader/],
      [{ model, optimizer, schedule: scheduler }, /schedule/],
      [{ model, scheduler }, /scheduler/],
      [{ model, optimizer: another, scheduler }, /scheduler/],
    ])) {
      refused(bytes, state, ArgumentError, words);
      assert.throws(() => saveCheckpoint(state), ArgumentError);
    }
    for (const metadata of /** @type {any[]} */ ([
      null,
      5,
      ['a'],
      { a: 5 },
      { 'unrolled.checkpoint': '' },
      { 'unrolled.x': '' },
    ])) {
      assert.throws(() => saveCheckpoint({ model, metadata }), {
        name: 'ArgumentError',
        message: /metadata/,
      });
    }
    const gone = new Linear(1, 1);
    gone.dispose();
    assert.throws(() => saveCheckpoint({ model: gone }), StateError);
    assert.throws(() => loadCheckpoint(bytes, { model: gone }), StateError);
    dispose(another);
  });

  test('no file, another file, a version to come', () => {
    const { state } = run;
    for (const file of [null, undefined, 'text', [1], new Float32Array(9), bytes.buffer]) {
      refused(file, state, ArgumentError, /Uint8Array/);
    }
    refused(new Uint8Array(0), state, FormatError, /bytes: expected 8 or more, got 0/);
    const weights = unrolled.saveSafetensors(state.model.stateDict(), { a: 'b' });
    refused(weights, state, FormatError, /none.*loadSafetensors/);
    for (const version of [0, 2, '1', null]) {
      const file = withNumbers(bytes, (numbers) => {
        numbers.version = version;
      });
      refused(file, state, FormatError, /version/);
    }
  });

  test('cut anywhere', () => {
    for (let length = 0; length < bytes.length; length += 31) {
      refused(bytes.slice(0, length), run.state, FormatError, /./, `cut at ${length}`);
    }
    refused(bytes.slice(0, -1), run.state, FormatError, /./);
    refused(Uint8Array.from([...bytes, 0]), run.state, FormatError, /./);
  });

  test('any bit flipped', () => {
    for (let at = 0; at < bytes.length; at += 11) {
      const file = bytes.slice();
      file[at] ^= 1 << (at % 8);
      refused(file, run.state, FormatError, /./, `bit ${at % 8} of byte ${at}`);
    }
  });

  test('well-formed and wrong, as if on purpose', () => {
    for (const [what, change, Class] of /** @type {[string, (n: any) => void, any][]} */ ([
      ['no modules', (n) => delete n.modules, FormatError],
      ['a mode', (n) => (n.modules[0][2] = 'yes'), FormatError],
      ['modules', (n) => (n.modules = [null, 5]), FormatError],
      ['a module of no text', (n) => (n.modules[0][0] = { toString: 5 }), FormatError],
      ['a learning rate', (n) => (n.optimizer.param_groups[0].lr = -1), ArgumentError],
      [
        'a learning rate of NaN',
        (n) => (n.optimizer.param_groups[0].lr = 'number 0'),
        ArgumentError,
      ],
      ['betas', (n) => (n.optimizer.param_groups[0].betas = [2, 2]), ArgumentError],
      ['two groups', (n) => n.optimizer.param_groups.push({}), ArgumentError],
      ['no groups', (n) => delete n.optimizer.param_groups, ArgumentError],
      ['an optimizer that is none', (n) => (n.optimizer = 5), ArgumentError],
      ['a step', (n) => (n.optimizer.state[0].step = 0.5), ArgumentError],
      ['steps', (n) => (n.optimizer.state[0].step = 3), ArgumentError],
      ['no entry', (n) => delete n.optimizer.state[0], FormatError],
      ['an entry', (n) => (n.optimizer.state = null), FormatError],
      ['patience', (n) => (n.scheduler.state.patience = -1), ArgumentError],
      ['a factor', (n) => (n.scheduler.state.factor = 1), ArgumentError],
      ['a mode', (n) => (n.scheduler.state.mode = 'constructor'), ArgumentError],
      ['no state', (n) => delete n.scheduler.state, ArgumentError],
      ['a place', (n) => (n.loader.state.place = 9), ArgumentError],
      ['no place', (n) => delete n.loader.state, ArgumentError],
      ['no settings', (n) => delete n.loader.settings, ArgumentError],
      ['a loader that is none', (n) => (n.loader = 'loader'), ArgumentError],
      ['a sum', (n) => (n.loader.state.lossSum = 'x'), ArgumentError],
    ])) {
      refused(withNumbers(bytes, change), run.state, Class, /./, what);
    }
    for (const [what, change] of /** @type {[string, (h: any) => void][]} */ ([
      ['no random', (h) => rename(h, 'random', 'other')],
      ['random of another type', (h) => (h.random.dtype = 'I8')],
      ['no checksum', (h) => rename(h, 'checksum', 'sum')],
      ['a tensor too many', (h) => (h.more = { dtype: 'F32', shape: [0], data_offsets: [0, 0] })],
      ['an integer weight', (h) => (h['model.fc.bias'].dtype = 'I32')],
      ['no metadata', (h) => delete h.__metadata__],
      ['no JSON', (h) => (h.__metadata__['unrolled.checkpoint'] = '{')],
      ['no object', (h) => (h.__metadata__['unrolled.checkpoint'] = '5')],
      ['nothing', (h) => (h.__metadata__['unrolled.checkpoint'] = 'null')],
      ['depth', (h) => (h.__metadata__['unrolled.checkpoint'] = '['.repeat(1e5) + ']'.repeat(1e5))],
    ])) {
      refused(withSum(withHeader(bytes, change)), run.state, FormatError, /./, what);
    }
    const samples = withSum(withHeader(bytes, (h) => rename(h, 'model.fc.bias', 'model.x.bias')));
    refused(samples, run.state, ArgumentError, /missing fc\.bias/);
    const zero = bytes.slice();
    const { random } = JSON.parse(new TextDecoder().decode(headerOf(zero)));
    zero.fill(255, 8 + headerOf(zero).length + random.data_offsets[0]).fill(0, zero.length - 4);
    refused(withSum(zero), run.state, ArgumentError, /setRngState/);
  });

  test('and then the right one is loaded', () => {
    loadCheckpoint(bytes, run.state);
    assert.deepEqual(saveCheckpoint(run.state), bytes);
    run.end();
  });
});

/** @param {any} header @param {string} from @param {string} to */
function rename(header, from, to) {
  header[to] = header[from];
  delete header[from];
}

/** @param {Uint8Array} bytes */
function headerOf(bytes) {
  return bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)));
}

test("a schedule of the user's own class is part of it", () => {
  let loadsLeft = Infinity;
  class Mine extends StepLR {
    stateDict() {
      return { ...super.stateDict(), mine: 'words' };
    }
    /** @param {any} state */
    loadStateDict(state) {
      if (state.mine !== 'words' || loadsLeft-- === 0) throw new RangeError('mine');
      super.loadStateDict(state);
    }
  }
  const model = new Linear(1, 1);
  const optimizer = new unrolled.SGD(model.parameters(), { lr: 1 });
  const scheduler = new Mine(optimizer, { stepSize: 1 });
  scheduler.step();
  const bytes = saveCheckpoint({ model, optimizer, scheduler });
  scheduler.step();
  loadCheckpoint(bytes, { model, optimizer, scheduler });
  assert.equal(scheduler.lastEpoch, 1);
  assert.equal(optimizer.lr, 0.1);
  const plain = saveCheckpoint({
    model,
    optimizer,
    scheduler: new StepLR(optimizer, { stepSize: 1 }),
  });
  const weights = model.stateDict();
  optimizer.lr = 7;
  assert.throws(() => loadCheckpoint(plain, { model, optimizer, scheduler }), RangeError);
  assert.equal(optimizer.lr, 7);
  assertSameState(model.stateDict(), weights, 'weights');
  // It passes the check, and the state there was comes back; then it throws all the same.
  loadsLeft = 2;
  unrolled.initialize.ones(model.parameters()[0]);
  unrolled.rand(1);
  const [ones, stream] = [model.stateDict(), unrolled.getRngState()];
  assert.throws(() => loadCheckpoint(bytes, { model, optimizer, scheduler }), RangeError);
  assert.equal(optimizer.lr, 7);
  assertSameState(model.stateDict(), ones, 'weights');
  assert.deepEqual(unrolled.getRngState(), stream);
  dispose(optimizer, model);
});
