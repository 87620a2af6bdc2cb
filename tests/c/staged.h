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

static inline size_t staged_axes(int dims) { return dims > 0 ? (size_t)dims : 0; }

static inline int staged_numpy_draw(int numpy, int kind, size_t n, double a, double b,
                                    double *values)
{
    double *at = staged(0, values, n, sizeof *values);
    const int e = unrolled_numpy_draw(numpy, kind, n, a, b, at);
    memcpy(values, at, n * sizeof *values);
    return e;
}

static inline int staged_numpy_randint(int numpy, size_t n, double low, double high,
                                       int32_t *values)
{
    int32_t *at = staged(0, values, n, sizeof *values);
    const int e = unrolled_numpy_randint(numpy, n, low, high, at);
    memcpy(values, at, n * sizeof *values);
    return e;
}

static inline int staged_numpy_permutation(int numpy, size_t n, int32_t *values)
{
    int32_t *at = staged(0, values, n, sizeof *values);
    const int e = unrolled_numpy_permutation(numpy, n, at);
    memcpy(values, at, n * sizeof *values);
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

static inline int staged_optimizer_options(int optimizer, const double *options)
{
    return unrolled_optimizer_options(optimizer,
                                      staged(0, options, UNROLLED_NUM_OPTIONS, sizeof *options));
}

static inline int staged_clip_norm(int count, const int32_t *parameters, double max_norm,
                                   double norm_type)
{
    const int32_t *p = staged(0, parameters, 2 * staged_axes(count), sizeof *p);
    return unrolled_clip_norm(count, p, max_norm, norm_type);
}

static inline int staged_clip_value(int count, const int32_t *parameters, double value)
{
    return unrolled_clip_value(
        count, staged(0, parameters, 2 * staged_axes(count), sizeof *parameters), value);
}

static inline int staged_trainer_reserve(int trainer, int T, int N, int F, int target_dims,
                                         const int32_t *target, size_t targets)
{
    const int32_t *t = staged(0, target, staged_axes(target_dims), sizeof *t);
    return unrolled_trainer_reserve(trainer, T, N, F, target_dims, t, targets);
}

#define unrolled_numpy_draw(...) staged_numpy_draw(__VA_ARGS__)
#define unrolled_numpy_randint(...) staged_numpy_randint(__VA_ARGS__)
#define unrolled_numpy_permutation(...) staged_numpy_permutation(__VA_ARGS__)
#define unrolled_sequential_create(...) staged_sequential_create(__VA_ARGS__)
#define unrolled_loss_create(...) staged_loss_create(__VA_ARGS__)
#define unrolled_loss_reserve(...) staged_loss_reserve(__VA_ARGS__)
#define unrolled_optimizer_create(...) staged_optimizer_create(__VA_ARGS__)
#define unrolled_optimizer_options(...) staged_optimizer_options(__VA_ARGS__)
#define unrolled_clip_norm(...) staged_clip_norm(__VA_ARGS__)
#define unrolled_clip_value(...) staged_clip_value(__VA_ARGS__)
#define unrolled_trainer_reserve(...) staged_trainer_reserve(__VA_ARGS__)

#endif
