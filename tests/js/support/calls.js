// Every public call with arguments that are right, and for each argument all that could be wrong with
// it: what the tests of bad arguments and of calls in no order draw from.

import { runInNewContext } from 'node:vm';
import * as unrolled from 'unrolled';
import * as inline from 'unrolled/inline';
import { saveOnnx } from 'unrolled/onnx';
import { loadTorch, saveTorch } from 'unrolled/torch';
import { values } from './numeric.js';

/** The library without its types: half of the calls are wrong on purpose. @type {any} */
const u = unrolled;

/** @typedef {[label: string, value: unknown]} Labelled */
/**
 * An argument: its name in messages, a value that is right, those that are wrong.
 * @typedef {{ name: string, good: () => any, wrong: () => Labelled[], members?: Record<string, Argument>,
 *   needed?: Record<string, any> }} Argument
 */
/**
 * A call: an object of `maker` (none for functions and constructors), what is called on it, with what.
 * @typedef {{ name: string, maker: string | null, args: Argument[],
 *   run: (self: any, args: any[]) => any, prepare?: (self: any) => void, refused?: boolean }} Call
 *   refused: whatever it is given
 */

/** Classes that are there to be asked for, not to be made. */
export const ABSTRACT = ['Module', 'Loss', 'Optimizer', 'Schedule', 'Parameter'];

/** @param {number} n */
export const f = (n) => values(n, n + 1);

/** @param {number} rows @param {number} columns */
const tensor = (rows, columns) => ({ shape: [rows, columns], data: f(rows * columns) });

function detached() {
  const array = new Float32Array(12);
  structuredClone(array, { transfer: [array.buffer] });
  return array;
}

function disposed() {
  const linear = new u.Linear(3, 4);
  linear.dispose();
  return linear;
}

/** What no argument, or hardly one, can be. @returns {Labelled[]} */
export function anything() {
  return [
    ...[undefined, null, 'text', '', true, Symbol('s'), 3n, NaN, Infinity, -Infinity].map(
      (value) => /** @type {Labelled} */ ([String(value) || 'no text', value]),
    ),
    ...[-1, 1.5, 0, -0, 2 ** 31, 2 ** 53, -(2 ** 31) - 1].map(
      (value) => /** @type {Labelled} */ ([String(value), value]),
    ),
    ['an object', {}],
    ['an object without prototype', Object.create(null)],
    ['a list', [1, 2]],
    ['an empty list', []],
    ['a function', () => 5],
    ['a Date', new Date(3)],
    ['a Map', new Map()],
    ['doubles', new Float64Array(12)],
    ['bytes', new Uint8Array(12)],
    ['whole numbers', new Int32Array(12)],
    ['a DataView', new DataView(new ArrayBuffer(8))],
    ['floats of another realm', runInNewContext('new Float32Array(12)')],
    ['a detached array', detached()],
    ['something disposed', disposed()],
    ['something of another class', keep(new u.NumpyRandom(1))],
    ['what only claims to be a Linear', Object.create(u.Linear.prototype)],
    ['what only claims to be an Adam', Object.create(u.Adam.prototype)],
    ['what only claims to be a loss', Object.create(u.MSELoss.prototype)],
  ];
}

/** Anything except what is right after all. @param {(value: any) => boolean} right */
export const allBut = (right) => () => anything().filter(([, value]) => !right(value));

/** @param {any} value */
const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

/** @type {(name: string, good?: number) => Argument} */
export const size = (name, good = 2) => ({ name, good: () => good, wrong: allBut(() => false) });
/** @type {(name: string, good?: number) => Argument} */
const count = (name, good = 3) => ({ name, good: () => good, wrong: allBut((v) => v === 0) });
/** @type {(name: string, good?: number, low?: number, high?: number) => Argument} */
export const number = (name, good = 0.5, low = -Infinity, high = Infinity) => ({
  name,
  good: () => good,
  wrong: allBut((v) => isNumber(v) && v >= low && v <= high),
});
/** @type {(name: string) => Argument} */
const flag = (name) => ({ name, good: () => false, wrong: allBut((v) => v === true) });
/** @type {(name: string, good: string) => Argument} */
const word = (name, good) => ({ name, good: () => good, wrong: allBut(() => false) });
/** Lengths that do not fit: one more, one less, none. @type {(name: string, n: number, any?: boolean) => Argument} */
export const floats = (name, n, any = false) => ({
  name,
  good: () => f(n),
  wrong: () => [
    ...anything(),
    ['no floats', f(0)],
    .../** @type {Labelled[]} */ (
      any
        ? []
        : [
            ['one more', f(n + 1)],
            ['one less', f(n - 1)],
          ]
    ),
  ],
});
/** @type {(name: string, list: number[], ...wrong: Labelled[]) => Argument} */
const ints = (name, list, ...wrong) => ({
  name,
  good: () => Int32Array.from(list),
  wrong: () => [...anything(), ['one more', Int32Array.from([...list, 0])], ...wrong],
});
/** An argument that may be missing. @type {(of: Argument) => Argument} */
export const optional = (of) => ({
  ...of,
  wrong: () => of.wrong().filter(([, value]) => value !== undefined),
});
/** One for which null means something. @type {(of: Argument) => Argument} */
const nullable = (of) => ({ ...of, wrong: () => of.wrong().filter(([, value]) => value !== null) });

