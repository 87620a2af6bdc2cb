import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  ArgumentError,
  DataLoader,
  getRngState,
  init,
  Linear,
  manualSeed,
  rand,
  randperm,
  ShapeError,
  setRngState,
} from 'unrolled';
import { assertSame } from './support/compare.js';
import { readJson } from './support/fixtures.js';
import { values } from './support/numeric.js';

before(() => init());

const { cases, random_split: split } = readJson('rng/dataloader.json');

/**
 * A loader whose inputs and targets say which sample they are.
 * @param {number} n
 * @param {any} more
 */
function numbered(n, more = {}) {
  const inputs = Float32Array.from({ length: n }, (_, i) => i);
  return new DataLoader({ inputs, targets: Int32Array.from(inputs), samples: n, ...more });
}

/** The samples of each batch. @param {Iterable<import('unrolled').Batch>} loader */
function walked(loader) {
  return [...loader].map(({ input, target, batch }) => {
    assert.deepEqual([...input], [...target]);
    assert.equal(input.length, batch);
    return [...input];
  });
}

describe("the DataLoader has PyTorch's order", () => {
  let covered = 0;
  cases.forEach(({ seed, n, batch_size, drop_last, epochs, ...want }, number) => {
    test(`${number}: ${n} samples in batches of ${batch_size}`, () => {
      manualSeed(seed);
      const more = { batchSize: batch_size, dropLast: drop_last, shuffle: true };
      const loader = numbered(n, more);
      assert.equal(want.batches.length, epochs);
      for (const batches of want.batches) {
        assert.equal(loader.length, batches.length);
        assert.deepEqual(walked(loader), batches);
      }
      assertSame(rand(2), want.next_rand_after.map(Math.fround), 'next_rand_after');
      covered++;
    });
  });
  test(`in all ${cases.length} cases`, () => {
    assert.equal(cases.length, 3);
    assert.equal(covered, 3);
  });
  test('random_split: slices of one permutation', () => {
    manualSeed(split.seed);
    const order = [...randperm(split.n)];
    for (const [i, length] of split.lengths.entries()) {
      assert.deepEqual(order.splice(0, length), split.indices[i]);
    }
  });
});

test('without shuffle it goes in order, and draws the base seed only', () => {
  manualSeed(3);
  rand(2); // the base seed: two outputs
  const want = rand(3);
  manualSeed(3);
  assert.deepEqual(walked(numbered(5, { batchSize: 2 })), [[0, 1], [2, 3], [4]]);
  assertSame(rand(3), want, 'the stream');
});

test('nothing is drawn before an epoch begins, and nothing by making a loader', () => {
  manualSeed(3);
  const state = getRngState();
  const loader = numbered(5, { shuffle: true });
  const iterator = loader[Symbol.iterator]();
  assert.deepEqual(getRngState(), state);
  assert.equal(loader.length, 5);
  iterator.next();
  assert.notDeepEqual(getRngState(), state);
});

test('a batch has the rows of its samples, whatever their size and type', () => {
  const inputs = values(6 * 4 * 2, 1); // [6][4][2]
  const loader = new DataLoader({ inputs, targets: values(6 * 3, 2), samples: 6, batchSize: 4 });
  const batches = [...loader];
  assert.deepEqual(
    batches.map(({ batch }) => batch),
    [4, 2],
  );
  assertSame(batches[1].input, inputs.slice(4 * 8), 'input');
  assertSame(batches[1].target, values(18, 2).slice(12), 'target');
  assert.ok(batches[1].target instanceof Float32Array);
  assert.ok([...numbered(3)][0].target instanceof Int32Array);
  // a batch is the caller's own
  batches[1].input.fill(9);
  assertSame([...loader][1].input, inputs.slice(4 * 8), 'input of the next epoch');
});

test('dropLast leaves out a short batch; a batch larger than the data is all of it', () => {
  assert.deepEqual(walked(numbered(5, { batchSize: 2, dropLast: true })), [
    [0, 1],
    [2, 3],
  ]);
  assert.deepEqual(walked(numbered(4, { batchSize: 2, dropLast: true })), [
    [0, 1],
    [2, 3],
  ]);
  assert.deepEqual(walked(numbered(3, { batchSize: 8 })), [[0, 1, 2]]);
  assert.deepEqual(walked(numbered(3, { batchSize: 8, dropLast: true })), []);
  assert.equal(numbered(3, { batchSize: 8, dropLast: true }).length, 0);
});

