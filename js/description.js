// Models and trainings made from plain data, which crosses to a worker.

import { Dropout, LastStep, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh } from './activation.js';
import { describe } from './check.js';
import { ArgumentError } from './errors.js';
import { GRU } from './gru.js';
import { Linear } from './linear.js';
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  HuberLoss,
  L1Loss,
  MSELoss,
  NLLLoss,
  SmoothL1Loss,
} from './loss.js';
import { LSTM } from './lstm.js';
import { Adagrad, Adam, AdamW, RMSprop, SGD } from './optim.js';
import { RNN } from './rnn.js';
import { Sequential } from './sequential.js';
import { Trainer } from './trainer.js';

/** @typedef {import('./loss.js').Loss} Loss */
/** @typedef {import('./module.js').Module} Module */
/** @typedef {import('./optim.js').Optimizer} Optimizer */
/** The name of a class, and what its constructor is given. @typedef {[kind: string, ...args: unknown[]]} Described */
/**
 * A Sequential by the names of its modules. Each is the name of its class and the arguments of its
 * constructor; a Sequential inside has one argument, a record like this one. With a seed, as manualSeed's
 * before the model is made, it has a random stream of its own.
 * @typedef {{ modules: Record<string, Described>, seed?: number }} ModelDescription
 */
/**
 * How a described model is trained: a loss, an optimizer and its options, the norm that gradients are
 * clipped to.
 * @typedef {{ loss: Described, optimizer: [kind: string, options: object], clipNorm?: number }} TrainingDescription
 */

/** Each class by its name, with the most arguments that it takes. @typedef {Record<string, [new (...args: any[]) => any, number]>} Table */

/** @type {Table} */
const MODULES = {
  RNN: [RNN, 3],
  LSTM: [LSTM, 3],
  GRU: [GRU, 3],
  Linear: [Linear, 3],
  Tanh: [Tanh, 0],
  ReLU: [ReLU, 0],
  Sigmoid: [Sigmoid, 0],
  Softmax: [Softmax, 1],
  LogSoftmax: [LogSoftmax, 1],
  Dropout: [Dropout, 1],
  LastStep: [LastStep, 0],
};

/** @type {Table} */
const LOSSES = {
  MSELoss: [MSELoss, 1],
  L1Loss: [L1Loss, 1],
  SmoothL1Loss: [SmoothL1Loss, 1],
  HuberLoss: [HuberLoss, 1],
  CrossEntropyLoss: [CrossEntropyLoss, 1],
  NLLLoss: [NLLLoss, 1],
  BCEWithLogitsLoss: [BCEWithLogitsLoss, 1],
};

/** @type {Table} */
const OPTIMIZERS = {
  SGD: [SGD, 2],
  Adam: [Adam, 2],
  AdamW: [AdamW, 2],
  RMSprop: [RMSprop, 2],
  Adagrad: [Adagrad, 2],
};

const DEPTH = 64; // of Sequentials, as the core has it

/**
 * @param {unknown} described  [kind, …arguments]
 * @param {Table} table
 * @param {string} name
 * @param {unknown[]} [first]  arguments before those described
 */
function make(described, table, name, first = []) {
  const [kind, args] = parts(described, name);
  if (!Object.hasOwn(table, kind)) {
    const known = Object.keys(table).join(', ') + (table === MODULES ? ', Sequential' : '');
    throw new ArgumentError(`${name}: expected one of ${known}, got ${describe(kind)}`);
  }
  const [Class, most] = table[kind];
  const all = [...first, ...args];
  if (all.length > most) {
    throw new ArgumentError(
      `${name}: expected at most ${most - first.length} arguments of ${kind}, got ${args.length}`,
    );
  }
  return placed(name, () => new Class(...all));
}

/**
 * An error says where it was.
 * @template T
 * @param {string} name
 * @param {() => T} run
 */
function placed(name, run) {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error) error.message = `${name}: ${error.message}`;
    throw error;
  }
}

/** @param {unknown} described @param {string} name @returns {[string, unknown[]]} */
function parts(described, name) {
  if (!Array.isArray(described) || typeof described[0] !== 'string') {
    throw new ArgumentError(
      `${name}: expected [kind, ...arguments], such as ['Linear', 2, 1], got ${describe(described)}`,
    );
  }
  const [kind, ...args] = described;
  return [kind, args];
}

/** @param {unknown[]} args @param {string} name */
function onlyOne(args, name) {
  if (args.length === 1) return args[0];
  throw new ArgumentError(
    `${name}: expected one record of modules for a Sequential, got ${args.length} arguments`,
  );
}

/**
 * @param {unknown} modules  described, by name
 * @param {string} name
 * @param {number} [depth]
 * @returns {Sequential}
 */
export function makeModel(modules, name, depth = 1) {
  if (typeof modules !== 'object' || modules === null || Array.isArray(modules)) {
    throw new ArgumentError(`${name}: expected modules by name, got ${describe(modules)}`);
  }
  if (depth > DEPTH) throw new ArgumentError(`${name}: Sequentials nest ${DEPTH} deep at most`);
  /** @type {[string, Module][]} */
  const made = [];
  try {
    for (const [key, described] of Object.entries(modules)) {
      const inner = `${name}.${key}`;
      const [kind, args] = parts(described, inner);
      const module =
        kind === 'Sequential'
          ? makeModel(onlyOne(args, inner), inner, depth + 1)
          : make(described, MODULES, inner);
      made.push([key, module]);
    }
    return placed(name, () => new Sequential(Object.fromEntries(made)));
  } catch (error) {
    for (const [, module] of made) module.dispose();
    throw error;
  }
}

/**
 * @param {Module} model
 * @param {TrainingDescription} training
 * @param {string} name
 * @returns {{ loss: Loss, optimizer: Optimizer, trainer: Trainer }}
 */
export function makeTraining(model, training, name) {
  const { loss: lossDescribed, optimizer: described, clipNorm } = training;
  /** @type {{ dispose(): void }[]} */
  const made = [];
  try {
    /** @type {Loss} */
    const loss = make(lossDescribed, LOSSES, `${name} loss`);
    made.push(loss);
    const what = `${name} optimizer`;
    /** @type {Optimizer} */
    const optimizer = make(described, OPTIMIZERS, what, [model.parameters()]);
    made.push(optimizer);
    const options = clipNorm === undefined ? {} : { clipNorm };
    return { loss, optimizer, trainer: new Trainer(model, { loss, optimizer, ...options }) };
  } catch (error) {
    for (const thing of made.reverse()) thing.dispose();
    throw error;
  }
}