/**
 * Options: the object as a whole, each of its members.
 * @param {Record<string, Argument>} members
 * @param {Record<string, () => any>} [needed]  members of the right ones
 * @param {boolean} [must]  it may not be missing
 * @returns {Argument}
 */
export function options(members, needed, must = false) {
  const record = (value) => typeof value === 'object' && value !== null;
  const empty = (value) => record(value) && !Array.isArray(value) && !ArrayBuffer.isView(value);
  const good = () =>
    Object.fromEntries(Object.entries(needed ?? {}).map(([key, make]) => [key, make()]));
  return {
    name: '',
    good,
    wrong: () => [
      ...anything().filter(([, value]) => !empty(value) && (value !== undefined || must)),
      ['an unknown option', { ...good(), nonsense: 1 }],
      ['an option that is inherited', Object.create({ nonsense: 1 })],
    ],
    members,
    needed,
  };
}

/** A module, a loss, an optimizer. @type {(name: string, good: () => any) => Argument} */
const object = (name, good) => ({ name, good, wrong: anything });
/** @type {(good?: () => any) => Argument} */
const parameters = (good = () => keep(new u.Linear(3, 4)).parameters()) => ({
  name: 'parameters',
  good,
  wrong: () => [
    ...anything(),
    ['one that is none', [...keep(new u.Linear(3, 4)).parameters(), {}]],
    ['one twice', Array(2).fill(keep(new u.Linear(3, 4)).parameters()[0])],
    ['one of a disposed module', (() => orphan())()],
  ],
});
const parameter = {
  name: '',
  good: () => keep(new u.Linear(3, 4)).parameters()[0],
  wrong: anything,
};

function orphan() {
  const linear = new u.Linear(3, 4);
  const list = linear.parameters();
  linear.dispose();
  return list;
}

/** What was made on the way, to be disposed of by clear(). @type {{ dispose(): void }[]} */
let made = [];

/** @template T @param {T} thing @returns {T} */
export function keep(thing) {
  made.push(/** @type {any} */ (thing));
  return thing;
}

/** Disposes of all that keep() has seen; what lives in a worker is gone when the promise is settled. */
export async function clear() {
  const all = made.reverse();
  made = [];
  for (const thing of all) await thing.dispose?.(); // a model before its library
}

function trainer() {
  const model = keep(
    new u.Sequential(new u.LSTM(3, 4, { batchFirst: true }), new u.LastStep(), new u.Linear(4, 2)),
  );
  const loss = keep(new u.MSELoss());
  const optimizer = keep(new u.Adam(model.parameters()));
  const whole = keep(new u.Trainer(model, { loss, optimizer }));
  watched.set(whole, [model, optimizer]);
  return whole;
}

/** What stands behind an object, and must not change when a call of it is refused. @type {WeakMap<object, any[]>} */
export const watched = new WeakMap();

const optimizer = (name) => () => {
  const model = keep(new u.Linear(3, 4));
  const made = keep(new u[name](model.parameters(), { lr: 0.1 }));
  watched.set(made, [model]);
  return made;
};

const schedule = (name, config) => () => new u[name](optimizer('Adam')(), config);

