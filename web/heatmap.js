// A matrix as a picture: one square a number, nearest-neighbour, zero in the middle of the scale. The
// pointer or the arrow keys read single values. Where one side of it is time, the step that a clock
// points at is framed.

import { element, setAttribute, setText } from './dom.js';
import { oncePerFrame, whileNear } from './paint.js';
import { diverging, inkOn, paintPixels } from './scale.js';
import { dataBehind, plainTable, renewData } from './tables.js';
import { minus, number } from './text.js';
import { color, onThemeChange } from './theme.js';

const LARGEST_CELL = 44; // CSS pixels
const NUMBERS_FROM = 40; // cells so wide show their number
const TALLEST = 440;
const LEAST_ROW = 14; // the height of a row, where there are few of them
const FEW_ROWS = 16;
const TABLE_SIDE = 32;
const WIDE = 100; // columns of a picture that needs the whole width

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** @typedef {import('./experiments/types.js').Matrix} Matrix */

/** @param {ArrayLike<number>} data the largest magnitude, 1 when all are zero */
function magnitude(data) {
  let most = 0;
  for (let i = 0; i < data.length; i += 1) {
    const size = Math.abs(data[i]);
    if (size > most && size < Infinity) most = size;
  }
  return most || 1;
}

/** The scale, from the most negative to the most positive. */
function legend() {
  const bar = /** @type {HTMLCanvasElement} */ (
    element('canvas', { class: 'scale-bar', 'aria-hidden': 'true' })
  );
  const paint = () => {
    const data = Array.from({ length: 129 }, (_, i) => i / 64 - 1);
    paintPixels(bar, { shape: [1, 129], data }, 1);
  };
  paint();
  const [low, high] = [element('span', {}), element('span', {})];
  const name = (/** @type {number} */ most) => {
    const end = number(most, 3);
    setText(high, end);
    setText(low, `−${end}`);
  };
  return { node: element('span', { class: 'scale' }, low, bar, high), paint, name };
}

/**
 * @param {Matrix} first
 * @param {import('./clock.js').Clock} [clock]
 * @returns {{ node: HTMLElement, update: (matrix: Matrix) => void }} later pictures have the same title
 */
