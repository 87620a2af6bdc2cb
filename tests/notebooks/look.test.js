// The looks inside: what they show is what the library computes, for any input, and looking changes
// nothing.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as unrolled from 'unrolled';
import { networks } from '../../web/experiments/002-gradients.js';
import { BY_LAYER } from '../../web/experiments/002-seeded.js';
import { squareOf } from '../../web/experiments/003-broadcast.js';
import { adder } from '../../web/experiments/003-gates.js';
import { OUTPUT } from '../../web/experiments/004-three-ways.js';
import { experiments } from '../../web/experiments/index.js';
import { everyStep } from '../../web/experiments/shared/every-step.js';
import { backThrough, reachOf } from '../../web/experiments/shared/gradients.js';
import { largestDifference } from '../../web/experiments/shared/rows.js';
import { squareOfBatch } from '../../web/experiments/shared/square.js';
import { strongest } from '../../web/experiments/shared/unroll.js';

/** @import { Check, Look, Training } from '../../web/experiments/types.js' */

/** @type {ReturnType<typeof unrolled.info>} */
let atFirst;

before(async () => {
  await unrolled.init();
  atFirst = unrolled.info();
});

after(() => {
  const { liveObjects, allocatedBytes } = unrolled.info();
  assert.equal(liveObjects, atFirst.liveObjects, 'a look disposes of what it made');
  assert.equal(allocatedBytes, atFirst.allocatedBytes);
});

/** @param {string} id */
const check = (id) => /** @type {Check} */ (experiments.find((one) => one.id === id));
/** @param {string} id */
const training = (id) => /** @type {Training} */ (experiments.find((one) => one.id === id));
const checks = /** @type {Check[]} */ (experiments.filter((one) => 'look' in one));

/** @param {string} id @param {object} [values] @param {number[][]} [input] */
const look = (id, values, input) => check(id).look(unrolled, values, input);

/**
 * Whatever a look holds has its right length and is finite.
 * @param {Look} inside
 */
function sound({ input, unrolling, matrices = [], series = [], reach = [], square }) {
  const T = input.values.length;
  for (const row of input.values) assert.equal(row.length, input.features.length);
  for (const { values } of Object.values(unrolling?.terms ?? {})) {
    assert.ok(values.length === T || values.length === 1);
    for (const row of values) {
      assert.equal(row.length, values[0].length);
      assert.ok(row.every(Number.isFinite));
    }
  }
  for (const { product, values } of Object.values(unrolling?.terms ?? {})) {
    if (!product) continue;
    const columns = unrolling.terms[product.of].values[0].length;
    assert.equal(product.weights.length, values[0].length * columns);
  }
  for (const { shape, data, time } of matrices) {
    assert.equal(data.length, shape[0] * shape[1]);
    assert.ok(data.every(Number.isFinite));
    if (time) assert.equal(shape[time === 'rows' ? 0 : 1], T);
  }
  for (const { x, lines } of series)
    for (const { values } of lines) assert.equal(values.length, x.length);
  for (const { norms, reaches } of reach) {
    assert.equal(reaches.length, T);
    for (const row of reaches) assert.equal(row.length, T);
    for (const { values } of norms) assert.ok(values.every((value) => value > 0));
  }
  if (square) assert.equal(square.squares.length, square.predictions.length ** 2);
}

test('each is plain data, for any seed and length, and leaves the stream alone', () => {
  unrolled.manualSeed(3);
  assert.ok(checks.length >= 10);
  for (const { id, look: inside } of checks) {
    for (const seed of [0, 1, 123]) {
      const stream = unrolled.getRngState();
      const first = inside(unrolled, { seed });
      assert.deepEqual(unrolled.getRngState(), stream, id);
      assert.deepEqual(structuredClone(first), first);
      sound(first);
      const { values, length } = first.input;
      const same = inside(unrolled, { seed }, values);
      assert.deepEqual(same, first, `${id}: its own input, given`);
      for (const T of length ?? []) {
        const other = Array.from({ length: T }, (_, t) => values[t % values.length]);
        sound(inside(unrolled, { seed }, other));
      }
    }
  }
});

