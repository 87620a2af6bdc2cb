// What callers of the modules can get wrong. The error's class says what is wrong, its sentence
// names the argument, and nothing has changed.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { init } from 'unrolled';
import {
  after,
  argument,
  f,
  NO_BOOLEAN,
  NO_FLOATS,
  NO_FLOATS_NOR_NULL,
  NO_LENGTH,
  NO_OBJECT,
  NO_OPTIONAL_FLOATS,
  NO_OPTIONAL_SIZE,
  NO_OPTIONS,
  NO_PROBABILITY,
  NO_SIZE,
  NO_WORD,
  shape,
  testWrong,
  u,
} from './support/wrong.js';

/** Modules of three inputs and four outputs. @type {Record<string, any>} */
const m = {};

before(async () => {
  await init();
  Object.assign(m, {
    rnn: new u.RNN(3, 4),
    gru: new u.GRU(3, 4, { numLayers: 2 }),
    lstm: new u.LSTM(3, 4),
    both: new u.GRU(3, 4, { bidirectional: true }),
    rnnCell: new u.RNNCell(3, 4),
    gruCell: new u.GRUCell(3, 4),
    lstmCell: new u.LSTMCell(3, 4),
    linear: new u.Linear(3, 4),
    tanh: new u.Tanh(),
    softmax: new u.Softmax(3),
    model: new u.Sequential(new u.LSTM(3, 4, { batchFirst: true }), new u.LastStep()),
  });
});

const STATES = [...NO_OPTIONAL_FLOATS, ...NO_LENGTH];
const ROWS = [...NO_FLOATS, ...NO_LENGTH];
/** @type {(words: string) => RegExp} */
const say = (words) => new RegExp(words);

/** @param {string} name @returns {any[]} */
function recurrentClass(name) {
  const make = (more) => new u[name](3, 4, more);
  return [
    [(v) => new u[name](v, 4), say(`${name} inputSize`), NO_SIZE],
    [(v) => new u[name](3, v), say(`${name} hiddenSize`), NO_SIZE],
    [(v) => make(v), say(name), NO_OPTIONS],
    [(v) => make({ numLayers: v }), say(`${name} numLayers`), NO_OPTIONAL_SIZE],
    [(v) => make({ bias: v }), say(`${name} bias`), NO_BOOLEAN],
    [(v) => make({ batchFirst: v }), say(`${name} batchFirst`), NO_BOOLEAN],
    [(v) => make({ bidirectional: v }), say(`${name} bidirectional`), NO_BOOLEAN],
    [(v) => make({ dropout: v }), say(`${name} dropout`), NO_PROBABILITY, argument(null)],
  ];
}

/** @param {string} name @returns {any[]} */
function recurrentCalls(name) {
  const forward = (...args) => m[name].forward(...args);
  const backward = (...args) => after(m[name], f(12)).backward(...args);
  return [
    [(v) => forward(v), /forward input/, ROWS],
    [(v) => forward(f(12), { batch: v }), /forward batch/, NO_OPTIONAL_SIZE],
    [(v) => forward(f(12), { batch: v }), /forward input/, shape(5, 12)],
    [(v) => forward(f(12), v), /forward/, NO_OPTIONS],
    [(v) => forward(f(12), { h0: v }), /forward h0/, STATES, shape(f(16))],
    [(v) => backward(v), /backward gradOutput/, NO_FLOATS_NOR_NULL, NO_LENGTH],
    [(v) => backward(null, { hn: v }), /backward hn/, STATES],
    [(v) => backward(null, v), /backward/, NO_OPTIONS],
  ];
}

/** @param {string} name @returns {any[]} */
function streamCalls(name) {
  return [
    [(v) => m[name].step(v), /step input/, ROWS, shape(f(6))],
    [(v) => m[name].step(f(3), { batch: v }), /step (batch|input)/, NO_OPTIONAL_SIZE, shape(2)],
    [(v) => m[name].step(f(3), v), /step/, NO_OPTIONS],
    [(v) => m[name].resetState({ h0: v }), /resetState h0/, STATES],
    [(v) => m[name].resetState(v), /resetState/, NO_OPTIONS],
  ];
}

