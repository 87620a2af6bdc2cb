import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
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
  LSTMCell,
  Module,
  noGrad,
  Parameter,
  ReLU,
  RNN,
  RNNCell,
  Sequential,
  ShapeError,
  Sigmoid,
  Softmax,
  StateError,
  Tanh,
} from 'unrolled';
import { change } from './support/change.js';
import { assertSame, assertSameState } from './support/compare.js';
import { values } from './support/numeric.js';

before(() => init());

const N = 2;

/**
 * Every module: how to make it, and one forward and backward of it as plain functions of arrays.
 * @type {Record<string, { make: () => any, inputs: number, run?: (m: any, x: Float32Array) => any,
 *   back?: (m: any, g: Float32Array) => any }>}
 */
const MODULES = {
  RNN: { make: () => new RNN(3, 4, { numLayers: 2 }), inputs: 3, ...recurrent() },
  GRU: { make: () => new GRU(3, 4, { bidirectional: true }), inputs: 3, ...recurrent() },
  LSTM: { make: () => new LSTM(3, 4, { batchFirst: true }), inputs: 3, ...recurrent() },
  'LSTM with a projection': {
    make: () => new LSTM(3, 4, { projSize: 2 }),
    inputs: 3,
    ...recurrent(),
  },
  RNNCell: { make: () => new RNNCell(3, 4), inputs: 3 },
  GRUCell: { make: () => new GRUCell(3, 4), inputs: 3 },
  LSTMCell: {
    make: () => new LSTMCell(3, 4),
    inputs: 3,
    run: (m, x) => m.forward(x).h,
    back: (m, h) => m.backward({ h }),
  },
  Linear: { make: () => new Linear(3, 4), inputs: 3 },
  Tanh: { make: () => new Tanh(), inputs: 1 },
  ReLU: { make: () => new ReLU(), inputs: 1 },
  Sigmoid: { make: () => new Sigmoid(), inputs: 1 },
  Softmax: { make: () => new Softmax(3), inputs: 3 },
  LogSoftmax: { make: () => new LogSoftmax(3), inputs: 3 },
  Dropout: { make: () => new Dropout(0.5).eval(), inputs: 1 },
  Sequential: {
    make: () => new Sequential({ rnn: new LSTM(3, 4), last: new LastStep(), fc: new Linear(4, 2) }),
    inputs: 3,
  },
};

function recurrent() {
  return {
    run: (m, x) => m.forward(x, { batch: N }).output,
    back: (m, g) => m.backward(g).input,
  };
}

const forward = (m, x) => m.forward(x);
const backward = (m, g) => m.backward(g);
/** A gradient as one array, whatever backward returns. */
const flat = (gradient) =>
  gradient instanceof Float32Array ? [...gradient] : Object.values(gradient).flatMap((g) => [...g]);

