// What loss.c hands on to loss_regression.c and loss_class.c.
#ifndef UNROLLED_LOSS_PARTS_H
#define UNROLLED_LOSS_PARTS_H

#include "loss.h"

// One walk over all places of a loss. Without dprediction it is loss_forward before the reduction:
// the values go to `elements`, or where that is NULL their sum is returned. With dprediction it is
// loss_backward: slopes times `scale`, and times grad_output where that is not NULL.
typedef double loss_walk(const loss *l, const loss_pair *pair, const float *prediction,
                         const void *target, float *elements, const float *grad_output,
                         double scale, float *dprediction);

loss_walk loss_regression, loss_class;

#endif
