#include "matmul_tile.h"

#include "matmul_kernel.h"

bool tile_column(const tile *first, int count)
{
    const float *left = first->left, *right = first->right;
    const size_t right_down = first->right_down, c_step = first->c_step;
    const int depth = first->depth;
    const bool add = first->add;
    float *c = first->c;
    bool suspect = false;

    for (; count > 0; count--) {
        suspect |= kernel_tile(depth, left, right, right_down, add, c, c_step);
        left += (size_t)depth * TILE_ROWS, c += TILE_ROWS * c_step;
    }
    return suspect;
}

bool tile_edge(const tile *t, int rows, int columns)
{
    float whole[TILE_ROWS * TILE_COLUMNS];
    tile full = *t;
    f32x4 all = f32x4_zero();

    full.c = whole, full.c_step = TILE_COLUMNS, full.add = false;
    tile_column(&full, 1);
    for (int r = 0; r < rows && r < TILE_ROWS; r++) {
        float *c = t->c + (size_t)r * t->c_step, *sums = whole + r * TILE_COLUMNS;
        int j = 0;
        for (; j + 4 <= columns && j < TILE_COLUMNS; j += 4) {
            const f32x4 sum = f32x4_load(sums + j);
            const f32x4 value = t->add ? f32x4_add(f32x4_load(c + j), sum) : sum;
            f32x4_store(c + j, value);
            all = f32x4_add(all, value);
        }
        for (; j < columns && j < TILE_COLUMNS; j++) {
            c[j] = t->add ? c[j] + sums[j] : sums[j];
            all = f32x4_add(all, f32x4_splat(c[j]));
        }
    }
    return !f32x4_finite(all);
}
