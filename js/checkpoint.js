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

import { describe, expectOptions, product, shapeText } from './check.js';
import { handleOf } from './core.js';
import { DataLoader } from './data.js';
import { ArgumentError, FormatError } from './errors.js';
import { expectModule, Module, Parameter } from './module.js';
import { Optimizer } from './optim.js';
import { getRngState, setRngState } from './random.js';
import { checkMetadata, encode, parse, readInto, readTensor } from './safetensors.js';
import { Schedule } from './schedule.js';

/** @typedef {import('./safetensors.js').Tensor} Tensor */
/** @typedef {import('./module.js').StateDict} StateDict */
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
/** Of a text from the file in a message. */
const TEXT_SHOWN = 300;
const PARTS = ['model', 'optimizer', 'scheduler', 'loader', 'metadata'];

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
  expectPart('loader', place, loader);
  const move = loader && place ? planPlace(loader, place) : () => {};
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
 * @param {DataLoader} loader
 * @param {Place} place
 * @returns {() => void}
 */
export function planPlace(loader, { settings, state }) {
  for (const [name, value] of Object.entries(DataLoader.settings(loader))) {
    expectSame(
      /** @type {Record<string, unknown>} */ (settings)?.[name],
      value,
      `DataLoader ${name}`,
    );
  }
  return DataLoader.plan(loader, state);
}

/**
 * A checkpoint whose loader, if any, is known by its place only.
 * @internal
 * @param {Omit<TrainingState, 'loader'>} state
 * @param {Place} [place]
 * @returns {Uint8Array}
 */
export function writeCheckpoint({ model, optimizer, scheduler, metadata = {} }, place) {
  const own = checkMetadata(metadata, 'saveCheckpoint metadata');
  for (const name of Object.keys(own)) {
    if (name.startsWith('unrolled.')) {
      throw new ArgumentError(
        `saveCheckpoint metadata ${describe(name)}: expected a name that does not begin with unrolled.`,
      );
    }
  }
  /** @type {Record<string, unknown>} */
  const numbers = { version: VERSION, modules: modulesOf(model) };
  const tensors = floats('model', model.stateDict());
  if (optimizer) {
    const { state, param_groups } = optimizer.stateDict();
    const kept = Object.entries(state).map(([id, entry]) => {
      const { step, ...moments } = entry;
      tensors.push(...floats(`optimizer.${id}`, /** @type {any} */ (moments)));
      return [id, step === undefined ? {} : { step }];
    });
    const parameters = namesOf(optimizer, model, 'saveCheckpoint');
    const kind = Optimizer.kindOf(optimizer);
    numbers.optimizer = { kind, parameters, state: Object.fromEntries(kept), param_groups };
  }
  if (scheduler) {
    numbers.scheduler = { kind: Schedule.kindOf(scheduler), state: scheduler.stateDict() };
  }
  if (place) {
    const { order, ...state } = place.state;
    numbers.loader = { settings: place.settings, state };
    if (order) tensors.push(tensor('loader.order', 'I32', Int32Array.from(order)));
  }
  tensors.push(tensor('random', 'U8', getRngState()));
  tensors.push(tensor('checksum', 'U8', new Uint8Array(CHECKSUM_BYTES)));
  const bytes = encode(tensors, { ...own, [KEY]: JSON.stringify(numbers, toJson) });
  const end = bytes.length - CHECKSUM_BYTES;
  new DataView(bytes.buffer).setUint32(end, crc32(bytes.subarray(0, end)), true);
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
  const { numbers, metadata, weights, moments, order, random } = parseCheckpoint(bytes);
  expectPart('optimizer', numbers.optimizer, optimizer);
  expectPart('scheduler', numbers.scheduler, scheduler);

  const modes = planModes(numbers.modules, model);
  const { load: loadWeights } = Module.plan(model, weights);
  const loadOptimizer = optimizer
    ? planOptimizer(numbers.optimizer, moments, optimizer, model)
    : () => {};
  if (scheduler) {
    const kind = Schedule.kindOf(scheduler);
    expectSame(numbers.scheduler.kind, kind, 'scheduler');
    // A schedule may be the user's own class: it checks itself, and gets its state back.
    const before = scheduler.stateDict();
    scheduler.loadStateDict(numbers.scheduler.state);
    scheduler.loadStateDict(before);
  }
  const stream = getRngState();
  setRngState(random);
  setRngState(stream);
  const load = () => {
    setRngState(random);
    scheduler?.loadStateDict(numbers.scheduler.state);
    loadWeights();
    modes();
    loadOptimizer();
  };
  const { settings, state } = numbers.loader ?? {};
  const place = numbers.loader
    ? { settings, state: { ...state, ...(order && { order }) } }
    : undefined;
  return { load, place, metadata };
}

