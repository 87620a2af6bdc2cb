// Where a run takes place, and what else goes on there meanwhile.

import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fixedLoop, summary } from './timing.js';

const TICKS = 100; // of Linux, a second
const BUSY_CPUS = 0.15; // of others: more is called load
const BUSY_LOOP = 1.15; // of the loop's fastest: likewise

/** @param {string} path  '' where there is none: not Linux, or a process that has ended */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export function machine() {
  const flags = read('/proc/cpuinfo');
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: availableParallelism(),
    avx512: /\bavx512f\b/.test(flags),
    gigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
  };
}

/** Seconds of work, of the whole machine since it started. */
function busySeconds() {
  const [user, nice, system, , , irq, softirq, steal] = read('/proc/stat')
    .split('\n')[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS;
}

/** Seconds of work of one process. @param {number} pid */
function secondsOf(pid) {
  const fields = read(`/proc/${pid}/stat`).split(') ').pop().split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS || 0;
}

/** Watches the load: a fixed loop now and then, and the work of processes that are not of the run. */
export class Load {
  /** @type {number[]} */
  #loops = [];
  #pids;
  #from;

  /** @param {number[]} pids  of the run */
  constructor(pids) {
    this.#pids = [process.pid, ...pids];
    this.#from = this.#snapshot();
    this.look();
  }

  #snapshot() {
    const own = this.#pids.reduce((sum, pid) => sum + secondsOf(pid), 0);
    return { busy: busySeconds(), own, now: performance.now() / 1000 };
  }

  /** Runs the loop once. */
  look() {
    this.#loops.push(fixedLoop());
  }

  /** @returns {{ loop: { fastest: number, median: number }, others: number | null, busy: boolean }} */
  result() {
    this.look();
    const { busy, own, now } = this.#snapshot();
    const { median } = summary(this.#loops);
    const fastest = Math.min(...this.#loops);
    const work = busy - this.#from.busy - (own - this.#from.own);
    const others = Number.isNaN(work) ? null : Math.max(0, work / (now - this.#from.now));
    return {
      loop: { fastest, median },
      others,
      busy: median > BUSY_LOOP * fastest || others > BUSY_CPUS,
    };
  }
}
