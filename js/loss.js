// Losses: value and gradient. Formulas and corner cases are PyTorch's:
// https://pytorch.org/docs/stable/nn.html#loss-functions

import {
  abstract,
  describe,
  expectFloats,
  expectInts,
  expectLength,
  expectNumber,
  expectOneOf,
  expectOptions,
  expectShape,
  product,
  shapeText,
} from './check.js';
import {
  attempt,
  call,
  copyFloats,
  double,
  failure,
  handleOf,
  Resource,
  STATUS,
  stage,
  word,
  writeAt,
  writeInts,
} from './core.js';
import { ArgumentError, ShapeError, StateError } from './errors.js';

/**
 * What becomes of the single losses: their mean, their sum, or all of them.
 * @typedef {'mean' | 'sum' | 'none'} Reduction
 */
/**
 * The shapes of two flat arrays, where they are more than a row of numbers.
 * @typedef {{ prediction?: readonly number[], target?: readonly number[] }} LossShapes
 */

/** As src/unrolled.h numbers them. */
const KIND = Object.freeze({
  MSELoss: 0,
  L1Loss: 1,
  SmoothL1Loss: 2,
  HuberLoss: 3,
  BCEWithLogitsLoss: 4,
  CrossEntropyLoss: 5,
  NLLLoss: 6,
});
/** @type {readonly Reduction[]} */
const REDUCTIONS = ['mean', 'sum', 'none'];
const IGNORE_INDEX = -100;

/** Shape pairs that were warned about: once each is enough. */
const warned = new Set();
/** The last pair of shapes that differed. @type {(readonly number[])[]} */
let asked = [[], []];

