// Products of few rows, forwards: the weights are streamed once, from where they lie.
#ifndef UNROLLED_MATMUL_SMALL_H
#define UNROLLED_MATMUL_SMALL_H

#include "base.h"

// Y[M][K] += X[M][I] · Wᵀ by dot products.
void small_dot(int M, int K, int I, const float *X, size_t x_step, const float *W, size_t w_step,
               float *Y, size_t y_step);

#endif
