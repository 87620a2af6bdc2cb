// Models in worker threads: the digits of the library itself, whatever happens meanwhile, and no promise
// that waits for ever.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import threads from 'node:worker_threads';
import * as unrolled from 'unrolled';
import { openWorker } from 'unrolled/worker';
import { assertSame, assertSameState } from './support/compare.js';
import { dispose } from './support/dispose.js';
import { values } from './support/numeric.js';

const { ArgumentError, FormatError, NonFiniteError, ShapeError, StateError } = unrolled;
const { Adam, DataLoader, Dropout, LastStep, Linear, LSTM, MSELoss, Sequential, Trainer } =
  unrolled;
const { init, loadCheckpoint, manualSeed, readSafetensorsMetadata, saveCheckpoint } = unrolled;

const WASM = import.meta.resolve('unrolled/unrolled.wasm');
const FOREVER = 1_000_000; // epochs

// Every worker thread that is made, to be killed: from here, or by what hears of it in there.
/** @type {threads.Worker[]} */
const made = [];
const DEATHS = `
  const ways = {
    exit: () => process.exit(3),
    throw: () => setImmediate(() => { throw new Error('boom'); }),
    reject: () => Promise.reject(new Error('boom')),
    memory: () => { for (const kept = []; ; ) kept.push(new Array(1e6).fill({})); },
  };
  new BroadcastChannel('deaths').onmessage = ({ data }) => ways[data]();`;
const deaths = new BroadcastChannel('deaths');
const { Worker } = threads;
before(async () => {
  await init();
  threads.Worker = class extends Worker {
    /** @param {any} file @param {any} options */
    constructor(file, options) {
      const execArgv = ['--import', `data:text/javascript,${encodeURIComponent(DEATHS)}`];
      super(file, { ...options, execArgv, resourceLimits: { maxOldGenerationSizeMb: 64 } });
      made.push(this);
    }
  };
});
after(() => {
  threads.Worker = Worker;
  deaths.close();
});

/** @type {import('unrolled/worker').RemoteLibrary} */
let library;
beforeEach(async () => {
  library = await openWorker();
});
afterEach(() => library.close());

const [T, I, H] = [4, 2, 24];
const SAMPLES = 11;
const BATCH = 4; // so the last one of three is short
const STEPS = 3;
const EPOCHS = 4;

/** @type {import('unrolled/worker').ModelDescription} */
const MODEL = {
  modules: {
    rnn: ['LSTM', I, H, { batchFirst: true, numLayers: 2, dropout: 0.2 }],
    last: ['LastStep'],
    drop: ['Dropout', 0.25],
    fc: ['Linear', H, 1],
  },
  seed: 7,
};
/** @type {import('unrolled/worker').TrainingDescription} */
const TRAINING = { loss: ['MSELoss'], optimizer: ['Adam', { lr: 0.02 }], clipNorm: 0.5 };
const DATA = {
  inputs: values(SAMPLES * T * I, 1),
  targets: values(SAMPLES, 2),
  samples: SAMPLES,
  batchSize: BATCH,
  shuffle: true,
};

/** The same on this thread. */
function training(seed = 7) {
  manualSeed(seed);
  const model = new Sequential({
    rnn: new LSTM(I, H, { batchFirst: true, numLayers: 2, dropout: 0.2 }),
    last: new LastStep(),
    drop: new Dropout(0.25),
    fc: new Linear(H, 1),
  });
  const loss = new MSELoss();
  const optimizer = new Adam(model.parameters(), { lr: 0.02 });
  const trainer = new Trainer(model, { loss, optimizer, clipNorm: 0.5 });
  const loader = new DataLoader(DATA);
  const end = () => dispose(trainer, optimizer, loss, model);
  return { model, optimizer, trainer, loader, end };
}

/** What a whole training comes to on this thread. */
async function unbroken(epochs = EPOCHS, seed = 7) {
  const { model, optimizer, trainer, loader, end } = training(seed);
  const items = [];
  for await (const { epoch, step, loss, epochLoss } of trainer.fit(loader, { epochs })) {
    items.push({ epoch, step, loss, epochLoss });
  }
  const result = { items, bytes: saveCheckpoint({ model, optimizer, loader }) };
  end();
  return result;
}

/** @param {AsyncIterable<any>} run */
async function collect(run) {
  const items = [];
  for await (const { stepsPerSecond, ...item } of run) {
    assert.ok(stepsPerSecond > 0);
    items.push(item);
  }
  return items;
}

/** How many steps a checkpoint has behind it. @param {Uint8Array} bytes */
function stepsIn(bytes) {
  const { optimizer } = JSON.parse(readSafetensorsMetadata(bytes)['unrolled.checkpoint']);
  return optimizer.state[0]?.step ?? 0;
}

