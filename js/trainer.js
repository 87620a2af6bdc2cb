// The whole step in one call into WebAssembly, and the loop over epochs around it.

import {
  ABOVE_ZERO,
  batchOf,
  expectFloats,
  expectInstance,
  expectNumber,
  expectShape,
  expectSize,
  expectWord,
  isRecord,
  misfit,
  settle,
  shapeText,
  stepsOf,
  wrong,
} from './check.js';
import { attempt, double, failure, handleOf, Resource, signedWord, word, writeAt } from './core.js';
import { DataLoader, newEpoch } from './data.js';
import { ArgumentError, NonFiniteError } from './errors.js';
import { badTarget, Loss } from './loss.js';
import { expectModule, Module } from './module.js';
import { Optimizer } from './optim.js';
import { stageInts } from './pass.js';
import { Schedule } from './schedule.js';
import * as STATUS from './status.js';

/** @typedef {import('./data.js').Batch} Batch */
/** @typedef {import('./check.js').Option} Option */
/**
 * Where a training stands. epoch and step count from 0; epochLoss is the running mean of the epoch's batch
 * losses, without those of steps that onNonFinite 'skip' passed over (NaN while there is no other).
 * @typedef {{ epoch: number, step: number, loss: number, epochLoss: number, stepsPerSecond: number }} Progress
 */

/** How long fit works before the page may do something else, in milliseconds. */
const SLICE = 8;
/** Steps per second are averaged over about this long, in milliseconds. */
const SPEED_WINDOW = 500;

/** As src/unrolled.h numbers them. @type {('throw' | 'skip' | 'ignore')[]} */
const POLICIES = ['throw', 'skip', 'ignore'];

const OPTIONS = /** @satisfies {Record<string, Option>} */ ({
  loss: [undefined, expectLoss],
  optimizer: [undefined, expectInstance, Optimizer, 'an optimizer'],
  clipNorm: [0, expectNumber, ABOVE_ZERO],
  onNonFinite: ['throw', expectWord, POLICIES],
});

/** The options of a step. */
const CALL = ['batch', 'targetShape'];

/** @type {Record<string, Option>} */
const FITTING = {
  epochs: [undefined, expectSize],
  signal: [null, expectInstance, AbortSignal, 'an AbortSignal'],
  scheduler: [null, expectInstance, Schedule, 'a schedule'],
  targetShape: [undefined, (shape) => shape], // step() checks it
};

/**
 * Zero the gradients, forward, loss, backward, clip, update: one call into WebAssembly a step, nothing
 * allocated in it. Updates the optimizer's parameters, and leaves train() and eval() as they are.
 */
