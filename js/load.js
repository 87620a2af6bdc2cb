// Finds the .wasm and compiles it: in Node from the disk, elsewhere by fetch, or from what the user
// gives. Each way to fail has a sentence of its own.

import { wrong } from './check.js';
import { OutOfMemoryError, UnrolledError } from './errors.js';

/** A module of eleven bytes with one SIMD instruction in it. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);
/** How every module begins: "\0asm". */
const MAGIC = String(SIMD_PROBE.subarray(0, 4));
const HTML = 0x3c; // "<": a page came instead of the file

const CURE = '. Copy unrolled.wasm next to your script, or call init({ wasm: url })';

/** Where a .wasm is taken from. @typedef {string | URL | Response | BufferSource | WebAssembly.Module} Source */

/**
 * What is to come; if that fails, the sentence says why. (A RangeError is that of an engine without room.)
 * @template T
 * @param {Promise<T>} work
 * @param {(why: string) => string} sentence
 * @returns {Promise<T>}
 */
export async function tried(work, sentence) {
  try {
    return await work;
  } catch (cause) {
    const text = sentence(/** @type {Error} */ (cause).message);
    throw cause instanceof RangeError ? new OutOfMemoryError(text) : new UnrolledError(text);
  }
}

/**
 * @param {BufferSource} source
 * @param {string} name
 */
function compile(source, name) {
  const { buffer = source, byteOffset, byteLength } = /** @type {any} */ (source); // a view, or a buffer
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const start = bytes.subarray(0, 4);
  if (String(start) !== MAGIC) {
    throw new UnrolledError(
      start[0] === HTML
        ? `${name} is an HTML page, not the .wasm file${CURE}`
        : `${name} is not a WebAssembly file: it begins with ${start.join(' ') || 'nothing'}`,
    );
  }
  if (!WebAssembly.validate(SIMD_PROBE)) {
    throw new UnrolledError('this engine has no WebAssembly SIMD, which unrolled needs');
  }
  return tried(WebAssembly.compile(/** @type {BufferSource} */ (bytes)), (why) =>
    /unsafe-eval|Security Policy|CSP|embedder/i.test(why)
      ? `the page's Content-Security-Policy forbids it: add 'wasm-unsafe-eval' to script-src (${why})`
      : `${name} does not compile: ${why}`,
  );
}

/** @param {Response} response */
async function fromResponse(response) {
  const name = response.url || 'the response';
  if (!response.ok) throw new UnrolledError(`${name} answered ${response.status}${CURE}`);
  const bytes = await tried(response.arrayBuffer(), (why) => `${name} broke off: ${why}`);
  return compile(bytes, name);
}

/** @param {URL} url */
async function fromUrl(url) {
  const onDisk = url.protocol === 'file:';
  // getBuiltinModule instead of import('node:fs'): bundlers need not know of it.
  const { process } = /** @type {any} */ (globalThis);
  const fs = onDisk && process?.getBuiltinModule?.('node:fs');
  if (fs) {
    const read = fs.promises.readFile(url);
    return compile(await tried(read, (why) => `${url} cannot be read: ${why}`), url.href);
  }
  const cure = onDisk
    ? "a page from the disk imports 'unrolled/inline' instead"
    : "is the server there, does it allow this origin (CORS), does the page's " +
      'Content-Security-Policy (connect-src)?';
  return fromResponse(
    await tried(fetch(url), (why) => `${url} cannot be fetched (${why}): ${cure}`),
  );
}

/**
 * @param {Source} source
 * @returns {Promise<WebAssembly.Module>}
 */
export async function loadModule(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof URL) return fromUrl(source);
  if (typeof source === 'string') {
    let url;
    try {
      url = new URL(source, globalThis.location?.href);
    } catch {
      throw wrong('init wasm', 'an absolute URL', source);
    }
    return fromUrl(url);
  }
  if (globalThis.Response && source instanceof Response) return fromResponse(source);
  if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) {
    return compile(/** @type {BufferSource} */ (source), 'init wasm');
  }
  throw wrong('init wasm', 'a URL, a Response, bytes or a WebAssembly.Module', source);
}
