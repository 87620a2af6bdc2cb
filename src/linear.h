// torch.nn.Linear: y = x Wᵀ + b over the last axis.
#ifndef UNROLLED_LINEAR_H
#define UNROLLED_LINEAR_H

#include "module.h"

// NULL: no memory.
module *linear_create(int I, int K, bool bias, rng *r);

// What a product is added to: every row of y [M][K] becomes b (+ b2 where it is not NULL), or zeros
// where b is NULL.
void linear_start(int M, int K, const float *b, const float *b2, float *y);

#endif