/** Batches of the running epoch that are done. @param {Uint8Array} bytes @returns {number | undefined} */
function placeIn(bytes) {
  return JSON.parse(readSafetensorsMetadata(bytes)['unrolled.checkpoint']).loader?.state.place;
}

/**
 * Trains two epochs on, and compares with a run that was never interrupted.
 * @param {import('unrolled/worker').RemoteModel} model
 */
async function finish(model) {
  const epochs = Math.floor(stepsIn(await model.saveCheckpoint()) / STEPS) + 2;
  await collect(model.fit(DATA, { epochs: 2 }));
  const bytes = await model.saveCheckpoint();
  assert.equal(stepsIn(bytes), epochs * STEPS);
  assert.deepEqual(bytes, (await unbroken(epochs)).bytes);
}

/** @param {RegExp} message */
const stateError = (message) => (/** @type {any} */ error) => {
  assert.ok(error instanceof StateError, error.stack);
  assert.equal(error.name, 'StateError');
  assert.match(error.message, message);
  return true;
};

describe('the digits of the library itself', () => {
  test('fit: every epoch has its last item, and the checkpoint is the same bytes', async () => {
    const want = await unbroken();
    const model = await library.create(MODEL, TRAINING);
    const items = await collect(model.fit(DATA, { epochs: EPOCHS }));
    const steps = items.map(({ step }) => step);
    assert.deepEqual(
      items,
      steps.map((step) => want.items[step]),
    );
    for (let epoch = 1; epoch <= EPOCHS; epoch++) assert.ok(steps.includes(epoch * STEPS - 1));
    assert.deepEqual(
      steps,
      [...new Set(steps)].sort((a, b) => a - b),
    );
    assert.deepEqual(await model.saveCheckpoint(), want.bytes);
  });

  test('step by step, state dicts, answers', async () => {
    const here = training();
    const there = await library.create(MODEL, TRAINING);
    for (const batch of [...here.loader]) {
      const { input, target, batch: N } = batch;
      await there.step({ input, target, batch: N }); // not the same yet: the loader has drawn here
    }
    const input = values(3 * T * I, 5);
    const target = values(3, 6);
    const state = here.model.stateDict();
    await there.loadStateDict(state);
    assertSameState(await there.stateDict(), state, 'weights');
    assert.equal(Object.getPrototypeOf(await there.stateDict()), null);
    here.model.eval();
    assertSame(
      await there.forward(input, { batch: 3 }),
      here.model.forward(input, { batch: 3 }),
      'forward',
    );
    here.model.train();
    await there.loadCheckpoint(saveCheckpoint({ model: here.model, optimizer: here.optimizer }));
    for (let i = 0; i < 5; i++) {
      const want = here.trainer.step(input, target, { batch: 3 });
      assert.equal(await there.step({ input, target, batch: 3 }), want);
      await there.forward(input, { batch: 3 }); // disturbs nothing: no draw, no mode
    }
    assertSameState(await there.stateDict(), here.model.stateDict(), 'weights');
    here.end();
  });

  test('several models, trained at once, each as if alone', async () => {
    const seeds = [1, 2, 3];
    const models = await Promise.all(
      seeds.map((seed) => library.create({ ...MODEL, seed }, TRAINING)),
    );
    const other = await library.create({ modules: { d: ['Linear', 2, 2] } }); // draws from the common stream
    const runs = models.map((model) => collect(model.fit(DATA, { epochs: 60 })));
    await other.forward(values(2, 1));
    await Promise.all(runs);
    for (const [i, seed] of seeds.entries()) {
      const want = await unbroken(60, seed);
      assert.deepEqual(await models[i].saveCheckpoint(), want.bytes);
    }
  });

  test('models without a seed share a stream, and differ', async () => {
    const modules = { fc: /** @type {[string, number, number]} */ (['Linear', 4, 4]) };
    const [a, b] = [await library.create({ modules }), await library.create({ modules })];
    assert.notDeepEqual(await a.stateDict(), await b.stateDict());
    const [c, d] = [
      await library.create({ modules, seed: 3 }),
      await library.create({ modules, seed: 3 }),
    ];
    assert.deepEqual(await c.stateDict(), await d.stateDict());
  });

  test('nested, with every kind of module, loss and optimizer that the library has', async () => {
    /** @type {Record<string, any[]>} */
    const args = {
      ...{ RNN: [2, 3], LSTM: [2, 3], GRU: [2, 3], Linear: [2, 3], Softmax: [2], LogSoftmax: [2] },
      Sequential: [{ inner: ['Tanh'] }],
    };
    const library_ = /** @type {Record<string, any>} */ (unrolled);
    const isKind = (/** @type {any} */ Base) => (/** @type {string} */ name) =>
      library_[name]?.prototype instanceof Base && !name.endsWith('Cell');
    const names = Object.keys(unrolled);
    const first = { start: ['Linear', 2, 2] };
    for (const kind of names.filter(isKind(unrolled.Module))) {
      const modules = { ...first, it: [kind, ...(args[kind] ?? [])] };
      const { dispose } = await library
        .create({ modules: /** @type {any} */ (modules) })
        .catch((error) => {
          assert.fail(`${kind}: ${error.stack}`);
        });
      assert.ok(dispose);
    }
    const modules = /** @type {any} */ (first);
    for (const kind of names.filter(isKind(unrolled.Loss))) {
      await library.create({ modules }, { loss: [kind], optimizer: ['SGD', { lr: 1 }] });
    }
    for (const kind of names.filter(isKind(unrolled.Optimizer))) {
      await library.create({ modules }, { loss: ['MSELoss'], optimizer: [kind, { lr: 1 }] });
    }
  });
});

