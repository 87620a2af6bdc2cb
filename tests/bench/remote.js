// The measuring side of runner.js: starts a process, and asks it for slices.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { measured } from './timing.js';

/** @import { Settings, Task } from './timing.js' */
/** @import { Workload } from './workloads.js' */
/** @typedef {{ command: string, args: string[], env?: Record<string, string> }} Program */

const LAST_WORDS = 400; // characters of what a process said before it failed

export class Remote {
  #child;
  #answers;
  #said = '';

  /**
   * @param {Program} program
   * @param {{ workload: Workload, settings: Settings }} request
   */
  constructor({ command, args, env }, request) {
    this.#child = spawn(command, [...args, JSON.stringify(request)], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.on('error', (error) => {
      this.#said += error.message;
    });
    this.#child.stdin.on('error', () => {}); // it is gone: the answer that does not come says so
    this.#child.stderr.on('data', (text) => {
      this.#said = (this.#said + text).slice(-LAST_WORDS);
    });
    this.#answers = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  get pid() {
    return this.#child.pid;
  }

  async #answer() {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(this.#said.trim().split('\n').pop() || 'ended without a word');
    return JSON.parse(value);
  }

  /** What it can do, once it is ready. @returns {Promise<{ version: string, tasks: Task[] }>} */
  hello() {
    return this.#answer();
  }

  /** One of its tasks, to be measured. @param {string} task */
  task(task) {
    return measured(async (ms) => {
      this.#child.stdin.write(`${JSON.stringify({ task, ms })}\n`);
      return (await this.#answer()).times;
    });
  }

  close() {
    this.#child.stdin.end();
    this.#child.kill();
  }
}
