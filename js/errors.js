// What can go wrong, by kind. Every error of the library is one of these.
//
// Each says its name itself: minifiers rename classes.

export class UnrolledError extends Error {
  /** @override */
  name = 'UnrolledError';
}

/** A length or a shape that does not fit. */
export class ShapeError extends UnrolledError {
  /** @override */
  name = 'ShapeError';
}

/** A value out of range, a wrong type, an unknown name. */
export class ArgumentError extends UnrolledError {
  /** @override */
  name = 'ArgumentError';
}

/** Memory ran out; what existed lives on. */
export class OutOfMemoryError extends UnrolledError {
  /** @override */
  name = 'OutOfMemoryError';
}

/** A weights file that is broken, or refused. */
export class FormatError extends UnrolledError {
  /** @override */
  name = 'FormatError';
}

/** Before init(), after dispose(), backward without a forward. */
export class StateError extends UnrolledError {
  /** @override */
  name = 'StateError';
}

/** A training step met a loss or a gradient that is not finite: thrown before the weights change. */
export class NonFiniteError extends UnrolledError {
  /** @override */
  name = 'NonFiniteError';

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
