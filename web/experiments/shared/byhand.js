// The mathematics of the notebooks as plain loops in double precision: what the library is compared
// to. Matrices are row-major; H, I, T, K are as everywhere in the project.

/**
 * The Elman recurrence over one sequence:
 *
 *     h[t] = f(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh),  h[-1] = 0
 *
 * @param {ArrayLike<number>} x  [T][I]
 * @param {{ W_ih: ArrayLike<number>, W_hh: ArrayLike<number>, b_ih?: ArrayLike<number>,
 *   b_hh?: ArrayLike<number> }} weights  [H][I], [H][H], [H], [H]
 * @param {{ I: number, H: number, f?: (sum: number) => number }} sizes
 * @returns {Float64Array}  h, [T][H]
 */
export function elman(x, { W_ih, W_hh, b_ih, b_hh }, { I, H, f = Math.tanh }) {
  const T = x.length / I;
  const h = new Float64Array(T * H);
  for (let t = 0; t < T; t++) {
    for (let k = 0; k < H; k++) {
      let sum = (b_ih ? b_ih[k] : 0) + (b_hh ? b_hh[k] : 0);
      for (let i = 0; i < I; i++) sum += W_ih[k * I + i] * x[t * I + i];
      if (t > 0) for (let j = 0; j < H; j++) sum += W_hh[k * H + j] * h[(t - 1) * H + j];
      h[t * H + k] = f(sum);
    }
  }
  return h;
}

/**
 * y = x Wᵀ + b, row by row.
 * @param {ArrayLike<number>} x                 [rows][I]
 * @param {ArrayLike<number>} W                 [K][I]
 * @param {ArrayLike<number> | null} b          [K]
 * @param {{ I: number, K: number }} sizes
 * @returns {Float64Array}  [rows][K]
 */
export function affine(x, W, b, { I, K }) {
  const rows = x.length / I;
  const y = new Float64Array(rows * K);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < K; k++) {
      let sum = b ? b[k] : 0;
      for (let i = 0; i < I; i++) sum += W[k * I + i] * x[row * I + i];
      y[row * K + k] = sum;
    }
  }
  return y;
}

/**
 * A matrix turned around: row-major [rows][columns] to [columns][rows].
 * @param {ArrayLike<number>} matrix
 * @param {number} rows
 * @param {number} columns
 * @returns {Float32Array}
 */
export function transpose(matrix, rows, columns) {
  const turned = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = matrix[row * columns + column];
    }
  }
  return turned;
}

/**
 * The B of least squares in A B = Y, by the normal equations: AᵀA B = AᵀY, solved by elimination.
 * That squares the condition number of A, which doubles bear for a handful of well-behaved columns.
 * @param {number[][]} A  [rows][n]
 * @param {number[][]} Y  [rows][m]
 * @returns {number[][]}  [n][m]
 */
export function leastSquares(A, Y) {
  const n = A[0].length;
  const m = Y[0].length;
  // the augmented matrix [AᵀA | AᵀY]
  const system = Array.from({ length: n }, (_, row) =>
    Array.from({ length: n + m }, (_, column) =>
      A.reduce((sum, a, k) => sum + a[row] * (column < n ? a[column] : Y[k][column - n]), 0),
    ),
  );
  for (let pivot = 0; pivot < n; pivot++) {
    let best = pivot;
    for (let row = pivot + 1; row < n; row++) {
      if (Math.abs(system[row][pivot]) > Math.abs(system[best][pivot])) best = row;
    }
    [system[pivot], system[best]] = [system[best], system[pivot]];
    for (let row = 0; row < n; row++) {
      if (row === pivot) continue;
      const factor = system[row][pivot] / system[pivot][pivot];
      for (let k = pivot; k < n + m; k++) system[row][k] -= factor * system[pivot][k];
    }
  }
  return system.map((row, k) => row.slice(n).map((value) => value / row[k]));
}
