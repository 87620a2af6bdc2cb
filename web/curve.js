// The curve of a run in a bounded number of points: every step, and the mean of every epoch. The
// worker keeps one to be saved with the run, the chart one to be drawn.

import { Thinned } from './thin.js';

/** @typedef {ReturnType<Curve['state']>} CurveState */

export class Curve {
  constructor() {
    this.steps = new Thinned();
    this.means = new Thinned();
  }

  clear() {
    this.steps.clear();
    this.means.clear();
  }

  /**
   * @param {Pick<import('./frames.js').Update, 'first' | 'losses' | 'means'>} update
   * @param {number} stepsPerEpoch
   */
  add({ first, losses, means }, stepsPerEpoch) {
    losses.forEach((loss, i) => {
      this.steps.add((first + i) / stepsPerEpoch, loss);
    });
    for (const { epoch, mean } of means) this.means.add(epoch + 1, mean);
  }

  state() {
    return { steps: this.steps.state(), means: this.means.state() };
  }

  /** @param {CurveState} state */
  restore(state) {
    this.steps.restore(state.steps);
    this.means.restore(state.means);
  }
}
