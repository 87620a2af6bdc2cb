// Batches in the order of PyTorch's DataLoader.

import { allocate } from './allocate.js';
import {
  expectBoolean,
  expectCount,
  expectFloats,
  expectSize,
  isRecord,
  misfit,
  settle,
  wrong,
} from './check.js';
import { stable } from './core.js';
import { StateError } from './errors.js';
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

const OPTIONS = /** @satisfies {Record<string, import('./check.js').Option>} */ ({
  inputs: [undefined, expectFloats],
  targets: [undefined, expectTargets],
  samples: [undefined, expectSize],
  batchSize: [1, expectSize],
  shuffle: [false, expectBoolean],
  dropLast: [false, expectBoolean],
});

/**
 * The same seed gives the shuffles of torch.utils.data.DataLoader: each epoch draws its order from the
 * global stream when it begins. A batch is [N][T][I], so it feeds batchFirst models.
 * @implements {Iterable<Batch>}
 */
export class DataLoader {
  #inputs;
  #targets;
  /** @type {Settings} */
  #settings;
  /** @type {Epoch | null} where the walk that is on its way stands, for stateDict */
  #walking = null;
  /** @type {Partial<Epoch> | null} what loadStateDict gave: the next walk goes on there, or begins anew without an order */
  #loaded = null;

  /**
   * @param {{ inputs: Float32Array, targets: Float32Array | Int32Array, samples: number,
   *   batchSize?: number, shuffle?: boolean, dropLast?: boolean }} options
   *   inputs [S][…] and targets [S][…], neither copied; batchSize default 1; dropLast leaves out a
   *   short last batch
   */
  constructor(options) {
    const { inputs, targets, ...settings } = settle('DataLoader', options, OPTIONS);
    const { samples, batchSize, dropLast } = settings;
    for (const [name, data] of Object.entries({ inputs, targets })) {
      if (data.length > 0 && data.length % samples === 0) continue;
      throw misfit(`DataLoader ${name}`, `a multiple of samples = ${samples} values`, data.length);
    }
    this.#inputs = inputs;
    this.#targets = targets;
    this.#settings = settings;
    const exact = samples / batchSize;
    /** @readonly Batches in an epoch. @type {number} */
    this.length = dropLast ? Math.floor(exact) : Math.ceil(exact);
  }

  /** One epoch, newly shuffled; after loadStateDict, the rest of the loaded one. @returns {Generator<Batch, void, undefined>} */
  *[Symbol.iterator]() {
    const epoch = DataLoader.begin(this);
    try {
      for (const batch of DataLoader.walk(this, epoch)) {
        epoch.place++;
        yield batch;
      }
    } finally {
      DataLoader.leave(this, epoch);
    }
  }

  /**
   * The running epoch's order and place in it; between epochs, an empty object.
   * @returns {{ order?: number[], place?: number, lossSum?: number, losses?: number }}
   */
  stateDict() {
    const epoch = this.#loaded ?? this.#walking;
    return epoch?.order ? { ...epoch, order: [...epoch.order] } : {};
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
    return loader.#settings;
  }

  /** @param {object} state @returns {Partial<Epoch>} */
  #expectState(state) {
    const what = 'DataLoader loadStateDict';
    if (!isRecord(state)) throw wrong(what, 'a state', state);
    const { order, place, lossSum = 0, losses = place } = state;
    if (order === undefined) return {};
    const { samples } = this.#settings;
    const list = Array.isArray(order) || order instanceof Int32Array ? [...order] : []; // no holes
    const all = new Set(list);
    if (list.length !== samples || !list.every((_, sample) => all.has(sample))) {
      throw wrong(`${what} order`, `each of ${samples} samples once`, order);
    }
    expectCount(place, `${what} place`, this.length);
    if (typeof lossSum !== 'number') throw wrong(`${what} lossSum`, 'a number', lossSum);
    expectCount(losses, `${what} losses`, place);
    return { order: Int32Array.from(list), place, lossSum, losses };
  }

  /**
   * The epoch that a walk now goes through: the loaded one, else the one it was in, else a new one.
   * @internal
   * @param {DataLoader} loader
   * @param {Epoch} [interrupted]
   * @returns {Epoch}
   */
  static begin(loader, interrupted) {
    const { samples, shuffle } = loader.#settings;
    const given = loader.#loaded ?? interrupted;
    const epoch = given?.order
      ? /** @type {Epoch} */ (given)
      : newEpoch(epochOrder(samples, shuffle));
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
    const { samples, batchSize } = loader.#settings;
    while (epoch.place < loader.length) {
      loader.#walking = epoch;
      const from = epoch.place * batchSize;
      const picked = epoch.order.subarray(from, from + batchSize);
      const input = gather(loader.#inputs, picked, samples);
      yield { input, target: gather(loader.#targets, picked, samples), batch: picked.length };
    }
  }

  /** An epoch is over, or left. @internal @param {DataLoader} loader @param {Epoch} epoch */
  static leave(loader, epoch) {
    if (loader.#walking === epoch) loader.#walking = null;
  }
}

/** @param {Int32Array} order @returns {Epoch} */
export function newEpoch(order) {
  return { order, place: 0, lossSum: 0, losses: 0 };
}

/** @param {unknown} value @param {string} name */
function expectTargets(value, name) {
  if (value instanceof Float32Array || value instanceof Int32Array) return stable(value);
  throw wrong(name, 'Float32Array or Int32Array', value);
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
    throw new StateError('DataLoader: its arrays are detached; make a new one');
  }
  const Type = /** @type {new (length: number) => A} */ (data.constructor);
  const length = picked.length * size;
  const rows = allocate(4 * length, 'DataLoader', () => new Type(length));
  for (let n = 0; n < picked.length; n++) {
    const from = picked[n] * size;
    for (let i = 0; i < size; i++) rows[n * size + i] = data[from + i];
  }
  return rows;
}
