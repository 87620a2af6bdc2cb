import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import {
  Adam,
  ArgumentError,
  Dropout,
  GRU,
  GRUCell,
  info,
  init,
  LastStep,
  Linear,
  LogSoftmax,
  LSTM,
  MSELoss,
  manualSeed,
  noGrad,
  ReLU,
  RNN,
  Sequential,
  ShapeError,
  Softmax,
  StateError,
  Tanh,
  Trainer,
} from 'unrolled';
import { assertSame } from './support/compare.js';
import { checkGradients, ofArray, ofParameter, values, weigh } from './support/numeric.js';
import { swap } from './support/sequence.js';

before(() => init());

const [T, N, I, H, K] = [4, 3, 5, 7, 2];

/**
 * What stands in them, and whether a sequence comes out: [N][T][...] when batchFirst, else
 * [T][N][...].
 * @type {Record<string, { sequence: boolean, make: (batchFirst: boolean) => Sequential }>}
 */
const NETS = {
  'many to many': {
    sequence: true,
    make: (batchFirst) => new Sequential(new LSTM(I, H, { batchFirst }), new Linear(H, K)),
  },
  'many to one': {
    sequence: false,
    make: (batchFirst) =>
      new Sequential(new LSTM(I, H, { batchFirst }), new LastStep(), new Linear(H, K)),
  },
  'two recurrent ones': {
    sequence: false,
    make: (batchFirst) =>
      new Sequential(
        new GRU(I, H, { batchFirst, bidirectional: true }),
        new RNN(2 * H, 3, { batchFirst }),
        new LastStep(),
        new Tanh(),
      ),
  },
  'rows before the recurrent one': {
    sequence: true,
    make: (batchFirst) =>
      new Sequential(
        new Linear(I, 4),
        new Tanh(),
        new GRU(4, H, { batchFirst }),
        new LogSoftmax(H),
      ),
  },
  'elementwise first': {
    sequence: false,
    make: (batchFirst) =>
      new Sequential(new Tanh(), new LSTM(I, H, { batchFirst, projSize: 3 }), new LastStep()),
  },
  'with dropout': {
    sequence: false,
    make: (batchFirst) =>
      new Sequential(
        new LSTM(I, H, { batchFirst, numLayers: 2, dropout: 0.3 }),
        new Dropout(0.4),
        new LastStep(),
        new Linear(H, K),
      ),
  },
  nested: {
    sequence: true,
    make: (batchFirst) =>
      new Sequential(
        new Sequential(new Linear(I, I), new Sequential(new GRU(I, H, { batchFirst }))),
        new Sequential(new Tanh(), new Sequential(new RNN(H, H, { batchFirst }), new Tanh())),
        new Linear(H, K),
      ),
  },
  'nested, with the last step in front': {
    sequence: false,
    make: (batchFirst) =>
      new Sequential(
        new Sequential(new GRU(I, H, { batchFirst }), new Tanh()),
        new Sequential(new LastStep(), new Sequential(new Linear(H, H), new Tanh())),
        new Linear(H, K),
      ),
  },
  'a recurrent one after the last step': {
    sequence: false,
    make: (batchFirst) =>
      new Sequential(
        new LSTM(I, H, { batchFirst }),
        new LastStep(),
        new GRU(H, 3, { batchFirst }),
        new Linear(3, K),
      ),
  },
  'only rows': {
    sequence: true,
    make: () => new Sequential(new Linear(I, H), new Tanh(), new Linear(H, K), new Softmax(K)),
  },
  'one module': {
    sequence: true,
    make: (batchFirst) => new Sequential(new RNN(I, H, { batchFirst })),
  },
};

for (const [name, { sequence, make }] of Object.entries(NETS)) {
  test(`${name}: gradients are slopes`, () => {
    for (const batchFirst of [false, true]) {
      manualSeed(1);
      const net = make(batchFirst);
      const given = { x: values(T * N * I, 1) };
      const run = () => {
        manualSeed(2); // the same masks each time
        return net.forward(given.x, { batch: N });
      };
      const cotangent = values(run().length, 2);
      const dx = net.backward(cotangent);
      const tensors = [ofArray(given, 'x', dx), ...net.parameters().map(ofParameter)];
      const f = () => weigh([[noGrad(run), cotangent]]);
      checkGradients(f, tensors, { what: name, seed: 3 });
      net.dispose();
    }
  });

  test(`${name}: batchFirst is the same with the axes swapped`, () => {
    // Without masks: they fall on other places when the axes are swapped.
    const [a, b] = [make(false).eval(), make(true).eval()];
    b.loadStateDict(a.stateDict());
    const x = values(T * N * I, 1);
    const ya = a.forward(x, { batch: N });
    const yb = b.forward(swap(x, T, N, I), { batch: N });
    const F = ya.length / (T * N);
    assertSame(sequence ? swap(yb, N, T, F) : yb, ya, 'output');
    const g = values(ya.length, 2);
    const da = a.backward(g);
    const db = b.backward(sequence ? swap(g, T, N, F) : g);
    assertSame(swap(db, N, T, I), da, 'gradient of the input');
    a.dispose();
    b.dispose();
  });
}

