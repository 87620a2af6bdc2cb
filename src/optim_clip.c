// The norm of all gradients together, as if they were one vector, and what clips them by it:
//
//     norm = (sum |g|^p)^(1/p),   p = infinity: max |g|                               (1)
//     g = g min(1, max_norm / (norm + 1e-6))                                          (2)
//
// Source: torch.nn.utils.clip_grad_norm_, clip_grad_value_. The usual types, 1 and 2, sum in float
// within short blocks and in double from block to block. Where that overflows or underflows, and
// for every other type, the gradients are divided by the largest and summed in double:
//
//     norm = M (sum (|g| / M)^p)^(1/p),   M = max |g|                                 (3)
#include "optim.h"

#include "rng.h"
#include "simd.h"

// ---------------------------------------------------------------------------------- powers, double

// e^x = 2^n e^r, |r| <= ln(2) / 2, by the series of e^r. 0 and infinity where 2^n is out of range.
static double exp_double(double x)
{
    enum { TERMS = 14 }; // 0.35^15 / 15! is below 2^-60
    if (!(x > -708))
        return x <= -708 ? 0 : x;
    if (x > 709)
        return __builtin_inf();
    const int n = (int)(x * 1.44269504088896340736 + (x < 0 ? -0.5 : 0.5));
    const double r =
        x - n * 0.693147180369123816490 - n * 1.90821492927058770002e-10; // ln 2, in two
    double series = 1;
    for (int k = TERMS; k > 0; k--)
        series = 1 + series * r / k;
    const int64_t bits = (int64_t)(n + 1023) * ((int64_t)1 << 52);
    double scale;
    __builtin_memcpy(&scale, &bits, sizeof scale);
    return series * scale;
}

// x^p for x >= 0, p > 0: whole powers by squaring, others by logarithm.
static double power(double x, double p)
{
    if (p > 64 || p != (int)p)
        return x > 0 ? exp_double(p * rng_log(x)) : x;
    double result = 1;
    for (int left = (int)p; left; left >>= 1, x *= x)
        if (left & 1)
            result *= x;
    return result;
}

// -------------------------------------------------------------------------------------------- norm

// max |g|; NaN if there is one.
static double largest_of(const optim_span *spans, int num_spans)
{
    f32x4 most = f32x4_zero();
    i32x4 numbers = i32x4_splat(-1); // lanes that have met no NaN
    for (int k = 0; k < num_spans; k++)
        for (size_t i = 0; i < spans[k].count; i += 4) {
            const int lanes = simd_lanes(i, spans[k].count);
            const f32x4 a = f32x4_abs(f32x4_load_n(spans[k].grad + i, lanes));
            most = f32x4_max(most, a);
            numbers = i32x4_and(numbers, f32x4_eq(a, a));
        }
    if (i32x4_any(i32x4_not(numbers)))
        return __builtin_nan("");

    float lane[4], largest = 0;
    f32x4_store(lane, most);
    for (int k = 0; k < 4; k++)
        largest = lane[k] > largest ? lane[k] : largest;
    return (double)largest;
}

static double scaled_norm(const optim_span *spans, int num_spans, double type)
{
    const double most = largest_of(spans, num_spans);
    if (type > 1e300 || !(most > 0 && most < __builtin_inf()))
        return most;

    double sum = 0;
    for (int k = 0; k < num_spans; k++)
        for (size_t i = 0; i < spans[k].count; i++) {
            const double g = (double)spans[k].grad[i];
            sum += power((g < 0 ? -g : g) / most, type);
        }
    return most * power(sum, 1 / type); // (3)
}

// The lanes of a, added in double.
static inline double wide_sum(f32x4 a)
{
    return ((double)f32x4_lane(a, 0) + (double)f32x4_lane(a, 1)) +
           ((double)f32x4_lane(a, 2) + (double)f32x4_lane(a, 3));
}

static inline f32x4 abs_or_square(f32x4 a, bool square)
{
    return square ? f32x4_mul(a, a) : f32x4_abs(a);
}

// sum |g| or sum g^2. Four accumulators a block: one alone would wait for its own last addition,
// and so a term meets no more than six float additions on its way into the double.
static double sum_of(size_t n, const float *g, bool square)
{
    enum { BLOCK = 64 };
    double total = 0;
    size_t i = 0;

    for (; i + BLOCK <= n; i += BLOCK) {
        f32x4 a = f32x4_zero(), b = a, c = a, d = a;
        for (const float *x = g + i; x < g + i + BLOCK; x += 16) {
            a = f32x4_add(a, abs_or_square(f32x4_load(x), square));
            b = f32x4_add(b, abs_or_square(f32x4_load(x + 4), square));
            c = f32x4_add(c, abs_or_square(f32x4_load(x + 8), square));
            d = f32x4_add(d, abs_or_square(f32x4_load(x + 12), square));
        }
        total += wide_sum(f32x4_add(f32x4_add(a, b), f32x4_add(c, d)));
    }
    for (; i < n; i += 4)
        total += wide_sum(abs_or_square(f32x4_load_n(g + i, simd_lanes(i, n)), square));
    return total;
}

double optim_grad_norm(const optim_span *spans, int num_spans, double type)
{
    ASSERT(type > 0);
    if (type == 1 || type == 2) {
        double sum = 0;
        for (int k = 0; k < num_spans; k++)
            sum += sum_of(spans[k].count, spans[k].grad, type == 2);
        // Below 1e-24 squares may have lost digits as denormals; infinity may be the block's alone.
        if (sum > 1e-24 && sum < __builtin_inf())
            return type == 2 ? __builtin_sqrt(sum) : sum; // (1)
    }
    return scaled_norm(spans, num_spans, type);
}

// ---------------------------------------------------------------------------------------- clipping

void optim_clip_norm(const optim_span *spans, int num_spans, double norm, double max_norm)
{
    const double coefficient = max_norm / (norm + 1e-6);
    if (coefficient >= 1)
        return;
    const f32x4 factor = f32x4_splat((float)coefficient); // NaN makes all NaN, as in PyTorch

    for (int k = 0; k < num_spans; k++)
        for (size_t i = 0; i < spans[k].count; i += 4) {
            float *g = spans[k].grad + i;
            const int lanes = simd_lanes(i, spans[k].count);
            f32x4_store_n(g, f32x4_mul(f32x4_load_n(g, lanes), factor), lanes); // (2)
        }
}

void optim_clip_value(const optim_span *spans, int num_spans, double value)
{
    const f32x4 high = f32x4_splat((float)value), low = f32x4_neg(high);

    for (int k = 0; k < num_spans; k++)
        for (size_t i = 0; i < spans[k].count; i += 4) {
            float *g = spans[k].grad + i;
            const int lanes = simd_lanes(i, spans[k].count);
            const f32x4 clamped = f32x4_min(f32x4_max(f32x4_load_n(g, lanes), low), high);
            f32x4_store_n(g, clamped, lanes);
        }
}
