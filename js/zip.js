// Zip archives, by fflate: the one file that uses it. Its code goes into dist/zip.js, so that the package
// depends on nothing.

import { unzipSync, zipSync } from 'fflate';
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

/** Data begins at multiples of this, as PyTorch aligns it. */
const ALIGNMENT = 64;
const LOCAL_HEADER = 30;
const EXTRA_HEADER = 4;
/** The extra field that PyTorch pads with. */
const PADDING = 0x4246;
/** In local time, as zip files have it: the same bytes everywhere. */
const NO_DATE = new Date(1980, 0, 1);

/**
 * Entries of an archive. Sizes are seen, and refused, before anything is unpacked.
 * @param {Uint8Array} bytes
 * @param {(name: string) => boolean} wanted  asked once for each entry, in their order
 * @returns {Map<string, Uint8Array>}
 * @throws {FormatError}
 */
export function readZip(bytes, wanted) {
  /** @type {Map<string, number>} */
  const sizes = new Map();
  const names = new Set();
  const growth = Math.max(GROWTH_FLOOR, GROWTH_LIMIT * bytes.length);
  let stored = 0;
  let inflated = 0;
  let files;
  try {
    files = unzipSync(bytes, {
      filter({ name, size, originalSize, compression }) {
        if (names.has(name)) refuse(`the entry "${name}" comes twice`);
        names.add(name);
        if (names.size > ENTRY_LIMIT) refuse(`more than ${ENTRY_LIMIT} entries`);
        if (!wanted(name)) return false;
        if (compression === 0) {
          stored += originalSize;
          if (size !== originalSize) refuse(`the entry "${name}" has two sizes`);
          if (stored > bytes.length) refuse('the entries are larger than the file');
        } else {
          inflated += originalSize;
          if (inflated > growth) {
            refuse(`${bytes.length} bytes that would grow to ${inflated} or more`);
          }
        }
        sizes.set(name, originalSize);
        return true;
      },
    });
  } catch (error) {
    if (error instanceof UnrolledError) throw error;
    refuse(`broken: ${/** @type {Error} */ (error).message}`);
  }
  const entries = new Map(Object.entries(files));
  for (const [name, content] of entries) {
    if (content.length !== sizes.get(name)) refuse(`the entry "${name}" is cut off`);
  }
  return entries;
}

/** @param {string} message @returns {never} */
function refuse(message) {
  throw new FormatError(`zip archive: ${message}`);
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
    const begin = at + LOCAL_HEADER + name.length + EXTRA_HEADER;
    const padding = (ALIGNMENT - (begin % ALIGNMENT)) % ALIGNMENT;
    files[name] = [content, { extra: { [PADDING]: new Uint8Array(padding) } }];
    at = begin + padding + content.length;
  }
  return zipSync(files, { level: 0, mtime: NO_DATE });
}
