// The pickle of a state dict, as torch.save writes it: protocol 2, an OrderedDict of tensors whose data
// lies outside, in storages named 0, 1, 2, …

import { contiguousStrides } from './strided.js';

const INT32_MAX = 2 ** 31 - 1;
const utf8 = new TextEncoder();

/**
 * @param {{ name: string, shape: readonly number[], data: Float32Array }[]} tensors
 * @returns {Uint8Array}
 */
export function pickleState(tensors) {
  /** @type {Uint8Array[]} */
  const parts = [];
  const put = (/** @type {Uint8Array} */ part) => parts.push(part);
  put(PROTOCOL_2);
  put(EMPTY_ORDERED_DICT);
  put(MARK);
  tensors.forEach(({ name, shape, data }, i) => {
    put(text(name));
    put(REBUILD_TENSOR);
    put(MARK);
    tuple([STORAGE, FLOATS, text(String(i)), CPU, integer(data.length)]).forEach(put);
    put(PERSISTENT_ID);
    put(integer(0)); // the offset in the storage
    tuple(shape.map(integer)).forEach(put);
    tuple(contiguousStrides(shape).map(integer)).forEach(put);
    put(FALSE); // no gradient
    put(EMPTY_ORDERED_DICT); // no hooks
    put(TUPLE);
    put(REDUCE);
  });
  put(SETITEMS);
  put(STOP);
  return join(parts);
}

const MARK = utf8.encode('(');
const TUPLE = utf8.encode('t');
const REDUCE = utf8.encode('R');
const SETITEMS = utf8.encode('u');
const STOP = utf8.encode('.');
const PERSISTENT_ID = utf8.encode('Q');
const PROTOCOL_2 = Uint8Array.of(0x80, 2);
const FALSE = Uint8Array.of(0x89);
const EMPTY_ORDERED_DICT = utf8.encode('ccollections\nOrderedDict\n)R');
const REBUILD_TENSOR = utf8.encode('ctorch._utils\n_rebuild_tensor_v2\n');
const FLOATS = utf8.encode('ctorch\nFloatStorage\n');
const STORAGE = text('storage');
const CPU = text('cpu');

/** @param {Uint8Array[]} items */
function tuple(items) {
  return [MARK, ...items, TUPLE];
}

/** @param {string} value */
function text(value) {
  const bytes = utf8.encode(value);
  const part = new Uint8Array(5 + bytes.length);
  part[0] = 0x58; // BINUNICODE
  new DataView(part.buffer).setUint32(1, bytes.length, true);
  part.set(bytes, 5);
  return part;
}

/** @param {number} value  a whole number from 0 on */
function integer(value) {
  const part = new Uint8Array(value > INT32_MAX ? 10 : 5);
  const view = new DataView(part.buffer);
  if (value > INT32_MAX) {
    part.set([0x8a, 8]); // LONG1, of 8 bytes
    view.setBigInt64(2, BigInt(value), true);
  } else {
    part[0] = 0x4a; // BININT
    view.setInt32(1, value, true);
  }
  return part;
}

/** @param {Uint8Array[]} parts */
function join(parts) {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
