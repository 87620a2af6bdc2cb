// A curve of any length in a bounded number of points: when it is full, neighbours merge into their
// mean, and from then on each point stands for twice as many values.

export class Thinned {
  /** @param {number} [capacity] an even number of points */
  constructor(capacity = 1200) {
    this.capacity = capacity;
    this.clear();
  }

  clear() {
    /** @type {number[]} */ this.xs = [];
    /** @type {number[]} */ this.ys = [];
    this.stride = 1; // values a point stands for
    this.sum = 0;
    this.pending = 0; // values in the point that is still filling
    this.lastX = 0;
  }

  /** @param {number} x growing @param {number} y */
  add(x, y) {
    this.sum += y;
    this.pending += 1;
    this.lastX = x;
    if (this.pending < this.stride) return;
    this.xs.push(x);
    this.ys.push(this.sum / this.pending);
    this.sum = 0;
    this.pending = 0;
    if (this.xs.length === this.capacity) this.halve();
  }

  halve() {
    const half = this.capacity / 2;
    for (let i = 0; i < half; i += 1) {
      this.xs[i] = this.xs[2 * i + 1];
      this.ys[i] = (this.ys[2 * i] + this.ys[2 * i + 1]) / 2;
    }
    this.xs.length = half;
    this.ys.length = half;
    this.stride *= 2;
  }

  /** Plain data, all of it. */
  state() {
    const { xs, ys, stride, sum, pending, lastX } = this;
    return { xs: [...xs], ys: [...ys], stride, sum, pending, lastX };
  }

  /** @param {ReturnType<Thinned['state']>} state */
  restore(state) {
    Object.assign(this, state, { xs: [...state.xs], ys: [...state.ys] });
  }

  /** The points, with the one that is still filling: so the curve's tip is always the present. */
  points() {
    if (this.pending === 0) return { xs: this.xs, ys: this.ys };
    return { xs: [...this.xs, this.lastX], ys: [...this.ys, this.sum / this.pending] };
  }
}
