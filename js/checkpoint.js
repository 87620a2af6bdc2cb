// Checkpoints: a training in one safetensors file, whose going on gives the bits of an unbroken run.
//
//     model.<name>           F32  the weights, by their names in the model's state dict
//     optimizer.<i>.<name>   F32  what the optimizer keeps of its parameter i, by PyTorch's names
//     loader.order           I32  the samples in the order of the running epoch
//     random                 U8   the state of the random stream
//     checksum               U8   CRC-32 of all bytes before it, the lowest first
//
// __metadata__ has the user's strings as they were given, and under `unrolled.checkpoint` the numbers as
// JSON, which gives every double back exactly; what JSON has no number for stands there as a string.
//
// Other tools see an ordinary file: in Python
//     {name[6:]: t for name, t in load_file(path).items() if name.startswith('model.')}
// is the model's state dict.

import { describe, expectInstance, isRecord, settle, shapeText, wrong } from './check.js';
import { DataLoader } from './data.js';
import { FormatError } from './errors.js';
import { expectModule, Module } from './module.js';
import { Optimizer } from './optim.js';
import { getRngState, setRngState } from './random.js';
import { encode, expectStrings, parse, valuesOf } from './safetensors.js';
import { Schedule } from './schedule.js';

/** @typedef {import('./check.js').Option} Option */
/** @typedef {import('./module.js').StateDict} StateDict */
/** @typedef {import('./safetensors.js').Tensor} Tensor */
/**
 * The parts of a training that a checkpoint holds, and strings of your own.
 * @typedef {{ model: Module, optimizer?: Optimizer, scheduler?: Schedule, loader?: DataLoader,
 *   metadata?: Record<string, string> }} TrainingState
 */
/**
 * Where a walk through the data stands, and what decides its batches.
 * @typedef {{ settings: import('./data.js').Settings, state: Record<string, any> }} Place
 */

const KEY = 'unrolled.checkpoint';
const VERSION = 1;
const CHECKSUM_BYTES = 4;
/** What a training is made of. @type {Record<string, Option>} */
const PARTS = {
  model: [undefined, expectModule],
  optimizer: [null, expectInstance, Optimizer, 'an optimizer'],
  scheduler: [null, expectInstance, Schedule, 'a schedule'],
  loader: [null, expectInstance, DataLoader, 'a DataLoader'],
  metadata: [undefined, (words) => words], // looked at where it is written
};
/** The element types of the tensors that have these names, or begin so. @type {Record<string, string>} */
const DTYPES = { 'model.': 'F32', 'optimizer.': 'F32', 'loader.order': 'I32', random: 'U8' };

/**
 * Model, optimizer, schedule, loader position and random stream as one safetensors file. Saved, loaded
 * into objects made the same way, and gone on with: the bits of an unbroken run. To be called between
 * steps, as in the body of a loop over `trainer.fit`. A part that is left out is not in the file.
 *
 *     const bytes = saveCheckpoint({ model, optimizer, scheduler, loader, metadata: { run: '7' } });
 *     …                       // later, elsewhere: the same program up to here
 *     loadCheckpoint(bytes, { model, optimizer, scheduler, loader });
 *     for await (const item of trainer.fit(loader, { epochs, scheduler })) …
 *
 * An epoch that was interrupted counts as the first of those `epochs`. Not in the file: gradients, what
 * step() of a recurrent layer carries, NumpyRandom streams, the options that modules were made with.
 *
 * The weights alone, by their names: `loadSafetensors(bytes)` has them with `model.` in front.
 * @param {TrainingState} state
 *   the optimizer's parameters must be the model's, the scheduler the optimizer's; metadata: strings by
 *   name, kept apart from ours (names that begin with `unrolled.` are reserved)
 * @returns {Uint8Array}
 * @throws {ArgumentError} for a part that is none, or does not belong to the others
 */
