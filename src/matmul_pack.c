#include "matmul_pack.h"

#include "simd.h"

size_t pack_size(int columns, int depth, int width)
{
    return (size_t)int_round_up(columns, width) * (size_t)depth;
}

void pack_columns(int columns, int depth, int width, const float *source, size_t depth_step,
                  float *panels)
{
    for (int i = 0; i < columns; i += width) {
        const int here = int_min(width, columns - i);
        const float *from = source + i;
        for (int k = 0; k < depth; k++, from += depth_step, panels += width) {
            if (here == width) { // 4 or 8
                f32x4_store(panels, f32x4_load(from));
                if (width > 4)
                    f32x4_store(panels + 4, f32x4_load(from + 4));
                continue;
            }
            for (int j = 0; j < width; j++)
                panels[j] = j < here ? from[j] : 0.0F;
        }
    }
}

void pack_rows(int columns, int depth, int width, const float *source, size_t column_step,
               float *panels)
{
    for (int i = 0; i < columns; i += width, panels += (size_t)width * (size_t)depth) {
        const int here = int_min(width, columns - i);
        for (int j = 0; j < width; j++) {
            const float *from = source + (size_t)(i + j) * column_step;
            for (int k = 0; k < depth; k++)
                panels[(size_t)k * (size_t)width + (size_t)j] = j < here ? from[k] : 0.0F;
        }
    }
}
