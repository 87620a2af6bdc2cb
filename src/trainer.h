// The whole step of a training: forward, loss, backward, clip, update. Nothing is allocated in it.
#ifndef UNROLLED_TRAINER_H
#define UNROLLED_TRAINER_H

#include "call.h"
#include "criterion.h"
#include "tuner.h"

typedef struct {
    module *model;
    const criterion *objective; // its rule only
    tuner *updates;
    int model_handle, objective_handle, updates_handle; // to see whether they still live
    double clip_norm;                                   // 0: none
    int on_nonfinite;                                   // UNROLLED_THROW, _SKIP, _IGNORE
    bool reserved;                                      // there is room for the next step's batch
    shape in;                                           // of that batch
    loss_pair pair;
    workspace space;
    void *target; // [pair.targets], float or int32_t; all that is in the space
} trainer;

// NULL: no memory.
trainer *trainer_create(module *model, const criterion *objective, tuner *updates);
void trainer_destroy(trainer *t);

// Room for a batch; target_dims -1 for a target of the prediction's shape, or one class a row. The
// caller then writes t->model->call.input and t->target. UNROLLED_E_SHAPE when they do not fit;
// UNROLLED_E_TARGET when the batch takes another number of targets than *targets, which was
// SIZE_MAX when any is welcome, and holds that number afterwards. Either changes nothing.
status trainer_reserve(trainer *t, const shape *in, int target_dims, const int *target_shape,
                       size_t *targets);

// What comes out of a model as PyTorch would have it: [N][K], [T][N][K] or [N][T][K]. Returns how
// many axes there are.
int trainer_prediction_shape(const module *model, const shape *out, int dims[3]);

// Whether that room is still there: the model may have been planned for something else since.
bool trainer_ready(const trainer *t);

// UNROLLED_E_NONFINITE: nothing was updated, *value is the loss, and *culprit the number of the
// first of the model's parameters whose gradient is not finite, -1 when it is the loss.
// UNROLLED_E_TARGET: nothing was done, *culprit is the place of a class that does not exist.
status trainer_step(trainer *t, double *value, int *culprit);

#endif
