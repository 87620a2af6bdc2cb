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

// The first lanes of a sum, as or onto what stands at c.
static bool put(f32x4 sum, int lanes, bool add, float *c)
{
    const f32x4 value = add ? f32x4_add(f32x4_load_n(c, lanes), sum) : sum;
    f32x4_store_n(c, value, lanes);
    return !f32x4_finite(f32x4_first(value, lanes, f32x4_zero()));
}

bool tile_edge(int rows, int columns, const tile_run *run)
{
    f32x4 low[TILE_ROWS], high[TILE_ROWS];
    bool suspect = false;

    kernel_sums(TILE_ROWS, run->depth, run->left, run->right, run->right_down, low, high);
    KERNEL_UNROLL
    for (int r = 0; r < TILE_ROWS; r++) {
        float *c = run->c + (size_t)r * run->c_step;
        if (r < rows)
            suspect |= put(low[r], columns, run->add, c);
        if (r < rows && columns > 4)
            suspect |= put(high[r], columns - 4, run->add, c + 4);
    }
    return suspect;
}
