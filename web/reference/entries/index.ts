/**
 * The library. Names, shapes and defaults are PyTorch's; call {@link init} once before anything else.
 *
 * Dimensions in shapes: T time steps, N batch, I input, H hidden, Ho output of a direction (H, or the
 * projection's size), L layers, D directions, G gates, K outputs or classes. Arrays are flat and row-major.
 * @module unrolled
 */
export * from 'unrolled';
// What the package passes on, where it is defined: an alias would hide it.
export type { TrainingState } from '../../../dist/checkpoint.js';
export type { Batch } from '../../../dist/data.js';
export type { KerasKind } from '../../../dist/keras.js';
export type { Source } from '../../../dist/load.js';
export type { LossShapes, Reduction } from '../../../dist/loss.js';
export type { StateDict, Tensor } from '../../../dist/module.js';
export type { SequenceOptions, SequenceResult } from '../../../dist/recurrent.js';
export type { InitOptions } from '../../../dist/start.js';
export type { Progress } from '../../../dist/trainer.js';
