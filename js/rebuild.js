// What stands for the names in a pickle of PyTorch's: storages, and the functions that make tensors of
// them, become layouts that are filled once the storages are there. Other names are refused.
//
// Source: torch/_utils.py and, for what may be named, torch/_weights_only_unpickler.py in
// https://github.com/pytorch/pytorch.

import { sizeOf } from './dtype.js';
import { expectPlain } from './plain.js';
import { isShape } from './state.js';
import { readStrided } from './strided.js';
import { Global, isDict, refuse, shown } from './unpickle.js';

/** @typedef {import('./unpickle.js').Unpickler} Unpickler */
/**
 * @typedef {object} Tensor
 * @property {readonly number[]} shape
 * @property {Float32Array} data
 */
/**
 * A tensor that waits for its data.
 * @typedef {object} Layout
 * @property {Tensor} tensor
 * @property {Storage} storage
 * @property {string} dtype
 * @property {number} offset
 * @property {number[]} strides
 */

const COUNT_BYTES = 8; // of a storage's length, in an older file

const TENSOR_LIMIT = 65536;
/** PyTorch's own limit of most functions. */
export const RANK_LIMIT = 64;
/**
 * All tensors together hold at most so many values for each byte of the storages, or as many as FLOOR:
 * views may share a storage, and an expanded tensor repeats one.
 */
const VALUES_PER_BYTE = 4;
const VALUES_FLOOR = 2 ** 20;

/** Storage types by their names in torch, and what safetensors calls their elements. */
const STORAGES = new Map([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
  ['torch.storage.UntypedStorage', 'U8'], // bytes, whose type the tensor tells
]);
/** Element types that a tensor may tell, or that stand as values by themselves. */
const DTYPES = new Map([
  ['torch.float64', 'F64'],
  ['torch.float32', 'F32'],
  ['torch.float16', 'F16'],
  ['torch.bfloat16', 'BF16'],
  ['torch.int64', 'I64'],
  ['torch.int32', 'I32'],
  ['torch.int16', 'I16'],
  ['torch.int8', 'I8'],
  ['torch.uint64', 'U64'],
  ['torch.uint32', 'U32'],
  ['torch.uint16', 'U16'],
  ['torch.uint8', 'U8'],
  ['torch.bool', 'BOOL'],
]);

/** @param {string} name @returns {never} */
export function refuseGlobal(name) {
  refuse(
    `the file asks for ${shown(name)}, which tensors do not need and nothing here will call. Save ` +
      'state dicts and plain values: torch.save(model.state_dict(), path)',
  );
}

/** Where a tensor's data lies. */
class Storage {
  /**
   * @param {string} key  its record
   * @param {string} dtype
   * @param {number} begin  in the record, in elements
   * @param {number} length  in elements
   */
  constructor(key, dtype, begin, length) {
    this.key = key;
    this.dtype = dtype;
    this.begin = begin;
    this.length = length;
  }

  get bytes() {
    return this.length * sizeOf(this.dtype);
  }
}

/** The tensors of a pickle: what its names mean, and what they become. */
export class Objects {
  /** @type {Map<string, string>} the dtype of each record, as first named */
  #records = new Map();
  /** @type {Layout[]} */
  #layouts = [];
  #tensors = new Set();
  #values = 0;
  #limit;

  /** @param {number} size  bytes there are for data */
  constructor(size) {
    this.#limit = Math.max(VALUES_FLOOR, VALUES_PER_BYTE * size);
  }

  /** @param {string} name */
  global(name) {
    const python3 = name.replace(/^__builtin__\./, 'builtins.');
    if (DTYPES.has(name)) return name;
    if (STORAGES.has(name) || CALLS.has(python3) || TENSOR_CLASSES.has(name)) {
      return new Global(python3);
    }
    refuseGlobal(name);
  }

  /**
   * @param {Global} called
   * @param {unknown[]} args
   * @param {Unpickler} machine
   */
  reduce({ name }, args, machine) {
    const meaning = CALLS.get(name);
    if (!meaning) refuse(`the file calls ${name}`);
    return meaning(args, this, machine);
  }

