// The examples do what they say, the page with the package as it is packed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chromium } from '../browser/engines.js';
import { serve } from '../browser/serve.js';
import { pack, run } from '../package/consumer.js';

const file = (name) => new URL(name, import.meta.url).pathname;

test('forecast.js continues a series', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'unrolled-forecast-'));
  try {
    const at = (i) => 20 + 5 * Math.sin((2 * Math.PI * i) / 24);
    const rows = Array.from({ length: 240 }, (_, i) => `${i},${at(i)}`);
    const csv = join(folder, 'series.csv');
    await writeFile(csv, ['hour,temperature', ...rows].join('\n'));
    const { stdout } = await run(process.execPath, [file('forecast.js'), csv, 'temperature', '6']);
    const [first, ...forecasts] = stdout.trim().split('\n');
    assert.match(first, /^trained on 228 windows, error /);
    assert.equal(forecasts.length, 6);
    forecasts.forEach((value, i) => {
      assert.ok(Math.abs(Number(value) - at(240 + i)) < 1, `hour ${240 + i}: ${value}`);
    });

    const failure = await run(process.execPath, [file('forecast.js'), csv, 'rain']).catch((e) => e);
    assert.equal(failure.code, 2);
    assert.match(failure.stderr, /numbers is needed; there is hour,temperature/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('stream.js answers each value before the next, and learns', async () => {
  const child = spawn(process.execPath, [file('stream.js')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const at = (i) => Math.sin(i / 5);
  const answers = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]();
  const errors = [];
  for (let i = 0; i < 800; i++) {
    child.stdin.write(`${at(i)}\n`);
    const { value } = await answers.next(); // nothing more is sent until it came
    errors.push(Math.abs(Number(value) - at(i + 1)));
  }
  child.stdin.end();
  const mean = (list) => list.reduce((a, b) => a + b) / list.length;
  assert.ok(mean(errors.slice(-50)) < 0.25 * mean(errors.slice(0, 50)), String(errors.slice(-5)));
});

test('draw.html learns its wave', async () => {
  const { project } = await pack('examples');
  const folder = await project('draw', { 'index.html': await readFile(file('draw.html'), 'utf8') });
  const server = await serve(folder, '/');
  const page = await chromium.open(server.url);
  try {
    const said = await page.evaluate(async () => {
      /** @type {HTMLElement} */
      const status = document.querySelector('#status');
      const going = () => !status.dataset.done && /^(starting|epoch)/.test(status.textContent);
      while (going()) await new Promise((resolve) => setTimeout(resolve, 20));
      return status.textContent;
    });
    assert.match(said, /^epoch 30 of 30: loss 0\.00/);
  } finally {
    await page.close();
    await server.close();
  }
});
