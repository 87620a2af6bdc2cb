#include "activate.h"

#include "elementwise.h"
#include "vmath.h"

static void relu(const void *settings, size_t n, float *const *y, const float *const *x)
{
    const f32x4 zero = f32x4_zero();
    (void)settings;
    for (size_t i = 0; i < n; i += 4) { // NaN stays NaN
        const f32x4 v = f32x4_load(x[0] + i);
        f32x4_store(y[0] + i, f32x4_select(f32x4_lt(v, zero), zero, v));
    }
}

void activate(activate_kind f, size_t n, const float *x, float *y)
{
    switch (f) {
    case ACTIVATE_TANH:
        vmath_tanh(n, x, y);
        break;
    case ACTIVATE_SIGMOID:
        vmath_sigmoid(n, x, y);
        break;
    case ACTIVATE_RELU:
        elementwise(relu, NULL, n, 1, &y, 1, &x);
        break;
    case ACTIVATE_NONE:
        ASSERT(y == x);
    }
}

// rows: dx; inputs: y, dy
static void back(const void *settings, size_t n, float *const *dx, const float *const *inputs)
{
    const activate_kind f = *(const activate_kind *)settings;
    const f32x4 zero = f32x4_zero();

    for (size_t i = 0; i < n; i += 4) {
        const f32x4 y = f32x4_load(inputs[0] + i);
        f32x4 d = f32x4_load(inputs[1] + i);
        if (f == ACTIVATE_TANH)
            d = activate_back_tanh(d, y); // (1)
        else if (f == ACTIVATE_RELU)
            d = f32x4_select(f32x4_le(y, zero), zero, d); // (2)
        else if (f == ACTIVATE_SIGMOID)
            d = activate_back_sigmoid(d, y); // (3)
        f32x4_store(dx[0] + i, d);
    }
}

void activate_back(activate_kind f, size_t n, const float *y, const float *dy, float *dx)
{
    elementwise(back, &f, n, 1, &dx, 2, (const float *[]){y, dy});
}
