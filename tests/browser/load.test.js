// What goes wrong when a page starts the library, each with its own sentence and cure, in Chromium;
// tests/js/load.test.js has the ways that need no browser.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from './engines.js';

const dist = new URL('../../dist/', import.meta.url);
const POLICIES = {
  open: '',
  strict: "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'",
  noWasm: "default-src 'self'; script-src 'self'",
  noConnection: "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'none'",
};

/** @type {import('node:http').Server} */
let server;
/** @type {string} */
let base;
let refusals = 0; // how often the .wasm is still to be refused

before(async () => {
  server = createServer(async ({ url }, response) => {
    const [, policy, name] = url.split('/');
    const answer = (status, type, body) =>
      response
        .writeHead(status, {
          'content-type': type,
          ...(POLICIES[policy] && { 'content-security-policy': POLICIES[policy] }),
        })
        .end(body);
    const html = '<!doctype html><title>page</title>';
    if (name === 'page.html' || name === 'fallback.wasm') return answer(200, 'text/html', html);
    if (name === 'gone.wasm') return answer(404, 'text/html', html);
    if (name === 'unrolled.wasm' && refusals-- > 0) return answer(503, 'text/plain', 'busy');
    if (!name) return answer(404, 'text/plain', 'not found'); // a favicon
    const file = name === 'other-type.wasm' ? 'unrolled.wasm' : name;
    const type = file.endsWith('.js')
      ? 'text/javascript'
      : name === 'other-type.wasm'
        ? 'text/plain'
        : 'application/wasm';
    return readFile(new URL(file, dist)).then(
      (body) => answer(200, type, body),
      () => answer(404, 'text/plain', 'not found'),
    );
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(undefined));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  base = `http://127.0.0.1:${port}/`;
});

after(() => server.close());

/**
 * What a fresh page under a policy says: of init with this, and then of init alone.
 * @param {keyof typeof POLICIES} policy
 * @param {string | null} [wasm]  null: init is called alone, twice
 * @returns {Promise<string[]>}
 */
async function start(policy, wasm = null) {
  const page = await chromium.open(`${base}${policy}/page.html`);
  try {
    return await page.evaluate(async (wasm) => {
      const library = './index.js';
      const { init, rand } = await import(new URL(library, location.href).href);
      const attempt = async (options) => {
        try {
          await init(options);
          return `works: ${rand(3).length}`;
        } catch ({ name, message }) {
          return `${name}: ${message}`;
        }
      };
      return [await attempt(wasm === null ? undefined : { wasm }), await attempt()];
    }, wasm);
  } finally {
    await page.close();
  }
}

const WORKS = 'works: 3';

test('a strict policy that allows WebAssembly is enough', async () => {
  assert.deepEqual(await start('strict'), [WORKS, WORKS]);
});

test("a policy without 'wasm-unsafe-eval'", async () => {
  for (const said of await start('noWasm')) {
    assert.match(
      said,
      /^UnrolledError: .*Content-Security-Policy's script-src add 'wasm-unsafe-eval'/,
    );
  }
});

test('a policy that forbids the request', async () => {
  for (const said of await start('noConnection')) {
    assert.match(said, /^UnrolledError: .*unrolled\.wasm cannot be fetched: .*connect-src/);
  }
});

test('no file there, and init can be called again', async () => {
  const [first, second] = await start('open', 'gone.wasm');
  assert.match(
    first,
    /^UnrolledError: .*gone\.wasm answered 404.*Copy unrolled\.wasm.*init\(\{ wasm/,
  );
  assert.equal(second, WORKS);
});

test('an HTML page in its place, and init can be called again', async () => {
  const [first, second] = await start('open', 'fallback.wasm');
  assert.match(first, /^UnrolledError: .*fallback\.wasm is an HTML page.*init\(\{ wasm/);
  assert.equal(second, WORKS);
});

test('any content type will do', async () => {
  assert.deepEqual(await start('open', 'other-type.wasm'), [WORKS, WORKS]);
});

test('a server that was busy is asked again', async () => {
  refusals = 1;
  const [first, second] = await start('open');
  assert.match(first, /^UnrolledError: .*unrolled\.wasm answered 503/);
  assert.equal(second, WORKS);
});

test('a server of another origin that does not allow it', async () => {
  const [first, second] = await start(
    'open',
    `${base.replace('127.0.0.1', 'localhost')}open/unrolled.wasm`,
  );
  assert.match(first, /^UnrolledError: .*cannot be fetched: .*CORS/);
  assert.equal(second, WORKS);
});

test('a page from the disk is sent to unrolled/inline', async () => {
  const { init } = await import('unrolled');
  const wasm = new URL('unrolled.wasm', dist);
  const { process } = globalThis;
  // as in a browser: without Node's way to the disk
  delete globalThis.process;
  try {
    await assert.rejects(init({ wasm }), /cannot be fetched.*unrolled\/inline/);
  } finally {
    globalThis.process = process;
  }
});
