// exp, log, tanh and sigmoid of our own: four lanes at a time, without tables, without libm, the
// same bits on every machine.
//
// Largest error over all arguments that they take, against libm in double precision, in units of
// the last place (tests/c/test_vmath.c asserts it of 4 million of them and of the delicate places):
//     exp 0.71    log 0.89    tanh 1.16    sigmoid 1.58
// and where the result is denormal: exp 0.80, sigmoid 1.22, tanh exact.
#ifndef UNROLLED_VMATH_H
#define UNROLLED_VMATH_H

#include "simd.h"

// ln 2 in two parts. The first has 15 bits, so that its product with an exponent is exact.
#define VMATH_LN2_HI 0.693145751953125F
#define VMATH_LN2_LO 1.42860677e-6F
#define VMATH_LOG2_E 1.44269502F
// Adding 1.5 * 2^23 to a |y| < 2^22 rounds it to an integer, which then stands in the low bits of
// the sum; subtracting it again leaves that integer as a float.
#define VMATH_ROUND 12582912.0F

// e^r - 1 - r for |r| <= ln(2)/2, the part of e^r that may be rounded: r^2 Q(r). Q is the minimax
// polynomial of degree 4 on |r| < 0.3468, its coefficients then moved by a few floats to where exp
// as a whole errs least. The relative error of e^r is 6.6e-9 = 2^-27.2.
SIMD_INLINE f32x4 vmath_exp_rest(f32x4 r)
{
    const f32x4 r2 = f32x4_mul(r, r);
    const f32x4 q01 = f32x4_add(f32x4_mul(f32x4_splat(0.166665226F), r), f32x4_splat(0.49999997F));
    const f32x4 q23 =
        f32x4_add(f32x4_mul(f32x4_splat(0.00836913288F), r), f32x4_splat(0.0416688137F));
    const f32x4 q234 = f32x4_add(q23, f32x4_mul(f32x4_splat(0.00137662271F), r2));
    return f32x4_mul(r2, f32x4_add(q01, f32x4_mul(q234, r2)));
}

// a + hi + lo + (e^r - 1 - r), as good as rounded once, for a >= 1, |hi| <= ln(2)/2 and |lo| far
// below: the sum s = a + hi is rounded, but what it lost is known exactly and joins the small
// terms. Where r = hi + lo this is a - 1 + e^r.
SIMD_INLINE f32x4 vmath_exp_sum(f32x4 a, f32x4 hi, f32x4 lo, f32x4 r)
{
    const f32x4 s = f32x4_add(a, hi);
    const f32x4 lost = f32x4_add(f32x4_sub(a, s), hi);
    return f32x4_add(s, f32x4_add(f32x4_add(lost, lo), vmath_exp_rest(r)));
}

// e^x of x <= 64, gradually 0 below -87.34; NaN stays NaN.
//
//     e^x = 2^n e^r,  n = round(x / ln 2),  r = x - n ln 2
SIMD_INLINE f32x4 f32x4_exp(f32x4 x)
{
    x = f32x4_max(x, f32x4_splat(-104.0F)); // beyond it is 0
    // 2^24 2^n has no denormals, down to n = -150.
    const f32x4 bias = f32x4_splat(VMATH_ROUND + 127.0F + 24.0F);
    const f32x4 shifted = f32x4_add(f32x4_mul(x, f32x4_splat(VMATH_LOG2_E)), bias);
    const f32x4 n = f32x4_sub(shifted, bias);
    const f32x4 scaled = f32x4_from_bits(i32x4_shift_left(f32x4_bits(shifted), 23));

    const f32x4 hi = f32x4_sub(x, f32x4_mul(n, f32x4_splat(VMATH_LN2_HI)));
    const f32x4 lo = f32x4_mul(n, f32x4_splat(-VMATH_LN2_LO));
    const f32x4 y = vmath_exp_sum(f32x4_splat(1.0F), hi, lo, f32x4_add(hi, lo));
    return f32x4_mul(f32x4_mul(y, scaled), f32x4_splat(0x1p-24F));
}

