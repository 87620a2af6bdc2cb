// torch.nn.init over one parameter, drawn as PyTorch draws it.
// A parameter is [rows][cols] (Linear and recurrent weights: rows = fan_out, cols = fan_in); a
// vector has cols 0, and only the first three kinds take it. The values are PyTorch's to the bit,
// but for INIT_ORTHOGONAL, where its float32 factorization is off by some 1e-7 and this one is not.
#ifndef UNROLLED_INIT_H
#define UNROLLED_INIT_H

#include "rng.h"

typedef enum {
    INIT_UNIFORM,         // a = low, b = high
    INIT_NORMAL,          // a = mean, b = std
    INIT_CONSTANT,        // a = value
    INIT_XAVIER_UNIFORM,  // a = gain
    INIT_XAVIER_NORMAL,   // a = gain
    INIT_KAIMING_UNIFORM, // a = gain of the nonlinearity, b = 0: fan_in, 1: fan_out
    INIT_KAIMING_NORMAL,  // a = gain of the nonlinearity, b = 0: fan_in, 1: fan_out
    INIT_ORTHOGONAL,      // a = gain
    INIT_KINDS
} init_kind;

// Fills data [rows][cols]. INIT_ORTHOGONAL takes scratch memory of its own and may answer
// UNROLLED_E_MEMORY, before anything is drawn or written; the others always succeed.
status init_fill(rng *r, init_kind kind, int rows, int cols, double a, double b, float *data);

#endif
