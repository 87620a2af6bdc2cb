// What the tests of RNN, LSTM and GRU have in common.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualSeed, noGrad } from 'unrolled';
import { assertClose, assertSame, Worst } from './compare.js';
import { casesOf, Fixture } from './fixtures.js';
import { checkGradients, ofArray, ofParameter, values, weigh } from './numeric.js';

const FORWARD = { A: 1e-6, R: 1e-5 };
const GRADIENT = { A: 1e-6, R: 5e-5 };
const LAST_BIT = { R: 1.2e-7 };

/** @typedef {any} Sequence  RNN, LSTM or GRU */

/** The options of a fixture's module. @param {any} config */
function optionsOf(config) {
  return {
    numLayers: config.num_layers,
    bias: config.bias,
    batchFirst: config.batch_first,
    bidirectional: config.bidirectional,
    ...(config.proj_size > 0 ? { projSize: config.proj_size } : {}),
    ...(config.kind.startsWith('RNN') ? { nonlinearity: config.kind.slice(4) } : {}),
  };
}

/**
 * PyTorch's values and gradients of one recorded layer.
 * @param {new (...args: any[]) => Sequence} Class
 * @param {Fixture} fixture
 * @param {Worst} worst
 */
function compare(Class, fixture, worst) {
  const { config, name } = fixture;
  const module = new Class(config.input_size, config.hidden_size, optionsOf(config));
  module.loadStateDict(fixture.state('param.'));

  const states = config.has_init ? ['h0', 'c0'].filter((state) => fixture.has(state)) : [];
  const given = Object.fromEntries(states.map((state) => [state, fixture.floats(state)]));
  const batch = config.N === 0 ? {} : { batch: config.N };
  const result = module.forward(fixture.floats('input'), { ...batch, ...given });
  for (const part of ['output', 'hn', 'cn'].filter((one) => fixture.has(one))) {
    const what = `${name} ${part}`;
    worst.note('forward', assertClose(result[part], fixture.floats(part), FORWARD, what));
  }

  const ends = ['hn', 'cn'].filter((end) => fixture.has(`grad_${end}`));
  const gradients = module.backward(
    fixture.floats('grad_output'),
    Object.fromEntries(ends.map((end) => [end, fixture.floats(`grad_${end}`)])),
  );
  for (const part of ['input', ...states]) {
    const what = `${name} gradient of ${part}`;
    const want = fixture.floats(`grad_${part}`);
    worst.note('gradients', assertClose(gradients[part], want, GRADIENT, what));
  }
  const wanted = fixture.state('grad.');
  const parameters = module.parameters();
  assert.deepEqual(
    parameters.map((parameter) => parameter.name),
    Object.keys(fixture.state('param.')),
    `${name}: names of the parameters`,
  );
  assert.equal(Object.keys(wanted).length, parameters.length);
  for (const parameter of parameters) {
    const what = `${name} gradient of ${parameter.name}`;
    const want = wanted[parameter.name].data;
    worst.note('gradients', assertClose(parameter.gradView, want, GRADIENT, what));
  }
  module.dispose();
}

/**
 * The default initialization after the fixture's seed: its parameters, but for weight_scale.
 * @param {new (...args: any[]) => Sequence} Class
 * @param {Fixture} fixture
 */
function compareInitialization(Class, fixture) {
  const { config, name } = fixture;
  manualSeed(config.seed);
  const module = new Class(config.input_size, config.hidden_size, optionsOf(config));
  const want = fixture.state('param.');
  for (const { name: parameter, dataView } of module.parameters()) {
    const got = dataView.map((value) => value * config.weight_scale);
    assertClose(got, want[parameter].data, LAST_BIT, `${name} initial ${parameter}`);
  }
  module.dispose();
}

/**
 * @param {new (...args: any[]) => Sequence} Class
 * @param {{ kinds: string[], count: number }} expected  the fixtures' kinds, and how many there are
 */
