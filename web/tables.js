// Tables: the notebook's numbers beside ours, and plain ones. On a narrow screen CSS stacks their
// cells; the roles keep them tables for screen readers then.

import { element } from './dom.js';
import { minus } from './text.js';
import { overallBadge, rowBadge, sameTitle } from './verdict.js';

/** @typedef {import('./experiments/types.js').Row} Row */

const MOST_NUMBERS = 100; // of one row, in a table
const NUMBER = /^[-−+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** @param {string} text */
const isNumber = (text) => NUMBER.test(text.trim());

/** @param {string} tag @param {string} role @param {string} label @param {...(Node | string | null)} content */
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
 * One computed number: digits that are not the expected ones are marked, loudly when the row differs;
 * what goes beyond the expected digits is in a softer ink.
 * @param {string} computed @param {string} expected @param {boolean | null} agrees
 */
function digits(computed, expected, agrees) {
  let same = 0;
  while (same < computed.length && computed[same] === expected[same]) same += 1;
  if (agrees === null || same === computed.length) return minus(computed);
  const printed = Math.max(same, Math.min(expected.length, computed.length));
  const off = same === 0 ? minus(computed.slice(0, printed)) : computed.slice(same, printed);
  const beyond = computed.slice(printed);
  return element(
    'span',
    {},
    minus(computed.slice(0, same)),
    off ? element(agrees ? 'u' : 'mark', {}, off) : null,
    beyond ? element('span', { class: 'beyond' }, beyond) : null,
  );
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

/**
 * Many numbers, each beside the expected one.
 * @param {Row} row
 */
function allNumbers({ what, all: { expected, computed }, agrees }) {
  const shown = Math.min(expected.length, MOST_NUMBERS);
  const of = shown < expected.length ? `the first ${shown} of ${expected.length}` : `all ${shown}`;
  return dataBehind(`${of} numbers`, () => {
    const lines = expected
      .slice(0, shown)
      .map((text, k) =>
        element(
          'tr',
          {},
          element('td', {}, minus(text)),
          element('td', {}, digits(computed[k] ?? '', text, agrees)),
        ),
      );
    const table = element(
      'table',
      { class: 'plain' },
      element('caption', { class: 'unseen' }, `${what}: ${of}`),
      head(['expected', 'here']),
      element('tbody', {}, ...lines),
    );
    return element(
      'div',
      { class: 'scroller', tabindex: 0, role: 'group', 'aria-label': `${what}: ${of}` },
      table,
    );
  });
}

/**
 * The notes of several rows, once each under the table: a letter stands for them in the rows.
 * @param {Row[]} rows
 */
function footnotes(rows) {
  const shared = [...new Set(rows.map(({ note }) => note))].filter(
    (note) => note && rows.filter((row) => row.note === note).length > 1,
  );
  const letter = (/** @type {string} */ note) => String.fromCharCode(97 + shared.indexOf(note));
  return {
    /** @param {string} note */
    in(note) {
      if (!note) return null;
      if (!shared.includes(note)) return element('small', {}, note);
      return element('sup', {}, letter(note), element('span', { class: 'unseen' }, `: ${note}`));
    },
    /** The screen reader has heard them in the rows. */
    below:
      shared.length === 0
        ? null
        : element(
            'p',
            { class: 'notes', 'aria-hidden': 'true' },
            ...shared.map((note) =>
              element('span', {}, element('sup', {}, letter(note)), ` ${note}`),
            ),
          ),
  };
}

/** @param {Row[]} rows @param {string} caption */
export function comparison(rows, caption) {
  const notes = footnotes(rows);
  const lines = rows.map((row) =>
    element(
      'tr',
      { role: 'row' },
      cell('th', 'rowheader', '', row.what, notes.in(row.note)),
      cell('td', 'cell', 'Notebook', ...expectedValue(row)),
      cell('td', 'cell', 'Here', computedValue(row), row.all ? allNumbers(row) : null),
      cell('td', 'cell', '', rowBadge(row)),
    ),
  );
  const table = element(
    'table',
    { class: 'comparison', role: 'table' },
    element('caption', { class: 'unseen' }, caption),
    head(['What', 'Notebook', 'Here', 'Verdict']),
    element('tbody', { role: 'rowgroup' }, ...lines),
  );
  const key = rows.some(({ digits: count }) => count !== null)
    ? element(
        'p',
        { class: 'notes' },
        'Digits ',
        element('u', {}, '12'),
        ' that are not the expected ones are underlined: within the tolerance when the row agrees.',
      )
    : null;
  return element(
    'section',
    { class: 'same', 'aria-label': caption },
    element('div', { class: 'same-head' }, element('h4', {}, sameTitle(rows)), overallBadge(rows)),
    table,
    ...[notes.below, key].filter((one) => one !== null),
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

/**
 * Makes the data behind a picture again, because they are others now: when they can be seen, and nobody
 * is in the middle of them.
 * @param {HTMLElement} details
 */
export function renewData(details) {
  if (
    /** @type {HTMLDetailsElement} */ (details).open &&
    !details.contains(document.activeElement)
  ) {
    details.dispatchEvent(new Event('toggle'));
  }
}