const BOTH = { reduction: optional(word('reduction', 'sum')) };
const LR = {
  lr: optional(number('lr', 0.1, 0)),
  weightDecay: optional(number('weightDecay', 0, 0)),
};
const EPS = { eps: optional(number('eps', 1e-8, 0)) };
const betas = {
  name: 'betas',
  good: () => [0.9, 0.99],
  wrong: () => [
    ...anything().filter(([, v]) => v !== undefined && v !== null && !isPair(v)),
    .../** @type {Labelled[]} */ ([
      ['one above', [0.9, 1]],
      ['one below', [-0.1, 0.9]],
      ['three', [0.9, 0.9, 0.9]],
      ['one that is no number', [0.9, '0.9']],
    ]),
  ],
};
const isPair = (v) => Array.isArray(v) && v.length === 2 && v.every((b) => b >= 0 && b < 1);
const ADAM = { ...LR, ...EPS, betas, amsgrad: optional(flag('amsgrad')) };
const OPTIMIZERS = {
  SGD: {
    ...LR,
    momentum: optional(number('momentum', 0.5, 0)),
    dampening: optional(number('dampening', 0)),
    nesterov: optional(flag('nesterov')),
  },
  Adam: ADAM,
  AdamW: ADAM,
  RMSprop: {
    ...LR,
    ...EPS,
    alpha: optional(number('alpha', 0.9, 0)),
    momentum: optional(number('momentum', 0.5, 0)),
    centered: optional(flag('centered')),
  },
  Adagrad: {
    ...LR,
    ...EPS,
    lrDecay: optional(number('lrDecay', 0, 0)),
    initialAccumulatorValue: optional(number('initialAccumulatorValue', 0, 0)),
  },
};
const nothing = (v) => v === null || v === undefined;
/** Where null leaves an option out. @type {(of: Argument) => Argument} */
const loose = (of) => ({ ...of, wrong: () => of.wrong().filter(([, value]) => !nothing(value)) });
/** What is needed to make one, and all that can be set. @type {Record<string, [Record<string, any>, Record<string, Argument>]>} */
const SCHEDULES = {
  StepLR: [{ stepSize: 2 }, { stepSize: size('stepSize'), gamma: loose(number('gamma', 0.5, 0)) }],
  ExponentialLR: [{ gamma: 0.5 }, { gamma: number('gamma', 0.5, 0) }],
  CosineAnnealingLR: [{ tMax: 5 }, { tMax: size('tMax'), etaMin: loose(number('etaMin', 0, 0)) }],
  ReduceLROnPlateau: [
    {},
    {
      mode: loose(word('mode', 'max')),
      factor: loose(number('factor', 0.5, 0, 1 - 2 ** -53)),
      patience: loose(count('patience')),
      threshold: loose(number('threshold')),
      thresholdMode: loose(word('thresholdMode', 'abs')),
      cooldown: loose(count('cooldown')),
      minLr: loose(number('minLr', 0, 0)),
      eps: loose(number('eps', 0, 0)),
    },
  ],
};
const WEIGHT = loose(floats('weight', 3, true));
const LOSSES = {
  MSELoss: {},
  L1Loss: {},
  SmoothL1Loss: { beta: loose(number('beta', 1, 0)) },
  HuberLoss: { delta: loose(number('delta', 1, Number.MIN_VALUE)) },
  BCEWithLogitsLoss: { posWeight: loose(floats('posWeight', 3, true)) },
};
const INDEX = loose({
  name: 'ignoreIndex',
  good: () => -1,
  wrong: allBut((v) => Number.isInteger(v) && v === (v | 0)),
});
const CLASS_LOSSES = {
  CrossEntropyLoss: {
    weight: WEIGHT,
    ignoreIndex: INDEX,
    labelSmoothing: loose(number('labelSmoothing', 0.1, 0, 1)),
  },
  NLLLoss: { weight: WEIGHT, ignoreIndex: INDEX },
};
const RECURRENT = {
  numLayers: optional(size('numLayers', 2)),
  bias: optional(flag('bias')),
  batchFirst: optional(flag('batchFirst')),
  dropout: optional(number('dropout', 0, 0, 1)),
  bidirectional: optional(flag('bidirectional')),
};

/** How an object of each class is made, of three inputs and four outputs. @type {Record<string, () => any>} */
export const MAKERS = {
  RNN: () => new u.RNN(3, 4),
  GRU: () => new u.GRU(3, 4, { numLayers: 2 }),
  LSTM: () => new u.LSTM(3, 4),
  RNNCell: () => new u.RNNCell(3, 4),
  GRUCell: () => new u.GRUCell(3, 4),
  LSTMCell: () => new u.LSTMCell(3, 4),
  Linear: () => new u.Linear(3, 4),
  Softmax: () => new u.Softmax(3),
  LogSoftmax: () => new u.LogSoftmax(3),
  ...Object.fromEntries(
    ['Tanh', 'ReLU', 'Sigmoid', 'LastStep', 'Dropout'].map((name) => [name, () => new u[name]()]),
  ),
  Sequential: () => new u.Sequential(new u.GRU(3, 4, { batchFirst: true }), new u.LastStep()),
  ...Object.fromEntries(
    [...Object.keys(LOSSES), ...Object.keys(CLASS_LOSSES)].map((name) => [
      name,
      () => new u[name](),
    ]),
  ),
  ...Object.fromEntries(Object.keys(OPTIMIZERS).map((name) => [name, optimizer(name)])),
  ...Object.fromEntries(
    Object.entries(SCHEDULES).map(([name, [config]]) => [name, schedule(name, config)]),
  ),
  DataLoader: () => loader(),
  Trainer: trainer,
  NumpyRandom: () => new u.NumpyRandom(1),
  Parameter: () => keep(new u.Linear(3, 4)).parameters()[0],
};

const loader = (more) =>
  new u.DataLoader({ inputs: f(24), targets: f(8), samples: 4, batchSize: 2, ...more });

/** @param {string} name @param {...Argument} args @returns {Call} */
const fn = (name, ...args) => ({ name, maker: null, args, run: (_, list) => u[name](...list) });
/** @param {string} name @param {...Argument} args @returns {Call} */
const make = (name, ...args) => ({
  name,
  maker: null,
  args,
  run: (_, list) => keep(new u[name](...list)),
});
/** @param {string} name @param {...Argument} args @returns {Call} */
function method(name, ...args) {
  const [maker, key] = name.split('.');
  return { name, maker, args, run: (self, list) => self[key](...list) };
}
/** @param {string} name @param {(self: any) => void} prepare @param {...Argument} args @returns {Call} */
const after = (name, prepare, ...args) => ({ ...method(name, ...args), prepare });

