// Each keeps its result y, and every gradient is written in terms of it:
//
//     tanh         dx = dy (1 - y²)                                                (1)
//     relu         dx = dy where y > 0                                             (2)
//     sigmoid      dx = dy y (1 - y)                                               (3)
//     softmax      y = e^(x - max) / Σ e^(x - max);   dx = y (dy - Σ dy y)         (4)
//     log-softmax  y = x - max - log Σ e^(x - max);   dx = dy - e^y Σ dy           (5)
#include "activation.h"

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

static void relu(size_t n, const float *x, float *y)
{
    for (size_t i = 0; i < n; i += 4) {
        const int lanes = simd_lanes(i, n);
        const f32x4 v = f32x4_load_n(x + i, lanes);
        f32x4_store_n(y + i, f32x4_select(f32x4_lt(v, f32x4_zero()), f32x4_zero(), v), lanes);
    }
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
                      F - i); // (4) (5)
    }
}

static void activation_forward(module *m, const float *x)
{
    const int kind = ((activation *)m)->kind, F = m->in.F;
    const size_t rows = (size_t)m->in.T * (size_t)m->in.N, n = rows * (size_t)F;

    switch (kind) {
    case UNROLLED_TANH:
        vmath_tanh(n, x, m->y);
        break;
    case UNROLLED_RELU:
        relu(n, x, m->y);
        break;
    case UNROLLED_SIGMOID:
        vmath_sigmoid(n, x, m->y);
        break;
    default:
        for (size_t i = 0; i < n; i += (size_t)F)
            softmax_row(F, x + i, m->y + i, kind == UNROLLED_LOG_SOFTMAX);
    }
}

static f32x4 elementwise_gradient(int kind, f32x4 y, f32x4 dy)
{
    const f32x4 one = f32x4_splat(1.0F);
    switch (kind) {
    case UNROLLED_TANH:
        return f32x4_mul(dy, f32x4_sub(one, f32x4_mul(y, y))); // (1)
    case UNROLLED_RELU:
        return f32x4_select(f32x4_le(y, f32x4_zero()), f32x4_zero(), dy); // (2)
    default:
        return f32x4_mul(f32x4_mul(dy, f32x4_sub(one, y)), y); // (3)
    }
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
        const f32x4 out = logarithm ? f32x4_sub(d, f32x4_mul(f32x4_exp(v), sum)) // (5)
                                    : f32x4_mul(v, f32x4_sub(d, sum));           // (4)
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
    if (kind == UNROLLED_SOFTMAX || kind == UNROLLED_LOG_SOFTMAX) {
        for (size_t i = 0; i < n; i += (size_t)F)
            softmax_row_backward(F, y + i, dy + i, m->dx + i, kind == UNROLLED_LOG_SOFTMAX);
        return;
    }
    for (size_t i = 0; i < n; i += 4) {
        const int lanes = simd_lanes(i, n);
        const f32x4 d =
            elementwise_gradient(kind, f32x4_load_n(y + i, lanes), f32x4_load_n(dy + i, lanes));
        f32x4_store_n(m->dx + i, d, lanes);
    }
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
