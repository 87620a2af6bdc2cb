// The exports that take arrays, for tests that have them at places of their own: each array is
// copied to the stage, where the library wants it, and back where the export writes. Arrays too
// large for the room below go as they are, to be refused.
#ifndef STAGED_H
#define STAGED_H

#include <stdint.h>
#include <string.h>

#include "unrolled.h"

enum { STAGED_ROOM = 1 << 16, STAGED_PLACE = STAGED_ROOM / 2 };

// Before a test refuses memory: from now on the stage has room.
static inline char *staged_room(void) { return unrolled_stage(STAGED_ROOM); }

// A copy of an array at one of the two places.
static inline void *staged(int place, const void *array, size_t count, size_t size)
{
    char *at = staged_room() + place * STAGED_PLACE;
    if (!array)
        return NULL;
    if (count > STAGED_PLACE / size)
        return (void *)(uintptr_t)array;
    memcpy(at, array, count * size);
    return at;
}

// Modules by what their kinds have.
static inline int make_stack(int kind, int I, int H, int L, int P, double dropout, int flags)
{
    return unrolled_module_create(kind, I, H, flags, dropout, L, P);
}

static inline int make_cell(int kind, int I, int H, int flags)
{
    return unrolled_module_create(kind, I, H, flags | UNROLLED_CELL, 0, 0, 0);
}

static inline int make_linear(int I, int K, int flags)
{
    return unrolled_module_create(UNROLLED_LINEAR, I, K, flags, 0, 0, 0);
}

static inline int make_activation(int kind, int size)
{
    return unrolled_module_create(kind, size, 0, 0, 0, 0, 0);
}

static inline int make_dropout(double p)
{
    return unrolled_module_create(UNROLLED_DROPOUT, 0, 0, 0, p, 0, 0);
}

static inline int make_last_step(void)
{
    return unrolled_module_create(UNROLLED_LAST_STEP, 0, 0, 0, 0, 0, 0);
}

static inline size_t staged_axes(int dims) { return dims > 0 ? (size_t)dims : 0; }

static inline int staged_draw(int numpy, int kind, size_t n, double a, double b, void *values)
{
    const size_t size = numpy && kind <= UNROLLED_NORMAL ? sizeof(double) : sizeof(float);
    void *at = staged(0, values, n, size);
    const int e = unrolled_draw(numpy, kind, n, a, b, at);
    if (at != values)
        memcpy(values, at, n * size);
    return e;
}

static inline int staged_sequential_create(int count, const int32_t *modules)
{
    return unrolled_sequential_create(count,
                                      staged(0, modules, staged_axes(count), sizeof *modules));
}

static inline int staged_loss_create(int kind, int reduction, double setting, int ignore_index,
                                     int num_weights, const float *weights)
{
    return unrolled_loss_create(kind, reduction, setting, ignore_index, num_weights,
                                staged(0, weights, staged_axes(num_weights), sizeof *weights));
}

static inline int staged_loss_reserve(int loss, int prediction_dims, const int32_t *prediction,
                                      int target_dims, const int32_t *target)
{
    const int32_t *p = staged(0, prediction, staged_axes(prediction_dims), sizeof *p);
    const int32_t *t = staged(1, target, staged_axes(target_dims), sizeof *t);
    return unrolled_loss_reserve(loss, prediction_dims, p, target_dims, t);
}

static inline int staged_optimizer_create(int kind, const double *options, int count,
                                          const int32_t *parameters)
{
    const double *o = staged(0, options, UNROLLED_NUM_OPTIONS, sizeof *o);
    const int32_t *p = staged(1, parameters, 2 * staged_axes(count), sizeof *p);
    return unrolled_optimizer_create(kind, o, count, p);
}

static inline int staged_optimizer_options(int optimizer, const double *options, double step)
{
    const double *o = staged(0, options, UNROLLED_NUM_OPTIONS, sizeof *o);
    return unrolled_optimizer_options(optimizer, o, step);
}

static inline int staged_clip(int count, const int32_t *parameters, double most, double norm_type)
{
    const int32_t *p = staged(0, parameters, 2 * staged_axes(count), sizeof *p);
    return unrolled_clip(count, p, most, norm_type);
}

static inline int staged_trainer_reserve(int trainer, int T, int N, int F, int target_dims,
                                         const int32_t *target, size_t targets)
{
    const int32_t *t = staged(0, target, staged_axes(target_dims), sizeof *t);
    return unrolled_trainer_reserve(trainer, T, N, F, target_dims, t, targets);
}

#define unrolled_draw(...) staged_draw(__VA_ARGS__)
#define unrolled_sequential_create(...) staged_sequential_create(__VA_ARGS__)
#define unrolled_loss_create(...) staged_loss_create(__VA_ARGS__)
#define unrolled_loss_reserve(...) staged_loss_reserve(__VA_ARGS__)
#define unrolled_optimizer_create(...) staged_optimizer_create(__VA_ARGS__)
#define unrolled_optimizer_options(...) staged_optimizer_options(__VA_ARGS__)
#define unrolled_clip(...) staged_clip(__VA_ARGS__)
#define unrolled_trainer_reserve(...) staged_trainer_reserve(__VA_ARGS__)

#endif
