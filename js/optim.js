// Optimizers: update rules, defaults and state dicts of torch.optim.
// https://pytorch.org/docs/stable/optim.html

import {
  abstract,
  BELOW_ONE,
  begin,
  expectBoolean,
  expectCount,
  expectNumber,
  isRecord,
  settle,
  wrong,
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
} from './core.js';
import { ArgumentError } from './errors.js';
import { parameterPairs, tensorData } from './module.js';
import { stageInts } from './pass.js';

/** @typedef {import('./module.js').Parameter} Parameter */
/** @typedef {import('./check.js').Option} Option */
/** @typedef {Record<string, number | boolean | number[]>} Settings */

const BETAS = [0.9, 0.999];

/** What each kind can be told, with defaults (undefined: it must be), the kinds in the order of src/unrolled.h. @type {Record<string, Record<string, any>>} */
const KINDS = {
  SGD: { lr: undefined, momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 },
  Adam: { lr: 1e-3, betas: BETAS, eps: 1e-8, weightDecay: 0, amsgrad: false },
  AdamW: { lr: 1e-3, betas: BETAS, eps: 1e-8, weightDecay: 0.01, amsgrad: false },
  RMSprop: { lr: 1e-2, alpha: 0.99, eps: 1e-8, momentum: 0, centered: false, weightDecay: 0 },
  Adagrad: { lr: 1e-2, lrDecay: 0, eps: 1e-10, weightDecay: 0, initialAccumulatorValue: 0 },
};

/** @typedef {[check: Option[1], ...bounds: number[]]} Check */
/** @type {Check} */
const AMOUNT = [expectNumber, 0];
/** @type {Check} */
const FLAG = [expectBoolean];

/** How each option is checked, in the order in which the core takes them. @type {Record<string, Check>} */
const CHECKS = {
  lr: AMOUNT,
  weightDecay: AMOUNT,
  eps: AMOUNT,
  momentum: AMOUNT,
  dampening: [expectNumber],
  betas: [expectBetas],
  alpha: AMOUNT,
  lrDecay: AMOUNT,
  initialAccumulatorValue: AMOUNT,
  nesterov: FLAG,
  amsgrad: FLAG,
  centered: FLAG,
};

/** Settings, checked. @param {string} kind @param {string} what @param {object} given */
function settingsOf(kind, what, given) {
  const table = Object.entries(KINDS[kind]).map(([name, value]) => [
    name,
    [value, ...CHECKS[name]],
  ]);
  /** @type {Settings} */
  const settings = settle(what, given, Object.fromEntries(table));
  const { nesterov, momentum, dampening } = settings;
  if (!nesterov || (momentum && dampening === 0)) return settings;
  throw wrong(`${what} nesterov`, 'it with momentum above 0 and dampening 0 only', nesterov);
}

/** Settings as the core takes them. @param {Settings} settings */
function numbers(settings) {
  /** @type {Settings} */
  const all = { betas: [0, 0], ...settings };
  return Object.keys(CHECKS)
    .flatMap((name) => all[name] ?? 0)
    .map(Number);
}

/** Of those numbers: betas are two. */
const NUMBERS_BYTES = 8 * 13;

/** The options whose being there decides which moments are kept. */
const KEEPING = ['momentum', 'amsgrad', 'centered'];

