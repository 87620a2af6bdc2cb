import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import {
  ArgumentError,
  FormatError,
  init,
  Linear,
  loadSafetensors,
  readSafetensorsMetadata,
  Sequential,
  ShapeError,
  saveSafetensors,
  Tanh,
  UnrolledError,
} from 'unrolled';
import { assertSame } from './support/compare.js';
import { casesOf, readBytes, readJson, readTensors } from './support/fixtures.js';
import { generator, values } from './support/numeric.js';

// Reading and writing needs no WebAssembly: this file calls init() only where a module is made.

describe('files of every kind are read as they are', () => {
  let covered = 0;
  let tensorsRead = 0;
  const dtypes = new Set();
  for (const { name, file } of casesOf('files').filter(({ kind }) => kind === 'checkpoint')) {
    test(name, () => {
      const bytes = readBytes(file);
      const state = loadSafetensors(bytes);
      const { tensors, metadata } = readTensors(bytes);
      assert.deepEqual(Object.keys(state).sort(), [...tensors.keys()].sort());
      assert.equal(Object.getPrototypeOf(state), null);
      for (const [tensor, { dtype, shape, data }] of tensors) {
        assert.deepEqual([...state[tensor].shape], shape, tensor);
        assert.ok(state[tensor].data instanceof Float32Array);
        assertSame(
          state[tensor].data,
          Float32Array.from(/** @type {any} */ (data), Number),
          tensor,
        );
        dtypes.add(dtype);
        tensorsRead++;
      }
      assert.deepEqual({ ...readSafetensorsMetadata(bytes) }, metadata);
      covered++;
    });
  }
  test('in all 9 files', (t) => {
    assert.equal(covered, 9);
    assert.deepEqual([...dtypes].sort(), [
      'BF16',
      'BOOL',
      'F16',
      'F32',
      'F64',
      'I16',
      'I32',
      'I64',
      'I8',
      'U8',
    ]);
    t.diagnostic(`${covered} files, ${tensorsRead} tensors of ${dtypes.size} types`);
  });
  test('and every fixture beside them', () => {
    let files = 0;
    for (const { file } of ['layer', 'cell', 'linear', 'loss', 'optim', 'rng', 'train'].flatMap(
      casesOf,
    )) {
      if (!file.endsWith('.safetensors')) continue;
      const bytes = readBytes(file);
      const state = loadSafetensors(bytes);
      for (const [tensor, { data }] of readTensors(bytes).tensors) {
        assertSame(
          state[tensor].data,
          Float32Array.from(/** @type {any} */ (data), Number),
          `${file} ${tensor}`,
        );
      }
      files++;
    }
    assert.equal(files, 48 + 6 + 4 + 23 + 17 + 8 + 6);
  });
});

describe('broken files are refused', () => {
  const { files } = readJson('files/bad/index.json');
  const mine = files.filter(({ file }) => file.endsWith('.safetensors'));
  for (const { file, base64, bytes: length } of mine) {
    test(file, () => {
      const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
      assert.equal(bytes.length, length);
      assert.throws(() => loadSafetensors(bytes), FormatError);
      assert.throws(() => readSafetensorsMetadata(bytes), FormatError);
    });
  }
  test('all 24 recorded ones', () => assert.equal(mine.length, 24));
});

/**
 * A file by hand.
 * @param {string | object} header
 * @param {number} [dataBytes]
 * @param {bigint} [length]  of the header; by default the right one
 */