for (const [name, { make, inputs, run = forward, back = backward }] of Object.entries(MODULES)) {
  const cell = name.endsWith('Cell');
  describe(name, () => {
    const x = values(5 * N * inputs, 1);
    const small = values(N * inputs, 2);

    test('backward takes one forward: before it, twice, after noGrad it is a StateError', () => {
      const module = make();
      const g = values(run(module, x).length, 3);
      back(module, g);
      assert.throws(() => back(module, g), { name: 'StateError', message: /forward/ });
      noGrad(() => run(module, x));
      assert.throws(() => back(module, g), StateError);
      module.dispose();
      const fresh = make();
      assert.throws(() => back(fresh, g), { name: 'StateError', message: /forward/ });
      fresh.dispose();
    });

    if (!cell) {
      test('a new forward replaces the one that waited, one inside noGrad forgets it', () => {
        const module = make();
        const g = values(run(module, small).length, 3);
        const want = flat(back(module, g));
        run(module, x);
        run(module, small);
        assertSame(flat(back(module, g)), want, 'gradient');
        assert.throws(() => back(module, g), StateError);
        run(module, small);
        noGrad(() => run(module, x));
        assert.throws(() => back(module, g), StateError);
        module.dispose();
      });
    }

    test('noGrad gives the same bits', () => {
      const module = make();
      for (const input of [x, small, x]) {
        const want = run(module, input);
        assertSame(
          noGrad(() => run(module, input)),
          want,
          'output',
        );
        assertSame(run(module, input), want, 'output again');
      }
      module.dispose();
    });

    test('gradients of parameters add up, and zeroGrad clears them', () => {
      const module = make();
      const g = values(run(module, x).length, 3);
      module.zeroGrad();
      run(module, x);
      back(module, g);
      const once = module.parameters().map(({ gradView }) => gradView.slice());
      const names = module.parameters().map((p) => p.name);
      // a cell without h gives its weights no gradient
      assert.ok(once.every((grad, i) => grad.some((v) => v !== 0) || /_hh$/.test(names[i])));
      run(module, x);
      back(module, g);
      module.parameters().forEach(({ gradView, name: parameter }, i) => {
        const twice = gradView.slice();
        for (let k = 0; k < twice.length; k++) {
          assert.ok(
            Math.abs(twice[k] - 2 * once[i][k]) <= 1e-5 * (1 + Math.abs(once[i][k])),
            parameter,
          );
        }
      });
      module.zeroGrad();
      for (const { gradView } of module.parameters()) assert.ok(gradView.every((v) => v === 0));
      run(module, x);
      back(module, g);
      module.parameters().forEach(({ gradView, name: parameter }, i) => {
        assertSame(gradView, once[i], `${parameter} after zeroGrad`);
      });
      module.dispose();
    });

    test("what a call returns is the caller's own, what it takes is left alone", () => {
      const module = make();
      const input = x.slice();
      const y = run(module, input);
      const kept = y.slice();
      const g = values(y.length, 3);
      input.fill(7); // kept as it was for the backward
      const gradient = flat(back(module, g));
      run(module, small);
      assertSame(y, kept, 'output');
      assertSame(g, values(y.length, 3), 'gradOutput');
      y.fill(0);
      run(module, x);
      assertSame(flat(back(module, g)), gradient, 'gradient');
      module.dispose();
    });

    test('a call that is refused leaves the forward to its backward', () => {
      const module = make();
      const g = values(run(module, x).length, 3);
      const want = flat(back(module, g));
      run(module, x);
      if (inputs > 1) assert.throws(() => run(module, x.slice(1)), ShapeError);
      assert.throws(() => run(module, new Float32Array(0)), ShapeError);
      assert.throws(() => run(module, /** @type {any} */ ([...x])), ArgumentError);
      assert.throws(() => back(module, g.slice(1)), ShapeError);
      assert.throws(() => back(module, /** @type {any} */ ([...g])), ArgumentError);
      assertSame(flat(back(module, g)), want, 'gradient');
      module.dispose();
    });

    test('views of the library are inputs like any others', () => {
      const module = make();
      const source = new Linear(1, x.length);
      const [weight] = source.parameters();
      weight.dataView.set(x);
      const want = run(module, x);
      const g = values(want.length, 3);
      const slopes = flat(back(module, g));
      assertSame(run(module, weight.dataView), want, 'output');
      weight.gradView.set(x);
      const grown = new Linear(1, g.length);
      grown.parameters()[0].gradView.set(g);
      assertSame(flat(back(module, grown.parameters()[0].gradView)), slopes, 'gradient');
      for (const one of [module, source, grown]) one.dispose();
    });

    test('dispose: twice is once, nothing works after it, and nothing is left', () => {
      const { liveObjects, allocatedBytes } = info();
      const module = make();
      const [parameter] = module.parameters();
      const g = values(run(module, x).length, 3);
      back(module, g);
      noGrad(() => run(module, values(20 * N * inputs, 4)));
      run(module, x);
      module.dispose();
      module.dispose();
      const uses = [
        () => run(module, x),
        () => back(module, g),
        () => module.parameters(),
        () => module.stateDict(),
        () => module.loadStateDict({}),
        () => module.zeroGrad(),
        () => module.train(),
        () => module.eval(),
        ...(parameter ? [() => parameter.dataView, () => parameter.gradView] : []),
        ...(module.step ? [() => module.step(values(3, 1)), () => module.resetState()] : []),
      ];
      for (const use of uses) assert.throws(use, StateError, String(use));
      assert.deepEqual([info().liveObjects, info().allocatedBytes], [liveObjects, allocatedBytes]);
    });
  });
}