/** What PyTorch's param_groups call an option. @param {string} option */
function snakeCase(option) {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** @param {unknown} value  null is as undefined @param {string} name */
function expectBetas(value, name) {
  const betas = value ?? BETAS;
  if (!Array.isArray(betas) || betas.length !== 2) throw wrong(name, 'two numbers', betas);
  return betas.map((beta) => expectNumber(beta, name, 0, BELOW_ONE));
}

/**
 * Updates exactly the parameters it was given, which may be some of a model's or several models'.
 */
export class Optimizer extends Resource {
  #settings;
  #parameters;

  /**
   * @hidden
   * @param {string} kind
   * @param {Parameter[]} parameters
   * @param {object} [options]
   */
  constructor(kind, parameters, options) {
    if (new.target === Optimizer) throw abstract('Optimizer', 'Adam');
    const settings = settingsOf(kind, kind, options ?? {});
    const pairs = parameterPairs(parameters, `${kind} parameters`);
    const at = stage(NUMBERS_BYTES + 4 * pairs.length);
    const pairsAt = at + NUMBERS_BYTES;
    writeDoubles(at, numbers(settings));
    writeAt(pairsAt, pairs);
    const number = Object.keys(KINDS).indexOf(kind);
    super(kind, call('optimizer_create', number, at, parameters.length, pairsAt));
    this.#settings = settings;
    this.#parameters = [...parameters];
  }

  /** The learning rate; may be set at any time. */
  get lr() {
    handleOf(this);
    return /** @type {number} */ (this.#settings.lr);
  }

  set lr(value) {
    const { what } = begin(this, 'lr');
    this.#set({ ...this.#settings, lr: expectNumber(value, what, 0) });
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
    const kind = Resource.kindOf(this);
    const { step, moments } = this.#kept(0);
    /** @type {Record<string, any>} */
    const state = Object.create(null);
    const counts = kind !== 'SGD'; // PyTorch's keeps no count of the steps
    const keeps = step > 0 ? counts || moments.length > 0 : kind === 'Adagrad';
    this.#parameters.forEach(({ shape }, i) => {
      if (!keeps) return;
      state[i] = Object.assign(Object.create(null), counts && { step });
      for (const { name, at, values } of this.#kept(i).moments) {
        state[i][name] = { shape, data: copyFloats(at, values) };
      }
    });
    /** @type {Record<string, unknown>} */
    const group = {};
    const settings = structuredClone(this.#settings);
    for (const [name, value] of Object.entries(settings)) group[snakeCase(name)] = value;
    group.params = this.#parameters.map((_, i) => i);
    return { state, param_groups: [group] };
  }

  /** What is kept of a parameter. @param {number} index */
  #kept(index) {
    call('optimizer_info', handleOf(this), index);
    const values = word(1);
    const moments = Array.from({ length: word(0) }, (_, i) => {
      return { name: text(word(4 + 2 * i)), at: word(5 + 2 * i), values };
    });
    return { step: double(2), moments };
  }

  /** @param {Settings} settings @param {number} [step]  to begin anew after, with new moments */
  #set(settings, step = -1) {
    const at = stage(NUMBERS_BYTES);
    writeDoubles(at, numbers(settings));
    call('optimizer_options', handleOf(this), at, step);
    this.#settings = settings;
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
   * @param {object} given
   * @returns {() => void}
   */
  static plan(optimizer, given) {
    const { what } = begin(optimizer, 'loadStateDict');
    const { state, param_groups: groups } = /** @type {any} */ (given ?? {});
    const [group] = Array.isArray(groups) ? groups : [];
    if (!isRecord(state) || !isRecord(group)) throw wrong(what, '{ state, param_groups }', given);
    if (groups.length !== 1) {
      throw wrong(`${what} param_groups`, 'one group', groups, '; use one optimizer for each');
    }
    const { params } = group;
    const count = optimizer.#parameters.length;
    if (!Array.isArray(params) || params.length !== count) {
      throw wrong(`${what} params`, `${count} parameters`, params);
    }
    params.forEach((id, i) => {
      expectCount(id, `${what} params[${i}]`);
    });
    const settings = optimizer.#settingsFrom(group, what);
    const entries = params.map((id) => state[id] ?? {});
    const { step, moments } = optimizer.#momentsFrom(entries, what);
    stage(NUMBERS_BYTES); // may be refused, so it is asked for here
    return () => {
      optimizer.#set(settings, step);
      moments.forEach((list, i) => {
        const kept = optimizer.#kept(i).moments;
        list.forEach((values, moment) => {
          writeAt(kept[moment].at, values);
        });
      });
    };
  }

  /** What it updates. @internal @param {Optimizer} optimizer */
  static parametersOf(optimizer) {
    return [...optimizer.#parameters];
  }

  /** @param {Record<string, unknown>} group @param {string} what @returns {Settings} */
  #settingsFrom(group, what) {
    if (group.maximize) throw wrong(`${what} maximize`, 'none', group.maximize);
    const own = this.#settings;
    const given = Object.keys(own).map((name) => [name, group[snakeCase(name)] ?? own[name]]);
    const settings = settingsOf(Resource.kindOf(this), what, Object.fromEntries(given));
    for (const name of KEEPING) {
      if (Boolean(settings[name]) === Boolean(own[name])) continue;
      throw wrong(`${what} ${name}`, `${own[name]} as here`, settings[name]);
    }
    return settings;
  }

  /**
   * What is kept of each parameter: of all or of none.
   * @param {Record<string, any>[]} entries
   * @param {string} what
   * @returns {{ step: number, moments: Float32Array[][] }}
   */
  #momentsFrom(entries, what) {
    const own = this.#kept(0).moments;
    if (entries.every((entry) => Object.keys(entry).length === 0)) return { step: 0, moments: [] };
    const steps = new Set();
    const moments = entries.map((entry, i) => {
      const { shape } = this.#parameters[i];
      const name = `${what} state ${i}`;
      steps.add(stepOf(entry.step, Resource.kindOf(this), `${name} step`));
      return own.map((moment) => {
        return tensorData(entry[moment.name], shape, `${name} ${moment.name}`);
      });
    });
    const [step, ...others] = steps;
    if (others.length > 0) throw new ArgumentError(`${what} step: expected one for all parameters`);
    return { step, moments };
  }
}

