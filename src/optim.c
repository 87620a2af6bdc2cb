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

// The name of moment `index`, and in *count how many there are. NULL: there is no such one.
static const char *moment(optim_kind kind, const optim_options *o, int index, int *count)
{
    static const char *const names[OPTIM_KINDS][OPTIM_MAX_MOMENTS] = {
        [OPTIM_SGD] = {"momentum_buffer"},
        [OPTIM_ADAM] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
        [OPTIM_ADAMW] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
        [OPTIM_RMSPROP] = {"square_avg", "momentum_buffer", "grad_avg"},
        [OPTIM_ADAGRAD] = {"sum"}};
    const bool rmsprop = kind == OPTIM_RMSPROP;
    const bool kept[OPTIM_MAX_MOMENTS] = {kind != OPTIM_SGD || o->momentum != 0,
                                          !rmsprop || o->momentum > 0,
                                          rmsprop ? o->centered : o->amsgrad};
    const char *found = NULL;

    *count = 0;
    for (int m = 0; m < OPTIM_MAX_MOMENTS; m++)
        if (names[kind][m] && kept[m] && (*count)++ == index)
            found = names[kind][m];
    return found;
}

int optim_num_moments(optim_kind kind, const optim_options *options)
{
    int count;
    moment(kind, options, 0, &count);
    return count;
}

const char *optim_moment_name(optim_kind kind, const optim_options *options, int index)
{
    int count;
    return moment(kind, options, index, &count);
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
    float lr;           // the step size: lr, with Adam's or Adagrad's correction
    float decay;        // of the gradient
    float shrink;       // of the parameter: 1 - lr weight_decay
    float momentum;     // (2), (8)
    float keep1, take1; // average = keep * average + take * value: (1), (3), (7)
    float keep2, take2; // the same of squares: (4), (6)
    float root_scale;   // 1 / sqrt(1 - beta2^t)
    float eps;
    bool decays, shrinks; // weight_decay 0 is no term at all: 0 times infinity would be NaN
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

// Each kind updates four parameters at a time. rows: the parameter, its moments; inputs: its
// gradient. Most of the running time of an update is spent in these.

SIMD_INLINE f32x4 decayed(const rule *r, f32x4 g, f32x4 p)
{
    if (__builtin_expect(r->decays, false)) // a branch: the sum would cost more than asking
        return f32x4_add(g, f32x4_mul(p, f32x4_splat(r->decay)));
    return g;
}

// average = keep average + change, which is returned.
SIMD_INLINE f32x4 moved(float *average, float keep, f32x4 change)
{
    const f32x4 kept = f32x4_mul(f32x4_load(average), f32x4_splat(keep));
    const f32x4 mean = f32x4_add(kept, change);
    f32x4_store(average, mean);
    return mean;
}

SIMD_INLINE f32x4 average(const rule *r, float *moment, f32x4 g)
{
    return moved(moment, r->keep1, f32x4_mul(g, f32x4_splat(r->take1)));
}

SIMD_INLINE f32x4 average_square(const rule *r, float *moment, f32x4 g)
{
    return moved(moment, r->keep2, f32x4_mul(f32x4_mul(g, f32x4_splat(r->take2)), g));
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
            g = r.nesterov ? f32x4_add(g, f32x4_mul(b, f32x4_splat(r.momentum))) : b;
        }
        f32x4_store(data + i, f32x4_sub(p, f32x4_mul(g, f32x4_splat(r.lr)))); // (2)
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
            p = f32x4_mul(p, f32x4_splat(r.shrink));

        const f32x4 m = average(&r, first + i, g);   // (3)
        f32x4 v = average_square(&r, second + i, g); // (4)
        if (r.amsgrad) {
            v = f32x4_max(v, f32x4_load(rows[3] + i)); // a NaN in v stays, in this order
            f32x4_store(rows[3] + i, v);
        }
        const f32x4 root =
            f32x4_add(f32x4_mul(f32x4_sqrt(v), f32x4_splat(r.root_scale)), f32x4_splat(r.eps));
        f32x4_store(data + i,
                    f32x4_sub(p, f32x4_div(f32x4_mul(m, f32x4_splat(r.lr)), root))); // (5)
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
        const f32x4 root = f32x4_add(f32x4_sqrt(v), f32x4_splat(r.eps));
        f32x4 step;
        if (r.buffer != NONE) {
            const f32x4 b = moved(rows[r.buffer] + i, r.momentum, f32x4_div(g, root));
            step = f32x4_mul(b, f32x4_splat(r.lr));
        } else {
            step = f32x4_div(f32x4_mul(g, f32x4_splat(r.lr)), root);
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
        const f32x4 root = f32x4_add(f32x4_sqrt(sum), f32x4_splat(r.eps));
        f32x4_store(data + i,
                    f32x4_sub(p, f32x4_div(f32x4_mul(g, f32x4_splat(r.lr)), root))); // (10)
    }
}

