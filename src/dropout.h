// torch.nn.Dropout.
#ifndef UNROLLED_DROPOUT_H
#define UNROLLED_DROPOUT_H

#include "module.h"

// mask [n] = bernoulli(1 - p) / (1 - p): 0, or what keeps the mean. p in [0, 1]; p = 1 is all
// zeros, and p = 0 all ones, without a draw.
void dropout_mask(rng *r, size_t n, double p, float *mask);

// NULL: no memory.
module *dropout_create(double p);

#endif
