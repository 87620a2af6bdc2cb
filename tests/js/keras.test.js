// Weights from Keras and back. tests/fixtures/keras holds layers of Keras with their true outputs.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { fromKeras, GRU, init, LSTM, RNN, toKeras } from 'unrolled';
import { assertClose, assertSame, Worst } from './support/compare.js';
import { readJson } from './support/fixtures.js';
import { values } from './support/numeric.js';

const MODULES = { SimpleRNN: RNN, LSTM, GRU };
const GATES = { SimpleRNN: 1, LSTM: 4, GRU: 3 };

const recorded = readJson('keras/layers.json');

/** @param {{ shape: number[], data: number[] }} one */
const floats = ({ shape, data }) => ({ shape, data: Float32Array.from(data) });

/** The same bits, the sign of a zero too. @param {any[]} got @param {any[]} want @param {string} what */
function assertBits(got, want, what) {
  assert.equal(got.length, want.length, what);
  for (const [i, { shape, data }] of want.entries()) {
    assert.deepEqual([...got[i].shape], [...shape], `${what} ${i}`);
    assert.deepEqual(new Uint32Array(got[i].data.buffer), new Uint32Array(data.buffer), what);
  }
}

/** @param {number[]} shape @param {number} seed */
const filled = (shape, seed) => ({
  shape,
  data: values(
    shape.reduce((a, b) => a * b),
    seed,
  ),
});

/** A layer of I 2, H 3. @param {'SimpleRNN' | 'LSTM' | 'GRU'} kind @param {boolean} [bias] */
function layer(kind, bias = true) {
  const GH = 3 * GATES[kind];
  const weights = [filled([2, GH], 1), filled([3, GH], 2)];
  return bias ? [...weights, filled(kind === 'GRU' ? [2, GH] : [GH], 3)] : weights;
}

before(() => init());

describe('what Keras computed', () => {
  const worst = new Worst();
  for (const { kind, bias, bidirectional, inputs, hidden, ...of } of recorded.layers) {
    const name = `${kind}, ${bias ? 'bias' : 'no bias'}${bidirectional ? ', Bidirectional' : ''}`;
    test(name, () => {
      const weights = of.weights.map(floats);
      const options = { bias, bidirectional, batchFirst: true };
      const module = new MODULES[kind](inputs, hidden, options);
      const state = fromKeras(kind, weights);
      assert.equal(Object.getPrototypeOf(state), null);
      assert.deepEqual(Object.keys(state), Object.keys(module.stateDict()));
      module.loadStateDict(state);
      const input = floats(of.input);
      const { output } = module.forward(input.data, { batch: input.shape[0] });
      worst.note(kind, assertClose(output, of.output.data, { A: 1e-6, R: 1e-6 }, name));
      assertBits(toKeras(kind, module.stateDict()), weights, `${name}, and back`);
      module.dispose();
    });
  }
  test('all twelve of them', (t) => {
    assert.equal(recorded.layers.length, 12);
    t.diagnostic(`${recorded.made_with}; ${worst}`);
  });
});

