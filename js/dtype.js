// The element types of weights files, and how their values become float32.
// safetensors and PyTorch's own files share them.

import { allocate } from './allocate.js';

/** @typedef {Float64Array | Float32Array | Uint32Array | Int32Array | Uint16Array | Int16Array | Uint8Array | Int8Array | BigInt64Array | BigUint64Array} Values */
/**
 * The array that holds such elements; what makes a number of one, to be rounded to float32, unless it is
 * one already; and, where that gives the bits of a float32, Uint32Array. (Bits keep the payload of a NaN.)
 * @typedef {[new (buffer: ArrayBuffer) => Values, ((element: any) => number)?, Uint32ArrayConstructor?]} ElementType
 */

/** By safetensors' names. Integers and F64 are rounded to float32. @type {Readonly<Record<string, ElementType>>} */
export const TYPES = {
  __proto__: /** @type {any} */ (null), // so that only these names are in it
  F64: [Float64Array],
  F32: [Float32Array],
  F16: [Uint16Array, halfToNumber],
  BF16: [Uint16Array, (bits) => bits << 16, Uint32Array],
  I64: [BigInt64Array, longToNumber],
  U64: [BigUint64Array, longToNumber],
  I32: [Int32Array],
  U32: [Uint32Array],
  I16: [Int16Array],
  U16: [Uint16Array],
  I8: [Int8Array],
  U8: [Uint8Array],
  BOOL: [Uint8Array, (byte) => (byte ? 1 : 0)],
};

/** The bytes of an element. @param {string} dtype @returns {number} */
export function sizeOf(dtype) {
  return /** @type {any} */ (TYPES[dtype][0]).BYTES_PER_ELEMENT;
}

/** @param {number} bits */
function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/**
 * A number that rounds to the float32 nearest to a 64-bit integer. Through the nearest double it would
 * be rounded twice: 2^60 + 2^36 + 1 lies above the middle between two float32, the double nearest to it
 * in the middle. So beyond 2^53 the low 16 bits become one, which a double still holds and which is far
 * below a float32's last place.
 * @param {bigint} long
 */
function longToNumber(long) {
  const number = Number(long);
  if (Number.isSafeInteger(number)) return number;
  const rest = long & 0xffffn;
  return Number(long - rest + (rest && 0x8000n));
}

/**
 * Values as float32; those that are so already are not copied.
 * @param {string} dtype
 * @param {Values} values
 * @returns {Float32Array}
 */
export function toFloats(dtype, values) {
  if (values instanceof Float32Array) return values;
  const { length } = values;
  const [, toNumber, As = Float32Array] = TYPES[dtype];
  const make = () => new Float32Array(toNumber ? length : /** @type {any} */ (values));
  const floats = allocate(4 * length, 'reading', make);
  if (!toNumber) return floats;
  const out = new As(floats.buffer);
  for (let i = 0; i < length; i++) out[i] = toNumber(values[i]);
  return floats;
}
