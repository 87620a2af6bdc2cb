#include "smath.h"

// --------------------------------------------------------------------------- in double precision

// With x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)), and s = f / (2 + f):
//     log x = e log 2 + 2 s + 2 s^3 / 3 + 2 s^5 / 5 + ...
// The first two terms are carried as a sum of two doubles, so all that is rounded before the last
// addition is about a hundred times smaller than the result.
double smath_log(double x)
{
    enum { POWERS = 23 };                              // of s, up to
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
    double series = 0;
    for (int k = POWERS; k > 1; k -= 2)
        series = series * z + 2.0 / k;
    const double rest = s * z * series;
    const double high = e * LOG2_HIGH + 2 * s;
    const double low = 2 * s - (high - e * LOG2_HIGH);
    return high + (low + (rest + (2 * s_low + e * LOG2_LOW)));
}

// By the series of e^r, r halved until it is small; every halving is made up for by a square.
double smath_exp(double x)
{
    enum { TERMS = 14 };                            // 0.35^15 / 15! is below 2^-60
    double r = x < -800 ? -800 : x > 800 ? 800 : x; // beyond, the squares become 0 or infinity
    int halvings = 0;
    for (; r > 0.35 || r < -0.35; halvings++)
        r *= 0.5;
    double y = 1;
    for (int k = TERMS; k > 0; k--)
        y = 1 + y * r / k;
    while (halvings-- > 0)
        y *= y;
    return y;
}

// Sine and cosine of an angle that is so many quarters of a turn more than one of sine s, cosine c.
static void turn(int quarters, double s, double c, double *sine, double *cosine)
{
    const bool odd = (quarters & 1) != 0; // they change places
    *sine = odd ? c : s;
    *cosine = odd ? s : c;
    if (quarters & 2)
        *sine = -*sine;
    if ((quarters + 1) & 2)
        *cosine = -*cosine;
}

// 1/m! - z/(m+2)! + z^2/(m+4)! - ..., m and n both odd or both even: Horner's scheme from the term
// of n! down.
static double alternating(double z, int m, int n)
{
    double factorial = 1, sum = 0;
    for (int k = 2; k <= n; k++)
        factorial *= k;
    for (; n >= m; n -= 2) {
        sum = 1 / factorial - z * sum;
        factorial /= n * (n - 1);
    }
    return sum;
}

// x - quarters pi/2 is carried as x + x_low, within pi/4 of 0; there the Taylor series
//     sin x = x - x^3/3! + x^5/5! - ...        cos x = 1 - x^2/2 + x^4/4! - ...
// are as exact as a double.
void smath_sincos(double x, double *sine, double *cosine)
{
    // The first part ends in three zero bits: up to seven quarters are exact.
    static const double HALF_PI_HIGH = 0x1.921fb54442d18p+0, HALF_PI_LOW = 0x1.1a62633145c07p-54;
    static const double TWO_OVER_PI = 0x1.45f306dc9c883p-1;

    const int quarters = (int)(x * TWO_OVER_PI + 0.5);
    const double rest = x - quarters * HALF_PI_HIGH; // exact
    const double correction = quarters * HALF_PI_LOW;
    x = rest - correction;
    const double x_low = (rest - x) - correction;

    const double z = x * x;
    const double s = x + (x_low - x * z * alternating(z, 3, 17));
    // 1 - z/2 is rounded; what it lost is added with the small terms.
    const double head = 1 - 0.5 * z;
    const double c = head + (((1 - head) - 0.5 * z) + (z * z * alternating(z, 4, 16) - x * x_low));

    turn(quarters, s, c, sine, cosine);
}

// -------------------------------------------------------------------------- in single precision

// a * b + c, rounded once. The product of two floats is exact in double; the sum is rounded to odd
// (of the two neighbours of an inexact sum, the one whose last bit is set), and so keeps the memory
// of having been inexact: rounding it to float is then as good as rounding the exact sum (S. Boldo,
// G. Melquiond, 2008).
// Not inline, as it would be half the code of this file.
__attribute__((noinline)) float smath_fused(float a, float b, float c)
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

// c[0] x^(n-1) + ... + c[n-1], every step fused.
static float fused_polynomial(float x, int n, const float *c)
{
    float y = c[0];
    for (int k = 1; k < n; k++)
        y = smath_fused(y, x, c[k]);
    return y;
}

// Natural logarithm of a normal x > 0.
float smath_cephes_log(float x)
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
    y = smath_fused(y, z, e * LOG2_LOW) - 0.5F * z;
    return smath_fused(e, LOG2_HIGH, f + y);
}

// Sine and cosine of x in [0, 2 pi].
void smath_cephes_sincos(float x, double *sine, double *cosine)
{
    static const float sine_series[] = {-1.9515295891e-4F, 8.3321608736e-3F, -1.6666654611e-1F};
    static const float cosine_series[] = {2.443315711809948e-5F, -1.388731625493765e-3F,
                                          4.166664568298827e-2F};
    static const float FOUR_OVER_PI = 1.27323954473516F;

    // x less an even number of eighths of a turn, pi/4 in three parts
    const int eighths = ((int)(x * FOUR_OVER_PI) + 1) & ~1;
    x = smath_fused((float)eighths, -0.78515625F, x);
    x = smath_fused((float)eighths, -2.4187564849853515625e-4F, x);
    x = smath_fused((float)eighths, -3.77489497744594108e-8F, x);

    const float z = x * x;
    const float c = smath_fused(fused_polynomial(z, 3, cosine_series) * z, z, -0.5F * z) + 1;
    const float s = smath_fused(fused_polynomial(z, 3, sine_series) * z, x, x);

    turn(eighths / 2, (double)s, (double)c, sine, cosine);
}
