// In this order: the functions behind normal numbers, the twister, PyTorch's draws, NumPy's draws.
//
// Normal numbers come from uniform ones. PyTorch (G. Box, M. Muller, 1958):
//     n1 = sqrt(-2 log u1) cos(2 pi u2),  n2 = sqrt(-2 log u1) sin(2 pi u2)               (1)
// NumPy draws x, y in (-1, 1) until s = x*x + y*y is in (0, 1) (G. Marsaglia, 1964):
//     n1 = y sqrt(-2 log(s) / s),  n2 = x sqrt(-2 log(s) / s)                             (2)
//
// The digits of (1) depend on who computes log, sin and cos. In double they are off by less than
// one unit in the last place here, and so round to the float that any good C library leads to. In
// float32 PyTorch uses the polynomials of S. Moshier's Cephes library (logf.c, sinf.c) with fused
// multiply-adds; the same operations in the same order stand below.
#include "rng.h"

// --------------------------------------------------------------------------- in double precision

// c[0] x^(n-1) + ... + c[n-1]
static double polynomial(double x, int n, const double *c)
{
    double y = c[0];
    for (int k = 1; k < n; k++)
        y = y * x + c[k];
    return y;
}

// With x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)), and s = f / (2 + f):
//     log x = e log 2 + 2 s + 2 s^3 / 3 + 2 s^5 / 5 + ...
// The first two terms are carried as a sum of two doubles, so all that is rounded before the last
// addition is about a hundred times smaller than the result.
double rng_log(double x)
{
    static const double series[] = {2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13,
                                    2.0 / 11, 2.0 / 9,  2.0 / 7,  2.0 / 5,  2.0 / 3};
    static const double LOG2_HIGH = 0x1.62e42fefa2p-1; // 38 bits: its products with e are exact
    static const double LOG2_LOW = 0x1.9ef35793c7673p-41;
    const uint64_t ONE = 0x3FF0000000000000, SQRT_HALF = 0x3FE6A09E00000000;

    uint64_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    bits += ONE - SQRT_HALF;
    const double e = (double)((int)(bits >> 52) - 1023);
    bits = (bits & 0x000FFFFFFFFFFFFF) + SQRT_HALF;
    __builtin_memcpy(&x, &bits, sizeof x);

    const double f = x - 1;
    const double d = 2 + f;
    const double d_low = f - (d - 2); // 2 + f = d + d_low
    const double s = f / d;

    // s_low = (f - s (2 + f)) / d, where s * d is taken exactly: halves of 26 bits have exact
    // products (T. Dekker, 1971).
    const double split = 0x1p27 + 1;
    const double s_high = s * split - (s * split - s);
    const double d_high = d * split - (d * split - d);
    const double s_rest = s - s_high, d_rest = d - d_high;
    const double product = s * d;
    const double product_low =
        s_rest * d_rest - (((product - s_high * d_high) - s_rest * d_high) - s_high * d_rest);
    const double s_low = ((f - product) - product_low - s * d_low) / d;

    const double z = s * s;
    const double rest = s * z * polynomial(z, sizeof series / sizeof *series, series);
    const double high = e * LOG2_HIGH + 2 * s;
    const double low = 2 * s - (high - e * LOG2_HIGH);
    return high + (low + (rest + (2 * s_low + e * LOG2_LOW)));
}

// x - quarters pi/2 is carried as x + x_low, within pi/4 of 0; there the Taylor series
//     sin x = x - x^3/3! + x^5/5! - ...        cos x = 1 - x^2/2 + x^4/4! - ...
// are as exact as a double.
void rng_sincos(double x, double *sine, double *cosine)
{
    // The highest power first: 1/17! ... -1/3!, and 1/16! ... 1/4!.
    static const double sine_series[] = {
        1 / 355687428096000.0, -1 / 1307674368000.0, 1 / 6227020800.0, -1 / 39916800.0,
        1 / 362880.0,          -1 / 5040.0,          1 / 120.0,        -1 / 6.0};
    static const double cosine_series[] = {
        1 / 20922789888000.0, -1 / 87178291200.0, 1 / 479001600.0, -1 / 3628800.0,
        1 / 40320.0,          -1 / 720.0,         1 / 24.0};
    // The first part ends in three zero bits: up to seven quarters are exact.
    static const double HALF_PI_HIGH = 0x1.921fb54442d18p+0, HALF_PI_LOW = 0x1.1a62633145c07p-54;
    static const double TWO_OVER_PI = 0x1.45f306dc9c883p-1;

    const int quarters = (int)(x * TWO_OVER_PI + 0.5);
    const double rest = x - quarters * HALF_PI_HIGH; // exact
    const double correction = quarters * HALF_PI_LOW;
    x = rest - correction;
    const double x_low = (rest - x) - correction;

    const double z = x * x;
    const double s = x + (x_low + x * z * polynomial(z, 8, sine_series));
    // 1 - z/2 is rounded; what it lost is added with the small terms.
    const double head = 1 - 0.5 * z;
    const double c =
        head + (((1 - head) - 0.5 * z) + (z * z * polynomial(z, 7, cosine_series) - x * x_low));

    switch (quarters & 3) {
    case 0:
        *sine = s, *cosine = c;
        break;
    case 1:
        *sine = c, *cosine = -s;
        break;
    case 2:
        *sine = -s, *cosine = -c;
        break;
    default:
        *sine = -c, *cosine = s;
        break;
    }
}

