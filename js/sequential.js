import { describe, expectFloats, expectOptions, expectSize, stepsOf } from './check.js';
import {
  attempt,
  call,
  failure,
  handleOf,
  STATUS,
  stage,
  word,
  writeAt,
  writeInts,
} from './core.js';
import { ArgumentError, ShapeError } from './errors.js';
import { AT, expectModule, keeping, Module, take } from './module.js';
import { rowsBackward } from './rowwise.js';

/**
 * Modules in a row. Recurrent ones start from zeros and pass on their `output`. It takes its modules
 * over: they stay callable, share their parameters with it, and are disposed with it. Sequentials nest, 64 deep
 *
 *     new Sequential(new LSTM(1, 8), new LastStep(), new Linear(8, 1))       names "0", "1", …
 *     new Sequential({ rnn: new LSTM(1, 8), fc: new Linear(8, 1) })          "rnn.weight_ih_l0", …
 *
 * As torch.nn.Sequential: https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
 */
export class Sequential extends Module {
  /** @type {[name: string, module: Module][]} */
  #children;
  #inputs;
  #usesTime;

  /** @param {...(Module | Record<string, Module>)} modules  modules, or one record of them by name */
  constructor(...modules) {
    const children = named(modules);
    super('Sequential', create(children));
    this.#children = children;
    for (const [, child] of children) Module.adopt(child, this);
    call('module_info', handleOf(this));
    this.#inputs = word(1) || 1;
    this.#usesTime = word(3) === 1;
  }

  /** Whether input and output are [N][T][…]: as its recurrent modules, or those around it. */
  get batchFirst() {
    call('module_info', handleOf(this));
    return word(4) === 1;
  }

  /** @protected @override */
  namedChildren() {
    return [...this.#children];
  }

  /**
   * What a batch of this many values is to the core.
   * @param {number} length
   * @param {number | undefined} batch
   * @param {string} what
   */
  #rows(length, batch, what) {
    const N = batch === undefined ? 1 : expectSize(batch, `${what} batch`);
    const T = stepsOf(length, N, this.#inputs, `${what} input`);
    return this.#usesTime ? { T, N, F: this.#inputs } : { T: 1, N: T * N, F: this.#inputs };
  }

  /**
   * @param {Float32Array} input  [T][N][I], or [N][T][I] when its recurrent modules are batchFirst
   * @param {{ batch?: number }} [options]  N (default 1)
   * @returns {Float32Array}  [T][N][K], [N][T][K], or [N][K] after a LastStep
   * @throws {ShapeError} when a length does not fit; nothing has changed then
   */
  forward(input, options = {}) {
    const handle = handleOf(this);
    const what = 'Sequential forward';
    expectOptions(options, ['batch'], what);
    const data = expectFloats(input, `${what} input`);
    const { T, N, F } = this.#rows(data.length, options.batch, what);
    call('reserve', handle, T, N, F, keeping());
    writeAt(word(AT.INPUT), data);
    call('forward', handle, 0);
    return take(AT.OUTPUT, AT.OUTPUTS);
  }

  /**
   * Gradient of the last forward's input; adds to the parameters' gradients.
   * @param {Float32Array} gradOutput  as the output
   * @returns {Float32Array}  as the input
   */
  backward(gradOutput) {
    return rowsBackward(handleOf(this), 'Sequential', gradOutput);
  }
}

/**
 * @param {unknown[]} modules  what the constructor was given
 * @returns {[string, Module][]}
 */
function named(modules) {
  const [first] = modules;
  const record = modules.length === 1 && !(first instanceof Module) ? first : null;
  if (record !== null && (typeof record !== 'object' || Array.isArray(record))) {
    throw new ArgumentError(
      `Sequential: expected modules, or one record of them by name, got ${describe(record)}`,
    );
  }
  const entries = record
    ? Object.entries(record)
    : modules.map((module, i) => /** @type {[string, unknown]} */ ([String(i), module]));
  if (entries.length === 0) throw new ArgumentError('Sequential: expected at least one module');
  for (const [name, module] of entries) {
    expectModule(module, `Sequential "${name}"`);
    if (name === '' || name.includes('.')) {
      throw new ArgumentError(`Sequential "${name}": a name must not be empty nor contain a dot`);
    }
  }
  return /** @type {[string, Module][]} */ (entries);
}

/** @param {[string, Module][]} children */
function create(children) {
  const handles = children.map(([name, module]) => handleOf(module, `Sequential "${name}"`));
  const at = stage(4 * handles.length);
  writeInts(at, handles);
  const status = attempt('sequential_create', handles.length, at);
  if (status >= 0) return status;
  const culprit = `Sequential "${children[word(0)]?.[0]}"`;
  if (status === STATUS.SHAPE) {
    throw new ShapeError(`${culprit}: its inputs are not as many as the outputs before it`);
  }
  if (status === STATUS.ARGUMENT) {
    throw new ArgumentError(
      `${culprit}: this module cannot stand here: it is in a Sequential already, is a cell, or its ` +
        'batchFirst differs from those before it (and Sequentials nest 64 deep at most)',
    );
  }
  throw failure(status, 'Sequential');
}
