// Between a training and the page: gathers what every step says, and posts it at most thirty times a
// second, and never while the page is still busy with the post before.

const INTERVAL = 33; // ms

/**
 * @typedef {object} Update what happened since the update before
 * @property {number} first the first of these steps, counted from 1 over the whole run
 * @property {number[]} losses one a step
 * @property {{ epoch: number, mean: number }[]} means of the epochs that ended
 * @property {number} done steps so far
 * @property {number} epoch from 0
 * @property {number} loss the newest
 * @property {number} epochLoss
 * @property {number} stepsPerSecond
 * @property {import('./experiments/types.js').Probe[]} [probes] when they were asked again
 * @property {import('./experiments/types.js').LastBatch} [batch] of the newest step
 */

export class Frames {
  /**
   * @param {(update: Update) => unknown} post may return a promise
   * @param {number} stepsPerEpoch
   */
  constructor(post, stepsPerEpoch) {
    this.post = post;
    this.stepsPerEpoch = stepsPerEpoch;
    /** @type {Update | null} */
    this.update = null;
    /** @type {Update | null} what was posted last */
    this.latest = null;
    this.busy = null;
    this.last = -Infinity;
  }

  /** @param {{ epoch: number, step: number, loss: number, epochLoss: number, stepsPerSecond: number }} item */
  add({ epoch, step, loss, epochLoss, stepsPerSecond }) {
    const inEpoch = step % this.stepsPerEpoch;
    const done = epoch * this.stepsPerEpoch + inEpoch + 1;
    this.update ??= {
      first: done,
      losses: [],
      means: [],
      done,
      epoch,
      loss,
      epochLoss,
      stepsPerSecond,
    };
    const { update } = this;
    update.losses.push(loss);
    if (inEpoch === this.stepsPerEpoch - 1) update.means.push({ epoch, mean: epochLoss });
    Object.assign(update, { done, epoch, loss, epochLoss, stepsPerSecond });
  }

  /** Whether a post is due, and the page has taken the one before. */
  due() {
    return this.update !== null && this.busy === null && performance.now() - this.last >= INTERVAL;
  }

  /** @param {Partial<Update>} [more] */
  send(more) {
    const update = Object.assign(this.update, more);
    this.update = null;
    this.latest = update;
    this.last = performance.now();
    this.busy = Promise.resolve(this.post(update)).finally(() => {
      this.busy = null;
    });
  }

  /**
   * Posts what is left, and waits until it has arrived. Nothing may be left: then only `more` is new.
   * @param {Partial<Update>} [more]
   */
  async flush(more) {
    await this.busy;
    const { latest } = this;
    if (latest) this.update ??= { ...latest, first: latest.done + 1, losses: [], means: [] };
    if (this.update) this.send(more);
    await this.busy;
  }
}
