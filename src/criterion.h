// A loss called by itself: its settings, and the memory for one prediction and one target.
#ifndef UNROLLED_CRITERION_H
#define UNROLLED_CRITERION_H

#include "loss.h"
#include "workspace.h"

typedef struct {
    loss rule;
    float *weights; // [rule.num_weights], owned
    loss_pair pair;
    bool pending; // a forward waits for its backward
    workspace space;
    float *prediction;  // [pair.predictions]
    void *target;       // [pair.targets], float or int32_t
    float *dprediction; // [pair.predictions]
    float *elements;    // [pair.count] with REDUCE_NONE, else NULL
    float *delements;   // likewise, their gradient
} criterion;

// rule.weights is copied. NULL: no memory.
criterion *criterion_create(const loss *rule);
void criterion_destroy(criterion *c);

// Room for a prediction and a target of these shapes; the caller then writes both.
status criterion_reserve(criterion *c, int prediction_dims, const int *prediction, int target_dims,
                         const int *target);

#endif
