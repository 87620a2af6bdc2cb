// unrolled/torch, unrolled/onnx and unrolled/worker of the packed package: their classes are those of
// `unrolled`, and they work where it works.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { build, createServer } from 'vite';
import webpack from 'webpack';
import { pack, run } from './consumer.js';
import { open, openServed } from './open.js';

/** @type {import('./consumer.js').Packed} */
let packed;
before(async () => {
  packed = await pack('subpaths');
});

const TORCH = `
  import * as unrolled from 'unrolled';
  import { loadTorch, saveTorch } from 'unrolled/torch';
  export async function answer() {
    await unrolled.init();
    unrolled.manualSeed(1);
    const linear = new unrolled.Linear(2, 3);
    const state = loadTorch(saveTorch(linear.stateDict()));
    const other = new unrolled.Linear(2, 3);
    other.loadStateDict(state);
    let kind = null;
    try {
      loadTorch(new Uint8Array(100));
    } catch (error) {
      kind = error instanceof unrolled.FormatError;
    }
    const [a, b] = [linear, other].map((model) => String(model.forward(Float32Array.of(1, 2))));
    return [a === b, kind];
  }`;

const ONNX = `
  import * as unrolled from 'unrolled';
  import { saveOnnx } from 'unrolled/onnx';
  export async function answer() {
    await unrolled.init();
    const model = new unrolled.Sequential(new unrolled.GRU(2, 3), new unrolled.Linear(3, 1));
    let kind = null;
    try {
      saveOnnx({});
    } catch (error) {
      kind = error instanceof unrolled.ArgumentError;
    }
    return [saveOnnx(model) instanceof Uint8Array, kind];
  }`;

const WORKER = `
  import { ShapeError } from 'unrolled';
  import { openWorker } from 'unrolled/worker';
  export async function answer() {
    const library = await openWorker();
    const model = await library.create(
      { modules: { fc: ['Linear', 2, 1] }, seed: 1 },
      { loss: ['MSELoss'], optimizer: ['SGD', { lr: 0.1 }] },
    );
    const batch = { input: Float32Array.of(1, 2), target: Float32Array.of(3), batch: 1 };
    const losses = [await model.step(batch), await model.step(batch)];
    const error = await model.forward(new Float32Array(3)).catch((error) => error);
    await library.close();
    return [losses[1] < losses[0], error instanceof ShapeError];
  }`;

const programs = { torch: TORCH, onnx: ONNX, worker: WORKER };
const PAGE = '<!doctype html><title>page</title><script type="module" src="./main.js"></script>';
const MAIN = "import { answer } from './program.js'; globalThis.result = answer();";

for (const [name, program] of Object.entries(programs)) {
  describe(`unrolled/${name}`, () => {
    test('Node', async () => {
      const folder = await packed.project(`node-${name}`, {
        'program.mjs': program,
        'main.mjs': `
          import { answer } from './program.mjs';
          console.log(JSON.stringify(await answer()));`,
      });
      const { stdout } = await run(process.execPath, ['main.mjs'], { cwd: folder });
      assert.deepEqual(JSON.parse(stdout), [true, true]);
    });

    test('Vite', async () => {
      const files = { 'index.html': PAGE, 'main.js': MAIN, 'program.js': program };
      const folder = await packed.project(`vite-${name}`, files);
      await build({ root: folder, configFile: false, logLevel: 'error', base: './' });
      assert.deepEqual(await openServed(join(folder, 'dist'), 'result'), [true, true]);
    });

    test('no bundler', async () => {
      const imports = {
        unrolled: './node_modules/unrolled/dist/index.js',
        [`unrolled/${name}`]: `./node_modules/unrolled/dist/${name}.js`,
      };
      const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
      const files = { 'index.html': map + PAGE, 'main.js': MAIN, 'program.js': program };
      const folder = await packed.project(`plain-${name}`, files);
      assert.deepEqual(await openServed(folder, 'result'), [true, true]);
    });
  });
}

test('unrolled/worker in webpack', async () => {
  const html = PAGE.replace('./main.js', './dist/main.js');
  const files = { 'index.html': html, 'main.js': MAIN, 'program.js': WORKER };
  const folder = await packed.project('webpack-worker', files);
  const stats = await promisify(/** @type {any} */ (webpack))({
    context: folder,
    mode: 'production',
    entry: './main.js',
    output: { path: join(folder, 'dist') },
  });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  assert.deepEqual([errors, warnings], [[], []]);
  assert.deepEqual(await openServed(folder, 'result'), [true, true]);
});

test("unrolled/worker in Vite's development server, left as it is", async () => {
  const files = { 'index.html': PAGE, 'main.js': MAIN, 'program.js': WORKER };
  const folder = await packed.project('vite-dev-worker', files);
  const server = await createServer({
    ...{ root: folder, configFile: false, logLevel: 'error' },
    server: { host: '127.0.0.1', port: 0, hmr: false },
    optimizeDeps: { exclude: ['unrolled'] },
  });
  try {
    await server.listen();
    assert.deepEqual(await open(server.resolvedUrls.local[0], 'result'), [true, true]);
  } finally {
    await server.close();
  }
});

test('the types of all three', async () => {
  const compilerOptions = {
    ...{ noEmit: true, strict: true, skipLibCheck: false, target: 'es2022', types: [] },
    ...{ module: 'nodenext', lib: ['es2022', 'dom', 'esnext.disposable'] },
  };
  const folder = await packed.project('types', {
    'package.json': '{ "private": true, "type": "module" }',
    'main.ts': `
      import { Linear, type StateDict } from 'unrolled';
      import { saveOnnx } from 'unrolled/onnx';
      import { loadTorch, saveTorch } from 'unrolled/torch';
      import { openWorker } from 'unrolled/worker';

      const state: StateDict = new Linear(1, 1).stateDict();
      const nested: unknown = loadTorch(saveTorch(state));
      const file: Uint8Array = saveOnnx(new Linear(1, 1));
      const library = await openWorker();
      const model = await library.create({ modules: { fc: ['Linear', 1, 1] } });
      const output: Float32Array = await model.forward(new Float32Array(1));
      export { file, nested, output };`,
    'tsconfig.json': JSON.stringify({ compilerOptions, files: ['main.ts'] }),
  });
  const tsc = new URL('../../node_modules/.bin/tsc', import.meta.url).pathname;
  const { stdout } = await run(tsc, ['-p', folder]).catch((failure) => failure);
  assert.equal(stdout, '');
});

test("fflate's licence goes with its code, and only torch.js has it", async () => {
  const holders = [];
  for (const path of packed.files.filter((path) => path.endsWith('.js'))) {
    const code = await readFile(join(packed.folder, path), 'utf8');
    if (/fflate/.test(code) && /Permission is hereby granted/.test(code)) holders.push(path);
  }
  assert.deepEqual(holders, ['dist/torch.js']);
});
