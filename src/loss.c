// Shapes, targets and reductions of all losses. The values themselves: loss_regression.c, where
// prediction and target are alike, and loss_class.c, where the target names one of C classes.
//
//     none  l_1 ... l_n        sum  l_1 + ... + l_n
//     mean  (l_1 + ... + l_n) / n; class losses divide by the weights of the targets that count (1)
//
// Source: the pages of the seven losses in torch.nn; broadcasting: "Broadcasting semantics" there.
#include "loss.h"

#include "loss_parts.h"

// ------------------------------------------------------------------------------------------ shapes

// *values = the product of a shape, 1 for a scalar; false when it, or the bytes of so many floats,
// do not fit.
static bool count_values(int dims, const int *shape, size_t *values)
{
    size_t bytes;
    *values = 1;
    for (int d = 0; d < dims; d++)
        if (shape[d] < 1 || !size_mul(*values, (size_t)shape[d], values))
            return false;
    return size_mul(*values, sizeof(float), &bytes);
}

// Appends an axis to those of the pair. One that continues the axis before it, in both operands, is
// joined to it: shapes that are the same end as a single run.
static void append_axis(loss_pair *pair, size_t size, size_t prediction_step, size_t target_step,
                        bool may_join)
{
    int last = pair->dims - 1;
    if (size == 1)
        return;
    if (may_join && last >= 0 && pair->prediction_step[last] == prediction_step * size &&
        pair->target_step[last] == target_step * size) {
        pair->size[last] *= size;
    } else {
        last = pair->dims++;
        pair->size[last] = size;
    }
    pair->prediction_step[last] = prediction_step;
    pair->target_step[last] = target_step;
}

// Shapes are aligned at their last axes; an axis of 1, or one that is missing, is repeated.
static status match_regression(const loss *l, int prediction_dims, const int *prediction_shape,
                               int target_dims, const int *target_shape, loss_pair *pair)
{
    const int dims = int_max(prediction_dims, target_dims);
    const int last_axis = prediction_dims > 0 ? prediction_shape[prediction_dims - 1] : 1;
    size_t prediction_left = pair->predictions, target_left = pair->targets;
    int shape[LOSS_MAX_DIMS];

    if (l->kind == LOSS_BCE_LOGITS) { // PyTorch broadcasts only the weights here
        if (prediction_dims != target_dims || (l->num_weights > 1 && l->num_weights != last_axis))
            return UNROLLED_E_SHAPE;
        for (int d = 0; d < dims; d++)
            if (prediction_shape[d] != target_shape[d])
                return UNROLLED_E_SHAPE;
    }

    for (int d = 0; d < dims; d++) {
        const int p = d - (dims - prediction_dims), t = d - (dims - target_dims);
        const int p_size = p >= 0 ? prediction_shape[p] : 1, t_size = t >= 0 ? target_shape[t] : 1;
        if (p_size != t_size && p_size != 1 && t_size != 1)
            return UNROLLED_E_SHAPE;
        shape[d] = int_max(p_size, t_size);
        prediction_left /= (size_t)p_size;
        target_left /= (size_t)t_size;
        // What is left are the values one step along this axis passes by. The weights of BCE go
        // along the last axis, which must then stay one.
        append_axis(pair, (size_t)shape[d], p_size > 1 ? prediction_left : 0,
                    t_size > 1 ? target_left : 0, d < dims - 1 || l->num_weights <= 1);
    }
    if (pair->dims == 0) { // one value
        pair->dims = 1;
        pair->size[0] = pair->prediction_step[0] = pair->target_step[0] = 1;
    }
    if (!count_values(dims, shape, &pair->count))
        return UNROLLED_E_SHAPE;
    pair->same = pair->predictions == pair->count && pair->targets == pair->count;
    return UNROLLED_OK;
}

// The target has the prediction's shape without the axis of the classes.
static status match_classes(const loss *l, int prediction_dims, const int *prediction_shape,
                            int target_dims, const int *target_shape, loss_pair *pair)
{
    if (prediction_dims < 1 || target_dims != prediction_dims - 1)
        return UNROLLED_E_SHAPE;
    pair->classes = prediction_shape[prediction_dims > 1 ? 1 : 0];
    pair->outer = prediction_dims > 1 ? (size_t)prediction_shape[0] : 1;
    pair->inner = pair->predictions / pair->outer / (size_t)pair->classes;
    pair->count = pair->targets;
    for (int d = 0; d < target_dims; d++)
        if (target_shape[d] != prediction_shape[d == 0 ? 0 : d + 1])
            return UNROLLED_E_SHAPE;
    if (l->num_weights != 0 && l->num_weights != pair->classes)
        return UNROLLED_E_SHAPE;
    return UNROLLED_OK;
}

status loss_match(const loss *l, int prediction_dims, const int *prediction_shape, int target_dims,
                  const int *target_shape, loss_pair *pair)
{
    *pair = (loss_pair){0};
    if (prediction_dims < 0 || prediction_dims > LOSS_MAX_DIMS || target_dims < 0 ||
        target_dims > LOSS_MAX_DIMS ||
        !count_values(prediction_dims, prediction_shape, &pair->predictions) ||
        !count_values(target_dims, target_shape, &pair->targets))
        return UNROLLED_E_SHAPE;
    return (loss_takes_classes(l->kind) ? match_classes : match_regression)(
        l, prediction_dims, prediction_shape, target_dims, target_shape, pair);
}

// ----------------------------------------------------------------------------------------- targets

size_t loss_bad_target(const loss *l, const loss_pair *pair, const int32_t *target)
{
    for (size_t i = 0; i < pair->targets; i++)
        if (target[i] != l->ignore_index && (target[i] < 0 || target[i] >= pair->classes))
            return i;
    return pair->targets;
}

// What a mean divides by: (1)
static double divisor(const loss *l, const loss_pair *pair, const void *target)
{
    if (!loss_takes_classes(l->kind))
        return (double)pair->count;

    const int32_t *classes = target; // [targets]
    double sum = 0;
    for (size_t i = 0; i < pair->targets; i++)
        if (classes[i] != l->ignore_index)
            sum += l->num_weights ? (double)l->weights[classes[i]] : 1;
    return sum;
}

// ---------------------------------------------------------------------------- forward and backward

double loss_forward(const loss *l, const loss_pair *pair, const float *prediction,
                    const void *target, float *elements)
{
    if (l->reduce != REDUCE_NONE)
        elements = NULL;
    const double sum = loss_takes_classes(l->kind)
                           ? loss_class_forward(l, pair, prediction, target, elements)
                           : loss_regression_forward(l, pair, prediction, target, elements);
    if (l->reduce != REDUCE_MEAN)
        return sum;
    // With nothing to divide by NaN, even where smoothing left a sum: so it is in PyTorch.
    const double n = divisor(l, pair, target);
    return n != 0 ? sum / n : __builtin_nan(""); // (1)
}

void loss_backward(const loss *l, const loss_pair *pair, const float *prediction,
                   const void *target, const float *grad_output, float *dprediction)
{
    const double scale = l->reduce == REDUCE_MEAN ? 1 / divisor(l, pair, target) : 1;

    if (loss_takes_classes(l->kind))
        loss_class_backward(l, pair, prediction, target, grad_output, scale, dprediction);
    else
        loss_regression_backward(l, pair, prediction, target, grad_output, scale, dprediction);
}