describe('stopping', () => {
  test('abort rejects what is pending with its reason at once; going on gives the bits of an unbroken run', async () => {
    const model = await library.create(MODEL, TRAINING);
    for (let round = 0; round < 5; round++) {
      const controller = new AbortController();
      const reason = new Error(`enough ${round}`);
      const { signal } = controller;
      const run = model.fit(DATA, { epochs: FOREVER, signal });
      await run.next();
      const pending = run
        .next()
        .then(() => run.next())
        .then(() => run.next());
      controller.abort(reason);
      await assert.rejects(pending, (error) => error === reason);
      assert.deepEqual(await run.next(), { done: true, value: undefined });
      assert.deepEqual(getEventListeners(signal, 'abort'), []);
      const bytes = await model.saveCheckpoint();
      await wait(20);
      assert.deepEqual(await model.saveCheckpoint(), bytes, 'it has stopped');
    }
    await finish(model);
  });

  test('aborted before it begins: nothing happens', async () => {
    const model = await library.create(MODEL, TRAINING);
    const bytes = await model.saveCheckpoint();
    const run = model.fit(DATA, { epochs: 1, signal: AbortSignal.abort() });
    await assert.rejects(run.next(), { name: 'AbortError' });
    assert.deepEqual(await model.saveCheckpoint(), bytes);
  });

  test('begun and aborted again and again, without waiting', async () => {
    const model = await library.create(MODEL, TRAINING);
    const ends = [];
    for (let i = 0; i < 20; i++) {
      const controllers = [new AbortController(), new AbortController()];
      for (const controller of controllers) {
        const { signal } = controller;
        const run = async () => {
          for await (const _ of model.fit(DATA, { epochs: FOREVER, signal }));
        };
        ends.push(assert.rejects(run, { name: 'AbortError' }));
        if (i % 2) await wait(i % 4);
        controller.abort();
      }
    }
    await Promise.all(ends);
    await finish(model);
  });

  test('a loop that is left has stopped the training; so has one that throws', async () => {
    const model = await library.create(MODEL, TRAINING);
    for (let round = 0; round < 3; round++) {
      for await (const _ of model.fit(DATA, { epochs: FOREVER })) break;
      const bytes = await model.saveCheckpoint();
      await wait(20);
      assert.deepEqual(await model.saveCheckpoint(), bytes);
      await assert.rejects(
        async () => {
          for await (const _ of model.fit(DATA, { epochs: FOREVER })) throw new RangeError('mine');
        },
        { name: 'RangeError', message: 'mine' },
      );
    }
    await finish(model);
  });

  test('other arrays, or other batches, begin an epoch of their own', async () => {
    const model = await library.create(MODEL, TRAINING);
    /** Steps done in all, and in the epoch that it leaves. */
    const interrupt = async () => {
      for (;;) {
        for await (const _ of model.fit(DATA, { epochs: FOREVER })) break;
        const bytes = await model.saveCheckpoint();
        if (placeIn(bytes)) return { steps: stepsIn(bytes), place: placeIn(bytes) };
      }
    };
    for (const [other, more] of /** @type {[any, number][]} */ ([
      [{ ...DATA, inputs: DATA.inputs.slice() }, STEPS],
      [{ ...DATA, batchSize: SAMPLES }, 1],
      [{ ...DATA, shuffle: false }, STEPS],
      [{ ...DATA, dropLast: true }, STEPS - 1],
    ])) {
      const { steps } = await interrupt();
      await collect(model.fit(other, { epochs: 1 }));
      assert.equal(stepsIn(await model.saveCheckpoint()), steps + more);
    }
    const { steps, place } = await interrupt();
    await collect(model.fit({ ...DATA }, { epochs: 1 })); // the same arrays
    assert.equal(stepsIn(await model.saveCheckpoint()), steps + STEPS - place);
  });
});

