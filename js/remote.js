// The page's side of a worker: calls under way, and models that live there.

import { describe, expectOptions } from './check.js';
import { foreign } from './core.js';
import { ArgumentError, StateError } from './errors.js';
import { addProgress, copied, receiveError } from './wire.js';

/** @typedef {import('./data.js').Batch} Batch */
/** @typedef {import('./description.js').ModelDescription} ModelDescription */
/** @typedef {import('./description.js').TrainingDescription} TrainingDescription */
/** @import { StateDict } from './module.js' */
/** @typedef {import('./trainer.js').Progress} Progress */
/** @typedef {import('./wire.js').Answer} Answer */
/**
 * What fit trains on: as DataLoader takes it.
 * @typedef {{ inputs: Float32Array, targets: Float32Array | Int32Array, samples: number,
 *   batchSize?: number, shuffle?: boolean, dropLast?: boolean }} RemoteData
 */
/**
 * A worker, whatever the platform calls its parts.
 * @typedef {object} Thread
 * @property {(message: unknown, transfer: Transferable[]) => void} post  sends it a message
 * @property {(busy: boolean) => void} hold  whether the process must stay alive for it
 * @property {() => unknown} end  ends it at once
 */
/**
 * @typedef {{ resolve: (value: any) => void, reject: (error: Error) => void,
 *   news?: (items: Progress[]) => void }} Pending
 */

/** A worker and the calls under way in it. */
export class Link {
  #thread;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  #calls = 0;
  #held = 0;
  /** @type {string | null} why it is no more */
  #end = null;
  /** @type {unknown} a promise where that takes time */
  #ended;

