// A training that can be paused and steered: what the two trainings of notebook 003 have in common.

import { isolated } from './stream.js';

/** @import { Change, Curve, Item, LastBatch, Unrolled } from '../types.js' */

/** How many losses of single steps are kept for the comparisons. */
const FIRST = 1000;

/**
 * What a training is made of. `model` and `parameters` are made right after manual_seed(seed).
 * @typedef {object} Recipe
 * @property {number} seed
 * @property {number} epochs
 * @property {{ inputs: Float32Array, targets: Float32Array }} data  a target for each sample
 * @property {number} batchSize
 * @property {() => import('unrolled').Module} model
 * @property {(model: import('unrolled').Module) => import('unrolled').Parameter[]} [parameters]
 *   that are trained; all of them when left out
 * @property {string} [optimizer]  the name of its class
 * @property {{ lr: number, loss?: string }} live  as the run begins
 * @property {Change[]} [changes]  what becomes of `live` on the way
 */

/**
 * @param {Unrolled} unrolled
 * @param {Recipe} recipe
 */
export function start(unrolled, recipe) {
  const { seed, epochs, data, batchSize, optimizer: kind = 'Adam' } = recipe;
  const samples = data.targets.length;
  let live = recipe.live;
  const inOrder = (/** @type {Change[]} */ list) => list.sort((a, b) => a.step - b.step);
  let changes = inOrder([...(recipe.changes ?? [])]);

  // The training goes on with its own stream, wherever others leave the library's.
  const [model, stream] = isolated(unrolled, seed, () => [recipe.model(), unrolled.getRngState()]);
  const loss = new unrolled.MSELoss();
  const trained = recipe.parameters ? recipe.parameters(model) : model.parameters();
  /** @type {import('unrolled').Adam} */
  const optimizer = new unrolled[kind](trained, { lr: live.lr });
  const trainer = new unrolled.Trainer(model, { loss, optimizer });
  const loader = new unrolled.DataLoader({ ...data, samples, batchSize, shuffle: true });
  const stepsPerEpoch = loader.length;
  const totalSteps = epochs * stepsPerEpoch;

  let position = stream;
  let running = false;
  let done = 0; // steps
  let applied = 0; // how many of the changes live has in it
  /** @type {number[]} the samples in the order of the running epoch */
  let order = [];
  /** @type {number[]} those of the newest step */
  let rows = [];
  let broadcast = false; // of the newest step
  /** @type {number[]} */
  const losses = []; // of the first steps
  /** @type {number[]} */
  const epochLosses = []; // the mean of each epoch, of the last one so far

  const changeIsDue = () => applied < changes.length && changes[applied].step <= done;

  function followChanges() {
    live = { ...recipe.live };
    for (applied = 0; changeIsDue(); applied++) {
      live[changes[applied].name] = changes[applied].value;
    }
    optimizer.lr = live.lr;
  }

  /** The order of the epoch that is under way; between epochs there is none to see. */
  function lookAtOrder() {
    order = /** @type {{ order?: number[] }} */ (loader.stateDict()).order ?? order;
  }

  /** One call of the library's fit: until the end, an abort, or a change of what is live. */
  async function* stretch(/** @type {AbortSignal | undefined} */ signal) {
    followChanges();
    // the answers have shape [4, 1]; targets of shape [4] broadcast against them
    const broadcasts = live.loss === 'printed';
    const targetShape = broadcasts ? [-1] : undefined;
    const left = epochs - Math.floor(done / stepsPerEpoch);
    for await (const item of trainer.fit(loader, { epochs: left, signal, targetShape })) {
      const step = done++;
      const epoch = Math.floor(step / stepsPerEpoch);
      const place = step % stepsPerEpoch;
      if (place === 0) lookAtOrder();
      broadcast = broadcasts;
      rows = order.slice(place * batchSize, (place + 1) * batchSize);
      if (step < FIRST) losses.push(item.loss);
      epochLosses[epoch] = item.epochLoss;
      yield { ...item, epoch, step };
      if (changeIsDue()) return;
    }
  }

  /**
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {AsyncGenerator<Item, void, unknown>}
   */
  async function* fit({ signal } = {}) {
    const before = unrolled.getRngState();
    unrolled.setRngState(position);
    running = true;
    try {
      // An epoch that was paused after its last step counts as one more, and gives nothing.
      while (done < totalSteps) yield* stretch(signal);
    } finally {
      running = false;
      position = unrolled.getRngState();
      unrolled.setRngState(before);
    }
  }

  /** Computes on this training's own stream. @template T @param {() => T} compute @returns {T} */
  function onOwnStream(compute) {
    if (running) return compute();
    const before = unrolled.getRngState();
    unrolled.setRngState(position);
    try {
      return compute();
    } finally {
      position = unrolled.getRngState();
      unrolled.setRngState(before);
    }
  }

  /** @param {number[]} values @param {number} batch */
  const forward = (values, batch) =>
    unrolled.noGrad(() =>
      /** @type {import('unrolled').Sequential} */ (model).forward(Float32Array.from(values), {
        batch,
      }),
    );

  /** @param {number[]} sequence */
  const predict = (sequence) => forward(sequence, 1)[0];

  return {
    model,
    epochs,
    stepsPerEpoch,
    totalSteps,
    fit,
    predict,
    /** How many steps are done. */
    done: () => done,
    /** How many changes it followed so far, so that it is another run than the notebook's. */
    steered: () => applied,
    /** The losses of the first thousand steps, as far as they are done. */
    losses: () => losses,
    /** The mean loss of each epoch that is complete. */
    epochLosses: () => epochLosses.slice(0, Math.floor(done / stepsPerEpoch)),

    /** @returns {LastBatch | null} */
    batch() {
      if (done === 0) return null;
      const length = data.inputs.length / samples;
      const inputs = rows.map((row) => [...data.inputs.subarray(row * length, (row + 1) * length)]);
      return {
        inputs,
        targets: rows.map((row) => data.targets[row]),
        predictions: [...forward(inputs.flat(), rows.length)],
        broadcast,
      };
    },

    /** @param {string} name @param {number | string} value @returns {Change[]} */
    change(name, value) {
      // While it runs, the step that comes next may already have its settings.
      const step = running ? done + 1 : done;
      changes = changes.filter((change) => change.name !== name || change.step < step);
      changes = inOrder([...changes, { step, name, value }]);
      return changes;
    },

    /** All that the run needs to go on with the same bits; between any two steps. */
    save() {
      const metadata = { progress: JSON.stringify({ done, rows, broadcast, losses, epochLosses }) };
      return onOwnStream(() => unrolled.saveCheckpoint({ model, optimizer, loader, metadata }));
    },

    /** Goes on where save() was called, in a training of the same values. @param {Uint8Array} bytes */
    restore(bytes) {
      const { metadata } = onOwnStream(() =>
        unrolled.loadCheckpoint(bytes, { model, optimizer, loader }),
      );
      const progress = JSON.parse(metadata.progress);
      ({ done, rows, broadcast } = progress);
      losses.splice(0, losses.length, ...progress.losses);
      epochLosses.splice(0, epochLosses.length, ...progress.epochLosses);
      lookAtOrder();
      followChanges();
    },

    dispose() {
      for (const object of [trainer, optimizer, loss, model]) object.dispose();
    },
  };
}