const state = { ...object('loadStateDict', () => null), good: () => undefined };
/** What loads: the object's own state, and states that are none. @param {string} maker @param {Labelled[]} more @returns {Call} */
const loads = (maker, more = []) => ({
  name: `${maker}.loadStateDict`,
  maker,
  args: [
    { ...state, wrong: () => [...anything().filter(([, v]) => !isEmptyState(maker, v)), ...more] },
  ],
  run: (self, /** @type {any} */ [given]) =>
    self.loadStateDict(given === undefined ? self.stateDict() : given),
});
/** A module without parameters takes any record that is empty, a loader too. */
const isEmptyState = (maker, v) => {
  if (v === undefined) return true;
  if (typeof v !== 'object' || v === null || ArrayBuffer.isView(v)) return false;
  if (maker === 'DataLoader') return !Array.isArray(v);
  return MODULES.includes(maker) && !HAS_PARAMETERS.has(maker) && Object.keys(v).length === 0;
};
const HAS_PARAMETERS = new Set([
  ...['RNN', 'GRU', 'LSTM', 'RNNCell', 'GRUCell', 'LSTMCell', 'Linear', 'Sequential'],
]);
const MODULES = [
  ...HAS_PARAMETERS,
  ...['Softmax', 'LogSoftmax', 'Tanh', 'ReLU', 'Sigmoid', 'LastStep', 'Dropout'],
];

const batch = optional(size('batch', 2));
const forRecurrent = (name) => {
  const rows = 2 * (name === 'GRU' ? 2 : 1) * 4;
  const h0 = optional(floats('h0', rows));
  const two = () => 2;
  const cell = name === 'LSTM' ? { c0: optional(floats('c0', rows)) } : {};
  const ends = name === 'LSTM' ? { cn: optional(floats('cn', rows)) } : {};
  const run = (self) => self.forward(f(12), { batch: 2 });
  return [
    make(
      name,
      size('inputSize', 3),
      size('hiddenSize', 4),
      options({ ...RECURRENT, ...extra(name) }),
    ),
    method(`${name}.forward`, floats('input', 12), options({ batch, h0, ...cell }, { batch: two })),
    after(
      `${name}.backward`,
      run,
      nullable(floats('gradOutput', 16)),
      options({ hn: optional(floats('hn', rows)), ...ends }),
    ),
    method(`${name}.step`, floats('input', 6), options({ batch }, { batch: two })),
    method(`${name}.resetState`, options({ h0, ...cell })),
  ];
};
const extra = (name) => {
  if (name === 'RNN') return { nonlinearity: optional(word('nonlinearity', 'relu')) };
  if (name === 'LSTM')
    return { projSize: optional({ ...size('projSize', 2), wrong: allBut((v) => v === 0) }) };
  return {};
};
const forCell = (name) => [
  make(
    name,
    size('inputSize', 3),
    size('hiddenSize', 4),
    options({ bias: optional(flag('bias')) }),
  ),
  method(
    `${name}.forward`,
    floats('x', 6),
    optional(floats('h', 8)),
    options({ batch }, { batch: () => 2 }),
  ),
  after(`${name}.backward`, (self) => self.forward(f(6)), floats('grad', 8)),
];
const forRows = (name, any) => [
  method(`${name}.forward`, floats('input', 6, any)),
  after(
    `${name}.backward`,
    (self) => self.forward(f(6)),
    floats('gradOutput', name === 'Linear' ? 8 : 6),
  ),
];
/** @param {string} name @returns {Call[]} */
const forModule = (name) => [
  ...['parameters', 'stateDict', 'zeroGrad', 'eval', 'dispose'].map((key) =>
    method(`${name}.${key}`),
  ),
  method(`${name}.train`, optional(flag('train'))),
  loads(name, HAS_PARAMETERS.has(name) ? brokenStates(name) : []),
];
export const brokenStates = (name) => {
  const broken = (/** @type {(entry: any) => any} */ change) => {
    const module = MAKERS[name]();
    const all = module.stateDict();
    module.dispose();
    const [first] = Object.keys(all);
    return { ...all, [first]: change(all[first]) };
  };
  return /** @type {Labelled[]} */ ([
    ['a tensor missing', {}],
    ['a tensor too many', { ...broken((t) => t), more: { shape: [1], data: f(1) } }],
    ['a tensor that is none', broken(() => null)],
    ['a tensor one longer', broken(({ shape, data }) => ({ shape, data: f(data.length + 1) }))],
    ['a tensor one shorter', broken(({ shape, data }) => ({ shape, data: f(data.length - 1) }))],
    ['a shape of texts', broken(({ shape, data }) => ({ shape: shape.map(String), data }))],
    ['a shape of lists', broken(({ shape, data }) => ({ shape: shape.map((n) => [n]), data }))],
    [
      'a shape of symbols',
      broken(({ shape, data }) => ({ shape: shape.map(() => Symbol('s')), data })),
    ],
    [
      'a shape of nulls',
      broken(({ shape, data }) => ({ shape: shape.map(() => Object.create(null)), data })),
    ],
    ['a flat shape', broken(({ data }) => ({ shape: [data.length, 1], data }))],
    ['a list for data', broken(({ shape, data }) => ({ shape, data: [...data] }))],
    ['detached data', broken(({ shape }) => ({ shape, data: detached() }))],
  ]);
};
const brokenOptimizer = () => {
  const one = optimizer('Adam')();
  one.step();
  const whole = () => structuredClone(one.stateDict());
  const changed = (/** @type {(state: any) => void} */ change) => {
    const given = whole();
    change(given);
    return given;
  };
  return /** @type {Labelled[]} */ ([
    ['no groups', changed((s) => delete s.param_groups)],
    ['two groups', changed((s) => s.param_groups.push({}))],
    ['groups that are no list', changed((s) => (s.param_groups = { 0: s.param_groups[0] }))],
    ['no state', changed((s) => delete s.state)],
    ['too few parameters', changed((s) => s.param_groups[0].params.pop())],
    [
      'parameters that are no numbers',
      changed((s) => (s.param_groups[0].params = [{}, '__proto__'])),
    ],
    ['a rate below zero', changed((s) => (s.param_groups[0].lr = -1))],
    ['a rate that is a text', changed((s) => (s.param_groups[0].lr = '0.1'))],
    ['betas that are none', changed((s) => (s.param_groups[0].betas = [2, 3]))],
    ['half of the moments', changed((s) => delete s.state[0])],
    ['a moment that is none', changed((s) => (s.state[0].exp_avg = null))],
    ['a moment one shorter', changed((s) => (s.state[0].exp_avg.data = f(11)))],
    ['a step that is none', changed((s) => (s.state[0].step = 'x'))],
    ['a step below zero', changed((s) => (s.state[0].step = -1))],
    ['two steps', changed((s) => (s.state[0].step = 7))],
  ]);
};
const brokenSchedule = (name) => {
  const one = MAKERS[name]();
  return Object.keys(one.stateDict())
    .filter((field) => field !== 'best')
    .flatMap((field) =>
      ['nonsense', null, NaN, -1, {}, undefined]
        .filter((value) => !(field === 'threshold' && value === -1))
        .map(
          (value) =>
            /** @type {Labelled} */ ([
              `${field} ${String(value)}`,
              { ...one.stateDict(), [field]: value },
            ]),
        ),
    );
};
const brokenLoader = () =>
  /** @type {Labelled[]} */ ([
    ['an order too short', { order: [0, 1], place: 0 }],
    ['an order of one twice', { order: [0, 1, 1, 2], place: 0 }],
    ['an order with one beyond', { order: [0, 1, 2, 4], place: 0 }],
    ['an order that is none', { order: 'abcd', place: 0 }],
    ['a place beyond', { order: [0, 1, 2, 3], place: 3 }],
    ['no place', { order: [0, 1, 2, 3] }],
    ['a sum that is none', { order: [0, 1, 2, 3], place: 1, lossSum: '1' }],
    ['more losses than steps', { order: [0, 1, 2, 3], place: 1, lossSum: 1, losses: 2 }],
  ]);

