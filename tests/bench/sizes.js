// What a page must download to use the library, beside its peers: `npm run sizes`.
//
// JavaScript as a page would get it, bundled and minified by Rolldown, as Vite does, and the .wasm files it fetches, in
// bytes after gzip -9. Peers are of the versions that peers/package.json names, each with its
// WebAssembly backend (brain.js has none), and are left out where peers/setup.sh did not put them.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { versionOf } from './peers/packages.js';

const PEERS = fileURLToPath(new URL('../../build/peers/', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Built into Node, named in branches that a browser never takes. */
const NODE = [
  'fs',
  'path',
  'util',
  'crypto',
  'os',
  'worker_threads',
  'perf_hooks',
  'string_decoder',
];

/**
 * @typedef {object} Item
 * @property {string} name
 * @property {string} package  whose version is printed
 * @property {string} folder  where its packages are found
 * @property {string} code  imports what a page uses
 * @property {string[]} files  that it fetches besides
 */

/** @type {Item[]} */
const items = [
  {
    name: 'unrolled, everything',
    package: '',
    folder: ROOT,
    code: "export * from 'unrolled';",
    files: ['dist/unrolled.wasm'],
  },
  {
    name: 'unrolled, what the first example of the README uses',
    package: '',
    folder: ROOT,
    code: `export { Adam, DataLoader, init, LastStep, Linear, LSTM, manualSeed, MSELoss, Sequential,
      Trainer } from 'unrolled';`,
    files: ['dist/unrolled.wasm'],
  },
  {
    name: 'tfjs: core, layers, wasm backend',
    package: '@tensorflow/tfjs-core',
    folder: PEERS,
    code: `export * from '@tensorflow/tfjs-core'; export * from '@tensorflow/tfjs-layers';
      export * from '@tensorflow/tfjs-backend-wasm';`,
    files: ['node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'],
  },
  {
    name: 'onnxruntime-web, wasm only (does not train)',
    package: 'onnxruntime-web',
    folder: PEERS,
    code: "export * from 'onnxruntime-web/wasm';",
    files: ['node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'],
  },
  {
    name: 'brain.js, its browser build',
    package: 'brain.js',
    folder: PEERS,
    code: "import 'brain.js/browser.min.js';",
    files: [],
  },
];

/** @param {Item} item */
async function bundle({ code, folder }) {
  const entry = `${folder}sizes-entry.mjs`; // never written: its code is given
  const given = {
    name: 'given',
    resolveId: (/** @type {string} */ id) => (id === entry ? id : null),
    load: (/** @type {string} */ id) => (id === entry ? code : null),
  };
  const built = await rolldown({
    input: entry,
    plugins: [given],
    platform: 'browser',
    external: [...NODE, /^node:/],
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
    logLevel: 'silent',
  });
  const { output } = await built.generate({ format: 'esm', minify: true, comments: false });
  await built.close();
  return output.map((file) => (file.type === 'chunk' ? file.code : '')).join('');
}

/** @param {string | Uint8Array} bytes */
const gzipped = (bytes) => gzipSync(bytes, { level: 9, memLevel: 9 }).length; // as the program gzip

/** Of everything, in bytes after gzip. @param {Item} item */
export async function sizeOf(item) {
  const script = gzipped(await bundle(item));
  let wasm = 0;
  for (const file of item.files) wasm += gzipped(await readFile(item.folder + file));
  return { script, wasm };
}

export const [own] = items;

/** What a page without a bundler loads: index.js and what it imports, each by itself. */
export async function sizeAsShipped() {
  const scripts = new Set(['index.js']);
  let script = 0;
  for (const name of scripts) {
    const code = await readFile(`${ROOT}dist/${name}`, 'utf8');
    for (const [, imported] of code.matchAll(/from"\.\/([^"]+)"/g)) scripts.add(imported);
    script += gzipped(code);
  }
  return {
    script,
    wasm: gzipped(await readFile(`${ROOT}dist/unrolled.wasm`)),
    files: scripts.size,
  };
}

if (import.meta.filename === process.argv[1]) {
  /** @param {number} bytes */
  const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
  console.log('| gzipped | JavaScript | .wasm | together |\n| --- | ---: | ---: | ---: |');
  for (const item of items) {
    const version = item.package ? versionOf(item.package) : '';
    if (version === null) {
      console.error(`${item.package} is not installed: run tests/bench/peers/setup.sh`);
      continue;
    }
    const { script, wasm } = await sizeOf(item);
    const name = `${item.name}${version && ` ${version}`}`;
    console.log(`| ${name} | ${kib(script)} | ${kib(wasm)} | ${kib(script + wasm)} |`);
  }
  const { script, wasm, files } = await sizeAsShipped();
  console.log(
    `unrolled without a bundler: ${files} scripts, ${kib(script)}; with the .wasm ${kib(script + wasm)}`,
  );
}
