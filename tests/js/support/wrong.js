// Wrong values by what they are wrong for, each with the class of error that it must meet; and the
// test that walks through a table of calls with them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as unrolled from 'unrolled';
import { values } from './numeric.js';

const { ArgumentError, ShapeError, getRngState, info } = unrolled;

/** The library without its types: the calls are wrong on purpose. @type {any} */
export const u = unrolled;

/** @typedef {[value: unknown, Class: new (...args: any[]) => Error]} Wrong */
/**
 * What is called with a wrong value, the words that its error must have, the wrong values.
 * @typedef {[call: (value: any) => unknown, words: RegExp, ...wrong: Wrong[][]]} Row
 */

/** @param {...unknown} list @returns {Wrong[]} */
export function argument(...list) {
  return list.map((value) => [value, ArgumentError]);
}

/** @param {...unknown} list @returns {Wrong[]} */
export function shape(...list) {
  return list.map((value) => [value, ShapeError]);
}

/** @param {number} n */
export const f = (n) => values(n, n);

const MISSING = argument(undefined);
const NOTHING = argument(null);

/** For floats that may be left out. */
export const NO_OPTIONAL_FLOATS = [
  ...argument([1, 2, 3], new Float64Array(6), new Int32Array(6), new Uint8Array(6)),
  ...argument(new DataView(new ArrayBuffer(8)), 'text', 5, null, {}, { length: 6 }),
  ...argument(Symbol('s'), 6n, () => 5),
];
export const NO_FLOATS = [...NO_OPTIONAL_FLOATS, ...MISSING];
/** The same where null means something. */
export const NO_FLOATS_NOR_NULL = NO_FLOATS.filter(([value]) => value !== null);

/** No multiple of anything above 1. */
export const NO_LENGTH = shape(f(0), f(1), f(7));

export const NO_INTS = [
  ...argument([1, 2], new Float32Array(2), new Uint32Array(2), null, undefined, 'text', 1),
];

/** For a whole number from 1 on that may be left out. */
export const NO_OPTIONAL_SIZE = [
  ...shape(0, -1, -0, 2 ** 31, 2 ** 53),
  ...argument(NaN, 1.5, Infinity, -Infinity, '3', null, true, [3], {}, 3n, new Date(3)),
];
export const NO_SIZE = [...NO_OPTIONAL_SIZE, ...MISSING];

/** For a whole number from 0 on. */
export const NO_COUNT = argument(-1, 2 ** 31, NaN, 1.5, Infinity, '3', null, undefined, [3], 3n);

/** For a number that null leaves out. */
export const NO_OPTIONAL_NUMBER = argument(NaN, Infinity, -Infinity, '1', true, [1], {}, 1n);
export const NO_NUMBER = [...NO_OPTIONAL_NUMBER, ...NOTHING, ...MISSING];
export const NEGATIVE = argument(-1, -1e-9);
/** For a number from 0 on that may be left out. */
export const NO_AMOUNT = [...NO_OPTIONAL_NUMBER, ...NEGATIVE];
/** For a number from 0 to 1 that may be left out. */
export const NO_PROBABILITY = [...NO_AMOUNT, ...argument(1.0001, 2)];

/** For true or false where null leaves it out. */
export const NO_OPTIONAL_BOOLEAN = argument(1, 0, 'true', []);
export const NO_BOOLEAN = [...NO_OPTIONAL_BOOLEAN, ...NOTHING];

/** For one of a few words where null leaves it out. */
export const NO_OPTIONAL_WORD = argument('nonsense', '', 'constructor', 5);
export const NO_WORD = [...NO_OPTIONAL_WORD, ...NOTHING];

/** For an options object where null leaves it out. */
export const NO_OPTIONAL_OPTIONS = argument(5, 'text', [], { nonsense: 1 }, { other: undefined });
export const NO_OPTIONS = [...NO_OPTIONAL_OPTIONS, ...NOTHING];

export const NO_PARAMETER = argument(null, undefined, 5, {}, new Float32Array(4), []);
export const NO_PARAMETERS = [
  ...argument([], null, undefined, 5, 'weight', {}, [null], [new Float32Array(1)]),
  ...argument([{ name: 'weight', shape: [1], dataView: new Float32Array(1) }]),
];

/** For the shape of six values. */
export const NO_SHAPE = [
  ...argument(5, '23', {}, Int32Array.of(2, 3), [2, '3'], [1.5, 4], [NaN], [null]),
  ...shape([0, 6], [-2, -3], [2, 4]),
];

/** For an object of the library. */
export const NO_OBJECT = [
  ...argument(null, undefined, 5, 'text', {}, () => 5, Object.create(unrolled.Linear)),
];

/** @param {unknown} value */
function shown(value) {
  if (typeof value === 'symbol' || typeof value === 'function') return String(value);
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength} bytes)`;
  if (typeof value === 'bigint') return `${value}n`;
  return Object.is(value, -0) ? '-0' : (JSON.stringify(value) ?? String(value));
}

/**
 * What is wrong with how a call meets a wrong value; null: nothing.
 * @param {(value: any) => unknown} call
 * @param {RegExp} words
 * @param {Wrong} wrong
 */
function miss(call, words, [value, Class]) {
  try {
    call(value);
  } catch (error) {
    if (!(error instanceof Class)) {
      return `${shown(value)}: expected ${Class.name}, got ${error.name}: ${error.message}`;
    }
    const named = words.test(error.message);
    return named ? null : `${shown(value)}: "${error.message}" does not say ${words}`;
  }
  return `${shown(value)}: no error`;
}

/**
 * One test for each row: every wrong value meets its error, and neither the stream nor the objects
 * that live have changed.
 * @param {Row[]} table
 * @param {number} least  so many cases there must be
 */
export function testWrong(table, least) {
  let cases = 0;
  table.forEach(([call, words, ...lists], row) => {
    const text = String(call).replace(/\s+/g, ' ').slice(0, 80);
    test(`${row} ${text}: ${words.source}`, (t) => {
      t.mock.method(console, 'warn', () => {});
      const stream = getRngState();
      const { liveObjects } = info();
      const misses = lists.flat().map((wrong) => miss(call, words, wrong));
      cases += misses.length;
      assert.deepEqual(misses.filter(Boolean), []);
      assert.deepEqual(getRngState(), stream, 'nothing was drawn');
      assert.equal(info().liveObjects, liveObjects, 'nothing was made');
    });
  });
  test(`${table.length} calls, at least ${least} wrong arguments`, (t) => {
    assert.ok(cases >= least, `${cases}`);
    t.diagnostic(`${table.length} calls, ${cases} wrong arguments`);
  });
}

/**
 * A module or a loss with a forward that waits.
 * @param {any} thing
 * @param {...any} args
 */
export function after(thing, ...args) {
  thing.forward(...args);
  return thing;
}