describe('while fit trains', () => {
  test('questions are answered between two steps, and disturb nothing', async () => {
    const model = await library.create(MODEL, TRAINING);
    const input = values(2 * T * I, 5);
    const seen = new Set();
    for await (const _ of model.fit(DATA, { epochs: FOREVER })) {
      const [answer, state, bytes] = await Promise.all([
        model.forward(input, { batch: 2 }),
        model.stateDict(),
        model.saveCheckpoint(),
      ]);
      assert.equal(answer.length, 2);
      assert.ok(state['fc.bias']);
      seen.add(stepsIn(bytes));
      if (seen.size > 5) break; // it trains on meanwhile
    }
    await finish(model);
  });

  test('what would disturb it is refused', async () => {
    const model = await library.create(MODEL, TRAINING);
    const state = await model.stateDict();
    const bytes = await model.saveCheckpoint();
    const input = values(T * I, 1);
    for await (const _ of model.fit(DATA, { epochs: FOREVER })) {
      for (const call of [
        () => model.step({ input, target: values(1, 1), batch: 1 }),
        () => model.loadStateDict(state),
        () => model.loadCheckpoint(bytes),
        () => model.fit(DATA, { epochs: 1 }).next(),
      ]) {
        await assert.rejects(call, stateError(/being trained/));
      }
      break;
    }
    await model.loadCheckpoint(bytes);
    assert.deepEqual(await model.saveCheckpoint(), bytes);
  });

  test('dispose ends it', async () => {
    const model = await library.create(MODEL, TRAINING);
    const run = async () => {
      for await (const _ of model.fit(DATA, { epochs: FOREVER })) void model.dispose();
    };
    await assert.rejects(run, stateError(/disposed/));
    await assert.rejects(model.forward(values(T * I, 1)), stateError(/disposed/));
    await assert.rejects(model.fit(DATA, { epochs: 1 }).next(), stateError(/disposed/));
    await model.dispose();
    const next = await library.create(MODEL, TRAINING);
    await collect(next.fit(DATA, { epochs: 1 }));
  });

  test('a slow loop misses steps, never the end of an epoch', async () => {
    const want = await unbroken(200);
    const model = await library.create(MODEL, TRAINING);
    const items = [];
    for await (const { stepsPerSecond: _, ...item } of model.fit(DATA, { epochs: 200 })) {
      if (items.length === 1) await wait(300);
      items.push(item);
    }
    const ends = (/** @type {any[]} */ list) =>
      list.filter(({ step }) => step % STEPS === STEPS - 1);
    assert.deepEqual(ends(items), ends(want.items));
  });
});

describe('a worker that dies', () => {
  /** @type {Record<string, (worker: threads.Worker, library: import('unrolled/worker').RemoteLibrary) => unknown>} */
  const ways = {
    terminated: (worker) => worker.terminate(),
    'by process.exit': () => deaths.postMessage('exit'),
    'of an error': () => deaths.postMessage('throw'),
    'of a promise': () => deaths.postMessage('reject'),
    'out of memory': () => deaths.postMessage('memory'),
    'whose messages cannot be read': (worker) => worker.emit('messageerror', new Error('boom')),
    'that cannot read what it is sent': (worker) =>
      worker.emit('message', { id: 0, fatal: 'could not' }),
    closed: (_, library) => library.close(),
  };
  for (const [what, kill] of Object.entries(ways)) {
    test(`${what}: every promise rejects, and so does every later call`, async () => {
      const model = await library.create(MODEL, TRAINING);
      const idle = await library.create(MODEL, TRAINING);
      const batch = { input: values(T * I, 1), target: values(1, 1), batch: 1 };
      const state = await model.stateDict();
      const bytes = await model.saveCheckpoint();
      const calls = () => [
        idle.forward(batch.input),
        idle.step(batch),
        idle.stateDict(),
        idle.loadStateDict(state),
        idle.saveCheckpoint(),
        idle.loadCheckpoint(bytes),
        idle.fit(DATA, { epochs: FOREVER }).next(),
        library.create(MODEL, TRAINING),
      ];
      const run = model.fit(DATA, { epochs: FOREVER });
      await run.next();
      const items = (async () => {
        for (;;) if ((await run.next()).done) return;
      })();
      const others = calls();
      const checked = [
        assert.rejects(items, stateError(/^the worker /)),
        // Each may have been answered before, but none waits for ever.
        ...others.map((other) => other.then(() => {}, stateError(/^the worker /))),
      ];
      await kill(made[made.length - 1], library);
      await Promise.all(checked);
      for (const promise of [...calls(), model.dispose()]) {
        await assert.rejects(promise, stateError(/^the worker /));
      }
      await library.close();
      await library.close();
    });
  }

  test('before it begins: openWorker rejects', async () => {
    const opening = openWorker();
    await made[made.length - 1].terminate();
    await assert.rejects(opening, stateError(/ended/));
  });

  test('in the midst of an epoch; restarted from a checkpoint, the bits of an unbroken run', async () => {
    let bytes = await fresh();
    let inside = 0;
    for (let round = 0; round < 5; round++) {
      const library = await openWorker();
      const model = await library.create({ ...MODEL, seed: 100 + round }, TRAINING);
      await model.loadCheckpoint(bytes);
      const run = async () => {
        const data = { ...DATA, inputs: DATA.inputs.slice() };
        for await (const _ of model.fit(data, { epochs: FOREVER })) {
          bytes = await model.saveCheckpoint();
          if (!placeIn(bytes)) continue;
          inside++;
          await made[made.length - 1].terminate();
        }
      };
      await assert.rejects(run, stateError(/ended/));
    }
    assert.equal(inside, 5);
    const model = await library.create(MODEL, TRAINING);
    await model.loadCheckpoint(bytes);
    await finish(model);
  });

  /** A checkpoint of a training that has not begun. */
  async function fresh() {
    const model = await library.create(MODEL, TRAINING);
    return model.saveCheckpoint();
  }
});