function file(header, dataBytes = 0, length) {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

/** @param {number} begin @param {number} end @param {any} [more] */
function entry(begin, end, more = {}) {
  return { dtype: 'F32', shape: [(end - begin) / 4], data_offsets: [begin, end], ...more };
}

describe('and so is what else could be wrong', () => {
  const one = JSON.stringify(entry(0, 8));
  const spaces = ' '.repeat(100);
  /** @type {Record<string, Uint8Array>} */
  const corpus = {
    'nothing but a length': file('', 0),
    'a header of null': file('null'),
    'a header of a number': file('12'),
    'a header of a string': file('"a"'),
    'an empty header': file('{'),
    'data without tensors': file({}, 4),
    'a header length of 2^64 - 1': file({ a: entry(0, 8) }, 8, 2n ** 64n - 1n),
    'a header length of 2^63': file({ a: entry(0, 8) }, 8, 2n ** 63n),
    'a header length of 2^32': file({ a: entry(0, 8) }, 8, 2n ** 32n),
    'a header length of 100 million': file({ a: entry(0, 8) }, 8, 100_000_000n),
    'a header length one too small': file(
      { a: entry(0, 8) },
      8,
      BigInt(JSON.stringify({ a: entry(0, 8) }).length - 1),
    ),
    'a header length one too large': file(
      { a: entry(0, 8) },
      8,
      BigInt(JSON.stringify({ a: entry(0, 8) }).length + 1),
    ),
    'a byte order mark': file(`\ufeff${JSON.stringify({ a: entry(0, 8) })}`, 8),
    'a space before the brace': file(` ${JSON.stringify({ a: entry(0, 8) })}`, 8),
    'something after the brace': file(`${JSON.stringify({ a: entry(0, 8) })}x`, 8),
    'two names alike': file(`{"a":${one},"a":${one}}`, 8),
    'two names alike, one escaped': file(`{"a":${one},"\\u0061":${one}}`, 8),
    'two names alike, spaces before the colon': file(
      `{"a"${spaces}:${one},"a"${spaces}:${one}}`,
      8,
    ),
    'two names alike, a space before the colon': file(`{"a" :${one},"a"\n\t:${one}}`, 8),
    'two names alike after a brace in a name': file(
      `{"}{":${JSON.stringify(entry(8, 12))},"a":${one},"a":${one}}`,
      12,
    ),
    'two names alike after a quote in a name': file(
      `{"\\"":${JSON.stringify(entry(8, 12))},"a":${one},"a":${one}}`,
      12,
    ),
    'two __metadata__': file(`{"__metadata__":{"a":"1"},"__metadata__":{"a":"2"}}`),
    'two dtypes': file('{"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}}', 8),
    'the same bytes for two': file({ a: entry(0, 8), b: entry(0, 8) }, 8),
    'one inside the other': file({ a: entry(0, 16), b: entry(4, 8) }, 16),
    'a gap in front': file({ a: entry(4, 12) }, 12),
    'data one byte short': file({ a: entry(0, 8) }, 7),
    'data one byte long': file({ a: entry(0, 8) }, 9),
    'an entry of null': file({ a: null }),
    'an entry of a number': file({ a: 5 }),
    'an entry of a list': file({ a: [0, 8] }, 8),
    'no dtype': file({ a: { shape: [2], data_offsets: [0, 8] } }, 8),
    'a dtype of null': file({ a: entry(0, 8, { dtype: null }) }, 8),
    'a dtype in small letters': file({ a: entry(0, 8, { dtype: 'f32' }) }, 8),
    'a dtype that objects inherit': file({ a: entry(0, 8, { dtype: 'constructor' }) }, 8),
    'the dtype __proto__': file({ a: entry(0, 8, { dtype: '__proto__' }) }, 8),
    'no shape': file({ a: { dtype: 'F32', data_offsets: [0, 8] } }, 8),
    'a shape that is a number': file({ a: entry(0, 8, { shape: 2 }) }, 8),
    'a shape of strings': file({ a: entry(0, 8, { shape: ['2'] }) }, 8),
    'a shape of null': file({ a: entry(0, 8, { shape: [null] }) }, 8),
    'a shape beyond 2^53': file({ a: entry(0, 0, { shape: [2 ** 53, 2 ** 53] }) }),
    'a shape of 1e400': file('{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,8]}}', 8),
    'three offsets': file({ a: entry(0, 8, { data_offsets: [0, 8, 8] }) }, 8),
    'one offset': file({ a: entry(0, 8, { data_offsets: [8] }) }, 8),
    'offsets as text': file({ a: entry(0, 8, { data_offsets: ['0', '8'] }) }, 8),
    'fractional offsets': file({ a: entry(0, 8, { data_offsets: [0.5, 8.5] }) }, 8),
    'offsets beyond 2^53': file({ a: entry(0, 8, { data_offsets: [2 ** 53, 2 ** 53 + 8] }) }, 8),
    'metadata that is a list': file({ __metadata__: ['a'] }),
    'metadata that is text': file({ __metadata__: 'a' }),
    'metadata of null': file({ __metadata__: null }),
    'metadata with a list inside': file({ __metadata__: { a: ['b'] } }),
  };
  for (const [what, bytes] of Object.entries(corpus)) {
    test(what, () => assert.throws(() => loadSafetensors(bytes), FormatError));
  }
});

test('whatever bytes: a state dict or a FormatError', () => {
  const good = saveSafetensors(
    { a: { shape: [2, 3], data: values(6, 1) }, b: { shape: [], data: values(1, 2) } },
    { k: 'v' },
  );
  const draw = generator(5);
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const bytes = good.slice(0, round % 3 === 0 ? Math.floor(draw() * good.length) : good.length);
    const changes = 1 + (round % 3);
    for (let k = 0; k < changes && bytes.length > 0; k++) {
      bytes[Math.floor(draw() * bytes.length)] = Math.floor(draw() * 256);
    }
    try {
      loadSafetensors(bytes);
    } catch (error) {
      assert.ok(error instanceof FormatError, `${error.stack}`);
      refused++;
    }
  }
  assert.ok(refused > 1000);
});

