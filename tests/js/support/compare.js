// How close is close enough: |got - want| <= A + R * M, M the largest magnitude expected; NaN
// equals NaN, and an infinity itself.

import assert from 'node:assert/strict';

/** @typedef {{ A?: number, R?: number }} Tolerance */
/** @typedef {{ readonly length: number, readonly [i: number]: number }} Numbers */

/** The largest finite magnitude. @param {Numbers} values */
export function largest(values) {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size > most && size < Infinity) most = size;
  }
  return most;
}

/**
 * 0 where both are NaN or the same, NaN where only one of them is finite.
 * @param {number} got
 * @param {number} want
 */
function distance(got, want) {
  if (Object.is(got, want) || got === want) return 0;
  return Number.isFinite(got) && Number.isFinite(want) ? Math.abs(got - want) : NaN;
}

/**
 * Fails at the place that is furthest beyond what is allowed there.
 * @param {Numbers} got
 * @param {Numbers} want
 * @param {(place: number) => number} allowed
 * @param {string} what
 * @returns {number}  the largest distance
 */
function check(got, want, allowed, what) {
  assert.equal(got.length, want.length, `${what}: length`);
  let worst = 0;
  let place = -1;
  let beyond = 0;
  for (let i = 0; i < want.length; i++) {
    const apart = distance(got[i], want[i]);
    worst = Math.max(worst, apart);
    const over = apart - allowed(i);
    if (over <= 0 || over <= beyond || Number.isNaN(beyond)) continue;
    place = i;
    beyond = over;
  }
  if (place >= 0) {
    assert.fail(
      `${what}: at [${place}] got ${got[place]}, expected ${want[place]}, ` +
        `${distance(got[place], want[place])} apart where ${allowed(place)} is allowed`,
    );
  }
  return worst;
}

/**
 * @param {Numbers} got
 * @param {Numbers} want
 * @param {Tolerance} tolerance
 * @param {string} what
 * @returns {number}  the worst difference, over the largest magnitude
 */
export function assertClose(got, want, { A = 0, R = 0 }, what) {
  const M = largest(want);
  const worst = check(got, want, () => A + R * M, what);
  return M > 0 ? worst / M : worst;
}

/**
 * Each value within R of its own size.
 * @param {Numbers} got
 * @param {Numbers} want
 * @param {number} R
 * @param {string} what
 * @returns {number}  the worst difference, over the largest magnitude
 */
export function assertRelative(got, want, R, what) {
  const worst = check(got, want, (i) => R * Math.abs(want[i]), what);
  return worst / (largest(want) || 1);
}

/**
 * The same bits, but for the sign of a zero and the payload of a NaN.
 * @param {Numbers} got
 * @param {Numbers} want
 * @param {string} what
 */
export function assertSame(got, want, what) {
  check(got, want, () => 0, what);
}

/**
 * Every tensor of a state dict the same.
 * @param {Record<string, { data: Numbers }>} got
 * @param {Record<string, { data: Numbers }>} want
 * @param {string} what
 */
export function assertSameState(got, want, what) {
  assert.deepEqual(Object.keys(got), Object.keys(want), `${what}: names`);
  for (const name of Object.keys(want)) {
    assertSame(got[name].data, want[name].data, `${what} ${name}`);
  }
}

/** Keeps the worst of what it is told, for a test's diagnostic. */
export class Worst {
  /** @type {Map<string, number>} */
  #errors = new Map();

  /** @param {string} kind @param {number} error */
  note(kind, error) {
    this.#errors.set(kind, Math.max(this.#errors.get(kind) ?? 0, error));
  }

  toString() {
    const parts = [...this.#errors].map(([kind, error]) => `${kind} ${error.toExponential(1)}`);
    return `worst error, of the largest magnitude: ${parts.join(', ')}`;
  }
}
