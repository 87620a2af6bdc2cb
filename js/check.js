// Checks of what callers give, before anything changes. The sentence names the argument, what was
// expected and what came.

import { handleOf, Resource, stable } from './core.js';
import { ArgumentError, ShapeError } from './errors.js';

export const INT_MAX = 2 ** 31 - 1;
/** The smallest number above 0, and the largest below 1. */
export const ABOVE_ZERO = 5e-324;
export const BELOW_ONE = 1 - Number.EPSILON / 2;
/** So many axes of a shape are shown in a message. */
const AXES_SHOWN = 16;

/** So much of a text is quoted in a message. */
const QUOTED = 80;

/** What a value is, for messages. @param {any} value @returns {string} */
export function describe(value) {
  try {
    if (isRecord(value)) return `an object (${classOf(value)})`;
    if (isArray(value)) return `${classOf(value)} of ${value.length ?? value.byteLength}`;
    const text = String(value);
    const short = text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
    return typeof value === 'string' ? `"${short}"` : short;
  } catch {
    return 'something that cannot be looked at'; // a revoked proxy, a getter that throws
  }
}

/** @param {object} value */
function classOf(value) {
  // a class of the library by its own word: minifiers rename classes
  const name = value instanceof Resource ? Resource.kindOf(value) : value.constructor?.name;
  return typeof name === 'string' ? name.slice(0, QUOTED) : 'no class';
}

/**
 * What a method begins with: the handle of its object, and what it is called in messages.
 * @param {Resource} resource
 * @param {string} method
 */
export function begin(resource, method) {
  return { handle: handleOf(resource), what: `${Resource.kindOf(resource)} ${method}` };
}

/**
 * The error for a value of the wrong kind.
 * @param {string} name  of the argument
 * @param {string} expected
 * @param {unknown} value  what came
 * @param {string} [cure]
 */
export function wrong(name, expected, value, cure = '') {
  return new ArgumentError(`${name}: expected ${expected}, got ${describe(value)}${cure}`);
}

/**
 * The error for a length or a shape that does not fit.
 * @param {string} name  of the argument
 * @param {string} expected
 * @param {string | number} got
 */
export function misfit(name, expected, got) {
  return new ShapeError(`${name}: expected ${expected}, got ${got}`);
}

/** For a class that is there to be asked for (instanceof), not to be made. @param {string} kind @param {string} instead */
export function abstract(kind, instead) {
  return new ArgumentError(`${kind}: expected one of its kinds, such as ${instead}, got the base`);
}

