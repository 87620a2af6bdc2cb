// Runs inside a worker: takes calls, and answers each. remote.js is the other end.

import { StateError } from './errors.js';
import { init } from './index.js';
import { Session } from './session.js';
import { buffersOf, sendError } from './wire.js';

/** @typedef {import('./wire.js').Answer} Answer */
/** @typedef {import('./wire.js').Call} Call */

/** What a page may call of a model. */
const CALLS = /** @type {const} */ ([
  ...['forward', 'step', 'stateDict', 'loadStateDict', 'saveCheckpoint', 'loadCheckpoint'],
]);

/** The page: in Node the parent's port, elsewhere the worker itself. @type {any} */
const page =
  /** @type {any} */ (globalThis).process?.getBuiltinModule?.('node:worker_threads')?.parentPort ??
  globalThis;

/** @type {Map<number, Session>} */
const models = new Map();
let made = 0;

/** @param {Answer} answer @param {Transferable[]} [transfer] */
function post(answer, transfer = []) {
  page.postMessage(answer, transfer);
}

/**
 * Takes a lock that is free again when this worker is no more.
 * @param {string} name
 * @returns {Promise<boolean>}  whether it could be had
 */
function hold(name) {
  return new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {});
    };
    navigator.locks.request(name, held).catch(() => resolve(false));
  });
}

/** @param {Call} call */
async function serve({ id, name, model, args }) {
  if (name === 'hold') return hold(/** @type {string} */ (args[0]));
  if (name === 'init')
    return init(args[0] === undefined ? {} : { wasm: /** @type {any} */ (args[0]) });
  if (name === 'create') {
    const [description, training] = /** @type {[any, any]} */ (args);
    models.set(++made, new Session(description, training));
    return made;
  }
  const session = models.get(model);
  if (!session) throw new StateError('this model was disposed');
  if (name === 'stop') return session.stop(/** @type {number} */ (args[0]));
  await session.ready();
  if (name === 'dispose') {
    models.delete(model);
    return session.dispose();
  }
  if (name === 'fit') {
    const [run, ...rest] = /** @type {[number, string, any, any]} */ (args);
    return session.fit((news) => post({ id, news }), run, ...rest);
  }
  const call = CALLS.find((known) => known === name);
  if (!call) throw new StateError(`the worker knows no ${name}`);
  return /** @type {any} */ (session)[call](...args);
}

page.onmessage = async (/** @type {{ data: Call }} */ { data }) => {
  try {
    const value = await serve(data);
    post({ id: data.id, value }, buffersOf(value));
  } catch (error) {
    post({ id: data.id, error: sendError(error) });
  }
};

page.addEventListener('messageerror', () => {
  post({ id: 0, fatal: 'could not read what was sent to it' });
});
