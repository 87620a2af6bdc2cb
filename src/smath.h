// Functions of single numbers, for those whose digits must not depend on the machine: normal random
// numbers, and powers. (vmath.h is for many numbers, and in float.)
//
// In double they are off by less than one unit in the last place, so that a float made of them is
// the one that any good C library leads to. The others are what PyTorch's AVX2 code computes: the
// polynomials of S. Moshier's Cephes library (logf.c, sinf.c) with fused multiply-adds, the same
// operations in the same order.
#ifndef UNROLLED_SMATH_H
#define UNROLLED_SMATH_H

#include "base.h"

// Off by less than 0.55 units in the last place (log), 0.95 (sine, cosine); exp by a few up to
// |x| = 10, by 2^-42 of itself beyond.
double smath_log(double x); // natural; x > 0, not denormal
double smath_exp(double x);
void smath_sincos(double x, double *sine, double *cosine); // x in [0, 2 pi]

float smath_fused(float a, float b, float c);                    // a * b + c, rounded once
float smath_cephes_log(float x);                                 // natural; x > 0, not denormal
void smath_cephes_sincos(float x, double *sine, double *cosine); // floats; x in [0, 2 pi]

#endif
