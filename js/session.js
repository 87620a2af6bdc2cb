// A model in a worker, with its training and its random stream: the other end of a RemoteModel.

import { expectSize } from './check.js';
import { placeOf, planPlace, readCheckpoint, writeCheckpoint } from './checkpoint.js';
import { DataLoader } from './data.js';
import { makeModel, makeTraining } from './description.js';
import { StateError } from './errors.js';
import { Module } from './module.js';
import { noGrad } from './pass.js';
import { getRngState, manualSeed, setRngState } from './random.js';
import { Trainer } from './trainer.js';
import { addProgress } from './wire.js';

/** @typedef {import('./checkpoint.js').Place} Place */
/** @typedef {import('./data.js').Batch} Batch */
/** @typedef {import('./description.js').ModelDescription} ModelDescription */
/** @typedef {import('./description.js').TrainingDescription} TrainingDescription */
/** @typedef {import('./module.js').StateDict} StateDict */
/** @typedef {import('./trainer.js').Progress} Progress */

/** How long a training works before it looks for messages, in milliseconds; a longer step, then one. */
const SLICE = 1;
/** Between two messages of progress, in milliseconds. */
const FRAME = 16;
/** Why a training was told to stop. */
const STOPPED = Symbol('stopped');

// ---- Random streams: the library has one, models with a seed have one each --------------------------

/** @typedef {{ state: Uint8Array | null }} Stream  state: where it stands while another is drawn from */

/** @type {Stream} of models without a seed */
const common = { state: null };
let active = common;

/** From now on draws are from this stream. @param {Stream} stream */
function enter(stream) {
  if (stream === active) return;
  active.state = getRngState();
  if (stream.state) setRngState(stream.state);
  active = stream;
}

// ---- Turns of the event loop, far cheaper than a channel for each ------------------------------------

/** @type {(() => void)[]} */
const waiting = [];
const next = () => waiting.shift()?.();

function turns() {
  // Node would serve a channel that never runs dry a thousand times before it looks at another.
  const { setImmediate } = /** @type {any} */ (globalThis);
  if (setImmediate) return () => setImmediate(next);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = next;
  return () => port2.postMessage(null);
}

/** @type {(() => void) | null} */
let ask = null;

/** One turn: messages that wait are taken. @returns {Promise<void>} */
function turn() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    ask ??= turns();
    ask();
  });
}

/** Progress, at most once a frame. */
class News {
  /** @type {Progress[]} */
  #items = [];
  #sent = -Infinity;
  #post;

  /** @param {(items: Progress[]) => void} post */
  constructor(post) {
    this.#post = post;
  }