describe('noGrad', () => {
  test('returns what its function returns, nests, and ends with an error', () => {
    const tanh = new Tanh();
    const x = values(3, 1);
    assert.equal(
      noGrad(() => 5),
      5,
    );
    noGrad(() => {
      noGrad(() => tanh.forward(x));
      tanh.forward(x);
    });
    assert.throws(() => tanh.backward(x), StateError);
    const mine = new RangeError('mine');
    assert.throws(
      () =>
        noGrad(() => {
          throw mine;
        }),
      (error) => error === mine,
    );
    tanh.forward(x);
    tanh.backward(x); // keeps again
    tanh.dispose();
  });

  test('a backward inside it serves a forward from outside', () => {
    const linear = new Linear(2, 1);
    linear.forward(values(2, 1));
    noGrad(() => linear.backward(Float32Array.of(1)));
    assert.ok(linear.parameters()[1].gradView[0] === 1);
    linear.dispose();
  });
});

describe('parameters', () => {
  test("names, order and shapes are PyTorch's", () => {
    const listed = (module) =>
      Object.fromEntries(module.parameters().map(({ name, shape }) => [name, shape.join('x')]));
    const lstm = new LSTM(3, 5, { numLayers: 2, bidirectional: true, projSize: 2 });
    assert.deepEqual(Object.entries(listed(lstm)), [
      ['weight_ih_l0', '20x3'],
      ['weight_hh_l0', '20x2'],
      ['bias_ih_l0', '20'],
      ['bias_hh_l0', '20'],
      ['weight_hr_l0', '2x5'],
      ['weight_ih_l0_reverse', '20x3'],
      ['weight_hh_l0_reverse', '20x2'],
      ['bias_ih_l0_reverse', '20'],
      ['bias_hh_l0_reverse', '20'],
      ['weight_hr_l0_reverse', '2x5'],
      ['weight_ih_l1', '20x4'],
      ['weight_hh_l1', '20x2'],
      ['bias_ih_l1', '20'],
      ['bias_hh_l1', '20'],
      ['weight_hr_l1', '2x5'],
      ['weight_ih_l1_reverse', '20x4'],
      ['weight_hh_l1_reverse', '20x2'],
      ['bias_ih_l1_reverse', '20'],
      ['bias_hh_l1_reverse', '20'],
      ['weight_hr_l1_reverse', '2x5'],
    ]);
    lstm.dispose();
    const gru = new GRU(2, 3, { bias: false, numLayers: 12 });
    assert.equal(gru.parameters().length, 24);
    assert.equal(gru.parameters().at(-1).name, 'weight_hh_l11');
    gru.dispose();
    const cell = new GRUCell(2, 3);
    assert.deepEqual(Object.keys(listed(cell)), ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh']);
    cell.dispose();
    const tanh = new Tanh();
    assert.deepEqual(tanh.parameters(), []);
    tanh.dispose();
  });

  test('views are written through', () => {
    const linear = new Linear(2, 1);
    const [weight, bias] = linear.parameters();
    assert.ok(weight instanceof Parameter && linear instanceof Module);
    weight.dataView.set([2, 3]);
    bias.dataView[0] = 1;
    assertSame(linear.forward(Float32Array.of(10, 100)), [321], 'output');
    weight.gradView.fill(4);
    assertSame(linear.parameters()[0].gradView, [4, 4], 'gradient');
    linear.dispose();
  });
});

describe('state dicts', () => {
  /** A model of every kind of parameter. */
  const make = () =>
    new Sequential({
      rnn: new LSTM(2, 3, { numLayers: 2, bidirectional: true, projSize: 2 }),
      fc: new Linear(4, 1),
    });

  test('are copies on an object without prototype', () => {
    const model = make();
    const state = model.stateDict();
    assert.equal(Object.getPrototypeOf(state), null);
    const kept = state['fc.weight'].data.slice();
    model.parameters().at(-2).dataView.fill(0);
    assertSame(state['fc.weight'].data, kept, 'a copy');
    assert.deepEqual(
      Object.keys(state),
      model.parameters().map(({ name }) => name),
    );
    model.dispose();
  });

  test('go round', () => {
    const [a, b] = [make(), make()];
    assert.notDeepEqual(a.stateDict(), b.stateDict());
    assert.deepEqual(b.loadStateDict(a.stateDict()), { missing: [], unexpected: [] });
    assertSameState(b.stateDict(), a.stateDict(), 'weights');
    const x = values(8, 1);
    assertSame(b.forward(x), a.forward(x), 'output');
    a.dispose();
    b.dispose();
  });

  test('strict: names missing or unexpected are named, and nothing was loaded', () => {
    const [a, b] = [make(), make()];
    const before = b.stateDict();
    const { 'fc.bias': bias, ...partial } = a.stateDict();
    assert.throws(() => b.loadStateDict(partial), {
      name: 'ArgumentError',
      message: /missing fc\.bias/,
    });
    assert.throws(() => b.loadStateDict({ ...a.stateDict(), extra: bias }), {
      name: 'ArgumentError',
      message: /unexpected extra/,
    });
    assert.throws(() => b.loadStateDict({ ...partial, extra: bias }), {
      message: /missing fc\.bias.*unexpected extra/,
    });
    assertSameState(b.stateDict(), before, 'weights');

    const said = b.loadStateDict({ ...partial, extra: bias }, { strict: false });
    assert.deepEqual(said, { missing: ['fc.bias'], unexpected: ['extra'] });
    const { 'fc.bias': mine, ...loaded } = b.stateDict();
    assertSame(mine.data, before['fc.bias'].data, 'fc.bias');
    assertSameState(loaded, partial, 'the rest');
    a.dispose();
    b.dispose();
  });

  test('strict: what is missing or unexpected is listed with its shape, and a prefix is seen', () => {
    const a = make();
    const { 'fc.bias': bias, ...partial } = a.stateDict();
    const shapeless = /** @type {any} */ ({ ...partial, extra: bias, epoch: 3 });
    assert.throws(() => a.loadStateDict(shapeless), {
      name: 'ArgumentError',
      message: /missing fc\.bias \[1\]; unexpected extra \[1\], epoch$/,
    });
    const rename = (/** @type {(name: string) => string} */ to) =>
      Object.fromEntries(Object.entries(a.stateDict()).map(([name, t]) => [to(name), t]));
    const wrapped = rename((name) => `module.${name}`);
    assert.throws(() => a.loadStateDict(wrapped), {
      name: 'ArgumentError',
      message: /prefix: 'module\.'/,
    });
    assert.deepEqual(a.loadStateDict(wrapped, { prefix: 'module.' }), {
      missing: [],
      unexpected: [],
    });
    assert.throws(() => a.loadStateDict({ ...wrapped, extra: bias }), {
      message: /^(?!.*prefix)/,
    });
    a.dispose();
  });

  test('atomic: whatever is wrong, nothing was loaded', () => {
    const [a, b] = [make(), make()];
    const before = b.stateDict();
    /** @type {[path: string[], value: unknown, Class: any][]} */
    const broken = [
      [['fc.bias', 'shape'], [2], ShapeError],
      [['fc.bias', 'shape'], [], ShapeError],
      [['fc.weight', 'shape'], [4, 1], ShapeError],
      [['fc.weight', 'shape'], [4], ShapeError],
      [['fc.bias', 'data'], new Float32Array(2), ShapeError],
      [['fc.bias', 'data'], new Float64Array(1), ArgumentError],
      [['fc.bias', 'data'], [1], ArgumentError],
      [['fc.bias', 'shape'], 1, ArgumentError],
      [['fc.bias'], null, ArgumentError],
      [['fc.bias'], new Float32Array(1), ArgumentError],
    ];
    for (const strict of [true, false]) {
      for (const [path, value, Class] of broken) {
        const state = change(structuredClone(a.stateDict()), path, value);
        const what = `${path.join(' ')} ${value}`;
        assert.throws(
          () => b.loadStateDict(state, { strict }),
          (/** @type {any} */ error) =>
            error instanceof Class && /fc\.(bias|weight)/.test(error.message),
          what,
        );
        assertSameState(b.stateDict(), before, what);
      }
    }
    a.dispose();
    b.dispose();
  });

  test('prefix: stripped from the names', () => {
    const [a, b] = [make(), make()];
    const state = a.stateDict();
    const wrapped = Object.fromEntries(
      Object.entries(state).map(([name, tensor]) => [`module.${name}`, tensor]),
    );
    assert.throws(() => b.loadStateDict(wrapped), ArgumentError);
    b.loadStateDict(wrapped, { prefix: 'module.' });
    assertSameState(b.stateDict(), state, 'weights');
    a.dispose();
    b.dispose();
  });

  test('a name with and without the prefix is not taken for the same', () => {
    const [a, b] = [new Linear(1, 1), new Linear(1, 1)];
    const before = b.stateDict();
    const { weight, bias } = a.stateDict();
    const twice = { weight, bias, 'module.weight': before.weight, 'module.bias': before.bias };
    assert.throws(() => b.loadStateDict(twice, { prefix: 'module.' }), ArgumentError);
    assertSameState(b.stateDict(), before, 'weights');
    a.dispose();
    b.dispose();
  });

  test('names of the prototype are unexpected, not found', () => {
    const linear = new Linear(1, 1);
    const state = { ...linear.stateDict(), constructor: { shape: [1], data: new Float32Array(1) } };
    assert.throws(() => linear.loadStateDict(state), { message: /unexpected constructor/ });
    const { missing } = linear.loadStateDict(/** @type {any} */ (Object.create(state)), {
      strict: false,
    });
    assert.deepEqual(missing, ['weight', 'bias'], 'own names only');
    linear.dispose();
  });

  test('views of the library can be loaded', () => {
    const [a, b] = [new Linear(2, 2), new Linear(2, 2)];
    const [weight, bias] = a.parameters();
    b.loadStateDict({
      weight: { shape: [2, 2], data: weight.dataView },
      bias: { shape: [2], data: bias.dataView },
    });
    assertSameState(b.stateDict(), a.stateDict(), 'weights');
    a.dispose();
    b.dispose();
  });
});

test('memory that grows between a forward and its backward changes nothing', () => {
  const all = Object.values(MODULES).map(({ make, inputs, run = forward, back = backward }) => {
    const module = make();
    const x = values(5 * N * inputs, 1);
    const g = values(run(module, x).length, 3);
    const want = flat(back(module, g));
    const parameters = module.parameters();
    const weights = module.stateDict();
    run(module, x);
    return { module, back, g, want, parameters, weights };
  });
  const before = info().memoryBytes;
  const side = Math.ceil(Math.sqrt(before / 8)) + 10; // weights and gradients: more than there is
  const large = new Linear(side, side);
  assert.ok(info().memoryBytes > before);
  for (const { module, back, g, want, parameters, weights } of all) {
    assertSame(flat(back(module, g)), want, 'gradient');
    assertSameState(module.stateDict(), weights, 'weights');
    for (const { name, dataView } of parameters) assertSame(dataView, weights[name].data, name);
    module.dispose();
  }
  large.dispose();
});

test('train and eval say so, and return the module', () => {
  for (const { make } of Object.values(MODULES)) {
    const module = make().train();
    assert.equal(module.training, true);
    assert.equal(module.eval(), module);
    assert.equal(module.training, false);
    assert.equal(module.train(true), module);
    assert.equal(module.training, true);
    assert.equal(module.train(false).training, false);
    module.dispose();
  }
});

test('eval stops dropout between layers, and nothing else', () => {
  const rnn = new GRU(3, 8, { numLayers: 2, dropout: 0.5 });
  const x = values(30, 1);
  assert.notDeepEqual(rnn.forward(x), rnn.forward(x));
  rnn.eval();
  const y = rnn.forward(x);
  assert.deepEqual(rnn.forward(x), y);
  rnn.backward(values(y.output.length, 2)); // gradients flow all the same
  assert.ok(rnn.parameters()[0].gradView.some((v) => v !== 0));
  rnn.dispose();
});

test('LastStep has no call of its own', () => {
  const last = new LastStep();
  assert.throws(() => /** @type {any} */ (last).forward(values(3, 1)), { message: /Sequential/ });
  assert.throws(() => /** @type {any} */ (last).backward(values(3, 1)), { message: /Sequential/ });
  last.dispose();
  last.dispose();
});
