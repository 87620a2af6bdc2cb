// What can go wrong, by kind. Every error of the library is one of these.
//
// Each class says its name itself: minifiers rename classes.

/** What all errors of the library are. */
export class UnrolledError extends Error {
  /** @internal @override */
  static name = 'UnrolledError';

  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}

/** A length or a shape that does not fit. */
export class ShapeError extends UnrolledError {
  /** @internal @override */
  static name = 'ShapeError';
}

/** A value out of range, a wrong type, an unknown name. */
export class ArgumentError extends UnrolledError {
  /** @internal @override */
  static name = 'ArgumentError';
}

/** Memory ran out; what existed lives on. */
export class OutOfMemoryError extends UnrolledError {
  /** @internal @override */
  static name = 'OutOfMemoryError';
}

/** A weights file that is broken, or refused. */
export class FormatError extends UnrolledError {
  /** @internal @override */
  static name = 'FormatError';
}

/** Before init(), after dispose(), backward without a forward. */
export class StateError extends UnrolledError {
  /** @internal @override */
  static name = 'StateError';
}

/** A training step met a loss or a gradient that is not finite: thrown before the weights change. */
export class NonFiniteError extends UnrolledError {
  /** @internal @override */
  static name = 'NonFiniteError';

  /**
   * @param {number} step  counted from 0 by the trainer
   * @param {string | null} parameter  whose gradient it is; null: the loss itself
   */
  constructor(step, parameter) {
    super(
      `${parameter ? `the gradient of ${parameter}` : 'the loss'} is not finite at step ${step}: ` +
        'the weights are unchanged; try a smaller lr or clipNorm',
    );
    /** @readonly */
    this.step = step;
    /** @readonly */
    this.parameter = parameter;
  }
}
