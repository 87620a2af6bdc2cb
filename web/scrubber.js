// One step of a network at a time: its equation with every vector as coloured numbers, and for one unit
// the same equation filled in.

import { element } from './dom.js';
import { diverging, inkOn, paintPixels } from './scale.js';
import { dataBehind, plainTable, renewData } from './tables.js';
import { minus, number } from './text.js';
import { onThemeChange } from './theme.js';

/** @typedef {import('./experiments/types.js').Unrolling} Unrolling */
/** @typedef {import('./experiments/types.js').Term} Term */

const BOXES = 12; // longer vectors are small squares without numbers
const FACTORS = 6; // of a product that are written out
const TICK = 900; // ms a step, while it plays
const TABLE_UNITS = 64;
const PALE = 8; // times smaller than the largest of all steps

/**
 * W_{xh} x_t, with its indices where they belong.
 * @param {string} text
 * @returns {Node[]}
 */
export function symbol(text) {
  return [...text.matchAll(/([_^])(?:\{([^}]*)\}|(.))|[^_^]+/g)].map(([all, sign, long, short]) =>
    sign ? element(sign === '_' ? 'sub' : 'sup', {}, long ?? short) : document.createTextNode(all),
  );
}

/** As a box has room for. @param {number} value */
function brief(value) {
  const size = Math.abs(value);
  if (size >= 1e4) return minus(value.toExponential(0));
  return minus(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2));
}

/** In the filled equation. @param {number} value */
function full(value) {
  const size = Math.abs(value);
  return minus(
    size >= 1e4 || (size > 0 && size < 1e-3) ? value.toExponential(3) : value.toFixed(4),
  );
}

/** @param {number[]} values */
const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);

/** @param {Term} term @param {number} t @returns {number[]} */
const at = (term, t) => term.values[term.values.length === 1 ? 0 : t];

export class Scrubber {
  /** @param {import('./clock.js').Clock} clock */
  constructor(clock) {
    this.clock = clock;
    this.unit = 0;
    this.shape = '';
    /** @type {Unrolling | null} */
    this.unrolling = null;
    this.title = element('h4', {});
    // wide equations scroll in their box, which the keyboard must be able to reach
    this.lines = element('div', {
      class: 'equation',
      tabindex: 0,
      role: 'group',
      'aria-label': 'The equations of this step',
    });
    this.filled = element('div', { class: 'filled' });
    this.playing = 0;

    const slider = (/** @type {string} */ label, /** @type {(value: number) => void} */ act) => {
      const input = /** @type {HTMLInputElement} */ (
        element('input', { type: 'range', min: 0, max: 0, value: 0, step: 1, autocomplete: 'off' })
      );
      input.addEventListener('input', () => act(input.valueAsNumber));
      const said = element('output', { 'aria-hidden': 'true' });
      return {
        input,
        said,
        node: element('label', { class: 'slider' }, element('span', {}, label), input, said),
      };
    };
    this.time = slider('Step', (t) => {
      this.pause();
      clock.go(t);
    });
    this.units = slider('Unit', (k) => {
      this.unit = k;
      this.draw();
    });
    this.play = element(
      'button',
      {
        type: 'button',
        class: 'button quiet',
        onclick: () => (this.playing ? this.pause() : this.start()),
      },
      'Play',
    );
    this.data = dataBehind('The same as a table', () => this.table());
    this.node = element(
      'section',
      { class: 'scrubber' },
      this.title,
      element('div', { class: 'sliders' }, this.time.node, this.units.node, this.play),
      this.lines,
      this.filled,
      this.data,
    );
    clock.listen(() => this.draw());
    onThemeChange(this.node, () => this.draw());
  }

  /** @param {Unrolling} unrolling */
  update(unrolling) {
    this.unrolling = unrolling;
    const { title, terms, lines } = unrolling;
    this.title.textContent = title;
    const shape = JSON.stringify([
      lines,
      Object.entries(terms).map(([key, { symbol: sign, values }]) => [key, sign, values[0].length]),
    ]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.build();
    }
    /** Over all steps, of every term. @type {Record<string, number>} */
    this.most = Object.fromEntries(
      Object.entries(terms).map(([key, { values }]) => [key, Math.max(...values.map(largest))]),
    );
    this.draw();
  }

