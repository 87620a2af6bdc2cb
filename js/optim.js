// Optimizers: update rules, defaults and state dicts of torch.optim.
// https://pytorch.org/docs/stable/optim.html

import {
  abstract,
  describe,
  expectBoolean,
  expectCount,
  expectNumber,
  expectOptions,
} from './check.js';
import {
  call,
  copyFloats,
  double,
  handleOf,
  Resource,
  stage,
  text,
  word,
  writeAt,
  writeDoubles,
  writeInts,
} from './core.js';
import { ArgumentError } from './errors.js';
import { parameterPairs, tensorData } from './module.js';

/** @typedef {import('./module.js').Parameter} Parameter */

/** As src/unrolled.h numbers them. */
const KIND = Object.freeze({ SGD: 0, Adam: 1, AdamW: 2, RMSprop: 3, Adagrad: 4 });

/** The order in which the core takes the options, and what PyTorch's param_groups call them. */
const OPTIONS = /** @type {const} */ ([
  ['lr', 'lr'],
  ['weightDecay', 'weight_decay'],
  ['eps', 'eps'],
  ['momentum', 'momentum'],
  ['dampening', 'dampening'],
  ['beta1', 'betas'],
  ['beta2', 'betas'],
  ['alpha', 'alpha'],
  ['lrDecay', 'lr_decay'],
  ['initialAccumulatorValue', 'initial_accumulator_value'],
  ['nesterov', 'nesterov'],
  ['amsgrad', 'amsgrad'],
  ['centered', 'centered'],
]);

/** The options whose being there decides which moments are kept. */
const KEEPING = ['momentum', 'amsgrad', 'centered'];

/** @typedef {Record<string, number | boolean>} Settings  lr, weightDecay, …, betas as beta1 and beta2 */
/** @typedef {Record<string, [fallback: number | boolean | undefined, low?: number, high?: number]>} Bounds */

/**
 * Updates exactly the parameters it was given, which may be some of a model's or several models'.
 */
export class Optimizer extends Resource {
  #kind;
  #settings;
  #bounds;
  #parameters;

  /**
   * @hidden
   * @param {keyof typeof KIND} kind
   * @param {Parameter[]} parameters
   * @param {Settings} settings  checked, with defaults
   * @param {Bounds} bounds  what they were checked against
   */
  constructor(kind, parameters, settings, bounds) {
    if (new.target === Optimizer) throw abstract('Optimizer', 'Adam');
    const pairs = parameterPairs(parameters, `${kind} parameters`);
    const options = optionArray(settings);
    const at = stage(8 * options.length + 4 * pairs.length);
    const pairsAt = at + 8 * options.length;
    writeDoubles(at, options);
    writeInts(pairsAt, pairs);
    super(kind, call('optimizer_create', KIND[kind], at, pairs.length / 2, pairsAt));
    this.#kind = kind;
    this.#settings = settings;
    this.#bounds = bounds;
    this.#parameters = [...parameters];
  }

