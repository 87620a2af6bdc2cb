// What every module has: parameters, a state dict, gradients to zero, training mode, an end.

import {
  abstract,
  begin,
  expectBoolean,
  expectFloats,
  expectInstance,
  expectText,
  isRecord,
  misfit,
  product,
  sameShape,
  settle,
  shapeText,
  wrong,
} from './check.js';
import { call, handleOf, Resource, text, viewFloats, word } from './core.js';
import { ArgumentError, StateError } from './errors.js';

/**
 * Values with their shape, row-major.
 * @typedef {{ shape: readonly number[], data: Float32Array }} Tensor
 */
/**
 * Tensors by their names, as PyTorch names them: weight_ih_l0, rnn.bias_hh_l1_reverse.
 * @typedef {Record<string, Tensor>} StateDict
 */

/** One tensor of a module's parameters, named and laid out as PyTorch's. */
export class Parameter {
  #owner;
  #index;

  /**
   * @hidden
   * @param {Module} owner
   * @param {number} index  in its table
   * @param {string} name
   * @param {readonly number[]} shape
   */
  constructor(owner, index, name, shape) {
    this.#owner = expectModule(owner, 'Parameter owner');
    this.#index = index;
    /** @readonly PyTorch's name, as in the state dict */
    this.name = name;
    /** @readonly */
    this.shape = shape;
  }

  /** Its values: a view of WebAssembly memory, to read and write until the next call. @returns {Float32Array} */
  get dataView() {
    return this.#view(0);
  }

  /** The gradient of each value, likewise. @returns {Float32Array} */
  get gradView() {
    return this.#view(1);
  }

