// Matrix products over their sizes: a Linear's forward, and its backward with both its products, as a
// user calls them. One of M (rows), K (outputs), I (inputs) walks through all sizes, the others stay.

import { limits } from './limits.js';
import { digits, limitsText, percent, table, time } from './print.js';
import { alternate } from './timing.js';

/** @import { Limits } from './limits.js' */
/** @typedef {typeof import('unrolled')} Unrolled */
/** @typedef {{ M: number, K: number, I: number }} Sizes */
/** @typedef {Record<Product, number>} Cost  of the fastest call, in milliseconds */
/** @typedef {'forward' | 'backward'} Product */
/** @typedef {{ sizes: Sizes, product: Product, ratio: number }} Step  ratio: to its neighbours */

const OTHERS = [4, 32, 256];
const RANGES = [
  [1, 40],
  [60, 260],
];
const SMALL = 32; // sizes up to here may differ as they will
const CLIFF = 2.5;
const LARGE = [256, 512, 1024];
const LEAST = 3; // calls
const AGAIN = 5; // times as long, and in turn with its neighbours, before a size is called a cliff

/** Sizes that one axis goes through. @param {boolean} quick */
function walk(quick) {
  const ranges = quick ? [[33, 35]] : RANGES;
  return ranges.map(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
}

/** Values that are neither equal nor small. @param {number} n */
const values = (n) => Float32Array.from({ length: n }, (_, i) => 0.5 + (i % 7) / 8);

/** @param {Unrolled} unrolled @param {Sizes} sizes @param {number} ms @returns {Cost} */
function cost({ Linear }, { M, K, I }, ms) {
  const layer = new Linear(I, K);
  const [x, dy] = [values(M * I), values(M * K)];
  const best = { forward: Infinity, backward: Infinity };
  const start = performance.now();
  for (let calls = 0; calls < LEAST || performance.now() - start < ms; calls++) {
    const from = performance.now();
    layer.forward(x);
    const between = performance.now();
    layer.backward(dy);
    best.forward = Math.min(best.forward, between - from);
    best.backward = Math.min(best.backward, performance.now() - between);
  }
  layer.dispose();
  return best;
}

/** @param {Cost} a @param {Cost} b @returns {Cost} */
const better = (a, b) => ({
  forward: Math.min(a.forward, b.forward),
  backward: Math.min(a.backward, b.backward),
});

/**
 * How much more a multiply-add costs at the middle of three sizes than at the cheaper of its neighbours.
 * @param {[size: number, cost: Cost][]} three
 * @param {Product} product
 */
function ratioOf(three, product) {
  const each = three.map(([size, { [product]: ms }]) => ms / size);
  return each[1] / Math.min(each[0], each[2]);
}

/**
 * One series: the steps in it, and the largest of them.
 * @param {Unrolled} unrolled
 * @param {(size: number) => Sizes} at
 * @param {number[]} sizes  one after another
 * @param {number} ms
 */
function series(unrolled, at, sizes, ms) {
  const costs = sizes.map((size) => cost(unrolled, at(size), ms));
  /** @type {Step[]} */
  const steps = [];
  for (let i = 1; i + 1 < sizes.length; i++) {
    if (sizes[i] <= SMALL) continue;
    for (const product of /** @type {const} */ (['forward', 'backward'])) {
      const ratio = () =>
        ratioOf(
          [i - 1, i, i + 1].map((j) => [sizes[j], costs[j]]),
          product,
        );
      for (let n = 0; n < AGAIN && ratio() > CLIFF; n++) {
        for (const j of [i - 1, i, i + 1]) {
          costs[j] = better(costs[j], cost(unrolled, at(sizes[j]), ms));
        }
      }
      steps.push({ sizes: at(sizes[i]), product, ratio: ratio() });
    }
  }
  return steps.sort((a, b) => b.ratio - a.ratio);
}

/**
 * @param {Unrolled} unrolled
 * @param {BufferSource | null} wasm  of the limits
 * @param {{ seconds: number, quick: boolean }} options  seconds: a thousandth of it for each size
 * @param {(text: string) => void} progress
 */
export async function sweep(unrolled, wasm, { seconds, quick }, progress) {
  await unrolled.init();
  const bounds = await limits(wasm, { calls: 1, warm: quick ? 1 : 300, grain: 1, all: true });
  const others = quick ? [4] : OTHERS;
  const ranges = walk(quick);
  /** @type {{ axis: string, others: string, worst: Step }[]} */
  const worst = [];
  /** @type {Step[]} */
  const cliffs = [];
  for (const axis of ['M', 'K', 'I']) {
    const [one, two] = ['M', 'K', 'I'].filter((name) => name !== axis);
    for (const a of others) {
      for (const b of others) {
        progress(`${axis} with ${one} = ${a}, ${two} = ${b}`);
        const at = (/** @type {number} */ size) =>
          /** @type {Sizes} */ (/** @type {any} */ ({ [axis]: size, [one]: a, [two]: b }));
        const steps = ranges
          .flatMap((sizes) => series(unrolled, at, sizes, seconds))
          .sort((x, y) => y.ratio - x.ratio);
        worst.push({ axis, others: `${one} = ${a}, ${two} = ${b}`, worst: steps[0] });
        cliffs.push(...steps.filter(({ ratio }) => ratio > CLIFF));
      }
    }
  }
  const large = (quick ? [64] : LARGE).map((size) => {
    progress(`all of size ${size}`);
    return { size, ...cost(unrolled, { M: size, K: size, I: size }, 200 * seconds) };
  });
  await alternate(bounds.tasks, { seconds: 0.1 * seconds, passes: 2 });
  progress('');
  const found = bounds.result();
  return { limits: found, worst, cliffs, large: large.map((one) => speeds(one, found)) };
}

/** @param {{ size: number } & Cost} cost @param {Limits | null} found */
function speeds({ size, forward, backward }, found) {
  const flops = 2 * size ** 3;
  const of = (/** @type {number} */ count, /** @type {number} */ ms) => {
    const gflops = count / ms / 1e6;
    return { ms, gflops, ofPeak: found && gflops / found.gflops };
  };
  return { size, forward: of(flops, forward), backward: of(2 * flops, backward) };
}

/** @param {Awaited<ReturnType<typeof sweep>>} result */
export function sweepText({ limits: found, worst, cliffs, large }) {
  const sizesText = (/** @type {Sizes} */ { M, K, I }) => `M = ${M}, K = ${K}, I = ${I}`;
  const steps = worst.map((one) => [
    one.axis,
    one.others,
    one.worst.product,
    String(one.worst.sizes[/** @type {'M' | 'K' | 'I'} */ (one.axis)]),
    `${digits(one.worst.ratio)} ×`,
  ]);
  const speed = (
    /** @type {{ ms: number, gflops: number, ofPeak: number }} */ { ms, gflops, ofPeak },
  ) => [time(ms), digits(gflops), percent(ofPeak)];
  return [
    limitsText(found),
    table(
      'large|forward|GFLOP/s|of peak|backward|GFLOP/s|of peak',
      large.map(({ size, forward, backward }) => [
        `${size}³`,
        ...speed(forward),
        ...speed(backward),
      ]),
    ),
    table('axis|others|worst step above 32|at|over its neighbours', steps, 3),
    cliffs.length
      ? [
          'cliffs:',
          ...cliffs.map((c) => `  ${c.product} ${sizesText(c.sizes)}: ${digits(c.ratio)} ×`),
        ].join('\n')
      : `no size above ${SMALL} is more than ${CLIFF} times slower a multiply-add than its neighbours`,
  ].join('\n\n');
}
