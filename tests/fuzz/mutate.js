// Bytes made from other bytes: what breaks a reader of files.

import { unzipSync, zipSync } from 'fflate';

/** @typedef {() => number} Draw  uniform in [0, 1) */

const NUMBERS = [0n, 1n, 7n, 8n, 255n, 65535n, 65536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n];
const LARGE = [2n ** 32n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
const TOKENS = [
  ...['__proto__', 'constructor', 'prototype', 'toString', '__metadata__', 'dtype', 'shape'],
  ...['data_offsets', 'F64', 'F32', 'BF16', 'I64', 'BOOL', 'F8_E4M3', '9007199254740993', '1e999'],
  ...['-1', '-0', '0.5', 'null', 'true', '[', ']', '{', '}', '"', ':', ',', '\\', '\\u0000', '\0'],
  ...['cos\nsystem\n', 'cbuiltins\neval\n', 'c__builtin__\ngetattr\n', 'ctorch._utils\n'],
  ...['_rebuild_tensor_v2\n', 'ccollections\nOrderedDict\n', 'storage', 'FloatStorage', 'data.pkl'],
  ...['PK\x03\x04', 'PK\x01\x02', 'PK\x05\x06', '../', '/', 'Ã©', '\u{1f4a9}'],
];
const encoder = new TextEncoder();

/** @param {Draw} draw @param {number} n */
export const below = (draw, n) => Math.floor(draw() * n);

/** @template T @param {Draw} draw @param {readonly T[]} list @returns {T} */
export const oneOf = (draw, list) => list[below(draw, list.length)];

/** @param {...Uint8Array} parts */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {Draw} draw @param {Uint8Array} bytes @returns {[from: number, to: number]} */
function range(draw, bytes) {
  const from = below(draw, bytes.length + 1);
  const most = oneOf(draw, [1, 4, 16, 256, bytes.length]);
  return [from, Math.min(bytes.length, from + below(draw, most + 1))];
}

/** @type {((bytes: Uint8Array, draw: Draw, others: readonly Uint8Array[]) => Uint8Array)[]} */
const CHANGES = [
  (bytes, draw) => bytes.slice(0, below(draw, bytes.length + 1)), // truncated
  (bytes, draw) => bytes.slice(below(draw, 16)),
  (bytes, draw) => joined(bytes, new Uint8Array(below(draw, 64)).fill(below(draw, 256))),
  (bytes, draw) => {
    for (let n = oneOf(draw, [1, 1, 2, 8]); n > 0; n--) {
      bytes[below(draw, bytes.length)] ^= 1 << below(draw, 8);
    }
    return bytes;
  },
  (bytes, draw) => {
    const [from, to] = range(draw, bytes);
    return bytes.fill(oneOf(draw, [0, 255, 127, 128, 32, 0x39]), from, to);
  },
  (bytes, draw) => {
    const size = oneOf(draw, [2, 4, 8]);
    if (bytes.length < size) return bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const at = oneOf(draw, [0, below(draw, bytes.length - size + 1)]);
    const value = oneOf(draw, [
      ...NUMBERS,
      ...LARGE,
      BigInt(bytes.length),
      BigInt(below(draw, 999)),
    ]);
    if (size === 2) view.setUint16(at, Number(value & 65535n), true);
    else if (size === 4) view.setUint32(at, Number(value & 0xffffffffn), true);
    else view.setBigUint64(at, value, true);
    return bytes;
  },
  (bytes, draw) => {
    const [from, to] = range(draw, bytes); // left out
    return joined(bytes.subarray(0, from), bytes.subarray(to));
  },
  (bytes, draw) => {
    const [from, to] = range(draw, bytes); // twice
    return joined(bytes.subarray(0, to), bytes.subarray(from));
  },
  (bytes, draw) => {
    const [from, to] = range(draw, bytes); // elsewhere
    bytes.copyWithin(below(draw, bytes.length + 1), from, to);
    return bytes;
  },
  (bytes, draw) => {
    const token = encoder.encode(oneOf(draw, TOKENS));
    const at = below(draw, bytes.length + 1);
    const kept = draw() < 0.5 ? at : at + token.length; // put in, or written over
    return joined(bytes.subarray(0, at), token, bytes.subarray(kept));
  },
  (bytes, draw, others) => {
    const other = oneOf(draw, others);
    return joined(
      bytes.subarray(0, below(draw, bytes.length + 1)),
      other.subarray(below(draw, other.length + 1)),
    );
  },
];

/**
 * A few changes to a copy.
 * @param {Uint8Array} bytes
 * @param {Draw} draw
 * @param {readonly Uint8Array[]} others
 */
export function mutate(bytes, draw, others) {
  let changed = bytes.slice();
  for (let n = oneOf(draw, [1, 1, 1, 2, 3, 6]); n > 0; n--) {
    changed = oneOf(draw, CHANGES)(changed, draw, others).slice();
  }
  return changed;
}

/** A safetensors file with a whole header around one that was changed. @param {Uint8Array} bytes @param {Draw} draw */
export function mutateHeader(bytes, draw) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const start = 8 + Math.min(Number(view.getBigUint64(0, true)), bytes.length - 8);
  let header = bytes.slice(8, start);
  try {
    const record = JSON.parse(new TextDecoder().decode(header));
    for (let n = oneOf(draw, [1, 1, 2]); n > 0; n--) changeEntry(record, draw);
    header = encoder.encode(JSON.stringify(record));
  } catch {
    header = mutate(header, draw, [header]);
  }
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  return joined(length, header, bytes.subarray(start));
}

/** @param {any} record @param {Draw} draw */
function changeEntry(record, draw) {
  const names = Object.keys(record);
  if (names.length === 0) return;
  const entry = record[oneOf(draw, names)];
  const odd = oneOf(draw, [
    0,
    1,
    -1,
    0.5,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    1e308,
    '4',
    null,
    [],
    {},
    true,
  ]);
  switch (below(draw, 6)) {
    case 0:
      entry.shape[below(draw, entry.shape.length + 1)] = odd;
      break;
    case 1:
      entry.data_offsets[below(draw, 2)] = odd;
      break;
    case 2:
      entry.data_offsets[below(draw, 2)] += oneOf(draw, [-4, -1, 1, 4]);
      break;
    case 3:
      entry.dtype = oneOf(draw, ['F64', 'F32', 'F16', 'BF16', 'I64', 'BOOL', 'U8', 'X', odd]);
      break;
    case 4:
      Object.defineProperty(
        record,
        oneOf(draw, ['__proto__', 'constructor', '__metadata__', 'a']),
        {
          value: oneOf(draw, [entry, odd]),
          enumerable: true,
        },
      );
      break;
    default:
      delete record[oneOf(draw, names)];
  }
}

/**
 * A zip archive one of whose files was changed, with its checksums right again, packed or not. What is no
 * archive is changed as it is.
 * @param {Uint8Array} bytes
 * @param {Draw} draw
 * @param {readonly Uint8Array[]} others
 */
export function mutateZip(bytes, draw, others) {
  let files;
  try {
    files = unzipSync(bytes);
  } catch {
    return mutate(bytes, draw, others);
  }
  const names = Object.keys(files);
  const pickle = names.find((name) => name.endsWith('data.pkl'));
  const name = draw() < 0.8 && pickle ? pickle : oneOf(draw, names);
  if (!name) return mutate(bytes, draw, others);
  files[name] = mutate(files[name], draw, Object.values(files));
  if (draw() < 0.1) delete files[oneOf(draw, names)];
  return zipSync(files, { level: draw() < 0.8 ? 0 : 6 });
}
