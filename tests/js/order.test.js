// Whatever was called before, in whatever order and with whatever batches: a call gives what it gives
// on modules that were just made.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  Dropout,
  GRU,
  info,
  init,
  LastStep,
  Linear,
  LSTM,
  manualSeed,
  noGrad,
  RNN,
  Sequential,
  StateError,
  Tanh,
} from 'unrolled';
import { assertSame } from './support/compare.js';
import { generator, values } from './support/numeric.js';

before(() => init());

const I = 3;

/** Models with something of everything; names of the recurrent and the row-wise modules inside. */
function make(kind, batchFirst) {
  const wide = { batchFirst, bidirectional: true };
  switch (kind) {
    case 0: {
      const rnn = new LSTM(I, 5, { batchFirst, numLayers: 2, dropout: 0.3, projSize: 4 });
      const fc = new Linear(4, 2);
      return { model: new Sequential(rnn, new Dropout(0.2), fc), rnn, fc };
    }
    case 1: {
      const rnn = new GRU(4, 5, wide);
      const fc = new Linear(10, 2);
      const front = new Sequential(new Linear(I, 4), new Tanh());
      return { model: new Sequential(front, new Sequential(rnn, new LastStep()), fc), rnn, fc };
    }
    default: {
      const rnn = new RNN(I, 5, { batchFirst });
      const fc = new Linear(5, 2);
      return { model: new Sequential(new Dropout(0.5), rnn, new LastStep(), fc), rnn, fc };
    }
  }
}

/** All that a training step makes of a batch. */
function outcome({ model }, x, batch, seed) {
  model.zeroGrad();
  manualSeed(seed);
  const y = model.forward(x, { batch });
  const dx = model.backward(values(y.length, seed));
  return { y, dx, gradients: model.parameters().map(({ gradView }) => gradView.slice()) };
}

/** Something else that one could do. @type {((made: any, draw: () => number) => void)[]} */
const DISTRACTIONS = [
  ({ fc }, draw) => {
    const x = values(fc.inFeatures * (1 + Math.floor(draw() * 9)), 1);
    const y = fc.forward(x);
    if (draw() < 0.5) fc.backward(y);
  },
  ({ rnn }, draw) => {
    const [T, N] = [1 + Math.floor(draw() * 5), 1 + Math.floor(draw() * 5)];
    const y = rnn.forward(values(T * N * rnn.inputSize, 1), { batch: N }).output;
    if (draw() < 0.5) rnn.backward(y);
  },
  ({ rnn }, draw) => {
    if (rnn.bidirectional) return;
    if (draw() < 0.3) rnn.resetState();
    else rnn.resetState({ h0: values(rnn.numLayers * (rnn.projSize || rnn.hiddenSize), 1) });
    rnn.step(values(rnn.inputSize, 2));
  },
  ({ model }, draw) => {
    const N = 1 + Math.floor(draw() * 4);
    noGrad(() => model.forward(values(N * I * 3, 1), { batch: N }));
  },
  ({ model }, draw) => {
    const N = 1 + Math.floor(draw() * 4);
    model.forward(values(N * I * 2, 1), { batch: N }); // whose backward never comes
  },
  ({ model }) => assert.throws(() => model.forward(values(I * 7, 1), { batch: 5 })),
  ({ model }) => assert.throws(() => model.backward(values(1001, 1))),
  ({ model }, draw) => void model.train(draw() < 0.5).zeroGrad(),
  ({ model, fc }) => {
    model.forward(values(I * 4, 1), { batch: 2 });
    fc.forward(values(fc.inFeatures, 1));
    assert.throws(() => model.backward(values(4, 1)), StateError);
  },
];

for (const kind of [0, 1, 2]) {
  for (const batchFirst of [false, true]) {
    test(`model ${kind}, ${batchFirst ? 'batch' : 'time'} first`, () => {
      const { liveObjects } = info();
      const draw = generator(kind + 1);
      const made = make(kind, batchFirst);
      for (let round = 0; round < 150; round++) {
        for (let i = Math.floor(draw() * 4); i > 0; i--) {
          DISTRACTIONS[Math.floor(draw() * DISTRACTIONS.length)](made, draw);
        }
        const [T, N] = [1 + Math.floor(draw() * 6), 1 + Math.floor(draw() * 6)];
        const x = values(T * N * I, round);
        const fresh = make(kind, batchFirst);
        fresh.model.loadStateDict(made.model.stateDict());
        fresh.model.train(made.model.training);
        const want = outcome(fresh, x, N, round);
        const got = outcome(made, x, N, round);
        const what = `round ${round}, T ${T}, N ${N}`;
        assertSame(got.y, want.y, `output, ${what}`);
        assertSame(got.dx, want.dx, `gradient of the input, ${what}`);
        want.gradients.forEach((gradient, i) => {
          assertSame(got.gradients[i], gradient, `gradient ${i}, ${what}`);
        });
        fresh.model.dispose();
      }
      made.model.dispose();
      assert.equal(info().liveObjects, liveObjects);
    });
  }
}

test('modules that were used before they came into a Sequential', () => {
  for (const batchFirst of [false, true]) {
    const [T, N, H] = [4, 3, 5];
    const rnn = new GRU(I, H, { batchFirst });
    const dropout = new Dropout(0.5);
    const [a, b] = [new Linear(H, H), new Linear(H, 2)];
    const x = values(T * N * I, 1);
    rnn.forward(x, { batch: N });
    dropout.forward(values(T * N * H, 2));
    a.forward(values(T * N * H, 2));
    const inner = new Sequential(dropout, a);
    inner.forward(values(T * N * H, 2), { batch: N });
    b.forward(values(H, 3));
    const model = new Sequential(rnn, inner, b);
    const want = new Sequential(
      new GRU(I, H, { batchFirst }),
      new Sequential(new Dropout(0.5), new Linear(H, H)),
      new Linear(H, 2),
    );
    want.loadStateDict(model.stateDict());
    const [got, fresh] = [model, want].map((one) => outcome({ model: one }, x, N, 5));
    assertSame(got.y, fresh.y, 'output');
    assertSame(got.dx, fresh.dx, 'gradient of the input');
    got.gradients.forEach((gradient, i) => {
      assertSame(gradient, fresh.gradients[i], `gradient ${i}`);
    });
    model.dispose();
    want.dispose();
  }
});

test('a forward that waits is not that of the Sequential it came into', () => {
  const linear = new Linear(2, 2);
  const x = values(4, 1);
  linear.forward(x);
  const model = new Sequential(linear);
  assert.throws(() => model.backward(x), StateError);
  model.forward(x);
  model.backward(x);
  model.dispose();
});
