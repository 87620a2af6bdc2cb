// The built page in Chromium: it computes, trains, obeys, reads well, and asks nobody else for anything.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import puppeteer from 'puppeteer-core';
import { chromium } from '../tools/chromium.js';
import { serve } from './serve.js';

const BUILT =
  process.env.UNROLLED_PAGE ?? fileURLToPath(new URL('../../build/page', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PATIENCE = 120_000; // ms: a bound on waiting for a slow machine, not a measure of speed
// The library says of the notebook's mistake what PyTorch says of it.
const EXPECTED_WARNING = /^unrolled: MSELoss broadcasts /;
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Nothing but this machine has an address, for workers too.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** @type {import('puppeteer-core').Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
/** @type {string} */
let profile;

before(async () => {
  assert.ok(existsSync(join(BUILT, 'index.html')), 'build the page first: ./build.sh');
  server = await serve(BUILT, '/some/folder/');
  profile = mkdtempSync(join(tmpdir(), 'unrolled-chromium-'));
  browser = await puppeteer.launch({
    executablePath: chromium(),
    headless: true,
    args: ARGS,
    userDataDir: profile,
  });
});

after(async () => {
  await browser?.close();
  await server?.close();
  if (profile) rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
});

/**
 * Opens the page; whatever it complains of, or asks of another origin, is a fault.
 * @param {{ hash?: string, width?: number, height?: number, scheme?: 'light' | 'dark', motion?: 'reduce' | 'no-preference' }} [options]
 */
async function open({
  hash = '',
  width = 1280,
  height = 900,
  scheme = 'light',
  motion = 'reduce',
} = {}) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.setBypassServiceWorker(true); // so that every request is seen
  /** @type {string[]} */
  const faults = [];
  page.on('console', (message) => {
    const meant = EXPECTED_WARNING.test(message.text());
    if (['error', 'warn', 'assert'].includes(message.type()) && !meant) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('requestfailed', (request) => {
    faults.push(`${request.url()}: ${request.failure()?.errorText}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.url()}: ${response.status()}`);
  });
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    if (request.url().startsWith(server.url)) return request.continue();
    faults.push(`asked for ${request.url()}`);
    return request.abort();
  });
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: scheme },
    { name: 'prefers-reduced-motion', value: motion },
  ]);
  await page.goto(server.url + hash);
  return { page, faults };
}

/** @typedef {import('puppeteer-core').Page} Page */

/** Runs every check, and waits until all are done. @param {Page} page */
async function runChecks(page) {
  await page.click('#run-all');
  await page.waitForFunction(() => {
    const checks = [...document.querySelectorAll('[data-kind="check"]')];
    const state = (/** @type {any} */ { dataset }) => dataset.state;
    const looks = [...document.querySelectorAll('[data-kind="check"] .look')];
    return (
      checks.every((check) => ['done', 'failed'].includes(state(check))) &&
      looks.every((look) => state(look) === 'shown')
    );
  });
  await page.waitForFunction(() =>
    /\d+ agree/.test(document.getElementById('board-summary').textContent),
  );
}

/** @param {Page} page @param {string} selector */
const textOf = (page, selector) => page.$eval(selector, ({ textContent }) => textContent);

/** @param {Page} page */
const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** What axe has against the page, in a few lines. @param {Page} page */
async function axe(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    // @ts-expect-error axe is a global of the page by now
    const { violations } = await window.axe.run(document);
    return violations.map(
      (/** @type {any} */ { id, help, nodes }) =>
        `${id}: ${help}: ${nodes[0].html} (${nodes.length})`,
    );
  });
}

