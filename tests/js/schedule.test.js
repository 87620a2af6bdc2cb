import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  ArgumentError,
  CosineAnnealingLR,
  ExponentialLR,
  init,
  Linear,
  ReduceLROnPlateau,
  SGD,
  ShapeError,
  StateError,
  StepLR,
} from 'unrolled';
import { assertRelative } from './support/compare.js';
import { readJson } from './support/fixtures.js';

before(() => init());

const { schedules } = readJson('optim/schedules.json');
const NAMES = { T_max: 'tMax' };

/** @param {Record<string, any>} args */
function camel(args) {
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [
      NAMES[name] ?? name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()),
      value,
    ]),
  );
}

const KINDS = {
  StepLR: (optimizer, args) => new StepLR(optimizer, args),
  ExponentialLR: (optimizer, args) => new ExponentialLR(optimizer, args),
  CosineAnnealingLR: (optimizer, args) => new CosineAnnealingLR(optimizer, args),
  ReduceLROnPlateau: (optimizer, args) => new ReduceLROnPlateau(optimizer, args),
};

/** @param {number} lr @param {(optimizer: SGD) => void} body */
function withOptimizer(lr, body) {
  const module = new Linear(1, 1);
  const optimizer = new SGD(module.parameters(), { lr });
  body(optimizer);
  optimizer.dispose();
  module.dispose();
}

describe("schedules give PyTorch's rates", () => {
  let covered = 0;
  schedules.forEach(({ fn, lr, steps, args, metrics, lr_sequence: want }, number) => {
    test(`${number} ${fn} ${JSON.stringify(args)}`, () => {
      withOptimizer(lr, (optimizer) => {
        const schedule = KINDS[fn](optimizer, camel(args));
        const rates = [optimizer.lr];
        for (let i = 0; i < steps; i++) {
          schedule.step(metrics?.[i]);
          rates.push(optimizer.lr);
        }
        // A rate that should be 0 comes out of a cosine: PyTorch's own is zero or 1e-17.
        const floor = want.map((rate, i) =>
          Math.abs(rate) < 1e-15 && Math.abs(rates[i]) < 1e-15 ? i : -1,
        );
        const keep = (_, i) => floor[i] < 0;
        assertRelative(rates.filter(keep), want.filter(keep), 1e-12, fn);
        covered++;
      });
    });
  });
  test(`in all ${schedules.length} cases`, () => {
    assert.equal(schedules.length, 6);
    assert.equal(covered, 6);
  });
});

test('a state dict goes on where it was taken', () => {
  for (const { fn, lr, steps, args, metrics } of schedules) {
    for (const taken of [0, 1, 7, steps - 3]) {
      withOptimizer(lr, (optimizer) => {
        const schedule = KINDS[fn](optimizer, camel(args));
        for (let i = 0; i < taken; i++) schedule.step(metrics?.[i]);
        const state = structuredClone(schedule.stateDict());
        const rate = optimizer.lr;
        const rest = [];
        for (let i = taken; i < steps; i++) {
          schedule.step(metrics?.[i]);
          rest.push(optimizer.lr);
        }
        withOptimizer(lr, (second) => {
          const other = KINDS[fn](second, camel(args));
          other.step(1);
          other.loadStateDict(state);
          second.lr = rate; // the optimizer's own state dict brings it
          const again = [];
          for (let i = taken; i < steps; i++) {
            other.step(metrics?.[i]);
            again.push(second.lr);
          }
          assert.deepEqual(again, rest, `${fn} from ${taken}`);
        });
      });
    }
  }
});

test('loadStateDict checks everything first', () => {
  withOptimizer(0.1, (optimizer) => {
    const schedule = new ReduceLROnPlateau(optimizer, { patience: 1 });
    schedule.step(1);
    const before = schedule.stateDict();
    for (const bad of [
      null,
      7,
      {},
      { ...before, badEpochs: '3' },
      { ...before, mode: undefined },
    ]) {
      assert.throws(() => schedule.loadStateDict(/** @type {any} */ (bad)), ArgumentError);
      assert.deepEqual(schedule.stateDict(), before);
    }
  });
});

test('loadStateDict holds to the ranges of the constructors', () => {
  const wrong = {
    StepLR: { lastEpoch: -1, stepSize: 0, gamma: -1 },
    ExponentialLR: { lastEpoch: 1.5, gamma: NaN },
    CosineAnnealingLR: { tMax: 0, etaMin: -1, baseLr: Infinity },
    ReduceLROnPlateau: {
      ...{ mode: 'least', factor: 1, patience: -1, threshold: NaN, thresholdMode: 'constructor' },
      ...{ cooldown: 0.5, minLr: -1, eps: -1, best: NaN, badEpochs: -1, cooldownCounter: '1' },
    },
  };
  for (const { fn, lr, args } of schedules) {
    withOptimizer(lr, (optimizer) => {
      const schedule = KINDS[fn](optimizer, camel(args));
      schedule.step(1);
      const before = schedule.stateDict();
      for (const [field, value] of Object.entries(wrong[fn])) {
        assert.throws(
          () => schedule.loadStateDict({ ...before, [field]: value }),
          (/** @type {Error} */ error) => {
            assert.ok(error instanceof ArgumentError || error instanceof ShapeError);
            assert.match(error.message, new RegExp(`loadStateDict ${field}`));
            return true;
          },
        );
        assert.deepEqual(schedule.stateDict(), before);
      }
    });
  }
});

test('without a metric ReduceLROnPlateau refuses, and the rate stays', () => {
  withOptimizer(0.1, (optimizer) => {
    const schedule = new ReduceLROnPlateau(optimizer, { patience: 0 });
    assert.throws(() => schedule.step(undefined), { name: 'ArgumentError', message: /metric/ });
    schedule.step(1);
    schedule.step(NaN); // as in PyTorch: no improvement
    assert.ok(Math.abs(optimizer.lr - 0.01) < 1e-15);
  });
});

test('a schedule reads the rate that stands', () => {
  withOptimizer(1, (optimizer) => {
    const schedule = new ExponentialLR(optimizer, { gamma: 0.5 });
    schedule.step();
    optimizer.lr = 8;
    schedule.step();
    assert.equal(optimizer.lr, 4);
  });
});

test('after its optimizer was disposed a step is a StateError', () => {
  const module = new Linear(1, 1);
  const optimizer = new SGD(module.parameters(), { lr: 1 });
  const schedule = new StepLR(optimizer, { stepSize: 1 });
  optimizer.dispose();
  assert.throws(() => schedule.step(), StateError);
  module.dispose();
});
