// Learning-rate schedules: the recursive forms that torch.optim.lr_scheduler computes, step by step.
// https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate

import {
  abstract,
  BELOW_ONE,
  expectCount,
  expectInstance,
  expectNumber,
  expectSize,
  expectWord,
  settle,
  wrong,
} from './check.js';
import { Optimizer } from './optim.js';

/** @typedef {import('./check.js').Option} Option */
/** @typedef {Record<string, Option>} Table */

const AMOUNT = /** @satisfies {Option} */ ([0, expectNumber, 0]);
const COUNT = /** @satisfies {Option} */ ([0, expectCount]);

/** Infinite before the first step. @param {unknown} value @param {string} name */
function expectBest(value, name) {
  return value === Infinity || value === -Infinity ? value : expectNumber(value, name);
}

/** The settings of each kind. */
const STEP = /** @satisfies {Table} */ ({
  stepSize: [undefined, expectSize],
  gamma: [0.1, expectNumber, 0],
});
const EXPONENTIAL = /** @satisfies {Table} */ ({ gamma: [undefined, expectNumber, 0] });
const COSINE = /** @satisfies {Table} */ ({ tMax: [undefined, expectSize], etaMin: AMOUNT });
const PLATEAU = /** @satisfies {Table} */ ({
  mode: ['min', expectWord, ['min', 'max']],
  factor: [0.1, expectNumber, 0, BELOW_ONE],
  patience: [10, expectCount],
  threshold: [1e-4, expectNumber],
  thresholdMode: ['rel', expectWord, ['rel', 'abs']],
  cooldown: COUNT,
  minLr: AMOUNT,
  eps: [1e-8, expectNumber, 0],
});

/** What all schedules are: they set the learning rate of an optimizer. */
export class Schedule {
  #fields;
  #kind;

  /**
   * @hidden
   * @param {string} kind
   * @param {unknown} optimizer
   * @param {Table} fields  those that make up its state, besides lastEpoch
   */
  constructor(kind, optimizer, fields) {
    if (new.target === Schedule) throw abstract('Schedule', 'StepLR');
    this.#kind = kind;
    this.#fields = { lastEpoch: COUNT, ...fields };
    /** @readonly */
    this.optimizer = expectInstance(optimizer, `${kind} optimizer`, Optimizer, 'an optimizer');
    /** Steps done. */
    this.lastEpoch = 0;
  }

  /**
   * To be called once an epoch, after the optimizer's steps.
   * @param {number} [_metric]  only ReduceLROnPlateau looks at it
   */
  step(_metric) {
    this.optimizer.lr = this.next(this.optimizer.lr, this.lastEpoch + 1);
    this.lastEpoch++;
  }

  /**
   * The rate after step number `t`, counted from 1.
   * @param {number} lr
   * @param {number} _t
   * @returns {number}
   */
  next(lr, _t) {
    return lr;
  }

  /** All that changes as it steps, and the settings. @returns {Record<string, unknown>} */
  stateDict() {
    const names = Object.keys(this.#fields);
    return Object.fromEntries(names.map((name) => [name, /** @type {any} */ (this)[name]]));
  }

  /** Goes on from a state. @param {object} state  as stateDict() gave it; checked before anything changes */
  loadStateDict(state) {
    const given = /** @type {Record<string, unknown>} */ (state ?? {});
    const loaded = Object.entries(this.#fields).map(([field, [, check, ...bounds]]) => [
      field,
      check(given[field], `${this.#kind} loadStateDict ${field}`, ...bounds),
    ]);
    Object.assign(this, Object.fromEntries(loaded));
  }

  /** The name of its class. @internal @param {Schedule} schedule */
  static kindOf(schedule) {
    return schedule.#kind;
  }
}

/** lr · gamma every stepSize steps. */
export class StepLR extends Schedule {
  /**
   * @param {Optimizer} optimizer
   * @param {{ stepSize: number, gamma?: number }} config  gamma: default 0.1
   */
  constructor(optimizer, config) {
    super('StepLR', optimizer, STEP);
    const { stepSize, gamma } = settle('StepLR', config, STEP, null);
    this.stepSize = stepSize;
    this.gamma = gamma;
  }

  /** The rate after step number `t`. @override @param {number} lr @param {number} t */
  next(lr, t) {
    return t % this.stepSize === 0 ? lr * this.gamma : lr;
  }
}

