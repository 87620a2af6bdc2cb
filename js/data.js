// Batches in the order of PyTorch's DataLoader.

import { allocate } from './allocate.js';
import { describe, expectBoolean, expectFloats, expectOptions, expectSize } from './check.js';
import { stable } from './core.js';
import { ArgumentError, ShapeError, StateError } from './errors.js';
import { epochOrder } from './random.js';

/**
 * Some samples, one behind the other, with their targets; batch says how many.
 * @typedef {{ input: Float32Array, target: Float32Array | Int32Array, batch: number }} Batch
 */
/**
 * One walk through the data: the order of the samples, how many batches of it are done, and the sum of
 * their losses for whoever trains, with how many there are in it: a step that was skipped has none.
 * @typedef {{ order: Int32Array, place: number, lossSum: number, losses: number }} Epoch
 */
/** @typedef {{ samples: number, batchSize: number, shuffle: boolean, dropLast: boolean }} Settings */

/**
 * The same seed gives the shuffles of torch.utils.data.DataLoader: each epoch draws its order from the
 * global stream when it begins. A batch is [N][T][I], so it feeds batchFirst models.
 * @implements {Iterable<Batch>}
 */
export class DataLoader {
  #inputs;
  #targets;
  #samples;
  #batchSize;
  #shuffle;
  #dropLast;
  /** @type {Epoch | null} where the walk that is on its way stands, for stateDict */
  #walking = null;
  /** @type {Epoch | 'new' | null} what loadStateDict gave: the next walk goes on there, or begins anew */
  #loaded = null;

  /**
   * @param {{ inputs: Float32Array, targets: Float32Array | Int32Array, samples: number,
   *   batchSize?: number, shuffle?: boolean, dropLast?: boolean }} options
   *   inputs [S][…] and targets [S][…], neither copied; batchSize default 1; dropLast leaves out a
   *   short last batch
   */
  constructor(options) {
    const what = 'DataLoader';
    const known = ['inputs', 'targets', 'samples', 'batchSize', 'shuffle', 'dropLast'];
    expectOptions(options, known, what);
    const { inputs, targets, samples, batchSize = 1, shuffle = false, dropLast = false } = options;
    this.#samples = expectSize(samples, `${what} samples`);
    this.#inputs = expectFloats(inputs, `${what} inputs`);
    if (!(targets instanceof Float32Array || targets instanceof Int32Array)) {
      throw new ArgumentError(
        `${what} targets: expected a Float32Array, or an Int32Array of classes, got ${describe(targets)}`,
      );
    }
    this.#targets = stable(targets);
    for (const [name, data] of /** @type {const} */ ([
      ['inputs', inputs],
      ['targets', targets],
    ])) {
      if (data.length === 0 || data.length % samples !== 0) {
        throw new ShapeError(
          `${what} ${name}: expected a multiple of samples = ${samples} values, got ${data.length}`,
        );
      }
    }
    this.#batchSize = expectSize(batchSize, `${what} batchSize`);
    this.#shuffle = expectBoolean(shuffle, `${what} shuffle`);
    this.#dropLast = expectBoolean(dropLast, `${what} dropLast`);
    const exact = samples / batchSize;
    /** @readonly Batches in an epoch. @type {number} */
    this.length = dropLast ? Math.floor(exact) : Math.ceil(exact);
  }

