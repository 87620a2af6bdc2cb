// What callers of losses, optimizers, schedules, loaders and trainers can get wrong.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { init } from 'unrolled';
import {
  after,
  argument,
  f,
  NEGATIVE,
  NO_AMOUNT,
  NO_BOOLEAN,
  NO_FLOATS,
  NO_INTS,
  NO_LENGTH,
  NO_NUMBER,
  NO_OBJECT,
  NO_OPTIONAL_BOOLEAN,
  NO_OPTIONAL_FLOATS,
  NO_OPTIONAL_NUMBER,
  NO_OPTIONAL_OPTIONS,
  NO_OPTIONAL_SIZE,
  NO_OPTIONAL_WORD,
  NO_OPTIONS,
  NO_PARAMETERS,
  NO_PROBABILITY,
  NO_SHAPE,
  NO_SIZE,
  NO_WORD,
  shape,
  testWrong,
  u,
} from './support/wrong.js';

/** What stands ready. @type {Record<string, any>} */
const t = {};

before(async () => {
  await init();
  const model = new u.Sequential(new u.LSTM(3, 4, { batchFirst: true }), new u.LastStep());
  const loss = new u.MSELoss();
  const optimizer = new u.SGD(model.parameters(), { lr: 0.1 });
  Object.assign(t, {
    p: new u.Linear(3, 2).parameters(),
    cell: new u.LSTMCell(3, 4),
    model,
    loss,
    none: new u.MSELoss({ reduction: 'none' }),
    classes: new u.CrossEntropyLoss(),
    optimizer,
    trainer: new u.Trainer(model, { loss, optimizer }),
    plateau: new u.ReduceLROnPlateau(optimizer),
  });
});

const LOSSES = ['MSELoss', 'L1Loss', 'SmoothL1Loss', 'HuberLoss', 'BCEWithLogitsLoss'];
const CLASS_LOSSES = ['CrossEntropyLoss', 'NLLLoss'];
const OPTIMIZERS = ['SGD', 'Adam', 'AdamW', 'RMSprop', 'Adagrad'];
const SCHEDULES = ['StepLR', 'ExponentialLR', 'CosineAnnealingLR', 'ReduceLROnPlateau'];
const WEIGHTS = [...NO_OPTIONAL_FLOATS.filter(([value]) => value !== null), ...shape(f(0))];
const ROWS = [...NO_FLOATS, ...NO_LENGTH];
const BETAS = [
  ...argument(0.9, 'ab', [], [0.9], [0.9, 0.99, 0.999], [0.9, 1], [1, 0.9], [-0.1, 0.9]),
  ...argument([NaN, 0.9], ['0.9', 0.9], [0.9, null]),
];

/** @type {(words: string) => RegExp} */
const say = (words) => new RegExp(words);
const loader = (more) => new u.DataLoader({ inputs: f(6), targets: f(3), samples: 3, ...more });
const trainer = (more) => new u.Trainer(t.model, { loss: t.loss, optimizer: t.optimizer, ...more });
/** A step on four steps of three inputs, or in the second line two sequences of two. */
const step = (more) => t.trainer.step(f(12), f(4), more);

/** @param {string} name @returns {any[]} */
function optimizerClass(name) {
  const make = (more) => new u[name](t.p, { lr: 0.1, ...more });
  return [
    [(v) => new u[name](v, { lr: 0.1 }), say(`${name} parameters`), NO_PARAMETERS],
    [(v) => new u[name](t.p, v), say(name), NO_OPTIONAL_OPTIONS],
    [(v) => make({ lr: v }), say(`${name} lr`), NO_AMOUNT],
    [(v) => make({ weightDecay: v }), say(`${name} weightDecay`), NO_AMOUNT],
  ];
}

/** @param {string} name @returns {any[]} */
function adamClass(name) {
  const make = (more) => new u[name](t.p, more);
  return [
    [(v) => make({ betas: v }), say(`${name} beta`), BETAS],
    [(v) => make({ eps: v }), say(`${name} eps`), NO_AMOUNT],
    [(v) => make({ amsgrad: v }), say(`${name} amsgrad`), NO_OPTIONAL_BOOLEAN],
  ];
}

