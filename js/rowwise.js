import { begin, expectFloats, expectLength, stepsOf } from './check.js';
import { handleOf, word } from './core.js';
import { Module } from './module.js';
import * as pass from './pass.js';
import * as AT from './places.js';

/** A module that treats every row alike, whatever the axes before the last. */
export class Rowwise extends Module {
  /**
   * @param {Float32Array} input  […][I]; elementwise modules take any shape
   * @returns {Float32Array}  […][K]
   * @throws {ShapeError} when the length is not a multiple of the row's
   */
  forward(input) {
    return forwardRows(this, input, 1);
  }

  /**
   * Gradient of the last forward's input; adds to the parameters' gradients.
   * @param {Float32Array} gradOutput  as the output
   * @returns {Float32Array}  as the input
   */
  backward(gradOutput) {
    const { handle, what } = begin(this, 'backward');
    pass.expectPending(handle, what);
    pass.backward(handle, expectLength(gradOutput, word(AT.OUTPUTS), `${what} gradOutput`));
    return pass.take(AT.GRAD_INPUT, AT.INPUTS);
  }
}

/**
 * The forward of a module that has one input and one output.
 * @param {Module} module
 * @param {Float32Array} input
 * @param {number} batch
 */
export function forwardRows(module, input, batch) {
  const handle = handleOf(module);
  const what = `${Module.kindOf(module)} forward input`;
  const data = expectFloats(input, what);
  const F = Module.inputs(module);
  pass.forward(handle, stepsOf(data.length, batch, F, what), batch, F, data);
  return pass.take(AT.OUTPUT, AT.OUTPUTS);
}
