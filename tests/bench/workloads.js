// The workloads: what one call computes, and the arithmetic and memory that it cannot do without.

/** @import { Check } from './timing.js' */
/**
 * @typedef {object} Workload
 * @property {string} id
 * @property {'train' | 'forward' | 'stream'} mode
 *   one call: a training step, a forward over all steps, one step with a carried state
 * @property {'RNN' | 'LSTM' | 'GRU'} kind
 * @property {number} I
 * @property {number} H
 * @property {number} L  layers
 * @property {number} K  outputs of the Linear behind them; 0: none
 * @property {boolean} last  the Linear reads the last step only
 * @property {boolean} classes  cross-entropy of classes n mod 10, else MSE of sums
 * @property {number} N
 * @property {number} T
 */

/** A training as W5: LSTM(64, H) → last step → Linear(H, 10). @returns {Workload} */
function medium(id, kind, H, T) {
  return { id, mode: 'train', kind, I: 64, H, L: 1, K: 10, last: true, classes: true, N: 32, T };
}

/** As notebook 003: the sums of three numbers. @returns {Workload} */
function sums(id, kind, H, L) {
  return { id, mode: 'train', kind, I: 1, H, L, K: 1, last: true, classes: false, N: 4, T: 3 };
}

/** Without a training. @returns {Workload} */
function inference(id, mode, kind, { I, H, L = 1, K = 0, N = 1, T = 1 }) {
  return { id, mode, kind, I, H, L, K, last: false, classes: false, N, T };
}

const HIDDEN = [32, 64, 128, 256, 512];
const STEPS = [25, 50, 100, 200];

/** @param {number} H @param {number} T */
const grown = (H, T) => medium(`W8 H=${H} T=${T}`, 'LSTM', H, T);

/** W8: how time grows with H and with T. */
export const growth = [
  ...HIDDEN.map((H) => grown(H, 50)),
  ...STEPS.filter((T) => T !== 50).map((T) => grown(128, T)),
];

/** W8 for a smoke test. */
export const quickGrowth = [grown(32, 25), grown(32, 50), grown(64, 25)];

export const workloads = [
  sums('W1', 'LSTM', 256, 2),
  sums('W2', 'RNN', 300, 1),
  inference('W3', 'forward', 'RNN', { I: 3, H: 5, K: 2, T: 10 }),
  inference('W4', 'stream', 'LSTM', { I: 64, H: 128 }),
  medium('W5', 'LSTM', 128, 50),
  inference('W6', 'forward', 'LSTM', { I: 128, H: 256, L: 2, N: 16, T: 100 }),
  medium('W7', 'GRU', 128, 50),
];

/** @param {Workload} w */
export function describe(w) {
  const net = `${w.kind}(${w.I}→${w.H}${w.L > 1 ? `, ${w.L} layers` : ''})`;
  const head = w.K ? ` → ${w.last ? 'last step → ' : ''}Linear(${w.H}, ${w.K})` : '';
  const call = {
    train: `training step, ${w.classes ? 'cross-entropy' : 'MSE'}, Adam`,
    forward: 'forward',
    stream: 'one step, state carried',
  };
  return `${call[w.mode]}: ${net}${head}; batch ${w.N}, T = ${w.T}`;
}

// ---- Values ---------------------------------------------------------------------------------------

/**
 * What PyTorch computes from the values of fill.js: losses of the first and of the eleventh step, the
 * first of all outputs and their sum.
 * @type {Record<string, Check>}
 */
const EXPECTED = {
  W1: { loss0: 121.228745, loss10: 80.52684 },
  W2: { loss0: 122.545212, loss10: 24.1217 },
  W3: { sum: 2.4656005 },
  W4: { first: -0.0159299 },
  W5: { loss0: 2.308206, loss10: 2.101922 },
  W6: { sum: 383.5272 },
  W7: { loss0: 2.318038, loss10: 1.95185 },
};

/**
 * tfjs has one bias where PyTorch has two, so that its own learns half as fast; and its GRU applies the
 * reset gate before the product.
 * @type {Record<string, Check>}
 */
const OF_TFJS = {
  W1: { loss0: 121.228745, loss10: 84.2453 },
  W2: { loss0: 122.545212, loss10: 25.8725 },
  W5: { loss0: 2.308206 },
  W7: { loss0: 2.31875 },
};

/** How far sums in another order may lead apart: at once, and after ten steps. */
const CLOSE = 1e-5;
const CLOSE_LATER = 1e-3;

/**
 * @param {string} id
 * @param {string} kind  of a peer, or 'unrolled'
 * @param {Check} check
 * @returns {boolean | null}  null: there is nothing to compare
 */
export function agrees(id, kind, check) {
  const expected = { ...EXPECTED, ...(kind === 'tfjs' ? OF_TFJS : {}) }[id] ?? {};
  const keys = Object.keys(expected).filter((key) => check[key] !== undefined);
  if (keys.length === 0) return null;
  return keys.every((key) => {
    const close = key === 'loss10' ? CLOSE_LATER : CLOSE;
    return Math.abs(check[key] - expected[key]) <= close * Math.abs(expected[key]);
  });
}

// ---- Work -----------------------------------------------------------------------------------------

export const GATES = { RNN: 1, LSTM: 4, GRU: 3 };
/** What the backward reads of a unit's step: h; i f g o c tanh(c) h; r z n, n's recurrent part, h. */
const KEPT = { RNN: 1, LSTM: 7, GRU: 5 };
const BYTES = 4;
/** Adam reads the weight, the gradient and two moments, and writes all but the gradient. */
const ADAM = 7;
/** Of the memory that is needed, what may be used. */
const ALLOWED = 1.2;

/**
 * @param {Workload} w
 * @returns {{ parameters: number, flops: number, traffic: number, memory: number }}
 *   flops: of the matrix products, a training step counted as three forwards. traffic: bytes of weights,
 *   gradients and moments that a call moves at least when nothing stays in registers: recurrent
 *   weights once for each step that has one before it, in each direction, the others once a direction.
 *   memory: bytes allowed, parameters × (1 + gradient + moments) + activations, and a fifth more.
 */
export function work(w) {
  const { I, H, L, K, N, T } = w;
  const train = w.mode === 'train';
  const GH = GATES[w.kind] * H;
  const rows = N * (w.last ? 1 : T);

  const recurrent = L * GH * H;
  const between = (L - 1) * GH * H; // what carries one layer's output to the next
  const input = GH * I;
  const parameters = recurrent + between + input + 2 * L * GH + (K ? K * H + K : 0);
  const products = N * T * (recurrent + between + input) + rows * K * H;

  const walks = w.mode === 'stream' ? 1 : T - 1;
  const forward = parameters + (walks - 1) * recurrent;
  const backward = walks * recurrent + between + K * H + parameters; // … and the gradient
  const moved = forward + (train ? backward + ADAM * parameters : 0);

  const blocks = train ? 4 : 2; // weight, gradient, two moments
  const activations = N * T * (I + L * H * (train ? KEPT[w.kind] : 1)) + rows * K;
  return {
    parameters,
    flops: 2 * products * (train ? 3 : 1),
    traffic: BYTES * moved,
    memory: ALLOWED * BYTES * (blocks * parameters + activations),
  };
}
