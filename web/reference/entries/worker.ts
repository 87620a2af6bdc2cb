/**
 * Models that are made and trained in a Web Worker or a Node worker thread, with the same digits.
 * @module unrolled/worker
 */
export { openWorker } from 'unrolled/worker';
// What the package passes on, where it is defined: an alias would hide it.
export type {
  Described,
  ModelDescription,
  TrainingDescription,
} from '../../../dist/description.js';
export type { RemoteData, RemoteLibrary, RemoteModel, Thread } from '../../../dist/remote.js';
