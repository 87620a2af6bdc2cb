// Runs the five notebooks on the library and prints one table.
//
//     npm run notebooks                 the checks, and the beginnings of the trainings
//     npm run notebooks -- --full       the trainings to their ends: some 300,000 steps
//     npm run notebooks -- --json       the same as JSON
//
// Ends with 1 if a row that can agree does not, with 130 after Ctrl-C.

import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { collect, count, duration, format } from './table.js';

/** @import { Progress } from './table.js' */

const USAGE = 'usage: npm run notebooks -- [--full] [--json]';

/** What ./build.sh makes of the library. */
const BUILT = ['index.js', 'unrolled.wasm'].map(
  (name) => new URL(`../../dist/${name}`, import.meta.url),
);

/**
 * A bar on a terminal; elsewhere a line at every tenth of a long training.
 * @param {NodeJS.WriteStream} stream
 * @param {boolean} full
 */
function progressOn(stream, full) {
  let drawn = 0; // when, in milliseconds
  let tenths = -1;

  /** @param {Progress} at */
  function show({ title, done, total, loss, stepsPerSecond }) {
    const left = duration((total - done) / stepsPerSecond);
    const text =
      `${done.toLocaleString('en')} of ${total.toLocaleString('en')} steps, ` +
      `loss ${loss < 1000 ? loss.toPrecision(4) : Math.round(loss).toLocaleString('en')}, ${left} left`;
    if (stream.isTTY) {
      const now = performance.now();
      if (now - drawn < 100 && done < total) return;
      drawn = now;
      const filled = Math.floor((30 * done) / total);
      clear();
      stream.write(
        `${'█'.repeat(filled)}${'░'.repeat(30 - filled)} ${text}`.slice(
          0,
          (stream.columns || 80) - 1,
        ),
      );
      if (done === total) clear();
    } else if (full && Math.floor((10 * done) / total) > tenths) {
      tenths = done === total ? -1 : Math.floor((10 * done) / total);
      stream.write(`${title}: ${text}\n`);
    }
  }

  function clear() {
    if (stream.isTTY) stream.write('\r\x1b[K');
  }

  return { show, clear };
}

async function main() {
  let options;
  try {
    options = parseArgs({
      options: {
        full: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const { full, json } = options;

  if (!BUILT.every((file) => existsSync(file))) {
    console.error('dist/ is missing: run ./build.sh first');
    return 2;
  }
  const unrolled = await import('unrolled');
  await unrolled.init();

  const stop = new AbortController();
  const onInterrupt = () => stop.abort();
  process.once('SIGINT', onInterrupt); // a second one ends the process at once
  const progress = progressOn(process.stderr, full);
  const sections = await collect(unrolled, { full, signal: stop.signal, progress: progress.show });
  process.off('SIGINT', onInterrupt);
  progress.clear();

  const result = count(sections);
  if (json) console.log(JSON.stringify({ full, ...result, experiments: sections }, null, 2));
  else {
    console.log(format(sections, { colour: process.stdout.isTTY && !process.env.NO_COLOR }));
  }
  if (stop.signal.aborted) {
    console.error('stopped: the table holds what was done by then');
    return 130;
  }
  return result.disagree > 0 ? 1 : 0;
}

process.exitCode = await main();
