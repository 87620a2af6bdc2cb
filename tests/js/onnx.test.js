// What saveOnnx writes runs in onnxruntime-web and agrees with forward, one file for all batches and
// steps.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import * as ort from 'onnxruntime-web';
import {
  ArgumentError,
  Dropout,
  GRU,
  GRUCell,
  getRngState,
  info,
  init,
  LastStep,
  Linear,
  LogSoftmax,
  LSTM,
  LSTMCell,
  manualSeed,
  ReLU,
  RNN,
  RNNCell,
  Sequential,
  Sigmoid,
  Softmax,
  StateError,
  Tanh,
} from 'unrolled';
import { saveOnnx } from 'unrolled/onnx';
import { encode, integer, message, raw } from '../../js/protobuf.js';
import { assertClose, assertSame, Worst } from './support/compare.js';
import { values } from './support/numeric.js';
import { messagesOf, readMessage, textsOf } from './support/protobuf.js';

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

// Two float32 programs that add in different orders: a few units in the last place.
const TOLERANCE = { A: 1e-6, R: 1e-6 };
const [I, H] = [3, 5];
const BOTH = [false, true];

/** Batch and steps. */
const SEQUENCES = [
  [1, 1],
  [2, 4],
  [3, 7],
];

before(async () => {
  await init();
  manualSeed(1);
});

/** @param {Float32Array} data @param {number[]} shape */
const tensor = (data, shape) => new ort.Tensor('float32', data, shape);

/** @param {any} model */
function sessionOf(model) {
  const options = { executionProviders: ['wasm'], intraOpNumThreads: 1 };
  return ort.InferenceSession.create(saveOnnx(model), options);
}

/**
 * The file's answers are forward's. Disposes of the model.
 * @param {any} model
 * @param {string} what
 * @param {[input: number[], output: number[], call?: { batch: number }][]} shapes
 * @returns {Promise<number>}  the worst error, of the largest magnitude
 */
async function agrees(model, what, shapes) {
  const session = await sessionOf(model);
  assert.deepEqual([...session.inputNames, ...session.outputNames], ['input', 'output'], what);
  model.eval();
  let worst = 0;
  for (const [shape, outputShape, ...call] of shapes) {
    const input = values(
      shape.reduce((a, b) => a * b),
      shape[0] + 7,
    );
    const { output } = await session.run({ input: tensor(input, shape) });
    const result = model.forward(input, ...call);
    const where = `${what}, input [${shape}]`;
    assert.deepEqual(output.dims, outputShape, where);
    const data = /** @type {Float32Array} */ (output.data);
    worst = Math.max(worst, assertClose(data, result.output ?? result, TOLERANCE, where));
  }
  await session.release();
  model.dispose();
  return worst;
}

/**
 * The shapes of all SEQUENCES.
 * @param {boolean} batchFirst
 * @param {number} K  features of the output
 * @returns {[number[], number[], { batch: number }][]}
 */
function sequences(batchFirst, K) {
  const shape = (/** @type {number} */ N, /** @type {number} */ T, /** @type {number} */ F) =>
    batchFirst ? [N, T, F] : [T, N, F];
  return SEQUENCES.map(([N, T]) => [shape(N, T, I), shape(N, T, K), { batch: N }]);
}

describe('recurrent layers: layers, directions, biases, batch orders', () => {
  /** @type {[string, any, object, number][]} */
  const kinds = [
    ['RNN', RNN, {}, H],
    ['relu', RNN, { nonlinearity: 'relu' }, H],
    ['identity', RNN, { nonlinearity: 'identity' }, H],
    ['LSTM', LSTM, {}, H],
    ['projection', LSTM, { projSize: 2 }, 2],
    ['GRU', GRU, {}, H],
  ];
  const worst = new Worst();
  for (const [name, Kind, more, Ho] of kinds) {
    test(name, async () => {
      for (const numLayers of [1, 3]) {
        for (const bidirectional of BOTH) {
          for (const bias of BOTH) {
            for (const batchFirst of BOTH) {
              const options = { numLayers, bidirectional, bias, batchFirst, ...more };
              const shapes = sequences(batchFirst, bidirectional ? 2 * Ho : Ho);
              const what = `${Kind.name} ${JSON.stringify(options)}`;
              worst.note(name, await agrees(new Kind(I, H, options), what, shapes));
            }
          }
        }
      }
    });
  }
  test('how closely', (t) => t.diagnostic(String(worst)));
});

