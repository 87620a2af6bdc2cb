// Arrays of numbers for tests: drawn, widened to double, compared.
#ifndef NUMBERS_H
#define NUMBERS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint32_t random_state = 1;

// Uniform on (-1, 1).
static inline float draw(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return (float)(random_state >> 8) * 0x1p-23F - 1;
}

// n floats and not one more: natively the address sanitizer guards both ends. To be freed.
static inline float *floats(size_t n)
{
    float *values = malloc((n ? n : 1) * sizeof *values);
    if (!values)
        abort();
    return values;
}

static inline float *draws(size_t n, float scale)
{
    float *values = floats(n);
    for (size_t i = 0; i < n; i++)
        values[i] = scale * draw();
    return values;
}

static inline float *copies(size_t n, const float *from)
{
    float *values = floats(n);
    if (n)
        memcpy(values, from, n * sizeof *values);
    return values;
}

static inline double *doubles(size_t n)
{
    double *values = calloc(n ? n : 1, sizeof *values);
    if (!values)
        abort();
    return values;
}

static inline void widen(size_t n, const float *from, double *to)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (double)from[i];
}

static inline bool same_bits(size_t n, const float *a, const float *b)
{
    return n == 0 || memcmp(a, b, n * sizeof *a) == 0; // of none there may be no array
}

static inline double larger(double a, double b) { return a > b ? a : b; }

// The largest error, measured by the largest of the values wanted, or by 1, the size of the states
// and of the gradients that come in: small values that are sums of large ones are not more precise
// than those. Infinite where one is NaN and the other is not.
static inline double error_of(size_t n, const float *got, const double *want)
{
    double scale = 1, error = 0;
    for (size_t i = 0; i < n; i++) {
        const double here = fabs((double)got[i] - want[i]);
        scale = larger(fabs(want[i]), scale);
        if (got[i] != got[i] || want[i] != want[i])
            error = got[i] != got[i] && want[i] != want[i] ? error : INFINITY;
        else
            error = larger(here, error);
    }
    return error / scale;
}

#endif
