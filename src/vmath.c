// The functions of vmath.h over arrays.
#include "vmath.h"

#include "elementwise.h"

#define EACH(name)                                                                                 \
    static void each_##name(const void *settings, size_t n, float *const *y,                       \
                            const float *const *x)                                                 \
    {                                                                                              \
        (void)settings;                                                                            \
        for (size_t k = 0; k < n; k += 4)                                                          \
            f32x4_store(y[0] + k, f32x4_##name(f32x4_load(x[0] + k)));                             \
    }                                                                                              \
    void vmath_##name(size_t n, const float *x, float *y)                                          \
    {                                                                                              \
        elementwise(each_##name, NULL, n, 1, &y, 1, &x);                                           \
    }
EACH(exp)
EACH(log)
EACH(tanh)
EACH(sigmoid)
