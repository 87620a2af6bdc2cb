// The budget: what a page downloads to use all of `unrolled`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { own, sizeOf } from '../bench/sizes.js';

const BUDGET = 40 * 1024; // bytes, gzipped

test('JavaScript and .wasm together are at most 40 KiB', async () => {
  const { script, wasm } = await sizeOf(own);
  assert.ok(script + wasm <= BUDGET, `${script} + ${wasm} = ${script + wasm} bytes`);
});
