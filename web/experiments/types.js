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
 * @property {{ expected: string[], computed: string[] }} [all]  the numbers, when they are many
 */

/** @typedef {{ title: string, columns: string[], rows: (string | number)[][] }} Table */

/**
 * Curves over one axis.
 * @typedef {object} Series
 * @property {string} title
 * @property {string} [xLabel]
 * @property {number[]} x
 * @property {{ label: string, values: number[] }[]} lines  each as long as x
 * @property {boolean} [log]              the vertical axis
 */

/**
 * A matrix to be looked at.
 * @typedef {object} Matrix
 * @property {string} title
 * @property {[number, number]} shape     rows, columns
 * @property {number[]} data              row-major
 * @property {string} [rowLabel]          what a row is
 * @property {string} [columnLabel]       what a column is
 * @property {number} [most]              the end of the colour scale; the largest value when left out
 * @property {'rows' | 'columns'} [time]  which of the two are the steps
 */

/**
 * What a network reads, for the visitor to change.
 * @typedef {object} Reading
 * @property {string} label
 * @property {string} step                what one step is called
 * @property {string[]} features          what the values of a step are called
 * @property {number[][]} values          [T][features]
 * @property {[number, number]} range     that values are likely in
 * @property {[number, number]} [length]  fewest and most steps, when T may change
 * @property {{ label: string, values: number[][] }[]} [presets]  inputs worth a look
 */

/**
 * A vector of the computation, at every step. `product`: it is weights times another vector, of the
 * same step or of the one before.
 * @typedef {object} Term
 * @property {string} symbol              as in W_{xh} x_t
 * @property {string} name                the same in words
 * @property {number[][]} values          [T][n]; of what does not change, [1][n]
 * @property {{ weights: Float32Array, of: string, before?: boolean }} [product]  [n][m] times a term
 */

/**
 * A computation unrolled over time. A line is an equation of terms and signs in their order: what is
 * no term's key is a sign.
 * @typedef {object} Unrolling
 * @property {string} title
 * @property {Record<string, Term>} terms
 * @property {string[][]} lines
 */

/**
 * How far a gradient reaches: one network of several.
 * @typedef {object} Reach
 * @property {string} label
 * @property {{ label: string, values: number[] }[]} norms  ‖∂y_T/∂h_t‖ over t, and of the LSTM's cell
 * @property {number[][]} reaches         [T][T]: ∂y_k/∂x_t, zero for t > k
 */

/**
 * Predictions against targets, each with each.
 * @typedef {object} Square
 * @property {number[]} predictions
 * @property {number[]} targets
 * @property {number[]} squares           row-major, a row for each prediction
 * @property {number} all                 their mean, as the loss says it
 * @property {number} own                 the mean of the diagonal, as the loss of equal shapes says it
 * @property {{ all: number[], own: number[] }} pulls  minus the gradient of each prediction
 * @property {'all' | 'own'} [counts]     which of the two is trained with
 */

/**
 * A network at work on one input. Plain data, made anew for every input.
 * @typedef {object} Look
 * @property {Reading} input
 * @property {{ label: string, value: string }[]} answers
 * @property {Unrolling} [unrolling]
 * @property {Matrix[]} [matrices]
 * @property {Series[]} [series]
 * @property {Reach[]} [reach]
 * @property {Square} [square]
 */

/**
 * @typedef {object} Outcome
 * @property {Row[]} rows
 * @property {Table[]} [tables]
 * @property {Series[]} [series]
 * @property {Matrix[]} [matrices]
 */

/**
 * One control. A `live` one of a training changes the run that is under way; any other begins it anew.
 * @typedef {object} Param
 * @property {string} name
 * @property {string} label
 * @property {'int' | 'number' | 'choice'} type
 * @property {number | string} default
 * @property {number} [min]
 * @property {number} [max]
 * @property {{ value: string, label: string }[]} [choices]
 * @property {boolean} [live]
 */

/**
 * A live parameter that takes another value when so many steps are done. A training's values hold the
 * list of them as `changes`, so that a run which was steered is repeated exactly.
 * @typedef {{ step: number, name: string, value: number | string }} Change
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
 * @property {string[]} [equations]       in TeX
 */

/**
 * @typedef {object} Checkable
 * @property {'check'} kind
 * @property {(unrolled: Unrolled, values?: Values) => Outcome} run
 * @property {(unrolled: Unrolled, values?: Values, input?: number[][]) => Look} [look]
 *   inside, on this input or on the notebook's own
 *
 * @typedef {Description & Checkable} Check
 */

/**
 * What makes a training of it, and what a table of the notebooks runs: a short part, or all of it.
 * @typedef {object} Trainable
 * @property {'training'} kind
 * @property {(unrolled: Unrolled, values?: Values) => Session} create
 * @property {(values?: Values) => Code} code  the same training elsewhere
 * @property {{ milliseconds: number, when: (values: Values) => boolean }} pace  what the notebook
 *   took for a step, and for which values that is a comparison
 * @property {{ label: string, values: Values, steps: number }[]} short
 * @property {{ label: string, values: Values }[]} full
 *
 * @typedef {Description & Trainable} Training
 */

/** @typedef {Check | Training} Experiment */

/**
 * Whole programs that train the same model on the same data from the same seed: each prints the mean
 * loss of an epoch with nine digits.
 * @typedef {{ python: string, javascript: string }} Code
 */

/** @typedef {{ epoch: number[], loss: number[] }} Curve */
/** @typedef {import('unrolled').Progress} Item  one step */
/** @typedef {{ input: string, output: number, expected: number, printed: string }} Probe */

/**
 * The batch of the newest step, and what the model answers to it after that step. Under a `broadcast`
 * loss every answer is compared with every target, as [N, 1] against [N].
 * @typedef {object} LastBatch
 * @property {number[][]} inputs       N sequences
 * @property {number[]} targets        N
 * @property {number[]} predictions    N
 * @property {boolean} broadcast
 */

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
 * @property {(input?: number[][]) => Look} look  inside the model as it is now
 * @property {(sequence: number[]) => number} predict  what it answers to any sequence; may be asked
 *   between any two steps, and changes nothing
 * @property {() => LastBatch | null} batch  null before the first step
 * @property {() => Row[]} rows           what can be compared so far
 * @property {(name: string, value: number | string) => Change[]} change  a live parameter, from the
 *   next step on that has not begun; returns all changes of this run
 * @property {import('unrolled').Module} model
 * @property {() => number} done          steps
 * @property {() => Uint8Array} save      all that the run needs to go on with the same bits
 * @property {(bytes: Uint8Array) => void} restore  goes on where save() was called, in a session of
 *   the same values
 * @property {() => void} dispose
 */

/**
 * A picture or a control beside a training (views.js). `start` is a new run, or other weights; `update` comes at most
 * thirty times a second while it trains; `update.batch` is the newest LastBatch.
 * @typedef {object} View
 * @property {HTMLElement} node
 * @property {() => void} [start]
 * @property {(update: import('../frames.js').Update) => void} [update]
 */

export {};
