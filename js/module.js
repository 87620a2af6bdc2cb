// What every module has: parameters, a state dict, gradients to zero, training mode, an end.

import {
  abstract,
  describe,
  expectBoolean,
  expectFloats,
  expectOptions,
  product,
  sameShape,
  shapeText,
} from './check.js';
import {
  attempt,
  call,
  copyFloats,
  failure,
  Resource,
  STATUS,
  text,
  viewFloats,
  word,
} from './core.js';
import { ArgumentError, ShapeError, StateError } from './errors.js';

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
    if (!(owner instanceof Module)) throw abstract('Parameter', "a module's parameters()");
    Module.handleOf(owner, 'Parameter');
    this.#owner = owner;
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
    call('parameter', Module.handleOf(this.#owner), this.#index);
    return viewFloats(word(place), product(this.shape));
  }

  /**
   * The same parameter under a longer name.
   * @internal
   * @param {Parameter} parameter
   * @param {string} prefix
   */
  static within(parameter, prefix) {
    const { name, shape } = parameter;
    return new Parameter(parameter.#owner, parameter.#index, prefix + name, shape);
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
 * @returns {Int32Array}
 */
export function parameterPairs(parameters, name) {
  if (!Array.isArray(parameters) || parameters.length === 0) {
    throw new ArgumentError(
      `${name}: expected the parameters of a model, got ${describe(parameters)}`,
    );
  }
  const pairs = new Int32Array(2 * parameters.length);
  const seen = new Set();
  parameters.forEach((parameter, i) => {
    const reference = Parameter.reference(parameter);
    if (!reference) {
      throw new ArgumentError(`${name}[${i}]: expected a Parameter, got ${describe(parameter)}`);
    }
    if (Module.disposed(reference.owner)) {
      throw new ArgumentError(`${name}[${i}]: the module of ${parameter.name} was disposed`);
    }
    const handle = Module.handleOf(reference.owner);
    const key = `${handle}:${reference.index}`;
    if (seen.has(key)) throw new ArgumentError(`${name}[${i}]: ${parameter.name} is named twice`);
    seen.add(key);
    pairs[2 * i] = handle;
    pairs[2 * i + 1] = reference.index;
  });
  return pairs;
}

let graded = true; // false inside noGrad

/**
 * Forwards inside `fn` keep nothing for a backward: the fast way to infer. Only until fn returns: what an
 * async function does after its first await is outside.
 * Source: torch.no_grad.
 * @template R
 * @param {() => R} fn
 * @returns {R}  what fn returns
 */
export function noGrad(fn) {
  if (typeof fn !== 'function') {
    throw new ArgumentError(`noGrad: expected a function, got ${describe(fn)}`);
  }
  const before = graded;
  graded = false;
  try {
    return fn();
  } finally {
    graded = before;
  }
}

/** Whether a forward keeps what its backward needs: 1 or 0, as the core takes it. */
export function keeping() {
  return graded ? 1 : 0;
}

/**
 * Life cycle: forward keeps what backward needs, and a new forward replaces it; backward adds to the
 * parameters' gradients, returns those of the inputs and consumes what was kept, so that a second one is
 * a StateError. Inside noGrad nothing is kept.
 */
export class Module extends Resource {
  /** @type {Parameter[]} */
  #own = [];
  /** @type {Module | null} */
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
    const count = word(0);
    for (let i = 0; i < count; i++) {
      call('parameter', handle, i);
      const rows = word(2);
      const cols = word(3);
      this.#own.push(
        new Parameter(this, i, text(word(4)), Object.freeze(cols ? [rows, cols] : [rows])),
      );
    }
  }

  /** The modules inside, by name. @protected @returns {[name: string, module: Module][]} */
  namedChildren() {
    return [];
  }

  /** In PyTorch's order, named as in the state dict. They live as long as the module. @returns {Parameter[]} */
  parameters() {
    Module.handleOf(this);
    const inside = this.namedChildren().flatMap(([name, child]) =>
      child.parameters().map((parameter) => Parameter.within(parameter, `${name}.`)),
    );
    return [...this.#own, ...inside];
  }

  /** Copies of all parameters, on an object without prototype. @returns {StateDict} */
  stateDict() {
    Module.handleOf(this);
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
    Module.handleOf(module);
    const kind = Resource.kindOf(module);
    const what = `${kind} loadStateDict`;
    expectOptions(options, ['strict', 'prefix'], what);
    const { strict = true, prefix = '' } = options;
    expectBoolean(strict, `${what} strict`);
    if (typeof prefix !== 'string') {
      throw new ArgumentError(`${what} prefix: expected a string, got ${describe(prefix)}`);
    }
    if (typeof state !== 'object' || state === null || ArrayBuffer.isView(state)) {
      throw new ArgumentError(`${what}: expected a state dict, got ${describe(state)}`);
    }
    const given = new Map();
    for (const [name, tensor] of Object.entries(state)) {
      const short = name.startsWith(prefix) ? name.slice(prefix.length) : name;
      if (given.has(short)) {
        throw new ArgumentError(`${what}: "${short}" comes both with and without "${prefix}"`);
      }
      given.set(short, tensor);
    }
    const parameters = module.parameters();
    const names = new Set(parameters.map((parameter) => parameter.name));
    const missing = [...names].filter((name) => !given.has(name));
    const unexpected = [...given.keys()].filter((name) => !names.has(name));
    if (strict && (missing.length || unexpected.length)) {
      const wanted = new Map(parameters.map(({ name, shape }) => [name, shape]));
      const parts = [
        missing.length ? `missing ${namesWithShapes(missing, (name) => wanted.get(name))}` : '',
        unexpected.length
          ? `unexpected ${namesWithShapes(unexpected, (name) => given.get(name)?.shape)}`
          : '',
        prefixHint(names, unexpected),
      ];
      throw new ArgumentError(`${what}: ${parts.filter(Boolean).join('; ')}`);
    }
    const pairs = parameters
      .filter((parameter) => given.has(parameter.name))
      .map((parameter) => {
        const tensor = /** @type {StateDict[string]} */ (given.get(parameter.name));
        return {
          parameter,
          data: tensorData(tensor, parameter.shape, `${what} ${parameter.name}`),
        };
      });
    const load = () => {
      for (const { parameter, data } of pairs) parameter.dataView.set(data);
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
    call('zero_grad', Module.handleOf(this));
  }

  /**
   * Dropout on (or off, with false). Source: torch.nn.Module.train.
   * @param {boolean} [mode]
   * @returns {this}
   */
  train(mode = true) {
    const handle = Module.handleOf(this);
    expectBoolean(mode, `${Resource.kindOf(this)} train mode`);
    call('train', handle, mode ? 1 : 0);
    this.#setTraining(mode);
    return this;
  }

  /** Dropout off. @returns {this} */
  eval() {
    Module.handleOf(this);
    return this.train(false);
  }

  /** Whether dropout is on. */
  get training() {
    return this.#training;
  }

  /** @param {boolean} mode */
  #setTraining(mode) {
    this.#training = mode;
    for (const [, child] of this.namedChildren()) child.#setTraining(mode);
  }

  /** Frees the memory of the module. Any later use is a StateError. @override */
  dispose() {
    if (this.#parent) {
      throw new StateError(
        `this ${Resource.kindOf(this)} belongs to a Sequential and is disposed with it`,
      );
    }
    const wasAlive = !Module.disposed(this);
    super.dispose();
    if (wasAlive) for (const [, child] of this.namedChildren()) child.#orphan();
  }

  // Its memory went with the Sequential's.
  #orphan() {
    this.#parent = null;
    Resource.release(this);
    for (const [, child] of this.namedChildren()) child.#orphan();
  }

  /** The modules inside, by name. @internal @param {Module} module */
  static childrenOf(module) {
    return module.namedChildren();
  }

  /** @internal @param {Module} module @param {Module} parent */
  static adopt(module, parent) {
    module.#parent = parent;
    Resource.surrender(module);
  }

  /** @internal @param {Module} module */
  static disposed(module) {
    try {
      Module.handleOf(module);
      return false;
    } catch {
      return true;
    }
  }
}

/**
 * @param {string[]} names
 * @param {(name: string) => unknown} shapeOf
 */
function namesWithShapes(names, shapeOf) {
  return names
    .map((name) => {
      const shape = shapeOf(name);
      return Array.isArray(shape) ? `${name} ${shapeText(shape)}` : name;
    })
    .join(', ');
}

/**
 * The cure, when all that is unexpected would fit without a prefix that it shares.
 * @param {Set<string>} names  of the parameters
 * @param {string[]} unexpected
 */
function prefixHint(names, unexpected) {
  const [first = ''] = unexpected;
  const prefix = [...names]
    .filter((name) => first.endsWith(`.${name}`))
    .map((name) => first.slice(0, -name.length))
    .find((start) =>
      unexpected.every((name) => name.startsWith(start) && names.has(name.slice(start.length))),
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
  if (typeof tensor !== 'object' || tensor === null || !Array.isArray(tensor.shape)) {
    throw new ArgumentError(`${name}: expected { shape, data }, got ${describe(tensor)}`);
  }
  const data = expectFloats(tensor.data, `${name} data`);
  if (!sameShape(tensor.shape, shape) || data.length !== product(shape)) {
    throw new ShapeError(
      `${name}: expected shape ${shapeText(shape)}, ` +
        `got ${shapeText(tensor.shape)} with ${data.length} values`,
    );
  }
  return data;
}

/** Which of the places that reserve() names holds what; see unrolled_reserve in src/unrolled.h. */
export const AT = Object.freeze({
  INPUT: 0,
  OUTPUT: 1,
  OUTPUTS: 2,
  GRAD_OUTPUT: 3,
  GRAD_INPUT: 4,
  H0: 5,
  C0: 6,
  HN: 7,
  CN: 8,
  GRAD_H: 9,
  GRAD_C: 10,
  HS: 11,
  CS: 12,
  INPUTS: 13,
});

export const HAS_H = 1;
export const HAS_C = 2;
export const HAS_OUTPUT = 4;

/** @param {number} place @param {number} count  both words of the out block */
export function take(place, count) {
  return copyFloats(word(place), word(count));
}

/**
 * The forward that waits is in the out block, as reserve() left it; StateError when none does.
 * @param {number} handle
 * @param {string} kind
 */
export function expectPending(handle, kind) {
  const status = attempt('pending', handle);
  if (status === STATUS.STATE) throw noForward(kind);
  if (status < 0) throw failure(status, `${kind} backward`);
}

/** @param {unknown} value @param {string} what @returns {Module} */
export function expectModule(value, what) {
  if (value instanceof Module) return value;
  throw new ArgumentError(`${what}: expected a module, got ${describe(value)}`);
}

/** @param {string} kind */
function noForward(kind) {
  return new StateError(
    `${kind} backward: there is no forward to undo. Call forward first, outside noGrad; each one ` +
      'serves one backward.',
  );
}