  /** @param {(answer: (answer: Answer) => void, died: (why: string) => void) => Thread} start */
  constructor(start) {
    this.#thread = start(
      (answer) => this.#take(answer),
      (why) => this.die(why),
    );
    this.#thread.hold(false);
  }

  /** @param {Answer} answer */
  #take({ id, value, error, news, fatal }) {
    if (fatal) return this.die(fatal);
    const pending = this.#pending.get(id);
    if (!pending) return;
    if (news) {
      pending.news?.(news);
      return;
    }
    this.#pending.delete(id);
    if (error) pending.reject(receiveError(error));
    else pending.resolve(value);
  }

  /** Whatever is under way, or called from now on, is a StateError. @param {string} why */
  die(why) {
    if (this.#end !== null) return;
    this.#end = why;
    for (const { reject } of this.#pending.values()) reject(this.#gone());
    this.#pending.clear();
    this.#ended = this.#thread.end();
  }

  #gone() {
    return new StateError(`the worker ${this.#end}: what it had is lost; open another`);
  }

  async close() {
    this.die('was closed');
    await this.#ended;
  }

  /**
   * @param {string} name
   * @param {number} model  0: none
   * @param {unknown[]} args  whose arrays are copied
   * @param {(items: Progress[]) => void} [news]
   * @returns {Promise<any>}
   */
  send(name, model, args, news) {
    if (this.#end !== null) return Promise.reject(this.#gone());
    const id = ++this.#calls;
    return new Promise((resolve, reject) => {
      /** @type {Transferable[]} */
      const transfer = [];
      try {
        const own = args.map((arg) => copied(arg, transfer));
        this.#thread.post({ id, name, model, args: own }, transfer);
      } catch (error) {
        reject(unsent(error, name, args));
        return;
      }
      this.#pending.set(id, { resolve, reject, news });
    });
  }

  /**
   * As send; the process stays alive for the answer.
   * @param {string} name
   * @param {number} model
   * @param {unknown[]} args
   */
  call(name, model, args) {
    return this.hold(this.send(name, model, args));
  }

  /**
   * The process stays alive until this promise is settled.
   * @template T
   * @param {Promise<T>} promise
   * @returns {Promise<T>}
   */
  async hold(promise) {
    if (this.#held++ === 0 && this.#end === null) this.#thread.hold(true);
    try {
      return await promise;
    } finally {
      // One that ends is waited for.
      if (--this.#held === 0 && this.#end === null) this.#thread.hold(false);
    }
  }
}

/** What the arguments of calls are called, where they are the caller's. @type {Record<string, string[]>} */
const ARGUMENTS = {
  init: ['openWorker wasm'],
  create: ['create model', 'create training'],
  forward: ['RemoteModel forward input', 'RemoteModel forward options'],
  fit: ['', '', 'RemoteModel fit data', 'RemoteModel fit options'],
  step: ['RemoteModel step batch'],
  loadStateDict: ['RemoteModel loadStateDict state'],
  loadCheckpoint: ['RemoteModel loadCheckpoint bytes'],
};

/** @param {any} error @param {string} name @param {unknown[]} args */
function unsent(error, name, args) {
  if (error?.name !== 'DataCloneError') return error;
  const culprit = args.findIndex((arg) => !crosses(arg));
  const member = Object.entries(args[culprit] ?? {}).find(([, inner]) => !crosses(inner))?.[0];
  const what = [ARGUMENTS[name]?.[culprit] ?? name, member].filter(Boolean).join(' ');
  return new ArgumentError(
    `${what}: expected plain data, which a worker can be sent: ${error.message}`,
  );
}

/** @param {unknown} value */
function crosses(value) {
  try {
    structuredClone(copied(value, []));
    return true;
  } catch {
    return false;
  }
}

/** A library in a worker. */
export class RemoteLibrary {
  #link;

  /** @param {Link} link */
  constructor(link) {
    this.#link = link;
  }

  /**
   * Makes a model there, and a training for it.
   *
   *     const model = await library.create(
   *       {
   *         modules: { rnn: ['LSTM', 1, 32, { batchFirst: true }], last: ['LastStep'], fc: ['Linear', 32, 1] },
   *         seed: 1,
   *       },
   *       { loss: ['MSELoss'], optimizer: ['Adam', { lr: 0.01 }], clipNorm: 1 },
   *     );
   *
   * With a seed the model has a random stream of its own: it begins, shuffles and drops out as after
   * manualSeed(seed) in a program that does nothing else, whatever else the worker does. Models without
   * one share a stream.
   * @param {ModelDescription} model
   * @param {TrainingDescription} [training]  what step and fit need
   * @returns {Promise<RemoteModel>}
   * @throws {ArgumentError} for a kind that is not known, or arguments that its class refuses
   */
  async create(model, training) {
    const link = RemoteLibrary.#linkOf(this);
    expectOptions(model, ['modules', 'seed'], 'create model'); // what is inherited would not cross
    if (training !== undefined)
      expectOptions(training, ['loss', 'optimizer', 'clipNorm'], 'create training');
    return new RemoteModel(link, await link.call('create', 0, [model, training]));
  }

  /**
   * Ends the worker at once, with all that is in it: what is under way, and any later call, is a
   * StateError.
   * @returns {Promise<void>}
   */
  async close() {
    await RemoteLibrary.#linkOf(this).close();
  }

  /** @param {RemoteLibrary} library */
  static #linkOf(library) {
    if (typeof library !== 'object' || library === null || !(#link in library)) throw foreign();
    return library.#link;
  }
}

/** What a page may forget to dispose of. */
const forgotten =
  typeof FinalizationRegistry === 'undefined'
    ? null
    : new FinalizationRegistry((/** @type {{ link: Link, id: number }} */ { link, id }) => {
        link.send('dispose', id, []).catch(() => {}); // it may have ended
      });

/** Each array that fit was given, by a number: the worker cannot know it again by itself. */
const numbers = new WeakMap();
let numbered = 0;

/** @param {any} array */
function numberOf(array) {
  if (typeof array !== 'object' || array === null) return 0;
  if (!numbers.has(array)) numbers.set(array, ++numbered);
  return numbers.get(array);
}

/** The same for the same arrays in the same batches. @param {any} data */
function nameOf(data) {
  const { inputs, targets, samples, batchSize = 1, shuffle = false, dropLast = false } = data ?? {};
  const settings = [samples, batchSize, shuffle, dropLast].map(describe);
  return [numberOf(inputs), numberOf(targets), ...settings].join(' ');
}

/**
 * A model in a worker. Calls are answered in order, also while fit trains: then between two steps. What
 * crosses is copied; no array of the caller's is ever detached, and what comes back is the caller's own.
 * After the worker has ended every call is a StateError, after dispose() too.
 */
export class RemoteModel {
  #link;
  #id;
  #disposed = false;
  #runs = 0;

  /** @param {Link} link @param {number} id */
  constructor(link, id) {
    this.#link = link;
    this.#id = id;
    forgotten?.register(this, { link, id }, this);
  }

  /**
   * @param {RemoteModel} model
   * @param {string} name
   * @param {...unknown} args
   */
  static async #call(model, name, ...args) {
    RemoteModel.#expectAlive(model);
    return model.#link.call(name, model.#id, args);
  }

  /** @param {RemoteModel} model */
  static #expectAlive(model) {
    RemoteModel.#expectOwn(model);
    if (model.#disposed) throw new StateError('this model was disposed');
  }

  /** @param {RemoteModel} model */
  static #expectOwn(model) {
    if (typeof model !== 'object' || model === null || !(#link in model)) throw foreign();
  }

  /**
   * The answer of the model as it stands: dropout is off, and nothing is drawn or kept, so that a
   * training under way does not notice.
   * @param {Float32Array} input  as Sequential.forward takes it
   * @param {{ batch?: number }} [call]  N (default 1)
   * @returns {Promise<Float32Array>}
   */
  async forward(input, call) {
    RemoteModel.#expectAlive(this);
    if (call !== undefined) expectOptions(call, ['batch'], 'RemoteModel forward');
    return RemoteModel.#call(this, 'forward', input, call);
  }

  /**
   * Trains, with the digits of Trainer.fit over a DataLoader of this data. The worker does not wait for
   * the loop's body: it trains on, and tells of it at most once a frame (16 ms). An item then is the
   * newest step; the last step of every epoch has its item too, and where epochs are shorter than a frame
   * they come one after the other.
   *
   * When `signal` aborts, the pending item rejects at once with its reason, as that of fetch does; when
   * the loop is left, the training has stopped when it is left. The worker stops within one step (or a
   * millisecond, if steps are shorter), the model intact. Called again with the same arrays and the same
   * settings fit goes on inside the interrupted epoch, which then counts as the first: the bits of an
   * unbroken run. After loadCheckpoint it goes on where the checkpoint stood, in data of the same settings.
   *
   * While it trains, forward, stateDict and saveCheckpoint are answered between two steps; step,
   * loadStateDict, loadCheckpoint and another fit are a StateError; dispose ends it.
   * @param {RemoteData} data
   *   inputs [S][…] and targets [S][…], copied each time; batchSize default 1
   * @param {{ epochs: number, signal?: AbortSignal }} options
   * @returns {AsyncGenerator<Progress, void, undefined>}
   */
  async *fit(data, options) {
    const what = 'RemoteModel fit';
    RemoteModel.#expectAlive(this);
    expectOptions(options, ['epochs', 'signal'], what);
    const { signal, ...rest } = options;
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new ArgumentError(`${what} signal: expected an AbortSignal, got ${describe(signal)}`);
    }
    signal?.throwIfAborted();

    const number = ++this.#runs;
    /** @type {Progress[]} */
    const queue = [];
    let wake = () => {};
    const take = (/** @type {Progress[]} */ items) => {
      for (const item of items) addProgress(queue, item);
      wake();
    };
    /** @type {{ failure?: unknown } | null} */
    let end = null;
    const run = this.#link.send('fit', this.#id, [number, nameOf(data), data, rest], take).then(
      () => {
        end = {};
        wake();
      },
      (failure) => {
        end = { failure };
        wake();
      },
    );
    const stop = () => {
      if (!end) this.#link.send('stop', this.#id, [number]).catch(() => {}); // it may be ending by itself
    };
    const abort = () => {
      stop();
      wake();
    };
    signal?.addEventListener('abort', abort);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const item = queue.shift();
        if (item) {
          yield item;
          continue;
        }
        if (end) break;
        /** @type {Promise<void>} */
        const more = new Promise((resolve) => {
          wake = resolve;
        });
        await this.#link.hold(more);
      }
      const { failure } = /** @type {{ failure?: unknown }} */ (end);
      if (failure) throw failure;
    } finally {
      signal?.removeEventListener('abort', abort);
      if (!end && !signal?.aborted) {
        stop();
        await this.#link.hold(run);
      }
    }
  }

  /**
   * One step of training.
   * @param {Batch} batch  as Trainer.step takes it: with batchFirst models input is [N][T][I]
   * @returns {Promise<number>}  the loss before the update
   */
  async step(batch) {
    RemoteModel.#expectAlive(this);
    expectOptions(batch, ['input', 'target', 'batch'], 'RemoteModel step');
    return RemoteModel.#call(this, 'step', batch);
  }

  /** Copies of all parameters, on an object without prototype. @returns {Promise<StateDict>} */
  async stateDict() {
    const state = await RemoteModel.#call(this, 'stateDict');
    return Object.assign(Object.create(null), state);
  }

  /** Checked first, as Module.loadStateDict: on an error nothing was loaded. @param {StateDict} state @returns {Promise<void>} */
  async loadStateDict(state) {
    await RemoteModel.#call(this, 'loadStateDict', state);
  }

  /**
   * As the library's saveCheckpoint: model, optimizer, the place in the data of the last fit, and the
   * random stream.
   * @returns {Promise<Uint8Array>}
   */
  async saveCheckpoint() {
    return RemoteModel.#call(this, 'saveCheckpoint');
  }

  /**
   * As the library's loadCheckpoint, into a model and a training that were described as those that were
   * saved: here, in another worker, or in a program of its own with Trainer and DataLoader.
   * @param {Uint8Array} bytes
   * @returns {Promise<void>}
   */
  async loadCheckpoint(bytes) {
    await RemoteModel.#call(this, 'loadCheckpoint', bytes);
  }

  /** Frees the memory of the model; ends its training. A second dispose does nothing. @returns {Promise<void>} */
  async dispose() {
    RemoteModel.#expectOwn(this);
    if (this.#disposed) return;
    this.#disposed = true;
    forgotten?.unregister(this);
    await this.#link.call('dispose', this.#id, []);
  }
}
