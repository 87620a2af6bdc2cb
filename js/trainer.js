// The whole step in one call into WebAssembly, and the loop over epochs around it.

import {
  describe,
  expectFloats,
  expectNumber,
  expectOneOf,
  expectOptions,
  expectSize,
  product,
  shapeText,
  stepsOf,
} from './check.js';
import {
  attempt,
  call,
  double,
  failure,
  handleOf,
  Resource,
  STATUS,
  signedWord,
  stage,
  word,
  writeAt,
  writeInts,
} from './core.js';
import { DataLoader } from './data.js';
import { ArgumentError, NonFiniteError, ShapeError } from './errors.js';
import { Loss, warnBroadcast } from './loss.js';
import { expectModule } from './module.js';
import { Optimizer } from './optim.js';
import { Schedule } from './schedule.js';

/** @typedef {import('./data.js').Batch} Batch */
/** @typedef {import('./module.js').Module} Module */
/**
 * Where a training stands. epoch and step count from 0; epochLoss is the running mean of the epoch's batch
 * losses, without those of steps that onNonFinite 'skip' passed over (NaN while there is no other).
 * @typedef {{ epoch: number, step: number, loss: number, epochLoss: number, stepsPerSecond: number }} Progress
 */

/** @type {readonly ['throw', 'skip', 'ignore']} as src/unrolled.h numbers them */
const POLICIES = ['throw', 'skip', 'ignore'];
/** How long fit works before the page may do something else, in milliseconds. */
const SLICE = 8;
/** Steps per second are averaged over about this long, in milliseconds. */
const SPEED_WINDOW = 500;

/**
 * Zero the gradients, forward, loss, backward, clip, update: one call into WebAssembly a step, nothing
 * allocated in it. Updates the optimizer's parameters, and leaves train() and eval() as they are.
 */
export class Trainer extends Resource {
  #model;
  #loss;
  #policy;
  #inputs;
  #usesTime;
  #batchFirst;
  #steps = 0;
  #slice = SLICE;
  #breathe = breathe;
  #skipped = false; // the last step updated nothing
  /** @type {WeakMap<DataLoader, import('./data.js').Epoch>} epochs that fit has not finished */
  #interrupted = new WeakMap();

  /**
   * @param {Module} model
   * @param {{ loss: Loss, optimizer: Optimizer, clipNorm?: number,
   *   onNonFinite?: 'throw' | 'skip' | 'ignore' }} options
   *   clipNorm: the largest norm of the gradients of the optimizer's parameters together (default: no clipping).
   *   onNonFinite, for a loss or gradient that is not finite: 'throw' (default) a NonFiniteError before
   *   the weights change, 'skip' the update, or 'ignore'.
   */
  constructor(model, options) {
    const what = 'Trainer';
    expectModule(model, `${what} model`);
    expectOptions(options, ['loss', 'optimizer', 'clipNorm', 'onNonFinite'], what);
    const { loss, optimizer, clipNorm, onNonFinite = 'throw' } = options;
    if (!(loss instanceof Loss)) {
      throw new ArgumentError(`${what} loss: expected a loss, got ${describe(loss)}`);
    }
    if (loss.reduction === 'none') {
      throw new ArgumentError(`${what} loss: expected reduction 'mean' or 'sum', got 'none'`);
    }
    if (!(optimizer instanceof Optimizer)) {
      throw new ArgumentError(
        `${what} optimizer: expected an optimizer, got ${describe(optimizer)}`,
      );
    }
    if (clipNorm !== undefined) expectNumber(clipNorm, `${what} clipNorm`, Number.MIN_VALUE);
    const policy = expectOneOf(onNonFinite, POLICIES, `${what} onNonFinite`);
    const status = attempt(
      'trainer_create',
      handleOf(model, `${what} model`),
      handleOf(loss, `${what} loss`),
      handleOf(optimizer, `${what} optimizer`),
      clipNorm ?? 0,
      POLICIES.indexOf(policy),
    );
    if (status === STATUS.ARGUMENT) {
      throw new ArgumentError(
        `${what} model: a ${Resource.kindOf(model)} takes single steps; train it by hand`,
      );
    }
    if (status < 0) throw failure(status, what);
    super(what, status);
    this.#model = model;
    this.#loss = loss;
    /** @readonly */
    this.optimizer = optimizer;
    this.#policy = policy;
    call('module_info', handleOf(model));
    this.#inputs = word(1) || 1;
    this.#usesTime = word(3) === 1;
    this.#batchFirst = word(4) === 1;
  }