const INITIALIZERS = {
  uniform: [optional(number('low', 0)), optional(number('high', 1, 0))],
  normal: [optional(number('mean', 0)), optional(number('std', 1, 0))],
  constant: [number('value', 1)],
  zeros: [],
  ones: [],
  ...Object.fromEntries(
    ['xavierUniform', 'xavierNormal', 'orthogonal'].map((name) => [
      name,
      [options({ gain: loose(number('gain', 1)) })],
    ]),
  ),
  ...Object.fromEntries(
    ['kaimingUniform', 'kaimingNormal'].map((name) => [
      name,
      [
        options({
          a: loose(number('a', 1)),
          mode: loose(word('mode', 'fan_out')),
          nonlinearity: loose(word('nonlinearity', 'relu')),
        }),
      ],
    ]),
  ),
};
export const bytes = (name, good) => ({ name, good, wrong: anything });
const numberOrInfinity = {
  name: 'normType',
  good: () => 1,
  wrong: allBut((v) => v === undefined || (typeof v === 'number' && v > 0)),
};
const rangeOf = (name, good, right) => ({
  name,
  good: () => good,
  wrong: allBut((v) => Number.isInteger(v) && right(v)),
});
const fits32 = (v) => Math.abs(v) <= 2 ** 31;

/** @type {Call[]} */
export const CALLS = [
  fn('init', options({ wasm: { name: 'wasm', good: () => undefined, wrong: () => [] } })),
  fn('info'),
  fn('getRngState'),
  fn(
    'setRngState',
    bytes('state', () => u.getRngState()),
  ),
  fn('manualSeed', {
    name: 'seed',
    good: () => 3,
    wrong: allBut((v) => Number.isSafeInteger(v) || typeof v === 'bigint'),
  }),
  fn('noGrad', {
    name: 'noGrad',
    good: () => () => 5,
    wrong: allBut((v) => typeof v === 'function'),
  }),
  fn('rand', count('n')),
  fn('randn', count('n')),
  fn('randperm', count('n')),
  fn('uniform', count('n'), number('low', 0), number('high', 1, 0)),
  fn('normal', count('n'), number('mean', 0), number('std', 1, 0)),
  fn('bernoulli', count('n'), number('p', 0.5, 0, 1)),
  fn(
    'randint',
    rangeOf('low', -5, (v) => fits32(v) && v < 9),
    rangeOf('high', 9, (v) => fits32(v) && v > -5),
    count('n'),
  ),
  make('NumpyRandom', {
    name: 'seed',
    good: () => 1,
    wrong: allBut((v) => Number.isInteger(v) && v >= 0 && v < 2 ** 32),
  }),
  method('NumpyRandom.rand', count('n')),
  method('NumpyRandom.randn', count('n')),
  method('NumpyRandom.permutation', count('n')),
  method('NumpyRandom.uniform', number('low', 0), number('high', 1), count('n')),
  method('NumpyRandom.normal', number('mean', 0), number('std', 1, 0), count('n')),
  method(
    'NumpyRandom.randint',
    rangeOf('low', -5, (v) => fits32(v) && v < 9),
    rangeOf('high', 9, (v) => fits32(v) && v > -5),
    count('n'),
  ),
  method('NumpyRandom.dispose'),
  ...Object.entries(INITIALIZERS).map(([name, args]) => ({
    name: `initialize.${name}`,
    maker: null,
    args: [parameter, ...args],
    run: (_, list) => u.initialize[name](...list),
  })),

  ...['RNN', 'GRU', 'LSTM'].flatMap(forRecurrent),
  ...['RNNCell', 'GRUCell'].flatMap(forCell),
  make(
    'LSTMCell',
    size('inputSize', 3),
    size('hiddenSize', 4),
    options({ bias: optional(flag('bias')) }),
  ),
  method(
    'LSTMCell.forward',
    floats('x', 6),
    options({ h: optional(floats('h', 8)), c: optional(floats('c', 8)) }),
    options({ batch }, { batch: () => 2 }),
  ),
  after(
    'LSTMCell.backward',
    (self) => self.forward(f(6)),
    options({ h: floats('h', 8), c: optional(floats('c', 8)) }, { h: () => f(8) }, true),
  ),
  make(
    'Linear',
    size('inFeatures', 3),
    size('outFeatures', 4),
    options({ bias: optional(flag('bias')) }),
  ),
  ...forRows('Linear', false),
  ...['Softmax', 'LogSoftmax'].flatMap((name) => [
    make(name, size('size', 3)),
    ...forRows(name, false),
  ]),
  ...['Tanh', 'ReLU', 'Sigmoid'].flatMap((name) => [make(name), ...forRows(name, true)]),
  make('Dropout', optional(number('p', 0.5, 0, 1))),
  ...forRows('Dropout', true),
  make('LastStep'),
  ...['forward', 'backward'].map((key) => ({
    ...method(`LastStep.${key}`, { name: 'LastStep', good: () => f(6), wrong: anything }),
    refused: true,
  })),
  {
    name: 'Sequential',
    maker: null,
    args: [
      object('Sequential', () => keep(new u.Linear(3, 4))),
      object('Sequential', () => keep(new u.Tanh())),
    ],
    run: (_, list) => keep(new u.Sequential(...list)),
  },
  method('Sequential.forward', floats('input', 12), options({ batch }, { batch: () => 2 })),
  after(
    'Sequential.backward',
    (self) => self.forward(f(12), { batch: 2 }),
    floats('gradOutput', 8),
  ),
  ...MODULES.flatMap(forModule),

  ...Object.entries(LOSSES).flatMap(([name, more]) => [
    make(name, options({ ...BOTH, reduction: loose(word('reduction', 'sum')), ...more })),
    method(
      `${name}.forward`,
      floats('', 6),
      floats('', 6),
      options({ prediction: loose(shape('prediction')), target: loose(shape('target')) }),
    ),
    after(`${name}.backward`, (self) => self.forward(f(6), f(6)), {
      name: 'gradOutput',
      good: () => undefined,
      wrong: allBut((v) => v === undefined),
    }),
    method(`${name}.dispose`),
  ]),
  ...Object.entries(CLASS_LOSSES).flatMap(([name, more]) => [
    make(name, options({ ...BOTH, reduction: loose(word('reduction', 'sum')), ...more })),
    method(
      `${name}.forward`,
      floats('', 6),
      ints(
        '',
        [0, 2],
        ['a class beyond', Int32Array.of(0, 3)],
        ['one below', Int32Array.of(-1, 0)],
      ),
      options({}),
    ),
    after(`${name}.backward`, (self) => self.forward(f(6), Int32Array.of(0, 2)), {
      name: 'gradOutput',
      good: () => undefined,
      wrong: allBut((v) => v === undefined),
    }),
    method(`${name}.dispose`),
  ]),

  ...Object.entries(OPTIMIZERS).flatMap(([name, members]) => [
    make(
      name,
      parameters(),
      name === 'SGD' ? options(members, { lr: () => 0.1 }, true) : loose(options(members)),
    ),
    method(`${name}.step`),
    method(`${name}.zeroGrad`),
    method(`${name}.stateDict`),
    method(`${name}.dispose`),
    loads(name, name === 'Adam' ? brokenOptimizer() : []),
    {
      name: `${name}.lr`,
      maker: name,
      args: [number('lr', 0.2, 0)],
      run: (self, /** @type {any} */ [lr]) => {
        self.lr = lr;
      },
    },
  ]),
  fn(
    'clipGradNorm',
    parameters(),
    number('maxNorm', 1, 0),
    options({ normType: numberOrInfinity }),
  ),
  fn('clipGradValue', parameters(), number('clipValue', 1, 0)),

  ...Object.entries(SCHEDULES).flatMap(([name, [config, members]]) => [
    make(
      name,
      object('optimizer', () => optimizer('SGD')()),
      options(
        members,
        Object.keys(config).length
          ? Object.fromEntries(Object.entries(config).map(([key, value]) => [key, () => value]))
          : undefined,
        Object.keys(config).length > 0,
      ),
    ),
    name === 'ReduceLROnPlateau'
      ? method(`${name}.step`, {
          name: 'metric',
          good: () => 1,
          wrong: allBut((v) => typeof v === 'number'),
        })
      : method(`${name}.step`),
    method(`${name}.stateDict`),
    loads(name, brokenSchedule(name)),
  ]),

  {
    name: 'DataLoader',
    maker: null,
    args: [
      options(
        {
          inputs: floats('inputs', 24),
          targets: {
            name: 'targets',
            good: () => f(8),
            wrong: () => [
              ...floats('', 8)
                .wrong()
                .filter(([, v]) => !(v instanceof Int32Array)),
            ],
          },
          samples: size('', 4),
          batchSize: optional(size('batchSize', 3)),
          shuffle: optional(flag('shuffle')),
          dropLast: optional(flag('dropLast')),
        },
        { inputs: () => f(24), targets: () => f(8), samples: () => 4 },
        true,
      ),
    ],
    run: (_, list) => new u.DataLoader(...list),
  },
  { ...method('DataLoader.iterator'), run: (self) => [...self] },
  method('DataLoader.stateDict'),
  loads('DataLoader', brokenLoader()),

  make(
    'Trainer',
    object('model', () => keep(new u.Linear(3, 4))),
    options(
      {
        loss: object('loss', () => keep(new u.MSELoss())),
        optimizer: object('optimizer', () => optimizer('SGD')()),
        clipNorm: optional(number('clipNorm', 1, Number.MIN_VALUE)),
        onNonFinite: optional(word('onNonFinite', 'skip')),
      },
      { loss: () => keep(new u.MSELoss()), optimizer: () => optimizer('SGD')() },
      true,
    ),
  ),
  method(
    'Trainer.step',
    floats('input', 12),
    floats('target', 4),
    options({ batch, targetShape: optional(shape('targetShape', [2, 2])) }, { batch: () => 2 }),
  ),
  {
    ...method(
      'Trainer.fit',
      {
        name: 'data',
        good: () => loader(),
        wrong: allBut((v) => typeof v?.[Symbol.iterator] === 'function'),
      },
      options(
        {
          epochs: size('epochs'),
          signal: optional({
            name: 'signal',
            good: () => new AbortController().signal,
            wrong: anything,
          }),
          scheduler: optional({
            name: 'scheduler',
            good: () => schedule('StepLR', { stepSize: 2 })(),
            wrong: anything,
          }),
        },
        { epochs: () => 1 },
        true,
      ),
    ),
    run: async (self, list) => {
      for await (const _ of self.fit(...list));
    },
  },
  method('Trainer.dispose'),

  fn(
    'saveSafetensors',
    savedState('saveSafetensors'),
    optional({
      name: 'metadata',
      good: () => ({ a: 'b' }),
      wrong: () => [
        ...anything().filter(([, v]) => !isNoTensors(v)),
        ['a number inside', { a: 5 }],
      ],
    }),
  ),
  fn('fromKeras', word('fromKeras kind', 'GRU'), {
    name: 'fromKeras',
    good: () => [tensor(3, 12), tensor(4, 12), tensor(2, 12)],
    wrong: () => [
      ...anything(),
      ['kernels that are none', [null, {}, 5]],
      ['a kernel one longer', [{ shape: [3, 12], data: f(37) }, tensor(4, 12), tensor(2, 12)]],
      ['another size', [tensor(3, 12), tensor(5, 12), tensor(2, 12)]],
      ['a shape of symbols', [{ shape: [Symbol('s'), 12], data: f(36) }, tensor(4, 12)]],
      ['reset_after=False', [tensor(3, 12), tensor(4, 12), { shape: [12], data: f(12) }]],
    ],
  }),
  fn('toKeras', word('toKeras kind', 'GRU'), {
    name: 'toKeras',
    good: () => keep(new u.GRU(3, 4)).stateDict(),
    wrong: () => [
      ...anything(),
      ['two layers', keep(MAKERS.GRU()).stateDict()],
      ['a tensor that is none', { ...keep(new u.GRU(3, 4)).stateDict(), bias_hh_l0: null }],
    ],
  }),
  ...['loadSafetensors', 'readSafetensorsMetadata'].map((name) =>
    fn(
      name,
      bytes('safetensors', () => u.saveSafetensors({ a: { shape: [2, 3], data: f(6) } })),
    ),
  ),
  fn('saveCheckpoint', checkpoint('saveCheckpoint', true)),
  fn(
    'loadCheckpoint',
    bytes('safetensors', () => u.saveCheckpoint(trainingParts())),
    checkpoint('loadCheckpoint'),
  ),

  // Those of the other names that package.json exports; of unrolled/worker in calls_worker.js.
  {
    ...fn('unrolled/inline init', options({})),
    run: (_, list) => /** @type {any} */ (inline).init(...list),
  },
  {
    ...fn(
      'loadTorch',
      bytes('orch', () => saveTorch({ a: { shape: [2, 3], data: f(6) } })),
    ),
    run: (_, /** @type {any} */ [given]) => loadTorch(given),
  },
  {
    ...fn('saveTorch', savedState('saveTorch')),
    run: (_, /** @type {any} */ [state]) => saveTorch(state),
  },
  {
    ...fn('saveOnnx', {
      name: 'saveOnnx model',
      good: () => keep(new u.Linear(3, 4)),
      wrong: () => [...anything(), ['a LastStep alone', keep(new u.LastStep())]],
    }),
    run: (_, /** @type {any} */ [model]) => saveOnnx(model),
  },

  ...ABSTRACT.map((name) => ({
    name,
    refused: true,
    maker: null,
    args: [{ name, good: () => undefined, wrong: anything }],
    run: (_, list) => new u[name](...list),
  })),
  ...['dataView', 'gradView'].map((key) => ({
    name: `Parameter.${key}`,
    maker: 'Parameter',
    args: [],
    run: (self) => self[key],
  })),
];

