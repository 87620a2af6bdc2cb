// unrolled/worker in three browser engines, under the strict Content-Security-Policy.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { engines } from './engines.js';
import { serve } from './serve.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
const GONE = /^StateError: the worker .*: what it had is lost; open another$/;

/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
before(async () => {
  server = await serve(ROOT, '/', { 'content-security-policy': POLICY });
});
after(() => server?.close());

for (const engine of engines) {
  describe(engine.name, () => {
    /** @type {import('./engines.js').Page} */
    let page;
    before(async () => {
      page = await engine.open(`${server.url}tests/browser/worker.html`);
    });
    after(() => page?.close());

    /** @param {string} name */
    const run = (name) => page.evaluate(`import('./worker_page.js').then(() => tests.${name}())`);

    test('trains in a worker with the bits of the page, interrupted or not', async () => {
      const { wrong, closed, ...rest } = await run('trains');
      assert.deepEqual(rest, {
        ...{ ends: 100, whole: true, first: false, answer: 1, broken: true },
        aborted: 'Error: enough',
      });
      assert.match(wrong, /^ShapeError: Sequential forward input/);
      assert.match(closed, GONE);
    });

    test('a worker that dies rejects what is under way; another goes on from a checkpoint', async () => {
      const { failures, restarted } = await run('dies');
      assert.deepEqual(Object.keys(failures).sort(), ['failed', 'terminated', 'unreadable']);
      for (const [way, sentences] of Object.entries(failures)) {
        for (const sentence of sentences) assert.match(sentence, GONE, way);
      }
      assert.equal(restarted, true);
    });

    test('finds its files, or says what it missed', async () => {
      const { answers, noWasm, noScript } = await run('opens');
      assert.deepEqual(answers, [1, 1, 1]);
      assert.match(noWasm, /^UnrolledError: .*nothing\.wasm answered 404/);
      assert.match(noScript, /^StateError: the worker did not start .*worker_thread\.js/);
    });
  });
}
