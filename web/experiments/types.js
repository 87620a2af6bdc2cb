// What an experiment is: data and functions, without a page and without Node. The library comes in
// as an argument, so the same file runs in the page's worker, in a terminal and in a test. All that
// an experiment hands out is plain data, fit to be posted from a worker. Types only: nothing runs.

/** @typedef {typeof import('unrolled')} Unrolled  the library's namespace, after init() */
/** @typedef {Record<string, any>} Values          a value for each parameter, by its name */

/**
 * One number, or a table of numbers, against the notebook.
 * @typedef {object} Row
 * @property {string} what
 * @property {string | null} printed      as the notebook prints it; null when it prints nothing
 * @property {string} [recorded]          PyTorch's or NumPy's answer for the same seed, recorded
 *                                        because the notebook prints none
 * @property {string} computed
 * @property {boolean | null} agrees      null: no agreement is possible, and `note` says why
 * @property {number | null} digits       how many significant digits agree; null where digits are
 *                                        not the question (shapes, truths, integers)
 * @property {string} note                the tolerance, or the reason why nothing can agree
 */

/** @typedef {{ title: string, columns: string[], rows: (string | number)[][] }} Table */

/**
 * Curves over one axis.
 * @typedef {object} Series
 * @property {string} title
 * @property {string} [xLabel]
 * @property {number[]} x
 * @property {{ label: string, values: number[] }[]} lines  each as long as x
 */

/**
 * A matrix to be looked at.
 * @typedef {object} Matrix
 * @property {string} title
 * @property {[number, number]} shape     rows, columns
 * @property {number[]} data              row-major
 * @property {string} [rowLabel]          what a row is
 * @property {string} [columnLabel]       what a column is
 */

/**
 * @typedef {object} Outcome
 * @property {Row[]} rows
 * @property {Table[]} [tables]
 * @property {Series[]} [series]
 * @property {Matrix[]} [matrices]
 */

/**
 * One control.
 * @typedef {object} Param
 * @property {string} name
 * @property {string} label
 * @property {'int' | 'choice'} type
 * @property {number | string} default
 * @property {number} [min]
 * @property {number} [max]
 * @property {{ value: string, label: string }[]} [choices]
 */

/**
 * What every experiment has. `id` begins with the notebook's number; `watch` tells the visitor what
 * to look at.
 * @typedef {object} Description
 * @property {string} id
 * @property {'000' | '001' | '002' | '003' | '004'} notebook
 * @property {string} title
 * @property {string} summary
 * @property {string} watch
 * @property {Param[]} params
 */

/**
 * @typedef {object} Checkable
 * @property {'check'} kind
 * @property {(unrolled: Unrolled, values?: Values) => Outcome} run
 *
 * @typedef {Description & Checkable} Check
 */

/**
 * What makes a training of it, and what a table of the notebooks runs: a short part, or all of it.
 * @typedef {object} Trainable
 * @property {'training'} kind
 * @property {(unrolled: Unrolled, values?: Values) => Session} create
 * @property {{ label: string, values: Values, steps: number }[]} short
 * @property {{ label: string, values: Values }[]} full
 *
 * @typedef {Description & Trainable} Training
 */

/** @typedef {Check | Training} Experiment */

/** @typedef {{ epoch: number[], loss: number[] }} Curve */
/** @typedef {import('unrolled').Progress} Item  one step */
/** @typedef {{ input: string, output: number, expected: number, printed: string }} Probe */

/**
 * A training under way: a model, its data, and how far it has come.
 * @typedef {object} Session
 * @property {number} totalSteps
 * @property {number} epochs
 * @property {number} stepsPerEpoch
 * @property {Curve} [printed]            the notebook's own curve
 * @property {Curve & { label: string }} [reference]  PyTorch's curve from the same seed
 * @property {{ value: number, label: string }} [floor]  what theory allows at best
 * @property {(options?: { signal?: AbortSignal }) => AsyncGenerator<Item, void, unknown>} fit
 *   one item a step, counted from 0 over the whole training. Ends with the last epoch; when
 *   `signal` aborts it throws the signal's reason. Called again, it goes on where it was.
 * @property {() => Probe[]} probe        what the model answers now
 * @property {() => Row[]} rows           what can be compared so far
 * @property {() => void} dispose
 */

export {};
