// The budget: what a page downloads to use all of `unrolled`. The aim is 40 KiB; what has been reached
// is held, so this number may only fall.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { own, sizeOf } from '../bench/sizes.js';

const BUDGET = 42.5 * 1024; // bytes, gzipped

test('JavaScript and .wasm together are within their budget', async () => {
  const { script, wasm } = await sizeOf(own);
  assert.ok(script + wasm <= BUDGET, `${script} + ${wasm} = ${script + wasm} bytes`);
});
