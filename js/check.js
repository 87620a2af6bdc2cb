// Checks of what callers give, before anything changes. The sentence names the argument, what was
// expected and what came.

import { Resource, stable } from './core.js';
import { ArgumentError, ShapeError } from './errors.js';

const INT_MAX = 2 ** 31 - 1;
/** So many axes of a shape are shown in a message. */
const AXES_SHOWN = 16;

/** So much of a text is quoted in a message. */
const QUOTED = 80;

/** What a value is, for messages. @param {unknown} value @returns {string} */
export function describe(value) {
  try {
    if (Array.isArray(value)) return `an Array of ${value.length}`;
    if (typeof value === 'object' && value !== null) {
      if (!ArrayBuffer.isView(value) || !('length' in value))
        return `an object (${classOf(value)})`;
      return `a ${classOf(value)} of ${value.length}`;
    }
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

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {Float32Array}
 */
export function expectFloats(value, name) {
  if (value instanceof Float32Array) return stable(value);
  const cure =
    Array.isArray(value) || ArrayBuffer.isView(value) ? '; convert it with Float32Array.from' : '';
  throw new ArgumentError(`${name}: expected a Float32Array, got ${describe(value)}${cure}`);
}

/** @param {unknown} value @param {string} name */
export function optionalFloats(value, name) {
  return value === undefined ? undefined : expectFloats(value, name);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {Int32Array}
 */
export function expectInts(value, name) {
  if (value instanceof Int32Array) return stable(value);
  const cure =
    Array.isArray(value) || ArrayBuffer.isView(value) ? '; convert it with Int32Array.from' : '';
  throw new ArgumentError(`${name}: expected an Int32Array, got ${describe(value)}${cure}`);
}

/**
 * The bytes of a file. What other threads could change meanwhile is copied.
 * @param {unknown} value
 * @param {string} name
 * @returns {Uint8Array}
 */
export function expectBytes(value, name) {
  if (!(value instanceof Uint8Array)) {
    throw new ArgumentError(`${name}: expected a Uint8Array, got ${describe(value)}`);
  }
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
  if (data.length !== length) {
    throw new ShapeError(`${name}: expected ${length} values, got ${data.length}`);
  }
  return data;
}

/**
 * Whether expectLength would let it pass: hot paths ask this first, and put names together only for
 * an error.
 * @param {unknown} value
 * @param {number} length
 */
export function fits(value, length) {
  return value instanceof Float32Array && value.length === length;
}

/**
 * A size: a whole number from 1 on.
 * @param {unknown} value
 * @param {string} name
 * @returns {number}
 */
export function expectSize(value, name) {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ArgumentError(`${name}: expected a whole number, got ${describe(value)}`);
  }
  if (value < 1 || value > INT_MAX) {
    throw new ShapeError(`${name}: expected 1 to ${INT_MAX}, got ${value}`);
  }
  return value;
}

/**
 * A count of values: a whole number from 0 on.
 * @param {unknown} value
 * @param {string} name
 * @returns {number}
 */
export function expectCount(value, name) {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ArgumentError(`${name}: expected a whole number, got ${describe(value)}`);
  }
  if (value < 0 || value > INT_MAX) {
    throw new ArgumentError(`${name}: expected 0 to ${INT_MAX}, got ${value}`);
  }
  return value;
}

/**
 * A finite number, at least `low` and at most `high`.
 * @param {unknown} value
 * @param {string} name
 * @param {number} [low]
 * @param {number} [high]
 * @returns {number}
 */
export function expectNumber(value, name, low = -Infinity, high = Infinity) {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new ArgumentError(`${name}: expected a finite number, got ${describe(value)}`);
  }
  if (value < low || value > high) {
    throw new ArgumentError(`${name}: expected ${range(low, high)}, got ${value}`);
  }
  return value;
}

/** @param {number} low @param {number} high */
function range(low, high) {
  if (high === Infinity) return `a number from ${low} on`;
  if (low === -Infinity) return `a number up to ${high}`;
  return `a number from ${low} to ${high}`;
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {boolean}
 */
export function expectBoolean(value, name) {
  if (typeof value !== 'boolean') {
    throw new ArgumentError(`${name}: expected true or false, got ${describe(value)}`);
  }
  return value;
}

/**
 * @template {string} T
 * @param {unknown} value
 * @param {readonly T[]} choices
 * @param {string} name
 * @returns {T}
 */
export function expectOneOf(value, choices, name) {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) {
    const list = choices.map((choice) => `'${choice}'`).join(', ');
    throw new ArgumentError(`${name}: expected one of ${list}, got ${describe(value)}`);
  }
  return found;
}

/**
 * An options object without names that nobody reads: a misspelt option must not be silently ignored.
 * @param {unknown} options
 * @param {readonly string[]} known
 * @param {string} name
 */
export function expectOptions(options, known, name) {
  const record = typeof options === 'object' && options !== null && !Array.isArray(options);
  if (!record || ArrayBuffer.isView(options)) {
    throw new ArgumentError(`${name}: expected an options object, got ${describe(options)}`);
  }
  for (const key in options) {
    if (!known.includes(key)) {
      throw new ArgumentError(
        `${name}: unknown option ${describe(key)}; known: ${known.join(', ') || 'none'}`,
      );
    }
  }
}

/**
 * A shape: an array of whole numbers from 1 on.
 * @param {unknown} shape
 * @param {string} name
 * @returns {number[]}
 */
export function expectShape(shape, name) {
  if (!Array.isArray(shape)) {
    throw new ArgumentError(`${name}: expected an array of sizes, got ${describe(shape)}`);
  }
  return shape.map((size, i) => expectSize(size, `${name}[${i}]`));
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

/** @param {readonly unknown[]} a @param {readonly number[]} b */
export function sameShape(a, b) {
  return a.length === b.length && b.every((size, i) => size === a[i]);
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
  if (!Number.isInteger(T) || T < 1) {
    throw new ShapeError(
      `${what}: expected a multiple of N·I = ${N}·${F} = ${N * F} values, got ${length}`,
    );
  }
  return T;
}