test('what is written is read again, to the bit', () => {
  const special = Float32Array.of(NaN, Infinity, -Infinity, -0, 1e-45, 3.4028235e38, 0.1);
  const state = {
    'rnn.weight_ih_l0': { shape: [3, 4], data: values(12, 1) },
    special: { shape: [7], data: special },
    scalar: { shape: [], data: values(1, 2) },
    empty: { shape: [0, 5], data: new Float32Array(0) },
    cube: { shape: [2, 3, 4], data: values(24, 3) },
    7: { shape: [1], data: values(1, 4) },
    'with "quotes", \\ and ünïcödé 🙂': { shape: [1], data: values(1, 5) },
    '': { shape: [1], data: values(1, 6) },
  };
  const metadata = { format: 'pt', 'a "b"': 'ü\n🙂', empty: '' };
  const bytes = saveSafetensors(state, metadata);
  const again = loadSafetensors(bytes);
  assert.deepEqual(Object.keys(again).sort(), Object.keys(state).sort());
  for (const [name, { shape, data }] of Object.entries(state)) {
    assert.deepEqual([...again[name].shape], shape, name);
    assert.deepEqual(again[name].data, data, name);
  }
  assert.deepEqual({ ...readSafetensorsMetadata(bytes) }, metadata);
  assert.equal(Object.getPrototypeOf(readSafetensorsMetadata(bytes)), null);

  // as another reader sees it: aligned, F32, in one piece
  const { tensors, metadata: theirs } = readTensors(/** @type {any} */ (bytes));
  assert.equal(tensors.size, Object.keys(state).length);
  for (const { dtype } of tensors.values()) assert.equal(dtype, 'F32');
  assert.deepEqual(theirs, metadata);
  const start = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assert.equal(start % 8, 0);
  assert.equal(bytes[8], '{'.charCodeAt(0));
});

