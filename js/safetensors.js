// safetensors: eight bytes of header length, a JSON header, raw little-endian data.
// Format: https://huggingface.co/docs/safetensors. Checks are those of its reference reader: offsets in
// bounds, without gap or overlap, sizes as the shapes say, nothing behind the data.

import { allocate } from './allocate.js';
import { describe, expectBytes, isRecord, product, wrong } from './check.js';
import { sizeOf, TYPES, toFloats } from './dtype.js';
import { ArgumentError, FormatError } from './errors.js';
import { expectState, isShape } from './state.js';

/** @import { StateDict } from './module.js' */
/** @typedef {import('./dtype.js').Values} Values */
/** Without a shape it is a row. @typedef {{ name: string, shape?: readonly number[], data: Values }} Tensor */
/** @typedef {{ name: string, dtype: string, shape: number[], begin: number, end: number }} Entry */

const HEADER_LIMIT = 16 * 2 ** 20;
const ENTRY_LIMIT = 65536;
const LENGTH_BYTES = 8;
const METADATA = '__metadata__';

const BRACE = 0x7b; // {
const SPACE = 0x20;

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
  const tensors = expectState(state, what).sort((a, b) => byCodePoint(a.name, b.name));
  if (Object.hasOwn(state, METADATA)) throw wrong(`${what} name`, 'another', METADATA);
  if (metadata !== undefined) expectStrings(metadata, `${what} metadata`, wrong);
  return encode(tensors, metadata);
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
  // Joined by hand: an object would put names like integers first.
  /** @type {string[]} */
  const header = [];
  /** @param {string} name @param {unknown} value */
  const add = (name, value) => header.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
  if (metadata) add(METADATA, metadata);
  let end = 0;
  for (const { name, data, shape = [data.length] } of tensors) {
    const dtype = Object.entries(TYPES).find(([, [Type]]) => data instanceof Type)?.[0];
    const begin = end;
    end += data.byteLength;
    add(name, { dtype, shape, data_offsets: [begin, end] });
  }
  const json = new TextEncoder().encode(`{${header.join(',')}}`);
  expectReadable(tensors.length, json.length, ArgumentError);
  let at = LENGTH_BYTES + Math.ceil(json.length / 8) * 8; // data begins at a multiple of 8
  const size = at + end;
  const bytes = allocate(size, 'saving', () => new Uint8Array(size));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(at - LENGTH_BYTES), true);
  bytes.fill(SPACE, LENGTH_BYTES, at);
  bytes.set(json, LENGTH_BYTES);
  for (const { data } of tensors) {
    // As they lie in memory: where WebAssembly runs, that is little-endian.
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * What is larger is neither read nor written.
 * @param {number} tensors
 * @param {number} bytes  of the header
 * @param {typeof FormatError} Refusal
 */
function expectReadable(tensors, bytes, Refusal) {
  if (tensors <= ENTRY_LIMIT && bytes <= HEADER_LIMIT) return;
  throw new Refusal(
    `safetensors: ${tensors} tensors, ${bytes} bytes of header: ` +
      `expected at most ${ENTRY_LIMIT}, ${HEADER_LIMIT}`,
  );
}

/** The order of UTF-8, where JavaScript's is that of UTF-16. @param {string} a @param {string} b */
function byCodePoint(a, b) {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}

/**
 * @internal
 * @param {unknown} metadata
 * @param {string} name
 * @param {typeof wrong} error  makes it
 */
export function expectStrings(metadata, name, error) {
  if (!isRecord(metadata)) throw error(name, 'strings by name', metadata);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw error(`${name} ${describe(key)}`, 'text', value);
  }
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
    const { name, dtype, shape } = entry;
    state[name] = { shape: Object.freeze(shape), data: toFloats(dtype, valuesOf(entry, data)) };
  }
  return state;
}

/**
 * The values of a tensor as they are.
 * @internal
 * @param {Entry} entry
 * @param {Uint8Array} data
 * @returns {Values}
 */