describe('to Keras', () => {
  for (const [kind, Kind] of Object.entries(MODULES)) {
    test(`${kind}: the two biases are added, a GRU’s kept`, () => {
      const module = new Kind(2, 3);
      const state = module.stateDict();
      const weights = toKeras(/** @type {any} */ (kind), state);
      const back = fromKeras(/** @type {any} */ (kind), weights);
      const G = GATES[kind];
      assert.deepEqual(
        weights.map(({ shape }) => shape),
        [[2, 3 * G], [3, 3 * G], kind === 'GRU' ? [2, 9] : [3 * G]],
      );
      for (const part of ['weight_ih_l0', 'weight_hh_l0']) {
        assertSame(back[part].data, state[part].data, part);
      }
      const [ih, hh] = [state.bias_ih_l0.data, state.bias_hh_l0.data];
      const one = kind === 'GRU' ? ih : ih.map((b, i) => b + hh[i]);
      assertSame(back.bias_ih_l0.data, one, 'bias_ih');
      assertSame(back.bias_hh_l0.data, kind === 'GRU' ? hh : hh.map(() => 0), 'bias_hh');
      module.dispose();
    });
  }

  test('the places of a GRU: gates z r h in columns', () => {
    const state = {
      weight_ih_l0: { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }, // r z n
      weight_hh_l0: { shape: [3, 1], data: Float32Array.of(7, 8, 9) },
      bias_ih_l0: { shape: [3], data: Float32Array.of(10, 11, 12) },
      bias_hh_l0: { shape: [3], data: Float32Array.of(13, 14, 15) },
    };
    const [kernel, recurrent, bias] = toKeras('GRU', state).map(({ data }) => [...data]);
    assert.deepEqual(kernel, [3, 1, 5, 4, 2, 6]);
    assert.deepEqual(recurrent, [8, 7, 9]);
    assert.deepEqual(bias, [11, 10, 12, 14, 13, 15]);
  });

  test('a bias of −0 comes back as it was', () => {
    const weights = layer('LSTM');
    weights[2].data.fill(-0);
    assertBits(toKeras('LSTM', fromKeras('LSTM', weights)), weights, 'LSTM');
  });

  test('other state dicts are refused', () => {
    const state = fromKeras('LSTM', layer('LSTM'));
    const { weight_hh_l0, bias_hh_l0, ...half } = state;
    const more = { ...state, weight_hr_l0: { shape: [1, 3], data: new Float32Array(3) } };
    const prefixed = Object.fromEntries(Object.entries(state).map(([k, v]) => [`rnn.${k}`, v]));
    const reverse = { ...state, weight_ih_l0_reverse: state.weight_ih_l0 };
    for (const [wrong, words] of /** @type {[any, RegExp][]} */ ([
      [null, /expected a state dict, got null/],
      [5, /expected a state dict/],
      [{}, /expected one layer.*weight_ih_l0, weight_hh_l0, got ""/],
      [half, /weight_hh_l0, bias_ih_l0, bias_hh_l0, got "weight_ih_l0, bias_ih_l0"/],
      [more, /without projection.*got ".*weight_hr_l0"/],
      [prefixed, /weight_ih_l0.*got "rnn\.weight_ih_l0/],
      [reverse, /weight_hh_l0_reverse.*got ".*weight_ih_l0_rev/],
      [new LSTM(2, 3, { numLayers: 2 }).stateDict(), /one layer.*got ".*weight_ih_l1/],
      [{ ...state, weight_ih_l0: 5 }, /weight_ih_l0: expected \{ shape, data \}/],
      [{ ...state, bias_ih_l0: { shape: [12], data: [1] } }, /bias_ih_l0 data/],
    ])) {
      assert.throws(() => toKeras('LSTM', wrong), { name: 'ArgumentError', message: words });
    }
    assert.throws(() => toKeras('GRU', state), { name: 'ShapeError', message: /toKeras GRU/ });
    const lowercase = /** @type {any} */ ('lstm');
    assert.throws(() => toKeras(lowercase, state), {
      name: 'ArgumentError',
      message: /toKeras kind/,
    });
  });
});

describe('from Keras', () => {
  test('copies: what was given stays as it was', () => {
    const weights = layer('GRU');
    const twin = layer('GRU');
    for (const { data } of Object.values(fromKeras('GRU', weights))) data.fill(7);
    assertBits(weights, twin, 'GRU');
  });

  test('reset_after=False is refused, in words', () => {
    const weights = recorded.gru_reset_before.map(floats);
    assert.deepEqual(weights[2].shape, [9]);
    assert.throws(() => fromKeras('GRU', weights), {
      name: 'ArgumentError',
      message: /bias: expected reset_after=True.*reset_after=False.*before the recurrent product/,
    });
  });

  test('wrong weights are refused', () => {
    const [kernel, recurrent, bias] = layer('LSTM');
    const other = filled([4, 12], 4);
    const flat = { shape: [24], data: kernel.data };
    for (const [wrong, name, words] of /** @type {[any, string, RegExp][]} */ ([
      [undefined, 'ArgumentError', /fromKeras LSTM weights.*got undefined/],
      [{}, 'ArgumentError', /weights/],
      [[], 'ArgumentError', /got Array of 0/],
      [
        [kernel],
        'ArgumentError',
        /expected kernel, recurrent kernel, bias, or no bias.*got Array of 1/,
      ],
      [[kernel, recurrent, bias, kernel, recurrent], 'ArgumentError', /got Array of 5/],
      [[kernel, null, bias], 'ArgumentError', /recurrent kernel: expected \{ shape, data \}/],
      [[[1, 2], recurrent, bias], 'ArgumentError', /LSTM kernel/],
      [
        [{ shape: [2, 12], data: [...kernel.data] }, recurrent],
        'ArgumentError',
        /kernel data.*from/,
      ],
      [[{ shape: [2, -12], data: kernel.data }, recurrent], 'ArgumentError', /kernel/],
      [[kernel, recurrent, null], 'ArgumentError', /bias/],
      [[flat, recurrent], 'ShapeError', /kernel: expected a matrix, got \[24\]/],
      [
        [{ shape: [12, 2], data: kernel.data }, recurrent],
        'ShapeError',
        /kernel: expected shape \[12, 12\], got \[12, 2\]/,
      ],
      [[kernel, { shape: [12, 3], data: recurrent.data }], 'ShapeError', /recurrent kernel/],
      [
        [kernel, recurrent, filled([2, 12], 1)],
        'ShapeError',
        /bias: expected shape \[12\], got \[2, 12\]/,
      ],
      [[kernel, recurrent, bias, kernel, recurrent, kernel], 'ShapeError', /backward bias/],
      [
        [kernel, recurrent, other, recurrent],
        'ShapeError',
        /backward kernel: expected shape \[2, 12\], got \[4, 12\]/,
      ],
    ])) {
      assert.throws(() => fromKeras('LSTM', wrong), { name, message: words });
    }
    for (const kind of ['lstm', 'CuDNNLSTM', '', 'constructor', undefined]) {
      const call = () => fromKeras(/** @type {any} */ (kind), layer('LSTM'));
      assert.throws(call, { name: 'ArgumentError', message: /'SimpleRNN', 'LSTM', 'GRU'/ });
    }
  });

  /** How often fromKeras warns. @param {any} t @param {Parameters<typeof fromKeras>} args */
  function warnings(t, ...args) {
    const warn = t.mock.method(console, 'warn', () => {});
    fromKeras(...args);
    const said = warn.mock.calls.map(({ arguments: [text] }) => text);
    warn.mock.restore();
    return said;
  }

  test('an LSTM whose gates stand elsewhere is noticed by its forget bias', (t) => {
    const [kernel, recurrent, bias] = recorded.lstm_initial.map(floats);
    assert.deepEqual([...bias.data.subarray(4, 8)], [1, 1, 1, 1], 'Keras starts it at 1');
    assert.deepEqual(warnings(t, 'LSTM', [kernel, recurrent, bias]), []);
    const moved = (/** @type {number} */ place, /** @type {number} */ about) => {
      const data = Float32Array.from({ length: 16 }, (_, i) =>
        Math.floor(i / 4) === place ? about + 0.1 * (i % 4) : 0.1 * ((i % 3) - 1),
      );
      return { shape: [16], data };
    };
    for (const place of [0, 2, 3]) {
      const said = warnings(t, 'LSTM', [kernel, recurrent, moved(place, 0.8)]);
      assert.equal(said.length, 1);
      assert.match(said[0], new RegExp(`^unrolled: .* ${'ifco'[place]} is near 1`));
    }
    assert.deepEqual(warnings(t, 'LSTM', [kernel, recurrent, moved(1, 0.8)]), []);
    assert.deepEqual(warnings(t, 'LSTM', [kernel, recurrent, moved(2, 0.2)]), []);
    assert.deepEqual(warnings(t, 'LSTM', [kernel, recurrent]), []);
    const good = [kernel, recurrent, bias];
    const wrong = [kernel, recurrent, moved(2, 1)];
    assert.equal(warnings(t, 'LSTM', [...good, ...wrong]).length, 1, 'the backward direction');
    assert.equal(warnings(t, 'LSTM', [...wrong, ...wrong]).length, 1, 'once');
    const ones = { shape: [2, 9], data: new Float32Array(18).fill(1) };
    const [k, r] = layer('GRU');
    assert.deepEqual(warnings(t, 'GRU', [k, r, ones]), []);
  });
});
