// The examples of the README and of the guides: each block of JavaScript is run as it stands, and prints
// the block of text behind it, if there is one; in the README there always is.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { pack } from './package/consumer.js';

const root = new URL('../', import.meta.url);
const folder = new URL('build/readme/', root); // inside the package: there its own name resolves
const EXAMPLE = /```js\n([\s\S]*?)```(?:[^`]*?```text\n([\s\S]*?)```)?/g;

await mkdir(folder, { recursive: true });
const guides = (await readdir(new URL('web/guide/', root))).filter((name) => name.endsWith('.md'));
const pages = ['README.md', ...guides.map((name) => `web/guide/${name}`)];

/** @param {string} file @param {string} [cwd] */
async function print(file, cwd) {
  return (await promisify(execFile)(process.execPath, [file], { cwd })).stdout;
}

test('there are guides', () => assert.ok(guides.length >= 3));

for (const page of pages) {
  const examples = [...(await readFile(new URL(page, root), 'utf8')).matchAll(EXAMPLE)];

  test(`${page} has examples`, () => {
    assert.ok(examples.length >= (page === 'README.md' ? 3 : 1));
  });

  examples.forEach(([, code, printed], i) => {
    test(`${page}, example ${i + 1} does what it says`, async () => {
      const file = new URL(`${page.replace(/\W/g, '-')}-${i + 1}.mjs`, folder);
      await writeFile(file, code);
      const text = await print(file.pathname);
      if (printed || page === 'README.md') assert.equal(text, printed);
    });
  });

  if (page === 'README.md') {
    test('its first example runs in a fresh folder with the package installed', async () => {
      const [[, code, printed]] = examples;
      const { project } = await pack('readme');
      const fresh = await project('fresh', { 'main.mjs': code });
      assert.equal(await print('main.mjs', fresh), printed);
    });
  }
}