  /** The learning rate; may be set at any time. */
  get lr() {
    handleOf(this);
    return /** @type {number} */ (this.#settings.lr);
  }

  set lr(value) {
    const handle = handleOf(this);
    expectNumber(value, `${this.#kind} lr`, 0);
    call('optimizer_lr', handle, value);
    this.#settings.lr = value;
  }

  /** One update from the gradients as they are. */
  step() {
    call('optimizer_step', handleOf(this));
  }

  /** The gradients of its parameters to zero. */
  zeroGrad() {
    call('optimizer_zero_grad', handleOf(this));
  }

  /**
   * PyTorch's: { state: { 0: { step, exp_avg: { shape, data }, … } }, param_groups: [{ lr, …, params }] }.
   * @returns {{ state: Record<string, Record<string, number | { shape: readonly number[], data: Float32Array }>>,
   *   param_groups: Record<string, unknown>[] }}
   */
  stateDict() {
    handleOf(this);
    const { step, names } = this.#info();
    /** @type {Record<string, any>} */
    const state = Object.create(null);
    const empty = step === 0 && this.#kind !== 'Adagrad';
    this.#parameters.forEach((parameter, i) => {
      if (empty || (names.length === 0 && this.#kind === 'SGD')) return;
      /** @type {Record<string, any>} */
      const entry = Object.create(null);
      if (this.#kind !== 'SGD') entry.step = step;
      names.forEach((name, moment) => {
        call('optimizer_moment', handleOf(this), i, moment);
        entry[name] = { shape: parameter.shape, data: copyFloats(word(0), word(1)) };
      });
      state[i] = entry;
    });
    return { state, param_groups: [this.#group()] };
  }

  /** The settings as PyTorch's param_groups have them. */
  #group() {
    /** @type {Record<string, unknown>} */
    const group = {};
    const { beta1, beta2, ...rest } = this.#settings;
    for (const [ours, theirs] of OPTIONS) if (ours in rest) group[theirs] = rest[ours];
    if (beta1 !== undefined) group.betas = [beta1, beta2];
    group.params = this.#parameters.map((_, i) => i);
    return group;
  }

  #info() {
    call('optimizer_info', handleOf(this));
    const names = Array.from({ length: word(0) }, (_, i) => word(4 + i));
    return { step: double(2), names: names.map((at) => text(at)) };
  }

  /**
   * Everything is checked first: on an error nothing was loaded. Settings come from the first of the
   * param_groups. Source: torch.optim.Optimizer.load_state_dict.
   * @param {object} state  as stateDict() or torch.optim give it
   */
  loadStateDict(state) {
    handleOf(this);
    Optimizer.plan(this, state)();
  }

  /**
   * Checks a state dict; what it gives loads it, and cannot fail.
   * @internal
   * @param {Optimizer} optimizer
   * @param {object} state
   * @returns {() => void}
   */
  static plan(optimizer, state) {
    return optimizer.#plan(state);
  }

  /** What it updates. @internal @param {Optimizer} optimizer */
  static parametersOf(optimizer) {
    return [...optimizer.#parameters];
  }

  /** @param {object} state */
  #plan(state) {
    handleOf(this);
    const what = `${this.#kind} loadStateDict`;
    const given = /** @type {any} */ (state);
    const group = given?.param_groups?.[0];
    if (!given?.state || typeof given.state !== 'object' || !group || typeof group !== 'object') {
      throw new ArgumentError(`${what}: expected { state, param_groups }, got ${describe(state)}`);
    }
    if (given.param_groups.length !== 1) {
      throw new ArgumentError(
        `${what} param_groups: expected one group, got ${given.param_groups.length}; use one optimizer for each`,
      );
    }
    const count = Array.isArray(group.params) ? group.params.length : -1;
    if (count !== this.#parameters.length) {
      throw new ArgumentError(
        `${what} params: expected ${this.#parameters.length} parameters, got ${count}`,
      );
    }
    const odd = group.params.findIndex((/** @type {unknown} */ id) => !Number.isSafeInteger(id));
    if (odd >= 0) {
      throw new ArgumentError(
        `${what} params[${odd}]: expected a whole number, got ${describe(group.params[odd])}`,
      );
    }
    const settings = this.#settingsFrom(group, what);
    const { names } = this.#info();
    if (KEEPING.some((name) => Boolean(settings[name]) !== Boolean(this.#settings[name]))) {
      throw new ArgumentError(
        `${what}: momentum, amsgrad or centered differ from this optimizer's, and with them what it keeps`,
      );
    }
    const entries = this.#entriesFrom(given.state, group.params, names, what);
    stage(8 * OPTIONS.length); // may be refused, so it is asked for here
    return () => {
      const options = optionArray(settings);
      const at = stage(8 * options.length);
      writeDoubles(at, options);
      call('optimizer_options', handleOf(this), at);
      this.#settings = settings;
      this.#apply(entries, names);
    };
  }

  /** @param {Record<string, unknown>} group @param {string} what @returns {Settings} */
  #settingsFrom(group, what) {
    if (group.maximize) throw new ArgumentError(`${what} maximize: not supported, got true`);
    /** @type {Settings} */
    const settings = {};
    for (const [ours, theirs] of OPTIONS) {
      if (!(ours in this.#settings)) continue;
      const value = theirs === 'betas' ? betaOf(group, ours) : group[theirs];
      settings[ours] = expectSetting(
        value ?? this.#settings[ours],
        this.#bounds[ours],
        `${what} ${theirs}`,
      );
    }
    expectNesterov(settings, what);
    return settings;
  }

  /**
   * @param {Record<string, any>} state
   * @param {number[]} ids
   * @param {string[]} names
   * @param {string} what
   */
  #entriesFrom(state, ids, names, what) {
    const used = ids.filter((id) => state[id] && Object.keys(state[id]).length > 0);
    if (used.length === 0) return { step: 0, moments: [] };
    if (used.length !== ids.length) {
      throw new ArgumentError(
        `${what} state: expected all ${ids.length} parameters or none, got ${used.length}`,
      );
    }
    const steps = new Set(ids.map((id) => stepOf(state[id].step, `${what} state[${id}].step`)));
    if (steps.has(undefined) && this.#kind !== 'SGD') {
      throw new ArgumentError(`${what} step: expected the number of updates done, got undefined`);
    }
    if (steps.size > 1) throw new ArgumentError(`${what} step: expected one for all parameters`);
    const moments = ids.map((id, i) =>
      names.map((name) => {
        const tensor = state[id][name];
        return tensorData(tensor, this.#parameters[i].shape, `${what} state[${id}].${name}`);
      }),
    );
    return { step: [...steps][0] ?? 1, moments };
  }

  /** @param {{ step: number, moments: Float32Array[][] }} entries @param {string[]} names */
  #apply({ step, moments }, names) {
    const handle = handleOf(this);
    call('optimizer_restart', handle);
    moments.forEach((list, i) => {
      names.forEach((_, moment) => {
        call('optimizer_moment', handle, i, moment);
        writeAt(word(0), list[moment]);
      });
    });
    call('optimizer_set_step', handle, step);
  }
}

/** @param {Settings} settings */
function optionArray(settings) {
  return Float64Array.from(OPTIONS, ([name]) => Number(settings[name] ?? 0));
}

/** @param {Record<string, any>} group @param {string} which */
function betaOf(group, which) {
  return group.betas?.[which === 'beta1' ? 0 : 1];
}

/**
 * PyTorch keeps it as a number or, in newer versions, a tensor. SGD keeps none.
 * @param {any} step
 * @param {string} name
 * @returns {number | undefined}
 */
function stepOf(step, name) {
  const value = step?.data?.[0] ?? step;
  return value === undefined ? undefined : expectCount(value, name);
}

/**
 * @param {unknown} value
 * @param {Bounds[string]} bounds
 * @param {string} name
 */
function expectSetting(value, [fallback, low, high], name) {
  return typeof fallback === 'boolean'
    ? expectBoolean(value, name)
    : expectNumber(value, name, low, high);
}

/**
 * Checks the options of one kind against their bounds; adds defaults.
 * @param {string} kind
 * @param {unknown} options
 * @param {Bounds} bounds
 * @returns {[Settings, Bounds]}
 */
function settle(kind, options, bounds) {
  const given = /** @type {Record<string, unknown>} */ (options ?? {});
  const names = Object.keys(bounds).filter((name) => name !== 'beta1' && name !== 'beta2');
  expectOptions(given, 'beta1' in bounds ? [...names, 'betas'] : names, kind);
  const betas = given.betas ?? [0.9, 0.999];
  if ('beta1' in bounds && (!Array.isArray(betas) || betas.length !== 2)) {
    throw new ArgumentError(`${kind} betas: expected two numbers, got ${describe(betas)}`);
  }
  const [beta1, beta2] = /** @type {unknown[]} */ (betas);
  /** @type {Record<string, unknown>} */
  const values = { ...given, beta1, beta2 };
  /** @type {Settings} */
  const settings = {};
  for (const [name, bound] of Object.entries(bounds)) {
    const shown = name === 'beta1' || name === 'beta2' ? 'betas' : name;
    const value = values[name] === undefined ? bound[0] : values[name];
    settings[name] = expectSetting(value, bound, `${kind} ${shown}`);
  }
  return [settings, bounds];
}

/** @param {Settings} settings @param {string} what */
function expectNesterov({ nesterov, momentum, dampening }, what) {
  if (!nesterov || (momentum && dampening === 0)) return;
  throw new ArgumentError(`${what} nesterov: expected momentum above 0 and dampening 0 with it`);
}

const BELOW_ONE = 1 - Number.EPSILON / 2;

/** As torch.optim.SGD; momentum, dampening, Nesterov, weight decay. */
export class SGD extends Optimizer {
  /**
   * @param {Parameter[]} parameters
   * @param {{ lr: number, momentum?: number, dampening?: number, nesterov?: boolean,
   *   weightDecay?: number }} options
   */
  constructor(parameters, options) {
    const [settings, bounds] = settle('SGD', options, {
      lr: [undefined, 0],
      momentum: [0, 0],
      dampening: [0],
      nesterov: [false],
      weightDecay: [0, 0],
    });
    expectNesterov(settings, 'SGD');
    super('SGD', parameters, settings, bounds);
  }
}

/** As torch.optim.Adam (D. Kingma, J. Ba 2015); weight decay is added to the gradient. */
export class Adam extends Optimizer {
  /**
   * @param {Parameter[]} parameters
   * @param {{ lr?: number, betas?: [number, number], eps?: number, weightDecay?: number,
   *   amsgrad?: boolean }} [options]
   */
  constructor(parameters, options = {}) {
    super('Adam', parameters, ...settle('Adam', options, adamBounds(0)));
  }
}

/** As torch.optim.AdamW (I. Loshchilov, F. Hutter 2019); weight decay shrinks the weights themselves. */
export class AdamW extends Optimizer {
  /**
   * @param {Parameter[]} parameters
   * @param {{ lr?: number, betas?: [number, number], eps?: number, weightDecay?: number,
   *   amsgrad?: boolean }} [options]  weightDecay: default 0.01
   */
  constructor(parameters, options = {}) {
    super('AdamW', parameters, ...settle('AdamW', options, adamBounds(0.01)));
  }
}

/**
 * @param {number} weightDecay
 * @returns {Bounds}
 */
function adamBounds(weightDecay) {
  return {
    lr: [1e-3, 0],
    beta1: [0.9, 0, BELOW_ONE],
    beta2: [0.999, 0, BELOW_ONE],
    eps: [1e-8, 0],
    weightDecay: [weightDecay, 0],
    amsgrad: [false],
  };
}

/** As torch.optim.RMSprop. */
export class RMSprop extends Optimizer {
  /**
   * @param {Parameter[]} parameters
   * @param {{ lr?: number, alpha?: number, eps?: number, momentum?: number, centered?: boolean,
   *   weightDecay?: number }} [options]
   */
  constructor(parameters, options = {}) {
    const settled = settle('RMSprop', options, {
      lr: [1e-2, 0],
      alpha: [0.99, 0],
      eps: [1e-8, 0],
      momentum: [0, 0],
      centered: [false],
      weightDecay: [0, 0],
    });
    super('RMSprop', parameters, ...settled);
  }
}

/** As torch.optim.Adagrad. */
export class Adagrad extends Optimizer {
  /**
   * @param {Parameter[]} parameters
   * @param {{ lr?: number, lrDecay?: number, eps?: number, weightDecay?: number,
   *   initialAccumulatorValue?: number }} [options]
   */
  constructor(parameters, options = {}) {
    const settled = settle('Adagrad', options, {
      lr: [1e-2, 0],
      lrDecay: [0, 0],
      eps: [1e-10, 0],
      weightDecay: [0, 0],
      initialAccumulatorValue: [0, 0],
    });
    super('Adagrad', parameters, ...settled);
  }
}

/** @param {Int32Array} pairs */
function stagePairs(pairs) {
  const at = stage(4 * pairs.length);
  writeInts(at, pairs);
  return at;
}

/**
 * Scales all gradients together so that their norm is at most maxNorm.
 * Source: torch.nn.utils.clip_grad_norm_.
 * @param {Parameter[]} parameters
 * @param {number} maxNorm
 * @param {{ normType?: number }} [options]  1, 2 (default), 3, …, Infinity
 * @returns {number}  the norm before clipping
 */
export function clipGradNorm(parameters, maxNorm, options = {}) {
  expectOptions(options, ['normType'], 'clipGradNorm');
  const { normType = 2 } = options;
  const pairs = parameterPairs(parameters, 'clipGradNorm parameters');
  expectNumber(maxNorm, 'clipGradNorm maxNorm', 0);
  if (typeof normType !== 'number' || !(normType > 0)) {
    throw new ArgumentError(
      `clipGradNorm normType: expected a number above 0 or Infinity, got ${describe(normType)}`,
    );
  }
  call('clip_norm', pairs.length / 2, stagePairs(pairs), maxNorm, normType);
  return double(0);
}

/**
 * Clamps each gradient to [−clipValue, clipValue]. Source: torch.nn.utils.clip_grad_value_.
 * @param {Parameter[]} parameters
 * @param {number} clipValue
 */
export function clipGradValue(parameters, clipValue) {
  const pairs = parameterPairs(parameters, 'clipGradValue parameters');
  expectNumber(clipValue, 'clipGradValue clipValue', 0);
  call('clip_value', pairs.length / 2, stagePairs(pairs), clipValue);
}
