// The loss curve of a training: every step faintly, every epoch's mean boldly, behind them the values
// the notebook printed, the floor that the loss cannot pass, and earlier runs. Bounded in points,
// whatever the length of the run; redrawn at most once a frame.

import { Curve } from './curve.js';
import { element, setAttribute } from './dom.js';
import { oncePerFrame, whileNear } from './paint.js';
import { createPlot, join } from './plot.js';
import { settingsText } from './settings.js';
import { get, onChange, set } from './state.js';
import { dataBehind, plainTable } from './tables.js';
import { count, number, plural, spoken } from './text.js';
import { color } from './theme.js';

const TABLE_ROWS = 40;
const HEIGHT = 320;
const LINES = [
  { label: 'each step', stroke: '--faint-curve', width: 1 },
  { label: 'mean of the epoch', stroke: '--accent', width: 2.5 },
];

const GHOSTS = 4;
const GHOST_STROKES = ['--line-2', '--line-3', '--line-5', '--soft'];

/** The scale is in the link too. @type {import('./experiments/types.js').Param} */
const SCALE = {
  name: 'scale',
  label: 'Scale',
  type: 'choice',
  default: 'linear',
  choices: ['linear', 'log'].map((value) => ({ value, label: value })),
};

/** @typedef {import('./experiments/types.js').Values} Values */
/**
 * An earlier run.
 * @typedef {{ values: Values, stroke: string, xs: number[], ys: number[] }} Ghost
 */

/** The next of 1, 2, 5, 10, 20, 50, … @param {number} value */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((nice) => nice >= value);
}

/** @typedef {import('./experiments/types.js').Session} Session */

/**
 * Dots with a rim of paper, one where each of some epochs ends.
 * @param {import('uplot')} plot
 * @param {Session['printed']} curve
 * @param {string} fill
 */
