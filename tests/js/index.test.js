import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as unrolled from 'unrolled';
import { cases } from './support/fixtures.js';

test('the public names', () => {
  assert.deepEqual(
    Object.keys(unrolled).sort(),
    [
      ...['init', 'info'],
      ...['UnrolledError', 'ShapeError', 'ArgumentError', 'OutOfMemoryError', 'FormatError'],
      ...['StateError', 'NonFiniteError'],
      ...['manualSeed', 'getRngState', 'setRngState', 'rand', 'randn', 'uniform', 'normal'],
      ...['randint', 'bernoulli', 'randperm', 'NumpyRandom'],
      ...['Module', 'Parameter', 'noGrad', 'RNN', 'GRU', 'LSTM', 'RNNCell', 'GRUCell', 'LSTMCell'],
      ...['Linear', 'Tanh', 'ReLU', 'Sigmoid', 'Softmax', 'LogSoftmax', 'Dropout', 'LastStep'],
      ...['Sequential', 'initialize'],
      ...['Loss', 'MSELoss', 'L1Loss', 'SmoothL1Loss', 'HuberLoss', 'CrossEntropyLoss', 'NLLLoss'],
      'BCEWithLogitsLoss',
      ...['Optimizer', 'SGD', 'Adam', 'AdamW', 'RMSprop', 'Adagrad', 'clipGradNorm'],
      ...['clipGradValue', 'Schedule', 'StepLR', 'ExponentialLR', 'CosineAnnealingLR'],
      'ReduceLROnPlateau',
      ...['DataLoader', 'Trainer'],
      ...['saveSafetensors', 'loadSafetensors', 'readSafetensorsMetadata'],
      ...['fromKeras', 'toKeras'],
      ...['saveCheckpoint', 'loadCheckpoint'],
    ].sort(),
  );
  assert.deepEqual(Object.keys(unrolled.initialize).sort(), [
    'constant',
    'kaimingNormal',
    'kaimingUniform',
    'normal',
    'ones',
    'orthogonal',
    'uniform',
    'xavierNormal',
    'xavierUniform',
    'zeros',
  ]);
});

test('importing starts nothing and prints nothing', () => {
  assert.throws(() => unrolled.info(), { name: 'StateError', message: /await init\(\)/ });
});

// The counts that the tests of each family hold themselves to: a family that grows must be noticed.
test('every recorded case has a test', () => {
  const counts = {};
  for (const { family } of cases) counts[family] = (counts[family] ?? 0) + 1;
  assert.deepEqual(counts, {
    layer: 48, // rnn 21, lstm 14, gru 11; two of packed sequences are optional
    cell: 6,
    linear: 4,
    activation: 5,
    loss: 23,
    optim: 18, // 15 optimizers, 1 of two groups, clip, schedules
    rng: 9, // 5 streams, init_modules, init_functions, numpy, dataloader
    train: 6,
    files: 10, // 9 of safetensors, and the broken ones
    notebooks: 1, // tests/notebooks
  });
});
