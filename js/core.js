// The one bridge to WebAssembly: the instance, views of its memory, calls and their failures, and the
// handles that objects here hold. All memory access of the package goes through this file.

import { allocate, outOfMemory } from './allocate.js';
import { ArgumentError, ShapeError, StateError, UnrolledError } from './errors.js';
import * as STATUS from './status.js';

/** Of this package, as package.json has it. */
export const VERSION = '0.1.0';
/** Up to so many values a loop copies faster than slice. */
const FEW = 256;
/** The largest size that crosses into WebAssembly. */
const BYTES_MAX = 2 ** 32 - 1;
/** What staging and copying are, for messages. */
const PASSING = 'passing an array';

/** @typedef {(...args: (number | undefined)[]) => number} Export */

/** @type {Record<string, Export>} */
let exports = {};
/** @type {WebAssembly.Memory | null} */
let memory = null;
/** @type {string | null} how a call has trapped, if one has */
let broken = null;

/** @type {ArrayBufferLike} the buffer that the views below look into */
let seen;
/** @type {Float32Array} */
let f32;
/** @type {Float64Array} */
let f64;
/** @type {Int32Array} */
let i32;
/** @type {Uint8Array} */
let u8;
let outAt = 0; // the out block, in words

// Growth detaches every view: they are remade here, and nowhere else kept.
function look() {
  const buffer = /** @type {WebAssembly.Memory} */ (memory).buffer;
  if (buffer === seen) return;
  seen = buffer;
  f32 = new Float32Array(buffer);
  f64 = new Float64Array(buffer);
  i32 = new Int32Array(buffer);
  u8 = new Uint8Array(buffer);
}

/**
 * From now on these are the exports that calls go to.
 * @param {WebAssembly.Exports} found  of a fresh instance
 */
export function attach(found) {
  exports = /** @type {Record<string, Export>} */ (found);
  memory = /** @type {WebAssembly.Memory} */ (found.memory);
  outAt = exports.out() >>> 2;
  broken = null;
  look();
}

/** Throws StateError before init(), and after a trap. */
export function ready() {
  if (!memory) throw new StateError('call `await init()` first');
  if (broken) throw new StateError(`start anew after an ${broken}`);
}

/**
 * Calls an export and gives back what it returns, negative statuses included.
 * @param {string} name  as src/unrolled.h has it
 * @param {number} [a]
 * @param {number} [b]
 * @param {number} [c]
 * @param {number} [d]
 * @param {number} [e]
 * @param {number} [f]
 * @param {number} [g]
 */
export function attempt(name, a, b, c, d, e, f, g) {
  ready();
  try {
    return exports[name](a, b, c, d, e, f, g);
  } catch (error) {
    // The core calls nothing outside, so this is a trap, or the end of the engine's stack in the midst
    // of the work: either way memory may be in disorder.
    broken = `internal fault in ${name}: ${error}`;
    throw new UnrolledError(broken);
  }
}

/**
 * As attempt, but a negative status is thrown as an error.
 * @param {string} name
 * @param {number} [a]
 * @param {number} [b]
 * @param {number} [c]
 * @param {number} [d]
 * @param {number} [e]
 * @param {number} [f]
 * @param {number} [g]
 */
export function call(name, a, b, c, d, e, f, g) {
  const status = attempt(name, a, b, c, d, e, f, g);
  if (status < 0) throw failure(status, name);
  return status;
}

/**
 * The error for a negative status.
 * @param {number} status
 * @param {string} what  was being done
 * @param {Record<number, UnrolledError>} [foreseen]  the errors of statuses that mean more here
 * @returns {UnrolledError}
 */
export function failure(status, what, foreseen = {}) {
  if (foreseen[status]) return foreseen[status];
  if (status === STATUS.MEMORY) return outOfMemory(word(0), what);
  if (status === STATUS.SHAPE) return new ShapeError(`${what}: sizes do not fit, or are too large`);
  if (status === STATUS.STATE) {
    return new StateError(`${what}: no forward waits: each serves one, and inside noGrad none`);
  }
  if (status === STATUS.HANDLE) return new StateError(`${what}: something it needs was disposed`);
  return new ArgumentError(`${what}: a value is out of range`);
}

/** Word i of the out block, unsigned. @param {number} i */
export function word(i) {
  look();
  return i32[outAt + i] >>> 0;
}

/** Word i of the out block, signed. @param {number} i */
export function signedWord(i) {
  look();
  return i32[outAt + i];
}

/** The double at word i (even) of the out block. @param {number} i */
export function double(i) {
  look();
  return f64[(outAt + i) >>> 1];
}

/** @param {number} at  address @param {number} length @returns {Float32Array} a view, valid until the next call */
export function viewFloats(at, length) {
  look();
  return f32.subarray(at >>> 2, (at >>> 2) + length);
}

/** @param {number} at @param {number} length */
export function viewBytes(at, length) {
  look();
  return u8.subarray(at, at + length);
}

