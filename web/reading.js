// What a network reads, to be changed: points to drag over time, and a field for each number. The
// fields are the whole of it for the keyboard; the points are for pointers.

import { element, setAttribute, setText } from './dom.js';
import { number } from './text.js';

/** @typedef {import('./experiments/types.js').Reading} Reading */

const OPEN_FIELDS = 12; // so many fields or fewer are shown at once, more are folded away
const LARGEST = 1e6;
const DECIMALS = 3; // significant digits of a point that is dragged

/** @param {string} name @param {Record<string, any>} attributes */
function svg(name, attributes) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}

/** What a network can make something of. @param {number} value */
export const isPossible = (value) => Math.abs(value) <= LARGEST;

/** A number as a field has it: what was typed keeps its digits. @param {number} value */
const text = (value) => String(Number(value.toPrecision(7)));

export class ReadingEditor {
  /**
   * @param {import('./clock.js').Clock} clock
   * @param {(values: number[][] | null) => void} onEdit null: the experiment's own input again
   */
  constructor(clock, onEdit) {
    this.clock = clock;
    this.onEdit = onEdit;
    /** @type {Reading | null} */
    this.reading = null;
    /** @type {number[][]} what stands in the fields now */
    this.values = [];
    this.shape = '';
    this.named = '';
    this.plot = element('div', { class: 'points', 'aria-hidden': 'true' });
    this.fields = element('div', { class: 'fields' });
    this.label = element('h4', {});
    this.legend = element('div', { class: 'legend' });
    this.summary = element('summary', {}, 'Type the numbers');
    this.details = element('details', { class: 'data' }, this.summary, this.fields);
    this.reset = element(
      'button',
      { type: 'button', class: 'button quiet', onclick: () => this.onEdit(null) },
      'Reset the input',
    );
    const length = (
      /** @type {string} */ sign,
      /** @type {string} */ says,
      /** @type {number} */ by,
    ) =>
      element(
        'button',
        {
          type: 'button',
          class: 'button quiet',
          'aria-label': says,
          onclick: () => this.lengthen(by),
        },
        sign,
      );
    this.presets = element('span', { class: 'presets' });
    this.shorter = length('− step', 'One step less', -1);
    this.longer = length('+ step', 'One step more', 1);
    this.node = element(
      'div',
      { class: 'reading' },
      element('div', { class: 'chart-head' }, this.label, this.legend),
      this.plot,
      this.details,
      element(
        'div',
        { class: 'reading-buttons' },
        this.presets,
        this.shorter,
        this.longer,
        this.reset,
      ),
    );
    clock.listen(() => this.mark());
  }

  /** @param {Reading} reading @param {boolean} edited */
  update(reading, edited) {
    this.reading = reading;
    this.values = reading.values.map((row) => [...row]);
    setText(this.label, reading.label);
    this.reset.setAttribute('aria-disabled', String(!edited));
    const { length, presets = [] } = reading;
    const named = presets.map(({ label }) => label).join();
    if (named !== this.named) {
      this.named = named;
      this.presets.replaceChildren(
        ...presets.map(({ label, values }) =>
          element(
            'button',
            { type: 'button', class: 'button quiet', onclick: () => this.onEdit(values) },
            label,
          ),
        ),
      );
    }
    for (const button of [this.shorter, this.longer]) button.hidden = !length;
    if (length) {
      this.shorter.setAttribute('aria-disabled', String(this.values.length <= length[0]));
      this.longer.setAttribute('aria-disabled', String(this.values.length >= length[1]));
    }
    const shape = `${this.values.length} ${reading.features.join()}`;
    if (shape !== this.shape) {
      this.shape = shape;
      this.build();
    }
    this.show();
  }