  /** @param {0 | 1} place */
  #view(place) {
    call('parameter', handleOf(this.#owner), this.#index);
    return viewFloats(word(place), product(this.shape));
  }

  /**
   * Whose it is, or null when it is no Parameter.
   * @internal
   * @param {unknown} value
   * @returns {{ owner: Module, index: number } | null}
   */
  static reference(value) {
    if (typeof value !== 'object' || value === null || !(#owner in value)) return null;
    return { owner: value.#owner, index: value.#index };
  }
}

/**
 * The pairs (module, index) of a list of parameters, checked: what the core knows them by.
 * @param {unknown} parameters
 * @param {string} name  of the argument
 * @returns {number[]}  one pair after the other
 */
export function parameterPairs(parameters, name) {
  if (!Array.isArray(parameters) || parameters.length === 0) {
    throw wrong(name, 'the parameters of a model', parameters);
  }
  const seen = new Set();
  return Array.from(parameters, (parameter, i) => {
    const pair = pairOf(parameter, `${name}[${i}]`);
    const key = String(pair);
    if (seen.has(key)) throw new ArgumentError(`${name}[${i}]: ${parameter.name} is named twice`);
    seen.add(key);
    return pair;
  }).flat();
}

/** @param {any} parameter @param {string} name @returns {[module: number, index: number]} */
function pairOf(parameter, name) {
  const reference = Parameter.reference(parameter);
  if (!reference) throw wrong(name, 'a Parameter', parameter);
  try {
    return [handleOf(reference.owner), reference.index];
  } catch {
    throw new ArgumentError(`${name}: the module of ${parameter.name} was disposed`);
  }
}

/**
 * Life cycle: forward keeps what backward needs, and a new forward replaces it; backward adds to the
 * parameters' gradients, returns those of the inputs and consumes what was kept, so that a second one is
 * a StateError. Inside noGrad nothing is kept.
 */
export class Module extends Resource {
  /** @type {Parameter[]} */
  #own = [];
  #inputs;
  /** @type {Module | null} the Sequential that it is in, and that lives as long: the core frees both with it */
  #parent = null;
  #training = true;

  /**
   * @param {string} kind
   * @param {number} handle
   */
  constructor(kind, handle) {
    if (new.target === Module) throw abstract('Module', 'Linear');
    super(kind, handle);
    call('module_info', handle);
    this.#inputs = word(1) || 1;
    const count = word(0);
    for (let i = 0; i < count; i++) {
      call('parameter', handle, i);
      const shape = Object.freeze([word(2), word(3)].filter(Boolean)); // a bias has no columns
      this.#own.push(new Parameter(this, i, text(word(4)), shape));
    }
  }

  /** The modules inside, by name. @internal @returns {[name: string, module: Module][]} */
  namedChildren() {
    return [];
  }

  /** In PyTorch's order, named as in the state dict. They live as long as the module. @returns {Parameter[]} */
  parameters() {
    handleOf(this);
    return Module.tree(this).flatMap(([path, module]) =>
      module.#own.map((parameter, i) => {
        const { name, shape } = parameter;
        return path ? new Parameter(module, i, `${path}.${name}`, shape) : parameter;
      }),
    );
  }

  /** Copies of all parameters, on an object without prototype. @returns {StateDict} */
  stateDict() {
    handleOf(this);
    /** @type {StateDict} */
    const state = Object.create(null);
    for (const parameter of this.parameters()) {
      state[parameter.name] = { shape: parameter.shape, data: parameter.dataView.slice() };
    }
    return state;
  }

  /**
   * Copies values into the parameters. Everything is checked first: on an error nothing was loaded.
   * Source: torch.nn.Module.load_state_dict.
   * @param {StateDict} state
   * @param {{ strict?: boolean, prefix?: string }} [options]
   *   strict (default true): missing or unexpected names are an ArgumentError that lists them.
   *   prefix: stripped from the names that have it: 'module.' of DataParallel, '_orig_mod.' of compile.
   * @returns {{ missing: string[], unexpected: string[] }}
   */
  loadStateDict(state, options = {}) {
    const { load, ...names } = Module.plan(this, state, options);
    load();
    return names;
  }

  /**
   * Checks a state dict; what it gives loads it, and cannot fail.
   * @internal
   * @param {Module} module
   * @param {StateDict} state
   * @param {{ strict?: boolean, prefix?: string }} [options]
   * @returns {{ load: () => void, missing: string[], unexpected: string[] }}
   */
  static plan(module, state, options = {}) {
    const { what } = begin(module, 'loadStateDict');
    const { strict, prefix } = settle(what, options, LOADING);
    if (!isRecord(state)) throw wrong(what, 'a state dict', state);
    /** @type {Map<string, Tensor>} */
    const given = new Map();
    for (const [name, tensor] of Object.entries(state)) {
      const short = name.startsWith(prefix) ? name.slice(prefix.length) : name;
      if (given.has(short)) {
        throw new ArgumentError(
          `${what}: expected "${short}" with or without "${prefix}", got both`,
        );
      }
      given.set(short, tensor);
    }
    const own = new Map(module.parameters().map((parameter) => [parameter.name, parameter]));
    const missing = [...own.keys()].filter((name) => !given.has(name));
    const unexpected = [...given.keys()].filter((name) => !own.has(name));
    if (strict && missing.length + unexpected.length > 0) {
      const parts = [
        namesWithShapes('missing', missing, own),
        namesWithShapes('unexpected', unexpected, given),
        prefixHint(own, unexpected),
      ];
      throw new ArgumentError(`${what}: ${parts.filter(Boolean).join('; ')}`);
    }
    /** @type {Map<Parameter, Float32Array>} */
    const checked = new Map();
    for (const [name, parameter] of own) {
      if (!given.has(name)) continue;
      checked.set(parameter, tensorData(given.get(name), parameter.shape, `${what} ${name}`));
    }
    const load = () => {
      for (const [{ dataView }, data] of checked) dataView.set(data);
    };
    return { load, missing, unexpected };
  }

  /**
   * A module and all inside it, outer ones first, by the names that lead there; its own is ''.
   * @internal
   * @param {Module} module
   * @param {string} [path]
   * @returns {[path: string, module: Module][]}
   */
  static tree(module, path = '') {
    const inside = module
      .namedChildren()
      .flatMap(([name, child]) => Module.tree(child, path ? `${path}.${name}` : name));
    return [[path, module], ...inside];
  }

  /** Every gradient to zero. */
  zeroGrad() {
    call('zero_grad', handleOf(this));
  }

  /**
   * Dropout on (or off, with false). Source: torch.nn.Module.train.
   * @param {boolean} [mode]
   * @returns {this}
   */
  train(mode = true) {
    const { handle, what } = begin(this, 'train');
    expectBoolean(mode, `${what} mode`);
    call('train', handle, mode ? 1 : 0);
    for (const [, module] of Module.tree(this)) module.#training = mode;
    return this;
  }

  /** Dropout off. @returns {this} */
  eval() {
    handleOf(this);
    return this.train(false);
  }

  /** Whether dropout is on. */
  get training() {
    return this.#training;
  }

  /** Frees the memory of the module. Any later use is a StateError. @override */
  dispose() {
    if (this.#parent) {
      const kind = Resource.kindOf(this);
      throw new StateError(`this ${kind} belongs to a Sequential and is disposed with it`);
    }
    super.dispose();
    for (const [, module] of Module.tree(this)) {
      module.#parent = null;
      Resource.release(module); // its memory went with the Sequential's
    }
  }

  /** A Sequential takes it over. @internal @param {Module} module @param {Module} parent */
  static adopt(module, parent) {
    module.#parent = parent;
    Resource.surrender(module);
  }

  /** Values of a row of its input; 1: any. @internal @param {Module} module */
  static inputs(module) {
    return module.#inputs;
  }

  /** Whether its batches are [T][N][I]: not batchFirst. @internal @param {Module} module */
  static timeFirst(module) {
    call('module_info', handleOf(module));
    return word(3) === 1 && word(4) === 0;
  }
}

/** The options of loadStateDict. */
const LOADING = /** @satisfies {Record<string, import('./check.js').Option>} */ ({
  strict: [true, expectBoolean],
  prefix: ['', expectText],
});

/**
 * @param {string} fault
 * @param {string[]} names
 * @param {Map<string, { shape: readonly number[] }>} tensors
 */
function namesWithShapes(fault, names, tensors) {
  const list = names.map((name) => {
    const shape = tensors.get(name)?.shape;
    return Array.isArray(shape) ? `${name} ${shapeText(shape)}` : name;
  });
  return list.length > 0 ? `${fault} ${list.join(', ')}` : '';
}

/**
 * The cure, when all that is unexpected would fit without a prefix that it shares.
 * @param {Map<string, unknown>} own  by the names of the parameters
 * @param {string[]} unexpected
 */
function prefixHint(own, unexpected) {
  const [first = ''] = unexpected;
  const prefix = [...own.keys()]
    .filter((name) => first.endsWith(`.${name}`))
    .map((name) => first.slice(0, -name.length))
    .find((start) =>
      unexpected.every((name) => name.startsWith(start) && own.has(name.slice(start.length))),
    );
  return prefix ? `the option { prefix: '${prefix}' } would strip "${prefix}"` : '';
}

/**
 * The values of a tensor that must have a certain shape.
 * @param {any} tensor
 * @param {readonly number[]} shape
 * @param {string} name
 * @returns {Float32Array}
 */
export function tensorData(tensor, shape, name) {
  if (!Array.isArray(tensor?.shape)) throw wrong(name, '{ shape, data }', tensor);
  const data = expectFloats(tensor.data, `${name} data`);
  if (sameShape(tensor.shape, shape) && data.length === product(shape)) return data;
  const got = `${shapeText(tensor.shape)} with ${data.length} values`;
  throw misfit(name, `shape ${shapeText(shape)}`, got);
}

/** @param {unknown} value @param {string} what */
export function expectModule(value, what) {
  return expectInstance(value, what, Module, 'a module');
}
