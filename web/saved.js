// Runs that can be taken up again, in IndexedDB: what a run is in one store, what it needs to go on in
// another, so that looking for runs reads no weights. Worker and page use the same file. Of several tabs
// with the same experiment the one that saves first does so alone, until it is closed or its run is over.

/**
 * What is said of a saved run.
 * @typedef {object} SavedRun
 * @property {string} key
 * @property {import('./experiments/types.js').Values} params with its changes
 * @property {number} done
 * @property {number} totalSteps
 * @property {number} at Date.now() when it was saved
 * @property {string | null} weightsFrom the file that the weights came from on the way
 */

/** What it needs to go on. @typedef {{ bytes: Uint8Array, curve: import('./curve.js').CurveState }} SavedState */

const NAME = 'unrolled';
const VERSION = 1;
const PATIENCE = 300; // ms: so long the lock of a worker that was ended may outlive it

/** Each page, wherever it is published on its origin, has runs of its own. @param {string} id */
export const keyOf = (id) => `${new URL('.', location.href).pathname}#${id}`;

/** @type {Promise<IDBDatabase> | null} */
let database = null;

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open() {
  if (database) return database;
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('runs', { keyPath: 'key' });
    request.result.createObjectStore('states');
  };
  database = answer(request);
  database.then(
    (opened) => {
      // Another tab brings a newer form: make way, and open again when it is needed.
      opened.onversionchange = () => {
        opened.close();
        database = null;
      };
    },
    () => {
      database = null;
    },
  );
  return database;
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(runs: IDBObjectStore, states: IDBObjectStore) => IDBRequest | void} act
 */
async function transact(mode, act) {
  const transaction = (await open()).transaction(['runs', 'states'], mode);
  const request = act(transaction.objectStore('runs'), transaction.objectStore('states'));
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  return request ? request.result : undefined;
}

/** @param {string} key @returns {Promise<SavedRun | undefined>} */
export const readRun = (key) => transact('readonly', (runs) => runs.get(key));

/** @param {string} key @returns {Promise<SavedState | undefined>} */
export const readState = (key) => transact('readonly', (_, states) => states.get(key));

/** The locks that are held here, each with what lets go of it. @type {Map<string, () => void>} */
const held = new Map();

/** Takes the lock of a run, which goes with this worker or page at the latest. @param {string} key */
async function hold(key) {
  if (held.has(key) || !navigator.locks) return; // without locks, as on plain http, the last one saves
  await new Promise((resolve, reject) => {
    navigator.locks
      .request(`${NAME} ${key}`, { signal: AbortSignal.timeout(PATIENCE) }, () => {
        resolve(undefined);
        return new Promise((release) => held.set(key, () => release(undefined)));
      })
      .catch(() => reject(new Error('another tab has the same training, and saves that one.')));
  });
}

/** Both or neither. @param {SavedRun} run @param {SavedState} state */
export async function writeRun(run, state) {
  await hold(run.key);
  await transact('readwrite', (runs, states) => {
    runs.put(run);
    states.put(state, run.key);
  });
}

/** @param {string} key */
export async function removeRun(key) {
  await hold(key);
  try {
    await transact('readwrite', (runs, states) => {
      runs.delete(key);
      states.delete(key);
    });
  } finally {
    held.get(key)?.();
    held.delete(key);
  }
}
