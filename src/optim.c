// One pass over parameters, gradients and moments, four at a time. p is the parameter, t counts the
// updates from 1, and g is the gradient plus weight_decay * p; AdamW shrinks p itself instead.
//
//     SGD       b = momentum b + (1 - dampening) g        the first time b = g         (1)
//               p = p - lr b                              nesterov: g + momentum b     (2)
//     Adam      m = beta1 m + (1 - beta1) g                                            (3)
//               v = beta2 v + (1 - beta2) g^2             amsgrad: the largest so far  (4)
//               p = p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)     (5)
//     RMSprop   s = alpha s + (1 - alpha) g^2                                          (6)
//               a = alpha a + (1 - alpha) g               centered: s - a^2 for s      (7)
//               b = momentum b + g / (sqrt(s) + eps),     p = p - lr b                 (8)
//     Adagrad   s = s + g^2                                                            (9)
//               p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)               (10)
//
// Source: the pages of torch.optim.SGD, Adam (Kingma & Ba 2015; amsgrad: Reddi et al. 2018), AdamW
// (Loshchilov & Hutter 2019), RMSprop, Adagrad (Duchi et al. 2011), and the order of operations of
// PyTorch's code. Where that divides by a scalar, (5), the inverse multiplies here: a square root
// and a division take longer than all the rest, and a second division would be a third of the time.
#include "optim.h"

#include "elementwise.h"
#include "simd.h"
#include "vector.h"

// ----------------------------------------------------------------------------------------- moments

enum { MOMENT_NAMES = OPTIM_MAX_MOMENTS + 1 }; // and a NULL behind the last

// The names of the moments, in their order; returns how many there are.
static int list_moments(optim_kind kind, const optim_options *o, const char *names[MOMENT_NAMES])
{
    int n = 0;
    switch (kind) {
    case OPTIM_SGD:
        if (o->momentum != 0)
            names[n++] = "momentum_buffer";
        break;
    case OPTIM_ADAM:
    case OPTIM_ADAMW:
        names[n++] = "exp_avg";
        names[n++] = "exp_avg_sq";
        if (o->amsgrad)
            names[n++] = "max_exp_avg_sq";
        break;
    case OPTIM_RMSPROP:
        names[n++] = "square_avg";
        if (o->momentum > 0)
            names[n++] = "momentum_buffer";
        if (o->centered)
            names[n++] = "grad_avg";
        break;
    case OPTIM_ADAGRAD:
        names[n++] = "sum";
        break;
    case OPTIM_KINDS:
        break;
    }
    names[n] = NULL;
    return n;
}

int optim_num_moments(optim_kind kind, const optim_options *options)
{
    const char *names[MOMENT_NAMES];
    return list_moments(kind, options, names);
}

const char *optim_moment_name(optim_kind kind, const optim_options *options, int index)
{
    const char *names[MOMENT_NAMES];
    const int n = list_moments(kind, options, names);
    return index >= 0 && index < n ? names[index] : NULL;
}

void optim_init(optimizer *o)
{
    const int n = optim_num_moments(o->kind, &o->options);
    const float start = o->kind == OPTIM_ADAGRAD ? (float)o->options.initial_accumulator : 0.0F;

    o->step = 0;
    for (int k = 0; k < o->num_spans; k++)
        for (int m = 0; m < n; m++)
            for (size_t i = 0; i < o->spans[k].count; i++)
                o->spans[k].moments[m][i] = start;
}

// ------------------------------------------------------------------------------------ update rules

// What one update multiplies by: worked out once, in double, rounded once, the same for every span.
typedef struct {
    bool decays;        // weight_decay 0 is no term at all: 0 times infinity would be NaN
    f32x4 decay;        // of the gradient
    f32x4 lr;           // the step size: lr, with Adam's or Adagrad's correction
    f32x4 momentum;     // (2), (8)
    f32x4 keep1, take1; // average = keep * average + take * value: (1), (3), (7)
    f32x4 keep2, take2; // the same of squares: (4), (6)
    f32x4 root_scale;   // 1 / sqrt(1 - beta2^t)
    f32x4 eps;
    f32x4 shrink; // 1 - lr weight_decay
    bool shrinks; // AdamW with a weight decay
    bool nesterov, amsgrad;
    int buffer, average; // rows of momentum_buffer and grad_avg; NONE: not kept
} rule;

