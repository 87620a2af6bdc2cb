// The page's end of a worker. Each worker holds one instance of the library, with memory and a random
// stream of its own: so a check never disturbs a training that is under way.

import { proxy, wrap } from 'comlink';

/** @typedef {ReturnType<typeof createEngine>} Engine */

/** The worker itself is gone, whatever it was asked. */
export class WorkerLost extends Error {}

export function createEngine() {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const remote = /** @type {Record<string, (...args: any[]) => Promise<any>>} */ (
    /** @type {unknown} */ (wrap(worker))
  );
  /** @type {(error: Error) => void} */
  let fail;
  const failed = new Promise((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // heard by the calls that are waiting
  /** @type {(error: WorkerLost) => void} */
  let tell;
  /** @type {Promise<WorkerLost>} */
  const gone = new Promise((resolve) => {
    tell = resolve;
  });
  const lose = (/** @type {string} */ reason) => {
    const error = new WorkerLost(reason);
    worker.terminate();
    fail(error);
    tell(error);
  };
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    lose(event.message || 'The worker could not be started.');
  });

  return {
    /** Fulfilled when the worker is lost; never when it was ended. */
    gone,
    /** What waits for the worker waits in vain. @param {string} reason */
    lose,
    /**
     * @param {string} name of one of the worker's functions
     * @param {...any} args functions among them are called back
     */
    call(name, ...args) {
      const sent = args.map((arg) => (typeof arg === 'function' ? proxy(arg) : arg));
      return Promise.race([remote[name](...sent), failed]);
    },
    /** Ends the worker at once; what was waiting for it hears so. */
    end() {
      worker.terminate();
      fail(new Error('The worker was ended.'));
    },
  };
}
