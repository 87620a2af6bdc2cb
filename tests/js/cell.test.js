import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  GRU,
  GRUCell,
  init,
  LSTM,
  LSTMCell,
  manualSeed,
  noGrad,
  RNN,
  RNNCell,
  ShapeError,
  StateError,
} from 'unrolled';
import { assertClose, assertSame, Worst } from './support/compare.js';
import { casesOf, Fixture } from './support/fixtures.js';
import { checkGradients, ofArray, ofParameter, values, weigh } from './support/numeric.js';

before(() => init());

const CLOSE = { A: 1e-6, R: 1e-5 };

/**
 * The three kinds under one roof: h and c in, h and c out.
 * @typedef {{ h?: Float32Array, c?: Float32Array }} State
 * @typedef {object} Steps
 * @property {RNNCell | GRUCell | LSTMCell} cell
 * @property {(x: Float32Array, state?: any) => State} forward
 * @property {(grad: State) => State & { x: Float32Array }} backward
 */
/** @type {Record<string, (I: number, H: number, bias: boolean) => Steps>} */
const KINDS = {
  RNN_tanh: (I, H, bias) => plain(new RNNCell(I, H, { bias })),
  RNN_relu: (I, H, bias) => plain(new RNNCell(I, H, { bias, nonlinearity: 'relu' })),
  RNN_identity: (I, H, bias) => plain(new RNNCell(I, H, { bias, nonlinearity: 'identity' })),
  GRU: (I, H, bias) => plain(new GRUCell(I, H, { bias })),
  LSTM: (I, H, bias) => gated(new LSTMCell(I, H, { bias })),
};

/** @param {RNNCell | GRUCell} cell @returns {Steps} */
function plain(cell) {
  return {
    cell,
    forward: (x, state) => ({ h: cell.forward(x, state?.h) }),
    backward: (grad) => cell.backward(grad.h),
  };
}

/** @param {LSTMCell} cell @returns {Steps} */
function gated(cell) {
  return {
    cell,
    forward: (x, state) => cell.forward(x, state),
    backward: (grad) => cell.backward(grad),
  };
}

/** @param {Float32Array} a @param {Float32Array} b */
function add(a, b) {
  return a.map((v, i) => v + b[i]);
}

describe("cells give PyTorch's numbers", () => {
  const worst = new Worst();
  let covered = 0;
  for (const one of casesOf('cell')) {
    test(one.name, () => {
      const fixture = new Fixture(one);
      const { input_size: I, hidden_size: H, N, T, bias, kind, seed } = fixture.config;
      manualSeed(seed);
      const { cell, forward, backward } = KINDS[kind](I, H, bias);
      for (const { name, dataView } of cell.parameters()) {
        assertClose(dataView, fixture.floats(`param.${name}`), { R: 1.2e-7 }, `initial ${name}`);
      }
      cell.loadStateDict(fixture.state('param.'));
      const [input, output] = [fixture.floats('input'), fixture.floats('output')];
      const gradOutput = fixture.floats('grad_output');
      const cut = (array, t, size) => array.slice(t * N * size, (t + 1) * N * size);
      const note = (got, want, what) => worst.note('cell', assertClose(got, want, CLOSE, what));

      const lstm = fixture.has('c0');
      /** @type {State} */
      let state = { h: fixture.floats('h0'), ...(lstm && { c: fixture.floats('c0') }) };
      for (let t = 0; t < T; t++) {
        state = forward(cut(input, t, I), state);
        note(state.h, cut(output, t, H), `h after step ${t}`);
        if (lstm) note(state.c, cut(fixture.floats('cells'), t, H), `c after step ${t}`);
      }

      const gradInput = new Float32Array(input.length);
      /** @type {Float32Array} */
      let h = new Float32Array(N * H);
      let c = lstm ? fixture.floats('grad_cn') : undefined;
      for (let t = T - 1; t >= 0; t--) {
        const grad = backward({ h: add(h, cut(gradOutput, t, H)), ...(lstm && { c }) });
        gradInput.set(grad.x, t * N * I);
        h = grad.h;
        c = grad.c;
      }
      note(gradInput, fixture.floats('grad_input'), 'gradient of the input');
      note(h, fixture.floats('grad_h0'), 'gradient of h0');
      if (lstm) note(c, fixture.floats('grad_c0'), 'gradient of c0');
      const wanted = fixture.state('grad.');
      assert.equal(Object.keys(wanted).length, cell.parameters().length);
      for (const { name, gradView } of cell.parameters()) {
        note(gradView, wanted[name].data, `gradient of ${name}`);
      }
      cell.dispose();
      covered++;
    });
  }
  test('in all 6 cases', (t) => {
    assert.equal(covered, 6);
    t.diagnostic(`cells, ${covered} cases, ${worst}`);
  });
});

