import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  ArgumentError,
  bernoulli,
  GRU,
  init,
  LSTM,
  manualSeed,
  noGrad,
  RNN,
  rand,
  ShapeError,
  StateError,
} from 'unrolled';
import { assertClose, assertSame } from './support/compare.js';
import { casesOf } from './support/fixtures.js';
import { values } from './support/numeric.js';

before(() => init());

/** @type {Record<string, (I: number, H: number, more: any) => any>} */
const KINDS = {
  RNN: (I, H, more) => new RNN(I, H, more),
  GRU: (I, H, more) => new GRU(I, H, more),
  LSTM: (I, H, more) => new LSTM(I, H, more),
  'LSTM with a projection': (I, H, more) => new LSTM(I, H, { ...more, projSize: H - 1 }),
};

test('all 46 recorded layers belong to one of rnn, lstm and gru.test.js', () => {
  const mine = casesOf('layer').filter(({ config }) => !config.optional);
  assert.equal(mine.length, 21 + 14 + 11);
  const kinds = new Set(mine.map(({ kind }) => kind));
  assert.deepEqual([...kinds].sort(), ['GRU', 'LSTM', 'RNN_relu', 'RNN_tanh']);
});

for (const [name, make] of Object.entries(KINDS)) {
  const lstm = name.startsWith('LSTM');

  describe(name, () => {
    test('a sequence in two parts, the state handed on, is the whole', () => {
      const [I, H, N, T] = [3, 5, 2, 6];
      const rnn = make(I, H, { numLayers: 2 });
      const input = values(T * N * I, 1);
      const whole = rnn.forward(input, { batch: N });
      const first = rnn.forward(input.slice(0, 2 * N * I), { batch: N });
      const state = { h0: first.hn, ...(lstm && { c0: first.cn }) };
      const second = rnn.forward(input.slice(2 * N * I), { batch: N, ...state });
      assertSame([...first.output, ...second.output], whole.output, 'output');
      assertSame(second.hn, whole.hn, 'hn');
      if (lstm) assertSame(second.cn, whole.cn, 'cn');
      rnn.dispose();
    });

    test('sequences side by side do not see each other', () => {
      const [I, H, N, T] = [3, 5, 4, 3];
      const rnn = make(I, H, { numLayers: 2, bidirectional: true, batchFirst: true });
      const input = values(N * T * I, 1);
      const { output } = rnn.forward(input, { batch: N });
      const each = output.length / N;
      for (let n = 0; n < N; n++) {
        const alone = rnn.forward(input.slice(n * T * I, (n + 1) * T * I)).output;
        const what = `sequence ${n}`;
        assertClose(output.slice(n * each, (n + 1) * each), alone, { A: 1e-6, R: 1e-6 }, what);
      }
      rnn.dispose();
    });

    test('hn is the last step of the output, and in reverse the first', () => {
      const [I, H, N, T] = [3, 5, 2, 4];
      const rnn = make(I, H, { bidirectional: true });
      const { output, hn } = rnn.forward(values(T * N * I, 1), { batch: N });
      const Ho = hn.length / (2 * N);
      for (let n = 0; n < N; n++) {
        const ahead = output.subarray(((T - 1) * N + n) * 2 * Ho).subarray(0, Ho);
        assertSame(ahead, hn.slice(n * Ho, (n + 1) * Ho), 'forward');
        const back = output.subarray(n * 2 * Ho + Ho).subarray(0, Ho);
        assertSame(back, hn.slice((N + n) * Ho, (N + n + 1) * Ho), 'reverse');
      }
      rnn.dispose();
    });

    test('backward(null) takes the states only; without any the gradients are zero', () => {
      const rnn = make(3, 5, { numLayers: 2 });
      const input = values(12, 1);
      const { output, hn } = rnn.forward(input);
      const zero = rnn.backward(null);
      assertSame(zero.input, new Float32Array(12), 'input');
      assertSame(zero.h0, new Float32Array(hn.length), 'h0');
      for (const { gradView } of rnn.parameters()) assert.ok(gradView.every((v) => v === 0));

      const grad = values(hn.length, 2);
      rnn.forward(input);
      const only = rnn.backward(null, { hn: grad });
      rnn.forward(input);
      const explicit = rnn.backward(new Float32Array(output.length), { hn: grad });
      assertSame(only.input, explicit.input, 'input');
      assertSame(only.h0, explicit.h0, 'h0');
      assert.ok(only.input.some((v) => v !== 0));
      rnn.dispose();
    });

    test('the gradients of output and states add up', () => {
      const rnn = make(3, 5, { bidirectional: true });
      const input = values(12, 1);
      const { output, hn } = rnn.forward(input);
      const [g, dh] = [values(output.length, 2), values(hn.length, 3)];
      const [a, b, both] = [
        [g, {}],
        [null, { hn: dh }],
        [g, { hn: dh }],
      ].map(([y, state]) => {
        rnn.forward(input);
        return /** @type {any} */ (rnn).backward(y, state).input;
      });
      assertClose(
        a.map((v, i) => v + b[i]),
        both,
        { A: 1e-6 },
        'input',
      );
      rnn.dispose();
    });

    test('batches of any size after one another give what a fresh one gives', () => {
      const rnn = make(3, 5, { numLayers: 2, batchFirst: true });
      for (const [N, T] of [
        [1, 1],
        [4, 7],
        [2, 3],
        [7, 1],
        [1, 9],
        [4, 7],
      ]) {
        const fresh = make(3, 5, { numLayers: 2, batchFirst: true });
        fresh.loadStateDict(rnn.stateDict());
        const input = values(N * T * 3, N + T);
        const [a, b] = [rnn, fresh].map((one) => {
          const { output, hn } = one.forward(input, { batch: N });
          return { output, hn, ...one.backward(output, { hn }) };
        });
        for (const [part, want] of Object.entries(b)) assertSame(a[part] ?? [], want ?? [], part);
        fresh.dispose();
      }
      rnn.dispose();
    });

    test('step: another batch size needs resetState first', () => {
      const rnn = make(3, 5, {});
      rnn.step(values(3, 1));
      const kept = rnn.step(values(3, 2));
      assert.throws(() => rnn.step(values(6, 1), { batch: 2 }), {
        name: 'ShapeError',
        message: /resetState/,
      });
      rnn.resetState();
      rnn.step(values(6, 1), { batch: 2 });
      rnn.resetState();
      rnn.step(values(3, 1));
      assertSame(rnn.step(values(3, 2)), kept, 'the same steps again');
      rnn.dispose();
    });

    test('step: the state given says the batch size', () => {
      const rnn = make(3, 5, { numLayers: 2 });
      const { hn } = rnn.forward(values(12, 1), { batch: 2 });
      rnn.resetState({ h0: hn });
      assert.throws(() => rnn.step(values(3, 1)), ShapeError);
      const y = rnn.step(values(6, 1), { batch: 2 });
      const want = rnn.forward(values(6, 1), { batch: 2, h0: hn }).output;
      assertClose(y, want, { A: 1e-6, R: 1e-6 }, 'with h0 alone');
      rnn.dispose();
    });

    test('steps leave a forward to its backward, and forwards leave the carried state', () => {
      const rnn = make(3, 5, {});
      const input = values(12, 1);
      const g = rnn.forward(input).output;
      const want = rnn.backward(g).input;
      rnn.resetState();
      const steps = [1, 2, 3].map((seed) => rnn.step(values(3, seed)));
      rnn.resetState();
      rnn.step(values(3, 1));
      rnn.forward(input);
      assertSame(rnn.step(values(3, 2)), steps[1], 'the second step');
      assertSame(rnn.backward(g).input, want, 'gradient');
      assertSame(rnn.step(values(3, 3)), steps[2], 'the third step');
      rnn.dispose();
    });

    test('step keeps nothing for a backward, and follows the weights', () => {
      const rnn = make(3, 5, {});
      const y = rnn.step(values(3, 1));
      assert.throws(() => rnn.backward(y), StateError);
      for (const { dataView } of rnn.parameters()) dataView.fill(0);
      rnn.resetState();
      const still = rnn.step(values(3, 1));
      assert.ok(still.every((v) => v === 0));
      rnn.dispose();
    });

    test('step knows no dropout', () => {
      const rnn = make(3, 5, { numLayers: 3, dropout: 0.9 });
      const first = rnn.step(values(3, 1));
      rnn.resetState();
      manualSeed(1);
      const next = rand(1);
      manualSeed(1);
      assertSame(rnn.step(values(3, 1)), first, 'twice the same');
      assertSame(rand(1), next, 'the stream');
      rnn.dispose();
    });

    test('dropout between the layers draws one mask for each layer but the last', () => {
      const [N, T, H] = [2, 3, 5];
      for (const batchFirst of [false, true]) {
        const rnn = make(3, H, { numLayers: 3, dropout: 0.5, bidirectional: true, batchFirst });
        const Ho = rnn.forward(values(3, 1)).output.length;
        manualSeed(3);
        bernoulli(2 * T * N * Ho, 0.5);
        const next = rand(2);
        manualSeed(3);
        rnn.forward(values(T * N * 3, 1), { batch: N });
        assertSame(rand(2), next, 'the stream after it');
        rnn.eval();
        manualSeed(3);
        const fresh = rand(2);
        manualSeed(3);
        rnn.forward(values(T * N * 3, 1), { batch: N });
        assertSame(rand(2), fresh, 'the stream after eval');
        rnn.dispose();
      }
    });

    test('dropout 1 lets nothing pass between the layers, and draws nothing', () => {
      const rnn = make(3, 5, { numLayers: 2, dropout: 1 });
      manualSeed(3);
      const next = rand(2);
      manualSeed(3);
      const a = rnn.forward(values(6, 1)).output;
      const b = rnn.forward(values(6, 2)).output;
      assertSame(rand(2), next, 'the stream');
      assertSame(a, b, 'whatever the input');
      rnn.dispose();
    });

    test('long sequences, many layers', () => {
      const rnn = make(2, 3, { numLayers: 11 });
      const { output } = rnn.forward(values(2 * 500, 1));
      assert.ok(output.every(Number.isFinite));
      const { input } = rnn.backward(output);
      assert.equal(input.length, 1000);
      assert.ok(input.every(Number.isFinite));
      rnn.dispose();
    });

    test('options are read back', () => {
      const rnn = make(3, 5, { numLayers: 2, bias: false, batchFirst: true });
      const { inputSize, hiddenSize, numLayers, bias, batchFirst, bidirectional, dropout } = rnn;
      assert.deepEqual(
        { inputSize, hiddenSize, numLayers, bias, batchFirst, bidirectional, dropout },
        {
          inputSize: 3,
          hiddenSize: 5,
          numLayers: 2,
          bias: false,
          batchFirst: true,
          bidirectional: false,
          dropout: 0,
        },
      );
      rnn.dispose();
    });
  });
}

