// What loss.c hands on to loss_regression.c and loss_class.c, and the sum both of them use.
#ifndef UNROLLED_LOSS_PARTS_H
#define UNROLLED_LOSS_PARTS_H

#include "loss.h"
#include "simd.h"

// Contracts as of loss_forward and loss_backward, for one family each. The first return the sum of
// all values, 0 when they go to `elements` (NULL: they do not); the others multiply by `scale`.
double loss_regression_forward(const loss *l, const loss_pair *pair, const float *prediction,
                               const float *target, float *elements);
void loss_regression_backward(const loss *l, const loss_pair *pair, const float *prediction,
                              const float *target, const float *grad_output, double scale,
                              float *dprediction);
double loss_class_forward(const loss *l, const loss_pair *pair, const float *prediction,
                          const int32_t *target, float *elements);
void loss_class_backward(const loss *l, const loss_pair *pair, const float *prediction,
                         const int32_t *target, const float *grad_output, double scale,
                         float *dprediction);

// Four sums side by side, of any length: eight terms in float, then on in double.
typedef struct {
    f32x4 block;
    int terms; // in the block
    double lane[4];
} loss_sum;

static inline loss_sum loss_sum_zero(void) { return (loss_sum){.block = f32x4_zero()}; }

static inline void loss_sum_close(loss_sum *s)
{
    s->lane[0] += (double)f32x4_lane(s->block, 0);
    s->lane[1] += (double)f32x4_lane(s->block, 1);
    s->lane[2] += (double)f32x4_lane(s->block, 2);
    s->lane[3] += (double)f32x4_lane(s->block, 3);
    s->block = f32x4_zero();
    s->terms = 0;
}

static inline void loss_sum_add(loss_sum *s, f32x4 terms)
{
    s->block = f32x4_add(s->block, terms);
    if (++s->terms == 8)
        loss_sum_close(s);
}

// All four together, of a sum that was closed.
static inline double loss_sum_total(const loss_sum *s)
{
    return (s->lane[0] + s->lane[1]) + (s->lane[2] + s->lane[3]);
}

#endif
