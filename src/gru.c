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

#include "vmath.h"

void gru_step(int N, int H, float *gates, const float *recurrent, float *recurrent_n,
              const float *h_prev, size_t h_prev_step, float *h, size_t h_step)
{
    for (int row = 0; row < N; row++) {
        float *r = gates, *z = r + H, *n = z + H; // [H] each
        const float *hr = recurrent, *hz = hr + H, *hn = hz + H;

        for (int k = 0; k < H; k += 4) {
            const int lanes = H - k;
            const f32x4 ar = f32x4_add(f32x4_load_n(r + k, lanes), f32x4_load_n(hr + k, lanes));
            const f32x4 az = f32x4_add(f32x4_load_n(z + k, lanes), f32x4_load_n(hz + k, lanes));
            const f32x4 q = f32x4_load_n(hn + k, lanes);
            const f32x4 rk = f32x4_sigmoid(ar); // (1)
            const f32x4 zk = f32x4_sigmoid(az); // (2)
            const f32x4 nk =
                f32x4_tanh(f32x4_add(f32x4_load_n(n + k, lanes), f32x4_mul(rk, q))); // (3)
            const f32x4 hk = f32x4_load_n(h_prev + k, lanes);

            f32x4_store_n(r + k, rk, lanes);
            f32x4_store_n(z + k, zk, lanes);
            f32x4_store_n(n + k, nk, lanes);
            f32x4_store_n(recurrent_n + k, q, lanes);
            f32x4_store_n(h + k, f32x4_add(nk, f32x4_mul(zk, f32x4_sub(hk, nk))), lanes); // (4)
        }
        gates += 3 * (size_t)H, recurrent += 3 * (size_t)H, recurrent_n += H;
        h_prev += h_prev_step, h += h_step;
    }
}

void gru_step_backward(int N, int H, float *gates, float *recurrent_n, const float *h_prev,
                       size_t h_prev_step, float *dh)
{
    const f32x4 one = f32x4_splat(1.0F);

    for (int row = 0; row < N; row++) {
        float *r = gates, *z = r + H, *n = z + H; // [H] each

        for (int k = 0; k < H; k += 4) {
            const int lanes = H - k;
            const f32x4 rk = f32x4_load_n(r + k, lanes), zk = f32x4_load_n(z + k, lanes);
            const f32x4 nk = f32x4_load_n(n + k, lanes), q = f32x4_load_n(recurrent_n + k, lanes);
            const f32x4 hk = f32x4_load_n(h_prev + k, lanes), dhk = f32x4_load_n(dh + k, lanes);
            const f32x4 dn = f32x4_mul(dhk, f32x4_sub(one, zk)); // (5)
            const f32x4 dz = f32x4_mul(dhk, f32x4_sub(hk, nk));
            const f32x4 dan = f32x4_mul(dn, f32x4_sub(one, f32x4_mul(nk, nk))); // (6)
            const f32x4 dr = f32x4_mul(dan, q);

            f32x4_store_n(dh + k, f32x4_mul(dhk, zk), lanes);
            f32x4_store_n(recurrent_n + k, f32x4_mul(dan, rk), lanes);
            f32x4_store_n(r + k, f32x4_mul(dr, f32x4_mul(rk, f32x4_sub(one, rk))), lanes); // (7)
            f32x4_store_n(z + k, f32x4_mul(dz, f32x4_mul(zk, f32x4_sub(one, zk))), lanes);
            f32x4_store_n(n + k, dan, lanes);
        }
        gates += 3 * (size_t)H, recurrent_n += H, h_prev += h_prev_step, dh += H;
    }
}
