// The short form of tests/fuzz/files.js, and what a mutation would hardly find.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError, loadSafetensors } from 'unrolled';
import { check, fuzz, readers } from './files.js';

const RUNS = 3_000;
const all = await readers();

for (const reader of all) {
  test(`${reader.name}: ${RUNS} broken files`, async (t) => {
    const seed = Number(process.env.UNROLLED_SEED ?? 1);
    t.diagnostic(`seed ${seed} (UNROLLED_SEED)`);
    const { read, refused } = await fuzz(reader, RUNS, seed);
    t.diagnostic(`${read} read, ${refused} refused`);
    assert.ok(read > RUNS / 1000 && refused > RUNS / 4, 'some are still whole, many are not');
  });
}

/** @param {string} header @param {number} [data] */
function file(header, data = 0) {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
const [safetensors] = all;

test('safetensors: a hundred thousand entries, a deep header, a long name, a long shape', () => {
  const many = Array.from({ length: 100_000 }, (_, i) => `"t${i}":${entry}`);
  const long = 'x'.repeat(1 << 20);
  const ones = Array(500_000).fill(1).join();
  for (const header of [
    `{${many.join()}}`,
    `{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
    `{"a":${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}}`,
    `{"${long}":${entry},"${long}":${entry}}`,
    `{"${long}":5}`,
    `{"a":{"dtype":"${long}","shape":[],"data_offsets":[0,0]}}`,
    `{"a":{"dtype":"F32","shape":[${ones},2],"data_offsets":[0,4]}}`,
    `{"a":{"dtype":"F32","shape":[${Array(40)
      .fill(2 ** 52)
      .join()}],"data_offsets":[0,4]}}`,
    `{"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,4]}}`,
    `{${'"a" '.repeat(200_000)}`,
  ]) {
    assert.equal(check(safetensors, file(header, 4)), false, header.slice(0, 60));
  }
});

test('safetensors: names that mean something to JavaScript are names', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__'];
  const one = (i) => `{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`;
  const bytes = file(`{${names.map((name, i) => `"${name}":${one(i)}`).join()}}`, names.length);
  assert.ok(check(safetensors, bytes));
  const state = loadSafetensors(bytes);
  assert.deepEqual(Object.keys(state), names);
  assert.equal(Object.getPrototypeOf(state), null);
  const inner = '{"dtype":"U8","shape":[1],"data_offsets":[0,1],"__proto__":{"polluted":1}}';
  check(safetensors, file(`{"a":${inner}}`, 1));
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
  for (const value of ['null', '{"__proto__":{"dtype":"U8"}}', '"F32"', '[]']) {
    assert.throws(() => loadSafetensors(file(`{"a":${value}}`)), FormatError, value);
  }
});
