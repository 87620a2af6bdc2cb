// One bench at a time on a machine: the next one waits, so that no two disturb each other.

import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const PATH = join(tmpdir(), 'unrolled-bench.lock');

/** The process that holds the lock, if it lives. */
function holder() {
  try {
    const pid = Number(readFileSync(PATH, 'utf8'));
    process.kill(pid, 0);
    return pid;
  } catch {
    return null;
  }
}

function remove() {
  try {
    unlinkSync(PATH);
  } catch {
    // another one has removed it
  }
}

/** Waits for its turn, and keeps it until the process ends. @param {(pid: number) => void} waiting */
export async function lock(waiting) {
  for (let told = false; ; ) {
    try {
      writeFileSync(PATH, String(process.pid), { flag: 'wx' });
      process.once('exit', remove);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const pid = holder();
    if (pid === null) {
      remove(); // its process has died
      continue;
    }
    if (!told) waiting(pid);
    told = true;
    await wait(500);
  }
}
