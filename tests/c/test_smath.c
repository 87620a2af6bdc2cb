// The functions of smath.h in double against libm's. Those in float show in the normal numbers of
// test_rng.c, to the bit.
#include "rng.h"
#include "smath.h"
#include "test.h"

#include <math.h>

// Whether two doubles are the same or neighbours. libm and the function tested are each off by less
// than one unit in the last place.
static bool neighbours(double a, double b) { return a == b || nextafter(a, b) == b; }

static void test_log_sine_cosine(void)
{
    const double PI = 3.14159265358979323846;
    rng r;
    rng_seed(&r, 2);
    bool log_close = true, sine_close = true, cosine_close = true;
    double s, c;
    for (int k = 0; k < 200000; k++) {
        const double u = rng_double(&r);
        // the whole of (0, 1], the very small, the neighbourhood of 1
        double x = 1 - u;
        log_close = log_close && neighbours(smath_log(x), log(x));
        x = ldexp(1 - u, -(k % 110));
        log_close = log_close && neighbours(smath_log(x), log(x));
        x = 1 - ldexp(u, -(k % 50) - 1);
        log_close = log_close && neighbours(smath_log(x), log(x));

        // the whole turn, and ever closer to its quarters
        x = 2 * PI * u;
        smath_sincos(x, &s, &c);
        sine_close = sine_close && neighbours(s, sin(x));
        cosine_close = cosine_close && neighbours(c, cos(x));
        x = fabs(k % 5 * (PI / 2) + ldexp(u - 0.5, -(k % 53)));
        if (x <= 2 * PI) {
            smath_sincos(x, &s, &c);
            sine_close = sine_close && neighbours(s, sin(x));
            cosine_close = cosine_close && neighbours(c, cos(x));
        }
    }
    CHECK(log_close);
    CHECK(sine_close);
    CHECK(cosine_close);
    CHECK(smath_log(1) == 0);
    CHECK(neighbours(smath_log(0x1p-1022), log(0x1p-1022)));
    CHECK(neighbours(smath_log(0x1.fffffffffffffp+1023), log(0x1.fffffffffffffp+1023)));
    smath_sincos(0, &s, &c);
    CHECK(s == 0 && c == 1);
    smath_sincos(2 * PI, &s, &c);
    CHECK(neighbours(s, sin(2 * PI)) && c == 1);
}

static void test_exp(void)
{
    rng r;
    rng_seed(&r, 3);
    double worst = 0, worst_far = 0;
    for (int k = 0; k < 200000; k++) {
        const double x = 20 * rng_double(&r) - 10;
        worst = fmax(worst, fabs(smath_exp(x) / exp(x) - 1));
        worst_far = fmax(worst_far, fabs(smath_exp(70 * x) / exp(70 * x) - 1));
    }
    // Each of the halvings doubles the few roundings of 2^-53 of the series.
    CHECK(worst < 0x1p-46 && worst_far < 0x1p-40);
    CHECK(smath_exp(0) == 1 && smath_exp(-0.0) == 1);
    CHECK(smath_exp(-746) == 0 && smath_exp(-1e300) == 0 && smath_exp(-INFINITY) == 0);
    CHECK(smath_exp(710) == INFINITY && smath_exp(1e300) == INFINITY);
    CHECK(smath_exp(INFINITY) == INFINITY && isnan(smath_exp(NAN)));
}

int main(void)
{
    test_log_sine_cosine();
    test_exp();
    return test_report("smath");
}
