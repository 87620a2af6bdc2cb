// unrolled/worker: models that train in a worker, so that a page stays alive and a server answers.

import { describe, expectOptions } from './check.js';
import { ArgumentError, StateError } from './errors.js';
import * as remote from './remote.js';

/** @typedef {import('./data.js').Batch} Batch */
/** @typedef {import('./description.js').Described} Described */
/** @typedef {import('./description.js').ModelDescription} ModelDescription */
/** @typedef {import('./description.js').TrainingDescription} TrainingDescription */
/** @typedef {import('./module.js').StateDict} StateDict */
/** @typedef {import('./remote.js').RemoteData} RemoteData */
/** @typedef {import('./remote.js').RemoteLibrary} RemoteLibrary */
/** @typedef {import('./remote.js').RemoteModel} RemoteModel */
/** @typedef {import('./remote.js').Thread} Thread */
/** @typedef {import('./trainer.js').Progress} Progress */

const LOAD =
  'its script worker_thread.js could not be loaded from beside the library, or the ' +
  "page's Content-Security-Policy (worker-src) forbids it. With a development server that bundles " +
  "dependencies (Vite: optimizeDeps.exclude: ['unrolled']) leave this one out";

/**
 * Starts a worker with a library of its own: a Web Worker, in Node a worker thread.
 *
 *     import { openWorker } from 'unrolled/worker';
 *
 *     const library = await openWorker();
 *     const model = await library.create(
 *       { modules: { rnn: ['GRU', 1, 16, { batchFirst: true }], last: ['LastStep'], fc: ['Linear', 16, 1] }, seed: 1 },
 *       { loss: ['MSELoss'], optimizer: ['Adam', { lr: 0.01 }] },
 *     );
 *     for await (const { epoch, epochLoss } of model.fit({ inputs, targets, samples }, { epochs: 10 })) …
 *     const answer = await model.forward(sequence);
 *     await library.close();
 *
 * Should the worker die, everything under way in it rejects with a StateError, and so does every later
 * call: nothing waits for ever. In Node an open worker with nothing to do does not keep the process alive;
 * one with calls under way does.
 * @param {{ wasm?: string | URL | WebAssembly.Module }} [options]
 *   where it takes the .wasm from, an address as seen from here; by default it is found beside the library
 * @returns {Promise<RemoteLibrary>}
 * @throws {StateError} when there is no worker to be had
 * @throws {UnrolledError} as init, when the .wasm is not there
 */
export async function openWorker(options = {}) {
  expectOptions(options, ['wasm'], 'openWorker');
  const wasm = address(options.wasm);
  const link = new remote.Link(typeof Worker === 'function' ? openWeb : openNode);
  try {
    await watch(link);
    await link.call('init', 0, [wasm]);
  } catch (error) {
    await link.close();
    throw error;
  }
  return new remote.RemoteLibrary(link);
}

/** @param {unknown} wasm @returns {string | WebAssembly.Module | undefined} */
function address(wasm) {
  if (wasm === undefined || wasm instanceof WebAssembly.Module) return wasm;
  if (wasm instanceof URL || typeof wasm === 'string') {
    const base = typeof location === 'undefined' ? undefined : location.href;
    try {
      // relative to the page, not to the worker's script
      return wasm instanceof URL ? wasm.href : new URL(wasm, base).href;
    } catch {
      throw new ArgumentError(`openWorker wasm: expected an absolute URL, got ${describe(wasm)}`);
    }
  }
  throw new ArgumentError(
    `openWorker wasm: expected a URL or a WebAssembly.Module, got ${describe(wasm)}`,
  );
}

/**
 * No engine tells a page of a worker that ends. But a lock that it holds is free then.
 * @param {remote.Link} link
 */
async function watch(link) {
  const locks = typeof Worker === 'function' && typeof navigator === 'object' && navigator.locks;
  if (!locks) return;
  const name = `unrolled ${crypto.randomUUID()}`;
  if (!(await link.call('hold', 0, [name]))) return;
  locks.request(name, () => link.die('has ended')).catch(() => {}); // as if there were none
}

/**
 * @param {(answer: any) => void} answer
 * @param {(why: string) => void} died
 * @returns {Thread}
 */
function openWeb(answer, died) {
  let worker;
  try {
    // This very expression is what bundlers know: they make a file of the worker and all it needs.
    worker = new Worker(new URL('./worker_thread.js', import.meta.url), { type: 'module' });
  } catch (error) {
    throw new StateError(`openWorker: ${/** @type {Error} */ (error).message}`);
  }
  let begun = false;
  worker.onmessage = ({ data }) => {
    begun = true;
    answer(data);
  };
  worker.onerror = (event) => {
    event.preventDefault(); // it is told of here
    died(begun ? `failed (${event.message})` : `did not start (${event.message || LOAD})`);
  };
  // Chromium's has no onmessageerror.
  worker.addEventListener('messageerror', () => died('sent what could not be read'));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold() {},
    end: () => worker.terminate(),
  };
}

/**
 * @param {(answer: any) => void} answer
 * @param {(why: string) => void} died
 * @returns {Thread}
 */
function openNode(answer, died) {
  // getBuiltinModule instead of import('node:worker_threads'): bundlers need not know of it.
  const threads = /** @type {any} */ (globalThis).process?.getBuiltinModule?.(
    'node:worker_threads',
  );
  if (!threads) throw new StateError('openWorker: here are neither Web Workers nor worker threads');
  const file = new URL(import.meta.url);
  file.pathname = file.pathname.replace(/[^/]*$/, 'worker_thread.js');
  // This process's flags are its own: some, as --input-type, no thread would start with.
  const worker = new threads.Worker(file, { name: 'unrolled', execArgv: [] });
  worker.on('message', answer);
  worker.on('messageerror', () => died('sent what could not be read'));
  worker.on('error', (/** @type {unknown} */ error) => {
    died(`failed (${error instanceof Error ? error.message : error})`);
  });
  worker.on('exit', (/** @type {number} */ code) => died(`has ended (exit code ${code})`));
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: (busy) => (busy ? worker.ref() : worker.unref()),
    end: () => worker.terminate(),
  };
}
