// The functions that stand behind a product, over arrays, and what goes back through them. Every
// derivative is written in terms of the value y = f(x):
//
//     tanh      1 - y^2                                                            (1)
//     relu      1 where y > 0, else 0                                              (2)
//     sigmoid   y (1 - y)                                                          (3)
#ifndef UNROLLED_ACTIVATE_H
#define UNROLLED_ACTIVATE_H

#include "simd.h"

typedef enum { ACTIVATE_NONE, ACTIVATE_TANH, ACTIVATE_RELU, ACTIVATE_SIGMOID } activate_kind;

// y = f(x); y may be x, and is with ACTIVATE_NONE.                                 x, y [n]
void activate(activate_kind f, size_t n, const float *x, float *y);

// dx = dy f'(x); dx may be y or dy.                                       y, dy, dx [n]
void activate_back(activate_kind f, size_t n, const float *y, const float *dy, float *dx);

// d times (1), (3).
SIMD_INLINE f32x4 activate_back_tanh(f32x4 d, f32x4 y)
{
    return f32x4_mul(d, f32x4_sub(f32x4_splat(1.0F), f32x4_mul(y, y)));
}
SIMD_INLINE f32x4 activate_back_sigmoid(f32x4 d, f32x4 y)
{
    return f32x4_mul(d, f32x4_mul(y, f32x4_sub(f32x4_splat(1.0F), y)));
}

#endif
