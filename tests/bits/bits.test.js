// The promise of bits: the same training, hash for hash, in Node and in three browser engines. The C
// tests keep it natively.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as unrolled from 'unrolled';
import { engines } from '../browser/engines.js';
import { serve } from '../browser/serve.js';
import { PROMISE, STEPS, training } from './training.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const EPOCH = 8; // steps

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the promise of bits', () => {
  /** @type {import('./training.js').Trained} */
  let here;
  /** @type {Awaited<ReturnType<typeof serve>>} */
  let server;

  before(async () => {
    here = await training(unrolled);
    server = await serve(ROOT);
  });
  after(() => server?.close());

  test('the training is one: finite everywhere, and it learns', () => {
    assert.equal(here.losses.length, STEPS);
    assert.ok(here.losses.every(Number.isFinite));
    const [first, last] = [here.losses.slice(0, EPOCH), here.losses.slice(-EPOCH)];
    assert.ok(mean(last) < 0.1 * mean(first), `${mean(first)} → ${mean(last)}`);
  });

  test('the C test holds the same hash', async () => {
    const source = await readFile(new URL('../c/test_bits.c', import.meta.url), 'utf8');
    assert.equal(/ promise\[\] =\s*"(\w*)"/.exec(source)?.[1], PROMISE);
  });

  test('Node', () => {
    assert.equal(here.hash, PROMISE);
  });

  test('Node, once more, whatever was drawn and built before', async () => {
    unrolled.randn(5); // leaves half a pair behind
    const other = new unrolled.GRU(5, 3);
    assert.deepEqual(await training(unrolled), here);
    other.dispose();
  });

  for (const engine of engines) {
    test(engine.name, async () => {
      const page = await engine.open(`${server.url}tests/bits/page.html`);
      try {
        const there = await page.evaluate('trained');
        const step = here.losses.findIndex((loss, i) => loss !== there.losses[i]);
        const pair = `${there.losses[step]}, in Node ${here.losses[step]}`;
        assert.equal(step, -1, `the losses differ first at step ${step}: ${pair}`);
        assert.equal(there.hash, PROMISE);
      } finally {
        await page.close();
      }
    });
  }
});