describe('one step at a time', () => {
  const ACTIVATIONS = {
    tanh: Math.tanh,
    relu: (/** @type {number} */ x) => Math.max(0, x),
  };

  for (const { id, look: inside } of checks) {
    if (['002-gradients', '003-broadcast', '003-gates'].includes(id)) continue; // without equations
    test(`${id}: the equations hold`, () => {
      const { terms, lines } = inside(unrolled, {}).unrolling;
      for (const [result, equals, ...right] of lines.filter((line) => line[1] === '=')) {
        assert.equal(equals, '=');
        const T = terms[result].values.length;
        for (let t = 0; t < T; t++) {
          terms[result].values[t].forEach((value, k) => {
            const f = ACTIVATIONS[right[0]];
            const keys = right.filter((key) => key in terms);
            const sum = keys.reduce((total, key) => {
              const { values } = terms[key];
              return total + values[values.length === 1 ? 0 : t][k];
            }, 0);
            const expected = f ? f(sum) : sum;
            const bound =
              (id === '003-cell' ? 2e-5 : 2e-6) *
              Math.max(
                1,
                Math.abs(expected),
                ...keys.map((key) => Math.abs(terms[key].values.at(-1)[k])),
              );
            assert.ok(
              Math.abs(value - expected) <= bound,
              `${result}, step ${t}: ${value}, ${expected}`,
            );
          });
        }
      }
      for (const [key, { product, values }] of Object.entries(terms)) {
        if (!product) continue;
        const source = terms[product.of].values;
        values.forEach((row, t) => {
          const vector = product.before ? (source[t - 1] ?? source[0].map(() => 0)) : source[t];
          row.forEach((value, k) => {
            const sum = vector.reduce(
              (total, x, j) => total + product.weights[k * vector.length + j] * x,
              0,
            );
            assert.ok(
              Math.abs(value - sum) <= 1e-9 * Math.max(1, Math.abs(sum)),
              `${key}, step ${t}`,
            );
          });
        });
      }
    });
  }

  test('the states are those of the layer on the whole sequence', () => {
    const { hidden, output } = everyStep(unrolled, 0);
    const { unrolling } = look('000-every-step', { seed: 0 });
    // a step and a whole sequence add up in different orders
    assert.ok(largestDifference(unrolling.terms.h.values.flat(), hidden) <= 3e-7);
    assert.ok(largestDifference(unrolling.terms.y.values.flat(), output) <= 3e-7);
  });

  test('and those that the notebooks printed', () => {
    const seeded = look('002-seeded').unrolling.terms.h.values.flat();
    assert.ok(largestDifference(seeded, BY_LAYER.values) <= 3e-7);
    const relu = look('004-three-ways').unrolling.terms.h.values.flat();
    assert.ok(largestDifference(relu, OUTPUT.values) <= 1e-5);
    const cell = look('003-cell').answers[0].value;
    assert.equal(cell, '-0.0731');
  });

  test('another input is another answer, from its step on', () => {
    const first = look('001-every-step', { seed: 1 });
    const input = first.input.values.map((row) => [...row]);
    input[4][1] += 0.5;
    const second = look('001-every-step', { seed: 1 }, input);
    const [h, other] = [first, second].map(({ unrolling }) => unrolling.terms.h.values);
    assert.deepEqual(other.slice(0, 4), h.slice(0, 4));
    for (let t = 4; t < h.length; t++) assert.notDeepEqual(other[t], h[t]);
    assert.notDeepEqual(second.answers, first.answers);
  });
});

