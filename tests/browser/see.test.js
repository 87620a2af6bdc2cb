// The looks inside, in three browsers: the numbers that they show are the library's, by keyboard, by
// typing, by dragging, and while a training runs.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import * as unrolled from 'unrolled';
import { experiments } from '../../web/experiments/index.js';
import { chromium } from '../tools/chromium.js';
import { engines } from './engines.js';
import { serve } from './serve.js';

const BUILT =
  process.env.UNROLLED_PAGE ?? fileURLToPath(new URL('../../build/page', import.meta.url));
const PATIENCE = 120_000; // ms: a bound on waiting for a slow machine, not a measure of speed

/** @type {Awaited<ReturnType<typeof serve>>} */
let server;

before(async () => {
  assert.ok(existsSync(join(BUILT, 'index.html')), 'build the page first: ./build.sh');
  await unrolled.init();
  server = await serve(BUILT, '/some/folder/');
});

after(() => server?.close());

/** What the library says in this process. @param {string} id @param {number[][]} [input] @returns {import('../../web/experiments/types.js').Look} */
const look = (id, input) =>
  /** @type {any} */ (experiments.find((one) => one.id === id)).look(unrolled, {}, input);

/** As the page writes a number in a box. @param {number} value */
const boxed = (value) => value.toFixed(2).replace('-', '−');
/** @param {string} text */
const signed = (text) => text.replace('-', '−');
/** @param {string} id @returns {string[]} */
const answersOf = (id, input = undefined) =>
  look(id, input).answers.map(({ value }) => signed(value));

test('equations are MathML in the page, and what renders them is not', () => {
  const html = readFileSync(join(BUILT, 'index.html'), 'utf8');
  assert.ok(html.includes('<math') && !html.includes('<tex>'));
  const files = readdirSync(BUILT, { recursive: true, encoding: 'utf8' });
  for (const name of files.filter((one) => one.endsWith('.js'))) {
    assert.ok(!/temml/i.test(readFileSync(join(BUILT, name), 'utf8')), `${name} has temml in it`);
  }
});

// ---- what happens in the page -----------------------------------------------------------------------

/** The texts of a look, once they are as wanted. Runs in the page. */
function texts(/** @type {string} */ id, /** @type {string[] | null} */ not) {
  return new Promise((resolve, reject) => {
    const from = Date.now();
    const see = () => {
      const inside = document.querySelector(`[id="${id}"] .look[data-state="shown"]`);
      const answers = [...(inside?.querySelectorAll('.answers dd') ?? [])].map(
        ({ textContent }) => textContent,
      );
      if (inside && String(answers) !== String(not)) {
        resolve({
          answers,
          step: inside.querySelector('.scrubber output')?.textContent,
          vectors: [...inside.querySelectorAll('.vector')].map((vector) => ({
            symbol: vector.querySelector('.symbol').textContent,
            values: [...vector.querySelectorAll('.cell')].map(({ textContent }) => textContent),
          })),
          filled: [...inside.querySelectorAll('.filled p')].map(({ textContent }) => textContent),
        });
      } else if (Date.now() - from > 60_000) reject(new Error(`no look in ${id}: ${answers}`));
      else setTimeout(see, 20);
    };
    see();
  });
}

/** Types a number into a field, as far as a page can tell. Runs in the page. */
function type(
  /** @type {string} */ id,
  /** @type {number} */ feature,
  /** @type {number} */ step,
  /** @type {number} */ value,
) {
  const row = document.querySelectorAll(`[id="${id}"] .field-row`)[feature];
  const input = row.querySelectorAll('input')[step];
  input.value = String(value);
  input.dispatchEvent(new Event('input', { bubbles: true }));
  input.dispatchEvent(new Event('change', { bubbles: true }));
}

for (const engine of engines) {
  test(`${engine.name}: a step by arrow keys, another input by its number`, async () => {
    const id = '000-every-step';
    const page = await engine.open(`${server.url}#${id}`);
    try {
      const first = await page.evaluate(texts, id, null);
      assert.deepEqual(first.answers, answersOf(id));
      await page.evaluate((place) => {
        /** @type {HTMLElement} */ (
          document.querySelector(`[id="${place}"] .scrubber input[type="range"]`)
        ).focus();
      }, id);
      await page.press('ArrowRight', 'ArrowRight');
      const moved = await page.evaluate(texts, id, null);
      assert.equal(moved.step, '2 of 9');
      const { terms } = look(id).unrolling;
      for (const { symbol, values } of moved.vectors) {
        const term = Object.values(terms).find(
          (one) => one.symbol.replaceAll(/[{}_^]/g, '') === symbol,
        );
        const at = term.values[term.values.length === 1 ? 0 : 2];
        assert.deepEqual(values, at.map(boxed), symbol);
      }
      assert.ok(
        moved.filled[1].endsWith(signed(terms.h.values[2][0].toFixed(4))),
        `${moved.filled}`,
      );

      const input = look(id).input.values.map((row) => [...row]);
      input[4][1] = 2.5;
      await page.evaluate(type, id, 1, 4, 2.5);
      const edited = await page.evaluate(texts, id, first.answers);
      const expected = answersOf(
        id,
        input.map((row) => row.map((value) => Number(value.toPrecision(17)))),
      );
      assert.deepEqual(edited.answers, expected);
      assert.notDeepEqual(expected, first.answers);

      // the input is in the link, and comes back with it
      await page.evaluate(
        (name) =>
          new Promise((resolve) => {
            const see = () => (location.hash.includes(name) ? resolve(true) : setTimeout(see, 20));
            see();
          }),
        `${id}.input=`,
      );
      await page.reload();
      const again = await page.evaluate(texts, id, null);
      assert.deepEqual(again.answers, expected);
    } finally {
      await page.close();
    }
  });
}