// Natural logarithm of a normal x > 0; NaN stays NaN. (Other lanes come to nothing of use, and do
// no harm.)
//
//     log x = n ln 2 + log(1 + f),  x = 2^n (1 + f),  1 + f in [sqrt(1/2), sqrt(2))
//     log(1 + f) = f - f^2 / 2 + f^3 P(f)
SIMD_INLINE f32x4 f32x4_log(f32x4 x)
{
    const i32x4 bits = f32x4_bits(x);
    const i32x4 sqrt_half = i32x4_splat(0x3F3504F3); // the bits of sqrt(1/2)
    const i32x4 exponent = i32x4_shift_right(i32x4_sub(bits, sqrt_half), 23);
    const f32x4 n = f32x4_from_i32(exponent);
    const f32x4 f = f32x4_sub(f32x4_from_bits(i32x4_sub(bits, i32x4_shift_left(exponent, 23))),
                              f32x4_splat(1.0F)); // exact

    // P is the minimax polynomial of degree 7; relative error of log(1 + f) 7.5e-9 = 2^-27.0.
    const f32x4 f2 = f32x4_mul(f, f);
    const f32x4 f4 = f32x4_mul(f2, f2);
    const f32x4 p01 =
        f32x4_add(f32x4_mul(f32x4_splat(-0.250008106F), f), f32x4_splat(0.333333164F));
    const f32x4 p23 =
        f32x4_add(f32x4_mul(f32x4_splat(-0.166245535F), f), f32x4_splat(0.200022861F));
    const f32x4 p45 =
        f32x4_add(f32x4_mul(f32x4_splat(-0.131287545F), f), f32x4_splat(0.141811922F));
    const f32x4 p67 =
        f32x4_add(f32x4_mul(f32x4_splat(-0.0785961375F), f), f32x4_splat(0.128816471F));
    const f32x4 p03 = f32x4_add(p01, f32x4_mul(p23, f2));
    const f32x4 p47 = f32x4_add(p45, f32x4_mul(p67, f2));
    const f32x4 p = f32x4_add(p03, f32x4_mul(p47, f4));
    const f32x4 half_f2 = f32x4_mul(f2, f32x4_splat(0.5F));
    const f32x4 f3p = f32x4_mul(f32x4_mul(f2, f), p);

    // n ln 2 + f, with what its rounding lost: |n ln 2| is above |f|, or 0.
    const f32x4 hi = f32x4_mul(n, f32x4_splat(VMATH_LN2_HI));
    const f32x4 lo = f32x4_mul(n, f32x4_splat(VMATH_LN2_LO));
    const f32x4 s = f32x4_add(hi, f);
    const f32x4 lost = f32x4_add(f32x4_sub(hi, s), f);
    const f32x4 y = f32x4_add(s, f32x4_sub(f32x4_add(f32x4_add(lost, lo), f3p), half_f2));
    return f32x4_add(y, f32x4_sub(x, x)); // 0, or NaN
}

