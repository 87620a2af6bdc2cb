// Learning-rate schedules: the recursive forms that torch.optim.lr_scheduler computes, step by step.
// https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate

import {
  describe,
  expectCount,
  expectNumber,
  expectOneOf,
  expectOptions,
  expectSize,
} from './check.js';
import { ArgumentError } from './errors.js';
import { Optimizer } from './optim.js';

export class Schedule {
  /** @type {string[]} names of the fields that make up the state */
  #fields;
  #kind;

  /**
   * @param {string} kind
   * @param {unknown} optimizer
   * @param {string[]} fields
   */
  constructor(kind, optimizer, fields) {
    if (!(optimizer instanceof Optimizer)) {
      throw new ArgumentError(`${kind}: expected an optimizer, got ${describe(optimizer)}`);
    }
    this.#kind = kind;
    this.#fields = ['lastEpoch', ...fields];
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
    return Object.fromEntries(this.#fields.map((field) => [field, fieldsOf(this)[field]]));
  }

  /** @param {object} state  as stateDict() gave it; checked before anything changes */
  loadStateDict(state) {
    const given = /** @type {Record<string, unknown>} */ (state ?? {});
    const own = fieldsOf(this);
    for (const field of this.#fields) {
      if (typeof given[field] !== typeof own[field]) {
        throw new ArgumentError(
          `${this.#kind} loadStateDict ${field}: expected a ${typeof own[field]}, ` +
            `got ${describe(given[field])}`,
        );
      }
    }
    for (const field of this.#fields) own[field] = given[field];
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
    super('StepLR', optimizer, ['stepSize', 'gamma']);
    expectOptions(config, ['stepSize', 'gamma'], 'StepLR');
    this.stepSize = expectSize(config.stepSize, 'StepLR stepSize');
    this.gamma = expectNumber(config.gamma ?? 0.1, 'StepLR gamma', 0);
  }

  /** @override @param {number} lr @param {number} t */
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
    super('ExponentialLR', optimizer, ['gamma']);
    expectOptions(config, ['gamma'], 'ExponentialLR');
    this.gamma = expectNumber(config.gamma, 'ExponentialLR gamma', 0);
  }

  /** @override @param {number} lr */
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
    super('CosineAnnealingLR', optimizer, ['tMax', 'etaMin', 'baseLr']);
    expectOptions(config, ['tMax', 'etaMin'], 'CosineAnnealingLR');
    this.tMax = expectSize(config.tMax, 'CosineAnnealingLR tMax');
    this.etaMin = expectNumber(config.etaMin ?? 0, 'CosineAnnealingLR etaMin', 0);
    this.baseLr = optimizer.lr;
  }

  /** @override @param {number} lr @param {number} t */
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
    const settings = ['mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown'];
    const known = [...settings, 'minLr', 'eps'];
    super(what, optimizer, [...known, 'best', 'badEpochs', 'cooldownCounter']);
    expectOptions(config, known, what);
    this.mode = expectOneOf(config.mode ?? 'min', ['min', 'max'], `${what} mode`);
    this.factor = expectNumber(config.factor ?? 0.1, `${what} factor`, 0);
    if (this.factor >= 1) {
      throw new ArgumentError(`${what} factor: expected less than 1, got ${this.factor}`);
    }
    this.patience = expectCount(config.patience ?? 10, `${what} patience`);
    this.threshold = expectNumber(config.threshold ?? 1e-4, `${what} threshold`);
    this.thresholdMode = expectOneOf(
      config.thresholdMode ?? 'rel',
      ['rel', 'abs'],
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
    return { ...super.stateDict(), best: Number.isFinite(this.best) ? this.best : null };
  }

  /** @override @param {object} state */
  loadStateDict(state) {
    const given = /** @type {Record<string, unknown>} */ (state ?? {});
    const worst = given.mode === 'max' ? -Infinity : Infinity;
    super.loadStateDict({ ...given, best: given.best === null ? worst : given.best });
  }

  /** @override @param {number} [metric]  a loss (mode 'min') or a score ('max') */
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
