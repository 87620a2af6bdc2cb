// The bench in a page: as runner.js, but asked by function calls. By hand, a button runs all of it.

import { limits } from './limits.js';
import { ownTasks } from './own.js';
import { browserText } from './print.js';
import { rowsOf } from './report.js';
import { alternate, measured, prepareAll, slice } from './timing.js';
import { workloads } from './workloads.js';

/** @import { Settings } from './timing.js' */
/** @import { Entry } from './report.js' */
/** @typedef {Awaited<ReturnType<typeof limits>>} Bounds */

/** A page's clock may tick in milliseconds. */
const SETTINGS = { calls: 11, warm: 300, grain: 50, all: true };
const PASSES = 4;

/** @param {typeof import('unrolled')} unrolled */
export async function bench(unrolled) {
  await unrolled.init();
  /** @type {Map<string, Awaited<ReturnType<typeof prepareAll>>['ready']>} */
  const ready = new Map();
  /** @type {Bounds} */
  let bounds;

  return {
    /** How many limits there are to measure. @param {Settings} settings */
    async limits(settings) {
      const answer = await fetch(document.body.dataset.limits); // bench.js or the page's build compiles it
      bounds = await limits(answer.ok ? await answer.arrayBuffer() : null, settings);
      return bounds.tasks.length;
    },

    /** @param {number} limit @param {number} ms */
    async limitSlice(limit, ms) {
      const { slice: of, times } = bounds.tasks[limit];
      times.push(...(await of(ms)));
      return times;
    },

    limitsResult: () => bounds.result(),

    /** @param {string} id @param {Settings} settings */
    async prepare(id, settings) {
      const workload = workloads.find((one) => one.id === id);
      const empty = unrolled.info().allocatedBytes;
      const memory = () => unrolled.info().allocatedBytes - empty;
      const all = await prepareAll(ownTasks(unrolled, workload), settings, memory);
      ready.set(id, all.ready);
      return all.tasks;
    },

    /** @param {string} id @param {string} task @param {number} ms */
    slice: (id, task, ms) => slice(ready.get(id).get(task), ms),
  };
}

/**
 * Everything, from within the page.
 * @param {Awaited<ReturnType<typeof bench>>} page
 * @param {(text: string) => void} show
 */
export async function runAll(page, show) {
  const count = await page.limits(SETTINGS);
  const bounds = Array.from({ length: count }, (_, i) => measured((ms) => page.limitSlice(i, ms)));
  /** @type {Entry[]} */
  const entries = [];
  for (const workload of workloads) {
    show(`${workload.id} …`);
    await new Promise((resolve) => setTimeout(resolve)); // let it be seen
    const tasks = (await page.prepare(workload.id, SETTINGS)).map((task) => ({
      ...task,
      measured: measured((ms) => page.slice(workload.id, task.name, ms)),
    }));
    entries.push({ workload, who: { kind: 'unrolled', name: 'unrolled' }, tasks });
  }
  const tasks = entries.flatMap((entry) => entry.tasks.map((task) => task.measured));
  await alternate([...bounds, ...tasks], {
    seconds: 2,
    passes: PASSES,
    before: (pass) => show(`pass ${pass + 1} of ${PASSES}`),
  });
  const found = page.limitsResult();
  const rows = rowsOf(entries, found, false);
  show(browserText({ browser: navigator.userAgent, limits: found, rows }));
}