for (const [kind, make] of Object.entries(KINDS)) {
  test(`${kind} cell: gradients of two steps in a chain are slopes`, () => {
    const kinks = kind === 'RNN_relu';
    let checked = 0;
    let tensors = 0;
    for (const H of [1, 3, 5, 7, 17, 33]) {
      for (const [bias, start] of [
        [true, true],
        [false, true],
        [true, false],
        [false, false],
      ]) {
        const outcome = chain(make, { H, bias, start }, { what: `${kind} ${H}`, seed: H, kinks });
        checked += outcome.checked;
        tensors += outcome.tensors;
      }
    }
    assert.ok(checked >= (kinks ? 0.5 : 1) * tensors, `${checked} of ${tensors} were checked`);
  });
}

/**
 * @param {(I: number, H: number, bias: boolean) => Steps} make
 * @param {{ H: number, bias: boolean, start: boolean }} sizes
 * @param {{ what: string, seed: number, kinks: boolean }} options
 */
function chain(make, { H, bias, start }, options) {
  manualSeed(H);
  const [I, N] = [(H % 6) + 1, 1 + (H % 3)];
  const { cell, forward, backward } = make(I, H, bias);
  const lstm = cell instanceof LSTMCell;
  /** @type {Record<string, Float32Array | undefined>} */
  const given = {
    x0: values(N * I, 1),
    x1: values(N * I, 2),
    h: start ? values(N * H, 3) : undefined,
    c: start && lstm ? values(N * H, 4) : undefined,
  };
  const cotangents = [0, 1].map((t) => ({
    h: values(N * H, 5 + t),
    ...(lstm && { c: values(N * H, 7 + t) }),
  }));
  const run = () => {
    const { x0, x1, h, c } = given;
    const first = forward(x0, start ? { h, ...(lstm && { c }) } : undefined);
    return [first, forward(x1, first)];
  };
  run();
  const second = backward(cotangents[1]);
  const first = backward({
    h: add(second.h, cotangents[0].h),
    ...(lstm && { c: add(second.c, cotangents[0].c) }),
  });
  const tensors = [
    ofArray(given, 'x0', first.x),
    ofArray(given, 'x1', second.x),
    ...(start ? [ofArray(given, 'h', first.h)] : []),
    ...(start && lstm ? [ofArray(given, 'c', first.c)] : []),
    ...cell.parameters().map(ofParameter),
  ];
  const f = () => {
    const results = noGrad(run);
    return weigh(
      results.flatMap((state, t) =>
        Object.entries(cotangents[t]).map(([name, cotangent]) => [state[name], cotangent]),
      ),
    );
  };
  const checked = checkGradients(f, tensors, options);
  cell.dispose();
  return { checked, tensors: tensors.length };
}

test('a cell is one step of its layer', () => {
  const [I, H, N] = [4, 9, 3];
  for (const [kind, layer] of /** @type {const} */ ([
    ['RNN_tanh', new RNN(I, H)],
    ['RNN_relu', new RNN(I, H, { nonlinearity: 'relu' })],
    ['RNN_identity', new RNN(I, H, { nonlinearity: 'identity' })],
    ['GRU', new GRU(I, H)],
    ['LSTM', new LSTM(I, H)],
  ])) {
    const { cell, forward, backward } = KINDS[kind](I, H, true);
    const state = layer.stateDict();
    cell.loadStateDict(
      Object.fromEntries(
        Object.entries(state).map(([name, tensor]) => [name.replace('_l0', ''), tensor]),
      ),
    );
    const input = values(N * I, 1);
    const h0 = values(N * H, 2);
    const c0 = values(N * H, 3);
    const lstm = layer instanceof LSTM;
    const whole = /** @type {any} */ (layer).forward(input, { batch: N, h0, ...(lstm && { c0 }) });
    const step = forward(input, { h: h0, ...(lstm && { c: c0 }) });
    assertClose(step.h, whole.hn, { R: 1e-6 }, `${kind} h`);
    const cotangent = values(N * H, 4);
    const a = /** @type {any} */ (layer).backward(null, { hn: cotangent });
    const b = backward({ h: cotangent });
    assertClose(b.x, a.input, { R: 1e-6 }, `${kind} gradient of x`);
    assertClose(b.h, a.h0, { R: 1e-6 }, `${kind} gradient of h`);
    cell.dispose();
    layer.dispose();
  }
});

