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

// What is kept of each parameter, in this order.
enum { FIRST, SQUARES, LARGEST, BUFFER, MEAN, ROLES };

static const char *const names[OPTIM_KINDS][ROLES] = {
    [OPTIM_SGD] = {[BUFFER] = "momentum_buffer"},
    [OPTIM_ADAM] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    [OPTIM_ADAMW] = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
    [OPTIM_RMSPROP] = {[SQUARES] = "square_avg", [BUFFER] = "momentum_buffer", [MEAN] = "grad_avg"},
    [OPTIM_ADAGRAD] = {[SQUARES] = "sum"}};

// The rows of an update: the parameter, 0, and behind it its moments; 0 for what is not kept.
// Returns how many moments there are.
static int assign_rows(optim_kind kind, const optim_options *o, int row[ROLES])
{
    const bool asked[ROLES] = {true, true, o->amsgrad, o->momentum != 0, o->centered};
    int count = 0;
    for (int m = 0; m < ROLES; m++)
        row[m] = names[kind][m] && asked[m] ? ++count : 0;
    return count;
}

int optim_num_moments(optim_kind kind, const optim_options *options)
{
    int row[ROLES];
    return assign_rows(kind, options, row);
}

const char *optim_moment_name(optim_kind kind, const optim_options *options, int index)
{
    int row[ROLES];
    assign_rows(kind, options, row);
    for (int m = 0; m < ROLES; m++)
        if (row[m] && row[m] == index + 1)
            return names[kind][m];
    return NULL;
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
    float decay;        // of the gradient; 0 is no term at all: 0 times infinity would be NaN
    float shrink;       // of the parameter: 1 - lr weight_decay
    float momentum;     // (2), (8)
    float keep1, take1; // average = keep * average + take * value: (1), (3), (7)
    float keep2, take2; // the same of squares: (4), (6), (9)
    float root_scale;   // 1 / sqrt(1 - beta2^t)
    float eps;
    bool nesterov;
    int row[ROLES];
} rule;

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
    if (__builtin_expect(r->decay != 0, false)) // a branch: the sum would cost more than asking
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
        if (r.row[BUFFER]) {
            const f32x4 b = average(&r, rows[r.row[BUFFER]] + i, g); // (1)
            g = r.nesterov ? f32x4_add(g, f32x4_mul(b, f32x4_splat(r.momentum))) : b;
        }
        f32x4_store(data + i, f32x4_sub(p, f32x4_mul(g, f32x4_splat(r.lr)))); // (2)
    }
}

// All but SGD: a step is divided by the root of what the squares have come to.
static void adaptive(const void *settings, size_t n, float *const *rows, const float *const *grad)
{
    const rule r = *(const rule *)settings;
    const float *grads = grad[0];
    float *data = rows[0], *squares = rows[r.row[SQUARES]], *first = rows[r.row[FIRST]];

    for (size_t i = 0; i < n; i += 4) {
        const f32x4 p = f32x4_load(data + i);
        f32x4 g = decayed(&r, f32x4_load(grads + i), p);
        f32x4 v = average_square(&r, squares + i, g); // (4) (6) (9)
        if (r.row[FIRST]) {
            g = average(&r, first + i, g); // (3)
            if (r.row[LARGEST]) {
                float *largest = rows[r.row[LARGEST]] + i;
                v = f32x4_max(v, f32x4_load(largest)); // a NaN in v stays, in this order
                f32x4_store(largest, v);
            }
        } else if (r.row[MEAN]) {
            const f32x4 mean = average(&r, rows[r.row[MEAN]] + i, g);
            v = f32x4_sub(v, f32x4_mul(mean, mean)); // (7)
        }
        const f32x4 root =
            f32x4_add(f32x4_mul(f32x4_sqrt(v), f32x4_splat(r.root_scale)), f32x4_splat(r.eps));
        const f32x4 lr = f32x4_splat(r.lr);
        f32x4 step;
        if (r.row[BUFFER])
            step = f32x4_mul(moved(rows[r.row[BUFFER]] + i, r.momentum, f32x4_div(g, root)), lr);
        else
            step = f32x4_div(f32x4_mul(g, lr), root);
        f32x4_store(data + i, f32x4_sub(f32x4_mul(p, f32x4_splat(r.shrink)), step)); // (5) (8) (10)
    }
}

void optim_update(optimizer *o)
{
    const optim_options *a = &o->options;
    const optim_kind kind = o->kind;
    const double t = o->step + 1, decay = a->weight_decay;
    const bool apart = kind == OPTIM_ADAMW;
    double lr = a->lr, keep1 = a->alpha, keep2 = a->alpha;
    rule r = {.decay = apart ? 0 : (float)decay,
              .shrink = apart ? (float)(1 - lr * decay) : 1,
              .momentum = (float)a->momentum,
              .root_scale = 1,
              .eps = (float)a->eps,
              .nesterov = a->nesterov};
    const int moments = assign_rows(kind, a, r.row);

    switch (kind) {
    case OPTIM_SGD:
        keep1 = t == 1 ? 0 : a->momentum;
        break;
    case OPTIM_ADAM:
    case OPTIM_ADAMW:
        keep1 = a->beta1;
        keep2 = a->beta2;
        lr /= 1 - whole_power(keep1, t);
        r.root_scale = (float)(1 / __builtin_sqrt(1 - whole_power(keep2, t)));
        break;
    case OPTIM_ADAGRAD:
        keep2 = 1;
        lr /= 1 + (t - 1) * a->lr_decay;
        break;
    case OPTIM_RMSPROP:
    case OPTIM_KINDS:
        break;
    }
    r.lr = (float)lr;
    r.keep1 = (float)keep1, r.keep2 = (float)keep2;
    r.take1 = (float)(1 - (kind == OPTIM_SGD && t > 1 ? a->dampening : keep1));
    r.take2 = (float)(kind == OPTIM_ADAGRAD ? 1 : 1 - keep2);

    for (int k = 0; k < o->num_spans; k++) {
        const optim_span *s = &o->spans[k];
        float *rows[1 + OPTIM_MAX_MOMENTS] = {s->data};
        __builtin_memcpy(rows + 1, s->moments, sizeof s->moments);
        elementwise(kind == OPTIM_SGD ? sgd : adaptive, &r, s->count, 1 + moments, rows, 1,
                    (const float *[]){s->grad});
    }
    o->step = t;
}

void optim_zero_grad(const optim_span *spans, int num_spans)
{
    for (int k = 0; k < num_spans; k++)
        vector_zero(spans[k].count, spans[k].grad);
}