describe('gradients through time', () => {
  /** @param {number} x */
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  /**
   * One step in double precision, from the formulas of torch.nn.
   * @param {string} kind @param {any} w @param {number} x @param {{ h: number[], c: number[] }} state
   */
  function step(kind, w, x, { h, c }) {
    const H = h.length;
    const line = (/** @type {any} */ weight, /** @type {any} */ bias, /** @type {number[]} */ v) =>
      Array.from(bias.data, (/** @type {number} */ b, row) =>
        v.reduce((sum, value, j) => sum + weight.data[row * v.length + j] * value, b),
      );
    const a = line(w.weight_ih, w.bias_ih, [x]);
    const b = line(w.weight_hh, w.bias_hh, h);
    const both = (/** @type {number} */ gate, /** @type {number} */ k) =>
      a[gate * H + k] + b[gate * H + k];
    if (kind === 'RNN') return { h: h.map((_, k) => Math.tanh(both(0, k))), c };
    if (kind === 'GRU') {
      return {
        c,
        h: h.map((before, k) => {
          const [r, z] = [sigmoid(both(0, k)), sigmoid(both(1, k))];
          return (1 - z) * Math.tanh(a[2 * H + k] + r * b[2 * H + k]) + z * before;
        }),
      };
    }
    const next = c.map(
      (before, k) => sigmoid(both(1, k)) * before + sigmoid(both(0, k)) * Math.tanh(both(2, k)),
    );
    return { c: next, h: next.map((value, k) => sigmoid(both(3, k)) * Math.tanh(value)) };
  }

  for (const gates of ['open', 'fresh']) {
    test(`are those of finite differences, gates ${gates}`, () => {
      const x = [0.5, -1, 2, 0.25, 0, -0.75, 1];
      const rows = x.map((value) => [value]);
      const T = x.length;
      const kinds = networks(unrolled, { seed: 5, gates }, (kind, cell, head) => {
        const { states, cells, inputs } = backThrough(kind, cell, head, rows);
        const { reaches } = reachOf(unrolled, kind, cell, head, rows);
        const w = cell.stateDict();
        const { weight, bias } = head.stateDict();
        const H = cell.hiddenSize;
        /** y after the steps from..to, the state before them and the inputs moved a little. */
        const y = (
          /** @type {number} */ from,
          /** @type {number} */ to,
          /** @type {any} */ state,
          /** @type {number[]} */ input = x,
        ) => {
          let at = state;
          for (let t = from; t <= to; t++) at = step(kind, w, input[t], at);
          return at.h.reduce(
            (/** @type {number} */ sum, /** @type {number} */ v, /** @type {number} */ k) =>
              sum + v * weight.data[k],
            bias.data[0],
          );
        };
        const zero = { h: new Array(H).fill(0), c: new Array(H).fill(0) };
        const e = 1e-5;
        const near = (
          /** @type {number} */ got,
          /** @type {number} */ expected,
          /** @type {string} */ what,
        ) =>
          assert.ok(
            Math.abs(got - expected) <= 1e-3 * Math.abs(expected) + 1e-7,
            `${kind} ${what}: ${got}, ${expected}`,
          );

        for (let k = 0; k < T; k++) {
          for (let t = 0; t <= k; t++) {
            const moved = (/** @type {number} */ by) => y(0, k, zero, x.with(t, x[t] + by));
            near(reaches[k][t], (moved(e) - moved(-e)) / (2 * e), `∂y_${k}/∂x_${t}`);
          }
          assert.ok(reaches[k].slice(k + 1).every((value) => value === 0));
        }
        assert.deepEqual(inputs.length, T);
        assert.ok(largestDifference(inputs, reaches[T - 1]) <= 1e-6);

        let state = zero;
        for (let t = 0; t < T; t++) {
          state = step(kind, w, x[t], state);
          const norm = (/** @type {'h' | 'c'} */ part) =>
            Math.hypot(
              ...state[part].map((value, k) => {
                const moved = (/** @type {number} */ by) =>
                  y(t + 1, T - 1, { ...state, [part]: state[part].with(k, value + by) });
                return (moved(e) - moved(-e)) / (2 * e);
              }),
            );
          near(states[t], norm('h'), `‖∂y/∂h_${t}‖`);
          if (cells) near(cells[t], norm('c'), `‖∂y/∂c_${t}‖`);
        }
        return kind;
      });
      assert.deepEqual(kinds, ['RNN', 'LSTM', 'GRU']);
    });
  }

  test('with open gates the RNN forgets, the LSTM and the GRU do not', () => {
    const kept = (/** @type {string} */ gates) =>
      look('002-gradients', { gates }).reach.map(
        ({ norms }) => norms.at(-1).values[0] / norms.at(-1).values.at(-1),
      );
    const [rnn, lstm, gru] = kept('open');
    assert.ok(rnn < 1e-6);
    assert.ok(lstm > 1e-3);
    assert.ok(gru > 1e-3);
    for (const part of kept('fresh')) assert.ok(part < 1e-3, `as drawn: ${part}`);
  });
});

