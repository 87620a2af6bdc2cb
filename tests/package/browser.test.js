// The packed package in a browser: without a bundler, and through those that people use, each as the
// guide on bundlers (web/guide/bundlers.md) says.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import * as esbuild from 'esbuild';
import { build, createServer } from 'vite';
import webpack from 'webpack';
import { assertTrained, pack, training } from './consumer.js';
import { open, openServed } from './open.js';

/** @type {import('./consumer.js').Packed} */
let packed;
before(async () => {
  packed = await pack('browser');
});

/** The source of a page's script. @param {string} name  of the import @param {string} [init] */
const script = (name, init) =>
  `import * as unrolled from '${name}';\nglobalThis.losses = ${training(init)};`;
/** @param {string} tag */
const page = (tag) => `<!doctype html><title>consumer</title>${tag}`;
const MODULE = page('<script type="module" src="./main.js"></script>');
const BUILT = page('<script type="module" src="./dist/main.js"></script>');

/** @param {string} folder @returns {string[]} */
const wasmFiles = (folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.wasm') && !path.includes('node_modules'),
  );

describe('without a bundler', () => {
  test('a module script', async () => {
    const folder = await packed.project('plain', {
      'index.html': MODULE,
      'main.js': script('./node_modules/unrolled/dist/index.js'),
    });
    assertTrained(await openServed(folder, 'losses'));
  });

  test('an import map', async () => {
    const map = JSON.stringify({ imports: { unrolled: './node_modules/unrolled/dist/index.js' } });
    const folder = await packed.project('map', {
      'index.html': page(`<script type="importmap">${map}</script>${MODULE}`),
      'main.js': script('unrolled'),
    });
    assertTrained(await openServed(folder, 'losses'));
  });
});

describe('Vite', () => {
  /** @param {string} root @param {object} [more] @returns {import('vite').InlineConfig} */
  const config = (root, more) => ({ root, configFile: false, logLevel: 'error', ...more });

  test('build', async () => {
    const folder = await packed.project('vite', {
      'index.html': MODULE,
      'main.js': script('unrolled'),
    });
    await build(config(folder, { base: './' }));
    assert.equal(wasmFiles(folder).length, 1);
    assertTrained(await openServed(join(folder, 'dist'), 'losses'));
  });

  test('build with unrolled/inline copies no file', async () => {
    const folder = await packed.project('vite-inline', {
      'index.html': MODULE,
      'main.js': script('unrolled/inline'),
    });
    await build(config(folder, { base: './' }));
    assert.deepEqual(wasmFiles(folder), []);
    assertTrained(await openServed(join(folder, 'dist'), 'losses'));
  });

  /** @param {string} folder @param {object} [more] */
  async function develop(folder, more) {
    const port = { host: '127.0.0.1', port: 0, hmr: false };
    const server = await createServer(config(folder, { server: port, ...more }));
    try {
      await server.listen();
      return await open(server.resolvedUrls.local[0], 'losses');
    } finally {
      await server.close();
    }
  }

  test('development server, unrolled/inline', async () => {
    const folder = await packed.project('vite-dev-inline', {
      'index.html': MODULE,
      'main.js': script('unrolled/inline'),
    });
    assertTrained(await develop(folder));
  });

  test('development server, unrolled left as it is', async () => {
    const folder = await packed.project('vite-dev', {
      'index.html': MODULE,
      'main.js': script('unrolled'),
    });
    assertTrained(await develop(folder, { optimizeDeps: { exclude: ['unrolled'] } }));
  });
});

describe('webpack', () => {
  test('build', async () => {
    const folder = await packed.project('webpack', {
      'index.html': page('<script src="./dist/main.js"></script>'),
      'main.js': script('unrolled'),
    });
    const stats = await promisify(/** @type {any} */ (webpack))({
      context: folder,
      mode: 'production',
      entry: './main.js',
      output: { path: join(folder, 'dist') },
    });
    const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
    assert.deepEqual([errors, warnings], [[], []]);
    assert.equal(wasmFiles(folder).length, 1);
    assertTrained(await openServed(folder, 'losses'));
  });
});

describe('esbuild', () => {
  /** @param {string} folder @param {esbuild.BuildOptions} [more] */
  const bundle = async (folder, more) => {
    const { warnings } = await esbuild.build({
      absWorkingDir: folder,
      entryPoints: ['main.js'],
      bundle: true,
      minify: true,
      format: 'esm',
      outdir: 'dist',
      logLevel: 'silent',
      ...more,
    });
    assert.deepEqual(warnings, []);
  };

  test('unrolled/inline', async () => {
    const folder = await packed.project('esbuild-inline', {
      'index.html': BUILT,
      'main.js': script('unrolled/inline'),
    });
    await bundle(folder);
    assertTrained(await openServed(folder, 'losses'));
  });

  test('the .wasm as a file', async () => {
    const folder = await packed.project('esbuild', {
      'index.html': BUILT,
      'main.js': `import file from 'unrolled/unrolled.wasm';
        ${script('unrolled', '{ wasm: new URL(file, import.meta.url) }')}`,
    });
    await bundle(folder, { loader: { '.wasm': 'file' } });
    assertTrained(await openServed(folder, 'losses'));
  });

  test('a classic script in a page opened from the disk', async () => {
    const folder = await packed.project('disk', {
      'index.html': page('<script src="./dist/main.js"></script>'),
      'main.js': script('unrolled/inline'),
    });
    await bundle(folder, { format: 'iife' });
    assertTrained(await open(pathToFileURL(join(folder, 'index.html')).href, 'losses'));
  });
});

test('what is not used is left out', async () => {
  const folder = await packed.project('shaken', {
    'main.js': "import { manualSeed } from 'unrolled'; globalThis.seed = manualSeed;",
  });
  const entry = join(folder, 'main.js');
  const [{ outputFiles }, vite] = await Promise.all([
    esbuild.build({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      format: 'esm',
      write: false,
    }),
    build({
      ...{ root: folder, configFile: false, logLevel: 'error' },
      build: { write: false, lib: { entry, formats: ['es'] }, minify: true },
    }),
  ]);
  for (const code of [outputFiles[0].text, vite[0].output[0].code]) {
    assert.match(code, /manualSeed seed/);
    // of 70,000 and more; Vite's are not minified, as it makes a library of them
    assert.ok(code.length < 14_000, `${code.length} bytes are kept`);
  }
});
