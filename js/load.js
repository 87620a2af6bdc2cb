// Finds the .wasm and compiles it: in Node from the disk, elsewhere by fetch, or from what the user
// gives. Each way to fail has a sentence of its own.

import { ArgumentError, UnrolledError } from './errors.js';

const HTML = 0x3c; // "<": a page came instead of the file
const MAGIC = [0x00, 0x61, 0x73, 0x6d]; // "\0asm"

/** A module of eleven bytes with one SIMD instruction in it. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);

/** Where a .wasm is taken from. @typedef {string | URL | Response | BufferSource | WebAssembly.Module} Source */

/**
 * @param {Uint8Array} bytes
 * @param {string} source  for the message
 */
function checkMagic(bytes, source) {
  if (MAGIC.every((byte, i) => bytes[i] === byte)) return;
  const start = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, '0')).join(' ');
  throw new UnrolledError(
    bytes[0] === HTML
      ? `${source} is an HTML page, not the .wasm file: the server or bundler does not serve it ` +
          'there. Copy unrolled.wasm next to your script, or call init({ wasm: url }).'
      : `${source} is not a WebAssembly file: it begins with ${start || 'nothing'}`,
  );
}

/**
 * @param {BufferSource} source
 * @param {string} name
 */
async function compile(source, name) {
  const bytes = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  checkMagic(bytes, name);
  if (!WebAssembly.validate(SIMD_PROBE)) {
    throw new UnrolledError('this engine has no WebAssembly SIMD (SIMD128), which unrolled needs');
  }
  try {
    return await WebAssembly.compile(/** @type {BufferSource} */ (bytes));
  } catch (cause) {
    throw compileError(cause, name);
  }
}

/**
 * @param {unknown} cause
 * @param {string} name
 */
function compileError(cause, name) {
  const text = String(cause instanceof Error ? cause.message : cause);
  const blocked = /unsafe-eval|Content Security Policy|CSP|disallowed by embedder/i.test(text);
  return new UnrolledError(
    blocked
      ? "the page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to " +
          `script-src (${text})`
      : `${name} does not compile: ${text}`,
  );
}

/** @param {Response} response */
async function fromResponse(response) {
  const name = response.url || 'the response';
  if (!response.ok) {
    throw new UnrolledError(
      `${name} answered ${`${response.status} ${response.statusText}`.trim()}: the .wasm file is ` +
        'not there. Copy unrolled.wasm next to your script, or call init({ wasm: url }).',
    );
  }
  let bytes;
  try {
    bytes = await response.arrayBuffer();
  } catch (cause) {
    throw new UnrolledError(`${name} broke off: ${/** @type {Error} */ (cause).message}`);
  }
  return compile(bytes, name);
}

/** @param {URL} url */
async function fromUrl(url) {
  // getBuiltinModule instead of import('node:fs'): bundlers need not know of it.
  const fs =
    url.protocol === 'file:'
      ? /** @type {any} */ (globalThis).process?.getBuiltinModule?.('node:fs')
      : undefined;
  if (fs) {
    let bytes;
    try {
      bytes = await fs.promises.readFile(url);
    } catch (cause) {
      throw new UnrolledError(
        `${url.href} cannot be read: ${/** @type {Error} */ (cause).message}`,
      );
    }
    return compile(bytes, url.href);
  }
  let response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new UnrolledError(
      `${url.href} cannot be fetched (${/** @type {Error} */ (cause).message}): ` +
        (url.protocol === 'file:'
          ? "a page opened from the disk cannot read files; import 'unrolled/inline' instead."
          : "is the server there, does it allow this origin (CORS), does the page's " +
            'Content-Security-Policy (connect-src)?'),
    );
  }
  return fromResponse(response);
}

/**
 * @param {Source} source
 * @returns {Promise<WebAssembly.Module>}
 */
export async function loadModule(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof URL) return fromUrl(source);
  if (typeof source === 'string') {
    const base = typeof location === 'undefined' ? undefined : location.href;
    let url;
    try {
      url = new URL(source, base);
    } catch {
      throw new ArgumentError(`init wasm: expected an absolute URL, got "${source}"`);
    }
    return fromUrl(url);
  }
  if (typeof Response !== 'undefined' && source instanceof Response) return fromResponse(source);
  if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) {
    return compile(/** @type {BufferSource} */ (source), 'init wasm');
  }
  throw new ArgumentError(
    'init wasm: expected a URL, a Response, bytes or a WebAssembly.Module, got ' +
      Object.prototype.toString.call(source).slice(8, -1),
  );
}