export function saveCheckpoint(state) {
  const { loader, ...parts } = expectParts(state, 'saveCheckpoint');
  return writeCheckpoint(parts, loader && placeOf(loader));
}

/**
 * Loads what saveCheckpoint wrote into the same parts. Everything is checked first: on an error nothing
 * was loaded, and the random stream is as it was.
 * @param {Uint8Array} bytes
 * @param {TrainingState} state
 *   exactly the parts that were saved, made as they were then; metadata is not looked at
 * @returns {{ metadata: Record<string, string> }}  the user's, on an object without prototype
 * @throws {FormatError} when the file is broken: not one bit of it may have changed
 * @throws {ArgumentError} when the file has another model, optimizer, schedule or loader, or other parts
 * @throws {ShapeError} when a tensor has another shape
 */
export function loadCheckpoint(bytes, state) {
  const { loader, ...parts } = expectParts(state, 'loadCheckpoint');
  const { load, place, metadata } = readCheckpoint(bytes, parts);
  const move = planPlace(loader, place);
  load();
  move();
  return { metadata };
}

/**
 * Where a loader stands.
 * @internal
 * @param {DataLoader} loader
 * @returns {Place}
 */
export function placeOf(loader) {
  return { settings: DataLoader.settings(loader), state: loader.stateDict() };
}

/**
 * Checks that a loader can go on from a place; what it gives makes it do so, and cannot fail.
 * @internal
 * @param {DataLoader | undefined} loader
 * @param {Place | undefined} place  undefined: of a file without a loader
 * @returns {() => void}
 */
export function planPlace(loader, place) {
  const words = (/** @type {object | undefined} */ settings) =>
    Object.entries(settings ?? {}).map(([name, value]) => `${name}: ${describe(value)}`);
  expectSame('loader', words(place?.settings), words(loader && DataLoader.settings(loader)));
  return loader && place ? DataLoader.plan(loader, place.state) : () => {};
}

/**
 * A checkpoint whose loader, if any, is known by its place only.
 * @internal
 * @param {Omit<TrainingState, 'loader'>} state
 * @param {Place} [place]
 * @returns {Uint8Array}
 */
