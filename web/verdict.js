// What a comparison came to, in one word for the eye and a sentence for everyone.

import { element } from './dom.js';
import { plural } from './text.js';

/** @typedef {import('./experiments/types.js').Row} Row */
/** @typedef {'agrees' | 'differs' | 'open'} Verdict open: there was nothing to agree with */

/** @param {Row} row @returns {Verdict} */
export function verdictOf({ agrees }) {
  if (agrees === null) return 'open';
  return agrees ? 'agrees' : 'differs';
}

/** @param {Row} row */
function words({ printed, recorded, agrees, digits }) {
  if (agrees === null) return (printed ?? recorded) ? 'cannot be reproduced' : 'nothing to compare';
  if (!agrees) return 'differs';
  return digits === null ? 'agrees' : `agrees to ${plural(digits, 'digit')}`;
}

/** @param {Row} row */
export function rowBadge(row) {
  return element('span', { class: 'badge', 'data-verdict': verdictOf(row) }, words(row));
}

/** @param {Row[]} rows */
export function tally(rows) {
  const of = (/** @type {Verdict} */ verdict) =>
    rows.filter((row) => verdictOf(row) === verdict).length;
  return { agrees: of('agrees'), differs: of('differs'), open: of('open') };
}

/** @param {Row[]} rows @returns {Verdict} */
export function overall(rows) {
  const { agrees, differs } = tally(rows);
  if (differs > 0) return 'differs';
  return agrees > 0 ? 'agrees' : 'open';
}

/** @param {Row[]} rows */
export function sentence(rows) {
  const { agrees, differs, open } = tally(rows);
  const parts = [];
  if (differs > 0) parts.push(`${differs} of ${rows.length} differ`);
  else if (agrees > 0) parts.push(agrees === rows.length ? 'all agree' : `${agrees} agree`);
  if (open > 0) parts.push(`${open} cannot be compared`);
  return parts.join(', ');
}

/** @param {Row[]} rows */
export function overallBadge(rows) {
  return element('span', { class: 'badge', 'data-verdict': overall(rows) }, sentence(rows));
}

/** What a comparison is called: by what it compares. @param {Row[]} rows */
export function sameTitle(rows) {
  const compared = rows.filter(({ digits }) => digits !== null);
  if (compared.length === 0) return 'The notebook and this page';
  if (overall(rows) === 'differs') return 'Not the same digits';
  const least = Math.min(...compared.map(({ digits }) => digits));
  return `Same digits as the notebook’s PyTorch and NumPy, ${plural(least, 'digit')} at least`;
}
