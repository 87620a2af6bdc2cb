// Writing Protocol Buffers: a message is a run of fields, each a key (number and wire type), then a
// varint, four bytes, or a length and so many bytes. https://protobuf.dev/programming-guides/encoding
//
// Nothing is copied before the file is put together: a message is a list of pieces and their length.

import { allocate } from './allocate.js';
import { ArgumentError } from './errors.js';

/** @typedef {{ pieces: Uint8Array[], length: number }} Fields */

/** Wire types. */
const VARINT = 0;
const LENGTH = 2;
const FIXED32 = 5;

/** A length is an int32 to every reader, and so is the position in a file. */
const LONGEST = 2 ** 31 - 1;

/** @param {number} value  a whole number; a negative one takes ten bytes, as an int64 */
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}

/** @param {number} field @param {number} type */
const key = (field, type) => varint(8 * field + type);

/** @param {Uint8Array} piece @returns {Fields} */
const of = (piece) => ({ pieces: [piece], length: piece.length });

/** A whole number. @param {number} field @param {number} value */
export function integer(field, value) {
  return of(Uint8Array.of(...key(field, VARINT), ...varint(value)));
}

/** A float32. @param {number} field @param {number} value */
export function float(field, value) {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setFloat32(0, value, true);
  return of(Uint8Array.of(...key(field, FIXED32), ...new Uint8Array(bytes.buffer)));
}

/**
 * A string.
 * @param {number} field
 * @param {string} value
 * @throws {ArgumentError} for half a surrogate pair: UTF-8 has no such thing, and would lose it
 */
export function text(field, value) {
  if (/\p{Surrogate}/u.test(value)) {
    throw new ArgumentError(`the name ${JSON.stringify(value)} is not valid Unicode`);
  }
  return message(field, of(new TextEncoder().encode(value)));
}

/**
 * The bytes of an array as they lie in memory: little-endian, as those of the WebAssembly memory that
 * they come from.
 * @param {number} field
 * @param {Float32Array | BigInt64Array} data  not to be changed before the file is written
 */
export function raw(field, data) {
  return message(field, of(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
}

/** A message inside another. @param {number} field @param {...(Fields | Fields[])} parts */
export function message(field, ...parts) {
  const body = run(...parts);
  return run(of(Uint8Array.of(...key(field, LENGTH), ...varint(body.length))), body);
}

/** Fields one after the other. @param {...(Fields | Fields[])} parts @returns {Fields} */
export function run(...parts) {
  const all = parts.flat();
  return {
    pieces: all.flatMap(({ pieces }) => pieces),
    length: all.reduce((sum, { length }) => sum + length, 0),
  };
}

/**
 * The bytes of a whole message.
 * @param {Fields} fields
 * @param {string} what  for the message of the error
 * @returns {Uint8Array}
 * @throws {ArgumentError} when it is longer than the format allows; nothing was allocated then
 */
export function encode({ pieces, length }, what) {
  if (length > LONGEST) {
    throw new ArgumentError(
      `${what}: a Protocol Buffers file holds at most ${LONGEST} bytes, this takes ${length}`,
    );
  }
  const bytes = allocate(length, what, () => new Uint8Array(length));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
