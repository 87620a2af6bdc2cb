import { expectFloats, expectLength } from './check.js';
import { call, handleOf, word, writeAt } from './core.js';
import { ShapeError } from './errors.js';
import { AT, expectPending, HAS_OUTPUT, keeping, Module, take } from './module.js';

/** A module that treats every row alike, whatever the axes before the last. */
export class Rowwise extends Module {
  #kind;
  #size;

  /**
   * @param {string} kind
   * @param {number} handle
   * @param {number} size  values in a row; 1: elementwise
   */
  constructor(kind, handle, size) {
    super(kind, handle);
    this.#kind = kind;
    this.#size = size;
  }

  /**
   * @param {Float32Array} input  […][I]; elementwise modules take any shape
   * @returns {Float32Array}  […][K]
   * @throws {ShapeError} when the length is not a multiple of the row's
   */
  forward(input) {
    const handle = handleOf(this);
    const what = `${this.#kind} forward input`;
    const data = expectFloats(input, what);
    const rows = data.length / this.#size;
    if (!Number.isInteger(rows) || rows < 1) {
      throw new ShapeError(
        `${what}: expected a multiple of ${this.#size} values, and some, got ${data.length}`,
      );
    }
    call('reserve', handle, 1, rows, this.#size, keeping());
    writeAt(word(AT.INPUT), data);
    call('forward', handle, 0);
    return take(AT.OUTPUT, AT.OUTPUTS);
  }

  /**
   * Gradient of the last forward's input; adds to the parameters' gradients.
   * @param {Float32Array} gradOutput  as the output
   * @returns {Float32Array}  as the input
   */
  backward(gradOutput) {
    const handle = handleOf(this);
    return rowsBackward(handle, this.#kind, gradOutput);
  }
}

/**
 * The backward of a module that has one input and one output.
 * @param {number} handle
 * @param {string} kind
 * @param {Float32Array} gradOutput
 */
export function rowsBackward(handle, kind, gradOutput) {
  const what = `${kind} backward`;
  const given = expectFloats(gradOutput, `${what} gradOutput`); // a view is copied before any call
  expectPending(handle, kind);
  const data = expectLength(given, word(AT.OUTPUTS), `${what} gradOutput`);
  writeAt(word(AT.GRAD_OUTPUT), data);
  call('backward', handle, HAS_OUTPUT);
  return take(AT.GRAD_INPUT, AT.INPUTS);
}
