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

static bool is_logarithm(const module *m)
{
    return ((const activation *)m)->kind == UNROLLED_LOG_SOFTMAX;
}

// Σ a b, b NULL: Σ a; in four partial sums, as vectors add up.
static float sum_of(int F, const float *a, const float *b)
{
    float sums[4] = {0, 0, 0, 0};
    for (int i = 0; i < F; i++)
        sums[i % 4] += b ? a[i] * b[i] : a[i];
    return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

static void softmax(const module *m, const float *x, float *y)
{
    const int F = m->in.F;
    float max = x[0]; // NaN where the row has one

    for (int i = 1; i < F; i++)
        max = x[i] > max || x[i] != x[i] ? x[i] : max;
    for (int i = 0; i < F; i++)
        y[i] = x[i] - max;
    vmath_exp((size_t)F, y, y);
    float sum = sum_of(F, y, NULL);
    if (is_logarithm(m))
        vmath_log(1, &sum, &sum);
    for (int i = 0; i < F; i++)
        y[i] = is_logarithm(m) ? x[i] - max - sum : y[i] / sum; // (2) (1)
}

static void softmax_back(const module *m, const float *y, const float *dy, float *dx)
{
    const int F = m->in.F;
    const float sum = sum_of(F, dy, is_logarithm(m) ? NULL : y);

    if (is_logarithm(m))
        vmath_exp((size_t)F, y, dx);
    for (int i = 0; i < F; i++)
        dx[i] = is_logarithm(m) ? dy[i] - dx[i] * sum : y[i] * (dy[i] - sum); // (2) (1)
}

// The elementwise function, or none: a softmax.
static activate_kind function_of(const module *m)
{
    static const unsigned char functions[] = {[UNROLLED_TANH] = ACTIVATE_TANH,
                                              [UNROLLED_RELU] = ACTIVATE_RELU,
                                              [UNROLLED_SIGMOID] = ACTIVATE_SIGMOID,
                                              [UNROLLED_LOG_SOFTMAX] = ACTIVATE_NONE};
    return functions[((const activation *)m)->kind];
}

static void activation_forward(module *m, const float *x)
{
    const activate_kind f = function_of(m);
    const size_t n = shape_values(&m->in), F = (size_t)m->in.F;

    if (f)
        activate(f, n, x, m->y);
    else
        for (size_t i = 0; i < n; i += F)
            softmax(m, x + i, m->y + i);
}

static void activation_backward(module *m, const float *dy, int wanted)
{
    const activate_kind f = function_of(m);
    const size_t n = shape_values(&m->in), F = (size_t)m->in.F;

    if (!(wanted & WANT_INPUT))
        return;
    if (f)
        activate_back(f, n, m->y, dy, m->dx);
    else
        for (size_t i = 0; i < n; i += F)
            softmax_back(m, m->y + i, dy + i, m->dx + i);
}

static const module_kind activation_kind = {.forward = activation_forward,
                                            .backward = activation_backward};

module *activation_create(int kind, int size)
{
    activation *a = module_create(&activation_kind, sizeof *a, 0, 0);
    if (!a)
        return NULL;
    a->kind = kind;
    a->base.inputs = a->base.outputs = size;
    return &a->base;
}