// ---- The parts -----------------------------------------------------------------------------------

/** @param {TrainingState} state @param {string} what */
function expectParts(state, what) {
  expectOptions(state, PARTS, what);
  const { model, optimizer, scheduler, loader } = state;
  handleOf(expectModule(model, `${what} model`), `${what} model`);
  for (const [name, value, Class] of /** @type {const} */ ([
    ['optimizer', optimizer, Optimizer],
    ['scheduler', scheduler, Schedule],
    ['loader', loader, DataLoader],
  ])) {
    if (value === undefined || value instanceof Class) continue;
    throw new ArgumentError(`${what} ${name}: expected one, got ${describe(value)}`);
  }
  if (optimizer) handleOf(optimizer, `${what} optimizer`);
  if (scheduler && scheduler.optimizer !== optimizer) {
    throw new ArgumentError(`${what} scheduler: expected that of the optimizer, got another's`);
  }
  if (optimizer) namesOf(optimizer, model, what); // throws when they do not belong together
  return state;
}

/** @param {string} name @param {unknown} saved @param {unknown} given */
function expectPart(name, saved, given) {
  if (Boolean(saved) === Boolean(given)) return;
  throw new ArgumentError(
    given
      ? `loadCheckpoint ${name}: the file has none`
      : `loadCheckpoint ${name}: the file has one, expected it here too: without it the training would ` +
          'not go on as it was. For the weights alone: model.loadStateDict(loadSafetensors(bytes), ' +
          "{ prefix: 'model.', strict: false })",
  );
}

/** @param {unknown} saved @param {unknown} own @param {string} what */
function expectSame(saved, own, what) {
  const [a, b] = [JSON.stringify(saved), JSON.stringify(own)];
  if (a === b) return;
  throw new ArgumentError(
    `loadCheckpoint ${what}: the file has ${short(a)}, this one is ${short(b)}`,
  );
}

/** The kind of every module by its path, and whether it is training. @param {Module} model */
function modulesOf(model) {
  return Module.tree(model).map(([path, module]) => [path, Module.kindOf(module), module.training]);
}

/** @param {unknown} saved @param {Module} model @returns {() => void} */
function planModes(saved, model) {
  if (!Array.isArray(saved) || !saved.every(isModuleEntry)) refuse('modules');
  const list = saved;
  const own = modulesOf(model);
  const kinds = (/** @type {any[]} */ modules) =>
    modules.map(([path, kind]) => `${path || 'model'}: ${kind}`).join(', ');
  if (kinds(list) !== kinds(own)) {
    throw new ArgumentError(
      `loadCheckpoint model: the file has another, ${short(kinds(list))}; this one is ${short(kinds(own))}`,
    );
  }
  return () => {
    Module.tree(model).forEach(([, module], i) => {
      module.train(list[i][2]);
    });
  };
}

/** [path, kind, training] @param {unknown} entry */
function isModuleEntry(entry) {
  if (!Array.isArray(entry)) return false;
  const [path, kind, training] = entry;
  return typeof path === 'string' && typeof kind === 'string' && typeof training === 'boolean';
}

