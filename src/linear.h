// torch.nn.Linear: y = x Wᵀ + b over the last axis.
#ifndef UNROLLED_LINEAR_H
#define UNROLLED_LINEAR_H

#include "module.h"

// NULL: no memory, *why says so.
module *linear_create(int I, int K, bool bias, rng *r, status *why);

#endif