describe('checkpoints', () => {
  test('from here to a worker and back: the bits of an unbroken run', async () => {
    const epochs = 300;
    const want = await unbroken(epochs);
    const here = training();
    let steps = 0;
    for await (const _ of here.trainer.fit(here.loader, { epochs })) if (++steps === 4) break;
    const { model, optimizer, loader } = here;
    const there = await library.create({ ...MODEL, seed: 99 }, TRAINING);
    const bytes = saveCheckpoint({ model, optimizer, loader });
    await there.loadCheckpoint(bytes);
    assert.deepEqual(await there.saveCheckpoint(), bytes, 'the place waits for its data');
    for await (const _ of there.fit(DATA, { epochs })) break;
    const back = await there.saveCheckpoint();
    loadCheckpoint(back, { model, optimizer, loader });
    const left = epochs - Math.floor(stepsIn(back) / STEPS);
    for await (const _ of here.trainer.fit(loader, { epochs: left }));
    assert.deepEqual(saveCheckpoint({ model, optimizer, loader }), want.bytes);
    here.end();
  });

  test('of another model, or broken: nothing was loaded', async () => {
    const model = await library.create(MODEL, TRAINING);
    const bytes = await model.saveCheckpoint();
    const other = await library.create({ modules: { fc: ['Linear', 2, 1] } });
    const alone = await library.create(MODEL);
    for (const [file, Class] of /** @type {[any, any][]} */ ([
      [await other.saveCheckpoint(), ArgumentError],
      [await alone.saveCheckpoint(), ArgumentError],
      [bytes.slice(0, -1), FormatError],
      [bytes.map((byte, i) => (i === bytes.length - 9 ? byte ^ 1 : byte)), FormatError],
      [null, ArgumentError],
      ['text', ArgumentError],
    ])) {
      await assert.rejects(model.loadCheckpoint(file), Class);
      assert.deepEqual(await model.saveCheckpoint(), bytes);
    }
    await assert.rejects(alone.loadCheckpoint(bytes), ArgumentError);
  });

  test('from inside an epoch of other data: fit says so, and goes on with the right one', async () => {
    const here = training();
    for await (const _ of here.trainer.fit(here.loader, { epochs: 1 })) break;
    const { model, optimizer, loader } = here;
    const there = await library.create(MODEL, TRAINING);
    await there.loadCheckpoint(saveCheckpoint({ model, optimizer, loader }));
    for (const change of [{ batchSize: 2 }, { shuffle: false }, { dropLast: true }]) {
      const run = there.fit({ ...DATA, ...change }, { epochs: 1 });
      await assert.rejects(run.next(), {
        name: 'ArgumentError',
        message: new RegExp(Object.keys(change)[0]),
      });
    }
    await collect(there.fit(DATA, { epochs: 1 }));
    assert.equal(stepsIn(await there.saveCheckpoint()), STEPS);
    here.end();
  });
});

