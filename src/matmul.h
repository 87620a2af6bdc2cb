// The three matrix products of training; all the linear algebra there is. Row-major. They ADD to
// their result; a gradient also replaces it. W is [K][I] without gaps; the other operands say how
// far their rows are apart.
//
//     matmul_forward    Y  [M][K] += X [M][I] · Wᵀ
//     matmul_backward   dX [M][I] += dY[M][K] · W
//     matmul_gradient   dW [K][I] += dYᵀ · X,  dY [M][K], X [M][I]
//
// Few rows go forwards by dot products (matmul_small), all else goes by tiles; of few rows only the
// left operand is packed for them. Inside a time loop the weights are packed once: matmul_pack_*,
// then matmul_*_again for every step.
#ifndef UNROLLED_MATMUL_H
#define UNROLLED_MATMUL_H

#include "base.h"

// Floats of scratch that any of the three needs for these sizes (0 is possible).
size_t matmul_scratch(int M, int K, int I);

// `of`: the rows of the whole product of which these M are a part. The way is chosen by it, so that
// a product done in parts has the bits of one done at once.
void matmul_forward(int M, int of, int K, int I, const float *X, size_t x_step, const float *W,
                    float *Y, size_t y_step, float *scratch);

void matmul_backward(int M, int K, int I, const float *dY, size_t dy_step, const float *W,
                     float *dX, size_t dx_step, float *scratch);

// add false: dW = dYᵀ · X. Returns true when a value written to dW may not be finite: one is, or
// only the sum of some is.
bool matmul_gradient(int M, int K, int I, const float *dY, size_t dy_step, const float *X,
                     size_t x_step, bool add, float *dW, float *scratch);

// The weights of a product that comes again and again with M rows: packed when that pays, else
// streamed from where they lie.
typedef struct {
    const float *W;      // [K][I]
    const float *panels; // NULL: not packed
    int K, I;
} matmul_weights;

// Floats for the panels, 0 when M rows are too few to pack for.
size_t matmul_panels(int M, int K, int I);

// panels [matmul_panels]; what the weights hold is read now, so pack anew after an update.
void matmul_pack_forward(int M, int K, int I, const float *W, float *panels, matmul_weights *w);
void matmul_pack_backward(int M, int K, int I, const float *W, float *panels, matmul_weights *w);

// As matmul_forward and matmul_backward, without scratch.
void matmul_forward_again(const matmul_weights *w, int M, const float *X, size_t x_step, float *Y,
                          size_t y_step);
void matmul_backward_again(const matmul_weights *w, int M, const float *dY, size_t dy_step,
                           float *dX, size_t dx_step);

#endif