export function testFixtures(Class, { kinds, count }) {
  const mine = casesOf('layer').filter(
    ({ kind, config }) => kinds.includes(kind) && !config.optional,
  );
  describe(`${Class.name} gives PyTorch's numbers`, () => {
    const worst = new Worst();
    let covered = 0;
    for (const one of mine) {
      test(one.name, () => {
        const fixture = new Fixture(one);
        compareInitialization(Class, fixture);
        compare(Class, fixture, worst);
        covered++;
      });
    }
    test(`in all ${count} cases`, (t) => {
      assert.equal(covered, count);
      t.diagnostic(`${Class.name}, ${covered} cases, ${worst}`);
    });
  });
}

const SIZES = [1, 3, 5, 7, 17, 33];

/** All combinations of the yes-or-no options. */
function* choices() {
  for (let bits = 0; bits < 32; bits++) {
    const [two, bidirectional, bias, batchFirst, start] = [1, 2, 4, 8, 16].map((b) => !(bits & b));
    yield { options: { numLayers: two ? 2 : 1, bidirectional, bias, batchFirst }, start, bits };
  }
}

/**
 * Gradients of every combination of options against central differences.
 * @param {new (...args: any[]) => Sequence} Class
 * @param {string} name
 * @param {(H: number) => Record<string, unknown>} more  further options for a hidden size
 * @param {{ sizes?: number[], kinks?: boolean }} [how]
 */
export function testGradients(Class, name, more, { sizes = SIZES, kinks = false } = {}) {
  for (const H of sizes) {
    test(`${name} of ${H}: gradients are slopes, whatever the options`, () => {
      let checked = 0;
      let tensors = 0;
      for (const { options, start, bits } of choices()) {
        const seed = 1000 * H + bits;
        manualSeed(seed);
        const I = SIZES[(bits + H) % SIZES.length];
        const module = new Class(I, H, { ...options, ...more(H) });
        const sizes = { T: 1 + (bits % 4), N: 1 + (bits % 3), I };
        const outcome = slopes(module, sizes, start, { what: `${name} ${bits}`, seed, kinks });
        checked += outcome.checked;
        tensors += outcome.tensors;
        module.dispose();
      }
      assert.ok(checked >= (kinks ? 0.3 : 1) * tensors, `${checked} of ${tensors} were checked`);
    });
  }
}

/**
 * @param {Sequence} module
 * @param {{ T: number, N: number, I: number }} sizes
 * @param {boolean} start  with initial states
 * @param {{ what: string, seed: number, kinks?: boolean }} options
 */
export function slopes(module, { T, N, I }, start, options) {
  const { seed } = options;
  const cell = module.constructor.name === 'LSTM';
  const D = module.bidirectional ? 2 : 1;
  const Ho = module.projSize || module.hiddenSize;
  const rows = module.numLayers * D * N;
  /** @type {Record<string, Float32Array | undefined>} */
  const given = {
    input: values(T * N * I, seed + 1),
    h0: start ? values(rows * Ho, seed + 2) : undefined,
    c0: start && cell ? values(rows * module.hiddenSize, seed + 3) : undefined,
  };
  const cotangents = {
    output: values(T * N * D * Ho, seed + 4),
    hn: values(rows * Ho, seed + 5),
    cn: cell ? values(rows * module.hiddenSize, seed + 6) : undefined,
  };
  const ends = { hn: cotangents.hn, ...(cell ? { cn: cotangents.cn } : {}) };
  const run = () => {
    if (module.dropout > 0) manualSeed(seed); // the same mask each time
    const { input, h0, c0 } = given;
    return module.forward(input, { batch: N, ...(h0 && { h0 }), ...(c0 && { c0 }) });
  };
  module.zeroGrad();
  run();
  const gradients = module.backward(cotangents.output, ends);
  const tensors = [
    ...['input', 'h0', 'c0']
      .filter((name) => given[name])
      .map((name) => ofArray(given, name, gradients[name])),
    ...module.parameters().map(ofParameter),
  ];
  const f = () => {
    const result = noGrad(run);
    return weigh(
      Object.entries(cotangents)
        .filter(([, cotangent]) => cotangent)
        .map(([name, cotangent]) => [result[name], cotangent]),
    );
  };
  return { checked: checkGradients(f, tensors, options), tensors: tensors.length };
}

