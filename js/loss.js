// Losses: value and gradient. Formulas and corner cases are PyTorch's:
// https://pytorch.org/docs/stable/nn.html#loss-functions

import {
  ABOVE_ZERO,
  abstract,
  begin,
  expectFloats,
  expectInts,
  expectLength,
  expectNumber,
  expectOptions,
  expectShape,
  expectWhole,
  expectWord,
  misfit,
  sameShape,
  settle,
  shapeText,
  wrong,
} from './check.js';
import {
  attempt,
  call,
  copyFloats,
  double,
  failure,
  Resource,
  stage,
  word,
  writeAt,
} from './core.js';
import { expectPending, stageInts, take } from './pass.js';
import * as STATUS from './status.js';

/**
 * What becomes of the single losses: their mean, their sum, or all of them.
 * @typedef {'mean' | 'sum' | 'none'} Reduction
 */
/**
 * The shapes of two flat arrays, where they are more than a row of numbers.
 * @typedef {{ prediction?: readonly number[], target?: readonly number[] }} LossShapes
 */

/** @typedef {import('./check.js').Option} Option */

/** @type {readonly Reduction[]} */
const REDUCTIONS = ['mean', 'sum', 'none'];

/** @type {Option} */
const WEIGHT = [null, expectValues];
/** @type {Option} */
const INDEX = [-100, expectWhole];

/** @type {Record<string, Option>} */
const COMMON = { reduction: ['mean', expectWord, REDUCTIONS] };
/** What each kind is told besides the reduction, the kinds in the order of src/unrolled.h. @type {Record<string, Record<string, Option>>} */
const KINDS = {
  MSELoss: {},
  L1Loss: {},
  SmoothL1Loss: { beta: [1, expectNumber, 0] },
  HuberLoss: { delta: [1, expectNumber, ABOVE_ZERO] },
  BCEWithLogitsLoss: { posWeight: WEIGHT },
  CrossEntropyLoss: {
    weight: WEIGHT,
    ignoreIndex: INDEX,
    labelSmoothing: [0, expectNumber, 0, 1],
  },
  NLLLoss: { weight: WEIGHT, ignoreIndex: INDEX },
};

/** Shape pairs that were warned about: once each is enough. */
const warned = new Set();

/** What all losses are: a value, and its gradient with respect to the prediction. */
export class Loss extends Resource {
  #classes;
  #length = 0; // of the last prediction

