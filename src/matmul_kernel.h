// The register tiles: the one place for unrolled code. Both are inlined with constant row counts,
// so each call site becomes a loop of its own; neither decides anything.
//
// V8 moves all loads of a loop body to its front, so accumulators and loads together must fit the
// 16 vector registers: 4 rows x 8 columns are 8 sums + 4 splats + 2 vectors = 14.
#ifndef UNROLLED_MATMUL_KERNEL_H
#define UNROLLED_MATMUL_KERNEL_H

#include "simd.h"

#define KERNEL_INLINE static inline __attribute__((always_inline))

// Before a loop whose count is constant once inlined: its body is written out, whatever the
// optimization level, so that the sums live in registers.
#ifdef __clang__
#define KERNEL_UNROLL _Pragma("clang loop unroll(full)")
#else
#define KERNEL_UNROLL _Pragma("GCC unroll 8")
#endif

enum { KERNEL_ROWS = 4, KERNEL_COLUMNS = 8 };

// Where an operand's value (row or column i, depth k) lies: at[i * row + k * depth].
typedef struct {
    const float *at;
    size_t row, depth;
} kernel_operand;

// C[rows][columns] += sum over k of A[r][k] * B[k][c], rows <= 4, columns <= 8.
//
//        depth k                 8 columns
//     a . . . . . .            b b b b b b b b   <- b.at + k * b.depth, 8 in a row
//     a . . . . . .     x      . . . . . . . .
//     a . . . . . .            . . . . . . . .
//     a . . . . . .
//     ^ a.at + r * a.row + k * a.depth
//
// `padded`: all 8 values of a row of B may be read even when columns < 8.
// Returns the poison of what was written to C.
KERNEL_INLINE f32x4 kernel_tile(const int rows, const bool padded, int columns, int depth,
                                kernel_operand a, kernel_operand b, float *c, size_t c_step)
{
    f32x4 left[KERNEL_ROWS], right[KERNEL_ROWS], poison = f32x4_zero();
    const int tail = columns - 4; // lanes of the right half that count
    const float *ak = a.at, *bk = b.at;

    KERNEL_UNROLL
    for (int r = 0; r < rows; r++)
        left[r] = right[r] = f32x4_zero();

    if (padded || columns >= KERNEL_COLUMNS) { // most of the running time is spent here
        for (int k = 0; k < depth; k++, ak += a.depth, bk += b.depth) {
            const f32x4 b0 = f32x4_load(bk), b1 = f32x4_load(bk + 4);
            KERNEL_UNROLL
            for (int r = 0; r < rows; r++) {
                const f32x4 x = f32x4_load_splat(ak + (size_t)r * a.row);
                left[r] = f32x4_add(left[r], f32x4_mul(x, b0));
                right[r] = f32x4_add(right[r], f32x4_mul(x, b1));
            }
        }
    } else {
        for (int k = 0; k < depth; k++, ak += a.depth, bk += b.depth) {
            const f32x4 b0 = f32x4_load_n(bk, columns);
            const f32x4 b1 = tail > 0 ? f32x4_load_n(bk + 4, tail) : f32x4_zero();
            KERNEL_UNROLL
            for (int r = 0; r < rows; r++) {
                const f32x4 x = f32x4_load_splat(ak + (size_t)r * a.row);
                left[r] = f32x4_add(left[r], f32x4_mul(x, b0));
                right[r] = f32x4_add(right[r], f32x4_mul(x, b1));
            }
        }
    }

    KERNEL_UNROLL
    for (int r = 0; r < rows; r++) {
        float *out = c + (size_t)r * c_step;
        const f32x4 y0 = f32x4_add(f32x4_load_n(out, columns), left[r]);
        f32x4_store_n(out, y0, columns);
        poison = f32x4_add(poison, f32x4_poison(y0));
        if (tail > 0) {
            const f32x4 y1 = f32x4_add(f32x4_load_n(out + 4, tail), right[r]);
            f32x4_store_n(out + 4, y1, tail);
            poison = f32x4_add(poison, f32x4_poison(y1));
        }
    }
    return poison;
}

// kernel_tile with the number of rows that there are, 1 to 4 (more count as 4).
KERNEL_INLINE f32x4 kernel_rows(int rows, const bool padded, int columns, int depth,
                                kernel_operand a, kernel_operand b, float *c, size_t c_step)
{
    switch (rows) {
    case 1:
        return kernel_tile(1, padded, columns, depth, a, b, c, c_step);
    case 2:
        return kernel_tile(2, padded, columns, depth, a, b, c, c_step);
    case 3:
        return kernel_tile(3, padded, columns, depth, a, b, c, c_step);
    default:
        return kernel_tile(4, padded, columns, depth, a, b, c, c_step);
    }
}

// Y[x_rows][w_rows] += X · Wᵀ by dot products along the rows of both, x_rows * w_rows <= 8.
//
//     x  x x x x ...  x_step apart            w  w w w w ...  w_step apart
//     y[m][n] += x_m · w_n, four lanes at a time, the lanes summed at the end
KERNEL_INLINE void kernel_dot(const int x_rows, const int w_rows, int depth, const float *x,
                              size_t x_step, const float *w, size_t w_step, float *y, size_t y_step)
{
    f32x4 sum[KERNEL_COLUMNS];
    int k = 0;

    KERNEL_UNROLL
    for (int i = 0; i < x_rows * w_rows; i++)
        sum[i] = f32x4_zero();
    for (; k + 4 <= depth; k += 4) { // most of the running time of small batches is spent here
        KERNEL_UNROLL
        for (int n = 0; n < w_rows; n++) {
            const f32x4 wk = f32x4_load(w + (size_t)n * w_step + k);
            KERNEL_UNROLL
            for (int m = 0; m < x_rows; m++) {
                const f32x4 xk = f32x4_load(x + (size_t)m * x_step + k);
                sum[m * w_rows + n] = f32x4_add(sum[m * w_rows + n], f32x4_mul(xk, wk));
            }
        }
    }
    if (k < depth) {
        KERNEL_UNROLL
        for (int n = 0; n < w_rows; n++) {
            const f32x4 wk = f32x4_load_n(w + (size_t)n * w_step + k, depth - k);
            KERNEL_UNROLL
            for (int m = 0; m < x_rows; m++) {
                const f32x4 xk = f32x4_load_n(x + (size_t)m * x_step + k, depth - k);
                sum[m * w_rows + n] = f32x4_add(sum[m * w_rows + n], f32x4_mul(xk, wk));
            }
        }
    }
    KERNEL_UNROLL
    for (int m = 0; m < x_rows; m++)
        KERNEL_UNROLL
    for (int n = 0; n < w_rows; n++)
        y[(size_t)m * y_step + (size_t)n] += f32x4_sum(sum[m * w_rows + n]);
}

#endif
