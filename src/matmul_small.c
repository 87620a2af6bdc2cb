#include "matmul_small.h"

#include "matmul_kernel.h"

enum {
    DEPTH = 256, // at a time
    WIDE = 256   // columns at a time: those of a shallow B stay in the first cache
};

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
    case 1: // eight sums hide the time that an addition takes
        dot_rows(1, 8, K, I, x, x_step, W, w_step, y, y_step);
        break;
    default:
        break;
    }
}

bool small_tiles(int rows, int columns, int depth, operand a, operand b, bool add, float *c,
                 size_t c_step)
{
    float left[TILE_ROWS * DEPTH], edge[TILE_COLUMNS * DEPTH];
    bool suspect = false;

    for (int j = 0; j < columns; j += WIDE) {
        const int wide = int_min(WIDE, columns - j), rest = wide % TILE_COLUMNS;
        for (int k = 0; k < depth; k += DEPTH) {
            const int deep = int_min(DEPTH, depth - k);
            const operand bk = operand_from(b, j, k);
            if (rest)
                pack(rest, deep, TILE_COLUMNS, operand_from(bk, wide - rest, 0), edge);
            for (int i = 0; i < rows; i += TILE_ROWS) {
                const int high = int_min(TILE_ROWS, rows - i);
                tile_run run = {.count = wide / TILE_COLUMNS,
                                .depth = deep,
                                .left = left,
                                .right = bk.at,
                                .right_apart = TILE_COLUMNS,
                                .right_down = bk.down,
                                .c = c + (size_t)i * c_step + j,
                                .c_apart = TILE_COLUMNS,
                                .c_step = c_step,
                                .add = add || k > 0};
                pack(high, deep, TILE_ROWS, operand_from(a, i, k), left);
                suspect |= tile_whole(high, &run);
                if (rest) {
                    run.right = edge, run.right_down = TILE_COLUMNS;
                    run.c += wide - rest;
                    suspect |= tile_edge(high, rest, &run);
                }
            }
        }
    }
    return suspect;
}
