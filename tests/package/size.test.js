// The budget: what a page downloads to use all of `unrolled`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { own, sizeAsShipped, sizeOf } from '../bench/sizes.js';

const BUDGET = 40 * 1024; // bytes, gzipped

for (const [how, size] of /** @type {const} */ ([
  ['bundled', () => sizeOf(own)],
  ['as shipped, for pages without a bundler', sizeAsShipped],
])) {
  test(`JavaScript and .wasm together are within 40 KiB, ${how}`, async () => {
    const { script, wasm } = await size();
    assert.ok(
      script > 10_000 && wasm > 10_000,
      `${script} and ${wasm} bytes: something is missing`,
    );
    assert.ok(script + wasm <= BUDGET, `${script} + ${wasm} = ${script + wasm} bytes`);
  });
}
