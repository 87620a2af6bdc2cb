// A matrix as a picture: one square a number, nearest-neighbour, zero in the middle of the scale. The
// pointer or the arrow keys read single values. Where one side of it is time, the step that a clock
// points at is framed.

import { element, oncePerFrame } from './dom.js';
import { diverging, inkOn } from './scale.js';
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

/**
 * One pixel a number.
 * @param {Pick<Matrix, 'shape' | 'data'>} matrix
 * @param {number} most
 */
export function pixels({ shape: [rows, columns], data }, most) {
  const image = new ImageData(columns, rows);
  for (let i = 0; i < rows * columns; i += 1) {
    const [r, g, b] = diverging(data[i] / most);
    image.data.set([r, g, b, 255], i * 4);
  }
  const canvas = /** @type {HTMLCanvasElement} */ (
    element('canvas', { width: columns, height: rows })
  );
  canvas.getContext('2d').putImageData(image, 0, 0);
  return canvas;
}

/** The scale, from the most negative to the most positive. */
function legend() {
  const bar = /** @type {HTMLCanvasElement} */ (
    element('canvas', { width: 129, height: 1, class: 'scale-bar', 'aria-hidden': 'true' })
  );
  const paint = () => {
    const data = Array.from({ length: 129 }, (_, i) => i / 64 - 1);
    const picture = pixels({ shape: [1, 129], data }, 1);
    bar.getContext('2d').drawImage(picture, 0, 0);
  };
  paint();
  const [low, high] = [element('span', {}), element('span', {})];
  const name = (/** @type {number} */ most) => {
    high.textContent = number(most, 3);
    low.textContent = `−${high.textContent}`;
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

  const cellSize = () => {
    const wide = (box.clientWidth || 600) / columns;
    return Math.min(LARGEST_CELL, wide, Math.max(2, TALLEST / rows));
  };

  const paint = () => {
    const ratio = devicePixelRatio || 1;
    const size = cellSize();
    canvas.style.width = `${Math.round(size * columns)}px`;
    const tall = rows <= FEW_ROWS ? Math.max(size, LEAST_ROW) : size;
    canvas.style.height = `${Math.round(tall * rows)}px`;
    canvas.width = Math.round(size * columns * ratio);
    canvas.height = Math.round(tall * rows * ratio);
    const context = canvas.getContext('2d');
    const width = canvas.width / columns;
    const height = canvas.height / rows;
    context.imageSmoothingEnabled = false;
    context.drawImage(pixels(matrix, most), 0, 0, canvas.width, canvas.height);
    if (size >= NUMBERS_FROM) {
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

  const point = (/** @type {number} */ row, /** @type {number} */ column) => {
    cursor = { row, column, seen: true };
    const value = data[row * columns + column];
    readout.textContent = `${rowLabel} ${row}, ${columnLabel} ${column}: ${number(value, 8)}`;
    if (clock && time && focused) clock.go(time === 'rows' ? row : column);
    paint();
  };
  const leave = () => {
    cursor.seen = false;
    readout.textContent = '';
    paint();
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
    size.textContent = `${rows} × ${columns}`;
    scale.name(most);
    canvas.setAttribute(
      'aria-label',
      `${title}: ${rows} by ${columns} values, none larger than ${number(most, 3)} in size. ` +
        'Arrow keys read single values.',
    );
    cursor.row = clamp(cursor.row, rows);
    cursor.column = clamp(cursor.column, columns);
    paint();
  };
  update(first);
  clock?.listen(paint);
  // in the next frame: a picture that grows moves what other observers look at
  new ResizeObserver(oncePerFrame(paint)).observe(box);
  onThemeChange(canvas, () => {
    paint();
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
