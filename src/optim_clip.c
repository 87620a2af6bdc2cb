// The norm of all gradients together, as if they were one vector, and what clips them by it:
//
//     norm = (sum |g|^p)^(1/p),   p = infinity: max |g|                               (1)
//     g = g min(1, max_norm / (norm + 1e-6))                                          (2)
//
// Source: torch.nn.utils.clip_grad_norm_, clip_grad_value_. The usual type, 2, sums in float within
// short blocks and in double from block to block. Where that overflows or underflows, and for every
// other type, the gradients are divided by the largest and summed in double:
//
//     norm = M (sum (|g| / M)^p)^(1/p),   M = max |g|                                 (3)
#include "optim.h"

#include "elementwise.h"
#include "simd.h"
#include "smath.h"

// -------------------------------------------------------------------------------------------- norm

// x^p for x >= 0, p > 0.
static double power(double x, double p)
{
    if (p == 1)
        return x;
    return x > 0 ? smath_exp(p * smath_log(x)) : x;
}

static double scaled_norm(const optim_span *spans, int num_spans, double type)
{
    double most = 0, sum = 0; // max |g|; NaN if there is one
    for (int k = 0; k < num_spans; k++)
        for (size_t i = 0; i < spans[k].count; i++) {
            const double size = (double)__builtin_fabsf(spans[k].grad[i]);
            if (size > most || size != size)
                most = size;
        }
    if (type > 1e300 || !(most > 0 && most < __builtin_inf()))
        return most;
    for (int k = 0; k < num_spans; k++)
        for (size_t i = 0; i < spans[k].count; i++)
            sum += power((double)__builtin_fabsf(spans[k].grad[i]) / most, type);
    return most * power(sum, 1 / type); // (3)
}

SIMD_INLINE f32x4 square(const float *x) { return f32x4_mul(f32x4_load(x), f32x4_load(x)); }

// Four accumulators a block: one alone would wait for its own last addition, and so a term meets no
// more than six float additions on its way into the double.
static double sum_of_squares(size_t n, const float *g)
{
    enum { BLOCK = 64 };
    double total = 0;
    size_t i = 0;

    for (; i + BLOCK <= n; i += BLOCK) {
        f32x4 a = f32x4_zero(), b = a, c = a, d = a;
        for (const float *x = g + i; x < g + i + BLOCK; x += 16) {
            a = f32x4_add(a, square(x));
            b = f32x4_add(b, square(x + 4));
            c = f32x4_add(c, square(x + 8));
            d = f32x4_add(d, square(x + 12));
        }
        const f32x4 sum = f32x4_add(f32x4_add(a, b), f32x4_add(c, d));
        total += ((double)f32x4_lane(sum, 0) + (double)f32x4_lane(sum, 1)) +
                 ((double)f32x4_lane(sum, 2) + (double)f32x4_lane(sum, 3));
    }
    for (; i < n; i++)
        total += (double)(g[i] * g[i]);
    return total;
}

double optim_grad_norm(const optim_span *spans, int num_spans, double type)
{
    double sum = 0;

    ASSERT(type > 0);
    for (int k = 0; type == 2 && k < num_spans; k++)
        sum += sum_of_squares(spans[k].count, spans[k].grad);
    // Below 1e-24 squares may have lost digits as denormals; infinity may be the block's alone.
    if (sum > 1e-24 && sum < __builtin_inf())
        return __builtin_sqrt(sum); // (1)
    return scaled_norm(spans, num_spans, type);
}

// ---------------------------------------------------------------------------------------- clipping

// A kernel over all gradients.
static void each(const optim_span *spans, int num_spans, elementwise_kernel *kernel, float value)
{
    for (int k = 0; k < num_spans; k++)
        elementwise(kernel, &value, spans[k].count, 1, &spans[k].grad, 0, NULL);
}

static void scale(const void *factor, size_t n, float *const *rows, const float *const *inputs)
{
    (void)inputs;
    const f32x4 by = f32x4_load_splat(factor);
    for (float *g = *rows; g < *rows + n; g += 4)
        f32x4_store(g, f32x4_mul(f32x4_load(g), by));
}

static void clamp(const void *value, size_t n, float *const *rows, const float *const *inputs)
{
    (void)inputs;
    const f32x4 high = f32x4_load_splat(value), low = f32x4_neg(high);
    for (float *g = *rows; g < *rows + n; g += 4)
        f32x4_store(g, f32x4_min(f32x4_max(f32x4_load(g), low), high));
}

void optim_clip_norm(const optim_span *spans, int num_spans, double norm, double max_norm)
{
    const double coefficient = max_norm / (norm + 1e-6);
    if (!(coefficient >= 1))
        each(spans, num_spans, scale, (float)coefficient); // (2); NaN makes all NaN, as in PyTorch
}

void optim_clip_value(const optim_span *spans, int num_spans, double value)
{
    each(spans, num_spans, clamp, (float)value);
}
