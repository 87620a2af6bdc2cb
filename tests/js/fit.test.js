// Trainer.fit: epochs, schedules, interruptions.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  Adam,
  ArgumentError,
  DataLoader,
  ExponentialLR,
  GRU,
  getRngState,
  init,
  LastStep,
  Linear,
  LSTM,
  MSELoss,
  manualSeed,
  NonFiniteError,
  ReduceLROnPlateau,
  Sequential,
  SGD,
  ShapeError,
  StepLR,
  setRngState,
  Trainer,
} from 'unrolled';
import { assertClose, assertSameState } from './support/compare.js';
import { dispose } from './support/dispose.js';
import { values } from './support/numeric.js';

before(() => init());

const [T, I, H] = [4, 2, 6];
const SAMPLES = 11;
const BATCH = 4; // so the last one of three is short
const EPOCHS = 3;

/** A training with everything that has a state: shuffle, dropout, momentum, schedule. */
function training() {
  manualSeed(7);
  const inputs = values(SAMPLES * T * I, 1);
  const targets = values(SAMPLES, 2);
  const loader = new DataLoader({
    inputs,
    targets,
    samples: SAMPLES,
    batchSize: BATCH,
    shuffle: true,
  });
  const model = new Sequential({
    rnn: new LSTM(I, H, { batchFirst: true, numLayers: 2, dropout: 0.2 }),
    last: new LastStep(),
    fc: new Linear(H, 1),
  });
  const loss = new MSELoss();
  const optimizer = new Adam(model.parameters(), { lr: 0.02 });
  const scheduler = new ReduceLROnPlateau(optimizer, { patience: 0, factor: 0.5, threshold: 0.5 });
  const trainer = new Trainer(model, { loss, optimizer, clipNorm: 1 });
  const end = () => dispose(trainer, optimizer, loss, model);
  return { loader, model, loss, optimizer, scheduler, trainer, end };
}

/** What can be told of a step, without its speed. */
function told({ loss, epochLoss }) {
  return { loss, epochLoss };
}

/**
 * Epochs still to do; one that is interrupted counts.
 * @param {unknown[]} items
 * @param {DataLoader} loader
 */
function remaining(items, loader) {
  return EPOCHS - Math.floor(items.length / loader.length);
}

/** An unbroken run. */
async function unbroken() {
  const { loader, model, optimizer, scheduler, trainer, end } = training();
  const items = [];
  const rates = [];
  for await (const item of trainer.fit(loader, { epochs: EPOCHS, scheduler })) {
    items.push(item);
    rates.push(optimizer.lr);
  }
  const state = model.stateDict();
  const result = { items, rates, state, lr: optimizer.lr, stream: getRngState() };
  end();
  return result;
}

