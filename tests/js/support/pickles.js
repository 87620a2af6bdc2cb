// Pickles and archives by hand, opcode by opcode: what torch.save would write, and what it never would.

import { zipSync } from 'fflate';

const utf8 = new TextEncoder();

/** @typedef {string | number[] | Uint8Array} Part  text in Latin-1, or bytes */

/** @param {...Part} parts @returns {Uint8Array} */
export function bytesOf(...parts) {
  return new Uint8Array(
    Buffer.concat(
      parts.map((part) =>
        typeof part === 'string' ? Buffer.from(part, 'latin1') : Uint8Array.from(part),
      ),
    ),
  );
}

/** A pickle of protocol 2. @param {...Part} parts @returns {Uint8Array} */
export function pickle(...parts) {
  return bytesOf([0x80, 2], ...parts, '.');
}

/** @param {number} value @param {number} size @returns {Uint8Array} */
export function little(value, size) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return new Uint8Array(bytes.subarray(0, size));
}

/** @param {string} value */
export function text(value) {
  const bytes = utf8.encode(value);
  return bytesOf('X', little(bytes.length, 4), bytes);
}

/** @param {number} value */
export function int(value) {
  return Math.abs(value) < 2 ** 31
    ? bytesOf('J', little(value, 4))
    : bytesOf([0x8a, 8], little(value, 8));
}

/** @param {...Part} items */
export function tuple(...items) {
  return bytesOf('(', ...items, 't');
}

/** @param {...Part} items */
export function list(...items) {
  return bytesOf('](', ...items, 'e');
}

/** @param {...Part} items  keys and values in turn */
export function dict(...items) {
  return bytesOf('}(', ...items, 'u');
}

/** @param {string} name  'module.name' */
export function global(name) {
  const dot = name.lastIndexOf('.');
  return bytesOf(`c${name.slice(0, dot)}\n${name.slice(dot + 1)}\n`);
}

/** @param {string} name @param {...Part} args */
export function call(name, ...args) {
  return bytesOf(global(name), tuple(...args), 'R');
}

/**
 * The persistent id of a storage.
 * @param {number} length
 * @param {{ key?: string, type?: string, view?: Part }} [options]
 */
export function storage(length, { key = '0', type = 'torch.FloatStorage', view = '' } = {}) {
  return bytesOf(
    tuple(text('storage'), global(type), text(key), text('cpu'), int(length), view),
    'Q',
  );
}

/**
 * A tensor.
 * @param {Part} from  its storage
 * @param {number[]} shape
 * @param {number[]} strides
 * @param {number} [offset]
 * @param {...Part} more  arguments
 */
export function tensor(from, shape, strides, offset = 0, ...more) {
  return call(
    'torch._utils._rebuild_tensor_v2',
    from,
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    [0x89],
    bytesOf(global('collections.OrderedDict'), ')R'),
    ...more,
  );
}

/** @param {ArrayLike<number>} values */
export function floats(values) {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/**
 * An archive as torch.save's.
 * @param {Uint8Array} program
 * @param {Record<string, Uint8Array>} [storages]
 * @param {{ level?: 0 | 9, folder?: string, more?: Record<string, Uint8Array> }} [options]
 */
export function archive(
  program,
  storages = {},
  { level = 0, folder = 'archive/', more = {} } = {},
) {
  /** @type {Record<string, Uint8Array>} */
  const files = { [`${folder}data.pkl`]: program };
  for (const [key, content] of Object.entries(storages)) files[`${folder}data/${key}`] = content;
  for (const [name, content] of Object.entries(more)) files[folder + name] = content;
  return zipSync(files, { level, mtime: '1980-01-02' });
}

/**
 * The older format.
 * @param {Uint8Array} program
 * @param {[key: string, count: number, content: Uint8Array][]} [storages]
 */
export function legacy(program, storages = []) {
  return bytesOf(
    pickle([0x8a, 10], [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]),
    pickle(int(1001)),
    pickle(dict(text('little_endian'), [0x88])),
    program,
    pickle(list(...storages.map(([key]) => text(key)))),
    ...storages.flatMap(([, count, content]) => [little(count, 8), content]),
  );
}
