//     y  [M][K]  = x Wᵀ + b       W [K][I]                                         (1)
//     dx [M][I]  = dy W                                                            (2)
//     dW        += dyᵀ x,  db += the sum of dy's rows                              (3)
//
// M is all rows, T·N. Default initialization: torch.nn.Linear.reset_parameters, that is
// kaiming_uniform_(a = √5) for W and uniform(±1/√I) for b.
#include "linear.h"

#include "matmul.h"
#include "vector.h"

typedef struct {
    module base;
    float *weight, *bias; // [K][I]; [K], NULL without
    const float *x;       // [M][I] of the forward that waits
    float *scratch;
} linear;

void linear_start(int M, int K, const float *b, const float *b2, float *y)
{
    if (b)
        vector_fill_rows(M, K, b, b2, y, (size_t)K);
    else
        vector_zero((size_t)M * (size_t)K, y);
}

static void linear_plan(module *m, arena *a)
{
    const size_t scratch = matmul_scratch(m->in.T * m->in.N, m->outputs, m->inputs);
    ((linear *)m)->scratch = arena_floats(a, 1, 1, scratch);
}

static void linear_forward(module *m, const float *x)
{
    linear *l = (linear *)m;
    const int M = m->in.T * m->in.N, I = m->inputs, K = m->outputs;

    l->x = x;
    linear_start(M, K, l->bias, NULL, m->y);
    matmul_forward(M, M, K, I, x, (size_t)I, l->weight, m->y, (size_t)K, l->scratch); // (1)
}

static void linear_backward(module *m, const float *dy, int wanted)
{
    const linear *l = (linear *)m;
    const int M = m->in.T * m->in.N, I = m->inputs, K = m->outputs;
    float *dw = l->weight + m->num_values;

    if (wanted & WANT_INPUT) {
        vector_zero(shape_values(&m->in), m->dx);
        matmul_backward(M, K, I, dy, (size_t)K, l->weight, m->dx, (size_t)I, l->scratch); // (2)
    }
    m->suspect |=
        matmul_gradient(M, K, I, dy, (size_t)K, l->x, (size_t)I, !m->fresh, dw, l->scratch);
    if (l->bias) // (3)
        m->suspect |= vector_sum_rows(M, K, dy, (size_t)K, !m->fresh, l->bias + m->num_values);
}

static const module_kind linear_kind = {
    .plan = linear_plan, .forward = linear_forward, .backward = linear_backward};

module *linear_create(int I, int K, bool bias, rng *r)
{
    const double bound = 1.0 / __builtin_sqrt((double)I);
    // as PyTorch computes it: √3 · gain/√fan_in with gain = √(2 / (1 + a²)), a² = 5
    const double w_bound =
        __builtin_sqrt(3.0) * (__builtin_sqrt(2.0 / (1.0 + 5.0)) / __builtin_sqrt((double)I));

    linear *l = module_create(&linear_kind, sizeof *l, int_max(I, K), 2);
    if (l) {
        l->base.inputs = I;
        l->base.outputs = K;
        module_parameter(&l->base, "weight", "", K, I, w_bound, &l->weight);
        module_parameter(&l->base, "bias", "", bias ? K : 0, 0, bound, &l->bias);
    }
    return module_finish(l, r);
}
