// The data of notebook 003: counting numbers, and what a network is to make of them.

/**
 * 1, 2, 3, … cut into rows; the target of a row is its sum.
 * @param {number} samples
 * @param {number} length  of a row
 * @returns {{ inputs: Float32Array, targets: Float32Array }}  [samples][length][1], [samples]
 */
export function sums(samples, length) {
  const inputs = Float32Array.from({ length: samples * length }, (_, k) => k + 1);
  const targets = Float32Array.from({ length: samples }, (_, row) =>
    inputs.subarray(row * length, (row + 1) * length).reduce((sum, value) => sum + value, 0),
  );
  return { inputs, targets };
}

/**
 * A window that slides over 0, 1, 2, …; the target is the number that follows it.
 * @param {number} length  of the window
 * @param {number} end     the numbers stop before it
 * @returns {{ inputs: Float32Array, targets: Float32Array, samples: number }}
 */
export function windows(length, end) {
  const samples = end - length;
  return {
    inputs: Float32Array.from(
      { length: samples * length },
      (_, k) => Math.floor(k / length) + (k % length),
    ),
    targets: Float32Array.from({ length: samples }, (_, row) => row + length),
    samples,
  };
}
