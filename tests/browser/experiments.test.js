// Every experiment of the built page in three engines, on one load of the page: what it shows is what the
// same experiment says in Node, to the last digit: rows, tables, curves, matrices, answers, losses.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as unrolled from 'unrolled';
import { experiments } from '../../web/experiments/index.js';
import { number } from '../../web/text.js';
import { engines } from './engines.js';
import { serve } from './serve.js';

/** @import { Page } from './engines.js' */
/** @import { Check, Look, Outcome, Row, Training } from '../../web/experiments/types.js' */

const BUILT =
  process.env.UNROLLED_PAGE ?? fileURLToPath(new URL('../../build/page', import.meta.url));
const PATIENCE = 120_000; // ms: a bound on waiting for a slow machine, not a measure of speed

const checks = /** @type {Check[]} */ (experiments.filter(({ kind }) => kind === 'check'));
const trainings = /** @type {Training[]} */ (experiments.filter(({ kind }) => kind === 'training'));

/** So that the trainings end soon. */
const EPOCHS = { '003-lstm': 2, '003-cell-training': 1 };
const SETTINGS = trainings.map(({ id }) => `${id}.epochs=${EPOCHS[id]}`).join('&');

// ---- What the library says in this process --------------------------------------------------------

// What the tables behind the pictures hold at most.
const POINTS = 200;
const SIDE = 32;
const NUMBERS = 100;

/** @param {Row[]} rows */
const rowsOf = (rows) =>
  rows.map(({ what, computed, all }) => ({
    what,
    here: computed,
    all: all ? all.computed.slice(0, NUMBERS) : [],
  }));

/** @param {Look} look */
const answersOf = ({ answers }) => answers.map(({ value }) => value);

/** Everything that a check comes to, as text. @param {Outcome} outcome */
const outcomeOf = ({ rows, tables = [], series = [], matrices = [] }) => ({
  rows: rowsOf(rows),
  tables: tables.map((table) => table.rows.map((row) => row.map((value) => String(value ?? '–')))),
  curves: series.map(({ x, lines }) =>
    x
      .slice(0, POINTS)
      .map((at, i) => [String(at), ...lines.map(({ values }) => number(values[i], 8))]),
  ),
  matrices: matrices.map(({ shape: [rows, columns], data }) =>
    Array.from({ length: Math.min(rows, SIDE) }, (_, r) => {
      const row = data.slice(r * columns, r * columns + Math.min(columns, SIDE));
      return [String(r), ...row.map((value) => number(value, 6))];
    }),
  ),
});

/** A training from its beginning to its end, as text. @param {Training} training */
async function trained(training) {
  const session = training.create(unrolled, { epochs: EPOCHS[training.id] });
  try {
    /** @type {string[]} */
    const losses = [];
    for await (const { epoch, epochLoss } of session.fit()) {
      losses[epoch] = epochLoss.toPrecision(9);
    }
    return {
      losses,
      probes: session.probe().map(({ output }) => output.toFixed(4)),
      rows: rowsOf(session.rows()),
      answers: answersOf(session.look()),
    };
  } finally {
    session.dispose();
  }
}

/** Minus signs are for the eye. @param {unknown} seen */
const plain = (seen) => JSON.parse(JSON.stringify(seen).replaceAll('−', '-'));

// ---- What happens in the page ---------------------------------------------------------------------

/** Notes from now on what goes wrong without being seen. */
function noteFaults() {
  const w = /** @type {any} */ (window);
  w.faults = [];
  for (const type of ['error', 'unhandledrejection', 'securitypolicyviolation']) {
    addEventListener(type, (/** @type {any} */ event) => {
      w.faults.push(`${type}: ${event.message ?? event.reason ?? event.violatedDirective}`);
    });
  }
}

/** The boxes that are not yet in the wanted state, or whose looks are not yet shown. */
const unfinished = (/** @type {string} */ kind, /** @type {string} */ state) =>
  [...document.querySelectorAll(`[data-kind="${kind}"]`)]
    .filter(
      (box) =>
        /** @type {HTMLElement} */ (box).dataset.state !== state ||
        box.querySelector('.look:not([data-state="shown"])'),
    )
    .map(({ id, textContent }) => `${id}: ${/could not[^.]*/.exec(textContent) ?? ''}`);