/** @param {string} name @returns {any[]} */
function scheduleClass(name) {
  const config = { stepSize: 2, gamma: 0.5, tMax: 5 };
  const known = { StepLR: ['stepSize'], ExponentialLR: ['gamma'], CosineAnnealingLR: ['tMax'] };
  const needed = Object.fromEntries((known[name] ?? []).map((key) => [key, config[key]]));
  return [
    [(v) => new u[name](v, needed), say(name), NO_OBJECT, argument([])],
    [(v) => new u[name](t.optimizer, v), say(name), NO_OPTIONS],
  ];
}

/** @param {string} name @returns {any[]} */
function classLoss(name) {
  return [
    [(v) => new u[name]({ weight: v }), say(`${name} weight`), WEIGHTS],
    [
      (v) => new u[name]({ ignoreIndex: v }),
      say(`${name} ignoreIndex`),
      [...NO_OPTIONAL_NUMBER, ...argument(0.5, 2 ** 31, -(2 ** 31) - 1)],
    ],
  ];
}

/** @param {string} name @param {any} more */
const plateau = (name, more) =>
  /** @type {any} */ ([
    (v) => new u.ReduceLROnPlateau(t.optimizer, { [name]: v }),
    say(`ReduceLROnPlateau ${name}`),
    more,
  ]);

