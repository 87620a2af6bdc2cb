//     y  [M][K]  = x Wᵀ + b       W [K][I]                                         (1)
//     dx [M][I]  = dy W                                                            (2)
//     dW        += dyᵀ x,  db += the sum of dy's rows                              (3)
//
// M is all rows, T·N. Default initialization: torch.nn.Linear.reset_parameters, that is
// kaiming_uniform_(a = √5) for W and uniform(±1/√I) for b.
#include "linear.h"

#include "matmul.h"
#include "memory.h"
#include "vector.h"

typedef struct {
    module base;
    const float *x; // [M][I] of the forward that waits
    float *scratch;
} linear;

static const float *weight(const module *m) { return m->params; }

static const float *bias(const module *m)
{
    return m->num_parameters > 1 ? m->params + m->table[1].offset : NULL;
}

static status linear_shape_of(const module *m, shape in, shape *out)
{
    if (in.F != m->inputs)
        return UNROLLED_E_SHAPE;
    *out = (shape){in.T, in.N, m->outputs};
    return UNROLLED_OK;
}

static void linear_plan(module *m, arena *a)
{
    linear *l = (linear *)m;
    const size_t T = (size_t)m->in.T, N = (size_t)m->in.N;
    m->y = arena_floats(a, T, N, (size_t)m->outputs);
    m->dx = m->keep ? arena_floats(a, T, N, (size_t)m->inputs) : NULL;
    l->scratch = arena_floats(a, 1, 1, matmul_scratch(m->in.T * m->in.N, m->outputs, m->inputs));
}

static void linear_forward(module *m, const float *x)
{
    linear *l = (linear *)m;
    const int M = m->in.T * m->in.N, I = m->inputs, K = m->outputs;

    l->x = x;
    if (bias(m))
        vector_fill_rows(M, K, bias(m), NULL, m->y, (size_t)K);
    else
        vector_zero((size_t)M * (size_t)K, m->y);
    matmul_forward(M, M, K, I, x, (size_t)I, weight(m), m->y, (size_t)K, l->scratch); // (1)
}

static void linear_backward(module *m, const float *dy, int wanted)
{
    linear *l = (linear *)m;
    const int M = m->in.T * m->in.N, I = m->inputs, K = m->outputs;

    if (wanted & WANT_INPUT) {
        vector_zero((size_t)M * (size_t)I, m->dx);
        matmul_backward(M, K, I, dy, (size_t)K, weight(m), m->dx, (size_t)I, l->scratch); // (2)
    }
    m->suspect |=
        matmul_gradient(M, K, I, dy, (size_t)K, l->x, (size_t)I, !m->fresh, m->grads, l->scratch);
    if (bias(m)) // (3)
        m->suspect |=
            vector_sum_rows(M, K, dy, (size_t)K, !m->fresh, m->grads + m->table[1].offset);
}

static const module_kind linear_kind = {.shape_of = linear_shape_of,
                                        .plan = linear_plan,
                                        .forward = linear_forward,
                                        .backward = linear_backward};

module *linear_create(int I, int K, bool bias, rng *r, status *why)
{
    const double bound = 1.0 / __builtin_sqrt((double)I);
    // as PyTorch computes it: √3 · gain/√fan_in with gain = √(2 / (1 + a²)), a² = 5
    const double w_bound =
        __builtin_sqrt(3.0) * (__builtin_sqrt(2.0 / (1.0 + 5.0)) / __builtin_sqrt((double)I));

    *why = UNROLLED_E_MEMORY;
    if (I > MODULE_LARGEST || K > MODULE_LARGEST) {
        memory_note_overflow();
        return NULL;
    }
    linear *l = module_create(&linear_kind, sizeof *l, I, K);
    if (!l)
        return NULL;
    *why = module_table(&l->base, 2);
    if (!*why)
        *why = module_parameter(&l->base, "weight", K, I, w_bound);
    if (!*why && bias)
        *why = module_parameter(&l->base, "bias", K, 0, bound);
    if (!*why)
        *why = module_initialize(&l->base, r);
    if (*why) {
        module_destroy(&l->base);
        return NULL;
    }
    return &l->base;
}
