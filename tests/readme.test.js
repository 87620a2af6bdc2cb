// The examples of the README: each block of JavaScript is run as it stands, and prints the block of
// text behind it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = new URL('../', import.meta.url);
const folder = new URL('build/readme/', root); // inside the package: there its own name resolves
const EXAMPLE = /```js\n([\s\S]*?)```(?:[^`]*?```text\n([\s\S]*?)```)?/g;

const readme = await readFile(new URL('README.md', root), 'utf8');
const examples = [...readme.matchAll(EXAMPLE)];
await mkdir(folder, { recursive: true });

test('the README has examples, and each says what it prints', () => {
  assert.ok(examples.length >= 3);
  for (const [, code, printed] of examples) assert.ok(printed, `nothing is printed by\n${code}`);
});

examples.forEach(([, code, printed], i) => {
  test(`README example ${i + 1} prints what it says`, async () => {
    const file = new URL(`example-${i + 1}.mjs`, folder);
    await writeFile(file, code);
    const { stdout } = await promisify(execFile)(process.execPath, [file.pathname]);
    assert.equal(stdout, printed);
  });
});
