// What is in the tarball, and what the tools that judge packages say of it.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { pack, run } from './consumer.js';

/** @type {import('./consumer.js').Packed} */
let packed;
/** @type {any} */
let manifest;

before(async () => {
  packed = await pack('contents');
  manifest = JSON.parse(await readFile(join(packed.folder, 'package.json'), 'utf8'));
});

test('only what users need is in it', () => {
  const outside = packed.files.filter((path) => !path.startsWith('dist/'));
  assert.deepEqual(outside.sort(), ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  const inside = packed.files.filter((path) => path.startsWith('dist/'));
  for (const path of inside) assert.match(path, /^dist\/[\w-]+\.(js|js\.map|d\.ts|wasm)$/);
  const scripts = inside.filter((path) => path.endsWith('.js')).sort();
  const named = scripts.filter((path) => !/^dist\/part-\w+\.js$/.test(path));
  const exported = Object.values(manifest.exports).flatMap(
    (entry) => entry.default?.slice(2) ?? [],
  );
  const threads = named.filter((path) => path.endsWith('_thread.js'));
  assert.deepEqual(named, [...exported, ...threads].sort());
});

test('it depends on nothing and does nothing when installed', () => {
  for (const kind of [
    'dependencies',
    'peerDependencies',
    'optionalDependencies',
    'bundleDependencies',
  ]) {
    assert.equal(manifest[kind], undefined, kind);
  }
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) {
    assert.equal(manifest.scripts[script], undefined, script);
  }
  assert.equal(manifest.sideEffects, false);
});

test('every export is there, with its types', () => {
  for (const [name, entry] of Object.entries(manifest.exports)) {
    const paths = typeof entry === 'string' ? [entry] : [entry.types, entry.default];
    for (const path of paths) assert.ok(existsSync(join(packed.folder, path)), `${name}: ${path}`);
    if (typeof entry === 'object') assert.deepEqual(Object.keys(entry), ['types', 'default']);
  }
});

test('the version is one', async () => {
  const { init, info } = await import('unrolled');
  await init();
  assert.equal(info().version, manifest.version);
  assert.match(await readFile(join(packed.folder, 'CHANGELOG.md'), 'utf8'), /^## /m);
});

test('what is bundled needs no other file, and keeps the address that bundlers look for', async () => {
  const scripts = packed.files.filter((path) => path.endsWith('.js'));
  const IMPORT = /(?:^|;|\})(?:import|export)\b[^"'`;]*"([^"]+)"/g;
  let addresses = 0;
  for (const path of scripts) {
    const code = await readFile(join(packed.folder, path), 'utf8');
    for (const [, from] of code.matchAll(IMPORT)) {
      assert.ok(scripts.includes(`dist/${from.replace('./', '')}`), `${path} imports ${from}`);
    }
    addresses += code.split('new URL("./unrolled.wasm",import.meta.url)').length - 1;
  }
  assert.equal(addresses, 1);
});

test('publint reports nothing', async () => {
  const { messages } = await publint({ pkgDir: packed.folder, strict: true, pack: false });
  assert.deepEqual(
    messages.map((message) => formatMessage(message, manifest)),
    [],
  );
});

test('attw reports nothing', async () => {
  const program = new URL('../../node_modules/.bin/attw', import.meta.url).pathname;
  const options = [
    '--profile',
    'esm-only',
    '--exclude-entrypoints',
    './unrolled.wasm',
    '--no-emoji',
  ];
  const { stdout } = await run(program, [packed.tarball, ...options]); // it ends with 1 otherwise
  for (const [name, entry] of Object.entries(manifest.exports)) {
    if (typeof entry === 'object') assert.ok(stdout.includes(`"${join('unrolled', name)}"`), name);
  }
});
