#include "matmul_tile.h"

#include "matmul_kernel.h"

KERNEL_INLINE bool whole(const int rows, const tile_run *run)
{
    const float *left = run->left, *right = run->right;
    const size_t left_apart = run->left_apart, right_apart = run->right_apart;
    const size_t right_down = run->right_down, c_apart = run->c_apart, c_step = run->c_step;
    const int depth = run->depth;
    const bool add = run->add;
    float *c = run->c;
    bool suspect = false;

    for (int i = 0; i < run->count; i++) {
        suspect |= kernel_tile(rows, depth, left, right, right_down, add, c, c_step);
        left += left_apart, right += right_apart, c += c_apart;
    }
    return suspect;
}

// Functions of their own, so that each has the registers for itself.
#define ALONE static __attribute__((noinline))
ALONE bool whole_1(const tile_run *run) { return whole(1, run); }
ALONE bool whole_2(const tile_run *run) { return whole(2, run); }
ALONE bool whole_3(const tile_run *run) { return whole(3, run); }
ALONE bool whole_4(const tile_run *run) { return whole(4, run); }

bool tile_whole(int rows, const tile_run *run)
{
    switch (rows) {
    case 1:
        return whole_1(run);
    case 2:
        return whole_2(run);
    case 3:
        return whole_3(run);
    default:
        return whole_4(run);
    }
}

bool tile_edge(int rows, int columns, const tile_run *run)
{
    float tile[TILE_ROWS * TILE_COLUMNS];
    tile_run whole = *run;
    f32x4 all = f32x4_zero();

    whole.count = 1, whole.c = tile, whole.c_step = TILE_COLUMNS, whole.add = false;
    whole_4(&whole);
    for (int r = 0; r < rows && r < TILE_ROWS; r++) {
        float *c = run->c + (size_t)r * run->c_step, *full = tile + r * TILE_COLUMNS;
        int j = 0;
        for (; j + 4 <= columns && j < TILE_COLUMNS; j += 4) {
            const f32x4 sum = f32x4_load(full + j);
            const f32x4 value = run->add ? f32x4_add(f32x4_load(c + j), sum) : sum;
            f32x4_store(c + j, value);
            all = f32x4_add(all, value);
        }
        for (; j < columns && j < TILE_COLUMNS; j++) {
            c[j] = run->add ? c[j] + full[j] : full[j];
            all = f32x4_add(all, f32x4_splat(c[j]));
        }
    }
    return !f32x4_finite(all);
}
