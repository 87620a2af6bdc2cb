// How fast the built package is, on this machine, beside its limits and beside its peers.
//
//     npm run bench                     W1 … W8 in Node
//     npm run bench -- --peers          and the peers that are installed (peers/setup.sh)
//     npm run bench -- --browser        W1 … W7 in headless Chromium and Firefox
//     npm run bench -- --page           how free the built page stays while it trains
//     npm run bench -- --sweep          matrix products over their sizes
//
// README.md says what is measured and how. Ends with 1 when a value differs.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureInBrowsers } from './browser.js';
import { compileLimits, compileWithoutGradients } from './compile.js';
import { limits } from './limits.js';
import { lock } from './lock.js';
import { Load, machine } from './machine.js';
import { mainThreadText, measureMainThread } from './main_thread.js';
import { installedPeers } from './peers/index.js';
import { browserText, measureText } from './print.js';
import { Remote } from './remote.js';
import { rowsOf, WITHOUT } from './report.js';
import { sweep, sweepText } from './sweep.js';
import { alternate } from './timing.js';
import { growth, quickGrowth, workloads } from './workloads.js';

/** @import { Entry, Row, Who } from './report.js' */
/** @import { Program } from './remote.js' */
/** @import { Workload } from './workloads.js' */

const USAGE =
  'usage: npm run bench -- [--only W1,W5] [--seconds S] [--peers | --browser | --page | --sweep] [--json] [--quick]';

const OWN = {
  command: process.execPath,
  args: [fileURLToPath(new URL('own_process.js', import.meta.url))],
};
const PASSES = 8;

const OPTIONS = /** @type {const} */ ({
  only: { type: 'string' },
  seconds: { type: 'string' },
  peers: { type: 'boolean', default: false },
  browser: { type: 'boolean', default: false },
  page: { type: 'boolean', default: false },
  sweep: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
});

/** What was asked for, checked. @throws {Error} */
function commandLine() {
  const { values } = parseArgs({ options: OPTIONS });
  const all = [...workloads, ...(values.quick ? quickGrowth : growth)];
  const names = String(values.only ?? 'W').split(',');
  const chosen = all.filter(({ id }) => names.some((name) => id.startsWith(name)));
  if (chosen.length === 0) throw new Error(`--only: there is no workload ${values.only}`);
  const seconds = Number(values.seconds ?? (values.quick ? 0.01 : 2));
  if (!(seconds > 0))
    throw new Error(`--seconds: expected a positive number, got ${values.seconds}`);
  return { ...values, chosen, seconds, passes: values.quick ? 1 : PASSES };
}

/** @typedef {ReturnType<typeof commandLine>} Options */

/** @param {{ id: string }} one  a workload, or its row */
const isGrowth = ({ id }) => id.startsWith('W8');

/** A passing line on a terminal. @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** @param {Options} options @param {Workload} w */
function settings({ quick }, w) {
  const all = !isGrowth(w);
  if (quick) return { calls: 1, warm: 1, grain: 0.1, all };
  return { calls: all ? 11 : 2, warm: 300, grain: 1, all };
}

/**
 * Who runs what, each in a process of its own.
 * @param {Options} options
 * @returns {{ workload: Workload, who: Who, program: Program }[]}
 */
function cast(options) {
  const peers = options.peers ? installedPeers() : [];
  const other = compileWithoutGradients();
  /** @type {(workload: Workload) => { workload: Workload, who: Who, program: Program }[]} */
  const without = (workload) =>
    other && workload.mode === 'train' && !isGrowth(workload)
      ? [{ workload, who: WITHOUT, program: { ...OWN, env: { UNROLLED_WASM: other } } }]
      : [];
  return options.chosen.flatMap((workload) => [
    { workload, who: { kind: 'unrolled', name: 'unrolled' }, program: OWN },
    ...without(workload),
    ...peers
      .filter(({ does }) => does(workload))
      .map(({ program, ...who }) => ({ workload, who, program })),
  ]);
}

/** @param {Options} options */
async function measure(options) {
  /** @type {Remote[]} */
  const remotes = [];
  try {
    /** @type {Entry[]} */
    const entries = [];
    const bounds = await limits(compileLimits(), settings(options, workloads[0]));
    for (const { workload, who, program } of cast(options)) {
      progress(`${workload.id}: ${who.name}`);
      const remote = new Remote(program, { workload, settings: settings(options, workload) });
      remotes.push(remote);
      const { tasks } = await remote
        .hello()
        .catch((error) => ({ tasks: [{ name: '', error: error.message }] }));
      const timed = tasks.map((task) =>
        task.error ? task : { ...task, measured: remote.task(task.name) },
      );
      entries.push({ workload, who, tasks: timed });
    }
    const load = new Load(remotes.map(({ pid }) => pid));
    const own = entries.flatMap(({ tasks }) => tasks.map(({ measured }) => measured));
    await alternate([...bounds.tasks, ...own.filter(Boolean)], {
      ...options,
      before(pass) {
        progress(`pass ${pass + 1} of ${options.passes}`);
        load.look();
      },
    });
    progress('');
    const found = bounds.result();
    const here = machine();
    const rows = rowsOf(entries, found, here.avx512);
    return {
      machine: here,
      load: load.result(),
      limits: found,
      rows: rows.filter((one) => !isGrowth(one)),
      growth: rows.filter(isGrowth),
    };
  } finally {
    for (const remote of remotes) remote.close();
  }
}

/** @param {Row[]} rows */
const differs = (rows) =>
  rows.some(
    (row) =>
      row.error ||
      [row, ...row.peers.flatMap(({ ways }) => ways)].some((one) => one.agrees === false),
  );

async function main() {
  let options;
  try {
    options = commandLine();
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  if (!options.quick) await lock((pid) => console.error(`process ${pid} measures: waiting for it`));
  const print = (/** @type {object} */ result, /** @type {() => string} */ text) =>
    console.log(options.json ? JSON.stringify(result, null, 2) : text());

  if (options.sweep) {
    const unrolled = await import('unrolled');
    const result = await sweep(unrolled, compileLimits(), options, progress);
    print(result, () => sweepText(result));
    return 0;
  }
  if (options.page) {
    const result = await measureMainThread(options.quick ? 0.2 : 5 * options.seconds, progress);
    print(result, () => mainThreadText(result));
    return 0;
  }
  if (options.browser) {
    compileLimits();
    const results = await measureInBrowsers(options, progress);
    print(results, () => results.map(browserText).join('\n\n'));
    return results.some(({ rows, error }) => error || differs(rows)) ? 1 : 0;
  }
  const result = await measure(options);
  print(result, () => measureText(result));
  return differs([...result.rows, ...result.growth]) ? 1 : 0;
}

process.exitCode = await main();
