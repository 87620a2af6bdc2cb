import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  ArgumentError,
  bernoulli,
  Dropout,
  getRngState,
  info,
  init,
  manualSeed,
  NumpyRandom,
  normal,
  rand,
  randint,
  randn,
  randperm,
  StateError,
  setRngState,
  uniform,
} from 'unrolled';
import { assertClose, assertRelative, assertSame, Worst } from './support/compare.js';
import { casesOf, Fixture } from './support/fixtures.js';

before(() => init());

// The tolerances of tests/fixtures/README.md: small normal draws are exact but for libm, large ones
// follow PyTorch's polynomials.
const SMALL = 16;
const FEW = { R: 1e-7 };
const MANY = 4e-6; // times the standard deviation

/** Draws that the library has not: numbers of 64 bits. */
const ABSENT = ['rand64', 'random_int64'];

/** @type {Record<string, (...args: number[]) => Float32Array | Int32Array>} */
const DRAWS = {
  rand,
  randn,
  randperm,
  randint,
  bernoulli_: bernoulli,
  uniform_: uniform,
  normal_: normal,
  // torch.bernoulli of a tensor takes one float32 an element, and says whether it is below
  bernoulli: (n, p) => rand(n).map((v) => (v < Math.fround(p) ? 1 : 0)),
  dropout(n, p) {
    const dropout = new Dropout(p);
    const y = dropout.forward(new Float32Array(n).fill(1));
    dropout.dispose();
    return y;
  },
};

/**
 * @param {Fixture} fixture
 * @param {{ name: string, op: string, args: number[] }} draw
 * @param {Worst} worst
 */
function compareDraw(fixture, { name, op, args }, worst) {
  const got = DRAWS[op](...args);
  if (op === 'randn' || op === 'normal_') {
    const [n, , std = 1] = args;
    const close = n < SMALL ? FEW : { A: MANY * std };
    worst.note(
      n < SMALL ? 'few normals' : 'many normals',
      assertClose(got, fixture.floats(name), close, name),
    );
    return;
  }
  const whole = op === 'randperm' || op === 'randint';
  assertSame(got, whole ? fixture.ints(name) : fixture.floats(name), name);
}

describe("the stream gives PyTorch's numbers", () => {
  const worst = new Worst();
  let covered = 0;
  let absent = 0;
  let tooLarge = 0;
  for (const one of casesOf('rng').filter(({ kind }) => kind === 'torch_stream')) {
    for (const big of [false, true]) {
      test(`${one.name}${big ? ', as a bigint' : ''}`, () => {
        const fixture = new Fixture(one);
        const { seed, fresh, mixed } = fixture.config;
        const restart = () => manualSeed(big ? BigInt(seed) : seed);
        for (const draw of fresh) {
          if (ABSENT.includes(draw.op)) {
            absent++;
            continue;
          }
          restart();
          if (draw.op === 'randint' && draw.args[1] >= 2 ** 32) {
            assert.throws(() => DRAWS.randint(...draw.args), ArgumentError);
            tooLarge++;
            continue;
          }
          compareDraw(fixture, draw, worst);
          covered++;
        }
        restart();
        for (const draw of mixed) {
          compareDraw(fixture, draw, worst);
          covered++;
        }
      });
    }
  }
  test('in all 5 · 51 draws, from numbers and bigints', (t) => {
    assert.deepEqual([covered, absent, tooLarge], [2 * 5 * 51, 2 * 5 * 2, 2 * 5]);
    t.diagnostic(`PyTorch's stream, ${covered / 2} draws, ${worst}`);
  });
});

test('only the low 32 bits of a seed count', () => {
  for (const [a, b] of [
    [5, 2 ** 32 + 5],
    [5n, 2n ** 64n + 5n],
    [0, 2 ** 32],
    [-1, 2 ** 32 - 1],
    [-1n, 2n ** 64n - 1n],
    [Number.MAX_SAFE_INTEGER, 2 ** 32 - 1],
  ]) {
    manualSeed(a);
    const want = rand(4);
    manualSeed(b);
    assertSame(rand(4), want, `${a} and ${b}`);
  }
});

test('a seed forgets the cached normal', () => {
  manualSeed(1);
  const want = randn(3);
  randn(1);
  manualSeed(1);
  assertSame(randn(3), want, 'randn');
});

test('the state holds all: place, cached normal', () => {
  for (const before of [0, 1, 3, 623, 624, 625, 1000]) {
    manualSeed(9);
    randn(3); // leaves a cached one
    rand(before);
    const state = getRngState();
    const want = [randn(4), rand(700), randn(20), randperm(9), randn(1)];
    manualSeed(1);
    rand(5);
    setRngState(state);
    [randn(4), rand(700), randn(20), randperm(9), randn(1)].forEach((draw, i) => {
      assertSame(draw, want[i], `draw ${i} after ${before}`);
    });
    setRngState(state.slice());
    assertSame(randn(4), want[0], 'again');
  }
});