/** As much of a text as a message shows. @param {string | undefined} text */
function short(text = 'none') {
  return text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN)}…` : text;
}

/**
 * The model's names of what the optimizer updates.
 * @param {Optimizer} optimizer
 * @param {Module} model
 * @param {string} what
 */
function namesOf(optimizer, model, what) {
  const own = model
    .parameters()
    .map((parameter) => ({ name: parameter.name, at: Parameter.reference(parameter) }));
  return Optimizer.parametersOf(optimizer).map((parameter) => {
    const at = Parameter.reference(parameter);
    const found = own.find((one) => one.at?.owner === at?.owner && one.at?.index === at?.index);
    if (found) return found.name;
    throw new ArgumentError(
      `${what} optimizer: it updates ${parameter.name} ${shapeText(parameter.shape)}, where ` +
        'parameters of the model were expected; pass the model that has all of them',
    );
  });
}

/**
 * @param {any} saved
 * @param {StateDict} moments  by `0.exp_avg`
 * @param {Optimizer} optimizer
 * @param {Module} model
 * @returns {() => void}
 */
function planOptimizer(saved, moments, optimizer, model) {
  expectSame(saved.kind, Optimizer.kindOf(optimizer), 'optimizer');
  expectSame(saved.parameters, namesOf(optimizer, model, 'loadCheckpoint'), 'optimizer parameters');
  /** @type {Record<string, Record<string, unknown>>} */
  const state = Object.create(null);
  for (const [id, entry] of Object.entries(saved.state ?? {})) {
    state[id] = Object.assign(Object.create(null), entry);
  }
  for (const [name, values] of Object.entries(moments)) {
    const dot = name.indexOf('.');
    const entry = state[name.slice(0, dot)];
    if (!entry) refuse(`optimizer.${name}`);
    entry[name.slice(dot + 1)] = values;
  }
  return Optimizer.plan(optimizer, { state, param_groups: saved.param_groups });
}

// ---- The file ------------------------------------------------------------------------------------

/** @param {string} what @returns {never} */
function refuse(what) {
  throw new FormatError(`checkpoint: ${short(what)} is not as saveCheckpoint writes it`);
}

/** @param {string} name @param {'I32' | 'U8'} dtype @param {Int32Array | Uint8Array} data @returns {Tensor} */
function tensor(name, dtype, data) {
  return { name, dtype, shape: [data.length], data };
}

/** @param {string} prefix @param {StateDict} state @returns {Tensor[]} */
function floats(prefix, state) {
  return Object.entries(state).map(([name, { shape, data }]) => ({
    name: `${prefix}.${name}`,
    dtype: 'F32',
    shape,
    data,
  }));
}

/** @param {Uint8Array} bytes */
function parseCheckpoint(bytes) {
  const { entries, metadata, data } = parse(bytes);
  const text = metadata[KEY];
  if (text === undefined) {
    throw new FormatError(
      'checkpoint: this safetensors file is none, it has no metadata of saveCheckpoint; weights alone ' +
        'are read with loadSafetensors',
    );
  }
  /** @type {any} */
  let numbers;
  try {
    numbers = JSON.parse(text, fromJson);
  } catch {
    refuse(KEY);
  }
  if (typeof numbers !== 'object' || numbers === null) refuse(KEY);
  if (numbers.version !== VERSION) {
    throw new FormatError(
      `checkpoint: version ${describe(numbers.version)} is not known; this library reads ${VERSION}`,
    );
  }
  expectChecksum(bytes, entries);

  delete metadata[KEY];
  /** @type {StateDict} */
  const weights = Object.create(null);
  /** @type {StateDict} */
  const moments = Object.create(null);
  /** @type {Int32Array | undefined} */
  let order;
  /** @type {Uint8Array | undefined} */
  let random;
  for (const entry of entries) {
    const { name, dtype, shape } = entry;
    const length = product(shape);
    const [, part, rest] = /^(model|optimizer)\.(.+)$/s.exec(name) ?? [];
    if (part && dtype === 'F32') {
      const values = { shape, data: readTensor(entry, data) };
      (part === 'model' ? weights : moments)[rest] = values;
    } else if (name === 'loader.order' && dtype === 'I32') {
      order = readInto(new Int32Array(length), entry, data);
    } else if (name === 'random' && dtype === 'U8') {
      random = readInto(new Uint8Array(length), entry, data);
    } else if (name !== 'checksum') {
      refuse(name);
    }
  }
  if (!random) refuse('random');
  return { numbers, metadata, weights, moments, order, random };
}

/** @param {Uint8Array} bytes @param {import('./safetensors.js').Entry[]} entries */
function expectChecksum(bytes, entries) {
  const last = entries[entries.length - 1];
  if (last?.name !== 'checksum' || last.dtype !== 'U8' || last.shape[0] !== CHECKSUM_BYTES) {
    refuse('checksum');
  }
  const end = bytes.length - CHECKSUM_BYTES;
  const written = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0, true);
  if (crc32(bytes.subarray(0, end)) === written) return;
  throw new FormatError('checkpoint: bytes of the file have changed since it was written');
}

/** What JSON has no number for. */
const ODD = [NaN, Infinity, -Infinity, -0];

/** @param {string} _ @param {unknown} value */
function toJson(_, value) {
  const odd = ODD.findIndex((number) => Object.is(number, value));
  return odd < 0 ? value : `number ${odd}`;
}

/** @param {string} _ @param {unknown} value */
function fromJson(_, value) {
  const odd = ODD.findIndex((_number, i) => value === `number ${i}`);
  return odd < 0 ? value : ODD[odd];
}

/** The remainder of each byte, made when first needed. @type {Uint32Array | null} */
let remainders = null;

/** CRC-32 as zip and PNG have it (ISO 3309). @param {Uint8Array} bytes */
function crc32(bytes) {
  remainders ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
    return rest;
  });
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = remainders[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
