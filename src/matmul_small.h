// Products of few rows: the weights are streamed once and nothing is packed.
#ifndef UNROLLED_MATMUL_SMALL_H
#define UNROLLED_MATMUL_SMALL_H

#include "matmul_kernel.h"

// Y[M][K] += X[M][I] · Wᵀ by dot products.
void small_dot(int M, int K, int I, const float *X, size_t x_step, const float *W, size_t w_step,
               float *Y, size_t y_step);

// C[rows][columns] += A · B by tiles, operands read where they lie; b.row must be 1.
// Returns the poison of what was written.
float small_tiles(int rows, int columns, int depth, kernel_operand a, kernel_operand b, float *c,
                  size_t c_step);

#endif