export function valuesOf({ dtype, begin, end }, data) {
  const [Type] = TYPES[dtype];
  const copy = () => new Uint8Array(data.subarray(begin, end));
  return new Type(allocate(end - begin, 'reading', copy).buffer);
}

/**
 * The strings stored as __metadata__, on an object without prototype; empty when there are none.
 * @param {Uint8Array} bytes
 * @returns {Record<string, string>}
 */
export function readSafetensorsMetadata(bytes) {
  return parse(bytes).metadata;
}

/** The error for what stands in a file. @type {typeof wrong} */
function broken(name, expected, value) {
  return new FormatError(`safetensors: ${name}: expected ${expected}, got ${describe(value)}`);
}

/**
 * What a file holds, checked; the entries in the order of their data.
 * @internal
 * @param {Uint8Array} bytes
 * @returns {{ entries: Entry[], metadata: Record<string, string>, data: Uint8Array }}
 */
export function parse(bytes) {
  bytes = expectBytes(bytes, 'safetensors');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const whole = bytes.length >= LENGTH_BYTES;
  const start = LENGTH_BYTES + (whole ? Number(view.getBigUint64(0, true)) : 0);
  if (start > bytes.length) throw broken('bytes', `${start} or more`, bytes.length);
  expectReadable(0, start - LENGTH_BYTES, FormatError);
  const { [METADATA]: metadata = {}, ...tensors } = parseHeader(
    bytes.subarray(LENGTH_BYTES, start),
  );
  expectStrings(metadata, METADATA, broken);
  const entries = Object.entries(tensors).map(([name, entry]) => parseEntry(name, entry));
  expectReadable(entries.length, 0, FormatError);
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    const name = describe(entry.name);
    const size = product(entry.shape) * sizeOf(entry.dtype);
    expectSame(`${name} begin`, end, entry.begin);
    expectSame(`${name} bytes`, size, entry.end - end);
    end = entry.end;
  }
  expectSame('bytes', start + end, bytes.length);
  return {
    entries,
    metadata: Object.assign(Object.create(null), metadata),
    data: bytes.subarray(start),
  };
}

/** @param {string} name @param {number} expected @param {number} got */
function expectSame(name, expected, got) {
  if (got !== expected) throw broken(name, `${expected}`, got);
}

/** @param {Uint8Array} json @returns {Record<string, unknown>} */
function parseHeader(json) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(json);
    expectUniqueNames(text);
    if (json[0] === BRACE) return JSON.parse(text); // not after a mark of the byte order
  } catch (error) {
    if (error instanceof FormatError) throw error;
  }
  throw new FormatError('safetensors: the header is no JSON object in UTF-8');
}

/**
 * JSON.parse lets the last of two equal names win; a file with both would mean different things to
 * different readers. And it would build whatever depth a header has.
 * @param {string} text  JSON, or not: then this ends as well, and JSON.parse says so
 */
function expectUniqueNames(text) {
  /** @type {Set<string>[]} the names so far of each object that is open; of an array: none */
  const open = [];
  const token = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}[\]]/g;
  for (const [found, string, colon] of text.matchAll(token)) {
    if (colon) {
      const name = JSON.parse(string);
      const names = open.at(-1);
      if (names?.has(name)) throw broken('header', 'each name once', name);
      names?.add(name);
    } else if ('{['.includes(found)) {
      if (open.push(new Set()) > DEPTH) {
        throw new FormatError('safetensors: the header is too deep');
      }
    } else if ('}]'.includes(found)) {
      open.pop();
    }
  }
}

/** @param {string} name @param {unknown} entry @returns {Entry} */
function parseEntry(name, entry) {
  const { dtype, shape, data_offsets: offsets } = Object(entry);
  if (typeof dtype === 'string' && TYPES[dtype] && isShape(shape) && isShape(offsets)) {
    const [begin, end] = offsets;
    if (offsets.length === 2) return { name, dtype, shape, begin, end };
  }
  const expected = 'a dtype that is known, a shape and two data_offsets';
  throw broken(describe(name), expected, JSON.stringify(entry));
}
