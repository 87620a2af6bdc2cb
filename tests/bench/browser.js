// W1 … W7 in headless Chromium and Firefox, both at once and in turn.

import { fileURLToPath } from 'node:url';
import { chromium, firefox } from '../browser/engines.js';
import { serve } from '../browser/serve.js';
import { rowsOf } from './report.js';
import { alternate, measured } from './timing.js';

/** @import { Page } from '../browser/engines.js' */
/** @import { Limits } from './limits.js' */
/** @import { Measured } from './timing.js' */
/** @import { Entry, Row } from './report.js' */
/** @import { Workload } from './workloads.js' */
/** @typedef {{ browser: string, error?: string, limits?: Limits, rows?: Row[] }} Result */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Calls a function of page.js. @param {Page} page @param {string} name @param {...unknown} args */
const ask = (page, name, ...args) =>
  page.evaluate(`bench.then((page) => page.${name}(...${JSON.stringify(args)}))`);

/** @param {boolean} quick  a clock may tick in milliseconds: groups of calls are long */
const settings = (quick) =>
  quick
    ? { calls: 1, warm: 1, grain: 5, all: true }
    : { calls: 11, warm: 300, grain: 50, all: true };

/**
 * @param {{ chosen: Workload[], seconds: number, passes: number, quick: boolean }} options
 * @param {(text: string) => void} progress
 * @returns {Promise<Result[]>}
 */
export async function measureInBrowsers(options, progress) {
  const server = await serve(ROOT);
  const chosen = options.chosen.filter(({ id }) => !id.startsWith('W8'));
  /** @type {Page[]} */
  const pages = [];
  try {
    const all = [];
    for (const engine of [chromium, firefox]) {
      /** @type {Result & { bounds: Measured[], entries: Entry[], page?: Page }} */
      const one = { browser: engine.name, bounds: [], entries: [] };
      all.push(one);
      try {
        one.page = await engine.open(`${server.url}tests/bench/index.html`);
        pages.push(one.page);
        one.browser = await one.page.evaluate('navigator.userAgent');
        const count = await ask(one.page, 'limits', settings(options.quick));
        for (let i = 0; i < count; i++) {
          one.bounds.push(measured((ms) => ask(one.page, 'limitSlice', i, ms)));
        }
        for (const workload of chosen) {
          progress(`${engine.name}: ${workload.id}`);
          one.entries.push(await entryOf(one.page, workload, settings(options.quick)));
        }
      } catch (error) {
        one.error = error.message;
      }
    }
    const tasks = all.flatMap(({ bounds, entries }) => [
      ...bounds,
      ...entries.flatMap((entry) => entry.tasks.map((task) => task.measured)),
    ]);
    await alternate(tasks, {
      ...options,
      before: (pass) => progress(`pass ${pass + 1} of ${options.passes}`),
    });
    const results = [];
    for (const { browser, error, entries, page } of all) {
      if (error) {
        results.push({ browser, error });
        continue;
      }
      const limits = await ask(page, 'limitsResult');
      results.push({ browser, limits, rows: rowsOf(entries, limits, false) });
    }
    progress('');
    return results;
  } finally {
    for (const page of pages) await page.close();
    await server.close();
  }
}

/**
 * @param {Page} page
 * @param {Workload} workload
 * @param {ReturnType<typeof settings>} how
 * @returns {Promise<Entry>}
 */
async function entryOf(page, workload, how) {
  /** @type {import('./timing.js').Task[]} */
  const tasks = await ask(page, 'prepare', workload.id, how);
  return {
    workload,
    who: { kind: 'unrolled', name: 'unrolled' },
    tasks: tasks.map((task) => ({
      ...task,
      measured: measured((ms) => ask(page, 'slice', workload.id, task.name, ms)),
    })),
  };
}