describe('in Chromium', () => {
  /** @type {import('puppeteer-core').Browser} */
  let browser;
  /** @type {string} */
  let profile;

  before(async () => {
    profile = mkdtempSync(join(tmpdir(), 'unrolled-chromium-'));
    browser = await puppeteer.launch({
      executablePath: chromium(),
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      userDataDir: profile,
    });
  });

  after(async () => {
    await browser?.close();
    if (profile) rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  /** @param {string} hash */
  async function open(hash, width = 1280) {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
    /** @type {string[]} */
    const faults = [];
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    await page.goto(`${server.url}#${hash}`);
    return { page, faults };
  }

  test('every experiment that can be looked into is', async () => {
    const { page, faults } = await open('notebooks');
    await page.click('#run-all');
    for (const experiment of experiments) {
      if (!('look' in experiment)) continue;
      const { id } = experiment;
      const { answers, vectors } = await page.evaluate(texts, id, null);
      assert.deepEqual(answers, answersOf(id), id);
      const lines = look(id).unrolling?.lines ?? [];
      const terms = lines.flat().filter((key) => key in look(id).unrolling.terms);
      assert.equal(vectors.length, terms.length, id);
    }
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('a point that is dragged is the number in its field, and the answer follows', async () => {
    const id = '004-three-ways';
    const { page, faults } = await open(id);
    const first = await page.evaluate(texts, id, null);
    const dot = (await page.$$(`[id="${id}"] .points .dot`))[3];
    await dot.scrollIntoView();
    const { x, y, width } = await dot.boundingBox();
    await page.mouse.move(x + width / 2, y + width / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2, y + width / 2 - 20, { steps: 4 });
    await page.mouse.up();
    const moved = await page.evaluate(texts, id, first.answers);
    const values = await page.$$eval(`[id="${id}"] .field-row input`, (inputs) =>
      inputs.map(({ valueAsNumber }) => [valueAsNumber]),
    );
    assert.ok(values[3][0] > 1.5);
    await page.waitForFunction(
      (place, wanted) =>
        document.querySelector(`[id="${place}"] .answers dd`).textContent === wanted,
      {},
      id,
      answersOf(id, values)[0],
    );
    assert.notDeepEqual(moved.answers, first.answers);

    // another length, and back to the input of the notebook
    await page.click(`[id="${id}"] .reading-buttons ::-p-text(+ step)`);
    await page.waitForFunction(
      (place) => document.querySelectorAll(`[id="${place}"] .field-row input`).length === 11,
      {},
      id,
    );
    await page.click(`[id="${id}"] .reading-buttons ::-p-text(Reset)`);
    await page.waitForFunction(
      (place, wanted) =>
        document.querySelector(`[id="${place}"] .answers dd`).textContent === wanted,
      {},
      id,
      first.answers[0],
    );
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('the 4 by 4 shows why right answers do not end the loss', async () => {
    const id = '003-broadcast';
    const { page, faults } = await open(id);
    await page.evaluate(texts, id, null);
    await page.click(`[id="${id}"] .presets ::-p-text(mean)`);
    await page.waitForFunction(
      (place) =>
        document.querySelector(`[id="${place}"] .square-result b`).textContent === '58,320',
      {},
      id,
    );
    for (const [k, y] of [24, 240, 456, 672].entries()) await page.evaluate(type, id, 0, k, y);
    const result = `[id="${id}"] .square-result b`;
    const shows = (/** @type {string} */ text) =>
      page.waitForFunction(
        (selector, wanted) => document.querySelector(selector).textContent === wanted,
        {},
        result,
        text,
      );
    await shows('116,640');
    assert.equal((await page.$$(`[id="${id}"] .square td.own`)).length, 4);
    assert.equal((await page.$$(`[id="${id}"] .square td.aside`)).length, 0);
    await page.focus(`[id="${id}"] .square-box input`);
    await page.keyboard.press('ArrowRight');
    await shows('0');
    assert.equal((await page.$$(`[id="${id}"] .square td.aside`)).length, 12);
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('gradients: the bars of a step by keyboard', async () => {
    const id = '002-gradients';
    const { page, faults } = await open(id);
    await page.evaluate(texts, id, null);
    await page.focus(`[id="${id}"] .reach input[type="range"]`);
    await page.keyboard.press('Home');
    for (let k = 0; k < 3; k++) await page.keyboard.press('ArrowRight');
    const { reach } = look(id);
    const said = await page.$$eval(`[id="${id}"] .bars-row .readout`, (all) =>
      all.map(({ textContent }) => Number(textContent.split('strongest ')[1])),
    );
    reach.forEach(({ reaches }, k) => {
      const strongest = Math.max(...reaches[3].map(Math.abs));
      assert.ok(Math.abs(said[k] / strongest - 1) < 0.01, `${said[k]}, ${strongest}`);
    });
    const bars = await page.$$eval(`[id="${id}"] .bars`, (all) =>
      all.map(
        (one) =>
          [...one.children].filter(
            (bar) => parseFloat(/** @type {HTMLElement} */ (bar).style.height) > 0,
          ).length,
      ),
    );
    assert.deepEqual(bars, [4, 4, 4]);
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('what is far from the screen is painted when it comes near, and before it is printed', async () => {
    const id = '003-lstm';
    const { page, faults } = await open(`${id}?${id}.hidden=16&${id}.epochs=2`);
    await page.waitForSelector(`[id="${id}"][data-state="ready"]`);
    await page.evaluate(texts, id, null);
    await page.evaluate((place) => {
      scrollTo(0, 0); // away from it
      /** @type {HTMLElement} */ (document.querySelector(`[id="${place}"] .button.main`)).click();
    }, id);
    await page.waitForSelector(`[id="${id}"][data-state="finished"]`);
    /** Of a look: how many pictures wait, and how many of those on the screen show nothing. */
    const pictures = () =>
      page.$$eval(`[id="${id}"] .heat`, (all) => {
        const canvases = /** @type {HTMLCanvasElement[]} */ (all);
        const seen = canvases.filter((canvas) => {
          const { top, bottom, height } = canvas.getBoundingClientRect();
          return height > 0 && bottom > 0 && top < innerHeight;
        });
        const empty = seen.filter((canvas) => {
          const { data } = canvas.getContext('2d').getImageData(0, 0, 1, 1);
          return data[3] !== 255;
        });
        const waiting = canvases.filter(({ dataset }) => 'stale' in dataset);
        const late = seen.filter(({ dataset }) => 'stale' in dataset);
        return { waiting: waiting.length, seen: seen.length, bad: empty.length + late.length };
      });
    const away = await pictures();
    assert.ok(away.waiting > 6 && away.seen === 0, JSON.stringify(away));
    await page.$eval(`[id="${id}"] .matrices`, (node) => node.scrollIntoView());
    await page.waitForFunction(
      (place) => !document.querySelector(`[id="${place}"] .matrices .heat`).matches('[data-stale]'),
      {},
      id,
    );
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    const near = await pictures();
    assert.ok(near.seen > 0 && near.bad === 0, JSON.stringify(near));
    await page.evaluate(() => {
      scrollTo(0, 0);
      dispatchEvent(new Event('beforeprint'));
    });
    assert.equal((await pictures()).waiting, 0);
    assert.deepEqual(faults, []);
    await page.close();
  });

  test('a model in training answers to a new input, and shows its batch', async () => {
    const id = '003-lstm';
    const { page, faults } = await open(`${id}?${id}.hidden=16&${id}.epochs=2000`);
    await page.waitForSelector(`[id="${id}"][data-state="ready"]`);
    const first = await page.evaluate(texts, id, null);
    assert.equal(first.answers[1], '24');
    await page.evaluate((place) => {
      /** @type {HTMLElement} */ (document.querySelector(`[id="${place}"] .button.main`)).click();
    }, id);
    await page.waitForSelector(`[id="${id}"][data-state="running"]`);
    await page.evaluate(type, id, 0, 2, 30);
    await page.waitForFunction(
      (place) =>
        document.querySelectorAll(`[id="${place}"] .answers dd`)[1].textContent === '42' &&
        document.querySelectorAll(`[id="${place}"] .batch .square td.own`).length === 4,
      {},
      id,
    );
    const answered = await page.evaluate(texts, id, null);
    // it learns while it is looked at
    await page.evaluate(texts, id, answered.answers);
    assert.equal(
      await page.$eval(`[id="${id}"]`, (card) => /** @type {HTMLElement} */ (card).dataset.state),
      'running',
    );
    assert.deepEqual(faults, []);
    await page.close();
  });
});