function drawCurve({ ctx, valToPos }, curve, fill) {
  ctx.fillStyle = fill;
  ctx.strokeStyle = color('--paper');
  ctx.lineWidth = devicePixelRatio;
  curve?.epoch.forEach((epoch, i) => {
    const x = valToPos(epoch + 1, 'x', true);
    const y = valToPos(curve.loss[i], 'y', true);
    ctx.beginPath();
    ctx.arc(x, y, 3.5 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
  });
}

export class LossChart {
  /** @param {import('./experiments/types.js').Training} experiment */
  constructor(experiment) {
    const { id, title } = experiment;
    this.experiment = experiment;
    this.id = id;
    this.title = title;
    this.log = get(id, SCALE) === 'log';
    /** @type {Values} of the run that is drawn */
    this.values = {};
    this.curve = new Curve();
    /** @type {Ghost[]} */
    this.ghosts = [];
    /** @type {Session['printed']} */
    this.printed = undefined;
    /** @type {Session['reference']} */
    this.reference = undefined;
    /** @type {Session['floor']} */
    this.floor = undefined;
    this.epochs = 1;
    this.stepsPerEpoch = 1;
    this.data = /** @type {any} */ ([[0], [null], [null]]);

    this.readout = element('span', { class: 'readout' });
    this.canvas = element('div', {
      class: 'plot',
      role: 'img',
      'aria-label': `${title}: no loss yet`,
    });
    this.legend = element('div', { class: 'legend' });
    this.node = element(
      'figure',
      { class: 'chart' },
      element('div', { class: 'chart-head' }, this.legend, this.scaleSwitch()),
      this.canvas,
      element(
        'figcaption',
        {},
        dataBehind('The curve as a table', () => this.table()),
        this.readout,
      ),
    );
    this.paint = whileNear(this.canvas, () => this.redraw());
    this.describe = oncePerFrame(() => setAttribute(this.canvas, 'aria-label', this.summary()));
    this.drawLegend();
  }

  scaleSwitch() {
    const button = element(
      'button',
      {
        type: 'button',
        class: 'button quiet',
        onclick: () => {
          set(this.id, SCALE, this.log ? 'linear' : 'log');
          follow();
        },
      },
      'Logarithmic',
    );
    const follow = () => {
      const log = get(this.id, SCALE) === 'log';
      button.setAttribute('aria-pressed', String(log));
      if (log === this.log) return;
      this.log = log;
      this.rebuild();
    };
    follow();
    onChange(follow);
    return button;
  }

  /**
   * A new run: its length, and what is drawn behind it. The one before becomes a ghost, if it was
   * another.
   * @param {Pick<Session, 'epochs' | 'stepsPerEpoch' | 'printed' | 'reference' | 'floor'>} run
   * @param {Values} values its settings
   */
  start({ epochs, stepsPerEpoch, printed, reference, floor }, values) {
    if (JSON.stringify(values) !== JSON.stringify(this.values)) this.keepGhost();
    this.values = values;
    Object.assign(this, { epochs, stepsPerEpoch, printed, reference, floor });
    this.curve.clear();
    this.drawLegend();
    this.rebuild();
  }

  /** Goes on with a curve that was saved. @param {import('./curve.js').CurveState} state */
  restore(state) {
    this.curve.restore(state);
    this.draw();
  }

  /** Keeps what is drawn to compare with; of runs with the same settings the latest. */
  keepGhost() {
    const means = this.curve.means.points();
    const { xs, ys } = means.xs.length > 1 ? means : this.curve.steps.points();
    if (xs.length < 2) return;
    const settings = JSON.stringify(this.values);
    const others = this.ghosts
      .filter(({ values }) => JSON.stringify(values) !== settings)
      .slice(1 - GHOSTS);
    const stroke = GHOST_STROKES.find((one) => others.every((ghost) => ghost.stroke !== one));
    this.ghosts = [...others, { values: this.values, stroke, xs: [...xs], ys: [...ys] }];
  }

  /** @param {Ghost} ghost */
  labelOf({ values }) {
    return `before: ${settingsText(this.experiment, values, this.values)}`;
  }

  /** @param {import('./frames.js').Update} update */
  add(update) {
    this.curve.add(update, this.stepsPerEpoch);
    this.draw();
  }

  draw() {
    this.paint();
    this.describe();
  }

  /** How far right the picture reaches: so much that the curve fills a good part of it. */
  reach() {
    const done = this.curve.steps.lastX;
    if (done === 0) return this.epochs;
    return Math.min(this.epochs, roundUp(Math.max(1, done * 1.02)));
  }

  /** @param {number | null} low @param {number | null} high @returns {[number, number]} */
  heights(low, high) {
    const values = [low, high, this.floor?.value].filter((value) => Number.isFinite(value));
    const reach = this.reach();
    for (const curve of [this.printed, this.reference]) {
      values.push(...(curve?.loss ?? []).filter((_, i) => curve.epoch[i] + 1 <= reach));
    }
    if (values.length === 0) return this.log ? [0.1, 10] : [0, 1];
    const top = Math.max(...values);
    const bottom = Math.min(...values);
    if (!this.log) return [Math.min(0, bottom), top > 0 ? top * 1.06 : 1];
    const least = Math.max(bottom, Number.MIN_VALUE);
    return [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(Math.max(top, least)))];
  }

  rebuild() {
    this.plot?.destroy();
    this.plot = createPlot(
      this.canvas,
      {
        x: 'epoch',
        lines: LINES,
        log: this.log,
        height: HEIGHT,
        xRange: () => [0, this.reach()],
        yRange: (low, high) => this.heights(low, high),
        behind: (plot) => this.drawFloor(plot),
        between: (plot) => this.drawDots(plot),
        onPoint: (index) => this.read(index),
      },
      this.data,
    );
    this.redraw();
    this.describe();
  }

  redraw() {
    if (!this.plot) return;
    const steps = this.curve.steps.points();
    const means = this.curve.means.points();
    this.data =
      steps.xs.length === 0
        ? [[0], [null], [null]]
        : join([
            [steps.xs, steps.ys],
            [means.xs, means.ys],
          ]);
    if (means.xs.length === 0 && this.data.length < 3) this.data.push(this.data[0].map(() => null));
    const { plot } = this.plot;
    plot.batch(() => plot.setData(this.data)); // at once, not in a microtask
  }

  /** @param {import('uplot')} plot */
  drawFloor({ ctx, bbox, valToPos }) {
    if (!this.floor) return;
    const y = Math.round(valToPos(this.floor.value, 'y', true));
    ctx.save();
    ctx.strokeStyle = color('--warn');
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }

  /** @param {import('uplot')} plot */
  drawDots(plot) {
    const { ctx, bbox, valToPos } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([5 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const { xs, ys, stroke } of this.ghosts) {
      ctx.strokeStyle = color(stroke);
      ctx.beginPath();
      xs.forEach((x, i) => {
        ctx.lineTo(valToPos(x, 'x', true), valToPos(ys[i], 'y', true));
      });
      ctx.stroke();
    }
    ctx.setLineDash([]);
    drawCurve(plot, this.printed, color('--printed'));
    drawCurve(plot, this.reference, color('--line-3'));
    ctx.restore();
  }

  drawLegend() {
    const item = (/** @type {string} */ kind, /** @type {string} */ label) =>
      element('span', {}, element('i', { class: `swatch ${kind}` }), label);
    const clear = element(
      'button',
      {
        type: 'button',
        class: 'link',
        onclick: () => {
          this.ghosts = [];
          this.drawLegend();
          this.draw();
        },
      },
      'clear earlier runs',
    );
    const items = [item('step', LINES[0].label), item('mean', LINES[1].label)];
    if (this.printed) items.push(item('printed', 'printed in the notebook'));
    if (this.reference) items.push(item('reference', this.reference.label));
    if (this.floor) {
      items.push(item('floor', `${count(this.floor.value)}, ${this.floor.label}`));
    }
    for (const ghost of this.ghosts) {
      items.push(item(`ghost ${ghost.stroke.slice(2)}`, this.labelOf(ghost)));
    }
    if (this.ghosts.length > 0) items.push(clear);
    this.legend.replaceChildren(...items);
  }

  /** @param {number | null} index */
  read(index) {
    if (index === null || this.data[1][index] === undefined) {
      this.readout.textContent = this.note();
      return;
    }
    const [xs, steps, means] = this.data;
    const parts = [`epoch ${number(xs[index], 4)}`];
    if (steps[index] !== null && steps[index] !== undefined) {
      parts.push(`step loss ${number(steps[index])}`);
    }
    if (means[index] !== null && means[index] !== undefined) {
      parts.push(`mean ${number(means[index])}`);
    }
    this.readout.textContent = parts.join(' · ');
  }

  note() {
    const { stride } = this.curve.steps;
    return stride === 1 ? '' : `Each point of the faint line is the mean of ${stride} steps.`;
  }

  summary() {
    const { ys } = this.curve.means.points();
    if (this.curve.steps.lastX === 0) return `${this.title}: no loss yet`;
    const now = `${this.title}: loss over ${plural(Math.ceil(this.curve.steps.lastX), 'epoch')}`;
    if (ys.length === 0) return now;
    const least = ys.reduce((low, y) => Math.min(low, y), Infinity);
    const fell = `the mean of an epoch went from ${spoken(ys[0])} to ${spoken(ys.at(-1))}`;
    return `${now}; ${fell}, at the least ${spoken(least)}`;
  }

  table() {
    const { xs, ys } = this.curve.means.points();
    const every = Math.max(1, Math.ceil(xs.length / TABLE_ROWS));
    const printed = new Map(
      this.printed?.epoch.map((epoch, i) => [epoch + 1, this.printed.loss[i]]),
    );
    const earlier = this.ghosts.map((ghost) => new Map(ghost.xs.map((x, i) => [x, ghost.ys[i]])));
    const exact = (/** @type {number | undefined} */ loss) =>
      loss === undefined ? null : loss.toPrecision(9);
    const rows = xs.flatMap((x, i) => {
      if (i % every !== 0 && i !== xs.length - 1) return [];
      const others = [printed, ...earlier].map((losses) => exact(losses.get(x)));
      return [[x, exact(ys[i]), ...others]];
    });
    const title = rows.length > 0 ? this.summary() : 'No epoch has ended yet.';
    const before = this.ghosts.map((ghost) => this.labelOf(ghost));
    const columns = ['epochs', 'mean loss here', 'notebook', ...before];
    return plainTable({ title, columns, rows });
  }
}