test('it gives what its modules give one after the other', () => {
  const rnn = new LSTM(I, H, { numLayers: 2, bidirectional: true });
  const fc = new Linear(2 * H, K);
  const x = values(T * N * I, 1);
  const g = values(N * K, 2);
  const { output } = rnn.forward(x, { batch: N });
  const last = output.slice(-N * 2 * H);
  const y = fc.forward(last);
  const dLast = fc.backward(g);
  const dOutput = new Float32Array(output.length);
  dOutput.set(dLast, output.length - dLast.length);
  const dx = rnn.backward(dOutput).input;
  const gradients = [rnn, fc].flatMap((m) => m.parameters().map((p) => p.gradView.slice()));
  rnn.zeroGrad();
  fc.zeroGrad();

  const net = new Sequential(rnn, new LastStep(), fc);
  assertSame(net.forward(x, { batch: N }), y, 'output');
  assertSame(net.backward(g), dx, 'gradient of the input');
  net.parameters().forEach((parameter, i) => {
    assertSame(parameter.gradView, gradients[i], parameter.name);
  });
  net.dispose();
});

test('a Dropout inside has the mask it has by itself, in the order of the caller', () => {
  for (const batchFirst of [false, true]) {
    const rnn = new GRU(I, H, { batchFirst });
    const dropout = new Dropout(0.5);
    const x = values(T * N * I, 1);
    manualSeed(4);
    const want = dropout.forward(rnn.forward(x, { batch: N }).output);
    const net = new Sequential(rnn, dropout);
    manualSeed(4);
    assertSame(net.forward(x, { batch: N }), want, `output, batchFirst ${batchFirst}`);
    net.dispose();
  }
});

test('names: places, or those of the record', () => {
  const net = new Sequential({
    rnn: new LSTM(1, 4, { numLayers: 2 }),
    last: new LastStep(),
    head: new Sequential(new Linear(4, 3), new Tanh(), new Linear(3, 1, { bias: false })),
  });
  const names = net.parameters().map(({ name }) => name);
  assert.deepEqual(names.slice(-3), ['head.0.weight', 'head.0.bias', 'head.2.weight']);
  assert.equal(names[0], 'rnn.weight_ih_l0');
  assert.equal(names.length, 11);
  assert.deepEqual(Object.keys(net.stateDict()), names);
  net.dispose();

  const plain = new Sequential(new Linear(1, 2), new Tanh(), new Linear(2, 1));
  assert.deepEqual(Object.keys(plain.stateDict()), ['0.weight', '0.bias', '2.weight', '2.bias']);
  plain.dispose();
});

test('its modules stay callable and share their parameters with it', () => {
  const fc = new Linear(2, 2);
  const net = new Sequential({ fc });
  const x = values(2, 1);
  const before = net.forward(x);
  fc.parameters()[0].dataView.fill(0);
  fc.parameters()[1].dataView.fill(3);
  assertSame(net.parameters()[0].dataView, [0, 0, 0, 0], 'weight');
  assertSame(net.forward(x), [3, 3], 'output');
  assert.notDeepEqual([...before], [3, 3]);
  assertSame(fc.forward(x), [3, 3], 'the module itself');
  fc.backward(values(2, 2));
  assert.ok(net.parameters()[1].gradView.some((v) => v !== 0));
  net.zeroGrad();
  assert.ok(fc.parameters()[1].gradView.every((v) => v === 0));
  net.dispose();
});

test('a module called between forward and backward makes the backward a StateError', () => {
  const inner = new Linear(H, H);
  const rnn = new GRU(I, H);
  const group = new Sequential(inner, new Tanh());
  const fc = new Linear(H, K);
  const net = new Sequential(rnn, group, fc);
  const x = values(T * N * I, 1);
  const g = values(T * N * K, 2);
  for (const disturb of [
    () => fc.forward(values(H, 3)),
    () => inner.forward(values(H, 3)),
    () => group.forward(values(2 * H, 3)),
    () => rnn.forward(values(2 * I, 3)),
    () => noGrad(() => fc.forward(values(H, 3))),
    () => {
      fc.forward(values(T * N * H, 3)); // of the same size: nothing moves in memory
      fc.backward(g);
    },
    () => {
      inner.forward(values(T * N * H, 3));
    },
  ]) {
    net.forward(x, { batch: N });
    disturb();
    assert.throws(() => net.backward(g), StateError, String(disturb));
  }
  net.zeroGrad();
  net.forward(x, { batch: N });
  net.backward(g); // and undisturbed it works
  net.dispose();
});

