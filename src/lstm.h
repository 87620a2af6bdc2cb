// One time step of an LSTM; the products with the weights are done by the caller.
#ifndef UNROLLED_LSTM_H
#define UNROLLED_LSTM_H

#include "base.h"

// Rows of h are h_step apart. c may be c_prev.
void lstm_step(int N, int H,
               float *gates,             // [N][4][H]  in: pre-activations, out: i f g o
               const float *c_prev,      // [N][H]
               float *c,                 // [N][H]     out
               float *tanh_c,            // [N][H]     out, kept for the backward
               float *h, size_t h_step); // [N][H]     out

void lstm_step_backward(int N, int H,
                        float *gates,        // [N][4][H]  in: i f g o, out: their gradients
                                             //            before the activation
                        const float *c_prev, // [N][H]
                        const float *tanh_c, // [N][H]
                        const float *dh,     // [N][H]
                        float *dc);          // [N][H]     in: of c, out: of c_prev

#endif
