#include "simd.h"

f32x4 simd_load_some(const float *p, int n)
{
    return f32x4_make(p[0], n > 1 ? p[1] : 0.0F, n > 2 ? p[2] : 0.0F, 0.0F);
}

void simd_store_some(float *p, f32x4 a, int n)
{
    p[0] = f32x4_lane(a, 0);
    if (n > 1)
        p[1] = f32x4_lane(a, 1);
    if (n > 2)
        p[2] = f32x4_lane(a, 2);
}