/**
 * PyTorch keeps it as a number or, in newer versions, a tensor. SGD keeps none.
 * @param {any} step
 * @param {string} kind
 * @param {string} name
 */
function stepOf(step, kind, name) {
  const value = step?.data?.[0] ?? step;
  return value === undefined && kind === 'SGD' ? 1 : expectCount(value, name);
}

/** As torch.optim.SGD; momentum, dampening, Nesterov, weight decay. */
export class SGD extends Optimizer {
  /**
   * @param {Parameter[]} parameters
   * @param {{ lr: number, momentum?: number, dampening?: number, nesterov?: boolean,
   *   weightDecay?: number }} options
   */
  constructor(parameters, options) {
    super('SGD', parameters, options);
  }
}

/** As torch.optim.Adam (D. Kingma, J. Ba 2015); weight decay is added to the gradient. */
export class Adam extends Optimizer {
  /**
   * @param {Parameter[]} parameters
   * @param {{ lr?: number, betas?: [number, number], eps?: number, weightDecay?: number,
   *   amsgrad?: boolean }} [options]
   */
  constructor(parameters, options) {
    super('Adam', parameters, options);
  }
}

/** As torch.optim.AdamW (I. Loshchilov, F. Hutter 2019); weight decay shrinks the weights themselves. */
export class AdamW extends Optimizer {
  /**
   * @param {Parameter[]} parameters
   * @param {{ lr?: number, betas?: [number, number], eps?: number, weightDecay?: number,
   *   amsgrad?: boolean }} [options]  weightDecay: default 0.01
   */
  constructor(parameters, options) {
    super('AdamW', parameters, options);
  }
}

/** As torch.optim.RMSprop. */
export class RMSprop extends Optimizer {
  /**
   * @param {Parameter[]} parameters
   * @param {{ lr?: number, alpha?: number, eps?: number, momentum?: number, centered?: boolean,
   *   weightDecay?: number }} [options]
   */
  constructor(parameters, options) {
    super('RMSprop', parameters, options);
  }
}

/** As torch.optim.Adagrad. */
export class Adagrad extends Optimizer {
  /**
   * @param {Parameter[]} parameters
   * @param {{ lr?: number, lrDecay?: number, eps?: number, weightDecay?: number,
   *   initialAccumulatorValue?: number }} [options]
   */
  constructor(parameters, options) {
    super('Adagrad', parameters, options);
  }
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
  const what = 'clipGradNorm';
  const { normType } = settle(what, options, { normType: [2, expectNorm] });
  const pairs = parameterPairs(parameters, `${what} parameters`);
  expectNumber(maxNorm, `${what} maxNorm`, 0);
  call('clip', parameters.length, stageInts(pairs), maxNorm, normType);
  return double(0);
}

/** @param {any} value @param {string} name @returns {number} */
function expectNorm(value, name) {
  if (typeof value === 'number' && value > 0) return value;
  throw wrong(name, 'a number above 0 or Infinity', value);
}

/**
 * Clamps each gradient to [−clipValue, clipValue]. Source: torch.nn.utils.clip_grad_value_.
 * @param {Parameter[]} parameters
 * @param {number} clipValue
 */
export function clipGradValue(parameters, clipValue) {
  const pairs = parameterPairs(parameters, 'clipGradValue parameters');
  expectNumber(clipValue, 'clipGradValue clipValue', 0);
  call('clip', parameters.length, stageInts(pairs), clipValue, 0);
}
