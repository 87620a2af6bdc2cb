// Tensors in PyTorch's files: strided, and as bytes.

import { allocate } from './allocate.js';
import { product } from './check.js';
import { sizeOf, TYPES } from './dtype.js';

/** @typedef {import('./dtype.js').ElementType} ElementType */

/** How float32 are read from a DataView: as their bits. @type {ElementType} */
const BITS = [Uint32Array, (bits) => bits, Uint32Array];

/**
 * The values of a tensor, in row-major order. The caller has seen to it that all lie inside the view.
 * @param {string} dtype
 * @param {DataView} view
 * @param {object} layout
 * @param {number} layout.offset  of the first value; in values, as the strides
 * @param {readonly number[]} layout.shape
 * @param {readonly number[]} layout.strides
 * @param {boolean} [layout.littleEndian]
 * @returns {Float32Array}
 */
export function readStrided(dtype, view, { offset, shape, strides, littleEndian = true }) {
  const [Type, toNumber = Number, As = Float32Array] = dtype === 'F32' ? BITS : TYPES[dtype];
  const get = /** @type {'getUint32'} */ (`get${Type.name.slice(0, -'Array'.length)}`);
  const size = sizeOf(dtype);
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
      out[i++] = toNumber(view[get](at, littleEndian));
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
