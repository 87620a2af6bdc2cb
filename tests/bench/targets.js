// What is asked for: how many times longer each peer takes, on one thread, medians, quiet machine.

/** @type {Record<string, Partial<Record<string, number>>>} */
const RATIOS = {
  W1: { torch: 2.2, tfjs: 15 },
  W2: { torch: 4, tfjs: 15 },
  W3: { torch: 100, tfjs: 200, onnx: 30 },
  W4: { torch: 7, tfjs: 8, onnx: 3.5 },
  W5: { torch: 0.75, tfjs: 15 },
  W6: { torch: 0.6, tfjs: 3.5, onnx: 1.3 },
  W7: { torch: 0.7, tfjs: 12 },
};
/** What would be better still, of PyTorch. */
const AIMS = { W5: 0.9, W6: 0.7, W7: 0.85 };
/** Where PyTorch computes with vectors as wide as the machine's. */
const WIDE = Object.keys(AIMS);

/** The PyTorch that the targets stand on. */
const TORCH = /^PyTorch 1\.13\./;

/**
 * @param {string} id
 * @param {{ kind: string, name: string }} peer
 * @param {boolean} avx512  PyTorch's vectors are four times as wide as ours then, not twice
 * @returns {{ least: number, aim?: number } | null}
 */
export function target(id, { kind, name }, avx512) {
  const least = RATIOS[id]?.[kind];
  if (least === undefined || (kind === 'torch' && !TORCH.test(name))) return null;
  if (kind !== 'torch' || !WIDE.includes(id)) return { least };
  const part = avx512 ? 0.5 : 1;
  return { least: part * least, aim: part * AIMS[id] };
}
