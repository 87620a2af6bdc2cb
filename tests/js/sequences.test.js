// A hundred thousand calls in no order, some of them wrong, on objects that live on from call to call and
// are disposed of in between: never a fault of the core, never an error that is not the library's own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as unrolled from 'unrolled';

await unrolled.init(); // the table makes objects
const { CALLS, clear, keep, MAKERS, rightArguments, wrongArguments } = await import(
  './support/calls.js'
);

const LENGTH = 50; // calls of a sequence
const SEQUENCES = Number(process.env.UNROLLED_SEQUENCES ?? 2000);
/** What ends an object comes often enough by itself. */
const ONE_IN = 8;

const wrong = CALLS.map((call) => [...wrongArguments(call)]);
await clear();

/** One call: which one, on which of the objects of its class, with what wrong (none: all is right). */
const step = fc.record({
  call: fc.nat(CALLS.length - 1),
  object: fc.nat(2),
  wrong: fc.option(fc.nat(), { freq: 2 }),
  end: fc.nat(ONE_IN * 10),
});

/** @typedef {{ call: number, object: number, wrong: number | null, end: number }} Step */

class World {
  /** @type {Map<string, any>} the objects that calls go to, by class and number */
  objects = new Map();
  made = 0;

  /** @param {Step} step */
  async take({ call: place, object, wrong: which, end }) {
    const call = CALLS[place];
    const self = call.maker && this.find(call.maker, object);
    if (end < ONE_IN && typeof self?.dispose === 'function') self.dispose(); // it stays, to be called
    if (call.name.endsWith('.dispose')) this.objects.delete(`${call.maker} ${object}`);
    if (which !== null && wrong[place].length > 0) {
      await call.run(self, wrong[place][which % wrong[place].length].list());
    } else {
      await call.run(self, rightArguments(call));
    }
  }

  /** @param {string} maker @param {number} number */
  find(maker, number) {
    const key = `${maker} ${number}`;
    const known = this.objects.get(key);
    if (known && this.made++ % 9) return known; // at times a new one, for the old may be disposed of
    const fresh = keep(MAKERS[maker]());
    this.objects.set(key, fresh);
    return fresh;
  }
}

test(`${SEQUENCES} sequences of ${LENGTH} calls`, async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { liveObjects } = unrolled.info();
  const counts = { calls: 0, refused: 0 };
  const kinds = new Set();
  const property = fc.asyncProperty(
    fc.array(step, { minLength: LENGTH, maxLength: LENGTH }),
    async (steps) => {
      const world = new World();
      for (const one of steps) {
        counts.calls++;
        try {
          await world.take(one);
        } catch (error) {
          assert.ok(
            error instanceof unrolled.UnrolledError,
            `${CALLS[one.call].name}: ${error.stack}`,
          );
          assert.doesNotMatch(error.message, /internal fault/);
          kinds.add(error.name);
          counts.refused++;
        }
      }
      await clear();
      assert.equal(unrolled.info().liveObjects, liveObjects, 'nothing is left');
    },
  );
  const seed = Number(process.env.UNROLLED_SEED ?? 20261122);
  t.diagnostic(`seed ${seed} (UNROLLED_SEED)`);
  await fc.assert(property, { seed, numRuns: SEQUENCES });
  const seen = ['ArgumentError', 'FormatError', 'ShapeError', 'StateError'];
  assert.deepEqual([...kinds].sort(), seen);
  t.diagnostic(`${counts.calls} calls, ${counts.refused} refused`);
  assert.ok(counts.refused > counts.calls / 5 && counts.refused < (counts.calls * 4) / 5);
});