/** @param {string} name @param {string} type  of the array that was expected @param {unknown} value */
function noArray(name, type, value) {
  return wrong(name, type, value, isArray(value) ? `; convert it with ${type}.from` : '');
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {Float32Array}
 */
export function expectFloats(value, name) {
  if (value instanceof Float32Array) return stable(value);
  throw noArray(name, 'Float32Array', value);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {Int32Array}
 */
export function expectInts(value, name) {
  if (value instanceof Int32Array) return stable(value);
  throw noArray(name, 'Int32Array', value);
}

/**
 * The bytes of a file. What other threads could change meanwhile is copied.
 * @param {unknown} value
 * @param {string} name
 * @returns {Uint8Array}
 */
export function expectBytes(value, name) {
  if (!(value instanceof Uint8Array)) throw wrong(name, 'Uint8Array', value);
  return value.buffer instanceof ArrayBuffer ? value : value.slice();
}

/**
 * @param {unknown} value
 * @param {number} length
 * @param {string} name  with what the length is made of: 'LSTM h0 [L·D][N][H] = [1][2][3]'
 * @returns {Float32Array}
 */
export function expectLength(value, length, name) {
  const data = expectFloats(value, name);
  if (data.length === length) return data;
  throw misfit(name, `${length} values`, data.length);
}

/** @param {unknown} value @param {number} length @param {string} name */
export function optionalLength(value, length, name) {
  return value === undefined ? undefined : expectLength(value, length, name);
}

/**
 * A whole number; without bounds one that an int of the core holds.
 * @param {any} value
 * @param {string} name
 * @param {number} [low]
 * @param {number} [high]
 * @returns {number}
 */
export function expectWhole(value, name, low = -INT_MAX - 1, high = INT_MAX) {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw wrong(name, `a whole number from ${low} to ${high}`, value);
}

/**
 * A size: a whole number from 1 on.
 * @param {any} value
 * @param {string} name
 * @returns {number}
 */
export function expectSize(value, name) {
  if (Number.isInteger(value) && (value < 1 || value > INT_MAX)) {
    throw misfit(name, `1 to ${INT_MAX}`, value);
  }
  return expectWhole(value, name, 1);
}

/**
 * A count of values: a whole number from 0 on.
 * @param {unknown} value
 * @param {string} name
 * @param {number} [most]
 * @returns {number}
 */
export function expectCount(value, name, most) {
  return expectWhole(value, name, 0, most);
}

/**
 * A finite number, at least `low` and at most `high`.
 * @param {any} value
 * @param {string} name
 * @param {number} [low]
 * @param {number} [high]
 * @returns {number}
 */
export function expectNumber(value, name, low = -Infinity, high = Infinity) {
  if (Number.isFinite(value) && value >= low && value <= high) return value;
  throw wrong(name, `a finite number from ${low} to ${high}`, value);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {boolean}
 */
export function expectBoolean(value, name) {
  if (typeof value === 'boolean') return value;
  throw wrong(name, 'true or false', value);
}

/** @param {unknown} value @param {string} name */
export function expectText(value, name) {
  if (typeof value === 'string') return value;
  throw wrong(name, 'a string', value);
}

/**
 * One of a few words.
 * @template {string} T
 * @param {unknown} value
 * @param {string} name
 * @param {readonly T[]} choices
 * @returns {T}
 */
export function expectWord(value, name, choices) {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw wrong(name, `one of '${choices.join("', '")}'`, value);
}

/**
 * An object of a class of the platform, or of the library: then one that was not disposed.
 * @template T
 * @param {unknown} value
 * @param {string} name
 * @param {abstract new (...args: any[]) => T} Class
 * @param {string} expected  in words: minifiers rename classes
 * @returns {T}
 */
export function expectInstance(value, name, Class, expected) {
  if (!(value instanceof Class)) throw wrong(name, expected, value);
  if (value instanceof Resource) handleOf(value, name);
  return value;
}

/** No array and nothing that is no object. @param {unknown} value @returns {value is Record<string, any>} */
export function isRecord(value) {
  return typeof value === 'object' && value !== null && !isArray(value);
}

/** Typed or not. @param {unknown} value @returns {boolean} */
function isArray(value) {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

/**
 * An options object without names that nobody reads: a misspelt option must not be silently ignored.
 * @param {unknown} options
 * @param {readonly string[]} known
 * @param {string} name
 */
export function expectOptions(options, known, name) {
  if (!isRecord(options)) throw wrong(name, 'an options object', options);
  for (const key in options) {
    if (known.includes(key)) continue;
    throw new ArgumentError(
      `${name}: unknown option ${describe(key)}; known: ${known.join(', ') || 'none'}`,
    );
  }
}

/**
 * An option: what it is when left out (undefined: it must be given), its check, and what that takes
 * after the value and its name.
 * @typedef {[fallback: any, check: (value: any, name: string, ...more: any[]) => any, ...more: any[]]} Option
 */

/**
 * Options as a table has them: no others, with defaults, each checked.
 * @template {Record<string, Option>} T
 * @param {string} name  whose they are
 * @param {any} given
 * @param {T} table
 * @param {null} [empty]  null: it leaves an option out, as undefined does
 * @returns {{ [K in keyof T]: ReturnType<T[K][1]> }}
 */
export function settle(name, given, table, empty) {
  expectOptions(given, Object.keys(table), name);
  const settled = Object.entries(table).map(([key, [fallback, check, ...more]]) => {
    const value = given[key];
    const missing = fallback !== undefined && (value === undefined || value === empty);
    return [key, missing ? fallback : check(value, `${name} ${key}`, ...more)];
  });
  return Object.fromEntries(settled);
}

const BATCH = ['batch']; // made once: live streams ask for every step

/**
 * N, of the options of a call, which are checked.
 * @param {{ batch?: number }} options
 * @param {string} what
 * @param {readonly string[]} [known]
 * @param {number} [fallback]  where it is left out
 */
export function batchOf(options, what, known = BATCH, fallback = 1) {
  expectOptions(options, known, what);
  return options.batch === undefined ? fallback : expectSize(options.batch, `${what} batch`);
}

/**
 * A shape for so many values: an array of whole numbers from 1 on.
 * @param {unknown} shape
 * @param {string} name
 * @param {number} length
 * @param {boolean} [mayBeOpen]  whether one of them may be −1: what is left
 * @returns {number[]}
 */
export function expectShape(shape, name, length, mayBeOpen) {
  if (!Array.isArray(shape)) throw wrong(name, 'an array of sizes', shape);
  const open = mayBeOpen ? shape.indexOf(-1) : -1;
  const sizes = shape.map((size, i) => (i === open ? 1 : expectSize(size, `${name}[${i}]`)));
  if (open >= 0) sizes[open] = Math.floor(length / product(sizes)) || 1;
  if (product(sizes) === length) return sizes;
  throw misfit(name, shapeText(shape), `${length} values`);
}

/** @param {readonly number[]} shape */
export function product(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

/** @param {readonly unknown[]} shape  perhaps not of numbers */
export function shapeText(shape) {
  const shown = shape.slice(0, AXES_SHOWN).map((size) => describe(size));
  return `[${shown.join(', ')}${shape.length > AXES_SHOWN ? ', …' : ''}]`;
}

/** @param {readonly unknown[]} a  perhaps with holes @param {readonly number[]} b */
export function sameShape(a, b) {
  return a.length === b.length && b.every((size, i) => a[i] === size);
}

/**
 * How many steps an input of this length has.
 * @param {number} length
 * @param {number} N
 * @param {number} F  values a row
 * @param {string} what
 */
export function stepsOf(length, N, F, what) {
  const T = length / (N * F);
  if (Number.isInteger(T) && T >= 1) return T;
  throw misfit(what, `a multiple of N·I = ${N}·${F} = ${N * F} values`, length);
}
