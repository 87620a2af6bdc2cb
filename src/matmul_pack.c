#include "matmul_pack.h"

#include "simd.h"

size_t pack_size(int lanes, int depth, int width)
{
    return (size_t)int_round_up(lanes, width) * (size_t)depth;
}

// Up to four lanes of a panel, side by side in the source.
static void pack_beside(int lanes, int depth, int width, operand from, float *panel)
{
    for (int k = 0; k < depth; k++, panel += width)
        f32x4_store(panel, f32x4_load_n(from.at + (size_t)k * from.down, lanes));
}

// Up to four lanes of a panel, each of them a row of the source: transposed four by four. Lanes
// that there are not repeat the first.
static void pack_across(int lanes, int depth, int width, operand from, float *panel)
{
    const float *a = from.at, *b = lanes > 1 ? a + from.across : a;
    const float *c = lanes > 2 ? b + from.across : a, *d = lanes > 3 ? c + from.across : a;
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

// Four lanes that there are not: zeros, which no machine is slow to multiply.
static void pack_nothing(int depth, int width, float *panel)
{
    for (int k = 0; k < depth; k++, panel += width)
        f32x4_store(panel, f32x4_zero());
}

void pack(int lanes, int depth, int width, operand source, float *panels)
{
    for (int i = 0; i < lanes; i += width, panels += (size_t)width * (size_t)depth) {
        for (int j = 0; j < width; j += 4) {
            if (i + j >= lanes) {
                pack_nothing(depth, width, panels + j);
                continue;
            }
            const operand from = operand_from(source, i + j, 0);
            if (from.across == 1)
                pack_beside(lanes - i - j, depth, width, from, panels + j);
            else
                pack_across(lanes - i - j, depth, width, from, panels + j);
        }
    }
}
