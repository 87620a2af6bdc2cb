// Computes. Runs checks and trains, one thing at a time, on this worker's own instance of the library.

import { expose, transfer } from 'comlink';
import { Curve } from './curve.js';
import { experiments } from './experiments/index.js';
import { Frames } from './frames.js';
import * as library from './library.js';
import { readRun, readState, removeRun, writeRun } from './saved.js';
import { fitWave } from './wave.js';

const unrolled = /** @type {import('./experiments/types.js').Unrolled} */ (library);

const PROBE_INTERVAL = 400; // ms between two looks at what the model answers while it trains
const SAVE_INTERVAL = 3000; // ms between two savings of a run, at least
const SAVE_SHARE = 0.02; // of the time may go into them
const REST = 300; // ms that a run rests after a single step before it is saved

/** @type {import('./experiments/types.js').Session | null} */
let training = null;
let stop = new AbortController();
const curve = new Curve();

/** What is said of the run where it is saved. @type {Omit<import('./saved.js').SavedRun, 'done' | 'at'>} */
let run;
/** What storage still has to do, in order; why it refused the newest. */
let storing = Promise.resolve();
let refusal = '';
let resting = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);

// What the library warns of belongs beside the experiment, not in a console that nobody opens.
/** @type {string[]} */
let warnings = [];
const { warn } = console;
console.warn = (...words) => {
  warn(...words);
  warnings.push(words.join(' ').replace(/^unrolled: /, ''));
};
const takeWarnings = () => {
  const taken = warnings;
  warnings = [];
  return taken;
};

/** @param {string} id */
const find = (id) => /** @type {any} */ (experiments.find((experiment) => experiment.id === id));

/** Bytes of the .wasm, as it lies on the server; 0 when the engine does not tell. */
function wasmBytes() {
  const entries = /** @type {PerformanceResourceTiming[]} */ (
    performance.getEntriesByType('resource')
  );
  return entries.find((entry) => /\.wasm(\?|$)/.test(entry.name))?.decodedBodySize ?? 0;
}

function describe() {
  const { totalSteps, epochs, stepsPerEpoch, printed, reference, floor } = training;
  return {
    totalSteps,
    epochs,
    stepsPerEpoch,
    printed,
    reference,
    floor,
    probes: training.probe(),
    batch: training.batch(),
    done: training.done(),
    curve: curve.state(),
    weightsFrom: run.weightsFrom,
  };
}

/** Keeps the run as it is between these two steps; written while the training goes on. */
function save() {
  const meta = { ...run, done: training.done(), at: Date.now() };
  const state = { bytes: training.save(), curve: curve.state() };
  storing = storing
    .then(() => writeRun(meta, state))
    .then(() => {
      refusal = '';
    })
    .catch((error) => {
      refusal = error.message || String(error);
    });
}

