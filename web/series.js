// A small chart of finished numbers.

import { element, whenNear } from './dom.js';
import { createPlot } from './plot.js';
import { dataBehind, plainTable } from './tables.js';
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

/**
 * @param {import('./experiments/types.js').Series} series
 * @returns {HTMLElement}
 */
export function seriesChart({ title, x, xLabel = 'x', lines }) {
  const count = x.length;
  const columns = lines.map(({ values }) => values);

  const readout = element('span', { class: 'readout' });
  const legend = element(
    'div',
    { class: 'legend' },
    ...lines.map(({ label }, i) =>
      element('span', {}, element('i', { class: `swatch line-${i % STROKES.length}` }), label),
    ),
  );
  const range = columns.map((values, i) => {
    const low = values.reduce((a, b) => Math.min(a, b), Infinity);
    const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
    return `${lines[i].label} from ${number(low)} to ${number(high)}`;
  });
  const canvas = element('div', {
    class: 'plot',
    role: 'img',
    'aria-label': `${title}: ${count} points; ${range.join('; ')}`,
  });
  const options = {
    x: xLabel,
    whole: x.every(Number.isInteger),
    height: 220,
    lines: lines.map(({ label }, i) => {
      const covered = isCovered(columns, i);
      const stroke = STROKES[i % STROKES.length];
      return { label, stroke, width: covered ? 7 : 2, points: count <= DOTTED && !covered };
    }),
    onPoint: (/** @type {number | null} */ at) => {
      readout.textContent =
        at === null
          ? ''
          : [
              `${xLabel} ${x[at]}`,
              ...lines.map(({ label }, i) => `${label} ${number(columns[i][at], 7)}`),
            ].join(' · ');
    },
  };
  // uPlot measures its box: draw when there is one.
  whenNear(canvas, () => createPlot(canvas, options, /** @type {any} */ ([x, ...columns])));

  const table = () =>
    plainTable(
      {
        title: `The first ${Math.min(count, TABLE_ROWS)} of ${count} points`,
        columns: [xLabel, ...lines.map(({ label }) => label)],
        rows: x
          .slice(0, TABLE_ROWS)
          .map((at, i) => [at, ...columns.map((values) => number(values[i], 8))]),
      },
      count > TABLE_ROWS,
    );
  return element(
    'figure',
    { class: 'chart' },
    element('div', { class: 'chart-head' }, element('h4', {}, title), legend),
    canvas,
    element('figcaption', {}, dataBehind('The same as a table', table), readout),
  );
}
