// One time step of a GRU; the products with the weights are done by the caller.
#ifndef UNROLLED_GRU_H
#define UNROLLED_GRU_H

#include "base.h"

// Rows of h_prev and h are h_step apart in each; h may be h_prev.
void gru_step(int N, int H,
              float *gates,           // [N][3][H]  in: W_ih x + b_ih, out: r z n
              const float *recurrent, // [N][3][H]  W_hh h + b_hh
              float *recurrent_n,     // [N][H]     out, kept for the backward: its third part
              const float *h_prev, size_t h_prev_step, // [N][H]
              float *h, size_t h_step);                // [N][H]     out

void gru_step_backward(int N, int H,
                       float *gates,       // [N][3][H]  in: r z n, out: their gradients before
                                           //            the activation
                       float *recurrent_n, // [N][H]     in: as kept, out: its gradient
                       const float *h_prev, size_t h_prev_step, // [N][H]
                       float *dh); // [N][H]     in: of h, out: the part of h_prev that
                                   //            does not pass through the gates
#endif