testWrong(
  [
    ...[...LOSSES, ...CLASS_LOSSES].flatMap(
      (name) =>
        /** @type {any} */ ([
          [(v) => new u[name](v), say(name), NO_OPTIONS],
          [(v) => new u[name]({ reduction: v }), say(`${name} reduction`), NO_OPTIONAL_WORD],
        ]),
    ),
    ...CLASS_LOSSES.flatMap(classLoss),
    [(v) => new u.SmoothL1Loss({ beta: v }), /SmoothL1Loss beta/, NO_AMOUNT],
    [(v) => new u.HuberLoss({ delta: v }), /HuberLoss delta/, NO_AMOUNT, argument(0)],
    [(v) => new u.CrossEntropyLoss({ labelSmoothing: v }), /labelSmoothing/, NO_PROBABILITY],
    [(v) => new u.BCEWithLogitsLoss({ posWeight: v }), /BCEWithLogitsLoss posWeight/, WEIGHTS],
    [(v) => t.loss.forward(v, f(6)), /MSELoss forward/, ROWS],
    [(v) => t.loss.forward(f(6), v), /MSELoss forward/, ROWS],
    [(v) => t.loss.forward(f(6), f(6), v), /MSELoss forward/, NO_OPTIONS],
    [(v) => t.loss.forward(f(6), f(6), { prediction: v }), /forward.*prediction/, NO_SHAPE],
    [(v) => t.loss.forward(f(6), f(6), { target: v }), /forward.*target/, NO_SHAPE],
    [(v) => t.classes.forward(f(6), v), /CrossEntropyLoss forward target/, NO_INTS],
    [
      (v) => t.classes.forward(f(6), v),
      /CrossEntropyLoss forward/,
      shape(new Int32Array(0), new Int32Array(4)),
      argument(Int32Array.of(0, 3), Int32Array.of(-1, 1)),
    ],
    [
      (v) => t.classes.forward(f(6), new Int32Array(2), { prediction: v }),
      /CrossEntropyLoss forward/,
      NO_SHAPE,
      shape([3, 2], [6], [1, 6]),
    ],
    [
      (v) => after(t.loss, f(6), f(6)).backward(v),
      /MSELoss backward gradOutput/,
      argument(f(6), null, f(1), 5),
    ],
    [
      (v) => after(t.none, f(6), f(6)).backward(v),
      /MSELoss backward gradOutput/,
      NO_OPTIONAL_FLOATS,
      NO_LENGTH,
    ],

    ...OPTIMIZERS.flatMap(optimizerClass),
    [(v) => new u.SGD(t.p, v), /SGD lr/, argument(undefined, {})],
    [(v) => new u.SGD(t.p, { lr: 1, momentum: v }), /SGD momentum/, NO_AMOUNT],
    [(v) => new u.SGD(t.p, { lr: 1, dampening: v }), /SGD dampening/, NO_OPTIONAL_NUMBER],
    [(v) => new u.SGD(t.p, { lr: 1, nesterov: v }), /SGD nesterov/, NO_OPTIONAL_BOOLEAN],
    [
      (v) => new u.SGD(t.p, { lr: 1, nesterov: true, ...v }),
      /SGD nesterov/,
      argument({}, { momentum: 0.9, dampening: 0.1 }),
    ],
    ...['Adam', 'AdamW'].flatMap(adamClass),
    [(v) => new u.RMSprop(t.p, { alpha: v }), /RMSprop alpha/, NO_AMOUNT],
    [(v) => new u.RMSprop(t.p, { eps: v }), /RMSprop eps/, NO_AMOUNT],
    [(v) => new u.RMSprop(t.p, { momentum: v }), /RMSprop momentum/, NO_AMOUNT],
    [(v) => new u.RMSprop(t.p, { centered: v }), /RMSprop centered/, NO_OPTIONAL_BOOLEAN],
    [(v) => new u.Adagrad(t.p, { lrDecay: v }), /Adagrad lrDecay/, NO_AMOUNT],
    [(v) => new u.Adagrad(t.p, { eps: v }), /Adagrad eps/, NO_AMOUNT],
    [
      (v) => new u.Adagrad(t.p, { initialAccumulatorValue: v }),
      /Adagrad initialAccumulatorValue/,
      NO_AMOUNT,
    ],
    [
      (v) => {
        t.optimizer.lr = v;
      },
      /SGD lr/,
      NO_NUMBER,
      NEGATIVE,
    ],
    [(v) => u.clipGradNorm(v, 1), /clipGradNorm parameters/, NO_PARAMETERS],
    [(v) => u.clipGradNorm(t.p, v), /clipGradNorm maxNorm/, NO_NUMBER, NEGATIVE],
    [(v) => u.clipGradNorm(t.p, 1, v), /clipGradNorm/, NO_OPTIONS],
    [
      (v) => u.clipGradNorm(t.p, 1, { normType: v }),
      /clipGradNorm normType/,
      argument(0, -1, NaN, 'inf', null, -Infinity),
    ],
    [(v) => u.clipGradValue(v, 1), /clipGradValue parameters/, NO_PARAMETERS],
    [(v) => u.clipGradValue(t.p, v), /clipGradValue clipValue/, NO_NUMBER, NEGATIVE],

    ...SCHEDULES.flatMap(scheduleClass),
    [(v) => new u.StepLR(t.optimizer, { stepSize: v }), /StepLR stepSize/, NO_SIZE],
    [
      (v) => new u.StepLR(t.optimizer, { stepSize: 1, gamma: v }),
      /StepLR gamma/,
      NO_OPTIONAL_NUMBER,
    ],
    [(v) => new u.ExponentialLR(t.optimizer, { gamma: v }), /ExponentialLR gamma/, NO_NUMBER],
    [(v) => new u.CosineAnnealingLR(t.optimizer, { tMax: v }), /CosineAnnealingLR tMax/, NO_SIZE],
    [
      (v) => new u.CosineAnnealingLR(t.optimizer, { tMax: 1, etaMin: v }),
      /CosineAnnealingLR etaMin/,
      NO_OPTIONAL_NUMBER,
    ],
    plateau('mode', NO_OPTIONAL_WORD),
    plateau('thresholdMode', NO_OPTIONAL_WORD),
    plateau('factor', [...NO_OPTIONAL_NUMBER, ...argument(1, 2)]),
    plateau('patience', NO_AMOUNT),
    plateau('threshold', NO_OPTIONAL_NUMBER),
    plateau('cooldown', NO_AMOUNT),
    plateau('minLr', NO_AMOUNT),
    plateau('eps', NO_AMOUNT),
    [(v) => t.plateau.step(v), /step metric/, argument('1', null, undefined, [1])],

    [(v) => new u.DataLoader(v), /DataLoader/, NO_OPTIONS, argument(undefined, {})],
    [(v) => loader({ samples: v }), /DataLoader samples/, NO_SIZE],
    [(v) => loader({ samples: v }), /DataLoader inputs/, shape(4, 7)],
    [(v) => loader({ inputs: v }), /DataLoader inputs/, ROWS],
    [
      (v) => loader({ targets: v }),
      /DataLoader targets/,
      argument([1, 2, 3], new Float64Array(3), new Uint8Array(3), null, undefined, 5),
      NO_LENGTH,
    ],
    [(v) => loader({ batchSize: v }), /DataLoader batchSize/, NO_OPTIONAL_SIZE],
    [(v) => loader({ shuffle: v }), /DataLoader shuffle/, NO_BOOLEAN],
    [(v) => loader({ dropLast: v }), /DataLoader dropLast/, NO_BOOLEAN],

    [(v) => new u.Trainer(v, { loss: t.loss, optimizer: t.optimizer }), /Trainer model/, NO_OBJECT],
    [
      (v) => new u.Trainer(t[v], { loss: t.loss, optimizer: t.optimizer }),
      /Trainer model/,
      argument('cell', 'loss', 'optimizer'),
    ],
    [(v) => new u.Trainer(t.model, v), /Trainer/, NO_OPTIONS, argument(undefined)],
    [(v) => trainer({ loss: v }), /Trainer loss/, NO_OBJECT],
    [(v) => trainer({ loss: t[v] }), /Trainer loss/, argument('none', 'model')],
    [(v) => trainer({ optimizer: v }), /Trainer optimizer/, NO_OBJECT],
    [(v) => trainer({ clipNorm: v }), /Trainer clipNorm/, NO_AMOUNT, argument(0, null)],
    [(v) => trainer({ onNonFinite: v }), /Trainer onNonFinite/, NO_WORD],
    [(v) => t.trainer.step(v, f(4)), /Trainer step input/, ROWS],
    [(v) => t.trainer.step(f(12), v), /Trainer step target/, ROWS],
    [(v) => step(v), /Trainer step/, NO_OPTIONS],
    [(v) => step({ batch: v }), /Trainer step batch/, NO_OPTIONAL_SIZE],
    [(v) => step({ batch: v }), /Trainer step input/, shape(5)],
    [(v) => step({ batch: v }), /Trainer step target/, shape(2)],
    [
      (v) => step({ targetShape: v }),
      /Trainer step targetShape/,
      argument(4, '4', null, {}, ['4'], [1.5], [NaN]),
      shape([0], [-2], [5], [-1, -1], [-1, 3]),
    ],
  ],
  1000,
);

