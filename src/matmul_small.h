// Products of few rows: the weights are streamed from where they lie.
#ifndef UNROLLED_MATMUL_SMALL_H
#define UNROLLED_MATMUL_SMALL_H

#include "matmul_pack.h"

// Y[M][K] += X[M][I] · Wᵀ by dot products.
void small_dot(int M, int K, int I, const float *X, size_t x_step, const float *W, size_t w_step,
               float *Y, size_t y_step);

// C[rows][columns] (+)= A · B by tiles; b.across must be 1. Returns true when a value
// written may not be finite.
bool small_tiles(int rows, int columns, int depth, operand a, operand b, bool add, float *c,
                 size_t c_step);

#endif
