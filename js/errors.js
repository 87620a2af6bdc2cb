// What can go wrong, by kind. Every error of the library is one of these.

export class UnrolledError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}

/** A length or a shape that does not fit. */
export class ShapeError extends UnrolledError {}
/** A value out of range, a wrong type, an unknown name. */
export class ArgumentError extends UnrolledError {}
/** Memory ran out; what existed lives on. */
export class OutOfMemoryError extends UnrolledError {}
/** A weights file that is broken, or refused. */
export class FormatError extends UnrolledError {}
/** Before init(), after dispose(), backward without a forward. */
export class StateError extends UnrolledError {}

/** A training step met a loss or a gradient that is not finite: thrown before the weights change. */
export class NonFiniteError extends UnrolledError {
  /**
   * @param {number} step  counted from 0 by the trainer
   * @param {string | null} parameter  whose gradient it is; null: the loss itself
   */
  constructor(step, parameter) {
    super(
      `${parameter ? `the gradient of ${parameter}` : 'the loss'} is not finite at step ${step}; ` +
        'the weights are as they were. A smaller lr or clipNorm often helps.',
    );
    /** @readonly */
    this.step = step;
    /** @readonly */
    this.parameter = parameter;
  }
}
