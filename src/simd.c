#include "simd.h"

f32x4 simd_load_some(const float *p, int n)
{
    return f32x4_make(p[0], n > 1 ? p[1] : 0.0F, n > 2 ? p[2] : 0.0F, 0.0F);
}

void f32x4_store_n(float *p, f32x4 a, int n)
{
    if (n >= 4) {
        f32x4_store(p, a);
        return;
    }
    p[0] = f32x4_lane(a, 0);
    if (n > 1)
        p[1] = f32x4_lane(a, 1);
    if (n > 2)
        p[2] = f32x4_lane(a, 2);
}
