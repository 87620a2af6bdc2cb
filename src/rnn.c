// The Elman network of torch.nn.RNN (J. L. Elman, "Finding structure in time", 1990):
//
//     a  = W_ih x + b_ih + W_hh h + b_hh            by the caller
//     h' = f(a),  f = tanh, relu or the identity                                   (1)
//     da = dh' f'(a)                                                               (2)
#include "rnn.h"

#include "activate.h"
#include "vector.h"

static activate_kind function_of(int kind)
{
    return kind == UNROLLED_RNN_TANH   ? ACTIVATE_TANH
           : kind == UNROLLED_RNN_RELU ? ACTIVATE_RELU
                                       : ACTIVATE_NONE;
}

void rnn_step(int kind, int N, int H, float *gates, float *h, size_t h_step)
{
    activate(function_of(kind), (size_t)N * (size_t)H, gates, gates); // (1)
    vector_copy_rows(N, H, gates, (size_t)H, h, h_step);
}

void rnn_step_backward(int kind, int N, int H, float *gates, const float *dh)
{
    activate_back(function_of(kind), (size_t)N * (size_t)H, gates, dh, gates); // (2)
}
