// In this order: the twister, PyTorch's draws, NumPy's draws.
//
// Normal numbers come from uniform ones. PyTorch (G. Box, M. Muller, 1958):
//     n1 = sqrt(-2 log u1) cos(2 pi u2),  n2 = sqrt(-2 log u1) sin(2 pi u2)               (1)
// NumPy draws x, y in (-1, 1) until s = x*x + y*y is in (0, 1) (G. Marsaglia, 1964):
//     n1 = y sqrt(-2 log(s) / s),  n2 = x sqrt(-2 log(s) / s)                             (2)
// The digits depend on who computes log, sin and cos: see smath.h.
#include "rng.h"

#include "smath.h"

// --------------------------------------------------------------------------------- the twister

void rng_seed(rng *r, uint32_t seed)
{
    r->words[0] = seed;
    for (uint32_t k = 1; k < RNG_WORDS; k++) {
        const uint32_t before = r->words[k - 1];
        r->words[k] = 1812433253 * (before ^ (before >> 30)) + k;
    }
    r->place = RNG_WORDS;
    r->has_normal = 0;
    r->next_normal = 0;
}

rng *rng_global(void)
{
    static rng global; // place 0: never seeded
    if (global.place == 0)
        rng_seed(&global, 0xF19CD101); // 67280421310721, PyTorch's default seed, modulo 2^32
    return &global;
}

enum { SHIFT = 397 };
static const uint32_t UPPER_BIT = 0x80000000;

bool rng_is_state(const rng *r)
{
    // From a state of zeros only zeros would come; the low 31 bits of the first word play no part.
    uint32_t any = r->words[0] & UPPER_BIT;
    for (int k = 1; k < RNG_WORDS; k++)
        any |= r->words[k];
    const double zero = r->next_normal - r->next_normal; // NaN when it is not finite
    return any != 0 && r->place >= 1 && r->place <= RNG_WORDS && r->has_normal <= 1 && zero == 0;
}

// The next block of words.
static void twist(rng *r)
{
    uint32_t *w = r->words;
    for (int k = 0; k < RNG_WORDS; k++) {
        const int next = k + 1 < RNG_WORDS ? k + 1 : 0;
        const int far = k + SHIFT < RNG_WORDS ? k + SHIFT : k + SHIFT - RNG_WORDS;
        const uint32_t y = (w[k] & UPPER_BIT) | (w[next] & ~UPPER_BIT);
        w[k] = w[far] ^ (y >> 1) ^ (y & 1 ? 0x9908B0DF : 0);
    }
    r->place = 0;
}

