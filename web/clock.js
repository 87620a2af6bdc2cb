// The step that all pictures of one look point at, whoever of them moved it.

export class Clock {
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {number} [steps] */
  constructor(steps = 1) {
    this.steps = steps;
    this.t = 0;
  }

  /** @param {() => void} listener told when the step, or the number of steps, is another */
  listen(listener) {
    this.#listeners.add(listener);
  }

  /** @param {number} t out of range is the nearest within */
  go(t) {
    const to = Math.max(0, Math.min(this.steps - 1, t));
    if (to === this.t) return;
    this.t = to;
    for (const listener of this.#listeners) listener();
  }

  /** @param {number} steps */
  resize(steps) {
    if (steps === this.steps) return;
    this.steps = steps;
    this.t = Math.min(this.t, steps - 1);
    for (const listener of this.#listeners) listener();
  }
}