  /**
   * ('storage', type, key, location, length); in the older format also a part of it, or None.
   * @param {unknown} id
   */
  persistent(id) {
    const [kind, type, key, location, length, view = null] = Array.isArray(id) ? id : [];
    if (
      kind !== 'storage' ||
      !(type instanceof Global) ||
      typeof key !== 'string' ||
      typeof location !== 'string' ||
      !isSize(length)
    ) {
      refuse('the pickle refers to something outside that is no storage');
    }
    const dtype = STORAGES.get(type.name);
    if (!dtype) refuse(`the file asks for a storage of ${type.name}`);
    if (!this.#records.has(key)) this.#records.set(key, dtype);
    if (view === null) return new Storage(key, dtype, 0, length);
    const [name, begin, part] = Array.isArray(view) ? view : [];
    if (typeof name !== 'string' || !isSize(begin) || !isSize(part) || begin + part > length) {
      refuse(`the view of storage ${shown(key)} does not lie inside it`);
    }
    return new Storage(key, dtype, begin, part);
  }

  /**
   * A tensor whose data comes later.
   * @param {unknown[]} args  storage, offset, size, stride
   * @param {string} [told]  the dtype, where it is not the storage's
   * @returns {Tensor}
   */
  tensor([storage, offset, shape, strides], told) {
    if (!(storage instanceof Storage)) refuse('a tensor has no storage');
    if (!isSize(offset)) refuse('a tensor has no valid offset');
    if (!isShape(shape) || !isShape(strides)) refuse('a tensor has no valid shape or strides');
    if (shape.length !== strides.length || shape.length > RANK_LIMIT) {
      refuse(`a tensor has ${shape.length} sizes and ${strides.length} strides`);
    }
    const dtype = told ?? storage.dtype;
    const length = told ? Math.floor(storage.bytes / sizeOf(dtype)) : storage.length;
    const count = shape.reduce((a, b) => a * b, 1);
    const last = shape.reduce((at, size, axis) => at + (size - 1) * strides[axis], offset);
    if (count !== 0 && last >= length) {
      refuse(`a tensor of shape [${shape}] reaches beyond its storage of ${length} values`);
    }
    this.#values += count;
    if (this.#values > this.#limit) {
      refuse(`the tensors would hold ${this.#values} values or more, too many for this file`);
    }
    if (this.#layouts.length === TENSOR_LIMIT) refuse(`more than ${TENSOR_LIMIT} tensors`);
    const tensor = { shape: Object.freeze([...shape]), data: NO_DATA };
    this.#tensors.add(tensor);
    this.#layouts.push({ tensor, storage, dtype, offset, strides: [...strides] });
    return tensor;
  }

  /** @param {unknown} value @returns {Tensor} */
  expectTensor(value) {
    if (!this.#tensors.has(value)) refuse('a parameter has no tensor');
    return /** @type {Tensor} */ (value);
  }

  /**
   * The storages at the end of an older file, each with its length in elements before it.
   * @param {Uint8Array} file
   * @param {unknown} keys  in their order
   * @param {number} at
   */
  split(file, keys, at) {
    if (!Array.isArray(keys)) refuse('the list of storages is none');
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    /** @type {Map<string, Uint8Array>} */
    const storages = new Map();
    for (const key of keys) {
      const dtype = this.#records.get(key);
      if (!dtype || storages.has(key)) refuse('the list of storages is not that of the tensors');
      if (file.length - at < COUNT_BYTES) refuse(`the file ends before storage ${shown(key)}`);
      const size = Number(view.getBigUint64(at, true)) * sizeOf(dtype);
      at += COUNT_BYTES;
      if (size > file.length - at) refuse(`the file ends inside storage ${shown(key)}`);
      storages.set(key, file.subarray(at, at + size));
      at += size;
    }
    if (at !== file.length) refuse(`${file.length - at} bytes follow the last storage`);
    return storages;
  }

  /**
   * Gives the tensors their data.
   * @param {(key: string) => Uint8Array | undefined} record
   * @param {boolean} littleEndian
   */
  fill(record, littleEndian) {
    for (const { tensor, storage, dtype, offset, strides } of this.#layouts) {
      const bytes = record(storage.key);
      if (!bytes) refuse(`storage ${shown(storage.key)} is missing`);
      const begin = storage.begin * sizeOf(storage.dtype);
      if (bytes.length < begin + storage.bytes) {
        refuse(
          `storage ${shown(storage.key)} has ${bytes.length} bytes, expected ${begin + storage.bytes}`,
        );
      }
      const view = new DataView(bytes.buffer, bytes.byteOffset + begin, storage.bytes);
      const { shape } = tensor;
      tensor.data = readStrided(dtype, view, { offset, shape, strides, littleEndian });
    }
  }

  /** Refuses what is no plain value all through. @param {unknown} value */
  expectPlain(value) {
    expectPlain(value, (object) => this.#tensors.has(object));
  }
}

const NO_DATA = new Float32Array(0);

/** What a tensor with attributes may say that it is. */
const TENSOR_CLASSES = new Set(['torch.Tensor', 'torch.nn.parameter.Parameter']);

/**
 * What becomes of each call that is known; nothing else is.
 * @type {Map<string, (args: unknown[], objects: Objects, machine: Unpickler) => unknown>}
 */
const CALLS = new Map([
  ['torch._utils._rebuild_tensor', (args, objects) => objects.tensor(args)],
  [
    'torch._utils._rebuild_tensor_v2',
    (args, objects) => {
      expectNoMetadata(args[6]);
      return objects.tensor(args);
    },
  ],
  [
    'torch._utils._rebuild_tensor_v3',
    (args, objects) => {
      expectNoMetadata(args[7]);
      const dtype = DTYPES.get(/** @type {string} */ (args[6]));
      if (!dtype) refuse('a tensor has no valid dtype');
      return objects.tensor(args, dtype);
    },
  ],
  ['torch._utils._rebuild_parameter', ([tensor], objects) => objects.expectTensor(tensor)],
  // The last argument holds attributes, which are not kept.
  ['torch._utils._rebuild_parameter_with_state', ([data], objects) => objects.expectTensor(data)],
  ['torch._tensor._rebuild_from_type_v2', rebuildFromType],
  ['torch.Size', ([sizes = []]) => (isShape(sizes) ? sizes : refuse('a torch.Size has no sizes'))],
  ['torch.device', device],
  ['collections.OrderedDict', orderedDict],
  [
    'collections.Counter',
    ([counts], _, machine) =>
      counts === undefined || isDict(counts) ? (counts ?? machine.dict()) : refuse('a bad Counter'),
  ],
  ['builtins.set', itemsOf],
  ['builtins.frozenset', itemsOf],
]);

/**
 * A tensor with attributes of its own, which are not kept: (function, class, arguments, state).
 * @param {unknown[]} args
 * @param {Objects} objects
 * @param {Unpickler} machine
 */
function rebuildFromType([called, type, args], objects, machine) {
  const name = called instanceof Global ? called.name : '';
  const kind = type instanceof Global ? type.name : '';
  if (!name.startsWith('torch._utils._rebuild') || !TENSOR_CLASSES.has(kind)) {
    refuse('a tensor of a class of its own');
  }
  if (!Array.isArray(args)) refuse('a tensor has no arguments');
  return objects.reduce(/** @type {Global} */ (called), args, machine);
}

/** Complex and negated views keep a note of what is still to be done. @param {unknown} metadata */
function expectNoMetadata(metadata) {
  if (isDict(metadata) && Object.values(metadata).some(Boolean)) {
    refuse('a tensor is a negated or conjugate view: save tensor.resolve_neg() instead');
  }
}

/** @param {unknown[]} args  a type, and mostly an index */
function device([type, index = null]) {
  if (typeof type !== 'string' || !(index === null || isSize(index))) refuse('a bad torch.device');
  return index === null ? type : `${type}:${index}`;
}

/** Python 3 gives no items here, Python 2 gave pairs. @param {unknown[]} args @param {Objects} _ @param {Unpickler} machine */
function orderedDict([pairs = []], _, machine) {
  if (!Array.isArray(pairs)) refuse('a bad OrderedDict');
  machine.spend(pairs.length);
  const items = pairs.flatMap((pair) =>
    Array.isArray(pair) && pair.length === 2 ? pair : refuse('a bad OrderedDict'),
  );
  return machine.dict(items);
}

/** @param {unknown[]} args */
function itemsOf([items = []]) {
  return Array.isArray(items) ? items : refuse('a bad set');
}

/** @param {unknown} value @returns {value is number} */
function isSize(value) {
  return Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;
}