enum { NONE = -1 };

// base^n for a whole n >= 0, by squaring: few products, and the same bits on every machine.
static double whole_power(double base, double n)
{
    double power = 1;
    for (uint64_t left = (uint64_t)n; left; left >>= 1, base *= base)
        if (left & 1)
            power *= base;
    return power;
}

static inline f32x4 rounded(double scalar) { return f32x4_splat((float)scalar); }

// Each kind updates four parameters at a time. rows: the parameter, its moments; inputs: its
// gradient. Most of the running time of an update is spent in these.

SIMD_INLINE f32x4 decayed(const rule *r, f32x4 g, f32x4 p)
{
    if (__builtin_expect(r->decays, false)) // a branch: the sum would cost more than asking
        return f32x4_add(g, f32x4_mul(p, r->decay));
    return g;
}

// Moves an average towards g, or towards g^2, and returns it.
SIMD_INLINE f32x4 average(const rule *r, float *moment, f32x4 g)
{
    const f32x4 kept = f32x4_mul(f32x4_load(moment), r->keep1);
    const f32x4 mean = f32x4_add(kept, f32x4_mul(g, r->take1));
    f32x4_store(moment, mean);
    return mean;
}

SIMD_INLINE f32x4 average_square(const rule *r, float *moment, f32x4 g)
{
    const f32x4 kept = f32x4_mul(f32x4_load(moment), r->keep2);
    const f32x4 mean = f32x4_add(kept, f32x4_mul(f32x4_mul(g, r->take2), g));
    f32x4_store(moment, mean);
    return mean;
}

static void sgd(const void *settings, size_t n, float *const *rows, const float *const *grad)
{
    const rule r = *(const rule *)settings; // a copy: no store through the rows can change it
    float *data = rows[0];

    for (size_t i = 0; i < n; i += 4) {
        const f32x4 p = f32x4_load(data + i);
        f32x4 g = decayed(&r, f32x4_load(grad[0] + i), p);
        if (r.buffer != NONE) {
            const f32x4 b = average(&r, rows[r.buffer] + i, g); // (1)
            g = r.nesterov ? f32x4_add(g, f32x4_mul(b, r.momentum)) : b;
        }
        f32x4_store(data + i, f32x4_sub(p, f32x4_mul(g, r.lr))); // (2)
    }
}

static void adam(const void *settings, size_t n, float *const *rows, const float *const *grad)
{
    const rule r = *(const rule *)settings;
    const float *grads = grad[0];
    float *data = rows[0], *first = rows[1], *second = rows[2];

    for (size_t i = 0; i < n; i += 4) {
        f32x4 p = f32x4_load(data + i);
        const f32x4 g = decayed(&r, f32x4_load(grads + i), p);
        if (__builtin_expect(r.shrinks, false))
            p = f32x4_mul(p, r.shrink);

        const f32x4 m = average(&r, first + i, g);   // (3)
        f32x4 v = average_square(&r, second + i, g); // (4)
        if (r.amsgrad) {
            v = f32x4_max(v, f32x4_load(rows[3] + i)); // a NaN in v stays, in this order
            f32x4_store(rows[3] + i, v);
        }
        const f32x4 root = f32x4_add(f32x4_mul(f32x4_sqrt(v), r.root_scale), r.eps);
        f32x4_store(data + i, f32x4_sub(p, f32x4_div(f32x4_mul(m, r.lr), root))); // (5)
    }
}

static void rmsprop(const void *settings, size_t n, float *const *rows, const float *const *grad)
{
    const rule r = *(const rule *)settings;
    float *data = rows[0];

    for (size_t i = 0; i < n; i += 4) {
        const f32x4 p = f32x4_load(data + i);
        const f32x4 g = decayed(&r, f32x4_load(grad[0] + i), p);
        f32x4 v = average_square(&r, rows[1] + i, g); // (6)
        if (r.average != NONE) {
            const f32x4 mean = average(&r, rows[r.average] + i, g);
            v = f32x4_sub(v, f32x4_mul(mean, mean)); // (7)
        }
        const f32x4 root = f32x4_add(f32x4_sqrt(v), r.eps);
        f32x4 step;
        if (r.buffer != NONE) {
            const f32x4 kept = f32x4_mul(f32x4_load(rows[r.buffer] + i), r.momentum);
            const f32x4 b = f32x4_add(kept, f32x4_div(g, root));
            f32x4_store(rows[r.buffer] + i, b);
            step = f32x4_mul(b, r.lr);
        } else {
            step = f32x4_div(f32x4_mul(g, r.lr), root);
        }
        f32x4_store(data + i, f32x4_sub(p, step)); // (8)
    }
}

