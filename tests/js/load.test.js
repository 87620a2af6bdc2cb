// Finding and starting the WebAssembly core. An instance starts once, so each way has a worker of
// its own.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';

const WASM = new URL(import.meta.resolve('unrolled/unrolled.wasm'));
const bytes = new Uint8Array(readFileSync(WASM));

/**
 * Runs a script in a worker: the library as `u`, what was given as `data`.
 * @param {string} body  ends with a return
 * @param {any} [data]
 * @returns {Promise<any>}
 */
function run(body, data) {
  const script = `
    import { parentPort, workerData as data } from 'node:worker_threads';
    const u = await import(${JSON.stringify(import.meta.resolve('unrolled'))});
    const works = () => u.rand(2).length === 2 && u.info().memoryBytes > 0;
    const error = async (f) => {
      try {
        await f();
      } catch ({ name, message }) {
        return name + ': ' + message;
      }
      return 'no error';
    };
    parentPort.postMessage(await (async () => {${body}})());`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(script)}`);
  return new Promise((resolve, reject) => {
    const worker = new Worker(url, { workerData: data });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
}

/** @type {import('node:http').Server} */
let server;
/** @type {string} */
let base;

before(async () => {
  server = createServer(({ url }, response) => {
    const [type, body] = {
      '/good.wasm': ['application/wasm', bytes],
      '/plain.wasm': ['application/octet-stream', bytes], // another type will do
      '/page.wasm': ['text/html', '<!doctype html><title>not found</title>'],
      '/text.wasm': ['text/plain', 'hello'],
      '/cut.wasm': ['application/wasm', bytes.subarray(0, 1000)],
    }[url] ?? [null, 'missing'];
    response.writeHead(type ? 200 : 404, { 'content-type': type ?? 'text/plain' }).end(body);
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(undefined));
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  base = `http://127.0.0.1:${port}/`;
});

after(() => server.close());

describe('init finds the .wasm', () => {
  /** @type {[string, string, (() => any)?][]} */
  const ways = [
    ['by itself', 'await u.init();'],
    ['by a URL of a file', 'await u.init({ wasm: new URL(data) });', () => WASM.href],
    ['by a file URL as text', 'await u.init({ wasm: data });', () => WASM.href],
    ['by an address', 'await u.init({ wasm: data });', () => `${base}good.wasm`],
    ['served as another type', 'await u.init({ wasm: new URL(data) });', () => `${base}plain.wasm`],
    ['as a response', 'await u.init({ wasm: await fetch(data) });', () => `${base}good.wasm`],
    ['as a response to come', 'await u.init({ wasm: fetch(data) });', () => `${base}good.wasm`],
    ['as bytes', 'await u.init({ wasm: data });', () => bytes],
    ['as a buffer', 'await u.init({ wasm: data.buffer });', () => bytes.slice()],
    [
      'as bytes inside a larger buffer',
      'await u.init({ wasm: data.subarray(3) });',
      () => Uint8Array.from([1, 2, 3, ...bytes]),
    ],
    [
      'as bytes that threads share',
      'await u.init({ wasm: data });',
      () => {
        const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
        shared.set(bytes);
        return shared;
      },
    ],
    [
      'as a buffer that can grow',
      `const buffer = new ArrayBuffer(data.length, { maxByteLength: 2 * data.length });
       new Uint8Array(buffer).set(data);
       await u.init({ wasm: buffer });`,
      () => bytes,
    ],
    ['where there is no Response', 'delete globalThis.Response; await u.init();'],
    [
      'from bytes, without Response',
      'delete globalThis.Response; await u.init({ wasm: data });',
      () => bytes,
    ],
    ['as a module', 'await u.init({ wasm: await WebAssembly.compile(data) });', () => bytes],
  ];
  for (const [what, body, data] of ways) {
    test(what, async () => assert.equal(await run(`${body} return works();`, data?.()), true));
  }
});

test('the core imports nothing, and exports its functions and its memory', async () => {
  const module = await WebAssembly.compile(bytes);
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  const exports = WebAssembly.Module.exports(module).map(({ name }) => name);
  const header = readFileSync(new URL('../../src/unrolled.h', import.meta.url), 'utf8');
  const named = [...header.matchAll(/^UNROLLED_API\((\w+)\)/gm)].map(([, name]) => name);
  assert.deepEqual(exports.sort(), ['memory', ...named].sort());
});

