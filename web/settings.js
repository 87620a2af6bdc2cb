// A training's settings in a few words, for legends and offers.

import { number } from './text.js';

/** @typedef {import('./experiments/types.js').Param} Param */
/** @typedef {import('./experiments/types.js').Values} Values */

/** A value as people say it. @param {Param} param @param {number | string} value */
export function said(param, value) {
  const choice = param.choices?.find((one) => one.value === value);
  if (choice) return choice.label.split(':')[0];
  return param.type === 'int' ? String(value) : number(Number(value));
}

/**
 * What differs from the defaults, or from another run's values.
 * @param {{ params: Param[] }} experiment @param {Values} values @param {Values} [others]
 */
export function settingsText({ params }, values, others) {
  const parts = params
    .filter(({ name, default: usual }) => values[name] !== (others ? others[name] : usual))
    .map((param) => {
      const text = said(param, values[param.name]);
      return param.type === 'choice' ? text : `${param.label.toLowerCase()} ${text}`;
    });
  if (values.changes?.length > 0) parts.push('steered');
  if (parts.length > 0) return parts.join(', ');
  return others ? 'the same settings' : 'as in the notebook';
}

/**
 * The values that hold at a step: those at the beginning, and the changes up to there.
 * @param {Values} values @param {number} done
 * @returns {Values}
 */
export function valuesAt(values, done) {
  const now = { ...values };
  for (const { step, name, value } of values.changes ?? []) if (step <= done) now[name] = value;
  return now;
}

/**
 * Whether two runs are one up to a step: the same settings, and the same changes so far.
 * @param {Values} one @param {Values} other @param {number} done
 */
export function sameUntil(one, other, done) {
  const past = (/** @type {Values} */ { changes = [], ...settings }) =>
    JSON.stringify([settings, changes.filter((/** @type {any} */ { step }) => step <= done)]);
  return past(one) === past(other);
}
