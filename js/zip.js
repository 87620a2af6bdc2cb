// Zip archives, by fflate, the one file that uses it. Its code goes into what is built of this file, so that
// the package depends on nothing, and its licence with it:
/*!
 * fflate, https://github.com/101arrowz/fflate
 *
 * MIT License
 *
 * Copyright (c) 2026 Arjun Barrett
 *
 * Permission is hereby granted, free of charge, to any person obtaining a copy
 * of this software and associated documentation files (the "Software"), to deal
 * in the Software without restriction, including without limitation the rights
 * to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
 * copies of the Software, and to permit persons to whom the Software is
 * furnished to do so, subject to the following conditions:
 *
 * The above copyright notice and this permission notice shall be included in all
 * copies or substantial portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
 * IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
 * FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
 * AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
 * LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
 * OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
 * SOFTWARE.
 */

import { Inflate, zipSync } from 'fflate';
import { FormatError, UnrolledError } from './errors.js';

/** An archive holds so many entries at most; more would take a longer format to write. */
export const ENTRY_LIMIT = 65535;
/** The places in an archive are 32 bits, here as in the plain format. */
export const BYTES_LIMIT = 2 ** 32 - 1;
/**
 * What is compressed may grow to so many times the file, or to a mebibyte. Weights hardly shrink by
 * compression, zeros do; a bomb would be a thousandfold.
 */
const GROWTH_LIMIT = 64;
const GROWTH_FLOOR = 2 ** 20;
/** So much is unpacked before its size is looked at again: a thousandfold, that is 8 MiB. */
const PIECE = 2 ** 13;
/** So many pieces may give nothing: a block that is stored has 64 KiB, and is waited for. */
const IDLE_LIMIT = 16;

/** The records of an archive: what each begins with, and its length without names and fields. */
const LOCAL = { magic: 0x04034b50, length: 30 };
const ENTRY = { magic: 0x02014b50, length: 46 };
const END = { magic: 0x06054b50, length: 22 };
const END64 = { magic: 0x06064b50, length: 56 };
const LOCATOR64 = { magic: 0x07064b50, length: 20 };
const COMMENT_LIMIT = 65535;
const SIZES_64 = 1; // the extra field of sizes that 32 bits cannot hold
const ELSEWHERE = 2 ** 32 - 1; // what then stands in their place
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;

/** Data begins at multiples of this, as PyTorch aligns it. */
const ALIGNMENT = 64;
const EXTRA_HEADER = 4;
/** The extra field that PyTorch pads with. */
const PADDING = 0x4246;
/** In local time, as zip files have it: the same bytes everywhere. */
const NO_DATE = new Date(1980, 0, 1);

/**
 * @typedef {object} Entry  as the directory at the end of the archive has it
 * @property {string} name
 * @property {number} method
 * @property {number} packed  bytes in the archive
 * @property {number} size  bytes once unpacked
 * @property {number} at  where its own header is
 */

/**
 * Entries of an archive; those that are stored are views of it. Sizes are seen, and refused, before
 * anything is unpacked.
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 * @param {Uint8Array} bytes
 * @param {(name: string) => boolean} wanted  asked once for each entry, in their order
 * @returns {Map<string, Uint8Array>}
 * @throws {FormatError}
 */
export function readZip(bytes, wanted) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names = new Set();
  const growth = Math.max(GROWTH_FLOOR, GROWTH_LIMIT * bytes.length);
  let stored = 0;
  let inflated = 0;
  const entries = directory(bytes, view).filter(({ name, method, packed, size }) => {
    if (names.has(name)) refuse(`the entry "${name}" comes twice`);
    names.add(name);
    if (!wanted(name)) return false;
    stored += packed;
    if (stored > bytes.length) refuse('the entries are larger than the file');
    if (method === DEFLATED) inflated += size;
    else if (method !== STORED) refuse(`the entry "${name}" is packed by method ${method}`);
    else if (packed !== size) refuse(`the entry "${name}" has two sizes`);
    if (inflated > growth) refuse(`${bytes.length} bytes that would grow to ${inflated} or more`);
    return true;
  });
  return new Map(entries.map((entry) => [entry.name, content(bytes, view, entry)]));
}

/**
 * Where a record begins, when it is there.
 * @param {DataView} view
 * @param {number} at
 * @param {{ magic: number, length: number }} record
 */
function isAt(view, at, { magic, length }) {
  return at >= 0 && at + length <= view.byteLength && view.getUint32(at, true) === magic;
}