  /** @param {Progress} item */
  add(item) {
    addProgress(this.#items, item);
    if (performance.now() - this.#sent >= FRAME) this.flush();
  }

  flush() {
    if (this.#items.length > 0) this.#post(this.#items);
    this.#items = [];
    this.#sent = performance.now();
  }
}

export class Session {
  #model;
  #training;
  /** @type {Stream} */
  #stream = common;
  /** @type {{ run: number, loader: DataLoader, stop: AbortController, done: Promise<void> } | null} */
  #running = null;
  /** @type {{ place: Place, data: string | null } | null} where a fit ended, and in which data; null: in a file's */
  #left = null;
  #runs = 0; // the newest that has begun
  /** @type {Set<number>} told to stop before they began */
  #cancelled = new Set();

  /** @param {ModelDescription} description @param {TrainingDescription} [training] */
  constructor(description, training) {
    const { modules, seed } = description;
    if (seed !== undefined) this.#stream = { state: null };
    enter(this.#stream);
    if (seed !== undefined) manualSeed(seed);
    this.#model = makeModel(modules, 'create model modules');
    try {
      this.#training =
        training === undefined ? null : makeTraining(this.#model, training, 'create training');
    } catch (error) {
      this.#model.dispose();
      throw error;
    }
    if (this.#training) {
      Trainer.pace(this.#training.trainer, SLICE, async () => {
        await turn();
        enter(this.#stream); // another model may have drawn from its own
      });
    }
  }

  /** To be awaited, and entered, before every call: what was told to stop ends first. */
  async ready() {
    while (this.#running?.stop.signal.aborted) await this.#running.done;
    enter(this.#stream);
  }

  /** @param {string} what */
  #expectTraining(what) {
    if (this.#training) return this.#training;
    throw new StateError(`${what}: the model was created without a training`);
  }

  /** @param {string} what */
  #expectIdle(what) {
    if (!this.#running) return;
    throw new StateError(`${what}: the model is being trained by fit; stop that first`);
  }

  /** The answer of the model as it stands: no dropout, nothing kept. @param {Float32Array} input @param {object} [call] */
  forward(input, call = {}) {
    const modes = Module.tree(this.#model).map(([, module]) => module.training);
    this.#model.eval();
    try {
      return noGrad(() => this.#model.forward(input, call));
    } finally {
      Module.tree(this.#model).forEach(([, module], i) => {
        module.train(modes[i]);
      });
    }
  }

  /** @param {Batch} batch */
  step(batch) {
    const what = 'RemoteModel step';
    const { trainer } = this.#expectTraining(what);
    this.#expectIdle(what);
    return trainer.step(batch.input, batch.target, { batch: batch.batch });
  }

  /**
   * @param {(items: Progress[]) => void} post
   * @param {number} number  of the run: a later one has a larger
   * @param {string} name  of the data: the same arrays, in the same batches, have the same
   * @param {ConstructorParameters<typeof DataLoader>[0]} data
   * @param {{ epochs: number }} options
   */
  async fit(post, number, name, data, options) {
    const what = 'RemoteModel fit';
    const { trainer } = this.#expectTraining(what);
    this.#expectIdle(what);
    this.#runs = number;
    if (this.#cancelled.delete(number)) return;
    expectSize(options.epochs, `${what} epochs`);
    const loader = new DataLoader(data);
    const left = this.#left;
    if (left?.place.state.order && (left.data === null || left.data === name)) {
      planPlace(loader, left.place)();
    }
    const news = new News(post);
    const stop = new AbortController();
    let ended = () => {};
    /** @type {Promise<void>} */
    const done = new Promise((resolve) => {
      ended = resolve;
    });
    this.#running = { run: number, loader, stop, done };
    try {
      const items = trainer.fit(loader, { ...options, signal: stop.signal });
      for await (const item of items) news.add(item);
    } catch (error) {
      if (error !== STOPPED) throw error;
    } finally {
      news.flush();
      this.#left = { place: placeOf(loader), data: name };
      this.#running = null;
      ended();
    }
  }

  /** Ends a fit within one step, or before it has begun. @param {number} number  of the run */
  stop(number) {
    if (this.#running?.run === number) this.#running.stop.abort(STOPPED);
    else if (number > this.#runs) this.#cancelled.add(number);
  }

  stateDict() {
    return this.#model.stateDict();
  }

  /** @param {StateDict} state */
  loadStateDict(state) {
    this.#expectIdle('RemoteModel loadStateDict');
    this.#model.loadStateDict(state);
  }

  get #parts() {
    const { optimizer } = this.#training ?? {};
    return { model: this.#model, ...(optimizer && { optimizer }) };
  }

  saveCheckpoint() {
    const place = this.#running ? placeOf(this.#running.loader) : this.#left?.place;
    return writeCheckpoint(this.#parts, place);
  }

  /** @param {Uint8Array} bytes */
  loadCheckpoint(bytes) {
    this.#expectIdle('RemoteModel loadCheckpoint');
    const { load, place } = readCheckpoint(bytes, this.#parts);
    if (this.#stream === common) {
      this.#stream = { state: null };
      enter(this.#stream); // the file's state is nobody else's
    }
    load();
    this.#left = place ? { place, data: null } : null;
  }

  async dispose() {
    const running = this.#running;
    running?.stop.abort(new StateError('this model was disposed while fit trained it'));
    await running?.done;
    const { trainer, optimizer, loss } = this.#training ?? {};
    for (const thing of [trainer, optimizer, loss, this.#model]) thing?.dispose();
  }
}