const api = {
  async load() {
    await unrolled.init();
    return { ...unrolled.info(), wasmBytes: wasmBytes() };
  },

  /** @param {string} id @param {Record<string, number | string>} params */
  async check(id, params) {
    await unrolled.init();
    takeWarnings(); // what was said before has nothing to do with it
    const outcome = find(id).run(unrolled, params);
    return { ...outcome, warnings: takeWarnings() };
  },

  /** Inside a check's network. @param {string} id @param {Record<string, number | string>} params @param {number[][]} [input] */
  async look(id, params, input) {
    await unrolled.init();
    takeWarnings();
    const inside = find(id).look(unrolled, params, input);
    return { ...inside, warnings: takeWarnings() };
  },

  /** Inside the model in training as it is now: answered between two steps. @param {number[][]} [input] */
  lookNow: (input) => training.look(input),

  /**
   * Makes a training ready.
   * @param {string} id @param {import('./experiments/types.js').Values} params
   * @param {string} key under which the run is saved
   */
  async open(id, params, key) {
    await unrolled.init();
    training?.dispose();
    training = null;
    training = await find(id).create(unrolled, params);
    curve.clear();
    run = { key, params, totalSteps: training.totalSteps, weightsFrom: null };
    return describe();
  },

  /**
   * Opens the run that was saved, where it stood.
   * @param {string} id @param {string} key
   * @param {import('./experiments/types.js').Values} [params] the run's own, with changes that came later
   */
  async reopen(id, key, params) {
    const [saved, state] = await Promise.all([readRun(key), readState(key)]);
    if (!saved || !state) throw new Error('The run that was saved is not there any more.');
    await api.open(id, params ?? saved.params, key);
    training.restore(state.bytes);
    curve.restore(state.curve);
    run.weightsFrom = saved.weightsFrom;
    return { ...describe(), params: run.params };
  },

  /**
   * Trains to the end, for some steps, or until pause(); called again, it goes on where it was.
   * @param {(update: import('./frames.js').Update & { warnings: string[], refusal: string }) => void} onUpdate
   * @param {number} [steps]
   * @returns {Promise<'finished' | 'paused'>}
   */
  async run(onUpdate, steps = Infinity) {
    clearTimeout(resting);
    stop = new AbortController();
    const { signal } = stop;
    const post = (/** @type {import('./frames.js').Update} */ update) => {
      curve.add(update, training.stepsPerEpoch);
      return onUpdate({ ...update, warnings: takeWarnings(), refusal });
    };
    const frames = new Frames(post, training.stepsPerEpoch);
    const until = Math.min(training.totalSteps, training.done() + steps);
    let probed = performance.now();
    let nextSave = probed + SAVE_INTERVAL;
    try {
      for await (const item of training.fit({ signal })) {
        frames.add(item);
        if (training.done() >= until) break;
        if (!frames.due()) continue;
        const now = performance.now();
        const batch = training.batch();
        const look = now - probed >= PROBE_INTERVAL;
        frames.send(look ? { batch, probes: training.probe() } : { batch });
        if (look) probed = now;
        if (now >= nextSave) {
          save();
          const took = performance.now() - now;
          nextSave = now + Math.max(SAVE_INTERVAL, took / SAVE_SHARE);
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await frames.flush({ batch: training.batch(), probes: training.probe() });
    if (training.done() >= training.totalSteps) return 'finished';
    if (steps === 1) {
      resting = setTimeout(save, REST); // steps may come in a row, as long as a key is held
      return 'paused';
    }
    save();
    await storing;
    return 'paused';
  },

  pause() {
    stop.abort();
  },

  /** What the model answers to a sequence, at rest or between two steps. @param {number[]} sequence */
  predict(sequence) {
    return training.predict(sequence);
  },

  /** A live parameter from the next step on. @param {string} name @param {number | string} value */
  change(name, value) {
    const changes = training.change(name, value);
    run.params = { ...run.params, changes };
    return changes;
  },

  /** Nobody is to go on with this run. */
  async forget() {
    clearTimeout(resting);
    storing = storing.then(() => removeRun(run.key)).catch(() => {});
    await storing;
  },

  /** The weights as a file. */
  weights() {
    const bytes = unrolled.saveSafetensors(training.model.stateDict(), {
      format: 'pt',
      run: JSON.stringify({ ...run.params, steps: training.done() }),
    });
    return transfer(bytes, [bytes.buffer]);
  },

  /**
   * Puts the weights of a file into the model, all or none of them.
   * @param {Uint8Array} bytes @param {string} name of the file
   */
  takeWeights(bytes, name) {
    training.model.loadStateDict(unrolled.loadSafetensors(bytes));
    run.weightsFrom = name;
    return training.probe();
  },

  /** What the training came to. */
  async report() {
    return { probes: await training.probe(), rows: await training.rows() };
  },

  /** @param {number} seed @param {(picture: object) => void} onPicture */
  async wave(seed, onPicture) {
    await unrolled.init();
    return fitWave(unrolled, seed, onPicture);
  },
};

expose(api);