export function writeCheckpoint({ model, optimizer, scheduler, metadata = {} }, place) {
  const what = 'saveCheckpoint';
  expectStrings(metadata, `${what} metadata`, wrong);
  const reserved = Object.keys(metadata).find((name) => name.startsWith('unrolled.'));
  if (reserved) throw wrong(`${what} metadata`, 'no name that begins with unrolled.', reserved);
  /** @type {Tensor[]} */
  const tensors = [];
  /** @param {string} prefix @param {Record<string, Omit<Tensor, 'name'>>} state */
  const keep = (prefix, state) => {
    for (const [name, tensor] of Object.entries(state)) {
      tensors.push({ ...tensor, name: prefix + name });
    }
  };
  /** @type {Record<string, unknown>} */
  const numbers = { version: VERSION, modules: modulesOf(model) };
  keep('model.', model.stateDict());
  if (optimizer) {
    const [kind, ...parameters] = wordsOf(optimizer, model, what);
    const saved = optimizer.stateDict();
    for (const [id, { step, ...moments }] of Object.entries(saved.state)) {
      keep(`optimizer.${id}.`, /** @type {any} */ (moments));
      saved.state[id] = { step };
    }
    numbers.optimizer = { kind, parameters, ...saved };
  }
  if (scheduler) {
    numbers.scheduler = { kind: Schedule.kindOf(scheduler), state: scheduler.stateDict() };
  }
  if (place) {
    const { order, ...state } = place.state;
    numbers.loader = { settings: place.settings, state };
    if (order) keep('loader.', { order: { data: Int32Array.from(order) } });
  }
  keep('', { random: { data: getRngState() }, checksum: { data: new Uint8Array(CHECKSUM_BYTES) } });
  const bytes = encode(tensors, { ...metadata, [KEY]: JSON.stringify(numbers, toJson) });
  const end = bytes.length - CHECKSUM_BYTES;
  new DataView(bytes.buffer).setInt32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

/**
 * Checks a checkpoint against all parts but a loader; `load` loads them, and cannot fail.
 * @internal
 * @param {Uint8Array} bytes
 * @param {Omit<TrainingState, 'loader'>} state
 * @returns {{ load: () => void, place: Place | undefined, metadata: Record<string, string> }}
 */
export function readCheckpoint(bytes, { model, optimizer, scheduler }) {
  const { numbers, metadata, found } = parseCheckpoint(bytes);
  const loads = [
    tried(found.random.random.data, getRngState, setRngState),
    planModes(numbers.modules, model),
    Module.plan(model, found.model, { prefix: 'model.' }).load,
    planOptimizer(numbers.optimizer ?? {}, found.optimizer, optimizer, model),
    planSchedule(numbers.scheduler ?? {}, scheduler),
  ];
  const order = found.loader['loader.order']?.data;
  const { loader } = numbers;
  return {
    load: () => {
      for (const load of loads.reverse()) load(); // first the schedule, whose class may be the user's
    },
    place: loader && { ...loader, state: { ...loader.state, order } },
    metadata,
  };
}

// ---- The parts -----------------------------------------------------------------------------------

/** @param {TrainingState} state @param {string} what @returns {TrainingState} */
function expectParts(state, what) {
  const parts = settle(what, state, PARTS);
  const { optimizer, scheduler } = parts;
  if (scheduler && scheduler.optimizer !== optimizer) {
    throw wrong(`${what} scheduler`, 'that of the optimizer', "another's");
  }
  return /** @type {TrainingState} */ (parts);
}

/**
 * The file's words are those of the part here; what differs first is told.
 * @param {string} name  of the part
 * @param {any} saved
 * @param {string[]} own  none: the part was not given
 */
function expectSame(name, saved, own) {
  [...own, 'none'].forEach((word, i) => {
    const expected = saved?.[i] ?? 'none';
    if (word === expected) return;
    const cure = own.length ? '' : '; loadSafetensors reads weights alone';
    throw wrong(`loadCheckpoint ${name}`, `${describe(expected)} as in the file`, word, cure);
  });
}

/**
 * Checks a state by loading it; the one there was comes back.
 * @template {object} S
 * @param {S} state
 * @param {() => S} get
 * @param {(state: S) => void} set
 * @returns {() => void}  loads it
 */
function tried(state, get, set) {
  const before = get();
  set(state);
  set(before);
  return () => set(state);
}

/** The kind of every module by its path, and whether it is training. @param {Module} model */
function modulesOf(model) {
  return Module.tree(model).map(([path, module]) => [path, Module.kindOf(module), module.training]);
}

/** @param {unknown} saved @param {Module} model @returns {() => void} */
function planModes(saved, model) {
  if (!Array.isArray(saved) || !saved.every(isModuleEntry)) refuse('modules');
  const words = (/** @type {any[]} */ list) =>
    list.map(([path, kind]) => `${path || 'model'}: ${kind}`);
  expectSame('model', words(saved), words(modulesOf(model)));
  return () => {
    Module.tree(model).forEach(([, module], i) => {
      module.train(saved[i][2]);
    });
  };
}

/** [path, kind, training] @param {unknown} entry */
function isModuleEntry(entry) {
  const types = Array.isArray(entry) && entry.map((value) => typeof value);
  return String(types) === 'string,string,boolean';
}

/**
 * The kind of an optimizer, and the model's names of what it updates.
 * @param {Optimizer} optimizer
 * @param {Module} model
 * @param {string} what
 */
function wordsOf(optimizer, model, what) {
  const own = model.parameters();
  const names = Optimizer.parametersOf(optimizer).map((parameter) => {
    // The same one, if under another name, has its values in the same place.
    const at = parameter.dataView.byteOffset;
    const found = own.find(({ dataView }) => dataView.byteOffset === at);
    if (found) return found.name;
    const got = `${parameter.name} ${shapeText(parameter.shape)}`;
    throw wrong(`${what} optimizer`, 'parameters of the model alone', got);
  });
  return [Optimizer.kindOf(optimizer), ...names];
}

/**
 * @param {any} saved
 * @param {StateDict} moments  by `optimizer.0.exp_avg`
 * @param {Optimizer | undefined} optimizer
 * @param {Module} model
 * @returns {() => void}
 */
function planOptimizer(saved, moments, optimizer, model) {
  const own = optimizer ? wordsOf(optimizer, model, 'loadCheckpoint') : [];
  expectSame('optimizer', [saved.kind].concat(saved.parameters), own);
  if (!optimizer) return () => {};
  const entries = new Map(Object.entries(saved.state ?? {}));
  for (const [name, values] of Object.entries(moments)) {
    const [, id, moment] = name.split('.');
    const entry = entries.get(id);
    if (!isRecord(entry)) refuse(name);
    entry[moment] = values;
  }
  return Optimizer.plan(optimizer, saved);
}

/** @param {any} saved @param {Schedule | undefined} scheduler @returns {() => void} */
function planSchedule({ kind, state }, scheduler) {
  expectSame('scheduler', [kind], scheduler ? [Schedule.kindOf(scheduler)] : []);
  if (!scheduler) return () => {};
  // It may be the user's own class: it checks itself.
  const load = (/** @type {object} */ state) => scheduler.loadStateDict(state);
  return tried(state, () => scheduler.stateDict(), load);
}

// ---- The file ------------------------------------------------------------------------------------

/** @param {string} what @returns {never} */
function refuse(what) {
  throw new FormatError(`checkpoint: ${describe(what)} is not as saveCheckpoint wrote it`);
}

/** @param {Uint8Array} bytes */
function parseCheckpoint(bytes) {
  const { entries, metadata, data } = parse(bytes);
  const text = metadata[KEY];
  delete metadata[KEY];
  if (text === undefined) {
    throw new FormatError('checkpoint: this file is none; loadSafetensors reads weights alone');
  }
  /** @type {any} */
  let numbers;
  try {
    numbers = JSON.parse(text, fromJson);
  } catch {
    refuse(KEY);
  }
  if (numbers?.version !== VERSION) refuse(`version ${describe(numbers?.version)}`);
  const end = bytes.length - CHECKSUM_BYTES;
  const sum = new DataView(bytes.buffer, bytes.byteOffset).getInt32(end, true);
  if (entries.pop()?.name !== 'checksum' || crc32(bytes.subarray(0, end)) !== sum) {
    throw new FormatError('checkpoint: the file has changed since it was written');
  }

  /** @type {Record<string, Record<string, any>>} by the first word of their names */
  const found = { model: {}, optimizer: {}, loader: {}, random: {} };
  for (const entry of entries) {
    const { name, dtype, shape } = entry;
    const [part] = name.split('.');
    if (dtype !== (DTYPES[name] ?? DTYPES[`${part}.`])) refuse(name);
    found[part][name] = { shape, data: valuesOf(entry, data) };
  }
  if (!found.random.random) refuse('random');
  return { numbers, metadata, found };
}

/** What JSON has no number for. */
const ODD = [NaN, Infinity, -Infinity, -0];

/** @param {string} _ @param {unknown} value */
function toJson(_, value) {
  const i = ODD.findIndex((odd) => Object.is(odd, value));
  return i < 0 ? value : `number ${i}`;
}

/** @param {string} _ @param {unknown} value */
function fromJson(_, value) {
  return ODD.find((_odd, i) => value === `number ${i}`) ?? value;
}

/** CRC-32 as zip and PNG have it (ISO 3309). @param {Uint8Array} bytes */
function crc32(bytes) {
  const remainders = Int32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ ((rest & 1) * 0xedb88320);
    return rest;
  });
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = remainders[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc;
}
