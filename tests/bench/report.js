// From times to what they mean. Runs in Node and in pages.

import { bandwidthFor } from './limits.js';
import { NO_UPDATE } from './own.js';
import { target } from './targets.js';
import { summary } from './timing.js';
import { agrees, describe, work } from './workloads.js';

/** @import { Check, Measured, Task } from './timing.js' */
/** @import { Limits } from './limits.js' */
/** @import { Workload } from './workloads.js' */
/** @typedef {{ kind: string, name: string, unfair?: string }} Who */
/** @typedef {Task & { measured?: Measured }} Timed */
/** @typedef {{ workload: Workload, who: Who, tasks: Timed[] }} Entry  a workload as someone ran it */
/** @typedef {ReturnType<typeof summary>} Times */
/** @typedef {{ name: string, check?: Check, agrees?: boolean | null, error?: string } & Partial<Times>} Way */

/** The library without its gradients of weights: its time is a part of unrolled's. */
export const WITHOUT = { kind: 'part', name: 'unrolled without the gradients of weights' };

/** A way that ratios are not taken to: see peers/tfjs_peer.js. */
const EXPERT = 'patched gradient';

/** @param {Entry} entry @returns {Way[]} */
function ways({ workload, who, tasks }) {
  return tasks.map(({ name, check, error, measured }) => {
    if (error ?? measured?.error) return { name, error: error ?? measured.error };
    const comparison = { check, agrees: agrees(workload.id, who.kind, check) };
    return { name, ...comparison, ...(measured?.times.length ? summary(measured.times) : {}) };
  });
}

/** @param {Way[]} all */
function fastest(all) {
  const times = all.filter(({ name, median }) => median && name !== EXPERT);
  return times.length ? Math.min(...times.map(({ median }) => median)) : null;
}

/** @param {Way[]} all @param {Entry | undefined} without */
function phases([step, ...parts], without) {
  const find = (/** @type {string} */ name) => parts.find((way) => way.name === name)?.median;
  const [noUpdate, forward] = [find(NO_UPDATE), find('forward')];
  if (!noUpdate || !forward) return null;
  const rest = without && ways(without)[0].median; // without the gradients of weights
  return {
    forward,
    backward: (rest ?? noUpdate) - forward,
    gradients: rest ? noUpdate - rest : null,
    optimizer: step.median - noUpdate,
  };
}

/**
 * @param {Entry} own
 * @param {Entry | undefined} without
 * @param {Entry[]} others
 * @param {Limits | null} limits
 * @param {boolean} avx512
 */
function row(own, without, others, limits, avx512) {
  const w = own.workload;
  const { parameters, flops, traffic, memory } = work(w);
  const all = ways(own);
  const [first] = all;
  const seconds = first.median / 1000;
  const gflops = flops / seconds / 1e9;
  const gigabytes = traffic / seconds / 1e9;
  const touched = parameters * (w.mode === 'train' ? 16 : 4);
  return {
    id: w.id,
    what: describe(w),
    ...first,
    gflops,
    gigabytes,
    ofPeak: limits && gflops / limits.gflops,
    ofBandwidth: limits && gigabytes / bandwidthFor(limits, touched),
    picoseconds: (seconds * 2e12) / flops,
    memory: own.tasks[0].memory ?? null,
    allowed: memory,
    phases: phases(all, without),
    peers: others.map((entry) => {
      const theirs = ways(entry);
      const time = fastest(theirs);
      const { kind, name, unfair } = entry.who;
      const ratio = time && time / first.median;
      return {
        kind,
        name,
        unfair,
        time,
        ratio,
        target: target(w.id, entry.who, avx512),
        ways: theirs,
      };
    }),
  };
}

/** @typedef {ReturnType<typeof row>} Row */

/**
 * @param {Entry[]} entries
 * @param {Limits | null} limits
 * @param {boolean} avx512
 */
export function rowsOf(entries, limits, avx512) {
  const own = entries.filter(({ who }) => who.kind === 'unrolled');
  return own.map((entry) => {
    const beside = entries.filter((one) => one !== entry && one.workload === entry.workload);
    const without = beside.find(({ who }) => who.kind === WITHOUT.kind);
    const others = beside.filter((one) => one !== without);
    return row(entry, without, others, limits, avx512);
  });
}
