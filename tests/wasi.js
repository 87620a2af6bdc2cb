// Runs a C test that was compiled to WebAssembly: node tests/wasi.js build/wasm/test_lstm.wasm
// Its output and its exit code are the test's own.

import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const [path, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [path, ...args] });

// Each function in one of JavaScript: called directly, those of Node 20 take V8's fast path, which can
// crash Node once the memory has grown.
const imports = Object.fromEntries(
  Object.entries(wasi.wasiImport).map(([name, call]) => [name, (...values) => call(...values)]),
);

const { instance } = await WebAssembly.instantiate(readFileSync(path), {
  wasi_snapshot_preview1: imports,
  env: { emscripten_notify_memory_growth() {} }, // the one import beside WASI
});
process.exitCode = wasi.start(instance);
