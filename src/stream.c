// A step reads each weight once: products of few rows, nothing packed, the state updated in place.
#include "stream.h"

#include "linear.h"
#include "matmul_small.h"
#include "vector.h"

static void plan(module *m, arena *a)
{
    stack *s = (stack *)m;
    stack_stream *st = &s->stream;

    st->step = s->levels[0].layers[0];
    st->x = arena_floats(a, 1, (size_t)st->N, (size_t)m->inputs);
    st->y = arena_floats(a, 1, (size_t)st->N, (size_t)m->outputs);
    layer_plan_state(&st->step, s->L, st->N, a, &st->h, &st->c);
    layer_plan(&st->step, 1, st->N, true, a);
}

status stream_reset(stack *s, int N, const float *h0, const float *c0)
{
    stack_stream *st = &s->stream;
    const int before = st->N;

    st->N = N;
    if (N == 0)
        return UNROLLED_OK;
    const status e = module_plan(&s->base, &st->space, plan);
    if (e) { // what was carried still is
        st->N = before;
        if (before)
            module_plan(&s->base, &st->space, plan);
        return e;
    }
    const size_t rows = (size_t)s->L * (size_t)N;
    layer_clear_states(&st->step, rows, 0, st->h, st->c);
    if (h0)
        vector_copy(rows * (size_t)st->step.Ho, h0, st->h);
    if (c0)
        vector_copy(rows * (size_t)st->step.C, c0, st->c);
    return UNROLLED_OK;
}

status stream_reserve(stack *s, int N)
{
    if (s->stream.N == N)
        return UNROLLED_OK;
    return s->stream.N ? UNROLLED_E_SHAPE : stream_reset(s, N, NULL, NULL);
}

void stream_step(stack *s)
{
    const stack_stream *st = &s->stream;
    layer *l = &s->stream.step;
    const int N = st->N, GH = l->GH, Ho = l->Ho;
    const float *x = st->x;
    float *h = st->h, *c = st->c;

    for (int i = 0; i < s->L; i++) {
        const layer *from = &s->levels[i].layers[0];
        const int I = from->I;
        __builtin_memcpy(l->w, from->w, sizeof l->w);
        l->w_hh = (matmul_weights){.W = l->w[W_HH], .K = GH, .I = Ho};
        l->w_hr = (matmul_weights){.W = l->w[W_HR], .K = Ho, .I = l->H};
        l->c = c;
        layer_start(l, N);
        small_dot(N, GH, I, x, (size_t)I, l->w[W_IH], (size_t)I, l->gates, (size_t)GH);
        layer_step(l, l->gates, 0, h, (size_t)Ho, c, false, h);
        x = h;
        h += (size_t)N * (size_t)Ho;
        c += (size_t)N * (size_t)l->C;
    }
    vector_copy((size_t)N * (size_t)Ho, x, st->y);
}
