#include "matmul_pack.h"

#include "simd.h"

size_t pack_size(int lanes, int depth, int width)
{
    return (size_t)int_round_up(lanes, width) * (size_t)depth;
}

// Up to four lanes of a panel, side by side in the source.
static void pack_beside(int lanes, int depth, int width, const float *at, size_t down, float *panel)
{
    for (int k = 0; k < depth; k++, panel += width, at += down)
        f32x4_store(panel, f32x4_load_n(at, lanes));
}

// Up to four lanes of a panel, each of them a row of the source: transposed four by four. Lanes
// that there are not repeat the first.
static void pack_across(int lanes, int depth, int width, const float *a, size_t across,
                        float *panel)
{
    const float *b = lanes > 1 ? a + across : a;
    const float *c = lanes > 2 ? b + across : a, *d = lanes > 3 ? c + across : a;
    int k = 0;

    for (; k + 4 <= depth; k += 4) {
        f32x4 at[4];
        f32x4_transpose(f32x4_load(a + k), f32x4_load(b + k), f32x4_load(c + k), f32x4_load(d + k),
                        at);
        for (int i = 0; i < 4; i++, panel += width)
            f32x4_store(panel, at[i]);
    }
    for (; k < depth; k++, panel += width)
        f32x4_store(panel, f32x4_make(a[k], b[k], c[k], d[k]));
}

void pack(int lanes, int depth, int width, const float *at, size_t across, size_t down,
          float *panels)
{
    for (; lanes > 0; panels += (size_t)width * (size_t)depth)
        for (int j = 0; j < width; j += 4, lanes -= 4, at += 4 * across) {
            // lanes that there are not become zeros, which no machine is slow to multiply
            if (lanes <= 0)
                for (int k = 0; k < depth; k++)
                    f32x4_store(panels + j + k * width, f32x4_zero());
            else if (across == 1)
                pack_beside(lanes, depth, width, at, down, panels + j);
            else
                pack_across(lanes, depth, width, at, across, panels + j);
        }
}