describe('Sequential', () => {
  for (const batchFirst of BOTH) {
    const order = { batchFirst };
    /** @type {[string, () => any, number, boolean][]}  name, model, features, whether time is over */
    const models = [
      ['many to many', () => [new LSTM(I, H, order), new Linear(H, 2)], 2, false],
      ['many to one', () => [new GRU(I, H, order), new LastStep(), new Linear(H, 2)], 2, true],
      [
        'probabilities',
        () => [new RNN(I, H, { ...order, bidirectional: true }), new LastStep(), new Softmax(10)],
        10,
        true,
      ],
      ['log of them, at each step', () => [new RNN(I, H, order), new LogSoftmax(H)], H, false],
      [
        'nested, by name, rows between',
        () => [
          {
            in: new Sequential(new Linear(I, 4, { bias: false }), new Tanh()),
            'a é/b': new Sequential({
              rnn: new LSTM(4, 6, { ...order, dropout: 0.5, numLayers: 2 }),
            }),
            drop: new Dropout(0.9),
            out: new Sequential(new ReLU(), new Linear(6, 4), new GRU(4, 2, order), new Sigmoid()),
          },
        ],
        2,
        false,
      ],
      ['turned once, back once', () => [new RNN(I, 4, order), new RNN(4, 2, order)], 2, false],
      ['a LastStep first', () => [new LastStep(), new RNN(I, H, order), new LastStep()], H, true],
    ];
    for (const [name, modules, K, last] of models) {
      test(`${name}${batchFirst ? ', batch first' : ''}`, async () => {
        const shapes = sequences(batchFirst, K);
        if (last) for (const [i, [N]] of SEQUENCES.entries()) shapes[i][1] = [N, K];
        await agrees(new Sequential(...modules()), name, shapes);
      });
    }
    test(`a recurrent layer behind LastStep${batchFirst ? ', batch first' : ''}`, async () => {
      const shapes = sequences(batchFirst, H);
      for (const [i, [N]] of SEQUENCES.entries()) shapes[i][1] = batchFirst ? [N, 1, H] : [1, N, H];
      const model = new Sequential(new Linear(I, 2), new LastStep(), new LSTM(2, H, order));
      await agrees(model, 'LSTM behind LastStep', shapes);
    });
  }

  test('a part of another follows its order', async () => {
    const part = new Sequential(new LastStep(), new Linear(4, 2));
    const whole = new Sequential(new RNN(I, 4, { batchFirst: true }), part);
    const session = await sessionOf(part);
    const input = values(2 * 3 * 4, 1);
    const { output } = await session.run({ input: tensor(input, [2, 3, 4]) });
    assertClose(/** @type {any} */ (output.data), part.forward(input, { batch: 2 }), TOLERANCE, '');
    await session.release();
    whole.dispose();
  });

  test('sequences of one value when nothing says how many', async () => {
    const model = new Sequential(new LastStep(), new Tanh());
    await agrees(model, 'LastStep alone', [[[4, 2, 1], [2, 1], { batch: 2 }]]);
  });
});

test('without time: rows, of any number', async () => {
  /** @type {[string, any, number, number][]} */
  const models = [
    ['Linear', new Linear(3, 4), 3, 4],
    ['Linear without bias', new Linear(3, 4, { bias: false }), 3, 4],
    ['Tanh', new Tanh(), 2, 2],
    ['ReLU', new ReLU(), 5, 5],
    ['Sigmoid', new Sigmoid(), 2, 2],
    ['Softmax', new Softmax(3), 3, 3],
    ['LogSoftmax', new LogSoftmax(3), 3, 3],
    ['Dropout', new Dropout(0.5), 3, 3],
    ['perceptron', new Sequential(new Linear(3, 8), new ReLU(), new Linear(8, 2)), 3, 2],
    ['nothing at all', new Sequential(new Sequential(new Dropout())), 3, 3],
  ];
  for (const [name, model, F, K] of models) {
    await agrees(
      model,
      name,
      [1, 2, 9].map((rows) => [
        [rows, F],
        [rows, K],
      ]),
    );
  }
});

