// y = x * mask in training, y = x otherwise (N. Srivastava et al., JMLR 2014, scaled at training
// time as PyTorch does). The mask is drawn in the caller's order: batch first where the Sequential
// is.
#include "dropout.h"

#include "vector.h"

typedef struct {
    module base;
    double p;
    float *mask;  // [T][N][F]
    float *drawn; // [N][T][F], where the caller's order is another
    bool masked;  // the last forward had a mask
} dropout;

void dropout_mask(rng *r, size_t n, double p, float *mask)
{
    const float scale = 1.0F / (float)(1.0 - p);

    if (p >= 1.0) {
        vector_zero(n, mask);
        return;
    }
    if (p > 0.0)
        rng_bernoulli(r, n, 1.0 - p, mask);
    for (size_t i = 0; i < n; i++)
        mask[i] = p > 0.0 ? mask[i] * scale : 1.0F;
}

static status dropout_shape_of(const module *m, shape in, shape *out)
{
    (void)m;
    *out = in;
    return UNROLLED_OK;
}

static void dropout_plan(module *m, arena *a)
{
    dropout *d = (dropout *)m;
    const size_t T = (size_t)m->in.T, N = (size_t)m->in.N, F = (size_t)m->in.F;
    m->y = arena_floats(a, T, N, F);
    d->mask = arena_floats(a, T, N, F);
    d->drawn = module_swaps(m, m->in) ? arena_floats(a, T, N, F) : NULL;
    m->dx = m->keep ? arena_floats(a, T, N, F) : NULL;
}

static size_t values(const module *m)
{
    return (size_t)m->in.T * (size_t)m->in.N * (size_t)m->in.F;
}

static void dropout_forward(module *m, const float *x)
{
    dropout *d = (dropout *)m;

    d->masked = m->training && d->p > 0.0;
    if (!d->masked) {
        vector_copy(values(m), x, m->y);
        return;
    }
    dropout_mask(rng_global(), values(m), d->p, module_swaps(m, m->in) ? d->drawn : d->mask);
    if (module_swaps(m, m->in))
        vector_swap_axes(m->in.N, m->in.T, m->in.F, d->drawn, d->mask);
    vector_multiply(values(m), x, d->mask, m->y);
}

static void dropout_backward(module *m, const float *dy, int wanted)
{
    const dropout *d = (dropout *)m;
    (void)wanted; // as cheap as asking
    if (d->masked)
        vector_multiply(values(m), dy, d->mask, m->dx);
    else
        vector_copy(values(m), dy, m->dx);
}

static const module_kind dropout_kind = {.shape_of = dropout_shape_of,
                                         .plan = dropout_plan,
                                         .forward = dropout_forward,
                                         .backward = dropout_backward};

module *dropout_create(double p)
{
    dropout *d = module_create(&dropout_kind, sizeof *d, 0, 0);
    if (!d)
        return NULL;
    d->p = p;
    return &d->base;
}