// -------------------------------------------------------------------------- in single precision

// a * b + c, rounded once. The product of two floats is exact in double; the sum is rounded to odd
// (of the two neighbours of an inexact sum, the one whose last bit is set), and so keeps the memory
// of having been inexact: rounding it to float is then as good as rounding the exact sum (S. Boldo,
// G. Melquiond, 2008).
// Not inline, as it would be half the code of this file.
static __attribute__((noinline)) float fused(float a, float b, float c)
{
    const double product = (double)a * b;
    double sum = product + c;
    const double part = sum - product;
    const double error = (product - (sum - part)) + (c - part); // of the sum, exactly (D. Knuth)
    if (error < 0 || error > 0) {                               // not NaN
        uint64_t bits;
        __builtin_memcpy(&bits, &sum, sizeof bits);
        if ((bits & 1) == 0)
            bits = (error > 0) == (sum > 0) ? bits + 1 : bits - 1;
        __builtin_memcpy(&sum, &bits, sizeof sum);
    }
    return (float)sum;
}

// As polynomial above, every step fused.
static float fused_polynomial(float x, int n, const float *c)
{
    float y = c[0];
    for (int k = 1; k < n; k++)
        y = fused(y, x, c[k]);
    return y;
}

// Natural logarithm of a normal x > 0.
static float cephes_log(float x)
{
    static const float series[] = {7.0376836292e-2F,  -1.1514610310e-1F, 1.1676998740e-1F,
                                   -1.2420140846e-1F, 1.4249322787e-1F,  -1.6668057665e-1F,
                                   2.0000714765e-1F,  -2.4999993993e-1F, 3.3333331174e-1F};
    static const float SQRT_HALF = 0.707106781186547524F;
    static const float LOG2_LOW = -2.12194440e-4F, LOG2_HIGH = 0.693359375F;

    // x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2))
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    float e = (float)((int)(bits >> 23) - 126);
    bits = (bits & 0x007FFFFF) | 0x3F000000;
    __builtin_memcpy(&x, &bits, sizeof x);
    float f = x - 1;
    if (x < SQRT_HALF) {
        e -= 1;
        f += x;
    }

    const float z = f * f;
    float y = fused_polynomial(f, 9, series) * f;
    y = fused(y, z, e * LOG2_LOW) - 0.5F * z;
    return fused(e, LOG2_HIGH, f + y);
}

// Sine and cosine of x in [0, 2 pi].
static void cephes_sincos(float x, float *sine, float *cosine)
{
    static const float sine_series[] = {-1.9515295891e-4F, 8.3321608736e-3F, -1.6666654611e-1F};
    static const float cosine_series[] = {2.443315711809948e-5F, -1.388731625493765e-3F,
                                          4.166664568298827e-2F};
    static const float FOUR_OVER_PI = 1.27323954473516F;

    // x less an even number of eighths of a turn, pi/4 in three parts
    const int eighths = ((int)(x * FOUR_OVER_PI) + 1) & ~1;
    x = fused((float)eighths, -0.78515625F, x);
    x = fused((float)eighths, -2.4187564849853515625e-4F, x);
    x = fused((float)eighths, -3.77489497744594108e-8F, x);

    const float z = x * x;
    const float c = fused(fused_polynomial(z, 3, cosine_series) * z, z, -0.5F * z) + 1;
    const float s = fused(fused_polynomial(z, 3, sine_series) * z, x, x);

    const bool odd = (eighths & 2) != 0; // an odd number of quarters: sine and cosine change places
    *sine = odd ? c : s;
    *cosine = odd ? s : c;
    if (eighths & 4)
        *sine = -*sine;
    if ((eighths + 2) & 4)
        *cosine = -*cosine;
}

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

