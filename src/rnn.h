// One time step of an Elman network; the products with the weights are done by the caller.
#ifndef UNROLLED_RNN_H
#define UNROLLED_RNN_H

#include "base.h"

// kind: UNROLLED_RNN_TANH, _RELU or _IDENTITY. Rows of h are h_step apart.
void rnn_step(int kind, int N, int H,
              float *gates,             // [N][H]  in: pre-activations, out: h
              float *h, size_t h_step); // [N][H]  out

void rnn_step_backward(int kind, int N, int H,
                       float *gates,     // [N][H]  in: h, out: gradient of the pre-activations
                       const float *dh); // [N][H]

#endif