describe("what is written is what Python's safetensors 0.8.0 writes, byte for byte", () => {
  const tensors = {
    b: { shape: [2], data: Float32Array.of(1.5, -2) },
    a: { shape: [1, 3], data: Float32Array.of(1, 2, 3) },
    '🙂': { shape: [1], data: Float32Array.of(0) },
    '\uffee': { shape: [1], data: Float32Array.of(1) }, // before it in UTF-8, after it in UTF-16
    10: { shape: [1], data: Float32Array.of(10) },
    9: { shape: [0, 3], data: new Float32Array(0) },
    'q"\\\n\x01\x7f\u2028': { shape: [], data: Float32Array.of(0.25) },
  };
  // safetensors.torch.save(tensors), and save(tensors, {'format': 'pt'})
  const bare = [
    'mAEAAAAAAAB7IjEwIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbMCw0XX0sIjki',
    'OnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzAsM10sImRhdGFfb2Zmc2V0cyI6WzQsNF19LCJhIjp7ImR0eXBlIjoi',
    'RjMyIiwic2hhcGUiOlsxLDNdLCJkYXRhX29mZnNldHMiOls0LDE2XX0sImIiOnsiZHR5cGUiOiJGMzIiLCJzaGFw',
    'ZSI6WzJdLCJkYXRhX29mZnNldHMiOlsxNiwyNF19LCJxXCJcXFxuXHUwMDAxf+KAqCI6eyJkdHlwZSI6IkYzMiIs',
    'InNoYXBlIjpbXSwiZGF0YV9vZmZzZXRzIjpbMjQsMjhdfSwi77+uIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsx',
    'XSwiZGF0YV9vZmZzZXRzIjpbMjgsMzJdfSwi8J+ZgiI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMV0sImRhdGFf',
    'b2Zmc2V0cyI6WzMyLDM2XX19ICAAACBBAACAPwAAAEAAAEBAAADAPwAAAMAAAIA+AACAPwAAAAA=',
  ];
  const withMetadata = [
    'uAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCJ9LCIxMCI6eyJkdHlwZSI6IkYzMiIsInNoYXBl',
    'IjpbMV0sImRhdGFfb2Zmc2V0cyI6WzAsNF19LCI5Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlswLDNdLCJkYXRh',
    'X29mZnNldHMiOls0LDRdfSwiYSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMSwzXSwiZGF0YV9vZmZzZXRzIjpb',
    'NCwxNl19LCJiIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMTYsMjRdfSwicVwi',
    'XFxcblx1MDAwMX/igKgiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6W10sImRhdGFfb2Zmc2V0cyI6WzI0LDI4XX0s',
    'Iu+/riI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMV0sImRhdGFfb2Zmc2V0cyI6WzI4LDMyXX0sIvCfmYIiOnsi',
    'ZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOlszMiwzNl19fSAgIAAAIEEAAIA/AAAAQAAA',
    'QEAAAMA/AAAAwAAAgD4AAIA/AAAAAA==',
  ];
  test('without metadata', () => {
    assert.equal(Buffer.from(saveSafetensors(tensors)).toString('base64'), bare.join(''));
  });
  test('with', () => {
    const bytes = Buffer.from(saveSafetensors(tensors, { format: 'pt' }));
    assert.equal(bytes.toString('base64'), withMetadata.join(''));
  });
  test('whatever the order of the names', () => {
    const turned = Object.fromEntries(Object.entries(tensors).reverse());
    assert.deepEqual(saveSafetensors(turned), saveSafetensors(tensors));
  });
});

test('every bit of a NaN survives', () => {
  const bits = Uint32Array.of(0x7fc00000, 0xffc00001, 0x7f800001, 0xffbfffff, 0x80000000);
  const state = { a: { shape: [5], data: new Float32Array(bits.buffer) } };
  const { a } = loadSafetensors(saveSafetensors(state));
  assert.deepEqual(new Uint32Array(a.data.buffer), bits);
});

