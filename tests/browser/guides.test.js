// The guides and the reference in Chromium: readable by everyone, at any width, under their own strict
// policy and under any path; and the README's page as it stands there.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import { chromium } from '../tools/chromium.js';
import { serve } from './serve.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILT = process.env.UNROLLED_PAGE ?? join(ROOT, 'build/page');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** @type {import('puppeteer-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
/** @type {string} */
let scratch;

before(async () => {
  server = await serve(BUILT, '/some/folder/');
  scratch = mkdtempSync(join(tmpdir(), 'unrolled-guides-'));
  browser = await puppeteer.launch({
    executablePath: chromium(),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
    userDataDir: join(scratch, 'profile'),
  });
});

after(async () => {
  await browser?.close();
  await server?.close();
  if (scratch) rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});

/** @param {string} url @param {'light' | 'dark'} [scheme] */
async function open(url, scheme = 'light') {
  const page = await browser.newPage();
  /** @type {string[]} */
  const faults = [];
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.url()}: ${response.status()}`);
  });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.goto(url);
  return { page, faults };
}

const guides = readdirSync(join(BUILT, 'guide')).filter((name) => name.endsWith('.html'));

for (const scheme of /** @type {const} */ (['light', 'dark'])) {
  test(`guides: axe finds nothing, nothing sticks out, ${scheme}`, async () => {
    assert.ok(guides.length >= 5);
    for (const name of guides) {
      const { page, faults } = await open(`${server.url}guide/${name}`, scheme);
      for (const width of [320, 390, 1280]) {
        await page.setViewport({ width, height: 900 });
        const beyond = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        assert.equal(beyond, 0, `${name} at ${width} pixels`);
      }
      await page.evaluate(AXE);
      const found = await page.evaluate(async () => {
        // @ts-expect-error axe is a global of the page by now
        const { violations } = await window.axe.run(document);
        return violations.map((/** @type {any} */ { help, nodes }) => `${help}: ${nodes[0].html}`);
      });
      assert.deepEqual(found, [], name);
      assert.deepEqual(faults, [], name);
      await page.close();
    }
  });
}

test('the reference shows itself, and what else there is', async () => {
  const { page, faults } = await open(`${server.url}reference/classes/unrolled.LSTM.html`);
  assert.match(await page.title(), /LSTM/);
  await page.waitForFunction(() => getComputedStyle(document.body).display !== 'none');
  await page.waitForFunction(() => document.querySelectorAll('#tsd-nav-container a').length > 5);
  assert.deepEqual(faults, []);
  await page.close();
});

test('the page in the README learns as it says', async () => {
  const [, html] = /```html\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'));
  assert.ok(html.trim().split('\n').length <= 15);
  const folder = join(scratch, 'sketch');
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), `<link rel="icon" href="data:,">${html}`);
  const sketch = await serve(folder);
  try {
    const { page, faults } = await open(sketch.url);
    // What is drawn comes to reach as high as the wave: within 40 pixels of the middle.
    await page.waitForFunction(() => {
      const canvas = document.querySelector('canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, 20);
      return data.some((value) => value > 0);
    });
    // this test reads the canvas, which the page does not
    const own = faults.filter((fault) => !fault.includes('willReadFrequently'));
    assert.deepEqual(own, []);
    await page.close();
  } finally {
    await sketch.close();
  }
});
