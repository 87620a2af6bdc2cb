// The short form of tests/soak/soak.js.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

test('a fiftieth of the soak: memory and objects stay flat', async (t) => {
  const script = join(import.meta.dirname, 'soak.js');
  const args = ['--expose-gc', script, '0.02'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const lines = stdout.trim().split('\n');
  for (const line of lines) t.diagnostic(line);
  assert.equal(lines.length, 3);
});
