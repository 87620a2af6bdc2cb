// The Elman network of torch.nn.RNN (J. L. Elman, "Finding structure in time", 1990):
//
//     a  = W_ih x + b_ih + W_hh h + b_hh            by the caller
//     h' = f(a),  f = tanh, relu or the identity                                   (1)
//
// and back, with y = h':
//
//     da = dh' * (1 - y*y)   tanh                                                  (2)
//     da = dh' where y > 0   relu                                                  (3)
#include "rnn.h"

#include "vmath.h"

static f32x4 activate(int kind, f32x4 a)
{
    switch (kind) {
    case UNROLLED_RNN_TANH:
        return f32x4_tanh(a);
    case UNROLLED_RNN_RELU: // NaN stays NaN
        return f32x4_select(f32x4_lt(a, f32x4_zero()), f32x4_zero(), a);
    default:
        return a;
    }
}

void rnn_step(int kind, int N, int H, float *gates, float *h, size_t h_step)
{
    for (int n = 0; n < N; n++, gates += H, h += h_step) {
        for (int k = 0; k < H; k += 4) {
            const int lanes = H - k;
            const f32x4 y = activate(kind, f32x4_load_n(gates + k, lanes)); // (1)
            f32x4_store_n(gates + k, y, lanes);
            f32x4_store_n(h + k, y, lanes);
        }
    }
}

void rnn_step_backward(int kind, int N, int H, float *gates, const float *dh)
{
    const f32x4 one = f32x4_splat(1.0F);

    for (int n = 0; n < N; n++, gates += H, dh += H) {
        for (int k = 0; k < H; k += 4) {
            const int lanes = H - k;
            const f32x4 y = f32x4_load_n(gates + k, lanes);
            f32x4 da = f32x4_load_n(dh + k, lanes);
            if (kind == UNROLLED_RNN_TANH)
                da = f32x4_mul(da, f32x4_sub(one, f32x4_mul(y, y))); // (2)
            else if (kind == UNROLLED_RNN_RELU)
                da = f32x4_select(f32x4_le(y, f32x4_zero()), f32x4_zero(), da); // (3)
            f32x4_store_n(gates + k, da, lanes);
        }
    }
}
