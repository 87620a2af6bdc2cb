// A step reads each weight once: products of few rows, nothing packed, the state updated in place.
#include "stream.h"

#include "gru.h"
#include "lstm.h"
#include "matmul_small.h"
#include "rnn.h"
#include "vector.h"

static void plan(stack *s, int rows, arena *a)
{
    stack_stream *st = &s->stream;
    const size_t N = (size_t)rows, L = (size_t)s->L, H = (size_t)s->H;
    const size_t Ho = (size_t)stack_state_size(s);
    const bool lstm = s->kind == UNROLLED_LSTM, gru = s->kind == UNROLLED_GRU;

    st->x = arena_floats(a, 1, N, (size_t)s->base.inputs);
    st->y = arena_floats(a, 1, N, Ho);
    st->h = arena_floats(a, L, N, Ho);
    st->c = arena_floats(a, lstm ? L : 0, N, H);
    st->gates = arena_floats(a, (size_t)layer_gates(s->kind), N, H);
    st->recurrent = arena_floats(a, gru ? 3 : 0, N, H);
    st->kept = arena_floats(a, lstm || gru ? 1 : 0, N, H);
    st->m = arena_floats(a, s->P ? 1 : 0, N, H);
}

static void set_state(stack *s, const float *h0, const float *c0)
{
    const size_t h = (size_t)s->L * (size_t)s->stream.N * (size_t)stack_state_size(s);
    const size_t c = (size_t)s->L * (size_t)s->stream.N * (size_t)s->H;

    if (h0)
        vector_copy(h, h0, s->stream.h);
    else
        vector_zero(h, s->stream.h);
    if (s->kind != UNROLLED_LSTM)
        return;
    if (c0)
        vector_copy(c, c0, s->stream.c);
    else
        vector_zero(c, s->stream.c);
}

status stream_reset(stack *s, int N, const float *h0, const float *c0)
{
    stack_stream *st = &s->stream;
    const stack_stream before = *st;
    arena a = {NULL, 0, false};

    if (N == 0) {
        st->N = 0;
        return UNROLLED_OK;
    }
    plan(s, N, &a);
    *st = before;
    const status e = workspace_fit(&st->space, &a);
    if (e)
        return e;
    a = workspace_arena(&st->space);
    plan(s, N, &a);
    st->N = N;
    set_state(s, h0, c0);
    return UNROLLED_OK;
}

status stream_reserve(stack *s, int N)
{
    if (s->stream.N == N)
        return UNROLLED_OK;
    return s->stream.N ? UNROLLED_E_SHAPE : stream_reset(s, N, NULL, NULL);
}

// y [N][K] = b + X Wᵀ (b NULL: zeros)
static void affine(int N, int K, int I, const float *b, const float *b2, const float *X,
                   const float *W, float *y)
{
    if (b)
        vector_fill_rows(N, K, b, b2, y, (size_t)K);
    else
        vector_zero((size_t)N * (size_t)K, y);
    small_dot(N, K, I, X, (size_t)I, W, (size_t)I, y, (size_t)K);
}

void stream_step(stack *s)
{
    const stack_stream *st = &s->stream;
    const int N = st->N, H = s->H, Ho = stack_state_size(s), GH = layer_gates(s->kind) * H;
    const float *x = st->x;

    for (int i = 0; i < s->L; i++) {
        const layer *l = &s->layers[i];
        float *h = st->h + (size_t)i * (size_t)N * (size_t)Ho, *out = s->P ? st->m : h;

        if (s->kind == UNROLLED_GRU) {
            affine(N, GH, l->I, l->b_ih, NULL, x, l->w_ih, st->gates);
            affine(N, GH, Ho, l->b_hh, NULL, h, l->w_hh, st->recurrent);
            gru_step(N, H, st->gates, st->recurrent, st->kept, h, (size_t)Ho, h, (size_t)Ho);
        } else {
            affine(N, GH, l->I, l->b_ih, l->b_hh, x, l->w_ih, st->gates);
            small_dot(N, GH, Ho, h, (size_t)Ho, l->w_hh, (size_t)Ho, st->gates, (size_t)GH);
            if (s->kind == UNROLLED_LSTM) {
                float *c = st->c + (size_t)i * (size_t)N * (size_t)H;
                lstm_step(N, H, st->gates, c, c, st->kept, out, (size_t)H);
            } else {
                rnn_step(s->kind, N, H, st->gates, out, (size_t)H);
            }
        }
        if (s->P)
            affine(N, Ho, H, NULL, NULL, st->m, l->w_hr, h);
        x = h;
    }
    vector_copy((size_t)N * (size_t)Ho, x, st->y);
}
