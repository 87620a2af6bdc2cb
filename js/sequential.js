import { batchOf, isRecord, misfit, wrong } from './check.js';
import { attempt, call, failure, handleOf, word } from './core.js';
import { ArgumentError } from './errors.js';
import { expectModule, Module } from './module.js';
import { stageInts } from './pass.js';
import { forwardRows, Rowwise } from './rowwise.js';
import * as STATUS from './status.js';

/**
 * Modules in a row. Recurrent ones start from zeros and pass on their `output`. It takes its modules
 * over: they stay callable, share their parameters with it, and are disposed with it. Sequentials nest, 64 deep
 *
 *     new Sequential(new LSTM(1, 8), new LastStep(), new Linear(8, 1))       names "0", "1", …
 *     new Sequential({ rnn: new LSTM(1, 8), fc: new Linear(8, 1) })          "rnn.weight_ih_l0", …
 *
 * As torch.nn.Sequential: https://pytorch.org/docs/stable/generated/torch.nn.Sequential.html
 */
export class Sequential extends Rowwise {
  /** @type {[name: string, module: Module][]} */
  #children;

  /** @param {...(Module | Record<string, Module>)} modules  modules, or one record of them by name */
  constructor(...modules) {
    const children = named(modules);
    super('Sequential', create(children));
    this.#children = children;
    for (const [, child] of children) Module.adopt(child, this);
  }

  /** Whether input and output are [N][T][…]: as its recurrent modules, or those around it. */
  get batchFirst() {
    call('module_info', handleOf(this));
    return word(4) === 1;
  }

  /** @internal @override */
  namedChildren() {
    return [...this.#children];
  }

  /**
   * @param {Float32Array} input  [T][N][I], or [N][T][I] when its recurrent modules are batchFirst
   * @param {{ batch?: number }} [options]  N (default 1)
   * @returns {Float32Array}  [T][N][K], [N][T][K], or [N][K] after a LastStep
   * @throws {ShapeError} when a length does not fit; nothing has changed then
   * @override
   */
  forward(input, options = {}) {
    handleOf(this);
    return forwardRows(this, input, batchOf(options, 'Sequential forward'));
  }
}

/**
 * @param {unknown[]} modules  what the constructor was given
 * @returns {[string, Module][]}
 */
function named(modules) {
  const [first] = modules;
  const record = modules.length === 1 && !(first instanceof Module) ? first : { ...modules };
  if (!isRecord(record)) {
    throw wrong('Sequential', 'modules, or one record of them by name', record);
  }
  const entries = Object.entries(record);
  if (entries.length === 0) throw new ArgumentError('Sequential: expected at least one module');
  return entries.map(([name, module]) => {
    if (!name || name.includes('.')) throw wrong('Sequential', 'a name, without dots', name);
    return [name, expectModule(module, `Sequential "${name}"`)];
  });
}

/** @param {[string, Module][]} children */
function create(children) {
  const handles = children.map(([, module]) => handleOf(module));
  const status = attempt('sequential_create', handles.length, stageInts(handles));
  if (status >= 0) return status;
  const culprit = `Sequential "${children[word(0)]?.[0]}"`;
  throw failure(status, 'Sequential', {
    [STATUS.SHAPE]: misfit(culprit, 'as many inputs as the outputs before it', 'others'),
    [STATUS.ARGUMENT]: new ArgumentError(
      `${culprit}: expected no cell, nothing that is in a Sequential already, one batchFirst in all, ` +
        'Sequentials at most 64 deep',
    ),
  });
}