test('a list or doubles: the error names the cure', () => {
  for (const bad of [[1, 2], new Float64Array(2)]) {
    assert.throws(() => t.loss.forward(f(2), bad), /Float32Array\.from/);
    assert.throws(() => t.classes.forward(f(6), bad), /Int32Array\.from/);
    assert.throws(() => t.trainer.step(f(12), bad), /Float32Array\.from/);
  }
});

test('disposed parameters are an ArgumentError, other disposed things a StateError', () => {
  const linear = new u.Linear(3, 2);
  const loss = new u.MSELoss();
  const optimizer = new u.SGD(linear.parameters(), { lr: 1 });
  const parameters = linear.parameters();
  for (const thing of [optimizer, loss, linear]) thing.dispose();
  for (const name of OPTIMIZERS) {
    const make = () => new u[name](parameters, { lr: 0.1 });
    assert.throws(make, { name: 'ArgumentError', message: /weight was disposed/ });
  }
  const named = { name: 'ArgumentError', message: /weight was disposed/ };
  assert.throws(() => u.clipGradNorm(parameters, 1), named);
  assert.throws(() => u.clipGradValue(parameters, 1), named);

  const dead = { name: 'StateError', message: /disposed/ };
  const { model } = t;
  assert.throws(() => new u.Trainer(linear, { loss: t.loss, optimizer: t.optimizer }), dead);
  assert.throws(() => new u.Trainer(model, { loss, optimizer: t.optimizer }), dead);
  assert.throws(() => new u.Trainer(model, { loss: t.loss, optimizer }), dead);
  assert.throws(() => new u.CosineAnnealingLR(optimizer, { tMax: 3 }), dead);
});