  /** One epoch, newly shuffled; after loadStateDict, the rest of the loaded one. @returns {Generator<Batch, void, undefined>} */
  *[Symbol.iterator]() {
    const epoch = DataLoader.begin(this);
    try {
      while (epoch.place < this.length) {
        this.#walking = epoch;
        yield this.#batch(epoch, epoch.place++);
      }
    } finally {
      if (this.#walking === epoch) this.#walking = null; // left early, or done
    }
  }

  /** @param {Epoch} epoch @param {number} place @returns {Batch} */
  #batch(epoch, place) {
    const from = place * this.#batchSize;
    const picked = epoch.order.subarray(from, from + this.#batchSize);
    return {
      input: gather(this.#inputs, picked, this.#samples),
      target: gather(this.#targets, picked, this.#samples),
      batch: picked.length,
    };
  }

  /**
   * The running epoch's order and place in it; between epochs, an empty object.
   * @returns {{ order?: number[], place?: number, lossSum?: number, losses?: number }}
   */
  stateDict() {
    const epoch = this.#loaded ?? this.#walking;
    if (!epoch || epoch === 'new') return {};
    return { ...epoch, order: [...epoch.order] };
  }

  /** The next epoch goes on where this state stood. @param {object} state  from stateDict() */
  loadStateDict(state) {
    DataLoader.plan(this, state)();
  }

  /**
   * Checks a state; what it gives loads it, and cannot fail.
   * @internal
   * @param {DataLoader} loader
   * @param {object} state
   * @returns {() => void}
   */
  static plan(loader, state) {
    const epoch = loader.#expectState(state);
    return () => {
      loader.#loaded = epoch;
      loader.#walking = null;
    };
  }

  /** What decides which batches there are. @internal @param {DataLoader} loader @returns {Settings} */
  static settings(loader) {
    return {
      samples: loader.#samples,
      batchSize: loader.#batchSize,
      shuffle: loader.#shuffle,
      dropLast: loader.#dropLast,
    };
  }

  /** @param {object} state @returns {Epoch | 'new'} */
  #expectState(state) {
    const what = 'DataLoader loadStateDict';
    const record = typeof state === 'object' && state !== null && !Array.isArray(state);
    if (!record || ArrayBuffer.isView(state)) {
      throw new ArgumentError(`${what}: expected a state, got ${describe(state)}`);
    }
    const {
      order,
      place,
      lossSum = 0,
      losses = place,
    } = /** @type {Record<string, any>} */ (state);
    if (order === undefined) return 'new';
    const list = Array.isArray(order) || order instanceof Int32Array;
    const whole = list && new Set(order).size === this.#samples;
    const inside = (/** @type {number} */ i) => Number.isInteger(i) && i >= 0 && i < this.#samples;
    if (!whole || order.length !== this.#samples || !order.every(inside)) {
      throw new ArgumentError(`${what} order: expected each of ${this.#samples} samples once`);
    }
    if (!Number.isInteger(place) || place < 0 || place > this.length) {
      throw new ArgumentError(
        `${what} place: expected 0 to ${this.length}, got ${describe(place)}`,
      );
    }
    if (typeof lossSum !== 'number') {
      throw new ArgumentError(`${what} lossSum: expected a number, got ${describe(lossSum)}`);
    }
    if (!Number.isInteger(losses) || losses < 0 || losses > place) {
      throw new ArgumentError(`${what} losses: expected 0 to ${place}, got ${describe(losses)}`);
    }
    return { order: Int32Array.from(order), place, lossSum, losses };
  }

  /**
   * The epoch that a walk now goes through: the loaded one, else the one it was in, else a new one.
   * @internal
   * @param {DataLoader} loader
   * @param {Epoch} [interrupted]
   * @returns {Epoch}
   */
  static begin(loader, interrupted) {
    const given = loader.#loaded ?? interrupted;
    const epoch =
      given && given !== 'new'
        ? given
        : {
            order: epochOrder(loader.#samples, loader.#shuffle),
            place: 0,
            lossSum: 0,
            losses: 0,
          };
    loader.#loaded = null;
    loader.#walking = epoch;
    return epoch;
  }

  /**
   * For who trains: a batch is done only when the trainer adds 1 to the epoch's place, so that one whose
   * step failed comes again.
   * @internal
   * @param {DataLoader} loader
   * @param {Epoch} epoch
   * @returns {Generator<Batch, void, undefined>}
   */
  static *walk(loader, epoch) {
    while (epoch.place < loader.length) {
      loader.#walking = epoch;
      yield loader.#batch(epoch, epoch.place);
    }
  }

  /**
   * True after the epoch's last batch.
   * @internal
   * @param {DataLoader} loader
   * @param {Epoch} epoch
   */
  static finished(loader, epoch) {
    if (epoch.place < loader.length) return false;
    if (loader.#walking === epoch) loader.#walking = null;
    return true;
  }
}

/**
 * The rows of some samples.
 * @template {Float32Array | Int32Array} A
 * @param {A} data  [S][…]
 * @param {Int32Array} picked  [N]
 * @param {number} samples
 * @returns {A}  [N][…]
 */
function gather(data, picked, samples) {
  const size = data.length / samples;
  if (size === 0) {
    throw new StateError('DataLoader: its arrays were transferred or detached; make a new one');
  }
  const Type = /** @type {new (length: number) => A} */ (data.constructor);
  const rows = allocate(4 * picked.length * size, 'DataLoader', () => {
    return new Type(picked.length * size);
  });
  for (let n = 0; n < picked.length; n++) {
    const from = picked[n] * size;
    for (let i = 0; i < size; i++) rows[n * size + i] = data[from + i];
  }
  return rows;
}
