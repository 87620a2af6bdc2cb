// The public names of unrolled, all but init: how the .wasm is found is the entry's (index.js, inline.js).
//
// The files of the bundle stand in this order too. Among its own kind gzip finds more that is alike: the
// order of the alphabet would cost 100 bytes.

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

// ---- Training -----------------------------------------------------------------------------------

export { DataLoader } from './data.js';
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
  CosineAnnealingLR,
  ExponentialLR,
  ReduceLROnPlateau,
  Schedule,
  StepLR,
} from './schedule.js';
export { Trainer } from './trainer.js';

// ---- Random -------------------------------------------------------------------------------------

export { initialize } from './init.js';
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

// ---- Weights, and whole trainings ---------------------------------------------------------------

export { loadCheckpoint, saveCheckpoint } from './checkpoint.js';
export { fromKeras, toKeras } from './keras.js';
export { loadSafetensors, readSafetensorsMetadata, saveSafetensors } from './safetensors.js';

// ---- Modules ------------------------------------------------------------------------------------

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
export { GRU } from './gru.js';
export { Linear } from './linear.js';
export { LSTM } from './lstm.js';
export { Module, Parameter } from './module.js';
export { RNN } from './rnn.js';
export { Sequential } from './sequential.js';

// ---- The library itself -------------------------------------------------------------------------

export { info } from './core.js';
export {
  ArgumentError,
  FormatError,
  NonFiniteError,
  OutOfMemoryError,
  ShapeError,
  StateError,
  UnrolledError,
} from './errors.js';