test('a state taken inside an epoch goes on there, in another loader', () => {
  for (const taken of [1, 2, 3, 4]) {
    manualSeed(5);
    const loader = numbered(10, { batchSize: 3, shuffle: true });
    const whole = walked(loader);
    const next = walked(loader);

    manualSeed(5);
    const first = [];
    let state;
    let stream;
    const interrupted = numbered(10, { batchSize: 3, shuffle: true });
    for (const { input } of interrupted) {
      first.push([...input]);
      if (first.length < taken) continue;
      state = JSON.parse(JSON.stringify(interrupted.stateDict()));
      stream = getRngState();
      break;
    }
    manualSeed(99);
    const other = numbered(10, { batchSize: 3, shuffle: true });
    walked(other);
    other.loadStateDict(state);
    setRngState(stream);
    assert.deepEqual([...first, ...walked(other)], whole, `after ${taken}`);
    assert.deepEqual(walked(other), next, `the epoch after, ${taken}`);
  }
});

test('left early, the next iteration is a new epoch', () => {
  manualSeed(5);
  const loader = numbered(6, { shuffle: true });
  walked(loader);
  const second = walked(loader);
  manualSeed(5);
  for (const _ of loader) break;
  assert.deepEqual(loader.stateDict(), {});
  assert.deepEqual(walked(loader), second);
});

test('between epochs the state is empty, and loading it starts a new epoch', () => {
  const loader = numbered(4, { shuffle: true });
  assert.deepEqual(loader.stateDict(), {});
  walked(loader);
  assert.deepEqual(loader.stateDict(), {});
  loader.loadStateDict({});
  assert.equal(walked(loader).length, 4);
});

test('the state of between epochs, loaded inside one, ends it', () => {
  const loader = numbered(4, { shuffle: true });
  for (const _ of loader) {
    loader.loadStateDict({});
    assert.deepEqual(loader.stateDict(), {});
    break;
  }
  loader.loadStateDict({ order: [3, 1, 0, 2], place: 3 });
  loader.loadStateDict({});
  assert.deepEqual(loader.stateDict(), {});
  assert.equal(walked(loader).length, 4);
});

test('a state that does not fit is refused, and nothing was loaded', () => {
  const loader = numbered(4, { batchSize: 2, shuffle: true });
  const order = [3, 1, 0, 2];
  for (const [bad, text] of /** @type {[any, RegExp][]} */ ([
    [null, /state/],
    [5, /state/],
    [{ order: [0, 1, 2], place: 0 }, /order/],
    [{ order: [0, 1, 2, 2], place: 0 }, /order/],
    [{ order: [0, 1, 2, 4], place: 0 }, /order/],
    [{ order: [0, 1, 2, 1.5], place: 0 }, /order/],
    [{ order: [0, 1, 2, 3, 3], place: 0 }, /order/],
    [{ order: 'abcd', place: 0 }, /order/],
    [{ order: new Array(4), place: 0 }, /order/],
    [{ order: Object.assign(new Array(4), { 0: 0, 1: 1, 3: 3 }), place: 0 }, /order/],
    [{ order, place: -1 }, /place/],
    [{ order, place: 3 }, /place/],
    [{ order, place: 0.5 }, /place/],
    [{ order }, /place/],
    [{ order, place: 0, lossSum: 'x' }, /lossSum/],
  ])) {
    assert.throws(
      () => loader.loadStateDict(bad),
      (error) => {
        assert.ok(error instanceof ArgumentError);
        assert.match(error.message, text);
        return true;
      },
    );
    assert.deepEqual(loader.stateDict(), {});
  }
  loader.loadStateDict({ order, place: 1 });
  assert.deepEqual(walked(loader), [[0, 2]]);
  loader.loadStateDict({ order, place: 2 });
  assert.deepEqual(walked(loader), []);
  assert.equal(walked(loader).length, 2);
});

test('views of the library as data stay what they were', () => {
  const [a, b] = [new Linear(2, 3), new Linear(2, 3)];
  const inputs = a.parameters()[0].dataView;
  const targets = b.parameters()[0].dataView;
  const want = { input: inputs.slice(), target: targets.slice() };
  const loader = new DataLoader({ inputs, targets, samples: 3, batchSize: 3 });
  const large = new Linear(1500, 1500); // memory grows, and detaches the views
  const [{ input, target }] = [...loader];
  assertSame(input, want.input, 'inputs');
  assertSame(target, want.target, 'targets');
  for (const module of [a, b, large]) module.dispose();
});

test('lengths must be multiples of the samples', () => {
  const [inputs, targets] = [new Float32Array(6), new Float32Array(3)];
  for (const [bad, text] of /** @type {[any, RegExp][]} */ ([
    [{ inputs: new Float32Array(7) }, /inputs/],
    [{ inputs: new Float32Array(0) }, /inputs/],
    [{ targets: new Float32Array(4) }, /targets/],
    [{ targets: new Int32Array(0) }, /targets/],
  ])) {
    assert.throws(
      () => new DataLoader({ inputs, targets, samples: 3, ...bad }),
      (error) => {
        assert.ok(error instanceof ShapeError);
        assert.match(error.message, text);
        return true;
      },
    );
  }
});
