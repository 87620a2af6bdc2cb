// A small chart of finished numbers.

import { element, whenSized } from './dom.js';
import { createPlot } from './plot.js';
import { dataBehind, plainTable, renewData } from './tables.js';
import { number } from './text.js';

const STROKES = ['--accent', '--line-2', '--line-3', '--line-4', '--line-5', '--soft'];
const TABLE_ROWS = 200;
const DOTTED = 60; // up to so many points each is a dot

/**
 * Whether a later line lies on this one all the way: then this one is drawn broader, and so seen.
 * @param {number[][]} columns
 * @param {number} i
 */
function isCovered(columns, i) {
  const all = columns.flat();
  const range =
    all.reduce((a, b) => Math.max(a, b), -Infinity) -
    all.reduce((a, b) => Math.min(a, b), Infinity);
  return columns
    .slice(i + 1)
    .some((later) => later.every((value, k) => Math.abs(value - columns[i][k]) <= 0.01 * range));
}

/** @typedef {import('./experiments/types.js').Series} Series */

/**
 * @param {Series} first
 * @param {import('./clock.js').Clock} [clock] moved by the pointer, along the points
 * @returns {{ node: HTMLElement, update: (series: Series) => void }} later series have the same lines
 */
export function createSeries(first, clock) {
  const { title, xLabel = 'x', lines, log = false } = first;
  let { x } = first;
  let columns = lines.map(({ values }) => values);

  const readout = element('span', { class: 'readout' });
  const legend = element(
    'div',
    { class: 'legend' },
    ...lines.map(({ label }, i) =>
      element('span', {}, element('i', { class: `swatch line-${i % STROKES.length}` }), label),
    ),
  );
  const canvas = element('div', { class: 'plot small', role: 'img' });
  const describe = () => {
    const range = columns.map((values, i) => {
      const low = values.reduce((a, b) => Math.min(a, b), Infinity);
      const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
      return `${lines[i].label} from ${number(low)} to ${number(high)}`;
    });
    canvas.setAttribute('aria-label', `${title}: ${x.length} points; ${range.join('; ')}`);
  };
  describe();
  const options = {
    x: xLabel,
    whole: x.every(Number.isInteger),
    height: 220,
    log,
    lines: lines.map(({ label }, i) => {
      const covered = isCovered(columns, i);
      const stroke = STROKES[i % STROKES.length];
      return { label, stroke, width: covered ? 7 : 2, points: x.length <= DOTTED && !covered };
    }),
    onPoint: (/** @type {number | null} */ at) => {
      if (at !== null) clock?.go(at);
      readout.textContent =
        at === null
          ? ''
          : [
              `${xLabel} ${x[at]}`,
              ...lines.map(({ label }, i) => `${label} ${number(columns[i][at], 7)}`),
            ].join(' · ');
    },
  };
  /** @type {import('uplot') | null} */
  let plot = null;
  const aligned = () => /** @type {any} */ ([x, ...columns]);
  // uPlot measures its box. Who prints the page, or jumps into it, sees the lines at once.
  whenSized(canvas, () => {
    ({ plot } = createPlot(canvas, options, aligned()));
  });

  const table = () => {
    const count = x.length;
    return plainTable(
      {
        title: `The first ${Math.min(count, TABLE_ROWS)} of ${count} points`,
        columns: [xLabel, ...lines.map(({ label }) => label)],
        rows: x
          .slice(0, TABLE_ROWS)
          .map((at, i) => [at, ...columns.map((values) => number(values[i], 8))]),
      },
      count > TABLE_ROWS,
    );
  };
  const data = dataBehind('The same as a table', table);
  const node = element(
    'figure',
    { class: 'chart' },
    element('div', { class: 'chart-head' }, element('h4', {}, title), legend),
    canvas,
    element('figcaption', {}, data, readout),
  );
  return {
    node,
    update(series) {
      ({ x } = series);
      columns = series.lines.map(({ values }) => values);
      describe();
      plot?.setData(aligned());
      renewData(data);
    },
  };
}
