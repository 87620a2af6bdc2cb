// PyTorch's recorded answers, as tests/fixtures/README.md describes them. The reader here is a
// second one, written apart from the library's.

import { readFileSync } from 'node:fs';

const ROOT = new URL('../../fixtures/', import.meta.url);

/** @typedef {Float32Array | Float64Array | BigInt64Array | Int32Array} Values */
/** @typedef {{ dtype: string, shape: number[], data: Values }} Tensor */
/** @typedef {{ family: string, name: string, kind: string, file: string, config: any }} Case */

/**
 * A file of the fixtures, in memory of its own.
 * @param {string} path
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function readBytes(path) {
  return new Uint8Array(readFileSync(new URL(path, ROOT)));
}

/** @param {string} path */
export function readJson(path) {
  return JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'));
}

/** @type {Case[]} */
export const cases = readJson('index.json').cases;

/** @param {string} family */
export function casesOf(family) {
  return cases.filter((one) => one.family === family);
}

/** @param {number} bits */
function half(bits) {
  const fraction = (bits % 0x400) / 0x400;
  const exponent = Math.floor(bits / 0x400) % 0x20;
  const sign = bits >= 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}

/** Upper half of a float32. @param {DataView} view @param {number} at */
function bfloat(view, at) {
  const word = new DataView(new ArrayBuffer(4));
  word.setUint16(0, view.getUint16(at, true));
  return word.getFloat32(0);
}

/**
 * How each dtype becomes values: those that JavaScript has arrays for as they are, the rest as
 * float32.
 * @type {Record<string, (bytes: ArrayBuffer) => Values>}
 */
const READ = {
  F64: (bytes) => new Float64Array(bytes),
  F32: (bytes) => new Float32Array(bytes),
  I64: (bytes) => new BigInt64Array(bytes),
  I32: (bytes) => new Int32Array(bytes),
  I16: (bytes) => Float32Array.from(new Int16Array(bytes)),
  I8: (bytes) => Float32Array.from(new Int8Array(bytes)),
  U8: (bytes) => Float32Array.from(new Uint8Array(bytes)),
  BOOL: (bytes) => Float32Array.from(new Uint8Array(bytes)),
  F16: (bytes) => Float32Array.from(new Uint16Array(bytes), half),
  BF16(bytes) {
    const view = new DataView(bytes);
    return Float32Array.from({ length: bytes.byteLength / 2 }, (_, i) => bfloat(view, 2 * i));
  },
};

/**
 * The tensors of a safetensors file by name, and its metadata.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {{ tensors: Map<string, Tensor>, metadata: Record<string, string> }}
 */
export function readTensors(bytes) {
  const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const tensors = new Map();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [from, to] = offsets;
    tensors.set(name, {
      dtype,
      shape,
      data: READ[dtype](bytes.buffer.slice(start + from, start + to)),
    });
  }
  return { tensors, metadata: header.__metadata__ ?? {} };
}

/** One case with its tensors. */
export class Fixture {
  /** @param {Case} one */
  constructor({ name, kind, config, file }) {
    this.name = name;
    this.kind = kind;
    this.config = config;
    this.tensors = readTensors(readBytes(file)).tensors;
  }

  /** @param {string} name */
  has(name) {
    return this.tensors.has(name);
  }

  /** @param {string} name @returns {Tensor} */
  tensor(name) {
    const found = this.tensors.get(name);
    if (!found) throw new Error(`${this.name} has no tensor ${name}`);
    return found;
  }

  /** An F32 tensor. @param {string} name @returns {Float32Array} */
  floats(name) {
    const { data } = this.tensor(name);
    if (!(data instanceof Float32Array)) throw new Error(`${this.name} ${name} is not F32`);
    return data;
  }

  /** An F64 tensor. @param {string} name @returns {Float64Array} */
  doubles(name) {
    const { data } = this.tensor(name);
    if (!(data instanceof Float64Array)) throw new Error(`${this.name} ${name} is not F64`);
    return data;
  }

  /** An I64 tensor. @param {string} name @returns {Int32Array} */
  ints(name) {
    const { data } = this.tensor(name);
    if (!(data instanceof BigInt64Array)) throw new Error(`${this.name} ${name} is not I64`);
    return Int32Array.from(data, Number);
  }

  /**
   * The tensors under a prefix, as a state dict.
   * @param {string} prefix
   * @returns {Record<string, { shape: number[], data: Float32Array }>}
   */
  state(prefix) {
    const names = [...this.tensors.keys()].filter((name) => name.startsWith(prefix));
    return Object.fromEntries(
      names.map((name) => [
        name.slice(prefix.length),
        { shape: this.tensor(name).shape, data: this.floats(name) },
      ]),
    );
  }
}