export class Trainer extends Resource {
  #model;
  #loss;
  #policy;
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
    const { loss, optimizer, clipNorm, onNonFinite } = /** @type {Required<typeof options>} */ (
      settle(what, options, OPTIONS)
    );
    const status = attempt(
      'trainer_create',
      handleOf(model),
      handleOf(loss),
      handleOf(optimizer),
      clipNorm,
      POLICIES.indexOf(onNonFinite),
    );
    if (status < 0) {
      throw failure(status, what, {
        [STATUS.ARGUMENT]: wrong(`${what} model`, 'no cell, which is trained by hand', model),
      });
    }
    super(what, status);
    this.#model = model;
    this.#loss = loss; // also lest it be collected: the core holds its handle only
    /** @readonly */
    this.optimizer = optimizer;
    this.#policy = onNonFinite;
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
    const N = batchOf(options, what, CALL);
    const x = expectFloats(input, `${what} input`);
    const t = Loss.expectTarget(this.#loss, target, `${what} target`);
    const F = Module.inputs(this.#model);
    const T = stepsOf(x.length, N, F, `${what} input`);
    const { targetShape } = options;
    const shape =
      targetShape === undefined
        ? null
        : expectShape(targetShape, `${what} targetShape`, t.length, true);
    const prediction = this.#reserve(handle, T, N, F, t.length, shape, what);
    writeAt(word(0), x);
    writeAt(word(1), t);
    const status = attempt('trainer_step', handle);
    this.#skipped = status === STATUS.NONFINITE;
    if (this.#skipped) this.#nonFinite(signedWord(2));
    else if (status < 0) throw failure(status, what, { [STATUS.TARGET]: badTarget(what, t) });
    this.#steps++;
    const loss = double(0);
    if (shape) Loss.warnBroadcast(this.#loss, prediction, shape); // last: console.warn may be anyone's
    return loss;
  }

  /**
   * @param {number} handle
   * @param {number} T
   * @param {number} N
   * @param {number} F
   * @param {number} targets
   * @param {number[] | null} shape  of the target
   * @param {string} what
   * @returns {number[]}  with a shape given: the prediction's
   */
  #reserve(handle, T, N, F, targets, shape, what) {
    const at = shape ? stageInts(shape) : 0;
    const dims = shape ? shape.length : -1;
    const status = attempt('trainer_reserve', handle, T, N, F, dims, at, targets);
    if (status < 0) {
      throw failure(status, what, {
        [STATUS.TARGET]: misfit(
          `${what} target`,
          `${word(0)} values for the prediction, or a targetShape`,
          targets,
        ),
        [STATUS.SHAPE]: shape
          ? misfit(`${what} targetShape`, 'one that fits the prediction', shapeText(shape))
          : misfit(what, 'an input for the model, a weight for each class', 'others'),
      });
    }
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
    const what = 'Trainer fit';
    const { epochs, signal, scheduler, targetShape } = settle(what, options, FITTING);
    const walks = /** @type {any} */ (data);
    if (!walks?.[Symbol.iterator] && !walks?.[Symbol.asyncIterator]) {
      throw wrong(`${what} data`, 'a DataLoader or an iterable of batches', data);
    }
    const loader = data instanceof DataLoader ? data : null;
    if (loader && Module.timeFirst(this.#model)) {
      throw wrong(`${what} data`, 'a batchFirst model for its [N][T][I]', data);
    }
    const speed = speedometer();
    let from = performance.now(); // since when others have waited
    let step = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      signal?.throwIfAborted();
      const walk = loader
        ? DataLoader.begin(loader, this.#interrupted.get(loader))
        : newEpoch(new Int32Array(0));
      if (loader) this.#interrupted.set(loader, walk);
      let ended = false;
      const end = () => {
        ended = true;
        if (loader) {
          this.#interrupted.delete(loader);
          DataLoader.leave(loader, walk);
        }
        scheduler?.step(walk.lossSum / walk.losses);
      };
      for await (const item of loader ? DataLoader.walk(loader, walk) : data) {
        if (!isRecord(item)) throw wrong(`${what} data`, '{ input, target, batch }', item);
        const { input, target, batch } = item;
        const loss = this.step(input, target, { batch, targetShape });
        walk.place++;
        if (!this.#skipped) {
          walk.lossSum += loss;
          walk.losses++;
        }
        // before the item is handed out: whoever stops there has seen the epoch end
        if (walk.place === loader?.length) end();
        const epochLoss = walk.lossSum / walk.losses;
        yield { epoch, step: step++, loss, epochLoss, stepsPerSecond: speed() };
        if (performance.now() - from >= this.#slice) {
          await this.#breathe();
          from = performance.now();
        }
        signal?.throwIfAborted();
      }
      if (walk.place === 0) {
        throw new ArgumentError(
          `${what} data: expected batches in epoch ${epoch}, got none; an iterator serves one epoch`,
        );
      }
      if (!ended) end();
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
}

/** @param {unknown} value @param {string} name */
function expectLoss(value, name) {
  const loss = expectInstance(value, name, Loss, 'a loss');
  expectWord(loss.reduction, `${name} reduction`, ['mean', 'sum']);
  return loss;
}

/** What tells the steps per second, called after each. */
function speedometer() {
  let from = performance.now();
  let count = 0;
  let rate = 0;
  return () => {
    const passed = performance.now() - from;
    count++;
    if (passed > SPEED_WINDOW || (rate === 0 && passed > 0)) rate = (1000 * count) / passed;
    if (passed > SPEED_WINDOW) {
      from += passed;
      count = 0;
    }
    return rate;
  };
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
