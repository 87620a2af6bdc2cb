// Losses of the scores x_1 ... x_C of C classes against one of them, y, with weights w:
//
//     NLL             -w_y x_y                               the x are log-probabilities        (1)
//     CrossEntropy    (1 - e) w_y (-log p_y) + e/C sum_c w_c (-log p_c),   p = softmax(x),      (2)
//                     e the label smoothing
//
// by log p_c = (x_c - max) - log(sum_k e^(x_k - max)), which neither overflows nor loses the small
// ones. With q_c = e/C w_c, and (1 - e) w_y more for the target, (2) is -sum_c q_c log p_c, and
//
//     d/dx_c = p_c sum_k q_k - q_c                                                              (3)
//
// A target equal to ignore_index counts for nothing: value 0, gradient 0, whatever its scores.
//
// Source: torch.nn.NLLLoss, CrossEntropyLoss (label smoothing: Szegedy et al. 2015). Layout: scores
// [outer][C][inner], targets [outer][inner].
#include "loss_parts.h"
#include "vector.h"
#include "vmath.h"

static inline double weight_of(const loss *l, int c)
{
    return l->num_weights ? (double)l->weights[c] : 1;
}

// The weights of classes c to c + lanes, or with `one` that of class c in all lanes.
static inline f32x4 load_weights(const loss *l, int c, int lanes, bool one)
{
    if (!l->num_weights)
        return f32x4_splat(1.0F);
    return one ? f32x4_load_splat(l->weights + c) : f32x4_load_n(l->weights + c, lanes);
}

// q_c = even w_c, and sharp w_y more for the target; the first part sums to `all`.
typedef struct {
    double sharp, even, all;
} smoothing;

static smoothing smoothing_of(const loss *l, int C)
{
    smoothing e = {.sharp = 1 - l->parameter, .even = l->parameter / C};
    for (int c = 0; c < C; c++)
        e.all += e.even * weight_of(l, c);
    return e;
}

// What the classes of up to four neighbouring targets come to, one target a lane.
typedef struct {
    float max[4];
    double powers[4];   // sum of e^(x - max)
    double weighted[4]; // sum of w (x - max): only with label smoothing
} softmax;

// x [C][inner] is where the scores of the first target begin, `targets` (1 to 4) how many there
// are. With inner = 1 there is one, and a vector holds four of its classes; else a vector holds one
// class of all. The powers e^(x - max) are written to `powers`, in the layout of x, unless it is
// NULL.
static softmax softmax_of(const loss *l, const loss_pair *pair, int targets, const float *x,
                          float *powers)
{
    const int C = pair->classes;
    const size_t inner = pair->inner;
    const bool alone = inner == 1;
    const f32x4 lowest = f32x4_splat(-__builtin_inff());
    softmax s;

    f32x4 max = lowest;
    for (int c = 0; c < C; c += alone ? 4 : 1) {
        const int lanes = alone ? C - c : targets;
        const f32x4 scores = f32x4_load_n(x + (size_t)c * inner, lanes);
        max = f32x4_max(max, f32x4_first(scores, lanes, lowest)); // NaN shows in the sums
    }
    f32x4_store(s.max, max);
    if (alone) {
        for (int k = 1; k < 4; k++)
            s.max[0] = s.max[k] > s.max[0] ? s.max[k] : s.max[0];
        max = f32x4_splat(s.max[0]);
    }

    loss_sum sum = loss_sum_zero(), weighted = loss_sum_zero();
    for (int c = 0; c < C; c += alone ? 4 : 1) { // most of the running time is spent here
        const int lanes = alone ? C - c : targets;
        const size_t at = (size_t)c * inner;
        const f32x4 scores = f32x4_first(f32x4_load_n(x + at, lanes), lanes, lowest);
        const f32x4 shifted = f32x4_sub(scores, max);
        const f32x4 power = f32x4_exp(shifted); // 0 in lanes behind the last class
        loss_sum_add(&sum, power);
        if (powers)
            f32x4_store_n(powers + at, power, lanes);
        if (l->parameter != 0) {
            const f32x4 terms = f32x4_mul(load_weights(l, c, lanes, !alone), shifted);
            loss_sum_add(&weighted, f32x4_first(terms, lanes, f32x4_zero()));
        }
    }
    loss_sum_close(&sum);
    loss_sum_close(&weighted);
    for (int k = 0; k < 4; k++) {
        s.powers[k] = sum.lane[k];
        s.weighted[k] = weighted.lane[k];
    }
    if (alone) {
        s.powers[0] = loss_sum_total(&sum);
        s.weighted[0] = loss_sum_total(&weighted);
    }
    return s;
}

static double cross_entropy_forward(const loss *l, const loss_pair *pair, const float *x,
                                    const int32_t *target, float *elements)
{
    const int C = pair->classes;
    const size_t inner = pair->inner;
    const smoothing e = smoothing_of(l, C);
    double sum = 0;

    for (size_t o = 0; o < pair->outer; o++, x += (size_t)C * inner)
        for (size_t k = 0; k < inner; k += 4) {
            const int targets = inner - k < 4 ? (int)(inner - k) : 4;
            const softmax s = softmax_of(l, pair, targets, x + k, NULL);
            float log_sum[4];
            f32x4_store(log_sum, f32x4_log(f32x4_make((float)s.powers[0], (float)s.powers[1],
                                                      (float)s.powers[2], (float)s.powers[3])));
            for (int j = 0; j < targets; j++) {
                const size_t i = o * inner + k + (size_t)j;
                const int y = target[i];
                double value = 0;
                if (y != l->ignore_index) {
                    const float score = x[(size_t)y * inner + k + (size_t)j];
                    const double log_p = (double)(score - s.max[j]) - (double)log_sum[j];
                    value = e.all * (double)log_sum[j] - e.even * s.weighted[j] -
                            e.sharp * weight_of(l, y) * log_p; // (2)
                }
                if (elements)
                    elements[i] = (float)value;
                else
                    sum += value;
            }
        }
    return sum;
}

