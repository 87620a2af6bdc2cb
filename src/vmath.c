// The functions of vmath.h over arrays. Whole vectors first; the tail, one to three values, reads
// and writes nothing beyond the end.
#include "vmath.h"

void vmath_exp(size_t n, const float *x, float *y)
{
    size_t k = 0;
    for (; k + 4 <= n; k += 4)
        f32x4_store(y + k, f32x4_exp(f32x4_load(x + k)));
    if (k < n)
        f32x4_store_n(y + k, f32x4_exp(f32x4_load_n(x + k, (int)(n - k))), (int)(n - k));
}

void vmath_log(size_t n, const float *x, float *y)
{
    size_t k = 0;
    for (; k + 4 <= n; k += 4)
        f32x4_store(y + k, f32x4_log(f32x4_load(x + k)));
    if (k < n)
        f32x4_store_n(y + k, f32x4_log(f32x4_load_n(x + k, (int)(n - k))), (int)(n - k));
}

void vmath_tanh(size_t n, const float *x, float *y)
{
    size_t k = 0;
    for (; k + 4 <= n; k += 4)
        f32x4_store(y + k, f32x4_tanh(f32x4_load(x + k)));
    if (k < n)
        f32x4_store_n(y + k, f32x4_tanh(f32x4_load_n(x + k, (int)(n - k))), (int)(n - k));
}

void vmath_sigmoid(size_t n, const float *x, float *y)
{
    size_t k = 0;
    for (; k + 4 <= n; k += 4)
        f32x4_store(y + k, f32x4_sigmoid(f32x4_load(x + k)));
    if (k < n)
        f32x4_store_n(y + k, f32x4_sigmoid(f32x4_load_n(x + k, (int)(n - k))), (int)(n - k));
}