  build() {
    const { values, reading } = this;
    const { features, step } = reading;
    const several = features.length > 1;
    this.legend.replaceChildren(
      ...(several ? features : []).map((name, k) =>
        element('span', {}, element('i', { class: `swatch line-${k % 6}` }), name),
      ),
    );
    const lines = svg('svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'none' });
    this.zero = svg('line', {
      class: 'zero',
      x1: 0,
      x2: 100,
      'vector-effect': 'non-scaling-stroke',
    });
    this.lines = features.map((_, k) =>
      svg('polyline', { class: `line line-${k % 6}`, 'vector-effect': 'non-scaling-stroke' }),
    );
    lines.append(this.zero, ...this.lines);
    this.now = element('i', { class: 'now' });
    this.dots = values.map((row, t) =>
      row.map((_, k) => {
        const dot = element('i', { class: `dot line-${k % 6}` });
        dot.addEventListener('pointerdown', (event) => this.drag(event, t, k));
        return dot;
      }),
    );
    this.ends = [element('span', { class: 'end' }), element('span', { class: 'end low' })];
    this.plot.replaceChildren(this.now, lines, ...this.ends, ...this.dots.flat());

    /** @type {HTMLInputElement[][]} */
    this.inputs = values.map((row, t) =>
      row.map((_, k) => {
        const input = /** @type {HTMLInputElement} */ (
          element('input', {
            type: 'number',
            step: 'any',
            autocomplete: 'off',
            'aria-label': several ? `${features[k]}, ${step} ${t}` : `${step} ${t}`,
          })
        );
        input.addEventListener('focus', () => this.clock.go(t));
        input.addEventListener('input', () => {
          if (!isPossible(input.valueAsNumber)) return;
          this.values[t][k] = input.valueAsNumber;
          this.edited();
        });
        input.addEventListener('change', () => this.show());
        return input;
      }),
    );
    this.fields.replaceChildren(
      ...features.map((name, k) =>
        element(
          'div',
          { class: 'field-row' },
          several ? element('span', { 'aria-hidden': 'true' }, name) : null,
          ...this.inputs.map((row) => row[k]),
        ),
      ),
    );
    const few = values.length * features.length <= OPEN_FIELDS;
    /** @type {HTMLDetailsElement} */ (this.details).open = few;
  }

  /** The range of the plot: the likely one, and whatever is beyond it. */
  range() {
    const all = this.values.flat();
    const [low, high] = this.reading.range;
    return this.held ?? [Math.min(low, ...all), Math.max(high, ...all)];
  }

  show() {
    const { values } = this;
    const [low, high] = this.range();
    const x = (/** @type {number} */ t) => ((t + 0.5) / values.length) * 100;
    const y = (/** @type {number} */ value) => ((high - value) / (high - low)) * 100;
    for (const end of ['y1', 'y2']) setAttribute(this.zero, end, String(y(0)));
    setText(this.ends[0], number(high, 3));
    setText(this.ends[1], number(low, 3));
    this.lines.forEach((line, k) => {
      setAttribute(line, 'points', values.map((row, t) => `${x(t)},${y(row[k])}`).join(' '));
    });
    values.forEach((row, t) => {
      row.forEach((value, k) => {
        const { style } = this.dots[t][k];
        style.left = `${x(t)}%`;
        style.top = `${y(value)}%`;
        const input = this.inputs[t][k];
        if (input !== document.activeElement || input.valueAsNumber !== value) {
          const shown = text(value);
          if (input.value !== shown) input.value = shown;
        }
      });
    });
    this.mark();
  }

  mark() {
    if (!this.now) return;
    const T = this.values.length;
    this.now.style.left = `${(this.clock.t / T) * 100}%`;
    this.now.style.width = `${100 / T}%`;
  }

  edited() {
    this.show();
    this.onEdit(this.values.map((row) => [...row]));
  }

  /** @param {number} by */
  lengthen(by) {
    const [least, most] = this.reading.length;
    const length = this.values.length + by;
    if (length < least || length > most) return;
    const last = this.values.at(-1);
    this.onEdit(by < 0 ? this.values.slice(0, by) : [...this.values, [...last]]);
  }

  /** @param {PointerEvent} event @param {number} t @param {number} k */
  drag(event, t, k) {
    event.preventDefault();
    const dot = this.dots[t][k];
    const box = this.plot.getBoundingClientRect();
    const [low, high] = this.range();
    this.held = [low, high]; // the ground does not move under a point that is dragged
    this.clock.go(t);
    dot.setPointerCapture(event.pointerId);
    dot.dataset.held = '';
    const move = (/** @type {PointerEvent} */ { clientY }) => {
      const part = Math.max(0, Math.min(1, (clientY - box.top) / box.height));
      const value = high - part * (high - low);
      this.values[t][k] = Number(value.toPrecision(DECIMALS));
      this.edited();
    };
    const end = () => {
      this.held = null;
      delete dot.dataset.held;
      dot.removeEventListener('pointermove', move);
      this.show();
    };
    dot.addEventListener('pointermove', move);
    dot.addEventListener('pointerup', end, { once: true });
    dot.addEventListener('pointercancel', end, { once: true });
  }
}