  /**
   * @param {Float32Array} input  [N][T][I] with a batchFirst model, else [T][N][I]
   * @param {Float32Array | Int32Array} target
   *   of the prediction's length (class losses: one index a row), or as targetShape says
   * @param {{ batch?: number, targetShape?: readonly number[] }} [options]
   *   batch: N (default 1). targetShape: how the target broadcasts; one entry may be −1.
   * @returns {number}  the loss before the update
   * @throws {NonFiniteError} before the weights change, unless onNonFinite says otherwise
   */
  step(input, target, options = {}) {
    const handle = handleOf(this);
    const what = 'Trainer step';
    expectOptions(options, ['batch', 'targetShape'], what);
    const N = options.batch === undefined ? 1 : expectSize(options.batch, `${what} batch`);
    const x = expectFloats(input, `${what} input`);
    const t = Loss.expectTarget(this.#loss, target, `${what} target`);
    const T = stepsOf(x.length, N, this.#inputs, `${what} input`);
    const shape = resolveShape(options.targetShape, t.length, `${what} targetShape`);

    const prediction = this.#reserve(handle, T, N, t, shape, what);
    writeAt(word(0), x);
    writeAt(word(1), t);
    const status = attempt('trainer_step', handle);
    if (status === STATUS.TARGET) throw Loss.badTarget(what, word(0), t);
    this.#skipped = status === STATUS.NONFINITE;
    if (this.#skipped) this.#nonFinite(signedWord(2));
    else if (status < 0) throw failure(status, what);
    this.#steps++;
    const loss = double(0);
    if (shape && !Loss.takesClasses(this.#loss)) {
      // last: console.warn may be the caller's own
      warnBroadcast(Resource.kindOf(this.#loss), prediction, shape);
    }
    return loss;
  }

  /**
   * @param {number} handle
   * @param {number} T
   * @param {number} N
   * @param {Float32Array | Int32Array} target
   * @param {number[] | null} shape
   * @param {string} what
   * @returns {number[]}  with a shape given: the prediction's
   */
  #reserve(handle, T, N, target, shape, what) {
    let at = 0;
    if (shape) {
      at = stage(4 * Math.max(1, shape.length));
      writeInts(at, shape);
    }
    const [steps, rows] = this.#usesTime ? [T, N] : [1, T * N];
    const dims = shape ? shape.length : -1;
    const { length } = target;
    const status = attempt('trainer_reserve', handle, steps, rows, this.#inputs, dims, at, length);
    if (status === STATUS.TARGET) {
      throw new ShapeError(
        `${what} target: expected ${word(0)} values, ` +
          `${Loss.takesClasses(this.#loss) ? 'one class a row of the prediction' : 'as in the prediction'}, ` +
          `got ${length}; targetShape says how another shape broadcasts`,
      );
    }
    if (status === STATUS.SHAPE) {
      throw new ShapeError(
        shape
          ? `${what} targetShape: ${shapeText(shape)} does not fit the prediction`
          : `${what}: the model does not take this input, or the loss's weights do not fit the classes`,
      );
    }
    if (status < 0) throw failure(status, what);
    // only a target of another shape is ever compared with it
    return shape ? Array.from({ length: word(4) }, (_, i) => word(5 + i)) : [];
  }

  /** @param {number} number  of the parameter; −1: the loss */
  #nonFinite(number) {
    if (this.#policy === 'skip') return;
    const parameter = number < 0 ? null : this.#model.parameters()[number].name;
    throw new NonFiniteError(this.#steps, parameter);
  }

  /**
   * Trains for a number of epochs, yielding one item a step, and yielding to the event loop by time,
   * often enough to keep a page alive. Stops within one step when `signal` aborts (throws its reason) or
   * the loop breaks; the model is intact. Called again with the same DataLoader it goes on inside the
   * interrupted epoch, which then counts as the first: the bits of an unbroken run. A batch whose step
   * failed comes again then; onNonFinite 'skip' passes over those that are not finite.
   * @param {DataLoader | Iterable<Batch> | AsyncIterable<Batch>} data
   * @param {{ epochs: number, signal?: AbortSignal, scheduler?: Schedule,
   *   targetShape?: readonly number[] }} options
   *   The scheduler steps once an epoch, with the epoch's mean loss.
   * @returns {AsyncGenerator<Progress, void, undefined>}
   */
  async *fit(data, options) {
    handleOf(this);
    const { epochs, signal, scheduler, targetShape } = this.#checkFit(data, options);
    const speed = new Speed(this.#slice);
    let step = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      signal?.throwIfAborted();
      const loader = data instanceof DataLoader ? data : null;
      const walk = loader
        ? DataLoader.begin(loader, this.#interrupted.get(loader))
        : { order: new Int32Array(0), place: 0, lossSum: 0, losses: 0 };
      if (loader) this.#interrupted.set(loader, walk);
      const batches = loader ? DataLoader.walk(loader, walk) : data;
      let ended = false;
      const end = () => {
        ended = true;
        if (loader) this.#interrupted.delete(loader);
        scheduler?.step(walk.lossSum / walk.losses);
      };
      for await (const item of batches) {
        if (typeof item !== 'object' || item === null) {
          throw new ArgumentError(
            `Trainer fit data: expected { input, target, batch }, got ${describe(item)}`,
          );
        }
        const { input, target, batch } = item;
        const loss = this.step(input, target, { batch, targetShape });
        walk.place++;
        if (!this.#skipped) {
          walk.lossSum += loss;
          walk.losses++;
        }
        // before the item is handed out: whoever stops there has seen the epoch end
        if (loader && DataLoader.finished(loader, walk)) end();
        yield { epoch, step: step++, loss, epochLoss: walk.lossSum / walk.losses, ...speed.tick() };
        if (speed.due()) await this.#breathe();
        speed.resume();
        signal?.throwIfAborted();
      }
      if (walk.place === 0) {
        throw new ArgumentError(
          `Trainer fit data: no batch in epoch ${epoch}; an iterator can be walked only once, pass an ` +
            'object that starts anew',
        );
      }
      if (!ended) {
        if (loader) DataLoader.finished(loader, walk);
        end();
      }
    }
  }

  /**
   * How fit yields to the event loop.
   * @internal
   * @param {Trainer} trainer
   * @param {number} slice  how long it works before, in milliseconds
   * @param {() => Promise<void>} breathe  one turn of the event loop
   */
  static pace(trainer, slice, breathe) {
    trainer.#slice = slice;
    trainer.#breathe = breathe;
  }

  /** @param {unknown} data @param {any} options */
  #checkFit(data, options) {
    const what = 'Trainer fit';
    expectOptions(options, ['epochs', 'signal', 'scheduler', 'targetShape'], what);
    const { epochs, signal, scheduler, targetShape } = options;
    expectSize(epochs, `${what} epochs`);
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new ArgumentError(`${what} signal: expected an AbortSignal, got ${describe(signal)}`);
    }
    if (scheduler !== undefined && !(scheduler instanceof Schedule)) {
      throw new ArgumentError(`${what} scheduler: expected a schedule, got ${describe(scheduler)}`);
    }
    const walks = /** @type {any} */ (data);
    if (
      typeof walks?.[Symbol.iterator] !== 'function' &&
      typeof walks?.[Symbol.asyncIterator] !== 'function'
    ) {
      throw new ArgumentError(
        `${what} data: expected a DataLoader or an iterable of batches, got ${describe(data)}`,
      );
    }
    if (data instanceof DataLoader && this.#usesTime && !this.#batchFirst) {
      throw new ArgumentError(
        `${what} data: a DataLoader gives [N][T][I], so the model must be batchFirst`,
      );
    }
    return { epochs, signal, scheduler, targetShape };
  }
}

/** @param {readonly number[] | undefined} shape @param {number} length @param {string} what */
function resolveShape(shape, length, what) {
  if (shape === undefined) return null;
  if (!Array.isArray(shape)) {
    throw new ArgumentError(`${what}: expected an array of sizes, got ${describe(shape)}`);
  }
  const open = shape.indexOf(-1);
  const known = shape.map((size, i) => (i === open ? 1 : expectSize(size, `${what}[${i}]`)));
  if (open >= 0) known[open] = length / product(known);
  if (product(known) !== length || !known.every(Number.isInteger) || length === 0) {
    throw new ShapeError(`${what}: ${shapeText(shape)} does not hold ${length} values`);
  }
  return known;
}

/** Steps per second, and whether it is time to let others in. */
class Speed {
  #slice;
  #sliceFrom = performance.now();
  #from = performance.now();
  #count = 0;
  #rate = 0;

  /** @param {number} slice */
  constructor(slice) {
    this.#slice = slice;
  }

  tick() {
    const now = performance.now();
    this.#count++;
    const passed = now - this.#from;
    if (passed > 0 && (this.#rate === 0 || passed > SPEED_WINDOW)) {
      this.#rate = (1000 * this.#count) / passed;
    }
    if (passed > SPEED_WINDOW) {
      this.#from = now;
      this.#count = 0;
    }
    return { stepsPerSecond: this.#rate };
  }

  due() {
    return performance.now() - this.#sliceFrom >= this.#slice;
  }

  resume() {
    if (this.due()) this.#sliceFrom = performance.now();
  }
}

/** One turn of the event loop, without the delay that timers have. @returns {Promise<void>} */
function breathe() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
