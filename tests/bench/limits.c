// What this machine can do at most, in WebAssembly: multiply and add, and read memory. Each loop
// returns a number that depends on all of its work.
#include "simd.h"

#define EXPORT(name) __attribute__((used, visibility("default"), export_name(#name)))

enum {
    CHAINS = 12, // as many as cover a product's and a sum's latency and stay in registers
    ROWS = 2,
    COLS = 4,    // a register tile: a sum's latency only, but two loads
    STREAMS = 8, // sums side by side while reading
    LANES = 4
};

// n · CHAINS · LANES products and sums: every chain is s = s a + b.
EXPORT(limits_chains) float limits_chains(int n, float a, float b)
{
    const f32x4 factor = f32x4_splat(a), term = f32x4_splat(b);
    f32x4 s[CHAINS], total = f32x4_zero();
    for (int j = 0; j < CHAINS; j++)
        s[j] = f32x4_splat((float)j);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < CHAINS; j++)
            s[j] = f32x4_add(f32x4_mul(s[j], factor), term);
    for (int j = 0; j < CHAINS; j++)
        total = f32x4_add(total, s[j]);
    return f32x4_sum(total);
}

// n · ROWS · COLS · LANES products and sums, from p [n][ROWS][LANES].
EXPORT(limits_tile) float limits_tile(int n, const float *p)
{
    f32x4 s[ROWS][COLS], factor[COLS], total = f32x4_zero();
    for (int j = 0; j < COLS; j++) {
        factor[j] = f32x4_splat((float)j);
        for (int i = 0; i < ROWS; i++)
            s[i][j] = f32x4_zero();
    }
    for (int k = 0; k < n; k++, p += ROWS * LANES)
        for (int i = 0; i < ROWS; i++) {
            const f32x4 a = f32x4_load(p + i * LANES);
            for (int j = 0; j < COLS; j++)
                s[i][j] = f32x4_add(s[i][j], f32x4_mul(a, factor[j]));
        }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLS; j++)
            total = f32x4_add(total, s[i][j]);
    return f32x4_sum(total);
}

// The sum of p [n], n a multiple of STREAMS · LANES.
EXPORT(limits_read) float limits_read(int n, const float *p)
{
    f32x4 s[STREAMS], total = f32x4_zero();
    for (int j = 0; j < STREAMS; j++)
        s[j] = f32x4_zero();
    for (int i = 0; i < n; i += STREAMS * LANES)
        for (int j = 0; j < STREAMS; j++)
            s[j] = f32x4_add(s[j], f32x4_load(p + i + j * LANES));
    for (int j = 0; j < STREAMS; j++)
        total = f32x4_add(total, s[j]);
    return f32x4_sum(total);
}
