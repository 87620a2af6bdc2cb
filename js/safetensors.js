// safetensors: eight bytes of header length, a JSON header, raw little-endian data.
// Format: https://huggingface.co/docs/safetensors. Checks are those of its reference reader: offsets in
// bounds, without gap or overlap, sizes as the shapes say, nothing behind the data.

import { describe, expectFloats, product } from './check.js';
import { ArgumentError, FormatError, ShapeError } from './errors.js';

/** @typedef {import('./module.js').StateDict} StateDict */

const HEADER_LIMIT = 16 * 2 ** 20;
const ENTRY_LIMIT = 65536;
const LENGTH_BYTES = 8;
const METADATA = '__metadata__';

/**
 * @typedef {{ name: string, dtype: 'F32' | 'I32' | 'U8', shape: readonly number[],
 *   data: Float32Array | Int32Array | Uint8Array }} Tensor
 */
/** @typedef {{ name: string, dtype: string, shape: number[], begin: number }} Entry */

/** @type {Record<Tensor['dtype'], (v: DataView, at: number, value: number) => void>} */
const WRITERS = {
  F32: (v, at, value) => v.setFloat32(at, value, true),
  I32: (v, at, value) => v.setInt32(at, value, true),
  U8: (v, at, value) => v.setUint8(at, value),
};

/** Bytes a value, and how to read value i. @type {Record<string, [number, (v: DataView, at: number) => number]>} */
const TYPES = {
  F64: [8, (v, at) => v.getFloat64(at, true)],
  F32: [4, (v, at) => v.getFloat32(at, true)],
  F16: [2, (v, at) => halfToNumber(v.getUint16(at, true))],
  BF16: [2, (v, at) => bfloatToNumber(v.getUint16(at, true))],
  I64: [8, (v, at) => Number(v.getBigInt64(at, true))],
  U64: [8, (v, at) => Number(v.getBigUint64(at, true))],
  I32: [4, (v, at) => v.getInt32(at, true)],
  U32: [4, (v, at) => v.getUint32(at, true)],
  I16: [2, (v, at) => v.getInt16(at, true)],
  U16: [2, (v, at) => v.getUint16(at, true)],
  I8: [1, (v, at) => v.getInt8(at)],
  U8: [1, (v, at) => v.getUint8(at)],
  BOOL: [1, (v, at) => (v.getUint8(at) ? 1 : 0)],
};

/** @param {number} bits */
function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const bfloatBits = new Uint32Array(1);
const bfloatValue = new Float32Array(bfloatBits.buffer);

/** @param {number} bits */
function bfloatToNumber(bits) {
  bfloatBits[0] = bits << 16;
  return bfloatValue[0];
}

/**
 * A safetensors file of these tensors, as F32.
 * @param {StateDict} state
 * @param {Record<string, string>} [metadata]  stored as __metadata__
 * @returns {Uint8Array}
 */
export function saveSafetensors(state, metadata) {
  if (typeof state !== 'object' || state === null) {
    throw new ArgumentError(`saveSafetensors: expected a state dict, got ${describe(state)}`);
  }
  /** @type {Tensor[]} */
  const tensors = [];
  for (const [name, tensor] of Object.entries(state)) {
    const what = `saveSafetensors ${name}`;
    if (name === METADATA) throw new ArgumentError(`${what}: this name is taken by the format`);
    const data = expectFloats(tensor?.data, `${what} data`);
    if (!isShape(tensor.shape) || product(tensor.shape) !== data.length) {
      throw new ShapeError(`${what}: ${data.length} values do not make shape [${tensor.shape}]`);
    }
    tensors.push({ name, dtype: 'F32', shape: tensor.shape, data });
  }
  return encode(tensors, metadata === undefined ? undefined : checkMetadata(metadata));
}

/**
 * A file of tensors of several types, in the order given: larger values before smaller ones, so that each
 * begins at a multiple of its size.
 * @internal
 * @param {Tensor[]} tensors
 * @param {Record<string, string>} [metadata]  checked
 * @returns {Uint8Array}
 */
export function encode(tensors, metadata) {
  /** @type {Record<string, unknown>} */
  const header = Object.create(null);
  if (metadata !== undefined) header[METADATA] = metadata;
  let end = 0;
  for (const { name, dtype, shape, data } of tensors) {
    const begin = end;
    end += data.byteLength;
    header[name] = { dtype, shape: [...shape], data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  if (json.length > HEADER_LIMIT || tensors.length > ENTRY_LIMIT) {
    throw new ArgumentError(
      `safetensors: ${tensors.length} tensors and a header of ${json.length} bytes; no more than ` +
        `${ENTRY_LIMIT} and ${HEADER_LIMIT} could be read again`,
    );
  }
  const start = LENGTH_BYTES + Math.ceil(json.length / 8) * 8; // data begins at a multiple of 8
  const bytes = new Uint8Array(start + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - LENGTH_BYTES), true);
  bytes.fill(0x20, LENGTH_BYTES, start);
  bytes.set(json, LENGTH_BYTES);
  const view = new DataView(bytes.buffer);
  let at = start;
  for (const { dtype, data } of tensors) {
    const write = WRITERS[dtype];
    for (let i = 0; i < data.length; i++, at += data.BYTES_PER_ELEMENT) write(view, at, data[i]);
  }
  return bytes;
}

/** Whole numbers from 0 on. @param {unknown} shape @returns {shape is number[]} */
function isShape(shape) {
  return Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** @internal @param {Record<string, string>} metadata @param {string} [what] */
export function checkMetadata(metadata, what = 'saveSafetensors metadata') {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new ArgumentError(`${what}: expected strings by name, got ${describe(metadata)}`);
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') {
      throw new ArgumentError(`${what} ${key}: expected a string, got ${describe(value)}`);
    }
  }
  return { ...metadata };
}

