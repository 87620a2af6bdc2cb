// What callers of the random numbers and the initializers can get wrong.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { init } from 'unrolled';
import {
  argument,
  NEGATIVE,
  NO_COUNT,
  NO_FLOATS,
  NO_NUMBER,
  NO_OPTIONAL_NUMBER,
  NO_OPTIONAL_WORD,
  NO_OPTIONS,
  NO_PARAMETER,
  NO_PROBABILITY,
  testWrong,
  u,
} from './support/wrong.js';

/** @type {any} */
let numpy;
/** @type {any} */
let weight;

before(async () => {
  await init();
  numpy = new u.NumpyRandom(1);
  [weight] = new u.Linear(3, 2).parameters();
});

const NOT_AN_INT = [...NO_NUMBER, ...argument(0.5)];
const NOT_A_SEED = NOT_AN_INT.filter(([value]) => typeof value !== 'bigint');
const BEYOND = argument(2 ** 31 + 1, 2 ** 40);
const BEFORE = argument(-(2 ** 31) - 1, -(2 ** 40));
const FILLERS = ['uniform', 'normal', 'zeros', 'ones'];
const WITH_GAIN = ['xavierUniform', 'xavierNormal', 'orthogonal'];
const KAIMING = ['kaimingUniform', 'kaimingNormal'];

/** @param {string} name @returns {any[]} */
function withGain(name) {
  const call = u.initialize[name];
  return [
    [(v) => call(weight, v), new RegExp(`initialize\\.${name}`), NO_OPTIONS],
    [(v) => call(weight, { gain: v }), new RegExp(`${name} gain`), NO_OPTIONAL_NUMBER],
  ];
}

/** @param {string} name @returns {any[]} */
function kaiming(name) {
  const call = u.initialize[name];
  return [
    [(v) => call(weight, v), new RegExp(`initialize\\.${name}`), NO_OPTIONS],
    [(v) => call(weight, { a: v }), new RegExp(`${name} a:`), NO_OPTIONAL_NUMBER],
    [(v) => call(weight, { mode: v }), new RegExp(`${name} mode`), NO_OPTIONAL_WORD],
    [(v) => call(weight, { nonlinearity: v }), new RegExp(`${name} nonlinear`), NO_OPTIONAL_WORD],
  ];
}

testWrong(
  [
    [(v) => u.manualSeed(v), /manualSeed seed/, NOT_A_SEED, argument(2 ** 53, -(2 ** 53))],
    [(v) => u.setRngState(v), /setRngState state/, NO_FLOATS, argument(new Uint8Array(3))],
    [(v) => u.rand(v), /rand n/, NO_COUNT],
    [(v) => u.randn(v), /randn n/, NO_COUNT],
    [(v) => u.randperm(v), /randperm n/, NO_COUNT],
    [(v) => u.uniform(v, 0, 1), /uniform n/, NO_COUNT],
    [(v) => u.uniform(3, v, 1), /uniform low/, NO_NUMBER],
    [(v) => u.uniform(3, 0, v), /uniform high/, NO_NUMBER, argument(-1)],
    [(v) => u.normal(v, 0, 1), /normal n/, NO_COUNT],
    [(v) => u.normal(3, v, 1), /normal mean/, NO_NUMBER],
    [(v) => u.normal(3, 0, v), /normal std/, NO_NUMBER, NEGATIVE],
    [(v) => u.bernoulli(v, 0.5), /bernoulli n/, NO_COUNT],
    [(v) => u.bernoulli(3, v), /bernoulli p/, NO_PROBABILITY, argument(null, undefined)],
    [(v) => u.randint(v, 10, 3), /randint low/, NOT_AN_INT, BEYOND, BEFORE],
    [(v) => u.randint(0, v, 3), /randint high/, NOT_AN_INT, BEYOND, argument(0, -1)],
    [(v) => u.randint(0, 10, v), /randint n/, NO_COUNT],

    [(v) => new u.NumpyRandom(v), /NumpyRandom seed/, NOT_AN_INT, argument(-1, 2 ** 32)],
    [(v) => numpy.rand(v), /NumpyRandom rand n/, NO_COUNT],
    [(v) => numpy.randn(v), /NumpyRandom randn n/, NO_COUNT],
    [(v) => numpy.permutation(v), /NumpyRandom permutation n/, NO_COUNT],
    [(v) => numpy.uniform(v, 1, 3), /NumpyRandom uniform low/, NO_NUMBER],
    [(v) => numpy.uniform(0, v, 3), /NumpyRandom uniform high/, NO_NUMBER],
    [(v) => numpy.uniform(0, 1, v), /NumpyRandom uniform n/, NO_COUNT],
    [(v) => numpy.normal(v, 1, 3), /NumpyRandom normal mean/, NO_NUMBER],
    [(v) => numpy.normal(0, v, 3), /NumpyRandom normal std/, NO_NUMBER, NEGATIVE],
    [(v) => numpy.normal(0, 1, v), /NumpyRandom normal n/, NO_COUNT],
    [(v) => numpy.randint(v, 10, 3), /NumpyRandom randint low/, NOT_AN_INT, BEYOND, BEFORE],
    [(v) => numpy.randint(0, v, 3), /NumpyRandom randint high/, NOT_AN_INT, BEYOND, argument(0)],
    [(v) => numpy.randint(0, 10, v), /NumpyRandom randint n/, NO_COUNT],

    ...FILLERS.map(
      (name) =>
        /** @type {any} */ ([(v) => u.initialize[name](v), /initialize\.\w+: /, NO_PARAMETER]),
    ),
    ...[...WITH_GAIN, ...KAIMING].map(
      (name) =>
        /** @type {any} */ ([
          (v) => u.initialize[name](v),
          new RegExp(`initialize\\.${name}: .*Parameter`),
          NO_PARAMETER,
        ]),
    ),
    ...WITH_GAIN.flatMap(withGain),
    ...KAIMING.flatMap(kaiming),
    [(v) => u.initialize.uniform(weight, v, 2), /uniform low/, NO_OPTIONAL_NUMBER],
    [(v) => u.initialize.uniform(weight, 0, v), /uniform high/, NO_OPTIONAL_NUMBER, argument(-1)],
    [(v) => u.initialize.normal(weight, v), /normal mean/, NO_OPTIONAL_NUMBER],
    [(v) => u.initialize.normal(weight, 0, v), /normal std/, NO_OPTIONAL_NUMBER, NEGATIVE],
    [(v) => u.initialize.constant(weight, v), /constant value/, NO_NUMBER],
    [(v) => u.initialize.constant(v, 1), /initialize\.constant: .*Parameter/, NO_PARAMETER],
  ],
  400,
);

test('parameters of a disposed module are a StateError', () => {
  const linear = new u.Linear(3, 4);
  const [parameter] = linear.parameters();
  linear.dispose();
  for (const name of [...FILLERS, ...WITH_GAIN, ...KAIMING]) {
    assert.throws(() => u.initialize[name](parameter), { name: 'StateError', message: /disposed/ });
  }
});
