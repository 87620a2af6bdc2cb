// The element types of weights files, and how their values become float32 and float32 becomes bytes.
// safetensors and PyTorch's own files share them.

import { allocate } from './allocate.js';
import { product } from './check.js';

/**
 * @typedef {object} ElementType
 * @property {number} size  bytes a value
 * @property {Uint32ArrayConstructor | Float32ArrayConstructor} As  what `read` returns: the bits of a
 *   float32, or a number to be rounded to one. Bits keep the payload of a NaN.
 * @property {(view: DataView, at: number, little: boolean) => number} read
 */

/** By safetensors' names. Integers and F64 are rounded to float32. @type {Readonly<Record<string, ElementType>>} */
export const TYPES = {
  __proto__: /** @type {any} */ (null), // so that only these names are in it
  F64: type(8, (v, at, little) => v.getFloat64(at, little)),
  F32: type(4, (v, at, little) => v.getUint32(at, little), Uint32Array),
  F16: type(2, (v, at, little) => halfToNumber(v.getUint16(at, little))),
  BF16: type(2, (v, at, little) => v.getUint16(at, little) << 16, Uint32Array),
  I64: type(8, (v, at, little) => longToNumber(v.getBigInt64(at, little))),
  U64: type(8, (v, at, little) => longToNumber(v.getBigUint64(at, little))),
  I32: type(4, (v, at, little) => v.getInt32(at, little)),
  U32: type(4, (v, at, little) => v.getUint32(at, little)),
  I16: type(2, (v, at, little) => v.getInt16(at, little)),
  U16: type(2, (v, at, little) => v.getUint16(at, little)),
  I8: type(1, (v, at) => v.getInt8(at)),
  U8: type(1, (v, at) => v.getUint8(at)),
  BOOL: type(1, (v, at) => (v.getUint8(at) ? 1 : 0)),
};

/**
 * @param {ElementType['size']} size
 * @param {ElementType['read']} read
 * @param {ElementType['As']} [As]
 * @returns {ElementType}
 */
function type(size, read, As = Float32Array) {
  return { size, As, read };
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
 * The values of a tensor without gaps, little-endian. The caller has seen to it that all lie inside the view.
 * @param {ElementType} type
 * @param {DataView} view
 * @param {number} at
 * @param {number} count
 * @returns {Float32Array}
 */
export function readFloats({ size, As, read }, view, at, count) {
  const values = allocate(4 * count, 'reading', () => new Float32Array(count));
  const out = new As(values.buffer);
  for (let i = 0; i < count; i++) out[i] = read(view, at + i * size, true);
  return values;
}

/**
 * The values of a tensor, in row-major order. The caller has seen to it that all lie inside the view.
 * @param {ElementType} type
 * @param {DataView} view
 * @param {object} layout
 * @param {number} layout.offset  of the first value; in values, as the strides
 * @param {readonly number[]} layout.shape
 * @param {readonly number[]} layout.strides
 * @param {boolean} [layout.littleEndian]
 * @returns {Float32Array}
 */
export function readStrided(type, view, { offset, shape, strides, littleEndian = true }) {
  const { size, As, read } = type;
  const count = product(shape);
  const values = allocate(4 * count, 'reading', () => new Float32Array(count));
  const out = new As(values.buffer);
  const last = shape.length - 1;
  const columns = last < 0 ? 1 : shape[last];
  const columnStep = last < 0 ? 0 : strides[last] * size;
  const index = new Array(Math.max(last, 0)).fill(0); // of the row, along all axes but the last
  let row = offset * size;
  for (let i = 0; i < count; ) {
    for (let k = 0, at = row; k < columns; k++, at += columnStep) {
      out[i++] = read(view, at, littleEndian);
    }
    for (let axis = last - 1; axis >= 0; axis--) {
      row += strides[axis] * size;
      if (++index[axis] < shape[axis]) break;
      row -= index[axis] * strides[axis] * size;
      index[axis] = 0;
    }
  }
  return values;
}

/** The strides of a tensor without gaps, as PyTorch counts them. @param {readonly number[]} shape */
export function contiguousStrides(shape) {
  const strides = new Array(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = strides[axis + 1] * Math.max(shape[axis + 1], 1);
  }
  return strides;
}

/**
 * Writes float32 values, or int32, little-endian, bit for bit.
 * @param {DataView} view
 * @param {number} at
 * @param {Float32Array | Int32Array} data
 */
export function writeFloats(view, at, data) {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < bits.length; i++) view.setUint32(at + 4 * i, bits[i], true);
}
