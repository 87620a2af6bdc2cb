// A training that can be paused: what the two trainings of notebook 003 have in common.

import { isolated } from './stream.js';

/** @import { Curve, Item, Unrolled } from '../types.js' */

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
 * @property {number[]} [targetShape]  how a batch's targets broadcast
 */

/**
 * @param {Unrolled} unrolled
 * @param {Recipe} recipe
 */
export function start(unrolled, recipe) {
  const { seed, epochs, data, batchSize, targetShape } = recipe;
  const samples = data.targets.length;

  // The training goes on with its own stream, wherever others leave the library's.
  const [model, stream] = isolated(unrolled, seed, () => [recipe.model(), unrolled.getRngState()]);
  const loss = new unrolled.MSELoss();
  const trained = recipe.parameters ? recipe.parameters(model) : model.parameters();
  const optimizer = new unrolled.Adam(trained, { lr: 1e-3 });
  const trainer = new unrolled.Trainer(model, { loss, optimizer });
  const loader = new unrolled.DataLoader({ ...data, samples, batchSize, shuffle: true });
  const stepsPerEpoch = loader.length;
  const totalSteps = epochs * stepsPerEpoch;

  let position = stream;
  let done = 0; // steps
  /** @type {number[]} */
  const losses = []; // of the first steps
  /** @type {number[]} */
  const epochLosses = []; // the mean of each epoch, of the last one so far

  /**
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {AsyncGenerator<Item, void, unknown>}
   */
  async function* fit({ signal } = {}) {
    const before = unrolled.getRngState();
    unrolled.setRngState(position);
    try {
      // An epoch that was paused after its last step counts as one more, and gives nothing.
      while (done < totalSteps) {
        const left = epochs - Math.floor(done / stepsPerEpoch);
        for await (const item of trainer.fit(loader, { epochs: left, signal, targetShape })) {
          const step = done++;
          const epoch = Math.floor(step / stepsPerEpoch);
          if (step < 1000) losses.push(item.loss);
          epochLosses[epoch] = item.epochLoss;
          yield { ...item, epoch, step };
        }
      }
    } finally {
      position = unrolled.getRngState();
      unrolled.setRngState(before);
    }
  }

  return {
    model,
    epochs,
    stepsPerEpoch,
    totalSteps,
    fit,
    /** How many steps are done. */
    done: () => done,
    /** The losses of the first thousand steps, as far as they are done. */
    losses: () => losses,
    /** The mean loss of each epoch that is complete. */
    epochLosses: () => epochLosses.slice(0, Math.floor(done / stepsPerEpoch)),
    /**
     * What the model answers to one sequence.
     * @param {number[]} sequence
     */
    answer: (sequence) =>
      unrolled.noGrad(
        () => /** @type {any} */ (model).forward(Float32Array.from(sequence), { batch: 1 })[0],
      ),
    dispose() {
      for (const object of [trainer, optimizer, loss, model]) object.dispose();
    },
  };
}
