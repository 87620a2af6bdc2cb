// A phone that has no more memory to give: the shipped core, its memory allowed to grow to so many pages
// and no further. Whatever is refused is an OutOfMemoryError, and the training between goes on with the bits
// that it has where memory abounds.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

const PAGE = 65536;
const MEMORY_SECTION = 5;
const bytes = readFileSync(new URL(import.meta.resolve('unrolled/unrolled.wasm')));

/** An unsigned LEB128 number. @param {Uint8Array} from @param {number} at @returns {[value: number, end: number]} */
function number(from, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = from[at++];
    value |= (byte & 127) << shift;
    if (byte < 128) return [value, at];
  }
}

/** The core with another maximum of its memory. @param {number} pages */
function withMaximum(pages) {
  const changed = new Uint8Array(bytes);
  for (let at = 8; at < changed.length; ) {
    const [size, start] = number(changed, at + 1);
    if (changed[at] === MEMORY_SECTION) {
      const [, flags] = number(changed, start); // one memory
      assert.equal(changed[flags], 1, 'it has a maximum');
      const [, low] = number(changed, flags + 1);
      const [most, end] = number(changed, low);
      assert.equal(most, 65535, 'all but the last page, as src/heap.c needs it');
      for (let i = low; i < end; i++) {
        changed[i] = ((pages >> (7 * (i - low))) & 127) | (i < end - 1 ? 128 : 0);
      }
      return changed;
    }
    at = start + size;
  }
  throw new Error('no memory section');
}

/** @param {Uint8Array} wasm @param {boolean} greedy @returns {Promise<any>} */
function train(wasm, greedy) {
  const url = new URL('training.js', import.meta.url);
  return new Promise((resolve, reject) => {
    const worker = new Worker(url, { workerData: { wasm, greedy } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

test('memory that may not grow further: refusals are typed, the training keeps its bits', async (t) => {
  const { bits } = await train(bytes, false);
  const seen = { granted: new Set(), refused: new Set() };
  for (let pages = 32; pages <= 4096; pages = pages < 96 ? pages + 16 : 2 * pages) {
    const result = await train(withMaximum(pages), true);
    assert.equal(result.bits, bits, `${pages} pages`);
    assert.ok(result.memoryBytes <= pages * PAGE, `${pages} pages`);
    for (const name of result.granted) seen.granted.add(name);
    for (const name of result.refused) seen.refused.add(name);
    t.diagnostic(
      `${pages} pages: ${result.granted.length} granted, ${result.refused.length} refused`,
    );
  }
  assert.equal(seen.refused.size, 14, `every request was refused once: ${[...seen.refused]}`);
  assert.equal(seen.granted.size, 14, `and granted once: ${[...seen.granted]}`);
});

test('no memory even to begin with: init says so', async () => {
  const script = `
    import { parentPort } from 'node:worker_threads';
    import { init, OutOfMemoryError } from ${JSON.stringify(import.meta.resolve('unrolled'))};
    const module = await WebAssembly.compile(await (await import('node:fs/promises')).readFile(
      new URL(${JSON.stringify(import.meta.resolve('unrolled/unrolled.wasm'))})));
    const real = WebAssembly.instantiate;
    WebAssembly.instantiate = async () => { throw new RangeError('could not allocate memory'); };
    const { name, message } = await init({ wasm: module }).catch((error) => error);
    WebAssembly.instantiate = real;
    await init({ wasm: module }); // memory has come free
    parentPort.postMessage(name + ': ' + message);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
  const said = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  assert.match(said, /^OutOfMemoryError: .*could not allocate memory/);
});
