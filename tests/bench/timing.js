// How a call is timed: after a warm-up, in groups long enough for the clock, a slice at a time, so that
// everything that is measured takes turns. Runs in Node and in pages.

/** @typedef {number | ArrayLike<number> | null} Result  a loss, what came out, or nothing to compare */
/** @typedef {() => Result | Promise<Result>} Run  one call of what is measured */
/** @typedef {{ run: Run, waits: boolean, group: number }} Prepared  group: calls in one reading */
/**
 * @typedef {object} Settings
 * @property {number} calls  at least, before anything is measured; the eleventh loss is noted
 * @property {number} warm  milliseconds of warm-up
 * @property {number} grain  milliseconds between two readings of the clock
 * @property {boolean} all  every way and phase of a workload, or the first only
 */
/** @typedef {() => Run | Promise<Run>} Maker */
/** @typedef {{ loss0?: number, loss10?: number, first?: number, sum?: number }} Check */
/** @typedef {{ name: string, check?: Check, memory?: number, error?: string }} Task */
/**
 * @typedef {object} Measured
 * @property {(ms: number) => Promise<number[]>} slice  milliseconds a call, one for each group
 * @property {number[]} times
 * @property {number} spent
 * @property {string} [error]
 */

const PATIENCE = 10_000; // ms: a warm-up that takes longer has been enough
const FEW = 3; // samples that a slow call is stopped at

/** What results are compared by. @param {Result} result @returns {Check} */
function digest(result) {
  if (result === null) return {};
  if (typeof result === 'number') return { loss0: result };
  const values = Array.from(result);
  return { first: values[0], sum: values.reduce((sum, value) => sum + value, 0) };
}

/**
 * Warms up, and notes what the first call, and of a training the eleventh, came to.
 * @param {Run} run
 * @param {Settings} settings
 * @returns {Promise<{ prepared: Prepared, check: Check }>}
 */
export async function prepare(run, { calls, warm, grain }) {
  const from = performance.now();
  const first = run();
  const waits = first instanceof Promise;
  const check = digest(await first);
  for (let n = 1; n < calls || performance.now() - from < warm; n++) {
    const result = waits ? await run() : run();
    if (n === 10 && typeof result === 'number') check.loss10 = result;
    if (performance.now() - from > PATIENCE) break;
  }
  const prepared = { run, waits, group: 1 };
  for (;;) {
    // the shortest of several: one that was held up says nothing about the others
    const took = prepared.group * Math.min(...(await slice(prepared, 2 * grain)));
    if (took >= grain || performance.now() - from > PATIENCE) return { prepared, check };
    prepared.group = Math.ceil(prepared.group * Math.min(10, (1.1 * grain) / took));
  }
}

/**
 * @param {Prepared} prepared
 * @param {number} ms
 * @returns {Promise<number[]>}  milliseconds a call, one for each group
 */
export async function slice({ run, waits, group }, ms) {
  /** @type {number[]} */
  const times = [];
  const start = performance.now();
  let now = start;
  do {
    const from = now;
    let calls = 0;
    do {
      if (waits) for (let i = 0; i < group; i++) await run();
      else for (let i = 0; i < group; i++) run();
      calls += group;
      now = performance.now();
    } while (now === from); // a page's clock is coarse: no time is no measurement
    times.push((now - from) / calls);
  } while (now - start < ms);
  // what ran in between took the caches: the first group pays for that, if there are enough others
  return times.length > FEW ? times.slice(1) : times;
}

/**
 * @param {Record<string, Maker>} makers  what can be measured, by name
 * @param {Settings} settings
 * @param {() => number} [memory]  bytes in use, asked after each
 */
export async function prepareAll(makers, settings, memory) {
  /** @type {Map<string, Prepared>} */
  const ready = new Map();
  /** @type {Task[]} */
  const tasks = [];
  for (const [name, make] of Object.entries(makers)) {
    if (tasks.length && !settings.all) break;
    try {
      const { prepared, check } = await prepare(await make(), settings);
      ready.set(name, prepared);
      tasks.push({ name, check, memory: memory?.() });
    } catch (error) {
      tasks.push({ name, error: error.message });
    }
  }
  return { ready, tasks };
}

/** Something to measure. @param {Measured['slice']} slicer @returns {Measured} */
export function measured(slicer) {
  return { slice: slicer, times: [], spent: 0 };
}

/**
 * Everything in turn, a slice at a time, and every other pass backwards.
 * @param {Measured[]} tasks
 * @param {{ seconds: number, passes: number, before?: (pass: number) => void }} options
 *   seconds: of each; a call that is slower than a slice stops at a few samples
 */
export async function alternate(tasks, { seconds, passes, before }) {
  for (let pass = 0; pass < passes; pass++) {
    before?.(pass);
    for (const task of pass % 2 ? [...tasks].reverse() : tasks) {
      const { spent, times } = task;
      if (task.error || spent > 10_000 * seconds) continue;
      if (spent > 1000 * seconds && times.length >= FEW) continue;
      const from = performance.now();
      try {
        times.push(...(await task.slice((1000 * seconds) / passes)));
      } catch (error) {
        task.error = error.message;
      }
      task.spent += performance.now() - from;
    }
  }
}

/** @param {number[]} times  milliseconds */
export function summary(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (/** @type {number} */ part) =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  return { median: at(0.5), p10: at(0.1), p90: at(0.9), samples: sorted.length };
}

/**
 * A fixed amount of integer work: how much longer than its best it takes tells of other load.
 * @returns {number}  milliseconds
 */
export function fixedLoop() {
  const from = performance.now();
  let x = 1;
  for (let i = 0; i < 4e6; i++) x = (Math.imul(x, 1103515245) + 12345) | 0;
  return performance.now() - from + (x === 42 ? 1 : 0);
}
