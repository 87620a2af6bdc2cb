// Each keeps its result y, and every gradient is written in terms of it. Elementwise ones are in
// activate.c; over a row:
//
//     softmax      y = e^(x - max) / Σ e^(x - max);   dx = y (dy - Σ dy y)         (1)
//     log-softmax  y = x - max - log Σ e^(x - max);   dx = dy - e^y Σ dy           (2)
#include "activation.h"

#include "activate.h"
#include "vmath.h"

typedef struct {
    module base;
    int kind;
} activation;

static status activation_shape_of(const module *m, shape in, shape *out)
{
    if (m->inputs && in.F != m->inputs)
        return UNROLLED_E_SHAPE;
    *out = in;
    return UNROLLED_OK;
}

static void activation_plan(module *m, arena *a)
{
    const size_t T = (size_t)m->in.T, N = (size_t)m->in.N, F = (size_t)m->in.F;
    m->y = arena_floats(a, T, N, F);
    m->dx = m->keep ? arena_floats(a, T, N, F) : NULL;
}

// The largest of a row; NaN where the row has one.
static float row_max(int F, const float *x)
{
    float max = x[0];
    for (int i = 1; i < F; i++)
        max = x[i] > max || x[i] != x[i] ? x[i] : max;
    return max;
}

static void softmax_row(int F, const float *x, float *y, bool logarithm)
{
    const f32x4 max = f32x4_splat(row_max(F, x));
    f32x4 sums = f32x4_zero();

    for (int i = 0; i < F; i += 4) {
        const int lanes = F - i;
        const f32x4 shifted = f32x4_sub(f32x4_load_n(x + i, lanes), max);
        const f32x4 e = f32x4_exp(shifted);
        sums = f32x4_add(sums, f32x4_first(e, lanes, f32x4_zero()));
        f32x4_store_n(y + i, logarithm ? shifted : e, lanes);
    }
    const f32x4 sum = f32x4_splat(f32x4_sum(sums)), log_sum = f32x4_log(sum);
    for (int i = 0; i < F; i += 4) {
        const f32x4 v = f32x4_load_n(y + i, F - i);
        f32x4_store_n(y + i, logarithm ? f32x4_sub(v, log_sum) : f32x4_div(v, sum),
                      F - i); // (1) (2)
    }
}

static activate_kind function_of(int kind)
{
    return kind == UNROLLED_TANH   ? ACTIVATE_TANH
           : kind == UNROLLED_RELU ? ACTIVATE_RELU
                                   : ACTIVATE_SIGMOID;
}

static void activation_forward(module *m, const float *x)
{
    const int kind = ((activation *)m)->kind, F = m->in.F;
    const size_t rows = (size_t)m->in.T * (size_t)m->in.N, n = rows * (size_t)F;

    if (kind < UNROLLED_SOFTMAX) {
        activate(function_of(kind), n, x, m->y);
        return;
    }
    for (size_t i = 0; i < n; i += (size_t)F)
        softmax_row(F, x + i, m->y + i, kind == UNROLLED_LOG_SOFTMAX);
}

static void softmax_row_backward(int F, const float *y, const float *dy, float *dx, bool logarithm)
{
    f32x4 sums = f32x4_zero();

    for (int i = 0; i < F; i += 4) {
        const f32x4 d = f32x4_load_n(dy + i, F - i);
        const f32x4 term = logarithm ? d : f32x4_mul(d, f32x4_load_n(y + i, F - i));
        sums = f32x4_add(sums, f32x4_first(term, F - i, f32x4_zero()));
    }
    const f32x4 sum = f32x4_splat(f32x4_sum(sums));
    for (int i = 0; i < F; i += 4) {
        const f32x4 d = f32x4_load_n(dy + i, F - i), v = f32x4_load_n(y + i, F - i);
        const f32x4 out = logarithm ? f32x4_sub(d, f32x4_mul(f32x4_exp(v), sum)) // (2)
                                    : f32x4_mul(v, f32x4_sub(d, sum));           // (1)
        f32x4_store_n(dx + i, out, F - i);
    }
}

static void activation_backward(module *m, const float *dy, int wanted)
{
    const int kind = ((activation *)m)->kind, F = m->in.F;
    const size_t rows = (size_t)m->in.T * (size_t)m->in.N, n = rows * (size_t)F;
    const float *y = m->y;

    if (!(wanted & WANT_INPUT))
        return;
    if (kind < UNROLLED_SOFTMAX) {
        activate_back(function_of(kind), n, y, dy, m->dx);
        return;
    }
    for (size_t i = 0; i < n; i += (size_t)F)
        softmax_row_backward(F, y + i, dy + i, m->dx + i, kind == UNROLLED_LOG_SOFTMAX);
}

static const module_kind activation_kind = {.shape_of = activation_shape_of,
                                            .plan = activation_plan,
                                            .forward = activation_forward,
                                            .backward = activation_backward};

module *activation_create(int kind, int size)
{
    activation *a = module_create(&activation_kind, sizeof *a, size, size);
    if (!a)
        return NULL;
    a->kind = kind;
    return &a->base;
}
