// What worker.test.js calls in the page. No bundler: the library as it ships.

import * as unrolled from '../../dist/index.js';
import { openWorker } from '../../dist/worker.js';

const { Adam, DataLoader, Dropout, LastStep, Linear, LSTM, MSELoss, Sequential, Trainer } =
  unrolled;
const { init, manualSeed, readSafetensorsMetadata, saveCheckpoint } = unrolled;

/** Every worker that is made. @type {Worker[]} */
const made = [];
const Native = globalThis.Worker;
globalThis.Worker = class extends Native {
  /** @param {string | URL} url @param {WorkerOptions} options */
  constructor(url, options) {
    super(url, options);
    made.push(this);
  }
};

const [SAMPLES, T, STEPS] = [11, 4, 3];
const wave = Float32Array.from({ length: SAMPLES * T }, (_, i) => Math.sin(i));
const DATA = {
  inputs: wave,
  targets: wave.slice(0, SAMPLES),
  samples: SAMPLES,
  batchSize: 4,
  shuffle: true,
};
/** @type {import('unrolled/worker').ModelDescription} */
const MODEL = {
  modules: {
    rnn: ['LSTM', 1, 24, { batchFirst: true, numLayers: 2, dropout: 0.2 }],
    last: ['LastStep'],
    drop: ['Dropout', 0.25],
    fc: ['Linear', 24, 1],
  },
  seed: 7,
};
/** @type {import('unrolled/worker').TrainingDescription} */
const TRAINING = { loss: ['MSELoss'], optimizer: ['Adam', { lr: 0.02 }], clipNorm: 0.5 };
const FOREVER = 1_000_000;

/** A whole training on the page's own thread. @param {number} epochs */
async function unbroken(epochs) {
  await init();
  manualSeed(7);
  const model = new Sequential({
    rnn: new LSTM(1, 24, { batchFirst: true, numLayers: 2, dropout: 0.2 }),
    last: new LastStep(),
    drop: new Dropout(0.25),
    fc: new Linear(24, 1),
  });
  const loss = new MSELoss();
  const optimizer = new Adam(model.parameters(), { lr: 0.02 });
  const trainer = new Trainer(model, { loss, optimizer, clipNorm: 0.5 });
  const loader = new DataLoader(DATA);
  for await (const _ of trainer.fit(loader, { epochs }));
  const bytes = saveCheckpoint({ model, optimizer, loader });
  for (const thing of [trainer, optimizer, loss, model]) thing.dispose();
  return bytes;
}

/** @param {Uint8Array} bytes */
const numbersIn = (bytes) => JSON.parse(readSafetensorsMetadata(bytes)['unrolled.checkpoint']);

/** @param {Uint8Array} a @param {Uint8Array} b */
const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** How a promise rejects. @param {Promise<unknown>} promise */
const failure = (promise) =>
  promise.then(
    () => 'nothing',
    (error) => `${error.name}: ${error.message}`,
  );

/** In a worker, interrupted and gone on with, is a training what it is on the page? */
async function trains() {
  const library = await openWorker();
  const model = await library.create(MODEL, TRAINING);
  const items = [];
  for await (const item of model.fit(DATA, { epochs: 100 })) items.push(item);
  const whole = same(await model.saveCheckpoint(), await unbroken(100));

  const controller = new AbortController();
  const { signal } = controller;
  const run = model.fit(DATA, { epochs: FOREVER, signal });
  const first = await run.next();
  const answer = await model.forward(wave.subarray(0, T));
  const pending = run
    .next()
    .then(() => run.next())
    .then(() => run.next());
  controller.abort(new Error('enough'));
  const aborted = await failure(pending);
  for await (const _ of model.fit(DATA, { epochs: FOREVER })) break;

  const epochs = Math.floor(
    numbersIn(await model.saveCheckpoint()).optimizer.state[0].step / STEPS,
  );
  for await (const _ of model.fit(DATA, { epochs: 2 }));
  const broken = same(await model.saveCheckpoint(), await unbroken(epochs + 2));
  const wrong = await failure(model.forward(new Float32Array(0)));
  await library.close();
  const closed = await failure(model.stateDict());
  const ends = items.filter(({ step }) => step % STEPS === STEPS - 1).length;
  return { ends, whole, first: first.done, answer: answer.length, aborted, broken, wrong, closed };
}

/** However the worker is killed: how do pending calls end, and how does it go on from a checkpoint? */
async function dies() {
  /** @type {Record<string, (worker: Worker) => void>} */
  const ways = {
    terminated: (worker) => worker.terminate(),
    failed: (worker) => {
      worker.dispatchEvent(new ErrorEvent('error', { message: 'boom', cancelable: true }));
    },
    unreadable: (worker) => {
      worker.dispatchEvent(new MessageEvent('messageerror'));
    },
  };
  /** @type {Record<string, string[]>} */
  const failures = {};
  /** @type {Uint8Array | undefined} */
  let bytes;
  for (const [name, kill] of Object.entries(ways)) {
    const library = await openWorker();
    const model = await library.create(MODEL, TRAINING);
    if (bytes) await model.loadCheckpoint(bytes);
    const run = async () => {
      for await (const _ of model.fit(DATA, { epochs: FOREVER })) {
        bytes = await model.saveCheckpoint();
        if (numbersIn(bytes).loader.state.place) kill(made[made.length - 1]);
      }
    };
    failures[name] = [
      await failure(run()),
      await failure(model.stateDict()),
      await failure(library.create(MODEL)),
    ];
    await library.close();
  }
  const library = await openWorker();
  const model = await library.create(MODEL, TRAINING);
  await model.loadCheckpoint(bytes);
  const epochs = Math.floor(numbersIn(bytes).optimizer.state[0].step / STEPS) + 2;
  for await (const _ of model.fit(DATA, { epochs: 2 }));
  const restarted = same(await model.saveCheckpoint(), await unbroken(epochs));
  await library.close();
  return { failures, restarted };
}

/** The .wasm by an address as the page sees it, or compiled here; and what is not there. */
async function opens() {
  const address = '../../dist/unrolled.wasm';
  const module = await WebAssembly.compileStreaming(fetch(address));
  const answers = [];
  for (const wasm of [address, new URL(address, location.href), module]) {
    const library = await openWorker({ wasm });
    const model = await library.create(MODEL);
    answers.push((await model.forward(wave.subarray(0, T))).length);
    await library.close();
  }
  const noWasm = await failure(openWorker({ wasm: 'nothing.wasm' }));
  const { Worker } = globalThis;
  globalThis.Worker = class extends Worker {
    /** @param {string | URL} url @param {WorkerOptions} options */
    constructor(url, options) {
      super(new URL('nothing.js', url), options);
    }
  };
  const noScript = await failure(openWorker());
  globalThis.Worker = Worker;
  return { answers, noWasm, noScript };
}

Object.assign(globalThis, { tests: { trains, dies, opens } });