describe('the page', () => {
  test('loads, says what it is, and starts the library', async () => {
    const { page, faults } = await open({ motion: 'no-preference' });
    await page.waitForFunction(() => /\d/.test(document.getElementById('fact-size').textContent));
    assert.match(await textOf(page, '#fact-size'), /^[\d.,]+ kB$/);
    assert.match(await textOf(page, '#version'), /^\d+\.\d+\.\d+ · /);
    await page.waitForFunction(() => /\d/.test(document.getElementById('fact-speed').textContent));
    assert.equal((await page.$$('.notebook')).length, 5);
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('every check shows its numbers, and none differs', async () => {
    const { page, faults } = await open();
    await runChecks(page);
    const cards = await page.$$eval('[data-kind="check"]', (checks) =>
      checks.map((check) => ({
        id: check.id,
        failure: check.querySelector('.failure')?.textContent ?? null,
        rows: check.querySelectorAll('.comparison tbody tr').length,
        differs: [...check.querySelectorAll('tr:has(.badge[data-verdict="differs"])')].map(
          (row) => /** @type {HTMLElement} */ (row).innerText,
        ),
      })),
    );
    assert.ok(cards.length >= 5);
    for (const { id, failure, rows, differs } of cards) {
      assert.equal(failure, null, id);
      assert.ok(rows > 0, `${id} has no rows`);
      assert.deepEqual(differs, [], id);
    }
    assert.equal(await page.$('.mark[data-verdict="differs"][href]'), null);
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('a setting is in the address, and comes back with it', async () => {
    const { page, faults } = await open({ hash: '#002-seeded' });
    const badge = '[id="002-seeded"] .card-badge';
    const state = (/** @type {string} */ verdict) =>
      page.waitForSelector(`${badge} [data-verdict="${verdict}"]`);
    await state('agrees');
    await page.locator('input[id="002-seeded-seed"]').fill('7');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => location.hash === '#002-seeded?002-seeded.seed=7');
    await page.waitForFunction(() =>
      document.getElementById('002-seeded').textContent.includes("the notebook's seed is 1"),
    );
    const rows = await page.$$eval('[id="002-seeded"] .comparison tr', (all) =>
      all.map(({ textContent }) => textContent),
    );
    await page.reload();
    assert.equal(await page.$eval('input[id="002-seeded-seed"]', ({ value }) => value), '7');
    await page.waitForSelector('[id="002-seeded"][data-state="done"]');
    const again = await page.$$eval('[id="002-seeded"] .comparison tr', (all) =>
      all.map(({ textContent }) => textContent),
    );
    assert.deepEqual(again, rows);
    await page.click('#nav a[href="#nb-004"]');
    await page.waitForFunction(() => location.hash === '#nb-004?002-seeded.seed=7');
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('arrow keys read single values of a matrix', async () => {
    const { page, faults } = await open({ hash: '#002-seeded' });
    const figure = await page.waitForSelector('[id="002-seeded"] .matrix');
    const said = () => figure.$eval('.readout', ({ textContent }) => textContent);
    await (await figure.$('.heat')).focus();
    const first = await said();
    assert.match(first, /0, .* 0: [−\d.]+$/);
    await page.keyboard.press('ArrowRight');
    const second = await said();
    assert.match(second, /0, .* 1: [−\d.]+$/);
    assert.notEqual(first, second);
    assert.deepEqual(faults, []);
    await page.close();
  });
});

describe('a training', () => {
  const CARD = '[id="003-lstm"]';

  /** @param {Page} page @param {string} name */
  const button = (page, name) => page.waitForSelector(`${CARD} .buttons ::-p-text(${name})`);
  /** @param {Page} page @param {string} state */
  const reached = (page, state) => page.waitForSelector(`${CARD}[data-state="${state}"]`);
  /** @param {Page} page */
  const steps = async (page) => {
    const text = await textOf(page, `${CARD} [data-fact="step"]`);
    return Number(text.split('/')[0].replaceAll(',', ''));
  };
  /** @param {Page} page @param {number} least */
  const stepsBeyond = (page, least) =>
    page.waitForFunction(
      (selector, bound) => {
        const text = document.querySelector(selector).textContent;
        return Number(text.split('/')[0].replaceAll(',', '')) > bound;
      },
      {},
      `${CARD} [data-fact="step"]`,
      least,
    );
  /** Steps taken in a while; zero when nothing runs. @param {Page} page */
  const stepsInAWhile = async (page) => {
    const from = await steps(page);
    await new Promise((resolve) => setTimeout(resolve, 700));
    return (await steps(page)) - from;
  };

  test('starts by keyboard, its loss falls, pauses, goes on, stops, starts over', async () => {
    const { page, faults } = await open({ hash: '#003-lstm' });
    await reached(page, 'ready');
    assert.equal(await steps(page), 0);
    await (await button(page, 'Start')).focus();
    await page.keyboard.press('Enter');
    await reached(page, 'running');
    await stepsBeyond(page, 10 * 25); // ten epochs

    await (await button(page, 'Pause')).click();
    await reached(page, 'paused');
    const paused = await steps(page);
    assert.equal(await stepsInAWhile(page), 0);

    // The curve as a table: the mean loss of each epoch.
    await page.click(`${CARD} .chart .data summary`);
    await page.waitForSelector(`${CARD} .chart .plain tbody tr`);
    const losses = await page.$$eval(`${CARD} .chart .plain tbody tr`, (rows) =>
      rows.map(({ children }) => Number(children[1].textContent.replaceAll(',', ''))),
    );
    assert.ok(losses.length >= 9, `${losses.length} epochs`);
    assert.ok(losses.every((loss) => Number.isFinite(loss) && loss > 0));
    assert.ok(losses.at(-1) < 0.95 * losses[0], `${losses[0]} → ${losses.at(-1)}`);

    await (await button(page, 'Resume')).click();
    await reached(page, 'running');
    await stepsBeyond(page, paused + 25);

    await (await button(page, 'Stop')).click();
    await reached(page, 'stopped');
    assert.ok((await steps(page)) < 25_000);
    assert.equal(await stepsInAWhile(page), 0);
    assert.ok((await page.$$(`${CARD} .comparison tbody tr`)).length > 0);
    assert.equal(await page.$(`${CARD} .badge[data-verdict="differs"]`), null);
    assert.match(await textOf(page, `${CARD} .warning`), /broadcasts/);

    await (await button(page, 'Reset')).click();
    await reached(page, 'ready');
    assert.equal(await steps(page), 0);
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('ends with its last epoch, and the same settings give the same answers', async () => {
    const hash = '#003-lstm?003-lstm.epochs=2&003-lstm.hidden=8&003-lstm.loss=repaired';
    const { page, faults } = await open({ hash });
    /** @type {string[]} */
    const answers = [];
    for (let run = 0; run < 2; run++) {
      await reached(page, 'ready');
      await (await button(page, 'Start')).click();
      await reached(page, 'finished');
      assert.equal(await steps(page), 50);
      answers.push(await textOf(page, `${CARD} .probes`));
      await (await button(page, 'Reset')).click();
    }
    assert.equal(answers[0], answers[1]);
    assert.deepEqual(faults, []);
    await page.close();
  });
});

describe('a training under way', () => {
  const CARD = '[id="003-lstm"]';

  /** Opens the page with a training that runs. @param {string} [settings] */
  async function running(settings = '') {
    const opened = await open({ hash: `#003-lstm${settings}` });
    const { page } = opened;
    await page.waitForSelector(`${CARD}[data-state="ready"]`);
    await page.click(`${CARD} .button.main`);
    await page.waitForSelector(`${CARD}[data-state="running"]`);
    return opened;
  }

  test('is not left without a question, and a rested one is', async () => {
    const { page, faults } = await running();
    /** @type {string[]} */
    const asked = [];
    page.on('dialog', (dialog) => {
      asked.push(dialog.type());
      dialog.dismiss();
    });
    await page.evaluate(() => location.reload());
    for (const end = Date.now() + PATIENCE; asked.length === 0 && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(asked, ['beforeunload']);
    await page.click(`${CARD} .button.main`);
    await page.waitForSelector(`${CARD}[data-state="paused"]`);
    await page.reload();
    await page.waitForSelector(`${CARD}[data-state="ready"]`);
    assert.deepEqual(asked, ['beforeunload']);
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('goes on in a tab that is not seen', async () => {
    const { page, faults } = await running('?003-lstm.hidden=24&003-lstm.epochs=300');
    const other = await browser.newPage();
    await other.bringToFront();
    await page.waitForSelector(`${CARD}[data-state="finished"]`);
    await page.bringToFront();
    await page.waitForFunction(
      (selector) => document.querySelector(selector).textContent.startsWith('7,500'),
      {},
      `${CARD} [data-fact="step"]`,
    );
    assert.deepEqual(faults, []);
    await other.close();
    await page.close();
  });

  test('speaks at a human pace', async () => {
    const { page, faults } = await running();
    const times = await page.evaluate(
      () =>
        new Promise((resolve) => {
          /** @type {number[]} */
          const spoken = [];
          new MutationObserver(() => {
            spoken.push(performance.now());
            if (spoken.length === 4) resolve(spoken);
          }).observe(document.getElementById('live'), { childList: true });
        }),
    );
    // a timer may be late, never early; clocks are blurred by a millisecond
    for (let i = 1; i < times.length; i++) assert.ok(times[i] - times[i - 1] > 1990, String(times));
    assert.match(await textOf(page, '#live'), /^Epoch [\d,]+ of 1,000, loss [\d.]+ thousand\.$/);
    await page.click(`${CARD} .buttons ::-p-text(Stop)`);
    await page.waitForSelector(`${CARD}[data-state="stopped"]`);
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('other settings leave a ghost of it, and Back brings the old ones', async () => {
    const { page, faults } = await running('?003-lstm.hidden=48');
    await page.waitForFunction(
      (selector) => Number(document.querySelector(selector).textContent.replace(/\D/g, '')) > 60,
      {},
      `${CARD} [data-fact="step"]`,
    );
    await page.select('select[id="003-lstm-optimizer"]', 'RMSprop');
    await page.waitForSelector(`${CARD}[data-state="ready"]`);
    assert.match(await textOf(page, `${CARD} .legend`), /before: Adam/);
    await page.waitForSelector(`${CARD} .offer:not([hidden])`);
    assert.match(await textOf(page, `${CARD} .offer`), /units in a layer 48/);
    await page.goBack();
    await page.waitForFunction(() => !location.hash.includes('RMSprop'));
    await page.waitForFunction(
      (selector) =>
        /** @type {HTMLSelectElement} */ (document.querySelector(selector)).value === 'Adam',
      {},
      'select[id="003-lstm-optimizer"]',
    );
    await page.waitForSelector(`${CARD}[data-state="ready"]`);
    await page.click(`${CARD} .legend .link`);
    assert.doesNotMatch(await textOf(page, `${CARD} .legend`), /before/);
    assert.deepEqual(faults, []);
    await page.close();
  });
});

test('all that the page loads is small', () => {
  const budget = 150 * 1024;
  // The bench, the guides and the reference are pages of their own.
  const files = readdirSync(BUILT, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.(js|css|wasm)$/.test(name) && !/^(bench|guide|reference)\//.test(name),
  );
  const bytes = files.map((name) => gzipSync(readFileSync(join(BUILT, name)), { level: 9 }).length);
  const sum = bytes.reduce((all, one) => all + one, 0);
  assert.ok(files.some((name) => name.endsWith('.wasm')) && files.includes('service-worker.js'));
  assert.ok(sum <= budget, `${sum} bytes gzipped, of at most ${budget}`);
});

test('the service worker keeps every file of the page, and is the same for the same page', () => {
  const source = readFileSync(join(BUILT, 'service-worker.js'), 'utf8');
  const kept = JSON.parse(/FILES = (\[.*?\])/.exec(source)[1]);
  const built = readdirSync(BUILT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'service-worker.js')
    .map((entry) => join(entry.parentPath, entry.name).slice(BUILT.length + 1))
    .filter((name) => !name.startsWith('bench/')) // a view that no visitor needs offline
    .sort();
  assert.deepEqual(
    kept,
    built
      .filter((name) => !name.startsWith('reference/'))
      .map((name) => (name === 'index.html' ? './' : name)),
  );
  const hash = createHash('sha256');
  for (const name of built) hash.update(`${name}\0`).update(readFileSync(join(BUILT, name)));
  assert.ok(source.includes(`VERSION = "${hash.digest('hex').slice(0, 16)}"`));
});

describe('for everyone', () => {
  for (const scheme of /** @type {const} */ (['light', 'dark'])) {
    test(`axe finds nothing, ${scheme}`, async () => {
      const { page, faults } = await open({ scheme });
      await runChecks(page);
      assert.deepEqual(await axe(page), []);
      assert.deepEqual(faults, []);
      await page.close();
    });

    test(`nothing sticks out at any width, ${scheme}`, async () => {
      const { page, faults } = await open({ scheme, width: 320, height: 844 });
      await runChecks(page);
      for (const width of [320, 390, 768, 1280, 1920]) {
        await page.setViewport({ width, height: 844 });
        await page.evaluate(async () => {
          // the charts follow within a frame or two
          for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
        });
        assert.equal(await overflow(page), 0, `${width} pixels`);
      }
      assert.deepEqual(faults, []);
      await page.close();
    });
  }

  test('axe finds nothing on a phone while a training runs', async () => {
    const { page, faults } = await open({ width: 390, height: 844, hash: '#003-lstm' });
    await page.waitForSelector('[id="003-lstm"][data-state="ready"]');
    await page.click('[id="003-lstm"] .button.main');
    await page.waitForSelector('[id="003-lstm"][data-state="running"]');
    assert.deepEqual(await axe(page), []);
    assert.equal(await overflow(page), 0);
    assert.deepEqual(faults, []);
    await page.close();
  });
});
