// safetensors: eight bytes of header length, a JSON header, raw little-endian data.
// Format: https://huggingface.co/docs/safetensors. Checks are those of its reference reader: offsets in
// bounds, without gap or overlap, sizes as the shapes say, nothing behind the data.

import { allocate } from './allocate.js';
import { describe, expectBytes, product, shapeText } from './check.js';
import { readFloats, TYPES, writeFloats } from './dtype.js';
import { ArgumentError, FormatError } from './errors.js';
import { expectState, isShape } from './state.js';

/** @import { StateDict } from './module.js' */
/**
 * @typedef {{ name: string, dtype: 'F32' | 'I32' | 'U8', shape: readonly number[],
 *   data: Float32Array | Int32Array | Uint8Array }} Tensor
 */
/** @typedef {{ name: string, dtype: string, shape: number[], begin: number }} Entry */

const HEADER_LIMIT = 16 * 2 ** 20;
const ENTRY_LIMIT = 65536;
const LENGTH_BYTES = 8;
const METADATA = '__metadata__';

/** How deep a header nests: names, of a tensor's properties, of which some are lists. */
const DEPTH = 3;

/**
 * A safetensors file of these tensors, as F32. Byte for byte what Python's `safetensors` writes for them:
 * sorted by name, the header padded with spaces to a multiple of 8. (Several metadata strings stand in
 * the order given here; Python's order changes from run to run.)
 * @param {StateDict} state
 * @param {Record<string, string>} [metadata]  stored as __metadata__
 * @returns {Uint8Array}
 * @throws {ShapeError} when values do not make a shape
 * @throws {ArgumentError} for what is no state dict
 */
export function saveSafetensors(state, metadata) {
  const what = 'saveSafetensors';
  const tensors = expectState(state, what);
  tensors.sort((a, b) => byCodePoint(a.name, b.name));
  if (tensors.some(({ name }) => name === METADATA)) {
    throw new ArgumentError(`${what} ${METADATA}: this name is taken by the format`);
  }
  return encode(
    tensors.map((tensor) => ({ ...tensor, dtype: 'F32' })),
    metadata === undefined ? undefined : checkMetadata(metadata),
    what,
  );
}

/**
 * A file of tensors of several types, in the order given: larger values before smaller ones, so that each
 * begins at a multiple of its size.
 * @internal
 * @param {Tensor[]} tensors
 * @param {Record<string, string>} [metadata]  checked
 * @param {string} [what]  the function that was called
 * @returns {Uint8Array}
 */
export function encode(tensors, metadata, what = 'safetensors') {
  // Joined by hand: an object would put names like integers first.
  /** @type {string[]} */
  const header = [];
  /** @param {string} name @param {unknown} value */
  const add = (name, value) => header.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
  if (metadata !== undefined) add(METADATA, metadata);
  let end = 0;
  for (const { name, dtype, shape, data } of tensors) {
    const begin = end;
    end += data.byteLength;
    add(name, { dtype, shape, data_offsets: [begin, end] });
  }
  const json = new TextEncoder().encode(`{${header.join(',')}}`);
  if (json.length > HEADER_LIMIT || tensors.length > ENTRY_LIMIT) {
    throw new ArgumentError(
      `${what}: ${tensors.length} tensors and a header of ${json.length} bytes; no more than ` +
        `${ENTRY_LIMIT} and ${HEADER_LIMIT} could be read again`,
    );
  }
  let at = LENGTH_BYTES + Math.ceil(json.length / 8) * 8; // data begins at a multiple of 8
  const size = at + end;
  const bytes = allocate(size, what, () => new Uint8Array(size));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(at - LENGTH_BYTES), true);
  bytes.fill(0x20, LENGTH_BYTES, at);
  bytes.set(json, LENGTH_BYTES);
  for (const { data } of tensors) {
    if (data instanceof Uint8Array) bytes.set(data, at);
    else writeFloats(view, at, data);
    at += data.byteLength;
  }
  return bytes;
}

