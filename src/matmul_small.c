#include "matmul_small.h"

// All weight rows against x_rows rows of X, w_rows at a time.
KERNEL_INLINE void dot_rows(const int x_rows, const int w_rows, int K, int I, const float *x,
                            size_t x_step, const float *w, size_t w_step, float *y, size_t y_step)
{
    int n = 0;
    for (; n + w_rows <= K; n += w_rows)
        kernel_dot(x_rows, w_rows, I, x, x_step, w + (size_t)n * w_step, w_step, y + n, y_step);
    for (; n < K; n++)
        kernel_dot(x_rows, 1, I, x, x_step, w + (size_t)n * w_step, w_step, y + n, y_step);
}

void small_dot(int M, int K, int I, const float *X, size_t x_step, const float *W, size_t w_step,
               float *Y, size_t y_step)
{
    int m = 0;
    for (; m + 4 <= M; m += 4)
        dot_rows(4, 2, K, I, X + (size_t)m * x_step, x_step, W, w_step, Y + (size_t)m * y_step,
                 y_step);
    const float *x = X + (size_t)m * x_step;
    float *y = Y + (size_t)m * y_step;
    switch (M - m) {
    case 3:
        dot_rows(3, 2, K, I, x, x_step, W, w_step, y, y_step);
        break;
    case 2:
        dot_rows(2, 4, K, I, x, x_step, W, w_step, y, y_step);
        break;
    case 1:
        dot_rows(1, 4, K, I, x, x_step, W, w_step, y, y_step);
        break;
    default:
        break;
    }
}

float small_tiles(int rows, int columns, int depth, kernel_operand a, kernel_operand b, float *c,
                  size_t c_step)
{
    f32x4 poison = f32x4_zero();

    for (int j = 0; j < columns; j += KERNEL_COLUMNS) {
        const int here = int_min(KERNEL_COLUMNS, columns - j);
        const kernel_operand bj = {b.at + j, 1, b.depth};
        for (int i = 0; i < rows; i += KERNEL_ROWS) {
            const kernel_operand ai = {a.at + (size_t)i * a.row, a.row, a.depth};
            float *out = c + (size_t)i * c_step + j;
            poison =
                f32x4_add(poison, kernel_rows(rows - i, false, here, depth, ai, bj, out, c_step));
        }
    }
    return f32x4_sum(poison);
}
