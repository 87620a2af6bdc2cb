// The public names of unrolled, all but init: how the .wasm is found is the entry's (index.js, inline.js).

/** @typedef {import('./start.js').InitOptions} InitOptions */
/** @typedef {import('./load.js').Source} Source */
/** @typedef {import('./module.js').StateDict} StateDict */
/** @typedef {import('./module.js').Tensor} Tensor */
/** @typedef {import('./recurrent.js').SequenceOptions} SequenceOptions */
/** @typedef {import('./recurrent.js').SequenceResult} SequenceResult */
/** @typedef {import('./loss.js').Reduction} Reduction */
/** @typedef {import('./loss.js').LossShapes} LossShapes */
/** @typedef {import('./data.js').Batch} Batch */
/** @typedef {import('./trainer.js').Progress} Progress */
/** @typedef {import('./checkpoint.js').TrainingState} TrainingState */
/** @typedef {import('./keras.js').KerasKind} KerasKind */

export {
  Dropout,
  LastStep,
  LogSoftmax,
  ReLU,
  Sigmoid,
  Softmax,
  Tanh,
} from './activation.js';
export { GRUCell, LSTMCell, RNNCell } from './cell.js';
export { loadCheckpoint, saveCheckpoint } from './checkpoint.js';
export { info } from './core.js';
export { DataLoader } from './data.js';
export {
  ArgumentError,
  FormatError,
  NonFiniteError,
  OutOfMemoryError,
  ShapeError,
  StateError,
  UnrolledError,
} from './errors.js';
export { GRU } from './gru.js';
export { initialize } from './init.js';
export { fromKeras, toKeras } from './keras.js';
export { Linear } from './linear.js';
export {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  HuberLoss,
  L1Loss,
  Loss,
  MSELoss,
  NLLLoss,
  SmoothL1Loss,
} from './loss.js';
export { LSTM } from './lstm.js';
export { Module, Parameter } from './module.js';
export {
  Adagrad,
  Adam,
  AdamW,
  clipGradNorm,
  clipGradValue,
  Optimizer,
  RMSprop,
  SGD,
} from './optim.js';
export { noGrad } from './pass.js';
export {
  bernoulli,
  getRngState,
  manualSeed,
  NumpyRandom,
  normal,
  rand,
  randint,
  randn,
  randperm,
  setRngState,
  uniform,
} from './random.js';
export { RNN } from './rnn.js';
export { loadSafetensors, readSafetensorsMetadata, saveSafetensors } from './safetensors.js';
export {
  CosineAnnealingLR,
  ExponentialLR,
  ReduceLROnPlateau,
  Schedule,
  StepLR,
} from './schedule.js';
export { Sequential } from './sequential.js';
export { Trainer } from './trainer.js';