  build() {
    const { terms, lines } = this.unrolling;
    const sizes = lines.flat().map((key) => terms[key]?.values[0].length ?? 1);
    const most = Math.max(...sizes);
    this.unit = Math.min(this.unit, most - 1);
    this.units.input.max = String(most - 1);
    this.units.node.hidden = most === 1;
    /** @type {{ line: number, key: string, cells: HTMLElement[] | null, canvas: HTMLCanvasElement | null }[]} */
    this.vectors = [];
    this.lines.replaceChildren(
      ...lines.map((line, i) =>
        element(
          'div',
          {
            class: 'equation-line',
            role: 'group',
            'aria-label': `Equation ${i + 1} of ${lines.length}`,
          },
          ...line.map((key) =>
            key in terms
              ? this.vector(key, i)
              : element('span', { class: /^\w/.test(key) ? 'sign word' : 'sign' }, key),
          ),
        ),
      ),
    );
  }

  /** @param {string} key @param {number} line */
  vector(key, line) {
    const term = this.unrolling.terms[key];
    const n = term.values[0].length;
    const choose = (/** @type {number} */ k) => {
      this.unit = k;
      this.draw();
    };
    const caption = element('span', { class: 'symbol' }, ...symbol(term.symbol));
    /** @type {HTMLElement[] | null} */
    let cells = null;
    /** @type {HTMLCanvasElement | null} */
    let canvas = null;
    if (n <= BOXES) {
      cells = Array.from({ length: n }, (_, k) =>
        element('span', { class: 'cell', onclick: () => choose(k) }),
      );
    } else {
      canvas = /** @type {HTMLCanvasElement} */ (
        element('canvas', { class: 'dense', role: 'img' })
      );
      const columns = columnsOf(n);
      canvas.addEventListener('click', ({ offsetX, offsetY }) => {
        const row = Math.floor((offsetY / canvas.clientHeight) * Math.ceil(n / columns));
        choose(
          Math.min(n - 1, row * columns + Math.floor((offsetX / canvas.clientWidth) * columns)),
        );
      });
    }
    this.vectors.push({ line, key, cells, canvas });
    return element(
      'span',
      { class: 'vector', title: term.name },
      element('span', { class: cells ? 'cells' : 'squares' }, ...(cells ?? [canvas])),
      caption,
    );
  }

  /**
   * The end of a vector's colour scale. What is added up has one scale, so that its colours can be
   * compared; what an activation turns into something else has its own. It holds over all steps,
   * unless this one would be pale in it.
   * @param {string} key @param {string[]} line
   */
  scaleOf(key, line) {
    const { terms } = this.unrolling;
    const keys = line.includes('+') ? line.filter((one) => one in terms) : [key];
    const over = Math.max(...keys.map((one) => this.most[one]));
    const now = Math.max(...keys.map((one) => largest(at(terms[one], this.clock.t) ?? [])));
    return now < over / PALE ? now : over;
  }

  draw() {
    if (!this.unrolling) return;
    const { clock, unrolling } = this;
    const { t, steps } = clock;
    const { terms, lines } = unrolling;
    const { input, said } = this.time;
    input.max = String(steps - 1);
    input.value = String(t);
    said.textContent = `${t} of ${steps - 1}`;
    this.units.input.value = String(this.unit);
    this.units.said.textContent = String(this.unit);
    for (const { line, key, cells, canvas } of this.vectors) {
      const values = at(terms[key], t);
      if (!values) continue; // steps and terms change one after the other
      const most = this.scaleOf(key, lines[line]);
      const chosen = Math.min(this.unit, values.length - 1);
      if (cells) {
        values.forEach((value, k) => {
          const rgb = diverging(value / most);
          cells[k].textContent = brief(value);
          cells[k].title = full(value);
          cells[k].style.backgroundColor = `rgb(${rgb})`;
          cells[k].style.color = inkOn(rgb);
          cells[k].classList.toggle('chosen', k === chosen && values.length > 1);
        });
      } else {
        squares(canvas, values, most);
        const { symbol: sign, name } = terms[key];
        canvas.setAttribute('aria-label', `${sign}, ${name}: ${values.length} values as colours`);
      }
    }
    const equations = lines.filter((line) => line.includes('='));
    const several = !this.units.node.hidden;
    renewData(this.data);
    this.filled.replaceChildren(
      element('h5', {}, `Step ${t}${several ? `, unit ${this.unit}` : ''}, filled in`),
      ...equations.map((line) => this.fill(line)),
    );
    const last = equations.at(-1)?.[0];
    const value = last && at(terms[last], t)?.[Math.min(this.unit, at(terms[last], t).length - 1)];
    input.setAttribute(
      'aria-valuetext',
      `step ${t} of ${steps - 1}${value === undefined ? '' : `: ${terms[last].name} ${number(value, 4)}`}`,
    );
  }

