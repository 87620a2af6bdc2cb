// What can go wrong, by kind. Every error of the library is one of these.

/**
 * Names a class, and its errors, so that stacks begin with the name too: minifiers rename classes.
 * @param {Function} Class
 * @param {string} name
 */
function named(Class, name) {
  const hidden = { value: name, configurable: true };
  Object.defineProperty(Class, 'name', hidden);
  Object.defineProperty(Class.prototype, 'name', { ...hidden, writable: true });
}

export class UnrolledError extends Error {
  static {
    named(UnrolledError, 'UnrolledError');
  }
}

/** A length or a shape that does not fit. */
export class ShapeError extends UnrolledError {
  static {
    named(ShapeError, 'ShapeError');
  }
}

/** A value out of range, a wrong type, an unknown name. */
export class ArgumentError extends UnrolledError {
  static {
    named(ArgumentError, 'ArgumentError');
  }
}

/** Memory ran out; what existed lives on. */
export class OutOfMemoryError extends UnrolledError {
  static {
    named(OutOfMemoryError, 'OutOfMemoryError');
  }
}

/** A weights file that is broken, or refused. */
export class FormatError extends UnrolledError {
  static {
    named(FormatError, 'FormatError');
  }
}

/** Before init(), after dispose(), backward without a forward. */
export class StateError extends UnrolledError {
  static {
    named(StateError, 'StateError');
  }
}

/** A training step met a loss or a gradient that is not finite: thrown before the weights change. */
export class NonFiniteError extends UnrolledError {
  static {
    named(NonFiniteError, 'NonFiniteError');
  }

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
