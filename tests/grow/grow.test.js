// Memory that grows inside any call leaves no stale view behind: the tests of the JavaScript API again,
// each process with a preload under which every call first makes the memory grow. Those are left out whose
// time goes elsewhere: into starting, other runtimes, files, other threads.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const PRELOAD = new URL('preload.js', import.meta.url).href;
const ELSEWHERE = ['load', 'onnx', 'torch', 'worker'];
const LEAST = 200_000; // calls that grew

/** @param {string[]} files @param {Record<string, string>} env */
function run(files, env) {
  const child = spawn(process.execPath, ['--test', '--test-concurrency=2', ...files], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text;
    });
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

test('the whole JavaScript suite while memory grows', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'unrolled-grow-'));
  const grown = join(folder, 'calls');
  const { NODE_TEST_CONTEXT, ...rest } = process.env; // the suite is a run of its own
  const env = {
    ...rest,
    NODE_OPTIONS: `${rest.NODE_OPTIONS ?? ''} --import ${PRELOAD}`,
    UNROLLED_GROWN: grown,
    UNROLLED_SEQUENCES: '300',
  };
  const suite = join(import.meta.dirname, '../js');
  const files = (await readdir(suite))
    .filter((name) => name.endsWith('.test.js') && name !== 'garbage.test.js') // growth leaves views
    .filter((name) => !ELSEWHERE.includes(name.split('.')[0]))
    .map((name) => join(suite, name));
  assert.ok(files.length > 25);
  const { code, output } = await run(files, /** @type {any} */ (env));
  const broken = output.match(/^ *not ok .*\n(?:.*\n){12}/gm) ?? [];
  assert.equal(code, 0, broken.join('\n') || output.slice(-4000));
  const counts = (await readFile(grown, 'utf8')).trim().split('\n').map(Number);
  await rm(folder, { recursive: true });
  const calls = counts.reduce((a, b) => a + b, 0);
  t.diagnostic(`${calls} calls in ${counts.length} processes, each after a growth`);
  assert.ok(calls > LEAST && counts.length > 20, `${calls} calls in ${counts.length} processes`);
});