test('64-bit integers are rounded once, to the nearest float32', () => {
  const longs = BigInt64Array.of(
    2n ** 60n + 2n ** 36n + 1n, // above the middle of two float32; its double lies on the middle
    2n ** 60n + 2n ** 36n, // on the middle: to the even one
    2n ** 53n + 2n ** 29n + 1n,
    -(2n ** 53n) - 2n ** 29n - 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    -1n,
    2n ** 32n + 1n,
  );
  const rounded = [2 ** 60 + 2 ** 37, 2 ** 60, 2 ** 53 + 2 ** 30, -(2 ** 53) - 2 ** 30];
  const header = { a: entry(0, 64, { dtype: 'I64', shape: [8] }) };
  const bytes = file(header, 64);
  bytes.set(new Uint8Array(longs.buffer), bytes.length - 64);
  assertSame(
    loadSafetensors(bytes).a.data,
    [...rounded, 2 ** 63, -(2 ** 63), -1, 2 ** 32],
    'as int64',
  );
  const unsigned = file({ a: entry(0, 64, { dtype: 'U64', shape: [8] }) }, 64);
  unsigned.set(bytes.subarray(-64), unsigned.length - 64);
  assertSame(
    loadSafetensors(unsigned).a.data,
    [...rounded.slice(0, 3), 2 ** 64 - 2 ** 53, 2 ** 63, 2 ** 63, 2 ** 64, 2 ** 32],
    'as uint64',
  );
});

test('the largest header that is written is read again', () => {
  const room = 16 * 2 ** 20 - '{"__metadata__":{"a":""}}'.length;
  const a = 'x'.repeat(room);
  assert.equal(readSafetensorsMetadata(saveSafetensors({}, { a })).a.length, room);
  assert.throws(() => saveSafetensors({}, { a: `${a}x` }), { name: 'ArgumentError' });
});

test('a header is refused for its depth before it is built', () => {
  for (const text of ['['.repeat(4e6), '{"a":'.repeat(1e6), `{"a":${'['.repeat(2e6)}`]) {
    assert.throws(() => loadSafetensors(file(text)), { name: 'FormatError', message: /deep/ });
  }
});

test('so many tensors and no more', () => {
  const header = (/** @type {number} */ n) =>
    `{${Array.from({ length: n }, (_, i) => `"${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)}}`;
  assert.equal(Object.keys(loadSafetensors(file(header(65536)))).length, 65536);
  assert.throws(() => loadSafetensors(file(header(65537))), {
    name: 'FormatError',
    message: /65537 tensors/,
  });
  const tensor = { shape: [0], data: new Float32Array(0) };
  const state = Object.fromEntries(Array.from({ length: 65537 }, (_, i) => [`p${i}`, tensor]));
  assert.throws(() => saveSafetensors(state), { name: 'ArgumentError', message: /65537 tensors/ });
  delete state.p0;
  assert.equal(Object.keys(loadSafetensors(saveSafetensors(state))).length, 65536);
});

test('memory that threads share is read', () => {
  const bytes = saveSafetensors({ a: { shape: [2], data: Float32Array.of(1, 2) } });
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  assertSame(loadSafetensors(shared).a.data, [1, 2], 'a');
});

test('nothing to write is a file too; without metadata there is none', () => {
  const bytes = saveSafetensors({});
  assert.deepEqual(Object.keys(loadSafetensors(bytes)), []);
  assert.deepEqual(Object.keys(readSafetensorsMetadata(bytes)), []);
});

test('names of the prototype are names', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];
  const state = Object.create(null);
  names.forEach((name, i) => {
    state[name] = { shape: [2], data: Float32Array.of(i, i + 1) };
  });
  const bytes = saveSafetensors(state, JSON.parse('{"__proto__": "x", "constructor": "y"}'));
  const again = loadSafetensors(bytes);
  assert.deepEqual(Object.keys(again).sort(), [...names].sort());
  for (const [i, name] of names.entries()) assertSame(again[name].data, [i, i + 1], name);
  const metadata = readSafetensorsMetadata(bytes);
  assert.equal(Object.getOwnPropertyDescriptor(metadata, '__proto__').value, 'x');
  assert.equal(metadata.constructor, 'y');
  assert.equal(/** @type {any} */ ({}).data, undefined, 'no prototype was touched');

  const raw = file(`{"__proto__":${JSON.stringify(entry(0, 8))}}`, 8);
  assert.deepEqual(Object.keys(loadSafetensors(raw)), ['__proto__']);
  assert.throws(() => loadSafetensors(file('{"__proto__":{"dtype":"F32"}}')), FormatError);
  assert.throws(() => loadSafetensors(file('{"a":{"__proto__":{"dtype":"F32"}}}')), FormatError);
});