static void adagrad(const void *settings, size_t n, float *const *rows, const float *const *grad)
{
    const rule r = *(const rule *)settings;
    float *data = rows[0], *sums = rows[1];

    for (size_t i = 0; i < n; i += 4) {
        const f32x4 p = f32x4_load(data + i);
        const f32x4 g = decayed(&r, f32x4_load(grad[0] + i), p);
        const f32x4 sum = f32x4_add(f32x4_load(sums + i), f32x4_mul(g, g));
        f32x4_store(sums + i, sum); // (9)
        const f32x4 root = f32x4_add(f32x4_sqrt(sum), r.eps);
        f32x4_store(data + i, f32x4_sub(p, f32x4_div(f32x4_mul(g, r.lr), root))); // (10)
    }
}

void optim_update(optimizer *o)
{
    const optim_options *a = &o->options;
    const double t = o->step + 1;
    rule r = {.decays = a->weight_decay != 0,
              .decay = rounded(a->weight_decay),
              .lr = rounded(a->lr),
              .momentum = rounded(a->momentum),
              .eps = rounded(a->eps),
              .nesterov = a->nesterov,
              .amsgrad = a->amsgrad,
              .buffer = NONE,
              .average = NONE};
    elementwise_kernel *kernel = sgd;

    switch (o->kind) {
    case OPTIM_SGD:
        r.keep1 = rounded(t == 1 ? 0 : a->momentum);
        r.take1 = rounded(t == 1 ? 1 : 1 - a->dampening);
        r.buffer = a->momentum != 0 ? 1 : NONE;
        kernel = sgd;
        break;
    case OPTIM_ADAM:
    case OPTIM_ADAMW:
        r.keep1 = rounded(a->beta1);
        r.take1 = rounded(1 - a->beta1);
        r.keep2 = rounded(a->beta2);
        r.take2 = rounded(1 - a->beta2);
        r.lr = rounded(a->lr / (1 - whole_power(a->beta1, t)));
        r.root_scale = rounded(1 / __builtin_sqrt(1 - whole_power(a->beta2, t)));
        r.shrink = rounded(1 - a->lr * a->weight_decay);
        r.shrinks = r.decays && o->kind == OPTIM_ADAMW;
        r.decays = r.decays && o->kind == OPTIM_ADAM;
        kernel = adam;
        break;
    case OPTIM_RMSPROP:
        r.keep1 = r.keep2 = rounded(a->alpha);
        r.take1 = r.take2 = rounded(1 - a->alpha);
        r.buffer = a->momentum > 0 ? 2 : NONE;
        r.average = !a->centered ? NONE : a->momentum > 0 ? 3 : 2;
        kernel = rmsprop;
        break;
    case OPTIM_ADAGRAD:
        r.lr = rounded(a->lr / (1 + (t - 1) * a->lr_decay));
        kernel = adagrad;
        break;
    case OPTIM_KINDS:
        ASSERT(false);
    }
    const int moments = optim_num_moments(o->kind, a);
    for (int k = 0; k < o->num_spans; k++) {
        const optim_span *s = &o->spans[k];
        float *rows[1 + OPTIM_MAX_MOMENTS] = {s->data};
        for (int m = 0; m < moments; m++)
            rows[1 + m] = s->moments[m];
        elementwise(kernel, &r, s->count, 1 + moments, rows, 1, (const float *[]){s->grad});
    }
    o->step = t;
}

void optim_zero_grad(const optim_span *spans, int num_spans)
{
    for (int k = 0; k < num_spans; k++)
        vector_zero(spans[k].count, spans[k].grad);
}
