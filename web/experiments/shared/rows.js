// Rows: a number of the notebook, the number computed here, and how far the two agree.

/** @import { Row } from '../types.js' */

/**
 * Numbers as a notebook prints them. The text is kept, for its count of decimals is what they can
 * be compared to.
 * @param {string} text  numbers between white space
 * @returns {{ texts: string[], values: number[], decimals: number }}
 */
export function printed(text) {
  const texts = text.trim().split(/\s+/);
  const decimals = Math.max(...texts.map((number) => (number.split('.')[1] ?? '').length));
  return { texts, values: texts.map(Number), decimals };
}

/**
 * How many significant digits agree: counted at the largest of the printed numbers, a digit agrees
 * while the worst difference is at most half a unit of its place.
 * @param {ArrayLike<number>} values   printed
 * @param {number} decimals            of the print, beyond which nothing can agree
 * @param {number} difference          the largest
 */
export function agreeingDigits(values, decimals, difference) {
  const largest = Math.max(...Array.from(values, Math.abs));
  const place = largest > 0 ? Math.floor(Math.log10(largest)) + 1 : 0;
  let digits = Math.max(0, place + decimals);
  while (digits > 0 && !(difference <= 0.5 * 10 ** (place - digits) * (1 + 1e-9))) digits--;
  return digits;
}

/**
 * The largest |a − b|; not a number as soon as one of them is not.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
export function largestDifference(a, b) {
  if (a.length !== b.length) return Number.NaN;
  let largest = 0;
  for (let k = 0; k < a.length; k++) {
    const difference = Math.abs(a[k] - b[k]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/**
 * numpy.allclose with its defaults: |a − b| ≤ 1e-8 + 1e-5 |b| everywhere.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b
 */
export function allclose(a, b) {
  if (a.length !== b.length) return false;
  for (let k = 0; k < a.length; k++) {
    if (!(Math.abs(a[k] - b[k]) <= 1e-8 + 1e-5 * Math.abs(b[k]))) return false;
  }
  return true;
}

/**
 * @param {string[]} texts
 * @returns {string}  one or two numbers in full, of more the first and the last
 */
const brief = (texts) => (texts.length <= 2 ? texts.join(' ') : `${texts[0]} … ${texts.at(-1)}`);

/**
 * Numbers at so many decimals, in brief.
 * @param {ArrayLike<number>} values
 * @param {number} decimals
 */
export const show = (values, decimals) =>
  brief(Array.from(values, (value) => value.toFixed(decimals)));

/**
 * Numbers against the notebook's, at a tolerance.
 * @param {string} what
 * @param {{ texts: string[], values: number[], decimals: number }} print
 * @param {ArrayLike<number>} computed
 * @param {{ absolute?: number, relative?: number, tolerances?: number[], why: string,
 *   recorded?: boolean }} compare
 *   the tolerance: absolute, relative to each number, or one for each number; `recorded` when the
 *   numbers are not the notebook's but PyTorch's for the same seed
 * @returns {Row}
 */
export function numbers(what, print, computed, compare) {
  const { absolute = 0, relative = 0, tolerances, why, recorded = false } = compare;
  const { texts, values, decimals } = print;
  const agrees =
    values.length === computed.length &&
    values.every((value, k) => {
      const tolerance = tolerances ? tolerances[k] : absolute + relative * Math.abs(value);
      return Math.abs(computed[k] - value) <= tolerance;
    });
  return {
    what,
    printed: recorded ? null : brief(texts),
    ...(recorded && { recorded: brief(texts) }),
    computed: show(computed, decimals),
    ...(texts.length > 2 && {
      all: { expected: texts, computed: Array.from(computed, (value) => value.toFixed(decimals)) },
    }),
    agrees,
    digits: agreeingDigits(values, decimals, largestDifference(values, computed)),
    note: why,
  };
}

/**
 * Things that are equal or not: shapes, integers, texts.
 * @param {string} what
 * @param {unknown} expected  as the notebook has it
 * @param {unknown} computed
 * @param {string} [note]
 * @returns {Row}
 */
export function exact(what, expected, computed, note = 'exact') {
  const [a, b] = [expected, computed].map(describe);
  return { what, printed: a, computed: b, agrees: a === b, digits: null, note };
}

/** @param {unknown} value */
const describe = (value) =>
  Array.isArray(value) ? `[${value.join(', ')}]` : value === true ? 'True' : String(value);

/**
 * A statement that the notebook makes, or that its code implies, and that holds for any numbers.
 * @param {string} what
 * @param {string | null} print  what the notebook prints of it
 * @param {string} computed
 * @param {boolean} holds
 * @param {string} note
 * @returns {Row}
 */
export const property = (what, print, computed, holds, note) => ({
  what,
  printed: print,
  computed,
  agrees: holds,
  digits: null,
  note,
});

/**
 * A number that cannot come out again, with the reason.
 * @param {string} what
 * @param {string} print
 * @param {string} computed
 * @param {string} reason
 * @returns {Row}
 */
export const unreproducible = (what, print, computed, reason) => ({
  what,
  printed: print,
  computed,
  agrees: null,
  digits: null,
  note: reason,
});

/**
 * A small number, as in "6.0e-8".
 * @param {number} value
 */
export const small = (value) => (value === 0 ? '0' : value.toExponential(1));
