// The measured side: a process of its own for each peer and workload, asked for one slice at a time
// over standard input. It ends when its input does.
//
//     in     as argument { "workload": …, "settings": … }, then lines { "task": "step", "ms": 250 }
//     out    first { "version": …, "tasks": [{ "name", "check" }] }, then lines { "times": [2.1, …] }

import { createInterface } from 'node:readline';
import { prepareAll, slice } from './timing.js';

/** @import { Workload } from './workloads.js' */
/** @import { Maker, Settings } from './timing.js' */

/** What a process was started for. @returns {{ workload: Workload, settings: Settings }} */
export function request() {
  return JSON.parse(process.argv[2]);
}

/**
 * @param {string} version
 * @param {Record<string, Maker>} makers
 * @param {() => number} [memory]
 */
export async function answer(version, makers, memory) {
  const say = (/** @type {object} */ what) => process.stdout.write(`${JSON.stringify(what)}\n`);
  const { ready, tasks } = await prepareAll(makers, request().settings, memory);
  say({ version, tasks });
  for await (const line of createInterface(process.stdin)) {
    const { task, ms } = JSON.parse(line);
    say({ times: await slice(ready.get(task), ms) });
  }
  process.exit(); // whatever a peer may have left running
}
