// The bench runs, and says what it should. What it says is no test: times are never asserted.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from '../browser/engines.js';
import { serve } from '../browser/serve.js';
import { agrees } from './workloads.js';

const BENCH = fileURLToPath(new URL('bench.js', import.meta.url));

/** @param {...string} args */
async function bench(...args) {
  const all = [BENCH, '--quick', ...args];
  return (await promisify(execFile)(process.execPath, all)).stdout;
}

/** @param {Record<string, any>} object @param {...string} names */
function positive(object, ...names) {
  for (const name of names) {
    assert.ok(Number.isFinite(object[name]) && object[name] > 0, `${name}: ${object[name]}`);
  }
}

/** @param {any} limits */
function checkLimits({ gflops, bandwidth }) {
  positive({ gflops }, 'gflops');
  assert.deepEqual(
    bandwidth.map((/** @type {any} */ { megabytes }) => megabytes),
    [3, 12, 48],
  );
  for (const one of bandwidth) positive(one, 'gigabytes');
}

/** @param {any} row */
function checkRow(row) {
  assert.equal(row.error, undefined);
  positive(row, 'median', 'p10', 'p90', 'samples', 'gflops', 'gigabytes', 'picoseconds');
  positive(row, 'ofPeak', 'ofBandwidth', 'memory', 'allowed');
  assert.notEqual(row.agrees, false, `${row.id} ${JSON.stringify(row.check)}`);
}

test('every workload, its limits and its load', async () => {
  const result = JSON.parse(await bench('--json'));
  checkLimits(result.limits);
  assert.equal(typeof result.machine.avx512, 'boolean');
  positive(result.load.loop, 'fastest', 'median');
  assert.deepEqual(
    result.rows.map((/** @type {any} */ { id }) => id),
    ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7'],
  );
  for (const row of result.rows) {
    checkRow(row);
    assert.equal(row.agrees, true, `${row.id} ${JSON.stringify(row.check)}`);
    assert.equal(row.phases !== null, row.what.startsWith('training step'));
    if (!row.phases) continue;
    positive(row.phases, 'forward');
    for (const name of ['backward', 'gradients', 'optimizer']) {
      assert.ok(Number.isFinite(row.phases[name]), `${row.id} ${name}: ${row.phases[name]}`);
    }
  }
  assert.ok(result.growth.length > 2);
  for (const row of result.growth) checkRow(row);
});

test('as text, one workload', async () => {
  const text = await bench('--only', 'W3');
  for (const part of [/^limits: /m, /^load: /m, /^W3 /m, /agrees$/m]) {
    assert.match(text, part);
  }
  assert.doesNotMatch(text, /^W1 |NaN|undefined/m);
});

test('the sweep', async () => {
  const result = JSON.parse(await bench('--sweep', '--json'));
  checkLimits(result.limits);
  assert.deepEqual(
    result.worst.map((/** @type {any} */ { axis }) => axis),
    ['M', 'K', 'I'],
  );
  for (const { worst } of result.worst) positive(worst, 'ratio');
  for (const { forward, backward } of result.large) {
    for (const speed of [forward, backward]) positive(speed, 'ms', 'gflops', 'ofPeak');
  }
});

test('browsers', async () => {
  const results = JSON.parse(await bench('--browser', '--only', 'W2,W3', '--json'));
  assert.equal(results.length, 2);
  for (const { browser, error, limits, rows } of results) {
    assert.equal(error, undefined);
    assert.match(browser, /Chrome|Firefox/);
    checkLimits(limits);
    assert.equal(rows.length, 2);
    rows.forEach(checkRow);
  }
});

test('the page', async () => {
  const results = JSON.parse(await bench('--page', '--json'));
  assert.deepEqual(
    results.map((/** @type {any} */ { browser }) => browser),
    ['Chromium', 'Firefox'],
  );
  for (const result of results) {
    positive(result, 'seconds', 'longest');
    assert.ok(result.late99 <= result.longest);
  }
});

test('what it does not know', async () => {
  await assert.rejects(bench('--only', 'X'), { code: 2 });
  await assert.rejects(bench('--seconds', '0'), { code: 2 });
});

test('the view beside the page computes what it should', async () => {
  const server = await serve(fileURLToPath(new URL('../../build/page/', import.meta.url)));
  const page = await chromium.open(`${server.url}bench/index.html`);
  try {
    const settings = JSON.stringify({ calls: 1, warm: 1, grain: 5, all: true });
    const ask = (/** @type {string} */ call) => page.evaluate(`bench.then((page) => page.${call})`);
    assert.ok((await ask(`limits(${settings})`)) > 2);
    const [{ check }] = await ask(`prepare('W3', ${settings})`);
    assert.equal(agrees('W3', 'unrolled', check), true, JSON.stringify(check));
  } finally {
    await page.close();
    await server.close();
  }
});