/**
 * @template {Float32Array | Float64Array | Int32Array} A
 * @param {A} view
 * @param {number} from  in values
 * @param {number} length
 * @returns {A}
 */
function copied(view, from, length) {
  const copy = () => /** @type {A} */ (view.slice(from, from + length));
  return allocate(length * view.BYTES_PER_ELEMENT, PASSING, copy);
}

/** @param {number} at @param {number} length @returns {Float32Array} */
export function copyFloats(at, length) {
  look();
  const from = at >>> 2;
  if (length > FEW) return copied(f32, from, length);
  const copy = new Float32Array(length);
  for (let i = 0; i < length; i++) copy[i] = f32[from + i];
  return copy;
}

/** @param {number} at @param {number} length @returns {Float64Array} */
export function copyDoubles(at, length) {
  look();
  return copied(f64, at >>> 3, length);
}

/** @param {number} at @param {number} length @returns {Int32Array} */
export function copyInts(at, length) {
  look();
  return copied(i32, at >>> 2, length);
}

/** @param {number} at @param {ArrayLike<number>} data  as float32 from a Float32Array, else as int32 */
export function writeAt(at, data) {
  look();
  (data instanceof Float32Array ? f32 : i32).set(data, at >>> 2);
}

/** @param {number} at @param {ArrayLike<number>} data */
export function writeDoubles(at, data) {
  look();
  f64.set(data, at >>> 3);
}

/** The C string at an address (ASCII). @param {number} at */
export function text(at) {
  look();
  let end = at;
  while (u8[end]) end++;
  return String.fromCharCode(...u8.subarray(at, end));
}

/**
 * An array that stays as it is while memory grows: a view of the library's own memory is copied.
 * @template {Float32Array | Int32Array} A
 * @param {A} data
 * @returns {A}
 */
export function stable(data) {
  return data.buffer === memory?.buffer ? copied(data, 0, data.length) : data;
}

/**
 * The address of a block for passing arrays in and out, good until the next stage().
 * @param {number} bytes
 */
export function stage(bytes) {
  const at = bytes > BYTES_MAX ? 0 : attempt('stage', bytes) >>> 0;
  if (!at) throw outOfMemory(bytes, PASSING);
  return at;
}

/**
 * Sizes and counters of this instance of the library. liveObjects and allocatedBytes are the leak
 * meter: both return to where they were after dispose().
 * @returns {{ version: string, simd: string, memoryBytes: number, allocatedBytes: number, liveObjects: number }}
 */
export function info() {
  attempt('info');
  return {
    version: VERSION,
    simd: 'simd128',
    memoryBytes: /** @type {WebAssembly.Memory} */ (memory).buffer.byteLength,
    allocatedBytes: word(0),
    liveObjects: word(1),
  };
}

// The safety net for objects that were dropped without dispose().
const forgotten =
  globalThis.FinalizationRegistry && // not every server has it
  new FinalizationRegistry((/** @type {number} */ handle) => {
    if (!broken) attempt('destroy', handle);
  });

/** What owns something in WebAssembly memory. */
export class Resource {
  #handle = 0;
  #kind;

  /**
   * @param {string} kind  for messages: the class's name
   * @param {number} handle
   */
  constructor(kind, handle) {
    this.#kind = kind;
    this.#handle = handle;
    forgotten?.register(this, handle, this);
  }

  /** Frees the memory it owns. Any later use is a StateError; a second dispose does nothing. */
  dispose() {
    if (!this.#handle) return;
    call('destroy', this.#handle);
    this.#release();
  }

  /** As dispose(), for `using`. */
  [Symbol.dispose]() {
    this.dispose();
  }

  #release() {
    this.#handle = 0;
    forgotten?.unregister(this);
  }

  /**
   * Its handle; StateError when it was disposed.
   * @internal
   * @param {Resource} resource
   * @param {string} [name]  of the argument that it is; without one it is `this`
   * @returns {number}
   */
  static handleOf(resource, name) {
    ready();
    if (!(#handle in Object(resource))) throw foreign(name);
    if (!resource.#handle) {
      throw new StateError(`${name ? `${name}: ` : ''}this ${resource.#kind} was disposed`);
    }
    return resource.#handle;
  }

  /** Another object will destroy what it owns. @internal @param {Resource} resource */
  static surrender(resource) {
    forgotten?.unregister(resource);
  }

  /** Its memory is gone by another's doing. @internal @param {Resource} resource */
  static release(resource) {
    resource.#release();
  }

  /** The name of its class. @internal @param {Resource} resource */
  static kindOf(resource) {
    return resource.#kind;
  }
}

// An engine without Symbol.dispose has now made a method called "undefined".
delete (/** @type {any} */ (Resource.prototype).undefined);

/** For what only looks like an object of the library. @param {string} [name]  of the argument */
export function foreign(name = 'this') {
  return new ArgumentError(`${name}: expected an object that the library made`);
}

/** @type {(resource: Resource, name?: string) => number} */
export const handleOf = Resource.handleOf;