  /**
   * @hidden
   * @param {string} kind
   * @param {object} options
   */
  constructor(kind, options) {
    if (new.target === Loss) throw abstract('Loss', 'MSELoss');
    const settings = settle(kind, options, { ...COMMON, ...KINDS[kind] }, null);
    const { reduction, beta, delta, labelSmoothing, ignoreIndex, weight, posWeight } = settings;
    const parameter = beta ?? delta ?? labelSmoothing ?? 0; // no kind has two of them
    const weights = weight ?? posWeight ?? new Float32Array(0);
    const at = stage(weights.byteLength);
    writeAt(at, weights);
    const number = Object.keys(KINDS).indexOf(kind);
    const how = REDUCTIONS.indexOf(reduction);
    super(kind, call('loss_create', number, how, parameter, ignoreIndex ?? 0, weights.length, at));
    this.#classes = ignoreIndex !== undefined;
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
    const { handle, what } = begin(this, 'forward');
    const p = expectValues(prediction, `${what} prediction`);
    const t = Loss.expectTarget(this, target, `${what} target`);
    const [pShape, tShape] = this.#shapes(p, t, shapes, what);

    const at = stageInts([...pShape, ...tShape]);
    const tAt = at + 4 * pShape.length;
    const status = attempt('loss_reserve', handle, pShape.length, at, tShape.length, tAt);
    if (status < 0) {
      throw failure(status, what, { [STATUS.SHAPE]: this.#misfit(pShape, tShape, what) });
    }
    this.#length = p.length;
    writeAt(word(0), p);
    writeAt(word(1), t);
    const done = attempt('loss_forward', handle);
    if (done < 0) throw failure(done, what, { [STATUS.TARGET]: badTarget(what, t) });
    const value = this.reduction === 'none' ? take(3, 5) : double(0);
    Loss.warnBroadcast(this, pShape, tShape); // last: console.warn may be anyone's
    return value;
  }

  /**
   * d loss / d prediction of the last forward.
   * @param {Float32Array} [gradOutput]  with reduction 'none': what to multiply with (default ones)
   * @returns {Float32Array}  as the prediction
   */
  backward(gradOutput) {
    const { handle, what } = begin(this, 'backward');
    expectPending(handle, what, 'loss_pending');
    if (gradOutput !== undefined) {
      const name = `${what} gradOutput`;
      if (this.reduction !== 'none')
        throw wrong(name, "none but with reduction 'none'", gradOutput);
      writeAt(word(4), expectLength(gradOutput, word(5), name));
    }
    call('loss_backward', handle, gradOutput ? 1 : 0);
    return copyFloats(word(2), this.#length);
  }

  /**
   * The shapes as the core takes them.
   * @param {Float32Array} p
   * @param {Float32Array | Int32Array} t
   * @param {LossShapes} shapes
   * @param {string} what
   * @returns {[readonly number[], readonly number[]]}
   */
  #shapes(p, t, shapes, what) {
    expectOptions(shapes, ['prediction', 'target'], what);
    const pShape = shapeOf(p, shapes.prediction, `${what} prediction`);
    const tShape = shapeOf(t, shapes.target, `${what} target`);
    const classes = this.#classes;
    if (!pShape && (classes ? p.length % t.length !== 0 : !tShape && p.length !== t.length)) {
      throw this.#misfit([p.length], [t.length], what);
    }
    const sizes = pShape ?? (classes ? [t.length, p.length / t.length] : [p.length]);
    if (!classes || (pShape && tShape)) return [sizes, tShape ?? [t.length]];
    const rows = sizes.length > 1 ? sizes.filter((_, axis) => axis !== 1) : [];
    return [sizes, expectShape(rows, `${what} target`, t.length)];
  }

  /** A target as the loss takes it. @internal @param {Loss} loss @param {unknown} target @param {string} name */
  static expectTarget(loss, target, name) {
    return loss.#classes ? expectInts(target, name) : expectFloats(target, name);
  }

  /**
   * PyTorch's warning about a target whose size differs from the prediction's.
   * @internal
   * @param {Loss} loss
   * @param {readonly number[]} prediction
   * @param {readonly number[]} target
   */
  static warnBroadcast(loss, prediction, target) {
    if (loss.#classes || sameShape(prediction, target)) return;
    const pair = `${prediction} ${target}`;
    if (warned.has(pair)) return;
    warned.add(pair);
    const shapes = `${shapeText(prediction)} and ${shapeText(target)}`;
    console.warn(
      `unrolled: ${Resource.kindOf(loss)} broadcasts ${shapes}, which is rarely meant: give both one shape`,
    );
  }

  /** @param {readonly number[]} p @param {readonly number[]} t @param {string} what */
  #misfit(p, t, what) {
    const expected = this.#classes
      ? '[N][C] against [N] or [N][C][T] against [N][T], a weight for each class'
      : 'as many values in both or { prediction, target } shapes that broadcast, and weights that fit';
    return misfit(what, expected, `${shapeText(p)} against ${shapeText(t)}`);
  }
}

/**
 * The error for the class that the core has just refused.
 * @param {string} what
 * @param {ArrayLike<number>} target
 */
export function badTarget(what, target) {
  const place = word(0);
  return wrong(
    `${what} target[${place}]`,
    'a class of the prediction, or ignoreIndex',
    target[place],
  );
}

/**
 * A shape that may be left out, checked against its array.
 * @param {ArrayLike<number>} data
 * @param {readonly number[] | null | undefined} shape
 * @param {string} name
 */
function shapeOf(data, shape, name) {
  return shape === undefined || shape === null ? null : expectShape(shape, name, data.length);
}

/** Floats, one at least. @param {unknown} values @param {string} name */
function expectValues(values, name) {
  const data = expectFloats(values, name);
  if (data.length > 0) return data;
  throw misfit(name, 'values', 'none');
}

/** (p − t)². As torch.nn.MSELoss. */
export class MSELoss extends Loss {
  /** @param {{ reduction?: Reduction }} [options] */
  constructor(options = {}) {
    super('MSELoss', options);
  }
}

/** |p − t|. As torch.nn.L1Loss. */
export class L1Loss extends Loss {
  /** @param {{ reduction?: Reduction }} [options] */
  constructor(options = {}) {
    super('L1Loss', options);
  }
}

/** ½ d² / beta below beta, |d| − ½ beta above. As torch.nn.SmoothL1Loss. */
export class SmoothL1Loss extends Loss {
  /** @param {{ beta?: number, reduction?: Reduction }} [options]  beta: default 1, 0 is L1 */
  constructor(options = {}) {
    super('SmoothL1Loss', options);
  }
}

/** ½ d² below delta, delta (|d| − ½ delta) above. As torch.nn.HuberLoss. */
export class HuberLoss extends Loss {
  /** @param {{ delta?: number, reduction?: Reduction }} [options]  delta: default 1 */
  constructor(options = {}) {
    super('HuberLoss', options);
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
    super('CrossEntropyLoss', options);
  }
}

/** −p[target], p log-probabilities. As torch.nn.NLLLoss. */
export class NLLLoss extends Loss {
  /** @param {{ weight?: Float32Array, ignoreIndex?: number, reduction?: Reduction }} [options] */
  constructor(options = {}) {
    super('NLLLoss', options);
  }
}

/** Binary cross-entropy of sigmoid(p). As torch.nn.BCEWithLogitsLoss. */
export class BCEWithLogitsLoss extends Loss {
  /** @param {{ posWeight?: Float32Array, reduction?: Reduction }} [options]  posWeight: one, or one for each value of the last axis */
  constructor(options = {}) {
    super('BCEWithLogitsLoss', options);
  }
}
