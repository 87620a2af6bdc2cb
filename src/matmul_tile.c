#include "matmul_tile.h"

#include "matmul_kernel.h"

// Whole tiles; t becomes the one below them. By itself, so that it has the registers for itself.
static __attribute__((noinline)) bool whole(tile *t, int count)
{
    const float *left = t->left, *right = t->right;
    const size_t right_down = t->right_down, c_step = t->c_step;
    const int depth = t->depth;
    const bool add = t->add;
    float *c = t->c;
    bool suspect = false;

    for (; count > 0; count--) {
        suspect |= kernel_tile(depth, left, right, right_down, add, c, c_step);
        left += (size_t)depth * TILE_ROWS, c += TILE_ROWS * c_step;
    }
    t->left = left, t->c = c;
    return suspect;
}

// One tile that is not written as a whole; likewise.
static bool edge(tile *t, int rows, int columns)
{
    float sums[TILE_ROWS * TILE_COLUMNS];
    tile full = *t;
    f32x4 all = f32x4_zero();

    full.c = sums, full.c_step = TILE_COLUMNS, full.add = false;
    whole(&full, 1);
    t->left = full.left;
    for (int r = 0; r < rows && r < TILE_ROWS; r++, t->c += t->c_step) {
        float *c = t->c;
        int j = 0;
        for (; j + 4 <= columns; j += 4) {
            const f32x4 sum = f32x4_load(sums + r * TILE_COLUMNS + j);
            const f32x4 value = t->add ? f32x4_add(f32x4_load(c + j), sum) : sum;
            f32x4_store(c + j, value);
            all = f32x4_add(all, value);
        }
        for (; j < columns; j++) {
            const float sum = sums[r * TILE_COLUMNS + j];
            c[j] = t->add ? c[j] + sum : sum;
            all = f32x4_add(all, f32x4_splat(c[j]));
        }
    }
    return !f32x4_finite(all);
}

bool tile_column(const tile *first, int rows, int columns)
{
    const int count = columns == TILE_COLUMNS ? rows / TILE_ROWS : 0;
    tile t = *first;
    bool suspect = whole(&t, count);

    for (int left = rows - count * TILE_ROWS; left > 0; left -= TILE_ROWS)
        suspect |= edge(&t, left, columns);
    return suspect;
}
