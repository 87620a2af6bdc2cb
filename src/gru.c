// The cell of torch.nn.GRU (K. Cho et al. 2014, in the form with the reset gate AFTER the recurrent
// product, as cuDNN has it), gates in PyTorch's order r z n:
//
//     r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)                                   (1)
//     z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)                                   (2)
//     q = W_hn h + b_hn
//     n = tanh(W_in x + b_in + r * q)                                              (3)
//     h' = n + z * (h - n)                                                         (4)
//
// and back:
//
//     dn = dh' * (1 - z),  dz = dh' * (h - n),  dh = dh' * z                       (5)
//     da_n = dn * (1 - n*n),  dq = da_n * r,  dr = da_n * q                        (6)
//     da_z = dz * z * (1 - z),  da_r = dr * r * (1 - r)                            (7)
#include "gru.h"

#include "activate.h"
#include "elementwise.h"
#include "vector.h"
#include "vmath.h"

// rows: n, what comes before its tanh; inputs: r, q
static void reset(const void *settings, size_t count, float *const *rows,
                  const float *const *inputs)
{
    (void)settings;
    for (size_t k = 0; k < count; k += 4) {
        const f32x4 rq = f32x4_mul(f32x4_load(inputs[0] + k), f32x4_load(inputs[1] + k));
        f32x4_store(rows[0] + k, f32x4_add(f32x4_load(rows[0] + k), rq)); // (3)
    }
}

// rows: h'; inputs: z, n, h
static void mix(const void *settings, size_t count, float *const *rows, const float *const *inputs)
{
    (void)settings;
    for (size_t k = 0; k < count; k += 4) {
        const f32x4 z = f32x4_load(inputs[0] + k), n = f32x4_load(inputs[1] + k);
        const f32x4 away = f32x4_sub(f32x4_load(inputs[2] + k), n);
        f32x4_store(rows[0] + k, f32x4_add(n, f32x4_mul(z, away))); // (4)
    }
}

void gru_step(int N, int H, float *gates, const float *recurrent, float *recurrent_n,
              const float *h_prev, size_t h_prev_step, float *h, size_t h_step)
{
    const size_t values = (size_t)H;

    for (int row = 0; row < N; row++) {
        float *r = gates, *z = r + H, *n = z + H; // [H] each
        const float *q = recurrent + 2 * values;
        vector_add(2 * values, recurrent, r);
        vmath_sigmoid(2 * values, r, r); // (1) (2)
        elementwise(reset, NULL, values, 1, &n, 2, (const float *[]){r, q});
        vmath_tanh(values, n, n);
        vector_copy(values, q, recurrent_n);
        elementwise(mix, NULL, values, 1, &h, 3, (const float *[]){z, n, h_prev});
        gates += 3 * values, recurrent += 3 * values, recurrent_n += H;
        h_prev += h_prev_step, h += h_step;
    }
}

// rows: r z n and q, which become their gradients, dh; inputs: h
static void backward(const void *settings, size_t count, float *const *rows,
                     const float *const *inputs)
{
    float *r = rows[0], *z = rows[1], *n = rows[2], *recurrent_n = rows[3], *dh = rows[4];
    const float *h_prev = inputs[0];
    const f32x4 one = f32x4_splat(1.0F);
    (void)settings;

    for (size_t k = 0; k < count; k += 4) {
        const f32x4 rk = f32x4_load(r + k), zk = f32x4_load(z + k), nk = f32x4_load(n + k);
        const f32x4 q = f32x4_load(recurrent_n + k), hk = f32x4_load(h_prev + k);
        const f32x4 dhk = f32x4_load(dh + k);
        const f32x4 dn = f32x4_mul(dhk, f32x4_sub(one, zk)); // (5)
        const f32x4 dz = f32x4_mul(dhk, f32x4_sub(hk, nk));
        const f32x4 da = activate_back_tanh(dn, nk); // (6)
        const f32x4 dr = f32x4_mul(da, q);

        f32x4_store(dh + k, f32x4_mul(dhk, zk));
        f32x4_store(recurrent_n + k, f32x4_mul(da, rk));
        f32x4_store(r + k, activate_back_sigmoid(dr, rk)); // (7)
        f32x4_store(z + k, activate_back_sigmoid(dz, zk));
        f32x4_store(n + k, da);
    }
}

void gru_step_backward(int N, int H, float *gates, float *recurrent_n, const float *h_prev,
                       size_t h_prev_step, float *dh)
{
    for (int row = 0; row < N; row++) {
        float *r = gates, *z = r + H, *n = z + H; // [H] each
        elementwise(backward, NULL, (size_t)H, 5, (float *[]){r, z, n, recurrent_n, dh}, 1,
                    &h_prev);
        gates += 3 * (size_t)H, recurrent_n += H, h_prev += h_prev_step, dh += H;
    }
}