test('bytes that are no state are refused, and the stream goes on', () => {
  manualSeed(4);
  const state = getRngState();
  const want = rand(5);
  for (const bad of [
    new Uint8Array(state.length),
    new Uint8Array(state.length).fill(255),
    new Uint8Array(state.length - 1),
    new Uint8Array(0),
    new Uint8Array(state.length + 1),
    new Float32Array(state.length),
    [...state],
    null,
  ]) {
    setRngState(state);
    assert.throws(() => setRngState(/** @type {any} */ (bad)), {
      name: 'ArgumentError',
      message: /state/,
    });
    assertSame(rand(5), want, 'the stream');
  }
  // Whatever bytes: refused, or a state that draws.
  for (let at = 0; at < state.length; at++) {
    const bytes = state.slice();
    bytes[at] ^= 0xff;
    try {
      setRngState(bytes);
    } catch (error) {
      assert.ok(error instanceof ArgumentError);
    }
    for (const v of rand(3)) assert.ok(v >= 0 && v < 1);
    randn(3);
  }
});

test('a state survives a copy in another buffer', () => {
  manualSeed(4);
  const state = getRngState();
  const want = rand(5);
  const shifted = new Uint8Array(state.length + 3).subarray(3);
  shifted.set(state);
  setRngState(shifted);
  assertSame(rand(5), want, 'the stream');
});

test('no values are no draws', () => {
  manualSeed(1);
  const want = rand(3);
  manualSeed(1);
  for (const none of [rand(0), randn(0), randperm(0), randint(0, 5, 0), uniform(0, 0, 1)]) {
    assert.equal(none.length, 0);
  }
  assert.equal(normal(0, 0, 1).length + bernoulli(0, 0.5).length, 0);
  assertSame(rand(3), want, 'the stream');
});

test('ranges: what comes out is inside', () => {
  manualSeed(2);
  for (const v of rand(10_000)) assert.ok(v >= 0 && v < 1);
  for (const v of uniform(10_000, -3, 5)) assert.ok(v >= -3 && v <= 5);
  for (const [low, high] of [
    [0, 1],
    [-5, 3],
    [-(2 ** 31), 2 ** 31 - 1],
    [-(2 ** 31), 2 ** 31],
    [2 ** 31 - 1, 2 ** 31],
  ]) {
    for (const v of randint(low, high, 500)) assert.ok(v >= low && v < high, `${v}`);
  }
  assert.deepEqual([...new Set(bernoulli(100, 0.5))].sort(), [0, 1]);
  assertSame(bernoulli(20, 0), new Float32Array(20), 'p 0');
  assertSame(bernoulli(20, 1), new Float32Array(20).fill(1), 'p 1');
  assert.deepEqual(
    [...randperm(50)].sort((a, b) => a - b),
    [...Array(50).keys()],
  );
  assertSame(uniform(5, 2, 2), [2, 2, 2, 2, 2], 'an empty range');
  assertSame(normal(5, 3, 0), [3, 3, 3, 3, 3], 'no spread');
});

/** @type {Record<string, (random: NumpyRandom, ...args: number[]) => Float64Array | Int32Array>} */
const NUMPY = {
  rand: (random, n) => random.rand(n),
  random: (random, n) => random.rand(n),
  randn: (random, n) => random.randn(n),
  uniform: (random, low, high, n) => random.uniform(low, high, n),
  normal: (random, mean, std, n) => random.normal(mean, std, n),
  randint: (random, low, high, n) => random.randint(low, high, n),
  permutation: (random, n) => random.permutation(n),
};

test("NumpyRandom gives NumPy's numbers in all 42 draws", (t) => {
  const [one] = casesOf('rng').filter(({ kind }) => kind === 'numpy_stream');
  const fixture = new Fixture(one);
  const worst = new Worst();
  let covered = 0;
  /** @type {NumpyRandom | null} */
  let random = null;
  for (const { name, seed, op, args } of fixture.config.calls) {
    const goesOn = name.includes('.mixed.') && !name.includes('.mixed.0.');
    if (!goesOn) {
      random?.dispose();
      random = new NumpyRandom(seed);
    }
    const got = NUMPY[op](random, ...args);
    if (op === 'randint' || op === 'permutation') assertSame(got, fixture.ints(name), name);
    else if (op === 'randn' || op === 'normal') {
      worst.note('normals', assertRelative(got, fixture.doubles(name), 1e-14, name));
    } else assertSame(got, fixture.doubles(name), name);
    covered++;
  }
  random.dispose();
  assert.equal(covered, 42);
  assert.equal(covered, fixture.tensors.size);
  t.diagnostic(`NumPy's stream, ${covered} draws, ${worst}`);
});

test('NumPy streams are apart from each other and from the global one', () => {
  manualSeed(1);
  const want = rand(3);
  manualSeed(1);
  const [a, b] = [new NumpyRandom(3), new NumpyRandom(3)];
  const first = a.randn(5);
  assertSame(b.randn(5), first, 'the same seed');
  a.rand(100);
  assertSame(rand(3), want, 'the global stream');
  for (const random of [a, b]) random.dispose();
});

test('NumpyRandom: dispose, twice is once, and nothing works after it', () => {
  const { liveObjects, allocatedBytes } = info();
  const random = new NumpyRandom(1);
  assert.equal(random.rand(0).length, 0);
  random.rand(1000);
  random.dispose();
  random.dispose();
  for (const use of [
    () => random.rand(1),
    () => random.randn(1),
    () => random.uniform(0, 1, 1),
    () => random.normal(0, 1, 1),
    () => random.randint(0, 5, 1),
    () => random.permutation(3),
    () => random.rand(0),
  ]) {
    assert.throws(use, StateError);
  }
  assert.deepEqual([info().liveObjects, info().allocatedBytes], [liveObjects, allocatedBytes]);
});