/** @param {Uint8Array} bytes @param {DataView} view @returns {Entry[]} */
function directory(bytes, view) {
  let end = bytes.length - END.length;
  const first = Math.max(0, end - COMMENT_LIMIT);
  while (end >= first && !isAt(view, end, END)) end--;
  if (end < first) refuse('it has no end, so a part is missing');

  let count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (isAt(view, end - LOCATOR64.length, LOCATOR64)) {
    const end64 = long(view, end - LOCATOR64.length + 8);
    if (!isAt(view, end64, END64)) refuse('its directory is not where its end says');
    count = long(view, end64 + 32);
    at = long(view, end64 + 48);
  }
  if (count > ENTRY_LIMIT) refuse(`more than ${ENTRY_LIMIT} entries`);
  /** @type {Entry[]} */
  const entries = [];
  for (let i = 0; i < count; i++) {
    if (!isAt(view, at, ENTRY)) refuse('its directory is not where its end says');
    const fields = at + ENTRY.length + view.getUint16(at + 28, true);
    const comment = fields + view.getUint16(at + 30, true);
    const next = comment + view.getUint16(at + 32, true);
    if (next > end) refuse('its directory is cut off');
    const name = new TextDecoder().decode(bytes.subarray(at + ENTRY.length, fields));
    if (view.getUint16(at + 8, true) & ENCRYPTED) refuse(`the entry "${name}" is encrypted`);
    entries.push({
      name,
      method: view.getUint16(at + 10, true),
      ...sizes(view, at, fields, comment),
    });
    at = next;
  }
  return entries;
}

/**
 * The sizes and the place of an entry: those that 32 bits cannot hold stand in a field, in this order.
 * @param {DataView} view
 * @param {number} at  of the entry
 * @param {number} fields  where its extra fields begin
 * @param {number} end  of them
 */
function sizes(view, at, fields, end) {
  let begin = fields;
  while (begin + EXTRA_HEADER <= end && view.getUint16(begin, true) !== SIZES_64) {
    begin += EXTRA_HEADER + view.getUint16(begin + 2, true);
  }
  begin += EXTRA_HEADER;
  const [size, packed, place] = [at + 24, at + 20, at + 42].map((field) => {
    const value = view.getUint32(field, true);
    if (value !== ELSEWHERE) return value;
    begin += 8;
    if (begin > end) refuse('the size of an entry is missing');
    return long(view, begin - 8);
  });
  return { size, packed, at: place };
}

/** Beyond 2^53 it is not exact, and beyond every file. @param {DataView} view @param {number} at */
function long(view, at) {
  return Number(view.getBigUint64(at, true));
}

/** @param {Uint8Array} bytes @param {DataView} view @param {Entry} entry */
function content(bytes, view, { name, method, packed, size, at }) {
  if (!isAt(view, at, LOCAL)) refuse(`the entry "${name}" is not where the directory says`);
  const begin = at + LOCAL.length + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (begin + packed > bytes.length) refuse(`the entry "${name}" is cut off`);
  const data = bytes.subarray(begin, begin + packed);
  return method === STORED ? data : inflate(data, size, name);
}

/** @param {Uint8Array} data @param {number} size @param {string} name */
function inflate(data, size, name) {
  const unpacked = new Uint8Array(size);
  let at = 0;
  let idle = 0;
  const stream = new Inflate((piece) => {
    idle = piece.length ? 0 : idle + 1;
    if (idle > IDLE_LIMIT) refuse(`the entry "${name}" goes on after its end`);
    if (at + piece.length > size) refuse(`the entry "${name}" is larger than it says`);
    unpacked.set(piece, at);
    at += piece.length;
  });
  try {
    for (let i = 0; i < data.length; i += PIECE) {
      stream.push(data.subarray(i, i + PIECE), i + PIECE >= data.length);
    }
  } catch (error) {
    if (error instanceof UnrolledError) throw error;
    refuse(`the entry "${name}" is broken: ${/** @type {Error} */ (error).message}`);
  }
  if (at !== size) refuse(`the entry "${name}" is smaller than it says`);
  return unpacked;
}

/** @param {string} message @returns {never} */
function refuse(message) {
  throw new FormatError(`torch: zip archive: ${message}`);
}

/**
 * An archive of these entries, uncompressed, each aligned. The same bytes whenever it is made.
 * @param {[name: string, content: Uint8Array][]} entries  names in ASCII; at most ENTRY_LIMIT, and
 *   BYTES_LIMIT in all
 * @returns {Uint8Array}
 */
export function writeZip(entries) {
  /** @type {import('fflate').Zippable} */
  const files = {};
  let at = 0;
  for (const [name, content] of entries) {
    const begin = at + LOCAL.length + name.length + EXTRA_HEADER;
    const padding = (ALIGNMENT - (begin % ALIGNMENT)) % ALIGNMENT;
    files[name] = [content, { extra: { [PADDING]: new Uint8Array(padding) } }];
    at = begin + padding + content.length;
  }
  return zipSync(files, { level: 0, mtime: NO_DATE });
}