/**
 * The tensors of a safetensors file, on an object without prototype. F32, F16, BF16, F64, the integer
 * types and BOOL arrive as float32; what float32 cannot hold is rounded.
 * @param {Uint8Array} bytes
 * @returns {StateDict}
 * @throws {FormatError} for a broken file
 */
export function loadSafetensors(bytes) {
  const { entries, data } = parse(bytes);
  /** @type {StateDict} */
  const state = Object.create(null);
  for (const entry of entries) {
    const values = new Float32Array(product(entry.shape));
    state[entry.name] = { shape: Object.freeze(entry.shape), data: readInto(values, entry, data) };
  }
  return state;
}

/**
 * The values of one tensor, into an array of its length.
 * @internal
 * @template {Float32Array | Int32Array | Uint8Array} A
 * @param {A} values
 * @param {Entry} entry
 * @param {DataView} data
 * @returns {A}
 */
export function readInto(values, { dtype, begin }, data) {
  const [size, read] = TYPES[dtype];
  for (let i = 0; i < values.length; i++) values[i] = read(data, begin + i * size);
  return values;
}

/**
 * The strings stored as __metadata__, on an object without prototype; empty when there are none.
 * @param {Uint8Array} bytes
 * @returns {Record<string, string>}
 */
export function readSafetensorsMetadata(bytes) {
  return parse(bytes).metadata;
}

/** @param {string} message @returns {never} */
function refuse(message) {
  throw new FormatError(`safetensors: ${message}`);
}

/**
 * What a file holds, checked; the entries in the order of their data.
 * @internal
 * @param {Uint8Array} bytes
 * @returns {{ entries: Entry[], metadata: Record<string, string>, data: DataView }}
 */
export function parse(bytes) {
  if (!(bytes instanceof Uint8Array)) {
    throw new ArgumentError(`safetensors: expected a Uint8Array, got ${describe(bytes)}`);
  }
  if (bytes.length < LENGTH_BYTES) refuse(`${bytes.length} bytes are too few for a file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(HEADER_LIMIT))
    refuse(`the header claims ${length} bytes, the limit is ${HEADER_LIMIT}`);
  const start = LENGTH_BYTES + Number(length);
  if (start > bytes.length)
    refuse(`the header claims ${length} bytes, the file has ${bytes.length}`);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, start));
  const names = Object.keys(header).filter((name) => name !== METADATA);
  if (names.length > ENTRY_LIMIT) refuse(`${names.length} tensors, the limit is ${ENTRY_LIMIT}`);
  const entries = names.map((name) => parseEntry(name, header[name]));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end) refuse(`"${entry.name}" begins at ${entry.begin}, expected ${end}`);
    end = entry.end;
  }
  if (start + end !== bytes.length) {
    refuse(`the data should end at byte ${start + end}, the file has ${bytes.length}`);
  }
  return {
    entries,
    metadata: parseMetadata(header[METADATA]),
    data: new DataView(bytes.buffer, bytes.byteOffset + start, end),
  };
}

/** @param {Uint8Array} json @returns {Record<string, unknown>} */
function parseHeader(json) {
  let text = '';
  let header;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    header = JSON.parse(text);
  } catch {
    refuse('the header is not JSON in UTF-8');
  }
  if (text[0] !== '{' || typeof header !== 'object') refuse('the header is not a JSON object');
  expectUniqueNames(text);
  return header;
}

/**
 * JSON.parse lets the last of two equal names win; a file with both would mean different things to
 * different readers.
 * @param {string} text  valid JSON
 */
function expectUniqueNames(text) {
  /** @type {Set<string>[]} the names so far of each object that is open; of an array: none */
  const open = [];
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/g;
  for (const [found, colon] of text.matchAll(token)) {
    if (found === '{' || found === '[') open.push(new Set());
    else if (found === '}' || found === ']') open.pop();
    else if (colon) {
      const names = open[open.length - 1];
      const name = JSON.parse(found.slice(0, found.lastIndexOf('"') + 1));
      if (names.has(name)) refuse(`the name "${name}" comes twice`);
      names.add(name);
    }
  }
}

/** @param {string} name @param {unknown} value */
function parseEntry(name, value) {
  const entry = /** @type {Record<string, unknown>} */ (value ?? {});
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(TYPES, dtype)) {
    refuse(`"${name}" has a dtype that is not known: ${describe(dtype)}`);
  }
  if (!isShape(shape)) refuse(`"${name}" has no shape`);
  if (!isShape(offsets) || offsets.length !== 2) {
    refuse(`"${name}" has no data_offsets`);
  }
  const [begin, end] = offsets;
  const size = product(shape) * TYPES[dtype][0];
  if (!Number.isSafeInteger(size) || end - begin !== size) {
    refuse(`"${name}" has ${end - begin} bytes where ${dtype} [${shape}] takes ${size}`);
  }
  return { name, dtype, shape, begin, end };
}

/** @param {unknown} value @returns {Record<string, string>} */
function parseMetadata(value) {
  /** @type {Record<string, string>} */
  const metadata = Object.create(null);
  if (value === undefined) return metadata;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse('__metadata__ is not an object');
  }
  for (const [key, text] of Object.entries(/** @type {object} */ (value))) {
    if (typeof text !== 'string') refuse(`__metadata__ ${key} is not a string`);
    metadata[key] = text;
  }
  return metadata;
}