/** @param {string} name @returns {any[]} */
function cellClass(name) {
  return [
    [(v) => new u[name](v, 4), say(`${name} inputSize`), NO_SIZE],
    [(v) => new u[name](3, v), say(`${name} hiddenSize`), NO_SIZE],
    [(v) => new u[name](3, 4, v), say(name), NO_OPTIONS],
    [(v) => new u[name](3, 4, { bias: v }), say(`${name} bias`), NO_BOOLEAN],
  ];
}

/** @param {string} name @returns {any[]} */
function cellCalls(name) {
  const backward = (v) => after(m[name], f(6)).backward(v);
  return [
    [(v) => m[name].forward(v), /forward x/, ROWS],
    [(v) => m[name].forward(f(6), v), /forward h/, STATES, shape(f(4))],
    [(v) => m[name].forward(f(6), undefined, v), /forward/, NO_OPTIONS],
    [(v) => m[name].forward(f(6), undefined, { batch: v }), /forward/, NO_OPTIONAL_SIZE],
    [(v) => m[name].forward(f(6), undefined, { batch: v }), /forward x/, shape(1, 3)],
    [backward, /backward (gradH|gradient of h)/, ROWS],
  ];
}

testWrong(
  [
    ...['RNN', 'GRU', 'LSTM'].flatMap(recurrentClass),
    [(v) => new u.RNN(3, 4, { nonlinearity: v }), /RNN nonlinearity/, NO_WORD],
    [(v) => new u.GRU(3, 4, { nonlinearity: v }), /GRU.*nonlinearity/, argument('tanh')],
    [(v) => new u.RNN(3, 4, { projSize: v }), /RNN.*projSize/, argument(2)],
    [(v) => new u.LSTM(3, 4, { projSize: v }), /LSTM projSize/, shape(-1, 2 ** 31)],
    [(v) => new u.LSTM(3, 4, { projSize: v }), /LSTM projSize/, argument(4, 5, 1.5, '2', null)],
    ...['rnn', 'gru', 'lstm', 'both'].flatMap(recurrentCalls),
    ...['rnn', 'gru', 'lstm'].flatMap(streamCalls),
    [(v) => m.lstm.forward(f(12), { c0: v }), /forward c0/, STATES],
    [(v) => m.gru.forward(f(12), { c0: v }), /forward.*c0/, argument(f(8))],
    [(v) => after(m.lstm, f(12)).backward(null, { cn: v }), /backward cn/, STATES],
    [(v) => after(m.gru, f(12)).backward(null, { cn: v }), /backward.*cn/, argument(f(8))],
    [(v) => m.lstm.resetState({ c0: v }), /resetState c0/, STATES],
    [(v) => m.lstm.resetState({ h0: f(8), c0: v }), /resetState c0/, shape(f(4), f(12))],
    [(v) => m.gru.resetState({ c0: v }), /resetState.*c0/, argument(f(8))],
    [(v) => m.both.step(v), /step.*bidirectional/, argument(f(3))],
    [(v) => m.both.resetState(v), /resetState.*bidirectional/, argument(undefined)],

    ...['RNNCell', 'GRUCell', 'LSTMCell'].flatMap(cellClass),
    [(v) => new u.RNNCell(3, 4, { nonlinearity: v }), /RNNCell nonlinearity/, NO_WORD],
    ...['rnnCell', 'gruCell'].flatMap(cellCalls),
    [(v) => m.lstmCell.forward(v), /forward x/, ROWS],
    [(v) => m.lstmCell.forward(f(6), { h: v }), /forward h/, STATES],
    [(v) => m.lstmCell.forward(f(6), { c: v }), /forward c/, STATES],
    [(v) => m.lstmCell.forward(f(6), v), /forward state/, NO_OPTIONS],
    [(v) => m.lstmCell.forward(f(6), {}, v), /forward/, NO_OPTIONS],
    [(v) => after(m.lstmCell, f(6)).backward(v), /backward grad/, NO_OPTIONS],
    [(v) => after(m.lstmCell, f(6)).backward(v), /backward grad/, argument(undefined, {}, f(8))],
    [(v) => after(m.lstmCell, f(6)).backward({ h: v }), /backward grad/, STATES],
    [(v) => after(m.lstmCell, f(6)).backward({ h: f(8), c: v }), /gradient of c/, STATES],

    [(v) => new u.Linear(v, 4), /Linear inFeatures/, NO_SIZE],
    [(v) => new u.Linear(3, v), /Linear outFeatures/, NO_SIZE],
    [(v) => new u.Linear(3, 4, v), /Linear/, NO_OPTIONS],
    [(v) => new u.Linear(3, 4, { bias: v }), /Linear bias/, NO_BOOLEAN],
    [(v) => new u.Softmax(v), /Softmax size/, NO_SIZE],
    [(v) => new u.LogSoftmax(v), /LogSoftmax size/, NO_SIZE],
    [(v) => new u.Dropout(v), /Dropout p/, NO_PROBABILITY, argument(null)],
    [(v) => m.linear.forward(v), /Linear forward input/, ROWS],
    [(v) => after(m.linear, f(6)).backward(v), /Linear backward gradOutput/, ROWS],
    [(v) => m.softmax.forward(v), /Softmax forward input/, ROWS],
    [(v) => after(m.softmax, f(6)).backward(v), /Softmax backward gradOutput/, ROWS],
    [(v) => m.tanh.forward(v), /Tanh forward input/, NO_FLOATS, shape(f(0))],
    [(v) => after(m.tanh, f(6)).backward(v), /Tanh backward gradOutput/, ROWS],

    [(v) => new u.Sequential(v), /Sequential/, NO_OBJECT, argument([], { a: 5 })],
    [(v) => new u.Sequential(v, v), /Sequential "0"/, NO_OBJECT],
    [(v) => new u.Sequential({ a: v }), /Sequential "a"/, NO_OBJECT],
    [(v) => new u.Sequential({ [v]: m.tanh }), /Sequential/, argument('', 'a.b', '.', 'a.')],
    [(v) => new u.Sequential(...v), /Sequential/, argument([])],
    [(v) => m.model.forward(v), /Sequential forward input/, ROWS],
    [(v) => m.model.forward(f(12), { batch: v }), /Sequential forward batch/, NO_OPTIONAL_SIZE],
    [(v) => m.model.forward(f(12), { batch: v }), /Sequential forward input/, shape(5)],
    [(v) => m.model.forward(f(12), v), /Sequential forward/, NO_OPTIONS],
    [(v) => after(m.model, f(12)).backward(v), /Sequential backward gradOutput/, ROWS],

    [(v) => m.linear.train(v), /Linear train/, NO_BOOLEAN],
    [
      (v) => m.linear.loadStateDict(v),
      /Linear loadStateDict/,
      argument(null, undefined, 5, 'a', []),
    ],
    [(v) => m.linear.loadStateDict(v), /Linear loadStateDict.*weight/, argument({})],
    [(v) => m.linear.loadStateDict({}, v), /Linear loadStateDict/, NO_OPTIONS],
    [(v) => m.linear.loadStateDict({}, { strict: v }), /loadStateDict strict/, NO_BOOLEAN],
    [
      (v) => m.linear.loadStateDict({}, { prefix: v, strict: false }),
      /Linear loadStateDict prefix/,
      argument(5, null, ['module.']),
    ],
    [(v) => u.noGrad(v), /noGrad/, argument(null, undefined, 5, {})],
  ],
  1000,
);

test('a list or doubles: the error names the cure', () => {
  for (const bad of [[1, 2, 3], new Float64Array(3)]) {
    assert.throws(() => m.linear.forward(bad), /Float32Array\.from/);
    assert.throws(() => m.lstm.forward(f(3), { c0: bad }), /Float32Array\.from/);
    const state = { ...m.linear.stateDict(), bias: { shape: [4], data: bad } };
    assert.throws(() => m.linear.loadStateDict(state), /Float32Array\.from/);
  }
});

test('a Sequential of a disposed module is a StateError', () => {
  const linear = new u.Linear(3, 4);
  linear.dispose();
  for (const call of [() => new u.Sequential(linear), () => new u.Sequential({ a: linear })]) {
    assert.throws(call, { name: 'StateError', message: /Linear was disposed/ });
  }
});