test('fit yields an item a step: epoch, step, loss, the mean of the epoch, a speed', async () => {
  const { items, rates, lr } = await unbroken();
  assert.deepEqual(
    items.map(({ epoch }) => epoch),
    [0, 0, 0, 1, 1, 1, 2, 2, 2],
  );
  assert.deepEqual(
    items.map(({ step }) => step),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
  for (let e = 0; e < EPOCHS; e++) {
    let sum = 0;
    for (let k = 0; k < 3; k++) {
      const { loss, epochLoss, stepsPerSecond } = items[3 * e + k];
      sum += loss;
      assert.equal(epochLoss, sum / (k + 1));
      assert.ok(Number.isFinite(stepsPerSecond) && stepsPerSecond > 0);
    }
  }
  // The schedule has stepped when an epoch's last item comes, and at no other time.
  assert.deepEqual([rates[0], rates[3], rates[6]], [0.02, rates[2], rates[5]]);
  assert.deepEqual([rates[1], rates[4], rates[7]], [rates[0], rates[3], rates[6]]);
  assert.equal(lr, rates[8]);
  assert.ok(lr < 0.02, 'no epoch is twice as good as the one before it');
});

test('the schedule sees the mean loss of each epoch, once', async () => {
  const { loader, optimizer, trainer, end } = training();
  const seen = [];
  class Watching extends StepLR {
    step(metric) {
      seen.push(metric);
      super.step(metric);
    }
  }
  const scheduler = new Watching(optimizer, { stepSize: 2, gamma: 0.1 });
  const means = [];
  for await (const { epoch, epochLoss } of trainer.fit(loader, { epochs: 4, scheduler })) {
    means[epoch] = epochLoss;
  }
  assert.deepEqual(seen, means);
  assertClose([optimizer.lr], [0.0002], { R: 1e-12 }, 'lr');
  end();
});

/**
 * How a training can be left after a number of steps. Each pushes its items until then.
 * @type {Record<string, (fit: (options?: any) => any, items: any[], leave: number) => Promise<void>>}
 */
const WAYS = {
  break: async (fit, items, leave) => {
    for await (const item of fit()) if (items.push(item) === leave) break;
  },
  'an error': async (fit, items, leave) => {
    const run = async () => {
      for await (const item of fit()) if (items.push(item) === leave) throw new RangeError('mine');
    };
    await assert.rejects(run, { name: 'RangeError', message: 'mine' });
  },
  'an abort in the loop': async (fit, items, leave) => {
    const abort = new AbortController();
    const run = async () => {
      for await (const item of fit({ signal: abort.signal })) {
        if (items.push(item) === leave) abort.abort();
      }
    };
    await assert.rejects(run, { name: 'AbortError' });
  },
  'an abort while a step is asked for': async (fit, items, leave) => {
    const abort = new AbortController();
    const steps = fit({ signal: abort.signal });
    for (let i = 0; i < leave; i++) items.push((await steps.next()).value);
    const asked = steps.next();
    abort.abort();
    await asked.then(
      ({ value, done }) => !done && items.push(value), // it was done before the abort was seen
      (error) => assert.equal(error.name, 'AbortError'),
    );
    await steps.return();
  },
  'a last word of the generator': async (fit, items, leave) => {
    const steps = fit();
    for (let i = 0; i < leave; i++) items.push((await steps.next()).value);
    await assert.rejects(steps.throw(new RangeError('mine')), { message: 'mine' });
  },
};

for (const [way, until] of Object.entries(WAYS)) {
  test(`left by ${way} at any step and called again, fit gives the bits of an unbroken run`, async () => {
    const want = await unbroken();
    for (let leave = 1; leave < want.items.length; leave++) {
      const { loader, model, optimizer, scheduler, trainer, end } = training();
      const items = [];
      const fit = (more) => trainer.fit(loader, { epochs: EPOCHS, scheduler, ...more });
      await until(fit, items, leave);
      const after = model.stateDict();
      await new Promise((resolve) => setImmediate(resolve));
      assertSameState(model.stateDict(), after, `nothing goes on by itself after ${leave}`);
      const epochs = remaining(items, loader);
      if (epochs > 0) {
        for await (const item of trainer.fit(loader, { epochs, scheduler })) items.push(item);
      }
      assert.deepEqual(items.map(told), want.items.map(told), `left after ${leave}`);
      assertSameState(model.stateDict(), want.state, `left after ${leave}`);
      assert.equal(optimizer.lr, want.lr);
      assert.deepEqual(getRngState(), want.stream);
      end();
    }
  });
}

test('left, saved and loaded into new objects: the same bits', async () => {
  const want = await unbroken();
  for (const leave of [1, 3, 4, 6, 8]) {
    const first = training();
    const items = [];
    const { scheduler } = first;
    for await (const item of first.trainer.fit(first.loader, { epochs: EPOCHS, scheduler })) {
      items.push(item);
      if (items.length === leave) break;
    }
    const epochs = remaining(items, first.loader);
    const saved = structuredClone({
      weights: first.model.stateDict(),
      optimizer: first.optimizer.stateDict(),
      scheduler: scheduler.stateDict(),
      loader: first.loader.stateDict(),
      stream: getRngState(),
    });
    first.end();

    const second = training();
    for await (const _ of second.trainer.fit(second.loader, { epochs: 1 })); // something else
    second.model.loadStateDict(saved.weights);
    second.optimizer.loadStateDict(saved.optimizer);
    second.scheduler.loadStateDict(saved.scheduler);
    second.loader.loadStateDict(saved.loader);
    setRngState(saved.stream);
    const rest = { epochs, scheduler: second.scheduler };
    for await (const item of second.trainer.fit(second.loader, rest)) items.push(item);
    assert.deepEqual(items.map(told), want.items.map(told), `saved after ${leave}`);
    assertSameState(second.model.stateDict(), want.state, `saved after ${leave}`);
    second.end();
  }
});

test('a loader whose epoch is at its end begins a new one after it', async () => {
  const { loader, trainer, end } = training();
  const order = [...Array(SAMPLES).keys()];
  loader.loadStateDict({ order, place: loader.length, lossSum: 1 });
  const items = [];
  for await (const { epoch } of trainer.fit(loader, { epochs: 3 })) items.push(epoch);
  assert.ok(items.length >= 2 * loader.length, `${items.length} steps`);
  end();
});

test('abort: stops within one step, throws the reason, and can go on', async () => {
  const want = await unbroken();
  for (const at of [1, 2, 3, 5]) {
    const { loader, model, scheduler, trainer, end } = training();
    const controller = new AbortController();
    const reason = new Error('enough');
    const items = [];
    const run = async () => {
      const options = { epochs: EPOCHS, scheduler, signal: controller.signal };
      for await (const item of trainer.fit(loader, options)) {
        items.push(item);
        if (items.length === at) controller.abort(reason);
      }
    };
    await assert.rejects(run, (error) => error === reason);
    assert.ok(items.length <= at + 1);
    const epochs = remaining(items, loader);
    for await (const item of trainer.fit(loader, { epochs, scheduler })) items.push(item);
    assert.deepEqual(items.map(told), want.items.map(told), `aborted at ${at}`);
    assertSameState(model.stateDict(), want.state, `aborted at ${at}`);
    end();
  }
});

test('aborted before it began, fit does nothing', async () => {
  const { loader, model, trainer, end } = training();
  const before = [model.stateDict(), getRngState()];
  const run = async () => {
    const signal = AbortSignal.abort();
    for await (const _ of trainer.fit(loader, { epochs: 1, signal })) assert.fail('a step');
  };
  await assert.rejects(run, { name: 'AbortError' });
  assert.deepEqual([model.stateDict(), getRngState()], before);
  end();
});

test('a page can abort it from outside: fit yields to the event loop', async () => {
  const { loader, trainer, end } = training();
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  const run = async () => {
    const options = { epochs: 1_000_000, signal: controller.signal };
    for await (const _ of trainer.fit(loader, options));
  };
  await assert.rejects(run, { name: 'AbortError' });
  end();
});

test('arrays, generators that start anew and asynchronous ones are data too', async () => {
  const run = async (/** @type {(loader: DataLoader) => any} */ dataOf) => {
    const { loader, model, trainer, end } = training();
    const losses = [];
    for await (const { loss } of trainer.fit(dataOf(loader), { epochs: 2 })) losses.push(loss);
    const state = model.stateDict();
    end();
    return { losses, state };
  };
  const want = await run((loader) => loader);
  const iterable = await run((loader) => ({ [Symbol.iterator]: () => loader[Symbol.iterator]() }));
  const later = await run((loader) => ({
    async *[Symbol.asyncIterator]() {
      for (const batch of loader) {
        await null;
        yield batch;
      }
    },
  }));
  assert.deepEqual(iterable.losses, want.losses);
  assert.deepEqual(later.losses, want.losses);
  assertSameState(later.state, want.state, 'asynchronous');

  const { loader, trainer, end } = training();
  const batches = [...loader];
  let steps = 0;
  for await (const _ of trainer.fit(batches, { epochs: 2 })) steps++;
  assert.equal(steps, 6);
  end();
});

test('an iterator that is at its end is named as the mistake', async () => {
  const { loader, trainer, end } = training();
  const once = (function* () {
    yield* loader;
  })();
  let steps = 0;
  const run = async () => {
    for await (const _ of trainer.fit(once, { epochs: 2 })) steps++;
  };
  await assert.rejects(run, { name: 'ArgumentError', message: /data.*epoch 1/ });
  assert.equal(steps, 3);
  end();
});

test('an error in the loop or in the data reaches the caller, the model intact', async () => {
  const { loader, model, trainer, end } = training();
  const run = async () => {
    for await (const _ of trainer.fit(loader, { epochs: 2 })) throw new RangeError('mine');
  };
  await assert.rejects(run, { name: 'RangeError', message: 'mine' });
  const state = model.stateDict();
  const broken = async () => {
    const data = [{ input: new Float32Array(3), target: new Float32Array(1), batch: 1 }];
    for await (const _ of trainer.fit(data, { epochs: 1 }));
  };
  await assert.rejects(broken, ShapeError);
  assertSameState(model.stateDict(), state, 'weights');
  end();
});

test('gone on after a step that threw: the batch comes again, the mean is of all', async () => {
  const { trainer, end } = training();
  const inputs = values(8 * T * I, 1);
  const place = 3 * T * I; // sample 3: the second of four batches
  inputs[place] = NaN;
  const loader = new DataLoader({ inputs, targets: values(8, 2), samples: 8, batchSize: 2 });
  const items = [];
  const run = async () => {
    for await (const item of trainer.fit(loader, { epochs: 1 })) items.push(item);
  };
  await assert.rejects(run, NonFiniteError);
  await assert.rejects(run, NonFiniteError);
  assert.equal(items.length, 1);
  inputs[place] = 0.5; // the loader has not copied them
  await run();
  assert.equal(items.length, 4);
  const mean = items.reduce((sum, { loss }) => sum + loss, 0) / 4;
  assertClose([items[3].epochLoss], [mean], { R: 1e-12 }, 'epochLoss');
  end();
});

test('a DataLoader gives [N][T][I]: other models are refused', async () => {
  const make = (batchFirst) => new Sequential(new GRU(I, 1, { batchFirst }), new LastStep());
  const { loader, end } = training();
  for (const batchFirst of [false, true]) {
    const model = make(batchFirst);
    const loss = new MSELoss();
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const trainer = new Trainer(model, { loss, optimizer });
    const run = async () => {
      for await (const _ of trainer.fit(loader, { epochs: 1 }));
    };
    if (batchFirst) await run();
    else await assert.rejects(run, { name: 'ArgumentError', message: /batchFirst/ });
    dispose(trainer, optimizer, loss, model);
  }
  end();
});

test('fit checks its arguments when it is first asked for a step', async () => {
  const { loader, trainer, optimizer, end } = training();
  const scheduler = new ExponentialLR(optimizer, { gamma: 0.9 });
  for (const [data, options, text] of /** @type {[any, any, RegExp][]} */ ([
    [loader, {}, /epochs/],
    [loader, { epochs: 0 }, /epochs/],
    [loader, { epochs: -1 }, /epochs/],
    [loader, { epochs: 1.5 }, /epochs/],
    [loader, { epochs: NaN }, /epochs/],
    [loader, { epochs: '3' }, /epochs/],
    [loader, { epochs: 1, signal: {} }, /signal/],
    [loader, { epochs: 1, scheduler: optimizer }, /scheduler/],
    [loader, { epochs: 1, schedule: scheduler }, /schedule/],
    [loader, { epochs: 1, targetShape: 4 }, /targetShape/],
    [7, { epochs: 1 }, /data/],
    [null, { epochs: 1 }, /data/],
    [loader, undefined, /fit/],
    [[{ input: [1, 2], target: new Float32Array(1), batch: 1 }], { epochs: 1 }, /input/],
    [[{ input: new Float32Array(2), target: [1], batch: 1 }], { epochs: 1 }, /target/],
    [
      [{ input: new Float32Array(2), target: new Float32Array(1), batch: 0 }],
      { epochs: 1 },
      /batch/,
    ],
    [[null], { epochs: 1 }, /data/],
  ])) {
    await assert.rejects(
      async () => {
        for await (const _ of trainer.fit(data, options));
      },
      (/** @type {any} */ error) => {
        assert.ok(error instanceof ArgumentError || error instanceof ShapeError, `${error.stack}`);
        assert.match(error.message, text);
        return true;
      },
    );
  }
  end();
});