/** All numbers of a box, those that are folded away too. */
async function seen(/** @type {string} */ id) {
  const box = document.querySelector(`[id="${id}"]`);
  const results = box.querySelector('.results');
  const folded = /** @type {NodeListOf<HTMLDetailsElement>} */ (
    results.querySelectorAll(
      ':scope > .data, :scope > .chart .data, :scope > .matrices .data, .comparison .data',
    )
  );
  for (const details of folded) details.open = true;
  while ([...folded].some(({ children }) => children.length < 2)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const cells = (/** @type {Element} */ table) =>
    [.../** @type {HTMLTableElement} */ (table).tBodies[0].rows].map((row) =>
      [...row.children].map(({ textContent }) => textContent),
    );
  const tablesIn = (/** @type {string} */ place) =>
    [...results.querySelectorAll(place)].map((part) => cells(part));
  return {
    rows: [...results.querySelectorAll('.comparison > tbody > tr')].map(({ children }) => ({
      what: children[0].firstChild.textContent,
      here: children[2].firstChild.textContent,
      all: [...children[2].querySelectorAll('table')].flatMap(cells).map((row) => row[1]),
    })),
    tables: tablesIn(':scope > .scroller > table, :scope > .data table'),
    curves: tablesIn(':scope > .chart table'),
    matrices: tablesIn(':scope > .matrices table'),
    probes: [...results.querySelectorAll('.probe .now dd')].map(({ textContent }) => textContent),
    answers: [...box.querySelectorAll('.look .answers dd')].map(({ textContent }) => textContent),
  };
}

/** @param {Page} page @param {'check' | 'training'} kind @param {string} state */
async function allAre(page, kind, state) {
  for (const end = Date.now() + PATIENCE; ; ) {
    const waiting = await page.evaluate(unfinished, kind, state);
    if (waiting.length === 0) return;
    if (Date.now() > end) assert.fail(`not ${state}: ${waiting.join()}`);
    await wait(50);
  }
}

for (const engine of engines) {
  describe(`every experiment, ${engine.name}`, () => {
    /** @type {Awaited<ReturnType<typeof serve>>} */
    let server;
    /** @type {Page} */
    let page;

    before(async () => {
      assert.ok(existsSync(join(BUILT, 'index.html')), 'build the page first: ./build.sh');
      await unrolled.init();
      server = await serve(BUILT, '/some/folder/');
      page = await engine.open(`${server.url}#notebooks?${SETTINGS}`);
      await page.evaluate(noteFaults);
      // a click before its script has run would be lost
      const started = () => document.getElementById('version').textContent;
      for (const end = Date.now() + PATIENCE; !(await page.evaluate(started)); await wait(50)) {
        assert.ok(Date.now() < end, 'the page does not start');
      }
    });
    after(async () => {
      await page?.close();
      await server?.close();
    });

    test('the checks show the library’s numbers', async () => {
      await page.evaluate(() => document.getElementById('run-all').click());
      await allAre(page, 'check', 'done');
      for (const { id, run, look } of checks) {
        const { probes, answers, ...shown } = plain(await page.evaluate(seen, id));
        assert.deepEqual(shown, plain(outcomeOf(run(unrolled))), id);
        assert.deepEqual(answers, look ? plain(answersOf(look(unrolled, {}))) : [], id);
      }
    });

    test('the trainings come to the library’s numbers', async () => {
      for (const training of trainings) {
        await page.evaluate((id) => {
          const box = document.getElementById(id);
          box.scrollIntoView({ behavior: 'instant' });
          /** @type {HTMLElement} */ (box.querySelector('.button.main')).click();
        }, training.id);
      }
      await allAre(page, 'training', 'finished');
      for (const training of trainings) {
        const { curves, probes, rows, answers } = plain(await page.evaluate(seen, training.id));
        const losses = curves[0].map((/** @type {string[]} */ row) => row[1]);
        assert.deepEqual(
          { losses, probes, rows, answers },
          plain(await trained(training)),
          training.id,
        );
      }
    });

    test('nothing went wrong unseen', async () => {
      assert.deepEqual(await page.evaluate(() => /** @type {any} */ (window).faults), []);
      const sum = await page.evaluate(() => document.getElementById('board-summary').textContent);
      assert.match(sum, /agree, 0 differ,/);
    });
  });
}