test("a module's own backward does not take the Sequential's forward for its own", () => {
  const fc = new Linear(I, K);
  const net = new Sequential(fc, new Tanh());
  const g = values(N * K, 2);
  net.forward(values(N * I, 1), { batch: N });
  assert.throws(() => fc.backward(g), StateError);
  net.dispose();
});

test('train and eval reach every module', () => {
  const [rnn, dropout] = [new LSTM(I, H, { numLayers: 2, dropout: 0.5 }), new Dropout(0.5)];
  const net = new Sequential(rnn, new Sequential(dropout, new Linear(H, K)));
  const x = values(T * N * I, 1);
  const run = () => net.forward(x, { batch: N });
  assert.notDeepEqual(run(), run());
  assert.equal(net.eval(), net);
  assert.deepEqual(run(), run());
  assertSame(dropout.forward(values(9, 1)), values(9, 1), 'the module itself');
  assert.equal(net.train(), net);
  assert.notDeepEqual(run(), run());
  net.train(false);
  assert.deepEqual(run(), run());
  net.dispose();
});

test('masks are drawn in the order of the modules', () => {
  const [a, b] = [new Dropout(0.5), new Dropout(0.3)];
  const x = values(50, 1);
  manualSeed(3);
  const want = b.forward(a.forward(x));
  const net = new Sequential(a, b);
  manualSeed(3);
  assertSame(net.forward(x), want, 'output');
  net.dispose();
});

test('a module is in one place only', () => {
  const alive = info().liveObjects;
  const fc = new Linear(2, 2);
  assert.throws(() => new Sequential(fc, fc), ArgumentError);
  const net = new Sequential(fc);
  assert.throws(() => new Sequential(fc), ArgumentError);
  assert.throws(() => new Sequential(new Tanh(), net, fc), ArgumentError);
  const outer = new Sequential(net);
  assert.throws(() => new Sequential(net), ArgumentError);
  assert.throws(() => fc.dispose(), StateError);
  assert.throws(() => net.dispose(), StateError);
  assertSame(outer.forward(values(2, 1)), fc.forward(values(2, 1)), 'still alive');
  outer.dispose();
  assert.equal(info().liveObjects, alive + 1); // the Tanh, in no Sequential
});

test('a failed construction leaves its modules as they were', () => {
  const [a, b] = [new Linear(2, 3), new Linear(2, 3)];
  assert.throws(() => new Sequential(a, b), { name: 'ShapeError', message: /"1"/ });
  assert.throws(() => new Sequential({ first: a, cell: new GRUCell(3, 3) }), {
    name: 'ArgumentError',
    message: /"cell"/,
  });
  const [first, second] = [new LSTM(2, 3), new LSTM(3, 2, { batchFirst: true })];
  assert.throws(() => new Sequential({ first, second }), {
    name: 'ArgumentError',
    message: /"second".*batchFirst/,
  });
  assert.throws(() => new Sequential(new Linear(3, 4), new Softmax(3)), ShapeError);
  assert.throws(() => new Sequential(a, new LastStep(), new LastStep(), b), ShapeError);
  for (const module of [a, b, first, second]) module.dispose();
});

test('modules are disposed with it, and after it', () => {
  const { liveObjects, allocatedBytes } = info();
  const fc = new Linear(2, 2);
  const inner = new Sequential(fc, new ReLU());
  const net = new Sequential(inner, new Dropout());
  net.forward(values(10, 1));
  assert.equal(info().liveObjects, liveObjects + 5);
  net.dispose();
  net.dispose();
  assert.equal(info().liveObjects, liveObjects);
  assert.equal(info().allocatedBytes, allocatedBytes);
  for (const module of [fc, inner, net]) {
    assert.throws(() => module.forward(values(2, 1)), StateError);
    assert.throws(() => module.parameters(), StateError);
    module.dispose(); // idempotent
  }
});

test('a trainer moves the parameters of nested modules', () => {
  const net = NETS.nested.make(true);
  const optimizer = new Adam(net.parameters());
  const loss = new MSELoss();
  const trainer = new Trainer(net, { loss, optimizer });
  const before = net.stateDict();
  trainer.step(values(T * N * I, 1), values(N * T * K, 2), { batch: N });
  for (const [name, { data }] of Object.entries(net.stateDict())) {
    assert.notDeepEqual(data, before[name].data, name);
  }
  for (const one of [trainer, optimizer, loss, net]) one.dispose();
});
