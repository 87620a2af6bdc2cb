// What crosses between a page and its worker: errors with their class, arrays without a second copy,
// progress at most once a frame.

import {
  ArgumentError,
  FormatError,
  NonFiniteError,
  OutOfMemoryError,
  ShapeError,
  StateError,
  UnrolledError,
} from './errors.js';

/** @typedef {import('./trainer.js').Progress} Progress */
/**
 * @typedef {{ kind: string | undefined, name: string, message: string, stack?: string, fields: object }} SentError
 *   kind: of CLASSES, whatever a minifier calls it
 */
/** @typedef {{ id: number, name: string, model: number, args: unknown[] }} Call  from the page */
/**
 * To the page: what a call came to, news of one under way, or why there will be no more of them.
 * @typedef {{ id: number, value?: unknown, error?: SentError, news?: Progress[], fatal?: string }} Answer
 */

/** @type {Map<string, Function>} */
const CLASSES = new Map(
  Object.entries({
    ...{ UnrolledError, ShapeError, ArgumentError, OutOfMemoryError, FormatError, StateError },
    ...{ NonFiniteError, TypeError, RangeError },
  }),
);

/** @param {unknown} thrown @returns {SentError} */
export function sendError(thrown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { name, message, stack } = error;
  const kind = [...CLASSES].find(([, Class]) => error.constructor === Class)?.[0];
  return { kind, name, message, stack, fields: { ...error } };
}

/** The error as it was thrown there: class, name, message, fields, stack. @param {SentError} sent @returns {Error} */
export function receiveError({ kind, name, message, stack, fields }) {
  const error = Reflect.construct(Error, [message], CLASSES.get(kind ?? '') ?? Error);
  Object.assign(error, fields);
  const hidden = { configurable: true, writable: true };
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, ...hidden });
  if (stack) Object.defineProperty(error, 'stack', { value: stack, ...hidden });
  return error;
}

/** What callers give arrays as. */
const ARRAYS = [Float32Array, Int32Array, Uint8Array];

/**
 * The same with copies in the place of arrays, to be transferred: what the caller gave stays whole, and
 * of a view only what it shows crosses.
 * @param {unknown} value  records may hold records
 * @param {Transferable[]} transfer  takes the buffers of the copies
 * @param {number} [depth]
 * @returns {unknown}
 */
export function copied(value, transfer, depth = 2) {
  for (const Type of ARRAYS) {
    if (!(value instanceof Type)) continue;
    // Not slice(): that of Node's Buffer copies nothing. A detached array is as an empty one.
    const copy = value.byteLength === 0 ? new Type(0) : new Type(value);
    transfer.push(copy.buffer);
    return copy;
  }
  if (depth === 0 || typeof value !== 'object' || value === null) return value;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    copied(inner, transfer, depth - 1),
  ]);
  return Object.fromEntries(entries);
}

/** The buffers of fresh arrays, to be transferred. @param {any} value @param {number} [depth] @returns {Transferable[]} */
export function buffersOf(value, depth = 2) {
  if (ArrayBuffer.isView(value)) return [/** @type {ArrayBuffer} */ (value.buffer)];
  if (depth === 0 || typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((inner) => buffersOf(inner, depth - 1));
}

/**
 * Adds what is newest to what waits: in the place of what came before it in its epoch, so that the last
 * of each epoch stays.
 * @param {Progress[]} waiting
 * @param {Progress} item
 */
export function addProgress(waiting, item) {
  if (waiting[waiting.length - 1]?.epoch === item.epoch) waiting.pop();
  waiting.push(item);
}