// The gradient of up to four neighbouring targets y [targets], g [targets] (NULL: ones) and `scale`
// times. x and dx [C][inner] are where their scores and gradients begin.
static void cross_entropy_slopes(const loss *l, const loss_pair *pair, smoothing e, int targets,
                                 const float *x, const int32_t *y, const float *g, double scale,
                                 float *dx)
{
    const int C = pair->classes;
    const size_t inner = pair->inner;
    const bool alone = inner == 1;
    const softmax s = softmax_of(l, pair, targets, x, dx);

    // (3) is e^(x - max) * of_power - w_c * of_weight, less own in the place of the target
    float kept[4] = {0}, of_power[4] = {0}, of_weight[4] = {0}, own[4] = {0};
    for (int j = 0; j < targets; j++) {
        if (y[j] == l->ignore_index)
            continue;
        const double factor = g ? (double)g[j] : scale;
        const double q = e.sharp * weight_of(l, y[j]);
        kept[j] = 1;
        of_power[j] = (float)(factor * (q + e.all) / s.powers[j]);
        of_weight[j] = (float)(factor * e.even);
        own[j] = (float)(factor * q);
    }

    const f32x4 zero = f32x4_zero();
    const i32x4 keep = f32x4_lt(zero, alone ? f32x4_splat(kept[0]) : f32x4_load(kept));
    const f32x4 p_factor = alone ? f32x4_splat(of_power[0]) : f32x4_load(of_power);
    const f32x4 w_factor = alone ? f32x4_splat(of_weight[0]) : f32x4_load(of_weight);
    for (int c = 0; c < C; c += alone ? 4 : 1) {
        const int lanes = alone ? C - c : targets;
        float *d = dx + (size_t)c * inner;
        const f32x4 p = f32x4_mul(f32x4_load_n(d, lanes), p_factor);
        const f32x4 even = f32x4_mul(load_weights(l, c, lanes, !alone), w_factor);
        f32x4_store_n(d, f32x4_select(keep, f32x4_sub(p, even), zero), lanes);
    }
    for (int j = 0; j < targets; j++)
        if (kept[j] > 0)
            dx[(size_t)y[j] * inner + (size_t)j] -= own[j]; // (3)
}

static void cross_entropy_backward(const loss *l, const loss_pair *pair, const float *x,
                                   const int32_t *target, const float *grad_output, double scale,
                                   float *dx)
{
    const size_t inner = pair->inner, size = (size_t)pair->classes * inner;
    const smoothing e = smoothing_of(l, pair->classes);

    for (size_t o = 0; o < pair->outer; o++)
        for (size_t k = 0; k < inner; k += 4) {
            const int targets = inner - k < 4 ? (int)(inner - k) : 4;
            const size_t i = o * inner + k, at = o * size + k;
            cross_entropy_slopes(l, pair, e, targets, x + at, target + i,
                                 grad_output ? grad_output + i : NULL, scale, dx + at);
        }
}

// The place of target i's own score.
static inline size_t score_at(const loss_pair *pair, const int32_t *target, size_t i)
{
    const size_t o = i / pair->inner, k = i % pair->inner;
    return (o * (size_t)pair->classes + (size_t)target[i]) * pair->inner + k;
}

static double nll_forward(const loss *l, const loss_pair *pair, const float *x,
                          const int32_t *target, float *elements)
{
    double sum = 0;
    for (size_t i = 0; i < pair->targets; i++) {
        double value = 0;
        if (target[i] != l->ignore_index)
            value = -weight_of(l, target[i]) * (double)x[score_at(pair, target, i)]; // (1)
        if (elements)
            elements[i] = (float)value;
        else
            sum += value;
    }
    return sum;
}

static void nll_backward(const loss *l, const loss_pair *pair, const int32_t *target,
                         const float *grad_output, double scale, float *dx)
{
    vector_zero(pair->predictions, dx);
    for (size_t i = 0; i < pair->targets; i++) {
        if (target[i] == l->ignore_index)
            continue;
        const double g = grad_output ? (double)grad_output[i] : scale;
        dx[score_at(pair, target, i)] = (float)(-weight_of(l, target[i]) * g);
    }
}

double loss_class_forward(const loss *l, const loss_pair *pair, const float *prediction,
                          const int32_t *target, float *elements)
{
    ASSERT(loss_bad_target(l, pair, target) == pair->targets);
    return (l->kind == LOSS_NLL ? nll_forward : cross_entropy_forward)(l, pair, prediction, target,
                                                                       elements);
}

void loss_class_backward(const loss *l, const loss_pair *pair, const float *prediction,
                         const int32_t *target, const float *grad_output, double scale,
                         float *dprediction)
{
    ASSERT(loss_bad_target(l, pair, target) == pair->targets);
    if (l->kind == LOSS_NLL)
        nll_backward(l, pair, target, grad_output, scale, dprediction);
    else
        cross_entropy_backward(l, pair, prediction, target, grad_output, scale, dprediction);
}