describe('cells: a step that is given its state', () => {
  /** @type {[string, () => any][]} */
  const cells = [
    ['RNNCell', () => new RNNCell(I, H)],
    ['RNNCell relu', () => new RNNCell(I, H, { nonlinearity: 'relu' })],
    ['RNNCell identity', () => new RNNCell(I, H, { nonlinearity: 'identity' })],
    ['RNNCell without bias', () => new RNNCell(I, H, { bias: false })],
    ['GRUCell', () => new GRUCell(I, H)],
    ['GRUCell without bias', () => new GRUCell(I, H, { bias: false })],
  ];
  for (const [name, make] of cells) {
    test(name, async () => {
      const cell = make();
      const session = await sessionOf(cell);
      assert.deepEqual([...session.inputNames], ['input', 'h0']);
      assert.deepEqual([...session.outputNames], ['output']);
      for (const N of [1, 3]) {
        let h = values(N * H, N);
        let h0 = tensor(h, [N, H]);
        for (let t = 0; t < 3; t++) {
          const x = values(N * I, t);
          h = cell.forward(x, h);
          h0 = /** @type {any} */ ((await session.run({ input: tensor(x, [N, I]), h0 })).output);
          assert.deepEqual(h0.dims, [N, H]);
          assertClose(h0.data, h, TOLERANCE, `${name} step ${t}`);
        }
      }
      await session.release();
      cell.dispose();
    });
  }
  for (const bias of BOTH) {
    test(`LSTMCell${bias ? '' : ' without bias'}`, async () => {
      const cell = new LSTMCell(I, H, { bias });
      const session = await sessionOf(cell);
      assert.deepEqual([...session.inputNames], ['input', 'h0', 'c0']);
      assert.deepEqual([...session.outputNames], ['output', 'cn']);
      const N = 2;
      let state = { h: values(N * H, 1), c: values(N * H, 2) };
      let [h0, c0] = [tensor(state.h, [N, H]), tensor(state.c, [N, H])];
      for (let t = 0; t < 3; t++) {
        const x = values(N * I, t);
        state = cell.forward(x, state);
        const next = await session.run({ input: tensor(x, [N, I]), h0, c0 });
        [h0, c0] = [next.output, next.cn].map((one) => /** @type {any} */ (one));
        assertClose(h0.data, state.h, TOLERANCE, `h' step ${t}`);
        assertClose(c0.data, state.c, TOLERANCE, `c' step ${t}`);
      }
      await session.release();
      cell.dispose();
    });
  }
});

