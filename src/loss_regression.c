// Losses of a prediction x against a target t, d = x - t:
//
//     MSE        d^2                                                   slope  2 d
//     L1         |d|                                                   slope  sign(d)
//     SmoothL1   |d| < beta: d^2 / (2 beta), else |d| - beta / 2       slope  d / beta, sign(d)
//     Huber      |d| < delta: d^2 / 2, else delta (|d| - delta / 2)    slope  d, delta sign(d)
//     BCE        -w t log(s(x)) - (1 - t) log(1 - s(x)), s the sigmoid and w pos_weight
//
// The first four are one formula, r (d - c / 2), whose r is the slope (of MSE half of it):      (1)
//
//     MSE  r = d, c = 0              SmoothL1  r = c / beta, c = d within +-beta                (2)
//     L1   r = sign(d), c = 0        Huber     r = c, c = d within +-delta                      (3)
//
// and BCE is
//
//     (1 - t) x + (1 + (w - 1) t) log(1 + e^-x)            slope  (1 + (w - 1) t) s(x) - w t (4)
//
// and shapes that broadcast: an operand stands still along the axes where it is repeated, and the
// gradient of a prediction that met many targets is the sum of the slopes.
//
// Source: the pages of the five losses in torch.nn (SmoothL1: Girshick 2015; Huber 1964).
#include "loss_parts.h"
#include "vector.h"
#include "vmath.h"

// Places are taken a chunk at a time. Sums are in float within a chunk, in double beyond.
enum { CHUNK = 32 };

typedef struct {
    float x[CHUNK], t[CHUNK], w[CHUNK]; // prediction, target, pos_weight
    float y[CHUNK];                     // values, or slopes
    size_t at[CHUNK];                   // where in the broadcast result
    // The place of a broadcast that comes next: along each axis, in the target, in the result.
    size_t index[LOSS_MAX_DIMS], target, result;
} chunk;

// y of the first four losses: the value, or r.
static void differences(const loss *l, bool slope, chunk *c)
{
    const f32x4 zero = f32x4_zero(), one = f32x4_splat(1.0F);
    const f32x4 edge = f32x4_splat((float)l->parameter), low = f32x4_neg(edge);
    const f32x4 divisor = l->kind == LOSS_HUBER ? one : edge;
    const bool l1 = l->kind == LOSS_L1;
    const bool sign = l1 || (l->kind == LOSS_SMOOTH_L1 && (float)l->parameter == 0);

    for (int k = 0; k < CHUNK; k += 4) {
        const f32x4 d = f32x4_sub(f32x4_load(c->x + k), f32x4_load(c->t + k));
        f32x4 r = d, part = zero;
        if (sign) {
            // As in PyTorch: of 0 and NaN the slopes of L1 are 0 and 0, those of beta 0 -1 and NaN.
            r = f32x4_select(f32x4_lt(d, zero), f32x4_neg(one), l1 ? zero : f32x4_sub(d, one));
            r = f32x4_select(f32x4_lt(zero, d), one, r);
        } else if (l->kind != LOSS_MSE) {
            part = f32x4_min(f32x4_max(d, low), edge);
            r = f32x4_div(part, divisor); // (2) (3)
        }
        if (!slope)
            r = f32x4_abs( // -0 becomes 0; else none is negative
                f32x4_mul(r, f32x4_sub(d, f32x4_mul(f32x4_splat(0.5F), part)))); // (1)
        f32x4_store(c->y + k, r);
    }
}