describe('what crosses', () => {
  test('errors, with class, name, message and fields', async () => {
    const model = await library.create(MODEL, TRAINING);
    const bytes = await model.saveCheckpoint();
    await assert.rejects(model.forward(values(T * I + 1, 1)), (/** @type {any} */ error) => {
      assert.ok(error instanceof ShapeError && error instanceof unrolled.UnrolledError);
      assert.equal(error.name, 'ShapeError');
      assert.match(error.message, /^Sequential forward input: expected a multiple of N·I = 1·2/);
      assert.match(error.stack, /^ShapeError: |stepsOf/);
      return true;
    });
    await assert.rejects(
      model.step({ input: values(T * I, 1), target: values(2, 1), batch: 1 }),
      ShapeError,
    );
    const inputs = DATA.inputs.slice().fill(NaN);
    const run = async () => {
      for await (const _ of model.fit({ ...DATA, inputs }, { epochs: 1 }));
    };
    await assert.rejects(run, (/** @type {any} */ error) => {
      assert.ok(error instanceof NonFiniteError);
      const { name, step, parameter } = error;
      assert.deepEqual(
        { name, step, parameter },
        { name: 'NonFiniteError', step: 0, parameter: null },
      );
      return true;
    });
    assert.deepEqual((await model.stateDict())['fc.bias'].shape, [1]);
    await assert.rejects(model.loadCheckpoint(bytes.slice(1)), FormatError);
  });

  test("the caller's arrays stay whole, and only what a view shows is sent", async () => {
    const model = await library.create(MODEL, TRAINING);
    const shared = new Float32Array(new SharedArrayBuffer(4 * SAMPLES * T * I));
    shared.set(DATA.inputs);
    const large = new Float32Array(1000 + SAMPLES);
    large.set(DATA.targets, 1000);
    const data = { ...DATA, inputs: shared, targets: large.subarray(1000) };
    const items = await collect(model.fit(data, { epochs: 1 }));
    assert.deepEqual(items.at(-1), (await unbroken(1)).items.at(-1));
    assert.equal(large.length, 1000 + SAMPLES);
    assert.equal(shared.length, SAMPLES * T * I);

    const bytes = await model.saveCheckpoint();
    const buffer = Buffer.from(bytes); // a view of Node's pool
    await model.loadCheckpoint(buffer);
    assert.deepEqual(new Uint8Array(buffer), bytes);
    const state = await model.stateDict();
    await model.loadStateDict(state);
    assertSameState(await model.stateDict(), state, 'weights');
    const detached = values(T * I, 1);
    structuredClone(detached, { transfer: [detached.buffer] });
    await assert.rejects(model.forward(detached), ShapeError);
  });

  test('what cannot cross is an ArgumentError', async () => {
    const model = await library.create(MODEL, TRAINING);
    for (const bad of [() => 1, Symbol('s'), { f() {} }, new WeakMap()]) {
      await assert.rejects(model.forward(/** @type {any} */ (bad)), ArgumentError);
    }
    await model.stateDict();
  });

  test('descriptions that are none', async () => {
    const good = { fc: ['Linear', 2, 1] };
    const one = (/** @type {any} */ described) => ({ modules: { a: described } });
    const cyclic = { a: ['Sequential', {}] };
    cyclic.a[1] = cyclic;
    for (const [model, training, words] of /** @type {[any, any, RegExp][]} */ ([
      [undefined, undefined, /model/],
      [null, undefined, /model/],
      [5, undefined, /model/],
      [[], undefined, /model/],
      [{}, undefined, /modules/],
      [{ modules: null }, undefined, /modules/],
      [{ modules: [] }, undefined, /modules/],
      [{ modules: {} }, undefined, /at least one module/],
      [{ modules: good, sed: 1 }, undefined, /sed/],
      [{ modules: good, seed: 1.5 }, undefined, /seed/],
      [{ modules: good, seed: '1' }, undefined, /seed/],
      [one(undefined), undefined, /modules\.a: expected \[kind/],
      [one('Linear'), undefined, /modules\.a: expected \[kind/],
      [one([]), undefined, /modules\.a: expected \[kind/],
      [one([5]), undefined, /modules\.a: expected \[kind/],
      [one(['Linea', 2, 1]), undefined, /modules\.a: expected one of .*Linear.*"Linea"/],
      [one(['constructor']), undefined, /"constructor"/],
      [one(['__proto__']), undefined, /"__proto__"/],
      [one(['toString']), undefined, /"toString"/],
      [one(['Module']), undefined, /"Module"/],
      [one(['LSTMCell', 2, 2]), undefined, /"LSTMCell"/],
      [one(['Adam', 2, 2]), undefined, /"Adam"/],
      [one(['Linear', 2, 1, {}, 5]), undefined, /at most 3 arguments of Linear, got 4/],
      [one(['Tanh', 2]), undefined, /at most 0 arguments/],
      [one(['Linear', 2]), undefined, /outFeatures/],
      [one(['Linear', 2, '1']), undefined, /outFeatures/],
      [one(['Linear', 2, 1, null]), undefined, /options/],
      [one(['Linear', 2, 1, { bais: true }]), undefined, /bais/],
      [one(['Sequential']), undefined, /one record/],
      [one(['Sequential', {}, {}]), undefined, /one record/],
      [one(['Sequential', { 'b.c': ['Tanh'] }]), undefined, /dot/],
      [{ modules: cyclic }, undefined, /64 deep/],
      [{ modules: good }, null, /training/],
      [{ modules: good }, {}, /loss/],
      [{ modules: good }, { ...TRAINING, los: 1 }, /los/],
      [{ modules: good }, { ...TRAINING, loss: ['constructor'] }, /loss.*"constructor"/],
      [{ modules: good }, { ...TRAINING, loss: ['MSELoss', { reduction: 'none' }] }, /reduction/],
      [{ modules: good }, { ...TRAINING, optimizer: ['__proto__'] }, /optimizer.*"__proto__"/],
      [{ modules: good }, { ...TRAINING, optimizer: ['SGD'] }, /SGD/],
      [{ modules: good }, { ...TRAINING, optimizer: ['SGD', { lr: -1 }] }, /lr/],
      [{ modules: good }, { ...TRAINING, optimizer: ['SGD', { lr: 1 }, 2] }, /at most 1 arguments/],
      [{ modules: good }, { ...TRAINING, clipNorm: 0 }, /clipNorm/],
      [{ modules: { a: ['Tanh'] } }, TRAINING, /parameters/],
    ])) {
      await assert.rejects(library.create(model, training), (/** @type {any} */ error) => {
        assert.ok(error instanceof ArgumentError || error instanceof ShapeError, error.stack);
        assert.match(error.message, words);
        return true;
      });
    }
    const wide = { modules: { a: ['Linear', 2, 3], b: ['Linear', 2, 1] } };
    await assert.rejects(library.create(/** @type {any} */ (wide)), ShapeError);
    const model = await library.create(JSON.parse('{"modules":{"__proto__":["Linear",2,1]}}'));
    assert.deepEqual(Object.keys(await model.stateDict()), ['__proto__.weight', '__proto__.bias']);
  });

  test('calls with wrong arguments', async () => {
    const model = await library.create(MODEL, TRAINING);
    const idle = await library.create(MODEL);
    const fit = (/** @type {any} */ data, /** @type {any} */ options) =>
      model.fit(data, options).next();
    for (const [call, words] of /** @type {[() => Promise<any>, RegExp][]} */ ([
      [() => fit(DATA, undefined), /options/],
      [() => fit(DATA, null), /options/],
      [() => fit(DATA, {}), /epochs/],
      [() => fit(DATA, { epochs: 0 }), /epochs/],
      [() => fit(DATA, { epochs: '3' }), /epochs/],
      [() => fit(DATA, { epochs: 1, signal: {} }), /signal/],
      [() => fit(DATA, { epochs: 1, scheduler: 1 }), /scheduler/],
      [() => fit(null, { epochs: 1 }), /DataLoader/],
      [() => fit({ ...DATA, inputs: [1, 2] }, { epochs: 1 }), /inputs.*Float32Array/],
      [() => fit({ ...DATA, samples: 10 }, { epochs: 1 }), /inputs|targets/],
      [() => fit({ ...DATA, batchsize: 10 }, { epochs: 1 }), /batchsize/],
      [() => model.forward(/** @type {any} */ ([1, 2])), /input.*Float32Array/],
      [() => model.forward(values(8, 1), /** @type {any} */ ({ batches: 1 })), /batches/],
      [() => model.step(/** @type {any} */ (null)), /step/],
      [
        () => model.step(/** @type {any} */ ({ input: values(8, 1), target: [1], batch: 1 })),
        /target/,
      ],
      [() => model.loadStateDict(/** @type {any} */ (null)), /state dict/],
      [() => model.loadStateDict({}), /missing/],
    ])) {
      await assert.rejects(call, (/** @type {any} */ error) => {
        assert.ok(error instanceof ArgumentError || error instanceof ShapeError, error.stack);
        assert.match(error.message, words);
        return true;
      });
    }
    await assert.rejects(idle.fit(DATA, { epochs: 1 }).next(), stateError(/without a training/));
    const batch = { input: values(T * I, 1), target: values(1, 1), batch: 1 };
    await assert.rejects(idle.step(batch), stateError(/without a training/));
  });
});

describe('opening', () => {
  test('the .wasm from where it is said to be', async () => {
    const module = await WebAssembly.compile(readFileSync(new URL(WASM)));
    for (const wasm of [WASM, new URL(WASM), module]) {
      const library = await openWorker({ wasm });
      const model = await library.create(MODEL);
      assert.equal((await model.forward(values(T * I, 1))).length, 1);
      await library.close();
    }
  });

  test('what is wrong with it has a class and a sentence', async () => {
    const other = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
    for (const [options, Class, words] of /** @type {[any, any, RegExp][]} */ ([
      [{ wasm: 'unrolled.wasm' }, ArgumentError, /absolute URL/],
      [{ wasm: 5 }, ArgumentError, /wasm.*5/],
      [{ wasm: new Uint8Array(8) }, ArgumentError, /wasm/],
      [{ wasm: other }, ArgumentError, /not unrolled/],
      [
        { wasm: new URL('nothing.wasm', WASM) },
        unrolled.UnrolledError,
        /nothing\.wasm.*cannot be read/,
      ],
      [{ wasn: 5 }, ArgumentError, /wasn/],
      [null, ArgumentError, /options/],
    ])) {
      await assert.rejects(openWorker(options), (/** @type {any} */ error) => {
        assert.ok(error instanceof Class, error.stack);
        assert.match(error.message, words);
        return true;
      });
    }
  });
});

/**
 * The .wasm, with so many pages of 64 KiB at most.
 * @param {number} pages  less than 2^14
 */
function limited(pages) {
  const bytes = new Uint8Array(readFileSync(new URL(WASM)));
  let at = 8;
  const leb = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  for (;;) {
    const section = bytes[at++];
    const length = leb();
    if (section === 5) break; // memories: how many, has it a limit, the least, the most
    at += length;
  }
  assert.deepEqual([leb(), leb()], [1, 1]);
  leb();
  assert.deepEqual([...bytes.subarray(at, at + 3)], [0xff, 0xff, 3], 'the limit is 2^16 - 1 pages');
  bytes.set([(pages & 127) | 128, (pages >> 7) | 128, 0], at);
  return new WebAssembly.Module(bytes);
}

test('memory is flat: far more than there is, made and disposed of', async () => {
  const library = await openWorker({ wasm: limited(512) }); // 32 MiB
  const size = 256; // 256 KiB of weights, as much of gradients, twice that of moments
  const modules = { fc: /** @type {[string, number, number]} */ (['Linear', size, size]) };
  const kept = await library.create({ modules }, TRAINING);
  for (let i = 0; i < 100; i++) {
    await assert.rejects(library.create({ modules }, { ...TRAINING, clipNorm: -1 }), ArgumentError);
    const broken = { modules: { ...modules, other: /** @type {any} */ (['Linear', 1, 1]) } };
    await assert.rejects(library.create(broken), ShapeError);
    const model = await library.create({ modules }, TRAINING);
    await model.step({ input: values(size, 1), target: values(size, 2), batch: 1 });
    await model.dispose();
  }
  const large = { modules: { fc: /** @type {any} */ (['Linear', 4096, 4096]) } };
  await assert.rejects(library.create(large), unrolled.OutOfMemoryError);
  assert.equal((await kept.forward(values(size, 1))).length, size, 'and what existed lives on');
  await library.close();
});

test('a process ends when it has nothing to do, whatever was left open', async () => {
  const worker = JSON.stringify(import.meta.resolve('unrolled/worker'));
  const head = `import { openWorker } from ${worker};
    const data = { inputs: new Float32Array(8).fill(1), targets: new Float32Array(4), samples: 4 };
    const library = await openWorker();
    const model = await library.create({ modules: { fc: ['Linear', 2, 1] } },
      { loss: ['MSELoss'], optimizer: ['SGD', { lr: 0.01 }] });`;
  for (const [body, printed] of [
    ['console.log("forgotten");', 'forgotten\n'],
    ['await library.close(); console.log("closed");', 'closed\n'],
    ['await model.fit(data, { epochs: 1e9 }).next(); console.log("left");', 'left\n'],
    [
      'for await (const { epoch } of model.fit(data, { epochs: 3 })) console.log(epoch);',
      '0\n1\n2\n',
    ],
    ['model.stateDict().then(() => console.log("answered"));', 'answered\n'],
    [
      'const run = model.fit(data, { epochs: 1e9 }); await run.next(); await run.return(); console.log("stopped");',
      'stopped\n',
    ],
  ]) {
    const script = ['--input-type=module', '-e', `${head}\n${body}`];
    const { stdout } = await promisify(execFile)(process.execPath, script, { timeout: 60_000 });
    if (printed === '0\n1\n2\n')
      assert.deepEqual([...new Set(stdout.split('\n'))], ['0', '1', '2', '']);
    else assert.equal(stdout, printed);
  }
});
