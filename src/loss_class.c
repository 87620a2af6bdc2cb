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

enum { CHUNK = 32 }; // classes at a time

static float weight_of(const loss *l, int c) { return l->num_weights ? l->weights[c] : 1; }

// What smoothing spreads: nothing without it, as 0 times an infinite weight would be NaN.
static float even_of(const loss *l, int c) { return l->parameter != 0 ? weight_of(l, c) : 0; }

// What the scores of one target come to.
typedef struct {
    float max;
    double powers;   // sum of e^(x - max)
    float log_sum;   // the logarithm of that
    double weighted; // sum of w (x - max): only with label smoothing
} softmax;

// x [C], `step` apart. The e^(x - max) are written to `powers`, laid out like x, unless it is NULL.
static softmax softmax_of(const loss *l, int C, const float *x, size_t step, float *powers)
{
    softmax s = {.max = -__builtin_inff()};
    float part[CHUNK] = {0};

    for (int c = 0; c < C; c++) {
        const float score = x[(size_t)c * step];
        s.max = score > s.max ? score : s.max; // NaN shows in the sums
    }
    for (int first = 0; first < C; first += CHUNK) {
        const int n = int_min(C - first, CHUNK);
        for (int k = 0; k < n; k++) {
            part[k] = x[(size_t)(first + k) * step] - s.max;
            if (l->parameter != 0)
                s.weighted += (double)(weight_of(l, first + k) * part[k]);
        }
        vmath_exp((size_t)int_round_up(n, 4), part, part);
        for (int k = 0; k < n; k++) {
            s.powers += (double)part[k];
            if (powers)
                powers[(size_t)(first + k) * step] = part[k];
        }
    }
    part[0] = (float)s.powers;
    vmath_log(4, part, part);
    s.log_sum = part[0];
    return s;
}

double loss_class(const loss *l, const loss_pair *pair, const float *prediction, const void *target,
                  float *elements, const float *grad_output, double scale, float *dprediction)
{
    const bool nll = l->kind == LOSS_NLL;
    const int C = pair->classes;
    const size_t step = pair->inner;
    const int32_t *classes = target; // [targets]
    // q_c = even w_c, and sharp w_y more for the target; the first part sums to `all`.
    const double e = nll ? 0 : l->parameter, sharp = 1 - e, even = e / C;
    double all = 0, sum = 0;

    ASSERT(loss_bad_target(l, pair, target) == pair->targets);
    for (int c = 0; c < C; c++)
        all += even * (double)even_of(l, c);
    if (dprediction)
        vector_zero(pair->predictions, dprediction);
    for (size_t i = 0; i < pair->targets; i++) {
        const int y = classes[i];
        const size_t first = i / step * step * (size_t)C + i % step; // its first score
        const float *x = prediction + first;
        double value = 0;

        if (y != l->ignore_index) {
            const double q = sharp * (double)weight_of(l, y);
            float *dx = dprediction ? dprediction + first : NULL;
            softmax s = {.powers = 1}; // with this (2) and (3) are (1) and its gradient
            if (!nll)
                s = softmax_of(l, C, x, step, dx);
            const double log_p = (double)(x[(size_t)y * step] - s.max) - (double)s.log_sum;
            value = all * (double)s.log_sum - even * s.weighted - q * log_p; // (2)

            if (dx) {
                const double g = grad_output ? (double)grad_output[i] : scale;
                const float of_power = (float)(g * (q + all) / s.powers);
                const float of_weight = (float)(g * even);
                for (int c = 0; !nll && c < C; c++) {
                    float *d = dx + (size_t)c * step;
                    *d = *d * of_power - even_of(l, c) * of_weight;
                }
                dx[(size_t)y * step] -= (float)(g * q); // (3)
            }
        }
        if (elements)
            elements[i] = (float)value;
        else
            sum += value;
    }
    return sum;
}