test('a bidirectional one has no step', () => {
  for (const make of Object.values(KINDS)) {
    const rnn = make(3, 5, { bidirectional: true });
    assert.throws(() => rnn.step(values(3, 1)), ArgumentError);
    assert.throws(() => rnn.resetState(), ArgumentError);
    rnn.dispose();
  }
});

test('dropout with one layer warns, as in PyTorch', (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  new GRU(1, 2, { dropout: 0.5 }).dispose();
  assert.equal(warn.mock.callCount(), 1);
  assert.match(warn.mock.calls[0].arguments[0], /GRU dropout.*numLayers 1/);
  new GRU(1, 2, { numLayers: 2, dropout: 0.5 }).dispose();
  assert.equal(warn.mock.callCount(), 1);
});

test('identity without weights is the sum of the inputs', () => {
  const rnn = new RNN(1, 1, { nonlinearity: 'identity', bias: false });
  for (const { dataView } of rnn.parameters()) dataView.fill(1);
  assertSame(rnn.forward(Float32Array.of(1, 2, 3, 4)).output, [1, 3, 6, 10], 'output');
  assertSame(rnn.backward(Float32Array.of(0, 0, 0, 1)).input, [1, 1, 1, 1], 'gradient');
  rnn.dispose();
});

test('values that are not finite pass through', () => {
  for (const make of [KINDS.RNN, KINDS.GRU, KINDS.LSTM]) {
    const rnn = make(2, 3, {});
    const { output } = noGrad(() => rnn.forward(Float32Array.of(1, NaN, 0, 0)));
    assert.ok(output.every(Number.isNaN), 'NaN reaches all that follows');
    const large = rnn.forward(Float32Array.of(3e38, -3e38, 1, 1));
    assert.equal(large.output.length, 6);
    rnn.dispose();
  }
});

