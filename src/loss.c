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

bool loss_count_values(int dims, const int *shape, size_t *values)
{
    *values = 1;
    for (int d = 0; d < dims; d++) {
        if (shape[d] < 1)
            return false;
        *values = size_product(*values, (size_t)shape[d]);
    }
    return *values <= SIZE_MAX / sizeof(float);
}

// The size of axis d of a shape, counted from its last; 1 where there is none.
static int axis(int dims, const int *shape, int d) { return d < dims ? shape[dims - 1 - d] : 1; }

// Shapes are aligned at their last axes; an axis of 1, or one that is missing, is repeated.
static status broadcast(int prediction_dims, const int *prediction_shape, int target_dims,
                        const int *target_shape, loss_pair *pair)
{
    const int dims = int_max(prediction_dims, target_dims);
    int shape[LOSS_MAX_DIMS];

    for (int repeated = 1; repeated >= 0; repeated--) { // first the axes that repeat the prediction
        size_t target_step = 1, result_step = 1;
        for (int d = 0; d < dims; d++) {
            const int p = axis(prediction_dims, prediction_shape, d);
            const int t = axis(target_dims, target_shape, d);
            if (p != t && p != 1 && t != 1)
                return UNROLLED_E_SHAPE;
            shape[d] = int_max(p, t);
            if ((p < t) == repeated) {
                pair->size[pair->dims] = (size_t)shape[d];
                pair->target_step[pair->dims] = t > 1 ? target_step : 0;
                pair->result_step[pair->dims++] = result_step;
            }
            target_step *= (size_t)t;
            result_step *= (size_t)shape[d];
        }
    }
    if (!loss_count_values(dims, shape, &pair->count))
        return UNROLLED_E_SHAPE;
    pair->repeats = pair->count / pair->predictions;
    pair->same = pair->predictions == pair->count && pair->targets == pair->count;
    return UNROLLED_OK;
}

status loss_match(const loss *l, int prediction_dims, const int *prediction_shape, int target_dims,
                  const int *target_shape, loss_pair *pair)
{
    const int classes = loss_takes_classes(l->kind); // an axis that the target has not

    *pair = (loss_pair){0};
    if (prediction_dims < 0 || prediction_dims > LOSS_MAX_DIMS || target_dims < 0 ||
        target_dims > LOSS_MAX_DIMS ||
        !loss_count_values(prediction_dims, prediction_shape, &pair->predictions) ||
        !loss_count_values(target_dims, target_shape, &pair->targets))
        return UNROLLED_E_SHAPE;
    if (classes || l->kind == LOSS_BCE_LOGITS) { // PyTorch broadcasts only the weights here
        if (target_dims != prediction_dims - classes)
            return UNROLLED_E_SHAPE;
        for (int d = 0; d < target_dims; d++)
            if (target_shape[d] != prediction_shape[d > 0 ? d + classes : 0])
                return UNROLLED_E_SHAPE;
        // The axis of the classes is the second, if there are two; that of pos_weight the last.
        pair->classes =
            axis(prediction_dims, prediction_shape, classes ? int_max(prediction_dims - 2, 0) : 0);
        if (l->num_weights > 1 - classes && l->num_weights != pair->classes)
            return UNROLLED_E_SHAPE;
    }
    if (!classes)
        return broadcast(prediction_dims, prediction_shape, target_dims, target_shape, pair);
    pair->count = pair->targets;
    pair->inner = pair->predictions / (size_t)pair->classes;
    if (prediction_dims > 1)
        pair->inner /= (size_t)prediction_shape[0];
    return UNROLLED_OK;
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

static loss_walk *family(const loss *l)
{
    return loss_takes_classes(l->kind) ? loss_class : loss_regression;
}

double loss_forward(const loss *l, const loss_pair *pair, const float *prediction,
                    const void *target, float *elements)
{
    if (l->reduce != REDUCE_NONE)
        elements = NULL;
    const double sum = family(l)(l, pair, prediction, target, elements, NULL, 1, NULL);
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
    family(l)(l, pair, prediction, target, NULL, grad_output, scale, dprediction);
}