/** The order of UTF-8, where JavaScript's is that of UTF-16. @param {string} a @param {string} b */
function byCodePoint(a, b) {
  let i = 0;
  while (i < a.length && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
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
  return metadata;
}

/**
 * The tensors of a safetensors file, on an object without prototype. F32, F16, BF16, F64, the integer
 * types and BOOL arrive as float32; what float32 cannot hold is rounded to the nearest.
 * @param {Uint8Array} bytes
 * @returns {StateDict}
 * @throws {FormatError} for a broken file
 */
export function loadSafetensors(bytes) {
  const { entries, data } = parse(bytes);
  /** @type {StateDict} */
  const state = Object.create(null);
  for (const entry of entries) {
    state[entry.name] = { shape: Object.freeze(entry.shape), data: readTensor(entry, data) };
  }
  return state;
}

/**
 * The values of one tensor as float32.
 * @internal
 * @param {Entry} entry
 * @param {DataView} data
 * @returns {Float32Array}
 */
export function readTensor({ dtype, shape, begin }, data) {
  const at = new DataView(data.buffer, data.byteOffset + begin);
  return readFloats(TYPES[dtype], at, { offset: 0, shape: [product(shape)], strides: [1] });
}

/**
 * The values of a tensor of integers, into an array of its length.
 * @internal
 * @template {Int32Array | Uint8Array} A
 * @param {A} values
 * @param {Entry} entry  of the array's type
 * @param {DataView} data
 * @returns {A}
 */
export function readInto(values, { dtype, begin }, data) {
  const { size, read } = TYPES[dtype];
  for (let i = 0; i < values.length; i++) values[i] = read(data, begin + i * size, true);
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
  bytes = expectBytes(bytes, 'safetensors');
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
    if (entry.begin !== end)
      refuse(`${describe(entry.name)} begins at ${entry.begin}, expected ${end}`);
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
    expectUniqueNames(text);
    header = JSON.parse(text);
  } catch (error) {
    if (error instanceof FormatError) throw error;
    refuse('the header is not JSON in UTF-8');
  }
  if (text[0] !== '{' || typeof header !== 'object') refuse('the header is not a JSON object');
  return header;
}

/**
 * JSON.parse lets the last of two equal names win; a file with both would mean different things to
 * different readers. And it would build whatever depth a header has.
 * @param {string} text  JSON, or not: then this ends as well, and JSON.parse says so
 */
function expectUniqueNames(text) {
  /** @type {Set<string>[]} the names so far of each object that is open; of an array: none */
  const open = [];
  const token = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}[\]]/g;
  for (const [found, colon] of text.matchAll(token)) {
    if (found === '{' || found === '[') {
      if (open.push(new Set()) > DEPTH) refuse('the header nests too deep');
    } else if (found === '}' || found === ']') open.pop();
    else if (colon && open.length) {
      const names = open[open.length - 1];
      const name = JSON.parse(found.slice(0, found.lastIndexOf('"') + 1));
      if (names.has(name)) refuse(`the name ${describe(name)} comes twice`);
      names.add(name);
    }
  }
}

/** @param {string} name @param {unknown} value */
function parseEntry(name, value) {
  const entry = /** @type {Record<string, unknown>} */ (value ?? {});
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(TYPES, dtype)) {
    refuse(`${describe(name)} has a dtype that is not known: ${describe(dtype)}`);
  }
  if (!isShape(shape)) refuse(`${describe(name)} has no shape`);
  if (!isShape(offsets) || offsets.length !== 2) {
    refuse(`${describe(name)} has no data_offsets`);
  }
  const [begin, end] = offsets;
  const size = product(shape) * TYPES[dtype].size;
  if (!Number.isSafeInteger(size) || end - begin !== size) {
    refuse(
      `${describe(name)} has ${end - begin} bytes where ${dtype} ${shapeText(shape)} takes ${size}`,
    );
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
    if (typeof text !== 'string') refuse(`__metadata__ ${describe(key)} is not a string`);
    metadata[key] = text;
  }
  return metadata;
}