/** lr · gamma every step. */
export class ExponentialLR extends Schedule {
  /**
   * @param {Optimizer} optimizer
   * @param {{ gamma: number }} config
   */
  constructor(optimizer, config) {
    super('ExponentialLR', optimizer, EXPONENTIAL);
    this.gamma = settle('ExponentialLR', config, EXPONENTIAL, null).gamma;
  }

  /** The rate after one more step. @override @param {number} lr */
  next(lr) {
    return lr * this.gamma;
  }
}

/** Half a cosine from the first rate to etaMin in tMax steps, and back again. */
export class CosineAnnealingLR extends Schedule {
  /**
   * @param {Optimizer} optimizer
   * @param {{ tMax: number, etaMin?: number }} config  etaMin: default 0
   */
  constructor(optimizer, config) {
    super('CosineAnnealingLR', optimizer, { ...COSINE, baseLr: AMOUNT });
    const { tMax, etaMin } = settle('CosineAnnealingLR', config, COSINE, null);
    this.tMax = tMax;
    this.etaMin = etaMin;
    this.baseLr = optimizer.lr;
  }

  /** The rate after step number `t`. @override @param {number} lr @param {number} t */
  next(lr, t) {
    const { tMax, etaMin, baseLr } = this;
    if ((t - 1 - tMax) % (2 * tMax) === 0) {
      return lr + ((baseLr - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2;
    }
    const ratio = (1 + Math.cos((Math.PI * t) / tMax)) / (1 + Math.cos((Math.PI * (t - 1)) / tMax));
    return ratio * (lr - etaMin) + etaMin;
  }
}

/** lr · factor when the metric has not improved for more than `patience` steps. */
export class ReduceLROnPlateau extends Schedule {
  /**
   * @param {Optimizer} optimizer
   * @param {{ mode?: 'min' | 'max', factor?: number, patience?: number, threshold?: number,
   *   thresholdMode?: 'rel' | 'abs', cooldown?: number, minLr?: number, eps?: number }} [config]
   */
  constructor(optimizer, config = {}) {
    const what = 'ReduceLROnPlateau';
    const counters = { badEpochs: COUNT, cooldownCounter: COUNT };
    super(what, optimizer, { ...PLATEAU, best: [0, expectBest], ...counters });
    const settings = settle(what, config, PLATEAU, null);
    this.mode = /** @type {'min' | 'max'} */ (settings.mode);
    this.factor = settings.factor;
    this.patience = settings.patience;
    this.threshold = settings.threshold;
    this.thresholdMode = /** @type {'rel' | 'abs'} */ (settings.thresholdMode);
    this.cooldown = settings.cooldown;
    this.minLr = settings.minLr;
    this.eps = settings.eps;
    this.best = worst(this.mode);
    this.badEpochs = 0;
    this.cooldownCounter = 0;
  }

  /** `best` is null before the first step: JSON has no infinity. @override */
  stateDict() {
    return { ...super.stateDict(), best: this.best === worst(this.mode) ? null : this.best };
  }

  /** Goes on from a state. @override @param {object} state  as stateDict() gave it */
  loadStateDict(state) {
    const given = /** @type {Record<string, unknown>} */ (state ?? {});
    super.loadStateDict({ ...given, best: given.best === null ? worst(given.mode) : given.best });
  }

  /** To be called once an epoch. @override @param {number} [metric]  a loss (mode 'min') or a score ('max') */
  step(metric) {
    if (typeof metric !== 'number')
      throw wrong('ReduceLROnPlateau step metric', 'a number', metric);
    const lr = this.optimizer.lr; // throws when the optimizer was disposed, before anything changes
    this.lastEpoch++;
    if (this.#improves(metric)) {
      this.best = metric;
      this.badEpochs = 0;
    } else {
      this.badEpochs++;
    }
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--;
      this.badEpochs = 0;
    }
    if (this.badEpochs <= this.patience) return;
    const lower = Math.max(lr * this.factor, this.minLr);
    if (lr - lower > this.eps) this.optimizer.lr = lower;
    this.cooldownCounter = this.cooldown;
    this.badEpochs = 0;
  }

  /** @param {number} metric */
  #improves(metric) {
    const { best, threshold } = this;
    const sign = this.mode === 'min' ? -1 : 1;
    if (this.thresholdMode === 'abs') return sign * (metric - best) > threshold;
    return sign * metric > sign * best * (1 + sign * threshold);
  }
}

/** What every metric is better than. @param {unknown} mode */
function worst(mode) {
  return mode === 'max' ? -Infinity : Infinity;
}
