// The limits of limits.c as something to measure: what the workloads are compared with.

import { measured, prepare, slice, summary } from './timing.js';

/** @typedef {import('./timing.js').Settings} Settings */
/** @typedef {import('./timing.js').Measured} Measured */
/** @typedef {{ gflops: number, bandwidth: { megabytes: number, gigabytes: number }[] }} Limits  a second */

const MB = 2 ** 20;
const PAGE = 2 ** 16;
const SIZES = [3, 12, 48]; // megabytes to read: what fits the caches of a core, of a machine, no cache
const ROUNDS = 100_000; // about a millisecond
const CHAINS = 12 * 4; // products, and sums, in a round
const TILE_ROUNDS = 256; // from 8 KB, in the first cache
const TILE = 2 * 4 * 4;

/**
 * @param {BufferSource | null} wasm  null: there is nothing to measure with
 * @param {Settings} settings
 * @returns {Promise<{ tasks: Measured[], result: () => Limits | null }>}
 */
export async function limits(wasm, settings) {
  if (!wasm) return { tasks: [], result: () => null };
  const { instance } = await WebAssembly.instantiate(/** @type {BufferSource} */ (wasm), {
    env: { emscripten_notify_memory_growth() {} },
  });
  const { memory, limits_chains, limits_tile, limits_read, _initialize } =
    /** @type {Record<string, any>} */ (instance.exports);
  _initialize?.();
  const at = memory.buffer.byteLength;
  memory.grow((SIZES.at(-1) * MB) / PAGE);
  new Float32Array(memory.buffer, at).fill(1);

  const tiles = () => {
    let sum = 0;
    for (let i = 0; i < ROUNDS / TILE_ROUNDS; i++) sum += limits_tile(TILE_ROUNDS, at);
    return sum;
  };
  const of = async (/** @type {() => number} */ run) => {
    const { prepared, check } = await prepare(run, { ...settings, calls: 1 });
    if (!(check.loss0 > 0)) throw new Error('limits: a loop came to nothing');
    return measured((ms) => slice(prepared, ms));
  };
  const chains = await of(() => limits_chains(ROUNDS, 0.999, 0.001));
  const tile = await of(tiles);
  const reads = [];
  for (const size of SIZES) reads.push(await of(() => limits_read((size * MB) / 4, at)));

  return {
    tasks: [chains, tile, ...reads],
    result() {
      const seconds = (/** @type {Measured} */ task) => summary(task.times).median / 1000;
      const flops = [(2 * ROUNDS * CHAINS) / seconds(chains)];
      flops.push((2 * Math.ceil(ROUNDS / TILE_ROUNDS) * TILE_ROUNDS * TILE) / seconds(tile));
      return {
        gflops: Math.max(...flops) / 1e9,
        bandwidth: SIZES.map((megabytes, i) => ({
          megabytes,
          gigabytes: (megabytes * MB) / seconds(reads[i]) / 1e9,
        })),
      };
    },
  };
}

/**
 * The bandwidth that a call can hope for whose weights, gradients and moments are so large.
 * @param {Limits} found
 * @param {number} bytes
 */
export function bandwidthFor({ bandwidth }, bytes) {
  const fits = bandwidth.find(({ megabytes }) => bytes <= megabytes * MB);
  return (fits ?? bandwidth.at(-1)).gigabytes;
}
