// Losses: value and gradient with respect to the prediction. Formulas, reductions and broadcasting
// are PyTorch's (torch.nn: MSELoss, L1Loss, SmoothL1Loss, HuberLoss, BCEWithLogitsLoss,
// CrossEntropyLoss, NLLLoss).
//
// Means and sums accumulate in blocks, the blocks in double: the error does not grow with the
// count. Values that are infinite or NaN pass through as they do there. Nothing is allocated or
// kept.
#ifndef UNROLLED_LOSS_H
#define UNROLLED_LOSS_H

#include "base.h"

typedef enum {
    LOSS_MSE,
    LOSS_L1,
    LOSS_SMOOTH_L1,     // parameter: beta; 0 is L1
    LOSS_HUBER,         // parameter: delta
    LOSS_BCE_LOGITS,    // weights: pos_weight
    LOSS_CROSS_ENTROPY, // weights: of the classes; parameter: label smoothing
    LOSS_NLL,           // weights: of the classes
    LOSS_KINDS
} loss_kind;

typedef enum { REDUCE_MEAN, REDUCE_SUM, REDUCE_NONE } reduction;

typedef struct {
    loss_kind kind;
    reduction reduce;
    double parameter;
    int ignore_index;     // class losses: targets equal to this count for nothing
    int num_weights;      // 0: none. Classes; or pos_weight: 1 or the size of the last axis
    const float *weights; // [num_weights], owned by whoever made the record
} loss;

enum { LOSS_MAX_DIMS = 8 };

// How one prediction meets one target: made once per pair of shapes, by loss_match.
typedef struct {
    size_t predictions, targets; // values in each
    size_t count;                // values before the reduction, and with REDUCE_NONE after it
    // Regression. `same`: no broadcasting at all. Else a walk over the broadcast shape, its
    // innermost axis first: how far one step along each axis moves in the target (0 where it is
    // repeated) and in the result. The axes along which the prediction is repeated come first, so
    // that the places it meets follow each other, `repeats` at a time.
    bool same;
    size_t repeats;
    int dims;
    size_t size[LOSS_MAX_DIMS], target_step[LOSS_MAX_DIMS], result_step[LOSS_MAX_DIMS];
    // Classes: prediction [outer][classes][inner], target [outer][inner], count = outer * inner.
    size_t inner;
    int classes;
} loss_pair;

static inline bool loss_takes_classes(loss_kind kind)
{
    return kind == LOSS_CROSS_ENTROPY || kind == LOSS_NLL;
}

// *values = the product of a shape, 1 for a scalar; false when it has an axis below 1, or when the
// bytes of so many floats do not fit.
bool loss_count_values(int dims, const int *shape, size_t *values);

// Matches two shapes (regression: broadcast as PyTorch does, except BCE_LOGITS, where they must be
// equal; classes: [N][C] with [N], [N][C][d1]… with [N][d1]…, or [C] with a scalar target
// (target_dims 0)). The pair holds for this loss, whatever its reduction, and for no other.
// UNROLLED_E_SHAPE when they do not fit, when there are more than LOSS_MAX_DIMS axes, when an axis
// is below 1, when a count overflows, or when the weights do not fit the classes / the last axis.
status loss_match(const loss *l, int prediction_dims, const int *prediction_shape, int target_dims,
                  const int *target_shape, loss_pair *pair);

// Class losses: the place of the first target that is neither ignore_index nor in [0, classes);
// pair->targets when all are fine. Callers ask before loss_forward.
size_t loss_bad_target(const loss *l, const loss_pair *pair, const int32_t *target);

// The loss. target: float [targets], or int32_t [targets] for class losses.
// With REDUCE_NONE the values go to `elements` [count] and 0 is returned; else elements is not used
// and may be NULL. A mean over no target at all (all ignored, or all of weight 0) is NaN, as in
// PyTorch.
double loss_forward(const loss *l, const loss_pair *pair, const float *prediction,
                    const void *target, float *elements);

// dprediction [predictions] is WRITTEN; it must not be the prediction. grad_output: with
// REDUCE_NONE [count] or NULL for ones; otherwise NULL. A place that was repeated gets the sum of
// its slopes, an ignored target exactly 0. (No state is kept between the two: what the gradient
// needs is computed again.)
void loss_backward(const loss *l, const loss_pair *pair, const float *prediction,
                   const void *target, const float *grad_output, float *dprediction);

#endif