// Not inline: every draw calls it, and twist stands in it.
__attribute__((noinline)) uint32_t rng_u32(rng *r)
{
    if (r->place == RNG_WORDS)
        twist(r);
    uint32_t y = r->words[r->place++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9D2C5680;
    y ^= (y << 15) & 0xEFC60000;
    return y ^ (y >> 18);
}

uint64_t rng_u64(rng *r)
{
    const uint64_t high = rng_u32(r);
    return high << 32 | rng_u32(r);
}

double rng_double(rng *r) { return (double)(rng_u64(r) & 0x1FFFFFFFFFFFFF) * 0x1p-53; }

// ------------------------------------------------------------------------------------- PyTorch

static float draw_float(rng *r) { return (float)(rng_u32(r) & 0xFFFFFF) * 0x1p-24F; }

void rng_rand(rng *r, size_t n, float *out)
{
    for (size_t k = 0; k < n; k++)
        out[k] = draw_float(r);
}

void rng_uniform(rng *r, size_t n, float low, float high, float *out)
{
    for (size_t k = 0; k < n; k++)
        out[k] = smath_fused(draw_float(r), high - low, low);
}

// Eight pairs, (1) in float32: v holds uniform numbers, then normal ones.              v [16]
static void normal_block(float mean, float std, float *v)
{
    static const float TWO_PI = 6.28318530717958647692F;
    for (int k = 0; k < 8; k++) {
        const float u1 = 1 - v[k]; // in (0, 1]: it has a logarithm
        const float u2 = v[k + 8];
        const float radius = __builtin_sqrtf(-2 * smath_cephes_log(u1));
        double sine, cosine;
        smath_cephes_sincos(TWO_PI * u2, &sine, &cosine);
        v[k] = smath_fused(radius * (float)cosine, std, mean);   // (1)
        v[k + 8] = smath_fused(radius * (float)sine, std, mean); // (1)
    }
}

static double numpy_double(rng *r)
{
    const uint32_t high = rng_u32(r) >> 5; // 27 bits
    const uint32_t low = rng_u32(r) >> 6;  // 26 bits
    return (high * 0x1p26 + low) * 0x1p-53;
}

// One of a pair; the other waits for the next draw.
static double draw_normal(rng *r, bool numpy)
{
    static const double TWO_PI = 6.28318530717958647692;
    double x, y, s, divisor = 1;

    if (r->has_normal) {
        r->has_normal = 0;
        return r->next_normal;
    }
    if (numpy) {
        do {
            x = 2 * numpy_double(r) - 1;
            y = 2 * numpy_double(r) - 1;
            s = divisor = x * x + y * y;
        } while (s >= 1 || s == 0);
    } else {
        smath_sincos(TWO_PI * rng_double(r), &x, &y); // here the angle is drawn first
        s = 1 - rng_double(r);                        // exact, so PyTorch's log1p(-u) is log(1 - u)
    }
    const double scale = __builtin_sqrt(-2 * smath_log(s) / divisor);
    r->next_normal = scale * x; // (1) (2)
    r->has_normal = 1;
    return scale * y; // (1) (2)
}

void rng_normal(rng *r, size_t n, double mean, double std, float *out)
{
    if (n < 16) {
        for (size_t k = 0; k < n; k++)
            out[k] = (float)(draw_normal(r, false) * std + mean);
        return;
    }
    rng_rand(r, n, out);
    for (size_t k = 0; k < n; k += 16) {
        float *block = out + k;
        if (n - k < 16) { // the last 16 are drawn anew, over the end of the last whole block
            block = out + n - 16;
            rng_rand(r, 16, block);
        }
        normal_block((float)mean, (float)std, block);
    }
}

void rng_bernoulli(rng *r, size_t n, double p, float *out)
{
    for (size_t k = 0; k < n; k++)
        out[k] = rng_double(r) < p ? 1.0F : 0.0F;
}

void rng_randint(rng *r, size_t n, int64_t low, int64_t high, int64_t *out)
{
    ASSERT(low < high);
    const uint64_t range = (uint64_t)high - (uint64_t)low; // no overflow: modulo 2^64
    for (size_t k = 0; k < n; k++) {
        const uint64_t value = range >> 32 ? rng_u64(r) : rng_u32(r);
        out[k] = (int64_t)(value % range + (uint64_t)low);
    }
}

static void identity(size_t n, int32_t *out)
{
    ASSERT(n <= INT32_MAX);
    for (size_t k = 0; k < n; k++)
        out[k] = (int32_t)k;
}

static void swap(int32_t *a, int32_t *b)
{
    const int32_t kept = *a;
    *a = *b;
    *b = kept;
}

void rng_permutation(rng *r, size_t n, int32_t *out)
{
    identity(n, out);
    for (size_t k = 0; k + 1 < n; k++)
        swap(&out[k], &out[k + rng_u32(r) % (n - k)]);
}

void rng_epoch(rng *r, size_t n, bool shuffle, int32_t *out)
{
    rng_u64(r); // the base seed, meant for worker processes
    if (!shuffle) {
        identity(n, out);
        return;
    }
    rng sampler;
    rng_seed(&sampler, (uint32_t)rng_u64(r));
    rng_permutation(&sampler, n, out);
}

// --------------------------------------------------------------------------------------- NumPy

void numpy_seed(rng *r, uint32_t seed) { rng_seed(r, seed); }

// A whole number in [0, max]: as many low bits as max has, drawn until they do not exceed it.
static uint32_t numpy_bounded(rng *r, uint32_t max)
{
    if (max == 0)
        return 0; // nothing is drawn
    const uint32_t mask = UINT32_MAX >> __builtin_clz(max);
    uint32_t value;
    do
        value = rng_u32(r) & mask;
    while (value > max);
    return value;
}

void numpy_uniform(rng *r, size_t n, double low, double high, double *out)
{
    for (size_t k = 0; k < n; k++)
        out[k] = low + (high - low) * numpy_double(r);
}

void numpy_normal(rng *r, size_t n, double mean, double std, double *out)
{
    for (size_t k = 0; k < n; k++)
        out[k] = mean + std * draw_normal(r, true);
}

void numpy_randint(rng *r, size_t n, int64_t low, int64_t high, int32_t *out)
{
    ASSERT(INT32_MIN <= low && low < high && high - 1 <= INT32_MAX);
    for (size_t k = 0; k < n; k++)
        out[k] = (int32_t)(low + numpy_bounded(r, (uint32_t)(high - 1 - low)));
}

void numpy_permutation(rng *r, size_t n, int32_t *out)
{
    identity(n, out);
    for (size_t k = n; k-- > 1;)
        swap(&out[k], &out[numpy_bounded(r, (uint32_t)k)]);
}
