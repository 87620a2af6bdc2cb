// The register tiles: the one place for unrolled code. Both are inlined with constant row counts,
// so each call site becomes a loop of its own; neither decides anything.
//
// V8 moves all loads of a loop body to its front, so accumulators and loads together must fit the
// 16 vector registers: 4 rows x 8 columns are 8 sums + 4 splats + 2 vectors = 14.
#ifndef UNROLLED_MATMUL_KERNEL_H
#define UNROLLED_MATMUL_KERNEL_H

#include "matmul_tile.h"
#include "simd.h"

// KERNEL_UNROLL, before a loop whose count is constant once inlined: its body is written out,
// whatever the optimization level, so that the sums live in registers. Sanitizers would take
// minutes to compile that, and need not be fast.
#ifndef NDEBUG
#define KERNEL_INLINE static inline
#define KERNEL_UNROLL
#else
#define KERNEL_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define KERNEL_UNROLL _Pragma("clang loop unroll(full)")
#else
#define KERNEL_UNROLL _Pragma("GCC unroll 8")
#endif
#endif

// C[4][8] = or += the sum over k of A[.][k] * B[k]. Returns true when a value written may not be
// finite: it is, or only the sum of such values over the rows is not.
//
//        depth k                 8 columns
//     a . . . . . .            b b b b b b b b   <- right + k * right_down, 8 in a row
//     a . . . . . .     x      . . . . . . . .
//     a . . . . . .            . . . . . . . .
//     a . . . . . .
//     ^ left + 4 k, a panel of width 4
KERNEL_INLINE bool kernel_tile(int depth, const float *left, const float *right, size_t right_down,
                               bool add, float *c, size_t c_step)
{
    const float *end = left + (size_t)depth * TILE_ROWS;
    f32x4 low[TILE_ROWS], high[TILE_ROWS], all = f32x4_zero();

    KERNEL_UNROLL
    for (int r = 0; r < TILE_ROWS; r++)
        low[r] = high[r] = f32x4_zero();
    for (; left != end; left += TILE_ROWS, right += right_down) { // most of the running time
        const f32x4 b0 = f32x4_load(right), b1 = f32x4_load(right + 4);
        KERNEL_UNROLL
        for (int r = 0; r < TILE_ROWS; r++) {
            const f32x4 a = f32x4_load_splat(left + r);
            low[r] = f32x4_add(low[r], f32x4_mul(a, b0));
            high[r] = f32x4_add(high[r], f32x4_mul(a, b1));
        }
    }
    KERNEL_UNROLL
    for (int r = 0; r < TILE_ROWS; r++, c += c_step) {
        if (add) {
            low[r] = f32x4_add(f32x4_load(c), low[r]);
            high[r] = f32x4_add(f32x4_load(c + 4), high[r]);
        }
        f32x4_store(c, low[r]);
        f32x4_store(c + 4, high[r]);
        all = f32x4_add(all, f32x4_add(low[r], high[r]));
    }
    return !f32x4_finite(all);
}

// Y[x_rows][w_rows] += X · Wᵀ by dot products along the rows of both: 4 x 2 or 1 x 8 of them. depth
// is 4 at least.
//
//     x  x x x x ...  x_step apart            w  w w w w ...  w_step apart
//     y[m][n] += x_m · w_n, four lanes at a time, the lanes summed at the end
KERNEL_INLINE void kernel_dot(const int x_rows, const int w_rows, int depth, const float *x,
                              size_t x_step, const float *w, size_t w_step, float *y, size_t y_step)
{
    f32x4 sum[8];
    int k = 0;

    KERNEL_UNROLL
    for (int i = 0; i < 8; i++)
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
            const f32x4 wk = f32x4_load_last(w + (size_t)n * w_step + depth, depth - k);
            KERNEL_UNROLL
            for (int m = 0; m < x_rows; m++) {
                const f32x4 xk = f32x4_load_last(x + (size_t)m * x_step + depth, depth - k);
                sum[m * w_rows + n] = f32x4_add(sum[m * w_rows + n], f32x4_mul(xk, wk));
            }
        }
    }
    KERNEL_UNROLL
    for (int i = 0; i < 8; i += 4) {
        const f32x4 dots = f32x4_sums(sum[i], sum[i + 1], sum[i + 2], sum[i + 3]);
        float *row = y + (size_t)(i / w_rows) * y_step;
        if (w_rows == 2) {
            row[0] += f32x4_lane(dots, 0), row[1] += f32x4_lane(dots, 1);
            row[y_step] += f32x4_lane(dots, 2), row[y_step + 1] += f32x4_lane(dots, 3);
        } else {
            row += i % w_rows;
            f32x4_store(row, f32x4_add(f32x4_load(row), dots));
        }
    }
}

#endif