/** What makes up a training, its parts of one another. */
function trainingParts() {
  const model = keep(new u.Linear(3, 4));
  const optimizer = keep(new u.Adam(model.parameters()));
  return {
    model,
    optimizer,
    scheduler: new u.StepLR(optimizer, { stepSize: 2 }),
    loader: loader(),
  };
}

/** @param {string} what @param {boolean} [saves]  a part may be missing, metadata are looked at @returns {Argument} */
function checkpoint(what, saves = false) {
  /** Which of two that do not belong together is wrong nobody knows. @type {(name: string, more?: () => Labelled[]) => Argument} */
  const part = (name, more = () => [["another training's", trainingParts()[name]]]) => ({
    name: what,
    good: () => trainingParts()[name],
    wrong: () => [
      ...anything().filter(([, value]) => !saves || name === 'model' || value !== undefined),
      ...more(),
    ],
  });
  const strings = {
    name: `${what} metadata`,
    good: () => ({ run: '7' }),
    wrong: () => [
      ...anything().filter(([, value]) => value !== undefined && !isNoTensors(value)),
      .../** @type {Labelled[]} */ ([
        ['a number inside', { run: 7 }],
        ['a reserved name', { 'unrolled.run': '7' }],
      ]),
    ],
  };
  return {
    ...options(
      {
        model: part('model'),
        optimizer: part('optimizer'),
        scheduler: part('scheduler'),
        loader: part('loader', () => []),
        ...(saves && { metadata: strings }),
      },
      {},
      true,
    ),
    good: trainingParts,
  };
}

