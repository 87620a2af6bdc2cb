// The cell of torch.nn.LSTM (S. Hochreiter, J. Schmidhuber 1997; forget gate: F. Gers et al. 2000;
// no peepholes), gates in PyTorch's order i f g o:
//
//     (i f g o) = W_ih x + b_ih + W_hh h + b_hh          by the caller, into `gates`
//     c' = sigmoid(f) * c + sigmoid(i) * tanh(g)                                   (1)
//     h' = sigmoid(o) * tanh(c')                                                   (2)
//
// and back, i f g o activated, t = tanh(c'):
//
//     dc' += dh' * o * (1 - t*t)                                                   (3)
//     di = dc' * g,  df = dc' * c,  dg = dc' * i,  do = dh' * t                    (4)
//     dc = dc' * f                                                                 (5)
//     before the activation: d * s * (1 - s) for i f o, d * (1 - g*g) for g        (6)
#include "lstm.h"

#include "vmath.h"

void lstm_step(int N, int H, float *gates, const float *c_prev, float *c, float *tanh_c, float *h,
               size_t h_step)
{
    for (int n = 0; n < N; n++) {
        float *i = gates, *f = i + H, *g = f + H, *o = g + H; // [H] each

        for (int k = 0; k < H; k += 4) {
            const int lanes = H - k; // below 4 only in the last block
            const f32x4 ik = f32x4_sigmoid(f32x4_load_n(i + k, lanes));
            const f32x4 fk = f32x4_sigmoid(f32x4_load_n(f + k, lanes));
            const f32x4 gk = f32x4_tanh(f32x4_load_n(g + k, lanes));
            const f32x4 ok = f32x4_sigmoid(f32x4_load_n(o + k, lanes));
            const f32x4 kept = f32x4_mul(fk, f32x4_load_n(c_prev + k, lanes));
            const f32x4 ck = f32x4_add(kept, f32x4_mul(ik, gk)); // (1)
            const f32x4 tk = f32x4_tanh(ck);

            f32x4_store_n(i + k, ik, lanes);
            f32x4_store_n(f + k, fk, lanes);
            f32x4_store_n(g + k, gk, lanes);
            f32x4_store_n(o + k, ok, lanes);
            f32x4_store_n(c + k, ck, lanes);
            f32x4_store_n(tanh_c + k, tk, lanes);
            f32x4_store_n(h + k, f32x4_mul(ok, tk), lanes); // (2)
        }
        gates += 4 * (size_t)H, c_prev += H, c += H, tanh_c += H, h += h_step;
    }
}

// d * s * (1 - s): through a sigmoid whose value is s.
static f32x4 through_sigmoid(f32x4 d, f32x4 s)
{
    return f32x4_mul(d, f32x4_mul(s, f32x4_sub(f32x4_splat(1.0F), s)));
}

// d * (1 - t * t): through a tanh whose value is t.
static f32x4 through_tanh(f32x4 d, f32x4 t)
{
    return f32x4_mul(d, f32x4_sub(f32x4_splat(1.0F), f32x4_mul(t, t)));
}

void lstm_step_backward(int N, int H, float *gates, const float *c_prev, const float *tanh_c,
                        const float *dh, float *dc)
{
    for (int n = 0; n < N; n++) {
        float *i = gates, *f = i + H, *g = f + H, *o = g + H; // [H] each

        for (int k = 0; k < H; k += 4) {
            const int lanes = H - k;
            const f32x4 ik = f32x4_load_n(i + k, lanes), fk = f32x4_load_n(f + k, lanes);
            const f32x4 gk = f32x4_load_n(g + k, lanes), ok = f32x4_load_n(o + k, lanes);
            const f32x4 tk = f32x4_load_n(tanh_c + k, lanes), dhk = f32x4_load_n(dh + k, lanes);
            const f32x4 through_h = through_tanh(f32x4_mul(dhk, ok), tk);
            const f32x4 dck = f32x4_add(f32x4_load_n(dc + k, lanes), through_h); // (3)
            const f32x4 di = f32x4_mul(dck, gk), dg = f32x4_mul(dck, ik);        // (4)
            const f32x4 df = f32x4_mul(dck, f32x4_load_n(c_prev + k, lanes));
            const f32x4 dout = f32x4_mul(dhk, tk);

            f32x4_store_n(dc + k, f32x4_mul(dck, fk), lanes);     // (5)
            f32x4_store_n(i + k, through_sigmoid(di, ik), lanes); // (6)
            f32x4_store_n(f + k, through_sigmoid(df, fk), lanes);
            f32x4_store_n(g + k, through_tanh(dg, gk), lanes);
            f32x4_store_n(o + k, through_sigmoid(dout, ok), lanes);
        }
        gates += 4 * (size_t)H, c_prev += H, tanh_c += H, dh += H, dc += H;
    }
}