test('a getter among the gradients that calls the library disturbs nothing', () => {
  for (const [kind, make] of Object.entries(KINDS)) {
    const [model, other] = [make(2, 3, {}), make(3, 4, {})];
    const [x, dy, dhn] = [
      rand(10),
      rand(kind.includes('projection') ? 10 : 15),
      rand(kind.includes('projection') ? 2 : 3),
    ];
    model.forward(x);
    const expected = model.backward(dy, { hn: dhn });
    const grads = model.parameters().map(({ gradView }) => gradView.slice());
    model.zeroGrad();
    model.forward(x);
    const got = model.backward(dy, {
      get hn() {
        other.forward(rand(12));
        return dhn;
      },
    });
    assertSame(got.input, expected.input, kind);
    assertSame(got.h0, expected.h0, kind);
    model.parameters().forEach(({ gradView }, i) => {
      assertSame(gradView, grads[i], `${kind} ${i}`);
    });
  }
});

test('a hidden size is checked before what depends on it', () => {
  for (const wrong of /** @type {any[]} */ ([Symbol('h'), undefined, 'a', Object.create(null)])) {
    assert.throws(() => new LSTM(2, wrong, { projSize: 1 }), {
      name: 'ArgumentError',
      message: /LSTM hiddenSize: expected a whole number/,
    });
  }
});