describe('the file', () => {
  /** Its initializers by name. @param {any} model */
  function initializers(model) {
    const [graph] = messagesOf(readMessage(saveOnnx(model)), 7);
    return Object.fromEntries(
      messagesOf(graph, 5).map((one) => {
        const bytes = /** @type {Uint8Array} */ (one.get(9)[0]).slice();
        const shape = one.get(1);
        return [textsOf(one, 8)[0], { shape, data: new Float32Array(bytes.buffer) }];
      }),
    );
  }

  test('says who wrote it, and for which operators', async () => {
    const { default: manifest } = await import('unrolled/package.json', { with: { type: 'json' } });
    const model = new Sequential({ rnn: new LSTM(I, H), fc: new Linear(H, 1) });
    const file = readMessage(saveOnnx(model));
    assert.deepEqual(textsOf(file, 2), ['unrolled']);
    assert.deepEqual(textsOf(file, 3), [manifest.version]);
    assert.match(textsOf(file, 6)[0], /^Sequential\(rnn: LSTM, fc: Linear\)/);
    assert.deepEqual(file.get(1), [7], 'IR version');
    assert.deepEqual(messagesOf(file, 8)[0].get(2), [14], 'opset');
    model.dispose();
  });

  test('batch and steps are free, and have names', async () => {
    const shape = (/** @type {any} */ one) => one.shape;
    for (const [model, input, output] of /** @type {[any, any[], any[]][]} */ ([
      [new LSTM(I, H), ['steps', 'batch', I], ['steps', 'batch', H]],
      [new LSTM(I, H, { batchFirst: true }), ['batch', 'steps', I], ['batch', 'steps', H]],
      [new Sequential(new GRU(I, H), new LastStep()), ['steps', 'batch', I], ['batch', H]],
      [new Linear(I, 2), ['batch', I], ['batch', 2]],
      [new Tanh(), ['batch', 'features'], ['batch', 'features']],
    ])) {
      const session = await sessionOf(model);
      assert.deepEqual(session.inputMetadata.map(shape), [input]);
      assert.deepEqual(session.outputMetadata.map(shape), [output]);
      await session.release();
      model.dispose();
    }
  });

  test('initializers have the names of the state dict; a Linear’s its values', () => {
    const model = new Sequential({
      rnn: new LSTM(I, H, { bidirectional: true, numLayers: 2 }),
      fc: new Linear(2 * H, 4),
    });
    const found = initializers(model);
    const names = [0, 1].flatMap((layer) => [
      `rnn.weight_ih_l${layer}`,
      `rnn.weight_hh_l${layer}`,
      `rnn.bias_l${layer}`,
    ]);
    const own = Object.keys(found).filter((name) => name.includes('.'));
    assert.deepEqual(own, [...names, 'fc.weight', 'fc.bias']);
    const state = model.stateDict();
    for (const name of ['fc.weight', 'fc.bias']) {
      assert.deepEqual(found[name].shape, [...state[name].shape]);
      assertSame(found[name].data, state[name].data, name);
    }
    assert.deepEqual(found['rnn.weight_ih_l1'].shape, [2, 4 * H, 2 * H]);
    model.dispose();
  });

  test('gates: LSTM i o f c, GRU z r h; biases Wb, Rb', () => {
    /** @type {[any, number[]][]} */
    const models = [
      [new LSTM(1, 1, { bidirectional: true }), [0, 3, 1, 2]],
      [new GRU(1, 1, { bidirectional: true }), [1, 0, 2]],
      [new RNN(1, 1, { bidirectional: true }), [0]],
    ];
    for (const [model, order] of models) {
      const state = model.stateDict();
      const of = (/** @type {string} */ name) => order.map((from) => state[name].data[from]);
      const found = initializers(model);
      for (const part of ['weight_ih_l0', 'weight_hh_l0']) {
        assert.deepEqual([...found[part].data], [...of(part), ...of(`${part}_reverse`)]);
      }
      const biases = ['_l0', '_l0_reverse'].flatMap((end) => [
        ...of(`bias_ih${end}`),
        ...of(`bias_hh${end}`),
      ]);
      assert.deepEqual([...found.bias_l0.data], biases);
      model.dispose();
    }
  });

  test('is the same for the same weights, and making it changes nothing', () => {
    const make = () => {
      manualSeed(5);
      return new Sequential(new LSTM(I, H, { projSize: 2, numLayers: 2 }), new Linear(2, 1));
    };
    const [model, twin] = [make(), make()];
    const before = [getRngState(), info().liveObjects, model.training];
    const bytes = saveOnnx(model);
    assert.deepEqual([getRngState(), info().liveObjects, model.training], before);
    assert.deepEqual(saveOnnx(model), bytes);
    assert.deepEqual(saveOnnx(twin), bytes);
    model.parameters()[0].dataView[0] += 1;
    assert.notDeepEqual(saveOnnx(model), bytes);
    model.dispose();
    twin.dispose();
  });

  test('of very many modules', () => {
    const model = new Sequential(...Array.from({ length: 20000 }, () => new Tanh()));
    const [graph] = messagesOf(readMessage(saveOnnx(model)), 7);
    assert.equal(graph.get(1).length, 20000);
    model.dispose();
  });

  test('a forward that waits still has its backward', () => {
    const model = new Linear(2, 1);
    model.forward(Float32Array.of(1, 2));
    saveOnnx(model);
    assert.equal(model.backward(Float32Array.of(1)).length, 2);
    model.dispose();
  });
});

describe('refusals', () => {
  test('no model', () => {
    for (const wrong of [undefined, null, 5, 'model', {}, [], Linear, Object.create(Linear)]) {
      assert.throws(() => saveOnnx(/** @type {any} */ (wrong)), ArgumentError);
      assert.throws(() => saveOnnx(/** @type {any} */ (wrong)), /saveOnnx model/);
    }
  });

  test('a model that was disposed', () => {
    const model = new Linear(2, 1);
    model.dispose();
    assert.throws(() => saveOnnx(model), StateError);
  });

  test('a LastStep by itself', () => {
    const model = new LastStep();
    assert.throws(() => saveOnnx(model), { name: 'ArgumentError', message: /put it into one/ });
    model.dispose();
  });

  test('names that UTF-8 cannot tell apart', () => {
    const model = new Sequential({ '\ud800': new Linear(2, 2), '\ud801': new Linear(2, 2) });
    assert.throws(() => saveOnnx(model), { name: 'ArgumentError', message: /"\\ud800.*Unicode/ });
    model.dispose();
  });

  test('more than Protocol Buffers hold, before anything is allocated', () => {
    const part = raw(9, new Float32Array(2 ** 23)); // 32 MiB, 64 times
    const file = message(
      1,
      Array.from({ length: 64 }, () => part),
    );
    assert.throws(() => encode(file, 'saveOnnx model'), {
      name: 'ArgumentError',
      message: /saveOnnx model: .* at most 2147483647 bytes, this takes 21474/,
    });
    assert.equal(encode(integer(1, -1), 'a number').length, 11);
  });
});