test('forwards stack, each backward undoes the newest', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    const [I, H] = [2, 3];
    const { cell, forward, backward } = make(I, H, true);
    const grad = (N, seed) => ({ h: values(N * H, seed) });
    // One after the other, each by itself.
    const alone = [1, 2, 3, 4, 5, 6].map((N) => {
      forward(values(N * I, N), { h: values(N * H, 10 + N) });
      const { x, h } = backward(grad(N, 20 + N));
      return { x, h };
    });
    const gradients = cell.parameters().map(({ gradView }) => gradView.slice());
    cell.zeroGrad();
    // All forwards, of different batches, then all backwards.
    for (const N of [1, 2, 3, 4, 5, 6]) {
      forward(values(N * I, N), { h: values(N * H, 10 + N) });
    }
    for (const N of [6, 5, 4, 3, 2, 1]) {
      const { x, h } = backward(grad(N, 20 + N));
      assertSame(x, alone[N - 1].x, `${kind} x of ${N}`);
      assertSame(h, alone[N - 1].h, `${kind} h of ${N}`);
    }
    assert.throws(() => backward(grad(1, 0)), StateError, kind);
    cell.parameters().forEach((parameter, i) => {
      const what = `${kind} ${parameter.name}`;
      assertClose(parameter.gradView, gradients[i], { A: 1e-6, R: 1e-6 }, what);
    });
    cell.dispose();
  }
});

test('zeroGrad forgets the forwards that wait', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    const { cell, forward, backward } = make(2, 3, true);
    const grad = { h: new Float32Array(3).fill(1) };
    assert.throws(() => backward(grad), StateError, kind);
    forward(values(2, 1));
    forward(values(2, 2));
    cell.zeroGrad();
    assert.throws(() => backward(grad), StateError, kind);
    forward(values(2, 1));
    backward(grad);
    cell.dispose();
  }
});

test('a forward inside noGrad keeps nothing, and leaves the stack alone', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    const { cell, forward, backward } = make(2, 3, true);
    const grad = { h: new Float32Array(3).fill(1) };
    const kept = forward(values(2, 1));
    const want = backward(grad);
    const free = noGrad(() => forward(values(2, 1)));
    assertSame(free.h, kept.h, `${kind} h`);
    assert.throws(() => backward(grad), StateError, kind);
    forward(values(2, 1));
    noGrad(() => forward(values(2, 2)));
    assertSame(backward(grad).x, want.x, `${kind} x`);
    cell.dispose();
  }
});

test('a gradient of the wrong length leaves the stack alone', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    const { cell, forward, backward } = make(2, 3, true);
    forward(values(4, 1));
    assert.throws(() => backward({ h: new Float32Array(3) }), ShapeError, kind);
    assert.throws(() => forward(values(3, 1)), ShapeError, kind);
    assert.throws(() => forward(values(4, 1), { h: new Float32Array(5) }), ShapeError, kind);
    assert.equal(backward({ h: new Float32Array(6) }).x.length, 4, kind);
    cell.dispose();
  }
});

test('left out, h and c are zeros; LSTMCell takes and gives either gradient', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    const { cell, forward, backward } = make(2, 3, true);
    const x = values(4, 1);
    const zeros = { h: new Float32Array(6), ...(kind === 'LSTM' && { c: new Float32Array(6) }) };
    const bare = forward(x);
    const explicit = forward(x, zeros);
    assertSame(bare.h, explicit.h, kind);
    backward({ h: values(6, 2) });
    backward({ h: values(6, 2) });
    if (kind === 'LSTM') {
      const [h, c] = [values(6, 3), values(6, 4)];
      const twice = [{ h }, { c }, { h, c }].map((grad) => {
        forward(x);
        return backward(grad).x;
      });
      assertClose(add(twice[0], twice[1]), twice[2], { A: 1e-6 }, 'h and c add up');
    }
    cell.dispose();
  }
});

test('a disposed LSTMCell says so, whatever else is wrong', () => {
  const cell = new LSTMCell(2, 3);
  cell.dispose();
  const dead = { name: 'StateError', message: /LSTMCell was disposed/ };
  assert.throws(() => cell.forward(values(2, 1), /** @type {any} */ (5)), dead);
  assert.throws(() => cell.backward(/** @type {any} */ (undefined)), dead);
});
