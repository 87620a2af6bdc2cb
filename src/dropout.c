// y = x * mask in training, y = x otherwise (N. Srivastava et al., JMLR 2014, scaled at training
// time as PyTorch does). The mask is drawn in the caller's order: batch first where the Sequential
// is.
#include "dropout.h"

#include "vector.h"

typedef struct {
    module base;
    double p;
    float *mask;  // [T][N][F]
    float *drawn; // [N][T][F], where the caller's order is another, else NULL
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

static void dropout_plan(module *m, arena *a)
{
    dropout *d = (dropout *)m;
    d->mask = module_array(a, &m->in, true);
    d->drawn = module_array(a, &m->in, module_swaps(m, &m->in));
}

// b = a * mask, or a.
static void apply(const module *m, const float *a, float *b)
{
    const dropout *d = (const dropout *)m;
    const size_t n = shape_values(&m->in);
    if (d->masked)
        vector_multiply(n, a, d->mask, b);
    else
        vector_copy(n, a, b);
}

static void dropout_forward(module *m, const float *x)
{
    dropout *d = (dropout *)m;

    d->masked = m->training && d->p > 0.0;
    if (d->masked) {
        dropout_mask(rng_global(), shape_values(&m->in), d->p, d->drawn ? d->drawn : d->mask);
        if (d->drawn)
            vector_swap_axes(m->in.N, m->in.T, m->in.F, d->drawn, d->mask);
    }
    apply(m, x, m->y);
}

static void dropout_backward(module *m, const float *dy, int wanted)
{
    (void)wanted; // as cheap as asking
    apply(m, dy, m->dx);
}

static const module_kind dropout_kind = {
    .plan = dropout_plan, .forward = dropout_forward, .backward = dropout_backward};

module *dropout_create(double p)
{
    dropout *d = module_create(&dropout_kind, sizeof *d, 0, 0);
    if (!d)
        return NULL;
    d->p = p;
    return &d->base;
}
