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
    float *tops, *sums; // [T][N] each, of a softmax: max, and Σ or log Σ
} activation;

static void activation_plan(module *m, arena *a)
{
    activation *s = (activation *)m;
    s->tops = arena_floats(a, 1, (size_t)m->in.T, (size_t)m->in.N);
    s->sums = arena_floats(a, 1, (size_t)m->in.T, (size_t)m->in.N);
}

// sums [rows] = Σ a b over each row, Σ a where b is NULL; in four parts, as vectors add up.
static void sum_rows(size_t rows, int F, const float *a, const float *b, float *sums)
{
    for (size_t r = 0; r < rows; r++) {
        float parts[4] = {0, 0, 0, 0};
        for (int i = 0; i < F; i++, a++)
            parts[i % 4] += b ? *a * *b++ : *a;
        sums[r] = (parts[0] + parts[2]) + (parts[1] + parts[3]);
    }
}

static void softmax(const activation *s, size_t rows, const float *x, float *y)
{
    const bool logarithm = s->kind == UNROLLED_LOG_SOFTMAX;
    const int F = s->base.in.F;
    const float *from = x;
    float *to = y;

    for (size_t r = 0; r < rows; r++, from += F, to += F) {
        float max = -__builtin_inff(); // NaN where the row has one
        for (int i = 0; i < F; i++)
            max = from[i] > max || from[i] != from[i] ? from[i] : max;
        for (int i = 0; i < F; i++)
            to[i] = from[i] - max;
        s->tops[r] = max;
    }
    vmath_exp(rows * (size_t)F, y, y);
    sum_rows(rows, F, y, NULL, s->sums);
    if (logarithm)
        vmath_log(rows, s->sums, s->sums);
    for (size_t r = 0; r < rows; r++)
        for (int i = 0; i < F; i++, x++, y++)
            *y = logarithm ? *x - s->tops[r] - s->sums[r] : *y / s->sums[r]; // (2) (1)
}

static void softmax_back(const activation *s, size_t rows, const float *y, const float *dy,
                         float *dx)
{
    const bool logarithm = s->kind == UNROLLED_LOG_SOFTMAX;
    const int F = s->base.in.F;

    sum_rows(rows, F, dy, logarithm ? NULL : y, s->sums);
    if (logarithm)
        vmath_exp(rows * (size_t)F, y, dx);
    for (size_t r = 0; r < rows; r++)
        for (int i = 0; i < F; i++, y++, dy++, dx++)
            *dx = logarithm ? *dy - *dx * s->sums[r] : *y * (*dy - s->sums[r]); // (2) (1)
}

// ACTIVATE_NONE: a softmax.
static activate_kind function_of(const activation *s)
{
    return s->kind == UNROLLED_TANH      ? ACTIVATE_TANH
           : s->kind == UNROLLED_RELU    ? ACTIVATE_RELU
           : s->kind == UNROLLED_SIGMOID ? ACTIVATE_SIGMOID
                                         : ACTIVATE_NONE;
}

static void activation_forward(module *m, const float *x)
{
    const activation *s = (activation *)m;
    const activate_kind f = function_of(s);

    if (f)
        activate(f, shape_values(&m->in), x, m->y);
    else
        softmax(s, (size_t)m->in.T * (size_t)m->in.N, x, m->y);
}

static void activation_backward(module *m, const float *dy, int wanted)
{
    const activation *s = (activation *)m;
    const activate_kind f = function_of(s);

    (void)wanted; // the first of a model is hardly ever one of these
    if (f)
        activate_back(f, shape_values(&m->in), m->y, dy, m->dx);
    else
        softmax_back(s, (size_t)m->in.T * (size_t)m->in.N, m->y, dy, m->dx);
}

static const module_kind activation_kind = {
    .plan = activation_plan, .forward = activation_forward, .backward = activation_backward};

module *activation_create(int kind, int size)
{
    activation *a = module_create(&activation_kind, sizeof *a, 0, 0);
    if (!a)
        return NULL;
    a->kind = kind;
    a->base.inputs = a->base.outputs = size;
    return &a->base;
}