static uint32_t twisted(uint32_t word, uint32_t next, uint32_t far)
{
    const uint32_t y = (word & UPPER_BIT) | (next & ~UPPER_BIT);
    return far ^ (y >> 1) ^ (y & 1 ? 0x9908B0DF : 0);
}

// The next block of words: three loops, so that no index has to be reduced.
static void twist(rng *r)
{
    uint32_t *w = r->words;
    int k = 0;
    for (; k < RNG_WORDS - SHIFT; k++)
        w[k] = twisted(w[k], w[k + 1], w[k + SHIFT]);
    for (; k < RNG_WORDS - 1; k++)
        w[k] = twisted(w[k], w[k + 1], w[k + SHIFT - RNG_WORDS]);
    w[k] = twisted(w[k], w[0], w[SHIFT - 1]);
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
        out[k] = fused(draw_float(r), high - low, low);
}

// Eight pairs, (1) in float32: v holds uniform numbers, then normal ones.              v [16]
static void normal_block(float mean, float std, float *v)
{
    static const float TWO_PI = 6.28318530717958647692F;
    for (int k = 0; k < 8; k++) {
        const float u1 = 1 - v[k]; // in (0, 1]: it has a logarithm
        const float u2 = v[k + 8];
        const float radius = __builtin_sqrtf(-2 * cephes_log(u1));
        float sine, cosine;
        cephes_sincos(TWO_PI * u2, &sine, &cosine);
        v[k] = fused(radius * cosine, std, mean);   // (1)
        v[k + 8] = fused(radius * sine, std, mean); // (1)
    }
}

static double draw_normal(rng *r)
{
    if (r->has_normal) {
        r->has_normal = 0;
        return r->next_normal;
    }
    static const double TWO_PI = 6.28318530717958647692;
    const double u2 = rng_double(r);     // here the angle is drawn first
    const double u1 = 1 - rng_double(r); // exact, so PyTorch's log1p(-u) is log(1 - u)
    const double radius = __builtin_sqrt(-2 * rng_log(u1));
    double sine, cosine;
    rng_sincos(TWO_PI * u2, &sine, &cosine);
    r->next_normal = radius * sine; // (1)
    r->has_normal = 1;
    return radius * cosine; // (1)
}

void rng_normal(rng *r, size_t n, double mean, double std, float *out)
{
    if (n < 16) {
        for (size_t k = 0; k < n; k++)
            out[k] = (float)(draw_normal(r) * std + mean);
        return;
    }
    rng_rand(r, n, out);
    for (size_t k = 0; k + 16 <= n; k += 16)
        normal_block((float)mean, (float)std, out + k);
    if (n % 16 != 0) { // the last 16 are drawn anew, over the end of the last whole block
        rng_rand(r, 16, out + n - 16);
        normal_block((float)mean, (float)std, out + n - 16);
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

static double numpy_double(rng *r)
{
    const uint32_t high = rng_u32(r) >> 5; // 27 bits
    const uint32_t low = rng_u32(r) >> 6;  // 26 bits
    return (high * 0x1p26 + low) * 0x1p-53;
}

static double numpy_gauss(rng *r)
{
    if (r->has_normal) {
        r->has_normal = 0;
        return r->next_normal;
    }
    double x, y, s;
    do {
        x = 2 * numpy_double(r) - 1;
        y = 2 * numpy_double(r) - 1;
        s = x * x + y * y;
    } while (s >= 1 || s == 0);
    const double scale = __builtin_sqrt(-2 * rng_log(s) / s);
    r->next_normal = scale * x; // (2)
    r->has_normal = 1;
    return scale * y; // (2)
}

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

void numpy_rand(rng *r, size_t n, double *out)
{
    for (size_t k = 0; k < n; k++)
        out[k] = numpy_double(r);
}

void numpy_randn(rng *r, size_t n, double *out)
{
    for (size_t k = 0; k < n; k++)
        out[k] = numpy_gauss(r);
}

void numpy_uniform(rng *r, size_t n, double low, double high, double *out)
{
    for (size_t k = 0; k < n; k++)
        out[k] = low + (high - low) * numpy_double(r);
}

void numpy_normal(rng *r, size_t n, double mean, double std, double *out)
{
    for (size_t k = 0; k < n; k++)
        out[k] = mean + std * numpy_gauss(r);
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
