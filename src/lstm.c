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

#include "activate.h"
#include "elementwise.h"
#include "vector.h"
#include "vmath.h"

// rows: c'; inputs: i f g activated, c
static void remember(const void *settings, size_t n, float *const *rows, const float *const *inputs)
{
    const float *i = inputs[0], *f = inputs[1], *g = inputs[2], *c_prev = inputs[3];
    (void)settings;

    for (size_t k = 0; k < n; k += 4) {
        const f32x4 kept = f32x4_mul(f32x4_load(f + k), f32x4_load(c_prev + k));
        const f32x4 taken = f32x4_mul(f32x4_load(i + k), f32x4_load(g + k));
        f32x4_store(rows[0] + k, f32x4_add(kept, taken)); // (1)
    }
}

void lstm_step(int N, int H, float *gates, const float *c_prev, float *c, float *tanh_c, float *h,
               size_t h_step)
{
    const size_t values = (size_t)H;

    for (int n = 0; n < N; n++) {
        float *i = gates, *f = i + H, *g = f + H, *o = g + H; // [H] each
        vmath_sigmoid(2 * values, i, i);
        vmath_tanh(values, g, g);
        vmath_sigmoid(values, o, o);
        elementwise(remember, NULL, values, 1, &c, 4, (const float *[]){i, f, g, c_prev});
        vmath_tanh(values, c, tanh_c);
        vector_multiply(values, o, tanh_c, h); // (2)
        gates += 4 * values, c_prev += H, c += H, tanh_c += H, h += h_step;
    }
}

// rows: i f g o, which become their gradients, dc; inputs: c, tanh(c'), dh'
static void backward(const void *settings, size_t n, float *const *rows, const float *const *inputs)
{
    float *i = rows[0], *f = rows[1], *g = rows[2], *o = rows[3], *dc = rows[4];
    const float *c_prev = inputs[0], *tanh_c = inputs[1], *dh = inputs[2];
    (void)settings;

    for (size_t k = 0; k < n; k += 4) {
        const f32x4 ik = f32x4_load(i + k), fk = f32x4_load(f + k);
        const f32x4 gk = f32x4_load(g + k), ok = f32x4_load(o + k);
        const f32x4 tk = f32x4_load(tanh_c + k), dhk = f32x4_load(dh + k);
        const f32x4 through_h = activate_back_tanh(f32x4_mul(dhk, ok), tk);
        const f32x4 dck = f32x4_add(f32x4_load(dc + k), through_h); // (3)
        const f32x4 dfk = f32x4_mul(dck, f32x4_load(c_prev + k));   // (4)

        f32x4_store(dc + k, f32x4_mul(dck, fk));                           // (5)
        f32x4_store(i + k, activate_back_sigmoid(f32x4_mul(dck, gk), ik)); // (6)
        f32x4_store(f + k, activate_back_sigmoid(dfk, fk));
        f32x4_store(g + k, activate_back_tanh(f32x4_mul(dck, ik), gk));
        f32x4_store(o + k, activate_back_sigmoid(f32x4_mul(dhk, tk), ok));
    }
}

void lstm_step_backward(int N, int H, float *gates, const float *c_prev, const float *tanh_c,
                        const float *dh, float *dc)
{
    for (int n = 0; n < N; n++) {
        float *i = gates, *f = i + H, *g = f + H, *o = g + H; // [H] each
        elementwise(backward, NULL, (size_t)H, 5, (float *[]){i, f, g, o, dc}, 3,
                    (const float *[]){c_prev, tanh_c, dh});
        gates += 4 * (size_t)H, c_prev += H, tanh_c += H, dh += H, dc += H;
    }
}
