// Computes. Runs checks and trains, one thing at a time, on this worker's own instance of the library.

import { expose } from 'comlink';
import * as unrolled from 'unrolled';
import { experiments } from './experiments/index.js';
import { Frames } from './frames.js';
import { fitWave } from './wave.js';

const PROBE_INTERVAL = 400; // ms between two looks at what the model answers while it trains

/** @type {import('./experiments/types.js').Session | null} */
let training = null;
let stop = new AbortController();

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

const api = {
  async load() {
    await unrolled.init();
    return { ...unrolled.info(), wasmBytes: wasmBytes() };
  },

  /** @param {string} id @param {Record<string, number | string>} params */
  async check(id, params) {
    await unrolled.init();
    const outcome = await find(id).run(unrolled, params);
    return { ...outcome, warnings: takeWarnings() };
  },

  /** Makes a training ready. @param {string} id @param {Record<string, number | string>} params */
  async open(id, params) {
    await unrolled.init();
    training?.dispose();
    training = null;
    training = await find(id).create(unrolled, params);
    const { totalSteps, epochs, stepsPerEpoch, printed, reference, floor } = training;
    const probes = await training.probe();
    return { totalSteps, epochs, stepsPerEpoch, printed, reference, floor, probes };
  },

  /**
   * Trains to the end, or until pause(); called again, it goes on where it was.
   * @param {(update: import('./frames.js').Update & { warnings: string[] }) => void} onUpdate
   * @returns {Promise<'finished' | 'paused'>}
   */
  async run(onUpdate) {
    stop = new AbortController();
    const { signal } = stop;
    const post = (/** @type {import('./frames.js').Update} */ update) =>
      onUpdate({ ...update, warnings: takeWarnings() });
    const frames = new Frames(post, training.stepsPerEpoch);
    let probed = performance.now();
    try {
      for await (const item of training.fit({ signal })) {
        frames.add(item);
        if (!frames.due()) continue;
        const look = performance.now() - probed >= PROBE_INTERVAL;
        const batch = training.batch();
        frames.send(look ? { batch, probes: training.probe() } : { batch });
        if (look) probed = performance.now();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await frames.flush();
    return signal.aborted ? 'paused' : 'finished';
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
    return training.change(name, value);
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