/** A state dict that is to be written. @param {string} name @returns {Argument} */
function savedState(name) {
  return {
    name,
    good: () => ({ a: { shape: [2, 3], data: f(6) } }),
    wrong: () => [
      ...anything().filter(([, v]) => !isNoTensors(v)),
      ['a tensor that is none', { a: null }],
      ['one longer', { a: { shape: [2, 3], data: f(7) } }],
      ['a symbol for a shape', { a: { shape: Symbol('s'), data: f(7) } }],
      ['symbols for sizes', { a: { shape: [Symbol('s')], data: f(7) } }],
      ['an object for a shape', { a: { shape: Object.create(null), data: f(7) } }],
      ['half a character for a name', { '\ud800': { shape: [1], data: f(1) } }],
    ],
  };
}

/** A record in which nothing stands is a state of nothing. */
const isNoTensors = (v) =>
  typeof v === 'object' && v !== null && !Array.isArray(v) && Object.keys(v).length === 0;

/** A shape of six values, or of those given. @param {string} name @param {number[]} [good] @returns {Argument} */
function shape(name, good = [2, 3]) {
  return {
    name,
    good: () => good,
    wrong: () => [
      ...anything(),
      ...[
        [0, 6],
        [-2, -3],
        [2, 4],
        [1.5, 4],
        ['2', 3],
        [NaN],
        [null],
        [Symbol('s')],
        [2 ** 31, 1],
      ].map((list) => /** @type {Labelled} */ ([`[${list.map(String)}]`, list])),
    ],
  };
}

/**
 * The arguments of a call, all right.
 * @param {Call} call
 */
export const rightArguments = (call) => call.args.map((argument) => argument.good());

/**
 * Every way to get one argument of a call wrong: what is wrong with which, and all arguments.
 * @param {Call} call
 * @returns {Generator<{ what: string, name: string, list: () => any[] }>}
 */
export function* wrongArguments(call) {
  for (const [i, argument] of call.args.entries()) {
    for (const [label, value] of argument.wrong()) {
      const list = () => call.args.map((other, j) => (i === j ? value : other.good()));
      yield { what: `${argument.name || i}: ${label}`, name: argument.name, list };
    }
    for (const [key, member] of Object.entries(argument.members ?? {})) {
      for (const [label, value] of member.wrong()) {
        const list = () =>
          call.args.map((other, j) =>
            i === j ? { ...argument.good(), [key]: value } : other.good(),
          );
        yield { what: `${key}: ${label}`, name: member.name, list };
      }
    }
  }
}