/** @param {readonly number[]} a @param {readonly number[]} b */
function same(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * PyTorch's warning about a target whose size differs from the prediction's.
 * @param {string} kind
 * @param {readonly number[]} prediction
 * @param {readonly number[]} target
 */
export function warnBroadcast(kind, prediction, target) {
  // a training asks at every step: mostly the same, and then without a string
  if (same(prediction, target) || (same(prediction, asked[0]) && same(target, asked[1]))) return;
  asked = [prediction, target];
  const pair = `${shapeText(prediction)} and ${shapeText(target)}`;
  if (warned.has(pair)) return;
  warned.add(pair);
  console.warn(
    `unrolled: ${kind} broadcasts a prediction of shape ${shapeText(prediction)} against a target of ` +
      `shape ${shapeText(target)}, which is rarely meant: give both the same shape ` +
      '(the equivalent of prediction.view(-1)).',
  );
}

/** What all losses are: a value, and its gradient with respect to the prediction. */
export class Loss extends Resource {
  #kind;
  #classes;
  /** @type {{ prediction: number, elements: number } | null} lengths of the forward that waits */
  #waiting = null;

  /**
   * @hidden
   * @param {keyof typeof KIND} kind
   * @param {{ reduction?: Reduction }} options
   * @param {string[]} more  names of options beyond reduction
   * @param {{ parameter?: number, ignoreIndex?: number, weight?: Float32Array }} settings
   */
  constructor(kind, options, more, settings = {}) {
    if (new.target === Loss) throw abstract('Loss', 'MSELoss');
    expectOptions(options, ['reduction', ...more], kind);
    const reduction = expectOneOf(options.reduction ?? 'mean', REDUCTIONS, `${kind} reduction`);
    const { parameter = 0, ignoreIndex = IGNORE_INDEX, weight } = settings;
    const weights = weight ?? new Float32Array(0);
    const at = stage(4 * Math.max(1, weights.length));
    writeAt(at, weights);
    super(
      kind,
      call(
        'loss_create',
        KIND[kind],
        REDUCTIONS.indexOf(reduction),
        parameter,
        ignoreIndex,
        weights.length,
        at,
      ),
    );
    this.#kind = kind;
    this.#classes = kind === 'CrossEntropyLoss' || kind === 'NLLLoss';
    /** @readonly @type {Reduction} */
    this.reduction = reduction;
  }

  /**
   * The loss: a number; with reduction 'none' a Float32Array, one value for each pair of values.
   * @param {Float32Array} prediction
   * @param {Float32Array | Int32Array} target  class losses: Int32Array of class indices
   * @param {LossShapes} [shapes]
   *   broadcast as PyTorch's do; without them prediction and target have the same length (class
   *   losses: prediction [S][classes], target [S]). Class losses with shapes, as PyTorch's: prediction
   *   [N][C] or [N][C][T], target [N] or [N][T].
   * @returns {number | Float32Array}
   */
  forward(prediction, target, shapes = {}) {
    const handle = handleOf(this);
    const what = `${this.#kind} forward`;
    expectOptions(shapes, ['prediction', 'target'], what);
    const p = expectFloats(prediction, `${what} prediction`);
    const t = Loss.expectTarget(this, target, `${what} target`);
    const [pShape, tShape] = this.#shapes(p, t, shapes, what);

    const at = stage(4 * (pShape.length + tShape.length));
    const tAt = at + 4 * pShape.length;
    writeInts(at, pShape);
    writeInts(tAt, tShape);
    const status = attempt('loss_reserve', handle, pShape.length, at, tShape.length, tAt);
    if (status === STATUS.SHAPE) throw this.#misfit(pShape, tShape, what);
    if (status < 0) throw failure(status, what);
    writeAt(word(0), p);
    writeAt(word(1), t);
    const [elements, count] = [word(3), word(5)];
    const done = attempt('loss_forward', handle);
    this.#waiting = null;
    if (done === STATUS.TARGET) throw Loss.badTarget(what, word(0), t);
    if (done < 0) throw failure(done, what);
    this.#waiting = { prediction: p.length, elements: count };
    const value = this.reduction === 'none' ? copyFloats(elements, count) : double(0);
    if (!this.#classes) warnBroadcast(this.#kind, pShape, tShape); // last: console.warn may be anyone's
    return value;
  }

  /**
   * d loss / d prediction of the last forward.
   * @param {Float32Array} [gradOutput]  with reduction 'none': what to multiply with (default ones)
   * @returns {Float32Array}  as the prediction
   */
  backward(gradOutput) {
    const handle = handleOf(this);
    const what = `${this.#kind} backward`;
    if (!this.#waiting) throw new StateError(`${what}: there is no forward to undo`);
    const { prediction, elements } = this.#waiting;
    if (gradOutput !== undefined && this.reduction !== 'none') {
      throw new ArgumentError(`${what} gradOutput: only with reduction 'none'`);
    }
    const grad =
      gradOutput === undefined ? null : expectLength(gradOutput, elements, `${what} gradOutput`);
    call('loss_pending', handle);
    const at = word(2);
    if (grad) writeAt(word(4), grad);
    call('loss_backward', handle, grad ? 1 : 0);
    this.#waiting = null;
    return copyFloats(at, prediction);
  }

  /**
   * @param {Float32Array} p
   * @param {Float32Array | Int32Array} t
   * @param {LossShapes} shapes
   * @param {string} what
   * @returns {[number[], number[]]}
   */
  #shapes(p, t, shapes, what) {
    const pShape = expectOptional(shapes.prediction, `${what} shapes.prediction`);
    const tShape = expectOptional(shapes.target, `${what} shapes.target`);
    expectProduct(pShape, p.length, `${what} prediction`);
    expectProduct(tShape, t.length, `${what} target`);
    if (p.length === 0) throw new ShapeError(`${what} prediction: expected values, got none`);
    if (this.#classes) {
      const classes = p.length / t.length;
      if (!pShape && (!Number.isInteger(classes) || t.length === 0)) {
        throw new ShapeError(
          `${what}: expected [S][classes] against [S], got ${p.length} values against ${t.length}`,
        );
      }
      if (!pShape) return [[t.length, classes], [t.length]];
      const rows = tShape ?? (pShape.length > 1 ? [pShape[0], ...pShape.slice(2)] : []);
      expectProduct(rows, t.length, `${what} target`);
      return [pShape, rows];
    }
    if (pShape || tShape) return [pShape ?? [p.length], tShape ?? [t.length]];
    if (p.length !== t.length) {
      throw new ShapeError(
        `${what}: expected as many values in both, got ${p.length} in the prediction and ` +
          `${t.length} in the target; to broadcast, pass { prediction: […], target: […] }`,
      );
    }
    return [[p.length], [t.length]];
  }

  /** @param {number[]} p @param {number[]} t @param {string} what */
  #misfit(p, t, what) {
    return new ShapeError(
      `${what}: a prediction of shape ${shapeText(p)} and a target of shape ${shapeText(t)} do not ` +
        `fit${this.#classes ? ' (classes on the second axis; weight: one a class)' : ''}`,
    );
  }

  /** @internal @param {Loss} loss @param {unknown} target @param {string} name */
  static expectTarget(loss, target, name) {
    return loss.#classes ? expectInts(target, name) : expectFloats(target, name);
  }

  /** @internal @param {Loss} loss */
  static takesClasses(loss) {
    return loss.#classes;
  }

  /** @internal @param {string} what @param {number} place @param {ArrayLike<number>} target */
  static badTarget(what, place, target) {
    return new ArgumentError(
      `${what} target[${place}]: expected a class from 0 on that the prediction has, or ignoreIndex, ` +
        `got ${target[place]}`,
    );
  }
}

/** @param {unknown} shape @param {string} name */
function expectOptional(shape, name) {
  return shape === undefined || shape === null ? undefined : expectShape(shape, name);
}

/** @param {number[] | undefined} shape @param {number} length @param {string} what */
function expectProduct(shape, length, what) {
  if (!shape || product(shape) === length) return;
  throw new ShapeError(`${what}: expected ${shapeText(shape)}, got ${length} values`);
}

/** @param {unknown} weight @param {string} name @returns {Float32Array | undefined} */
function expectWeight(weight, name) {
  if (weight === undefined || weight === null) return undefined;
  const data = expectFloats(weight, name);
  if (data.length === 0) throw new ShapeError(`${name}: expected values, got none`);
  return data;
}

/** @param {unknown} index @param {string} name */
function expectIndex(index, name) {
  if (typeof index === 'number' && Number.isInteger(index) && index === (index | 0)) return index;
  throw new ArgumentError(`${name}: expected a 32-bit whole number, got ${describe(index)}`);
}

/** (p − t)². As torch.nn.MSELoss. */
export class MSELoss extends Loss {
  /** @param {{ reduction?: Reduction }} [options] */
  constructor(options = {}) {
    super('MSELoss', options, []);
  }
}

/** |p − t|. As torch.nn.L1Loss. */
export class L1Loss extends Loss {
  /** @param {{ reduction?: Reduction }} [options] */
  constructor(options = {}) {
    super('L1Loss', options, []);
  }
}

/** ½ d² / beta below beta, |d| − ½ beta above. As torch.nn.SmoothL1Loss. */
export class SmoothL1Loss extends Loss {
  /** @param {{ beta?: number, reduction?: Reduction }} [options]  beta: default 1, 0 is L1 */
  constructor(options = {}) {
    const parameter = expectNumber(options?.beta ?? 1, 'SmoothL1Loss beta', 0);
    super('SmoothL1Loss', options, ['beta'], { parameter });
  }
}

/** ½ d² below delta, delta (|d| − ½ delta) above. As torch.nn.HuberLoss. */
export class HuberLoss extends Loss {
  /** @param {{ delta?: number, reduction?: Reduction }} [options]  delta: default 1 */
  constructor(options = {}) {
    const parameter = expectNumber(options?.delta ?? 1, 'HuberLoss delta', Number.MIN_VALUE);
    super('HuberLoss', options, ['delta'], { parameter });
  }
}

/** −log softmax(p)[target]. As torch.nn.CrossEntropyLoss. */
export class CrossEntropyLoss extends Loss {
  /**
   * @param {{ weight?: Float32Array, ignoreIndex?: number, labelSmoothing?: number,
   *   reduction?: Reduction }} [options]
   *   weight [classes]; ignoreIndex (default −100) counts for nothing; labelSmoothing 0 to 1
   */
  constructor(options = {}) {
    super('CrossEntropyLoss', options, ['weight', 'ignoreIndex', 'labelSmoothing'], {
      parameter: expectNumber(
        options?.labelSmoothing ?? 0,
        'CrossEntropyLoss labelSmoothing',
        0,
        1,
      ),
      ignoreIndex: expectIndex(
        options?.ignoreIndex ?? IGNORE_INDEX,
        'CrossEntropyLoss ignoreIndex',
      ),
      weight: expectWeight(options?.weight, 'CrossEntropyLoss weight'),
    });
  }
}

/** −p[target], p log-probabilities. As torch.nn.NLLLoss. */
export class NLLLoss extends Loss {
  /** @param {{ weight?: Float32Array, ignoreIndex?: number, reduction?: Reduction }} [options] */
  constructor(options = {}) {
    super('NLLLoss', options, ['weight', 'ignoreIndex'], {
      ignoreIndex: expectIndex(options?.ignoreIndex ?? IGNORE_INDEX, 'NLLLoss ignoreIndex'),
      weight: expectWeight(options?.weight, 'NLLLoss weight'),
    });
  }
}

/** Binary cross-entropy of sigmoid(p). As torch.nn.BCEWithLogitsLoss. */
export class BCEWithLogitsLoss extends Loss {
  /** @param {{ posWeight?: Float32Array, reduction?: Reduction }} [options]  posWeight: one, or one for each value of the last axis */
  constructor(options = {}) {
    super('BCEWithLogitsLoss', options, ['posWeight'], {
      weight: expectWeight(options?.posWeight, 'BCEWithLogitsLoss posWeight'),
    });
  }
}