describe('what goes wrong has a sentence', () => {
  /** @type {[string, string, RegExp, (() => any)?][]} */
  const ways = [
    [
      'an HTML page',
      'data',
      /^UnrolledError: .*page\.wasm.*HTML.*init\(\{ wasm/s,
      () => `${base}page.wasm`,
    ],
    [
      'another file',
      'data',
      /^UnrolledError: .*text\.wasm does not compile: .*magic.* 68 65 6c 6c/,
      () => `${base}text.wasm`,
    ],
    [
      'half a file',
      'data',
      /^UnrolledError: .*cut\.wasm.*does not compile/,
      () => `${base}cut.wasm`,
    ],
    ['no file', 'data', /^UnrolledError: .*gone\.wasm.*404/, () => `${base}gone.wasm`],
    [
      'no file on the disk',
      'data',
      /^UnrolledError: .*nothing\.wasm.*cannot be read/,
      () => new URL('nothing.wasm', WASM).href,
    ],
    [
      'nobody listens',
      'data',
      /^UnrolledError: .*cannot be fetched/,
      () => 'http://127.0.0.1:1/x.wasm',
    ],
    ['a relative address', '"unrolled.wasm"', /^ArgumentError: init wasm.*unrolled\.wasm/],
    ['a number', '5', /^ArgumentError: init wasm/],
    ['null', 'null', /^ArgumentError: init wasm/],
    ['a list', '[1, 2]', /^ArgumentError: init wasm/],
    ['no bytes', 'new Uint8Array(0)', /^UnrolledError: init wasm does not compile: .*empty/],
    ['four bytes', 'Uint8Array.of(0, 97, 115, 109)', /^UnrolledError: init wasm.*does not compile/],
    [
      'another module',
      'Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)',
      /^ArgumentError: init wasm.*not unrolled/,
    ],
    ['a promise that fails', 'Promise.reject(new RangeError("mine"))', /^RangeError: mine/],
  ];
  for (const [what, wasm, text, data] of ways) {
    test(`${what}, and init can be called again`, async () => {
      const [message, fine] = await run(
        `const message = await error(() => u.init({ wasm: ${wasm} }));
         await u.init();
         return [message, works()];`,
        data?.(),
      );
      assert.match(message, text);
      assert.equal(fine, true);
    });
  }
});

test('options that init does not know are refused', async () => {
  const messages = await run(`
    return Promise.all([
      () => u.init({ wsam: 'x' }),
      () => u.init(null),
      () => u.init(5),
      () => u.init('unrolled.wasm'),
    ].map((f) => error(async () => f())));`);
  for (const message of messages) assert.match(message, /^ArgumentError: init/);
  assert.match(messages[0], /wsam/);
});

test('calls share one start', async () => {
  const result = await run(`
    const [a, b] = [u.init(), u.init({ wasm: 5 })];
    await Promise.all([a, b]);
    const linear = new u.Linear(1, 1);
    await u.init();
    return linear.forward(Float32Array.of(1)).length;`);
  assert.equal(result, 1);
});

test('importing does no work, before init everything that computes is a StateError', async () => {
  const messages = await run(`
    const data = { inputs: new Float32Array(2), targets: new Float32Array(2), samples: 2 };
    return Promise.all([
      () => u.rand(1),
      () => u.rand(0),
      () => u.randperm(0),
      () => u.manualSeed(1),
      () => u.getRngState(),
      () => u.setRngState(new Uint8Array(5)),
      () => u.info(),
      () => new u.LSTM(1, 2),
      () => new u.RNNCell(1, 2),
      () => new u.Linear(1, 2),
      () => new u.Tanh(),
      () => new u.Softmax(2),
      () => new u.Dropout(),
      () => new u.LastStep(),
      () => new u.MSELoss(),
      () => new u.NumpyRandom(1),
      () => [...new u.DataLoader(data)],
    ].map((f) => error(async () => f())));`);
  for (const message of messages) assert.match(message, /^StateError: .*init\(\)/);
  const safe = await run(`
    return Object.keys(u.loadSafetensors(u.saveSafetensors({}))).length
      + u.noGrad(() => 5) + Object.keys(u).length;`);
  assert.ok(safe > 5);
});

test('two workers have streams of their own', async () => {
  const body = 'await u.init(); u.manualSeed(data); return [...u.rand(3)];';
  const [a, b, c] = await Promise.all([run(body, 1), run(body, 2), run(body, 1)]);
  assert.deepEqual(a, c);
  assert.notDeepEqual(a, b);
});
