// The element types of weights files, and how their values become float32 and float32 becomes bytes.
// safetensors and PyTorch's own files share them.

import { allocate } from './allocate.js';

/**
 * @typedef {object} ElementType
 * @property {number} size  bytes a value
 * @property {Uint32ArrayConstructor | Float32ArrayConstructor} As  what `read` returns: the bits of a
 *   float32, or a number to be rounded to one. Bits keep the payload of a NaN.
 * @property {(view: DataView, at: number, little: boolean) => number} read
 */

/** By safetensors' names. Integers and F64 are rounded to float32. @type {Readonly<Record<string, ElementType>>} */
export const TYPES = Object.freeze(
  Object.assign(Object.create(null), {
    F64: type(8, Float32Array, (v, at, little) => v.getFloat64(at, little)),
    F32: type(4, Uint32Array, (v, at, little) => v.getUint32(at, little)),
    F16: type(2, Float32Array, (v, at, little) => halfToNumber(v.getUint16(at, little))),
    BF16: type(2, Uint32Array, (v, at, little) => v.getUint16(at, little) << 16),
    I64: type(8, Float32Array, (v, at, little) => {
      const high = v.getInt32(little ? at + 4 : at, little);
      return joined(high, v.getUint32(little ? at : at + 4, little));
    }),
    U64: type(8, Float32Array, (v, at, little) => {
      const high = v.getUint32(little ? at + 4 : at, little);
      return joined(high, v.getUint32(little ? at : at + 4, little));
    }),
    I32: type(4, Float32Array, (v, at, little) => v.getInt32(at, little)),
    U32: type(4, Float32Array, (v, at, little) => v.getUint32(at, little)),
    I16: type(2, Float32Array, (v, at, little) => v.getInt16(at, little)),
    U16: type(2, Float32Array, (v, at, little) => v.getUint16(at, little)),
    I8: type(1, Float32Array, (v, at) => v.getInt8(at)),
    U8: type(1, Float32Array, (v, at) => v.getUint8(at)),
    BOOL: type(1, Float32Array, (v, at) => (v.getUint8(at) ? 1 : 0)),
  }),
);

/**
 * @param {ElementType['size']} size
 * @param {ElementType['As']} As
 * @param {ElementType['read']} read
 * @returns {ElementType}
 */
function type(size, As, read) {
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
 * The halves of a 64-bit integer as a number that rounds to the float32 nearest to it. Through the
 * nearest double it would be rounded twice: 2^60 + 2^36 + 1 lies above the middle between two float32,
 * the double nearest to it in the middle. So beyond 2^53 the low 16 bits become one, which a double
 * still holds and which is far below a float32's last place.
 * @param {number} high
 * @param {number} low  unsigned
 */
function joined(high, low) {
  const number = high * 2 ** 32 + low;
  if (Number.isSafeInteger(number)) return number;
  const rest = low % 2 ** 16;
  return high * 2 ** 32 + (low - rest) + (rest ? 2 ** 15 : 0);
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
export function readFloats(type, view, { offset, shape, strides, littleEndian = true }) {
  const { size, As, read } = type;
  const count = shape.reduce((a, b) => a * b, 1);
  const values = allocate(4 * count, 'reading a tensor', () => new Float32Array(count));
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