void optim_update(optimizer *o)
{
    static elementwise_kernel *const kernels[OPTIM_KINDS] = {[OPTIM_SGD] = sgd,
                                                             [OPTIM_ADAM] = adam,
                                                             [OPTIM_ADAMW] = adam,
                                                             [OPTIM_RMSPROP] = rmsprop,
                                                             [OPTIM_ADAGRAD] = adagrad};
    const optim_options *a = &o->options;
    const double t = o->step + 1;
    const bool decays = a->weight_decay != 0, apart = o->kind == OPTIM_ADAMW;
    double lr = a->lr, keep1 = a->alpha, keep2 = a->alpha, take1;
    rule r = {.decay = (float)a->weight_decay,
              .shrink = (float)(1 - a->lr * a->weight_decay),
              .momentum = (float)a->momentum,
              .eps = (float)a->eps,
              .decays = decays && !apart,
              .shrinks = decays && apart,
              .nesterov = a->nesterov,
              .amsgrad = a->amsgrad,
              .buffer = NONE,
              .average = NONE};

    switch (o->kind) {
    case OPTIM_SGD:
        keep1 = t == 1 ? 0 : a->momentum;
        r.buffer = a->momentum != 0 ? 1 : NONE;
        break;
    case OPTIM_ADAM:
    case OPTIM_ADAMW:
        keep1 = a->beta1;
        keep2 = a->beta2;
        lr /= 1 - whole_power(a->beta1, t);
        r.root_scale = (float)(1 / __builtin_sqrt(1 - whole_power(a->beta2, t)));
        break;
    case OPTIM_RMSPROP:
        r.buffer = a->momentum > 0 ? 2 : NONE;
        r.average = !a->centered ? NONE : a->momentum > 0 ? 3 : 2;
        break;
    case OPTIM_ADAGRAD:
        lr /= 1 + (t - 1) * a->lr_decay;
        break;
    case OPTIM_KINDS:
        ASSERT(false);
    }
    take1 = o->kind == OPTIM_SGD && t > 1 ? 1 - a->dampening : 1 - keep1;
    r.lr = (float)lr;
    r.keep1 = (float)keep1, r.take1 = (float)take1;
    r.keep2 = (float)keep2, r.take2 = (float)(1 - keep2);

    const int moments = optim_num_moments(o->kind, a);
    for (int k = 0; k < o->num_spans; k++) {
        const optim_span *s = &o->spans[k];
        float *rows[1 + OPTIM_MAX_MOMENTS] = {s->data};
        for (int m = 0; m < moments; m++)
            rows[1 + m] = s->moments[m];
        elementwise(kernels[o->kind], &r, s->count, 1 + moments, rows, 1,
                    (const float *[]){s->grad});
    }
    o->step = t;
}

void optim_zero_grad(const optim_span *spans, int num_spans)
{
    for (int k = 0; k < num_spans; k++)
        vector_zero(spans[k].count, spans[k].grad);
}