test('a model goes through a file', async () => {
  await init();
  const make = () => new Sequential({ a: new Linear(3, 4), t: new Tanh(), b: new Linear(4, 2) });
  const [model, other] = [make(), make()];
  const x = values(9, 1);
  const y = model.forward(x);
  assert.notDeepEqual(other.forward(x), y);
  other.loadStateDict(loadSafetensors(saveSafetensors(model.stateDict())));
  assert.deepEqual(other.forward(x), y);
  model.dispose();
  other.dispose();
});

test('bytes inside a larger buffer, and a Buffer of Node', () => {
  const bytes = saveSafetensors({ a: { shape: [3], data: Float32Array.of(1, 2, 3) } });
  for (const offset of [0, 1, 4, 7]) {
    const around = new Uint8Array(bytes.length + 20).fill(255);
    around.set(bytes, offset);
    const inside = around.subarray(offset, offset + bytes.length);
    assertSame(loadSafetensors(inside).a.data, [1, 2, 3], `at ${offset}`);
    assertSame(loadSafetensors(Buffer.from(inside)).a.data, [1, 2, 3], `Buffer at ${offset}`);
  }
});

test("what is read is the caller's own", () => {
  const bytes = saveSafetensors({ a: { shape: [2], data: Float32Array.of(1, 2) } });
  const { a } = loadSafetensors(bytes);
  bytes.fill(0);
  assertSame(a.data, [1, 2], 'a');
});

describe('what cannot be written is refused', () => {
  const data = new Float32Array(4);
  for (const [state, metadata, Class, text] of /** @type {[any, any, any, RegExp][]} */ ([
    [null, undefined, ArgumentError, /state dict/],
    [undefined, undefined, ArgumentError, /state dict/],
    [5, undefined, ArgumentError, /state dict/],
    [{ a: null }, undefined, ArgumentError, /a data/],
    [{ a: data }, undefined, ArgumentError, /a data/],
    [
      { a: { shape: [4], data: [1, 2, 3, 4] } },
      undefined,
      ArgumentError,
      /a data.*Float32Array\.from/,
    ],
    [{ a: { shape: [4], data: new Float64Array(4) } }, undefined, ArgumentError, /a data/],
    [{ a: { shape: [3], data } }, undefined, ShapeError, /a/],
    [{ a: { shape: 4, data } }, undefined, UnrolledError, /a/],
    [{ a: { shape: [-2, -2], data } }, undefined, UnrolledError, /a/],
    [{ a: { shape: [0.5, 8], data } }, undefined, UnrolledError, /a/],
    [{ a: { shape: ['4'], data } }, undefined, UnrolledError, /a/],
    [{ a: { shape: [NaN, 0], data } }, undefined, UnrolledError, /a/],
    [{ __metadata__: { shape: [4], data } }, undefined, ArgumentError, /__metadata__/],
    [{ '\ud800': { shape: [4], data } }, undefined, ArgumentError, /Unicode/],
    [{}, { n: 5 }, ArgumentError, /metadata "n": expected text, got 5/],
    [{}, 'text', ArgumentError, /metadata/],
    [{}, null, ArgumentError, /metadata/],
  ])) {
    test(`${inspect(state)}, ${inspect(metadata)}`, () => {
      assert.throws(
        () => saveSafetensors(state, metadata),
        (/** @type {any} */ error) => {
          assert.ok(error instanceof Class, `${error.stack}`);
          assert.match(error.message, text);
          return true;
        },
      );
    });
  }
});

test('what is no file is an ArgumentError', () => {
  for (const bad of [
    null,
    undefined,
    'text',
    5,
    [1, 2],
    {},
    new ArrayBuffer(16),
    new Float32Array(16),
  ]) {
    for (const read of [loadSafetensors, readSafetensorsMetadata]) {
      assert.throws(() => read(/** @type {any} */ (bad)), {
        name: 'ArgumentError',
        message: /Uint8Array/,
      });
    }
  }
});
