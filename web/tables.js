// Tables: the notebook's numbers beside ours, and plain ones. On a narrow screen CSS stacks their
// cells; the roles keep them tables for screen readers then.

import { element } from './dom.js';
import { minus } from './text.js';
import { rowBadge } from './verdict.js';

/** @typedef {import('./experiments/types.js').Row} Row */

const NUMBER = /^[-−+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** @param {string} text */
const isNumber = (text) => NUMBER.test(text.trim());

/** @param {string} tag @param {string} role @param {string} label @param {...(Node | string)} content */
const cell = (tag, role, label, ...content) =>
  element(
    tag,
    { role, 'data-label': label, scope: role === 'rowheader' ? 'row' : null },
    ...content,
  );

/** @param {string[]} columns */
const head = (columns) =>
  element(
    'thead',
    { role: 'rowgroup' },
    element(
      'tr',
      { role: 'row' },
      ...columns.map((column) => element('th', { role: 'columnheader', scope: 'col' }, column)),
    ),
  );

/**
 * One computed number: what goes beyond the expected digits is in a softer ink, what departs from
 * them is marked when the row differs.
 * @param {string} computed @param {string} expected @param {boolean | null} agrees
 */
function digits(computed, expected, agrees) {
  let same = 0;
  while (same < computed.length && computed[same] === expected[same]) same += 1;
  if (agrees === null || same === computed.length) return minus(computed);
  const rest = same === 0 ? minus(computed) : computed.slice(same);
  const marked = agrees ? element('span', { class: 'beyond' }, rest) : element('mark', {}, rest);
  return element('span', {}, minus(computed.slice(0, same)), marked);
}

/** The computed value, number by number beside the expected one. @param {Row} row */
function computedValue({ printed, recorded, computed, agrees }) {
  const ours = computed.split(' ');
  const theirs = (printed ?? recorded ?? '').split(' ');
  if (ours.length !== theirs.length) return minus(computed);
  const parts = ours.flatMap((text, i) => {
    const both = isNumber(text) && isNumber(theirs[i]);
    return [i > 0 ? ' ' : '', both ? digits(text, theirs[i], agrees) : text];
  });
  return element('span', {}, ...parts);
}

/** What the notebook printed, or what PyTorch says for the same seed. @param {Row} row */
function expectedValue({ printed, recorded }) {
  if (printed !== null) return [minus(printed)];
  if (recorded === undefined) return ['–'];
  return [minus(recorded), element('small', {}, 'recorded from PyTorch')];
}

/** @param {Row[]} rows @param {string} caption */
export function comparison(rows, caption) {
  const lines = rows.map((row) =>
    element(
      'tr',
      { role: 'row' },
      cell('th', 'rowheader', '', row.what, row.note ? element('small', {}, row.note) : ''),
      cell('td', 'cell', 'Notebook', ...expectedValue(row)),
      cell('td', 'cell', 'Here', computedValue(row)),
      cell('td', 'cell', '', rowBadge(row)),
    ),
  );
  return element(
    'table',
    { class: 'comparison', role: 'table' },
    element('caption', { class: 'unseen' }, caption),
    head(['What', 'Notebook', 'Here', 'Verdict']),
    element('tbody', { role: 'rowgroup' }, ...lines),
  );
}

/**
 * @param {{ title: string, columns: string[], rows: (string | number | null)[][] }} content
 * @param {boolean} [captionSeen]
 */
export function plainTable({ title, columns, rows }, captionSeen = true) {
  const body = rows.map((row) =>
    element(
      'tr',
      {},
      ...row.map((value) => {
        const text = value === null ? '–' : String(value);
        return element('td', { class: isNumber(text) ? 'numeric' : null }, minus(text));
      }),
    ),
  );
  const table = element(
    'table',
    { class: 'plain' },
    element('caption', { class: captionSeen ? null : 'unseen' }, title),
    head(columns),
    element('tbody', {}, ...body),
  );
  // A wide table scrolls in its own box, which the keyboard must be able to reach.
  return element(
    'div',
    { class: 'scroller', tabindex: 0, role: 'group', 'aria-label': title },
    table,
  );
}

/**
 * The data behind a picture, folded away and made when it is opened.
 * @param {string} label
 * @param {() => Node} make
 */
export function dataBehind(label, make) {
  const details = /** @type {HTMLDetailsElement} */ (
    element('details', { class: 'data' }, element('summary', {}, label))
  );
  details.addEventListener('toggle', () => {
    while (details.children.length > 1) details.lastChild.remove();
    if (details.open) details.append(make());
  });
  return details;
}
