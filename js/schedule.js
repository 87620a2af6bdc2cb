// Learning-rate schedules: the recursive forms that torch.optim.lr_scheduler computes, step by step.
// https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate

import {
  abstract,
  describe,
  expectCount,
  expectNumber,
  expectOneOf,
  expectOptions,
  expectSize,
} from './check.js';
import { handleOf } from './core.js';
import { ArgumentError } from './errors.js';
import { Optimizer } from './optim.js';

/** @typedef {(value: any, name: string) => unknown} Check  gives the value back, or throws */

/** @param {unknown} value @param {string} name */
function expectAmount(value, name) {
  return expectNumber(value, name, 0);
}

/** @param {unknown} value @param {string} name */
function expectMode(value, name) {
  return expectOneOf(value, /** @type {const} */ (['min', 'max']), name);
}

/** @param {unknown} value @param {string} name */
function expectThresholdMode(value, name) {
  return expectOneOf(value, /** @type {const} */ (['rel', 'abs']), name);
}

/** @param {unknown} value @param {string} name */
function expectFactor(value, name) {
  const factor = expectNumber(value, name, 0);
  if (factor < 1) return factor;
  throw new ArgumentError(`${name}: expected less than 1, got ${factor}`);
}

/** Infinite before the first step. @param {unknown} value @param {string} name */
function expectBest(value, name) {
  return value === Infinity || value === -Infinity ? value : expectNumber(value, name);
}

/** What all schedules are: they set the learning rate of an optimizer. */
export class Schedule {
  /** @type {Record<string, Check>} of the fields that make up the state */
  #checks;
  #kind;

  /**
   * @hidden
   * @param {string} kind
   * @param {unknown} optimizer
   * @param {Record<string, Check>} checks  of the fields that make up its state
   */
  constructor(kind, optimizer, checks) {
    if (new.target === Schedule) throw abstract('Schedule', 'StepLR');
    if (!(optimizer instanceof Optimizer)) {
      throw new ArgumentError(`${kind} optimizer: expected one, got ${describe(optimizer)}`);
    }
    handleOf(optimizer, `${kind} optimizer`);
    this.#kind = kind;
    this.#checks = { lastEpoch: expectCount, ...checks };
    /** @readonly */
    this.optimizer = optimizer;
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
    const own = fieldsOf(this);
    return Object.fromEntries(Object.keys(this.#checks).map((field) => [field, own[field]]));
  }

  /** Goes on from a state. @param {object} state  as stateDict() gave it; checked before anything changes */
  loadStateDict(state) {
    const given = /** @type {Record<string, unknown>} */ (state ?? {});
    const loaded = Object.entries(this.#checks).map(([field, check]) => [
      field,
      check(given[field], `${this.#kind} loadStateDict ${field}`),
    ]);
    Object.assign(this, Object.fromEntries(loaded));
  }

  /** The name of its class. @internal @param {Schedule} schedule */
  static kindOf(schedule) {
    return schedule.#kind;
  }
}

/** @param {unknown} schedule @returns {Record<string, unknown>} */
function fieldsOf(schedule) {
  return /** @type {Record<string, unknown>} */ (schedule);
}

/** lr · gamma every stepSize steps. */
export class StepLR extends Schedule {
  /**
   * @param {Optimizer} optimizer
   * @param {{ stepSize: number, gamma?: number }} config  gamma: default 0.1
   */
  constructor(optimizer, config) {
    super('StepLR', optimizer, { stepSize: expectSize, gamma: expectAmount });
    expectOptions(config, ['stepSize', 'gamma'], 'StepLR');
    this.stepSize = expectSize(config.stepSize, 'StepLR stepSize');
    this.gamma = expectNumber(config.gamma ?? 0.1, 'StepLR gamma', 0);
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
    super('ExponentialLR', optimizer, { gamma: expectAmount });
    expectOptions(config, ['gamma'], 'ExponentialLR');
    this.gamma = expectNumber(config.gamma, 'ExponentialLR gamma', 0);
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
    const checks = { tMax: expectSize, etaMin: expectAmount, baseLr: expectAmount };
    super('CosineAnnealingLR', optimizer, checks);
    expectOptions(config, ['tMax', 'etaMin'], 'CosineAnnealingLR');
    this.tMax = expectSize(config.tMax, 'CosineAnnealingLR tMax');
    this.etaMin = expectNumber(config.etaMin ?? 0, 'CosineAnnealingLR etaMin', 0);
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
    const settings = {
      mode: expectMode,
      factor: expectFactor,
      patience: expectCount,
      threshold: expectNumber,
      thresholdMode: expectThresholdMode,
      cooldown: expectCount,
      minLr: expectAmount,
      eps: expectAmount,
    };
    const counters = { best: expectBest, badEpochs: expectCount, cooldownCounter: expectCount };
    super(what, optimizer, { ...settings, ...counters });
    expectOptions(config, Object.keys(settings), what);
    this.mode = expectMode(config.mode ?? 'min', `${what} mode`);
    this.factor = expectFactor(config.factor ?? 0.1, `${what} factor`);
    this.patience = expectCount(config.patience ?? 10, `${what} patience`);
    this.threshold = expectNumber(config.threshold ?? 1e-4, `${what} threshold`);
    this.thresholdMode = expectThresholdMode(
      config.thresholdMode ?? 'rel',
      `${what} thresholdMode`,
    );
    this.cooldown = expectCount(config.cooldown ?? 0, `${what} cooldown`);
    this.minLr = expectNumber(config.minLr ?? 0, `${what} minLr`, 0);
    this.eps = expectNumber(config.eps ?? 1e-8, `${what} eps`, 0);
    this.best = this.mode === 'min' ? Infinity : -Infinity;
    this.badEpochs = 0;
    this.cooldownCounter = 0;
  }

  /** `best` is null before the first step: JSON has no infinity. @override */
  stateDict() {
    const worst = this.mode === 'max' ? -Infinity : Infinity;
    return { ...super.stateDict(), best: this.best === worst ? null : this.best };
  }

  /** Goes on from a state. @override @param {object} state  as stateDict() gave it */
  loadStateDict(state) {
    const given = /** @type {Record<string, unknown>} */ (state ?? {});
    const worst = given.mode === 'max' ? -Infinity : Infinity;
    super.loadStateDict({ ...given, best: given.best === null ? worst : given.best });
  }

  /** To be called once an epoch. @override @param {number} [metric]  a loss (mode 'min') or a score ('max') */
  step(metric) {
    if (typeof metric !== 'number') {
      throw new ArgumentError(
        `ReduceLROnPlateau step metric: expected a number, got ${describe(metric)}`,
      );
    }
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