// y of BCE: log(1 + e^-x) = max(-x, 0) + log(1 + e^-|x|) never overflows.
static void bce_values(chunk *c)
{
    float u[CHUNK], sum[CHUNK], log_sum[CHUNK]; // e^-|x|, 1 + u

    for (int k = 0; k < CHUNK; k++)
        u[k] = -__builtin_fabsf(c->x[k]);
    vmath_exp(CHUNK, u, u);
    for (int k = 0; k < CHUNK; k++)
        sum[k] = 1 + u[k];
    vmath_log(CHUNK, sum, log_sum);
    for (int k = 0; k < CHUNK; k++) {
        const float x = c->x[k], t = c->t[k], weight = 1 + (c->w[k] - 1) * t;
        // The logarithm is of 1 + u rounded; what rounding took away follows, or losses below 1e-7
        // would be 0.
        const float rest = log_sum[k] + (u[k] - (sum[k] - 1)) / sum[k];
        c->y[k] = (1 - t) * x + weight * (x < 0 ? -x : 0) + weight * rest; // (4)
    }
}

static void bce_slopes(chunk *c)
{
    vmath_sigmoid(CHUNK, c->x, c->y);
    for (int k = 0; k < CHUNK; k++) {
        const float wt = c->w[k] * c->t[k];
        c->y[k] = (wt + 1 - c->t[k]) * c->y[k] - wt; // (4)
    }
}

// The first n values together.
static double chunk_sum(const chunk *c, int n)
{
    double sum = 0;
    for (int lane = 0; lane < 4; lane++) { // four sums side by side: one would wait for itself
        float part = 0;
        for (int k = lane; k < n; k += 4)
            part += c->y[k];
        sum += (double)part;
    }
    return sum;
}

// ------------------------------------------------------------------------------------ broadcasting

// To the next place, as nested loops would go.
static void walk_on(chunk *c, const loss_pair *pair)
{
    for (int d = 0; d < pair->dims; d++) {
        c->target += pair->target_step[d], c->result += pair->result_step[d];
        if (++c->index[d] < pair->size[d])
            return;
        c->index[d] = 0;
        c->target -= pair->target_step[d] * pair->size[d];
        c->result -= pair->result_step[d] * pair->size[d];
    }
}

// Up to CHUNK places from `start` on; returns how many.
static int chunk_fill(chunk *c, const loss *l, const loss_pair *pair, size_t start,
                      const float *prediction, const float *target)
{
    const int n = pair->count - start < CHUNK ? (int)(pair->count - start) : CHUNK;

    if (pair->same) {
        vector_copy((size_t)n, prediction + start, c->x);
        vector_copy((size_t)n, target + start, c->t);
    }
    for (int k = 0; k < n; k++) {
        c->at[k] = start + (size_t)k;
        if (pair->same)
            continue;
        c->x[k] = prediction[c->at[k] / pair->repeats];
        c->t[k] = target[c->target];
        c->at[k] = c->result;
        walk_on(c, pair);
    }
    if (l->kind == LOSS_BCE_LOGITS)
        for (int k = 0; k < n; k++)
            c->w[k] = l->num_weights ? l->weights[c->at[k] % (size_t)l->num_weights] : 1;
    return n;
}

double loss_regression(const loss *l, const loss_pair *pair, const float *prediction,
                       const void *target, float *elements, const float *grad_output, double scale,
                       float *dprediction)
{
    const float factor = (float)(l->kind == LOSS_MSE ? 2 * scale : scale); // 2 d might overflow
    double sum = 0; // of values, or of the slopes that dprediction points to
    size_t met = 0; // so many of its targets
    chunk c = {.result = 0};

    for (size_t start = 0; start < pair->count; start += CHUNK) {
        const int n = chunk_fill(&c, l, pair, start, prediction, target);

        if (l->kind != LOSS_BCE_LOGITS)
            differences(l, dprediction != NULL, &c);
        else
            (dprediction ? bce_slopes : bce_values)(&c);
        if (elements) {
            for (int k = 0; k < n; k++)
                elements[c.at[k]] = c.y[k];
        } else if (!dprediction) {
            sum += chunk_sum(&c, n);
        } else {
            for (int k = 0; k < n; k++) {
                float slope = c.y[k] * factor;
                if (grad_output)
                    slope *= grad_output[c.at[k]];
                sum = met ? sum + (double)slope : (double)slope;
                *dprediction = (float)sum;
                if (++met == pair->repeats)
                    met = 0, dprediction++;
            }
        }
    }
    return sum;
}