/**
 * Steps that carry their state are the forward over the sequence.
 * @param {new (...args: any[]) => Sequence} Class
 * @param {Record<string, unknown>[]} variants  further options
 */
export function testSteps(Class, variants) {
  test(`${Class.name}: step by step gives what forward gives`, () => {
    for (const more of variants) {
      for (const H of [1, 5, 16, 33]) {
        for (const { N, numLayers, batchFirst, bias, start } of [
          { N: 1, numLayers: 1, batchFirst: false, bias: true, start: false },
          { N: 1, numLayers: 2, batchFirst: true, bias: false, start: true },
          { N: 3, numLayers: 2, batchFirst: false, bias: true, start: true },
          { N: 4, numLayers: 1, batchFirst: true, bias: true, start: false },
        ]) {
          if (more.projSize && H === 1) continue;
          sameByStep(new Class(3, H, { ...more, numLayers, batchFirst, bias }), { T: 6, N, start });
        }
      }
    }
  });
}

/**
 * @param {Sequence} module
 * @param {{ T: number, N: number, start: boolean }} run
 */
function sameByStep(module, { T, N, start }) {
  const { inputSize: I, hiddenSize: H, numLayers: L, batchFirst } = module;
  const Ho = module.projSize || H;
  const cell = module.constructor.name === 'LSTM';
  const input = values(T * N * I, H); // [T][N][I]
  const given = start
    ? { h0: values(L * N * Ho, H + 1), ...(cell ? { c0: values(L * N * H, H + 2) } : {}) }
    : {};
  const whole = module.forward(batchFirst ? swap(input, T, N, I) : input, { batch: N, ...given });
  const output = batchFirst ? swap(whole.output, N, T, Ho) : whole.output;

  module.resetState(given);
  for (let round = 0; round < 2; round++) {
    for (let t = 0; t < T; t++) {
      const y = module.step(input.slice(t * N * I, (t + 1) * N * I), { batch: N });
      const want = output.slice(t * N * Ho, (t + 1) * N * Ho);
      assertClose(y, want, { A: 1e-6, R: 1e-6 }, `step ${t} of ${JSON.stringify({ H, N, L })}`);
    }
    module.resetState(given); // and once more from the same start
  }
  module.dispose();
}

/**
 * [A][B][F] to [B][A][F].
 * @param {Float32Array} x
 * @param {number} A
 * @param {number} B
 * @param {number} F
 */
export function swap(x, A, B, F) {
  const y = new Float32Array(x.length);
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < B; b++)
      y.set(x.subarray((a * B + b) * F, (a * B + b + 1) * F), (b * A + a) * F);
  }
  return y;
}

/**
 * Batch first is a matter of order only.
 * @param {new (...args: any[]) => Sequence} Class
 */
export function testBatchOrder(Class) {
  test(`${Class.name}: batchFirst is the same with the axes swapped`, () => {
    for (const bidirectional of [false, true]) {
      const [T, N, I, H] = [4, 3, 5, 6];
      const D = bidirectional ? 2 : 1;
      const plain = new Class(I, H, { numLayers: 2, bidirectional });
      const swapped = new Class(I, H, { numLayers: 2, bidirectional, batchFirst: true });
      swapped.loadStateDict(plain.stateDict());
      const input = values(T * N * I, 1);
      const grad = values(T * N * D * H, 2);
      const a = plain.forward(input, { batch: N });
      const b = swapped.forward(swap(input, T, N, I), { batch: N });
      assertSame(swap(b.output, N, T, D * H), a.output, 'output');
      assertSame(b.hn, a.hn, 'hn');
      const da = plain.backward(grad, { hn: a.hn });
      const db = swapped.backward(swap(grad, T, N, D * H), { hn: a.hn });
      assertSame(swap(db.input, N, T, I), da.input, 'gradient of the input');
      assertSame(db.h0, da.h0, 'gradient of h0');
      plain.parameters().forEach((parameter, i) => {
        assertSame(swapped.parameters()[i].gradView, parameter.gradView, parameter.name);
      });
      plain.dispose();
      swapped.dispose();
    }
  });
}