test('gates lie between 0 and 1, and make the states of the LSTM', () => {
  const x = [[0.2], [0], [0.9], [0.4]];
  const { gates, h, y } = adder(unrolled, 0, x);
  for (const name of ['i', 'f', 'o']) {
    for (const value of gates[name].flat()) assert.ok(value > 0 && value < 1);
  }
  assert.deepEqual(gates.h, h);
  const c = gates.c.map((row, t) =>
    row.map((_, k) => gates.f[t][k] * (gates.c[t - 1]?.[k] ?? 0) + gates.i[t][k] * gates.g[t][k]),
  );
  assert.ok(largestDifference(c.flat(), gates.c.flat()) <= 1e-6);
  assert.ok(Math.abs(y.at(-1) - 1.5) < 0.3, `it adds: ${y.at(-1)}`);
});

test('the 4 by 4 of the broadcast is what MSELoss averages', () => {
  const [p, y] = [
    [3, -1, 4, 10],
    [1, 5, 9, 2],
  ];
  const { squares, all, own, pulls } = squareOf(unrolled, p, y);
  const expected = p.flatMap((a) => y.map((b) => (a - b) ** 2));
  assert.deepEqual(squares, expected);
  /** @param {number[]} list */
  const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
  assert.ok(Math.abs(all - mean(expected)) <= 1e-5);
  assert.ok(Math.abs(own - mean(p.map((a, k) => (a - y[k]) ** 2))) <= 1e-5);
  p.forEach((a, k) => {
    assert.ok(Math.abs(pulls.all[k] + (2 * (a - mean(y))) / 4) <= 1e-5);
    assert.ok(Math.abs(pulls.own[k] + (2 * (a - y[k])) / 4) <= 1e-5);
  });
});

test('the picture of a batch is the same arithmetic', () => {
  const [predictions, targets] = [
    [3, -1, 4, 10],
    [1, 5, 9, 2],
  ];
  const picture = squareOfBatch({ predictions, targets, broadcast: true });
  const { squares, all, own, pulls } = squareOf(unrolled, predictions, targets);
  assert.deepEqual(picture.squares, squares);
  assert.equal(picture.counts, 'all');
  const numbers = [all, own, ...pulls.all, ...pulls.own];
  const shown = [picture.all, picture.own, ...picture.pulls.all, ...picture.pulls.own];
  assert.ok(largestDifference(shown, numbers) <= 1e-5);
});

test('the strongest of each block', () => {
  const data = Float32Array.of(1, -5, 2, 3, 0, 4, 0, 0, -9, 7, 1, 1, 1, 1, 8);
  assert.deepEqual(strongest(data, 3, 5, 2), { shape: [2, 3], data: [-5, -9, 7, 1, 1, 8] });
});

describe('inside a training', () => {
  for (const [id, values, input] of /** @type {const} */ ([
    ['003-lstm', { epochs: 1, hidden: 7 }, [[4], [5], [6], [7]]],
    ['003-lstm', { epochs: 1, hidden: 5, cell: 'GRU' }, [[1], [2]]],
    ['003-lstm', { epochs: 1, hidden: 5, cell: 'RNN' }, [[1], [2]]],
    ['003-cell-training', { epochs: 1 }, [[2], [4]]],
  ])) {
    test(`${id} ${JSON.stringify(values)}: looking shows the model as it is, and leaves its training as it is`, async () => {
      /** @param {boolean} looking */
      const run = async (looking) => {
        const session = training(id).create(unrolled, values);
        const losses = [];
        const said = [];
        for await (const { loss } of session.fit()) {
          losses.push(loss);
          if (looking) {
            const inside = session.look(input.map((row) => [...row]));
            sound(inside);
            assert.deepEqual(structuredClone(inside), inside);
            said.push(inside.answers[0].value);
          }
          if (losses.length === 6) break;
        }
        if (looking) {
          const { values: own } = session.look().input;
          const [first] = session.probe();
          assert.equal(first.input, `[${own.join(', ')}]`);
          assert.equal(session.look().answers[0].value, first.output.toFixed(4));
        }
        session.dispose();
        return { losses, said };
      };
      const [plain, watched] = [await run(false), await run(true)];
      assert.deepEqual(watched.losses, plain.losses);
      assert.equal(new Set(watched.said).size, 6, 'every step shows');
    });
  }
});
