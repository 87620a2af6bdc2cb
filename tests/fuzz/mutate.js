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

const CHECKSUM_BYTES = 4;
/** What stands in a forged record, in the place of something else. @type {any[]} */
const FORGED = [
  ...[0, 1, -1, 0.5, 2 ** 31, 2 ** 53, 1e308, -1e308, '', '4', 'number 0', 'number 1', 'number 9'],
  ...['__proto__', 'x'.repeat(3000), null, true, false, [], {}, [[]], [null], { toString: 5 }],
  ...[{ toJSON: 5 }, { length: 2 ** 32 }, { data: [1] }, Array(3000).fill(0), '[object Object]'],
];
const KEYS = ['__proto__', 'constructor', 'toString', 'length', 'step', 'state', 'kind', '0', ''];

/**
 * A checkpoint that is whole, with its checksum right again, around numbers, tensors or values that were
 * changed.
 * @param {Uint8Array} bytes
 * @param {Draw} draw
 */
export function mutateCheckpoint(bytes, draw) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const start = 8 + Number(view.getBigUint64(0, true));
  const record = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const data = bytes.slice(start);
  const kind = draw();
  if (kind < 0.7) {
    const metadata = record.__metadata__;
    const numbers = { root: JSON.parse(metadata['unrolled.checkpoint']) };
    for (let n = oneOf(draw, [1, 1, 1, 2, 4]); n > 0; n--) forge(numbers, draw);
    metadata['unrolled.checkpoint'] =
      JSON.stringify(numbers.root) ?? oneOf(draw, ['{', '', '['.repeat(30_000)]);
  } else if (kind < 0.85) {
    const entries = Object.entries(record);
    const [name, entry] = oneOf(draw, entries);
    const other = oneOf(draw, entries)[0];
    const how = below(draw, 4);
    if (how === 0) delete record[name];
    else if (how === 1) [record[name], record[other]] = [record[other], entry];
    else if (how === 2 && entry.shape) changeEntry({ [name]: entry }, draw);
    else {
      delete record[name];
      record[oneOf(draw, ['model.', 'optimizer.', 'optimizer.0.', ...KEYS]) + name] = entry;
      record.checksum = { ...record.checksum }; // which must be last
    }
  } else {
    const [from, to] = range(draw, data);
    for (let i = from; i < to; i++) data[i] = below(draw, 256);
  }
  const header = encoder.encode(JSON.stringify(record));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  const changed = joined(length, header, data);
  const end = changed.length - CHECKSUM_BYTES;
  new DataView(changed.buffer).setUint32(end, crc32(changed.subarray(0, end)), true);
  return changed;
}

/** Something inside a record is something else. @param {any} record @param {Draw} draw */
function forge(record, draw) {
  let at = record;
  let key = 'root';
  while (draw() < 0.85) {
    const inner = at[key];
    const keys = typeof inner === 'object' && inner !== null ? Object.keys(inner) : [];
    if (keys.length === 0) break;
    at = inner;
    key = oneOf(draw, keys);
  }
  const value = structuredClone(oneOf(draw, FORGED));
  const how = draw();
  if (how < 0.6) at[key] = value;
  else if (how < 0.75) delete at[key];
  else {
    const inner = typeof at[key] === 'object' && at[key] !== null ? at[key] : at;
    const property = { value, enumerable: true, configurable: true, writable: true };
    Object.defineProperty(inner, Array.isArray(inner) ? '0' : oneOf(draw, KEYS), property);
  }
}

/** Of each byte. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  return rest;
});

/** CRC-32 as zip has it. @param {Uint8Array} bytes */
function crc32(bytes) {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ REMAINDERS[(crc ^ bytes[i]) & 255];
  return ~crc >>> 0;
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
