// Finds the .wasm and compiles it: in Node from the disk, elsewhere by fetch, or from what the user
// gives. Each way to fail has a sentence of its own.

import { wrong } from './check.js';
import { OutOfMemoryError, UnrolledError } from './errors.js';

const WASM = 'init wasm';
const HTML = 0x3c; // "<": a page came instead of the file

/** What helps where the file is not. */
const PLACE = '. Copy unrolled.wasm next to your script, or init({ wasm: url })';
const FETCH = '. See to CORS, and to connect-src of the Content-Security-Policy';
const DISK = ". From the disk import 'unrolled/inline'";
const POLICY = ". To the Content-Security-Policy's script-src add 'wasm-unsafe-eval'";
const WHOLE = '. Is the file whole, and has this engine WebAssembly SIMD?';
/** How engines say that a policy forbids it. */
const FORBIDDEN = /unsafe-eval|Security Policy|CSP|embedder/i;

/** Where a .wasm is taken from. @typedef {string | URL | Response | BufferSource | WebAssembly.Module} Source */

/**
 * What is to come; if that fails, a sentence says so. (A RangeError is that of an engine without room.)
 * @template T
 * @param {Promise<T>} work
 * @param {string} failure
 * @param {string} [cure]
 * @param {string} [policyCure]  where a Content-Security-Policy forbids it
 * @returns {Promise<T>}
 */
export async function tried(work, failure, cure = '', policyCure = cure) {
  try {
    return await work;
  } catch (cause) {
    const { message } = /** @type {Error} */ (Object(cause));
    const text = `${failure}: ${message}${FORBIDDEN.test(message) ? policyCure : cure}`;
    throw cause instanceof RangeError ? new OutOfMemoryError(text) : new UnrolledError(text);
  }
}

/** @param {BufferSource} source @param {string} name  where it is from */
function compile(source, name) {
  const { buffer = source, byteOffset, byteLength } = /** @type {Uint8Array} */ (source);
  const bytes = new Uint8Array(/** @type {ArrayBuffer} */ (buffer), byteOffset, byteLength);
  if (bytes[0] === HTML) throw new UnrolledError(`${name} is an HTML page${PLACE}`);
  return tried(WebAssembly.compile(bytes), `${name} does not compile`, WHOLE, POLICY);
}

/** @param {Response} response */
async function fromResponse(response) {
  const name = response.url || 'the response';
  if (!response.ok) throw new UnrolledError(`${name} answered ${response.status}${PLACE}`);
  return compile(await tried(response.arrayBuffer(), `${name} cannot be read`), name);
}

/** @param {URL} url */
async function fromUrl(url) {
  const onDisk = url.protocol === 'file:';
  // getBuiltinModule instead of import('node:fs'): bundlers need not know of it.
  const fs = onDisk && /** @type {any} */ (globalThis).process?.getBuiltinModule?.('node:fs');
  if (fs)
    return compile(
      await tried(fs.promises.readFile(url), `${url} cannot be read`, PLACE),
      url.href,
    );
  return fromResponse(await tried(fetch(url), `${url} cannot be fetched`, onDisk ? DISK : FETCH));
}

/**
 * @param {Source} source
 * @returns {Promise<WebAssembly.Module>}
 */
export async function loadModule(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) return compile(source, WASM);
  try {
    if (typeof source === 'string') source = new URL(source, globalThis.location?.href);
  } catch {} // refused below
  if (source instanceof URL) return fromUrl(source);
  if (globalThis.Response && source instanceof Response) return fromResponse(source); // not every server has it
  throw wrong(WASM, 'an absolute URL, a Response, bytes or a WebAssembly.Module', source);
}
