// Finds the .wasm and compiles it: in Node from the disk, elsewhere by fetch, or from what the user
// gives. Each way to fail has a sentence of its own.

import { wrong } from './check.js';
import { OutOfMemoryError, UnrolledError } from './errors.js';

/** A module that uses SIMD, one instruction of the last that were added too. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);
const HTML = 0x3c; // "<": a page came instead of the file

const CURE = '. Copy unrolled.wasm next to your script, or init({ wasm: url })';

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
  if (bytes[0] === HTML) throw new UnrolledError(`${name} is an HTML page${CURE}`);
  if (!WebAssembly.validate(SIMD_PROBE)) {
    throw new UnrolledError('this engine has no WebAssembly SIMD');
  }
  return tried(WebAssembly.compile(/** @type {BufferSource} */ (bytes)), (why) =>
    /unsafe-eval|Security Policy|CSP|embedder/i.test(why)
      ? `Content-Security-Policy: add 'wasm-unsafe-eval' to script-src (${why})`
      : `${name} does not compile: ${why}`,
  );
}

/** @param {Response} response */
async function fromResponse(response) {
  const name = response.url || 'the response';
  if (!response.ok) throw new UnrolledError(`${name} answered ${response.status}${CURE}`);
  return compile(await tried(response.arrayBuffer(), unreadable(name)), name);
}

/** @param {string} name */
function unreadable(name) {
  return (/** @type {string} */ why) => `${name} cannot be read: ${why}`;
}

/** @param {URL} url */
async function fromUrl(url) {
  const onDisk = url.protocol === 'file:';
  // getBuiltinModule instead of import('node:fs'): bundlers need not know of it.
  const { process } = /** @type {any} */ (globalThis);
  const fs = onDisk && process?.getBuiltinModule?.('node:fs');
  if (fs) {
    return compile(await tried(fs.promises.readFile(url), unreadable(url.href)), url.href);
  }
  const cure = onDisk
    ? "from the disk import 'unrolled/inline'"
    : 'see to CORS, and to connect-src of the Content-Security-Policy';
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
  if (source instanceof Response) return fromResponse(source);
  if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) {
    return compile(/** @type {BufferSource} */ (source), 'init wasm');
  }
  throw wrong('init wasm', 'a URL, a Response, bytes or a WebAssembly.Module', source);
}