// Odd to the bit: tanh(-x) = -tanh(x), -0 stays -0. Exactly 1 from |x| = 9.011; NaN stays NaN.
//
//     |x| < 5/8      tanh x = x + x^3 P(x^2)
//     beyond         tanh |x| = 1 - 2 / (e^2|x| + 1) = 1 - 2t / (t + e^r),
//                    t = 2^-n,  n = round(2|x| / ln 2),  r = 2|x| - n ln 2
SIMD_INLINE f32x4 f32x4_tanh(f32x4 x)
{
    const f32x4 y = f32x4_abs(x);

    // P is the minimax polynomial of degree 4; relative error of tanh x 5.0e-9 = 2^-27.6.
    const f32x4 x2 = f32x4_mul(x, x);
    const f32x4 x4 = f32x4_mul(x2, x2);
    const f32x4 p01 =
        f32x4_add(f32x4_mul(f32x4_splat(0.133314908F), x2), f32x4_splat(-0.333332837F));
    const f32x4 p23 =
        f32x4_add(f32x4_mul(f32x4_splat(0.020650588F), x2), f32x4_splat(-0.0537434965F));
    const f32x4 p234 = f32x4_add(p23, f32x4_mul(f32x4_splat(-0.00571704516F), x4));
    const f32x4 p = f32x4_add(p01, f32x4_mul(p234, x4));
    const f32x4 near = f32x4_add(x, f32x4_mul(f32x4_mul(x, x2), p));

    // With 127 - n in the low bits, a shift makes the float t of them.
    const f32x4 bias = f32x4_splat(VMATH_ROUND + 127.0F);
    const f32x4 clamped = f32x4_min(y, f32x4_splat(10.0F));
    const f32x4 shifted = f32x4_add(f32x4_mul(clamped, f32x4_splat(-2.0F * VMATH_LOG2_E)), bias);
    const f32x4 n = f32x4_sub(shifted, bias); // negative, here and below
    const f32x4 t = f32x4_from_bits(i32x4_shift_left(f32x4_bits(shifted), 23));
    const f32x4 hi =
        f32x4_add(f32x4_add(clamped, clamped), f32x4_mul(n, f32x4_splat(VMATH_LN2_HI)));
    const f32x4 lo = f32x4_mul(n, f32x4_splat(VMATH_LN2_LO));
    const f32x4 one = f32x4_splat(1.0F);
    const f32x4 sum = vmath_exp_sum(f32x4_add(one, t), hi, lo, f32x4_add(hi, lo)); // t + e^r
    const f32x4 far = f32x4_sub(one, f32x4_div(f32x4_add(t, t), sum));

    const f32x4 z = f32x4_select(f32x4_lt(y, f32x4_splat(0.625F)), near, far);
    return f32x4_select(i32x4_splat(INT32_MIN), x, z); // the sign of x, of -0 too
}

// 1 / (1 + e^-x), also where the result is denormal; NaN stays NaN.
//
//     sigmoid x = t / (t + e^r),  t = 2^n,  n = round(x / ln 2),  r = n ln 2 - x
SIMD_INLINE f32x4 f32x4_sigmoid(f32x4 x)
{
    // Beyond these the sigmoid is 1, or 0.
    x = f32x4_max(f32x4_min(x, f32x4_splat(30.0F)), f32x4_splat(-104.0F));
    // 2^24 t has no denormals, down to n = -150.
    const f32x4 bias = f32x4_splat(VMATH_ROUND + 127.0F + 24.0F);
    const f32x4 shifted = f32x4_add(f32x4_mul(x, f32x4_splat(VMATH_LOG2_E)), bias);
    const f32x4 n = f32x4_sub(shifted, bias);
    const f32x4 scaled = f32x4_from_bits(i32x4_shift_left(f32x4_bits(shifted), 23));
    const f32x4 t = f32x4_mul(scaled, f32x4_splat(0x1p-24F));

    const f32x4 hi = f32x4_sub(f32x4_mul(n, f32x4_splat(VMATH_LN2_HI)), x);
    const f32x4 lo = f32x4_mul(n, f32x4_splat(VMATH_LN2_LO));
    // 1 + t is exact, except that a t below 2^-23 is lost; it then counts among the small terms.
    const f32x4 one = f32x4_splat(1.0F);
    const f32x4 a = f32x4_add(one, t);
    const f32x4 lost = f32x4_add(f32x4_sub(one, a), t);
    const f32x4 sum = vmath_exp_sum(a, hi, f32x4_add(lo, lost), f32x4_add(hi, lo)); // t + e^r
    return f32x4_mul(f32x4_div(scaled, sum), f32x4_splat(0x1p-24F));
}

// The same over arrays; y may be x.                                             x, y [n]
void vmath_exp(size_t n, const float *x, float *y);
void vmath_log(size_t n, const float *x, float *y);
void vmath_tanh(size_t n, const float *x, float *y);
void vmath_sigmoid(size_t n, const float *x, float *y);

#endif