export function createHeatmap(first, clock) {
  const { title, rowLabel = 'row', columnLabel = 'column', time } = first;
  let matrix = first;
  let { data } = matrix;
  let [rows, columns] = matrix.shape;
  let most = matrix.most ?? magnitude(data);
  let cursor = { row: 0, column: 0, seen: false };
  let focused = false;

  const canvas = /** @type {HTMLCanvasElement} */ (
    element('canvas', {
      class: 'heat',
      role: 'img',
      tabindex: 0,
    })
  );
  const size = element('span', { class: 'shape' });
  const box = element('div', { class: 'heat-box' }, canvas);
  const readout = element('output', { class: 'readout' });
  const scale = legend();
  const pixels = /** @type {HTMLCanvasElement} */ (element('canvas')); // one a number
  let boxWidth = 0;

  /** The size of a cell in CSS pixels. */
  const cell = { width: 0, height: 0 };
  /** Gives the picture its size, which it has before it is painted. */
  const fit = () => {
    const wide = (boxWidth || 600) / columns;
    cell.width = Math.min(LARGEST_CELL, wide, Math.max(2, TALLEST / rows));
    cell.height = rows <= FEW_ROWS ? Math.max(cell.width, LEAST_ROW) : cell.width;
    canvas.style.width = `${Math.round(cell.width * columns)}px`;
    canvas.style.height = `${Math.round(cell.height * rows)}px`;
    repaint();
  };

  const paint = () => {
    const ratio = devicePixelRatio || 1;
    const [wide, high] = [cell.width * columns, cell.height * rows].map((side) =>
      Math.round(side * ratio),
    );
    if (canvas.width !== wide) canvas.width = wide;
    if (canvas.height !== high) canvas.height = high;
    const context = canvas.getContext('2d');
    const width = canvas.width / columns;
    const height = canvas.height / rows;
    context.imageSmoothingEnabled = false;
    paintPixels(pixels, matrix, most);
    context.drawImage(pixels, 0, 0, canvas.width, canvas.height);
    if (cell.width >= NUMBERS_FROM) {
      context.font = `${11 * ratio}px ui-monospace, monospace`;
      context.textAlign = 'center';
      context.textBaseline = 'middle';
      for (let i = 0; i < rows * columns; i += 1) {
        context.fillStyle = inkOn(diverging(data[i] / most));
        const text = minus(data[i].toFixed(Math.abs(data[i]) >= 100 ? 0 : 2));
        const x = ((i % columns) + 0.5) * width;
        context.fillText(text, x, (Math.floor(i / columns) + 0.5) * height, width * 0.94);
      }
    }
    if (clock && time) {
      const line = 2 * ratio;
      context.lineWidth = line;
      context.strokeStyle = color('--ink');
      const [x, y, w, h] =
        time === 'columns'
          ? [clock.t * width, 0, width, canvas.height]
          : [0, clock.t * height, canvas.width, height];
      context.strokeRect(x + line / 2, y + line / 2, w - line, Math.max(line, h - line));
    }
    if (cursor.seen) {
      const line = 2 * ratio;
      const [x, y] = [cursor.column * width, cursor.row * height];
      context.lineWidth = line;
      context.strokeStyle = inkOn(diverging(data[cursor.row * columns + cursor.column] / most));
      context.strokeRect(
        x + line / 2,
        y + line / 2,
        Math.max(line, width - line),
        Math.max(line, height - line),
      );
    }
  };

  const repaint = whileNear(canvas, paint);

  const point = (/** @type {number} */ row, /** @type {number} */ column) => {
    cursor = { row, column, seen: true };
    const value = data[row * columns + column];
    readout.textContent = `${rowLabel} ${row}, ${columnLabel} ${column}: ${number(value, 8)}`;
    if (clock && time && focused) clock.go(time === 'rows' ? row : column);
    repaint();
  };
  const leave = () => {
    cursor.seen = false;
    readout.textContent = '';
    repaint();
  };
  const clamp = (/** @type {number} */ at, /** @type {number} */ size) =>
    Math.max(0, Math.min(size - 1, at));

  canvas.addEventListener('pointermove', ({ offsetX, offsetY }) => {
    const row = clamp(Math.floor((offsetY / canvas.clientHeight) * rows), rows);
    const column = clamp(Math.floor((offsetX / canvas.clientWidth) * columns), columns);
    if (!cursor.seen || row !== cursor.row || column !== cursor.column) point(row, column);
  });
  canvas.addEventListener('pointerleave', leave);
  canvas.addEventListener('click', () => {
    if (clock && time) clock.go(time === 'rows' ? cursor.row : cursor.column);
  });
  canvas.addEventListener('focus', () => {
    // a click points by itself
    if (!cursor.seen) point(cursor.row, cursor.column);
    focused = true;
  });
  canvas.addEventListener('blur', () => {
    focused = false;
    leave();
  });
  canvas.addEventListener('keydown', (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    point(clamp(cursor.row + move[0], rows), clamp(cursor.column + move[1], columns));
  });

  const update = (/** @type {Matrix} */ next) => {
    matrix = next;
    ({ data } = matrix);
    [rows, columns] = matrix.shape;
    most = matrix.most ?? magnitude(data);
    setText(size, `${rows} × ${columns}`);
    scale.name(most);
    setAttribute(
      canvas,
      'aria-label',
      `${title}: ${rows} by ${columns} values, none larger than ${number(most, 3)} in size. ` +
        'Arrow keys read single values.',
    );
    cursor.row = clamp(cursor.row, rows);
    cursor.column = clamp(cursor.column, columns);
    fit();
  };
  update(first);
  clock?.listen(repaint);
  const resize = oncePerFrame(fit); // in a frame after: a picture that grows moves what other observers look at
  new ResizeObserver(([{ contentRect }]) => {
    boxWidth = contentRect.width;
    resize();
  }).observe(box);
  onThemeChange(canvas, () => {
    repaint();
    scale.paint();
  });

  const table = () => {
    const [shownRows, shownColumns] = [Math.min(rows, TABLE_SIDE), Math.min(columns, TABLE_SIDE)];
    const part = shownRows < rows || shownColumns < columns;
    return plainTable(
      {
        title: part ? `The first ${shownRows} rows and ${shownColumns} columns` : title,
        columns: [rowLabel, ...Array.from({ length: shownColumns }, (_, i) => String(i))],
        rows: Array.from({ length: shownRows }, (_, r) => [
          r,
          ...Array.from({ length: shownColumns }, (_, c) => number(data[r * columns + c], 6)),
        ]),
      },
      part,
    );
  };
  const values = dataBehind('Values', table);
  const node = element(
    'figure',
    { class: columns > WIDE ? 'matrix wide' : 'matrix' },
    element('figcaption', {}, element('span', { class: 'matrix-title' }, title), size),
    box,
    element('div', { class: 'matrix-foot' }, scale.node, values, readout),
  );
  return {
    node,
    update(next) {
      update(next);
      renewData(values);
    },
  };
}