  /** One line of the equation with the numbers of the chosen unit. @param {string[]} line */
  fill(line) {
    const { terms } = this.unrolling;
    const { t } = this.clock;
    const [result, , ...right] = line;
    const pick = (/** @type {string} */ key) => {
      const values = at(terms[key], t);
      return values[Math.min(this.unit, values.length - 1)];
    };
    const k = Math.min(this.unit, at(terms[result], t).length - 1);
    const parts = right.map((key) => {
      const term = terms[key];
      if (!term) return ` ${key} `;
      const value = pick(key);
      if (!term.product) return value < 0 ? `(${full(value)})` : full(value);
      return `[${this.factors(term, k, t)}]`;
    });
    return element(
      'p',
      {},
      element('span', { class: 'symbol' }, ...symbol(terms[result].symbol)),
      ` = ${parts.join('').replaceAll('  ', ' ')} = `,
      element('b', {}, full(pick(result))),
    );
  }

  /** A row of weights times a vector, written out. @param {Term} term @param {number} k @param {number} t */
  factors({ product: { weights, of, before } }, k, t) {
    const source = this.unrolling.terms[of];
    const columns = source.values[0].length;
    const vector = before
      ? t > 0
        ? source.values[t - 1]
        : new Array(columns).fill(0)
      : at(source, t);
    const shown = vector.slice(0, FACTORS).map((value, j) => {
      const weight = weights[k * columns + j];
      return `${weight < 0 ? (j > 0 ? ' − ' : '−') : j > 0 ? ' + ' : ''}${full(Math.abs(weight))}·${
        value < 0 ? `(${full(value)})` : full(value)
      }`;
    });
    return shown.join('') + (columns > FACTORS ? ` + … ${columns - FACTORS} more` : '');
  }

  start() {
    this.play.textContent = 'Pause';
    const { clock } = this;
    if (clock.t === clock.steps - 1) clock.go(0);
    this.playing = window.setInterval(() => {
      if (clock.t === clock.steps - 1 || !this.node.isConnected) this.pause();
      else clock.go(clock.t + 1);
    }, TICK);
  }

  pause() {
    clearInterval(this.playing);
    this.playing = 0;
    this.play.textContent = 'Play';
  }

  table() {
    const { terms } = this.unrolling;
    const { t } = this.clock;
    const keys = Object.keys(terms);
    const most = Math.max(...keys.map((key) => at(terms[key], t).length));
    return plainTable({
      title: `Step ${t}${most > TABLE_UNITS ? `, the first ${TABLE_UNITS} values` : ''}`,
      columns: ['unit', ...keys.map((key) => terms[key].symbol.replaceAll(/[{}]/g, ''))],
      rows: Array.from({ length: Math.min(most, TABLE_UNITS) }, (_, k) => [
        k,
        ...keys.map((key) => {
          const value = at(terms[key], t)[k];
          return value === undefined ? '' : number(value, 7);
        }),
      ]),
    });
  }
}

/** @param {number} n small squares, in a block somewhat wider than high */
const columnsOf = (n) => (n <= 64 ? 8 : Math.ceil(Math.sqrt(n * 1.3)));

/** @param {HTMLCanvasElement} canvas @param {number[]} values @param {number} most */
function squares(canvas, values, most) {
  const columns = columnsOf(values.length);
  const rows = Math.ceil(values.length / columns);
  const data = [...values, ...new Array(rows * columns - values.length).fill(0)];
  const side = values.length <= 64 ? 9 : 5;
  canvas.style.width = `${columns * side}px`;
  canvas.style.height = `${rows * side}px`;
  paintPixels(canvas, { shape: [rows, columns], data }, most);
}
