// The same weights and inputs for everyone, so that results can be compared: a hash of the place.

import { GATES } from './workloads.js';

/** @import { Workload } from './workloads.js' */

/**
 * @param {number} n
 * @param {number} seed
 * @param {number} scale
 * @returns {Float32Array}  values in [−scale, scale)
 */
export function fill(n, seed, scale) {
  return Float32Array.from({ length: n }, (_, i) => {
    let hash = (i + seed * 1000003) >>> 0;
    for (let round = 0; round < 2; round++) hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b) >>> 0;
    hash = (hash ^ (hash >>> 16)) >>> 0;
    return ((hash / 2 ** 32) * 2 - 1) * scale;
  });
}

/**
 * The weights of a recurrent layer as PyTorch lays them out; its second bias is 0.
 * @param {Workload} w
 * @param {number} layer
 */
export function layerWeights({ kind, I, H }, layer) {
  const scale = 1 / Math.sqrt(H);
  const GH = GATES[kind] * H;
  const inputs = layer ? H : I;
  return {
    GH,
    inputs,
    ih: fill(GH * inputs, 10 * layer + 1, scale), // [G·H][inputs]
    hh: fill(GH * H, 10 * layer + 2, scale), // [G·H][H]
    bias: fill(GH, 10 * layer + 3, scale),
  };
}

/** The Linear behind: weight [K][H], bias [K]. @param {Workload} w */
export function headWeights({ H, K }) {
  const scale = 1 / Math.sqrt(H);
  return { weight: fill(K * H, 91, scale), bias: fill(K, 92, scale) };
}

/** [N][T][I] @param {Workload} w */
export function inputs({ mode, classes, N, T, I }) {
  if (mode !== 'train' || classes) return fill(N * T * I, 1000, 1);
  return Float32Array.from({ length: N * T }, (_, i) => 1 + Math.floor(i / T) + (i % T));
}

/** A class for each sequence, or the sum of its numbers. @param {Workload} w */
export function targets({ classes, N, T }) {
  if (classes) return Int32Array.from({ length: N }, (_, n) => n % 10);
  return Float32Array.from({ length: N }, (_, n) => T * (1 + n) + (T * (T - 1)) / 2);
}
