// exp, log, tanh and sigmoid against libm in double precision: a sweep over all bit patterns of a
// float, the neighbourhoods of the points where the functions change their way, special values,
// arrays of every short length, and the bits themselves.
#include "test.h"
#include "vmath.h"

#include <math.h>
#include <string.h>

static double reference_sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

// What they take; NaN goes through each.
static bool any(float x)
{
    (void)x;
    return true;
}
static bool small(float x) { return x <= 64 || isnan(x); }
static bool positive(float x) { return (isnormal(x) && x > 0) || isnan(x); }

// The bounds are those that vmath.h states.
typedef struct {
    const char *name;
    void (*run)(size_t n, const float *x, float *y);
    double (*reference)(double x);
    bool (*takes)(float x);
    double bound;          // largest error of a normal result, in units of the last place
    double bound_denormal; // of a denormal one
    uint64_t hash;         // of the results of the sweep
} function;

static const function functions[] = {
    {"exp", vmath_exp, exp, small, 0.71, 0.80, 0x7573E4D891C331AD},
    {"log", vmath_log, log, positive, 0.89, 0, 0x3D18A5AEC6A6D066},
    {"tanh", vmath_tanh, tanh, any, 1.16, 0, 0x39A4F298F15CCA5C},
    {"sigmoid", vmath_sigmoid, reference_sigmoid, any, 1.58, 1.22, 0x339B7131619CCEC0},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0], BLOCK = 4096 };

static uint32_t bits_of(float a)
{
    uint32_t bits;
    memcpy(&bits, &a, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float a;
    memcpy(&a, &bits, sizeof a);
    return a;
}

// The distance between floats at the size of r.
static double ulp(double r)
{
    int exponent;
    if (fabs(r) < 0x1p-126)
        return 0x1p-149;
    frexp(r, &exponent);
    return ldexp(1, exponent - 24);
}

// What a row of results came to.
typedef struct {
    double worst, worst_denormal;
    float at, at_denormal; // their arguments
    uint64_t hash;
    int wrong; // a NaN, infinity or zero that should be something else, or the other way round
} errors;

static void compare(const function *f, size_t n, const float *x, errors *e)
{
    static float y[BLOCK];
    f->run(n, x, y);
    for (size_t k = 0; k < n; k++) {
        // FNV-1a over words; machines may differ in the sign and payload of a NaN.
        e->hash = (e->hash ^ (isnan(y[k]) ? 0x7FC00000 : bits_of(y[k]))) * 0x100000001B3;

        const double r = f->reference(x[k]);
        const float rounded = (float)r;
        if (isnan(r) || isinf(rounded) || r == 0) {
            const bool same = isnan(r) ? isnan(y[k]) : bits_of(y[k]) == bits_of(rounded);
            if (!same)
                e->wrong++;
            continue;
        }
        if (!isfinite(y[k])) {
            e->wrong++;
            continue;
        }
        const double error = fabs(y[k] - r) / ulp(r);
        if (fabs(r) < 0x1p-126) {
            if (error > e->worst_denormal)
                e->worst_denormal = error, e->at_denormal = x[k];
        } else if (error > e->worst) {
            e->worst = error, e->at = x[k];
        }
    }
}

static void check_errors(const function *f, const char *where, const errors *e)
{
    printf("%-7s %s: %.4f at %.9g", f->name, where, e->worst, (double)e->at);
    if (f->bound_denormal > 0)
        printf(", denormal results %.4f at %.9g", e->worst_denormal, (double)e->at_denormal);
    printf("\n");
    CHECK(e->wrong == 0);
    CHECK(e->worst <= f->bound);
    CHECK(e->worst_denormal <= f->bound_denormal);
}

// Every 1021st bit pattern, 4.2 million of them: all exponents, both signs, NaN, infinity.
static void test_sweep(const function *f)
{
    static float x[BLOCK];
    errors e = {.hash = 0xCBF29CE484222325};
    uint64_t bits = 0;
    while (bits <= UINT32_MAX) {
        size_t n = 0;
        for (; n < BLOCK && bits <= UINT32_MAX; bits += 1021)
            if (f->takes(float_of((uint32_t)bits)))
                x[n++] = float_of((uint32_t)bits);
        compare(f, n, x, &e);
    }
    check_errors(f, "sweep", &e);

    // The same bits in WebAssembly and natively, from every compiler. A change of the arithmetic
    // changes them, and is free to: then this table takes the new ones.
    if (!CHECK(e.hash == f->hash))
        printf("%s: the hash is 0x%016llX\n", f->name, (unsigned long long)e.hash);
}

static void neighbourhood(const function *f, double centre, int reach, errors *e)
{
    static float x[BLOCK];
    const uint32_t middle = bits_of((float)centre);
    uint32_t bits = middle > (uint32_t)reach ? middle - (uint32_t)reach : 0;
    while (bits <= middle + (uint32_t)reach) {
        size_t n = 0;
        for (; n < BLOCK && bits <= middle + (uint32_t)reach; bits++)
            if (f->takes(float_of(bits)))
                x[n++] = float_of(bits);
        compare(f, n, x, e);
    }
}

// Around the arguments where a result overflows, becomes denormal or exact, or where another
// exponent or polynomial takes over.
static void test_switches(const function *f)
{
    const double ln2 = 0.6931471805599453;
    const double switches[] = {
        0,       0x1p-149, 0x1p-126, 0x1p-63, 0.70710678, 1,   1.41421356, 0.625,  9.0109, 10,
        17.3287, 30,       64,       87.336,  103.9721,   104, 0x1p23,     0x1p24, 0x1p31, 0x1p127};
    errors e = {0};
    for (size_t k = 0; k < sizeof switches / sizeof switches[0]; k++) {
        neighbourhood(f, switches[k], 20000, &e);
        neighbourhood(f, -switches[k], 20000, &e);
    }
    // n + 1/2 times ln 2, and half of that for tanh: where the rounded exponent changes
    for (int n = 0; n < 151; n++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            neighbourhood(f, sign * (n + 0.5) * ln2, 400, &e);
            neighbourhood(f, sign * (n + 0.5) * ln2 / 2, 400, &e);
        }
    }
    check_errors(f, "switches", &e);
}

static float one(const function *f, float x)
{
    float y;
    f->run(1, &x, &y);
    return y;
}

static void test_special_values(void)
{
    const function *f_exp = &functions[0], *f_log = &functions[1], *f_tanh = &functions[2],
                   *f_sigmoid = &functions[3];
    for (int k = 0; k < FUNCTIONS; k++) {
        CHECK(isnan(one(&functions[k], NAN)));
        CHECK(isnan(one(&functions[k], -NAN)));
    }

    CHECK(bits_of(one(f_exp, -INFINITY)) == 0);
    CHECK(one(f_exp, 0.0F) == 1 && one(f_exp, -0.0F) == 1);
    CHECK(one(f_exp, -103.972F) == 0x1p-149F && bits_of(one(f_exp, -103.973F)) == 0);
    CHECK(one(f_exp, 0x1p-149F) == 1);

    CHECK(bits_of(one(f_log, 1.0F)) == 0);

    CHECK(one(f_tanh, INFINITY) == 1 && one(f_tanh, -INFINITY) == -1);
    CHECK(bits_of(one(f_tanh, 0.0F)) == 0 && bits_of(one(f_tanh, -0.0F)) == 0x80000000);
    CHECK(one(f_tanh, 9.011F) == 1 && one(f_tanh, -9.011F) == -1);
    for (uint32_t bits = 0; bits < 0x39000000; bits += 4099) { // tanh x is x below 2^-13
        CHECK(bits_of(one(f_tanh, float_of(bits))) == bits);
        CHECK(bits_of(one(f_tanh, -float_of(bits))) == bits + 0x80000000);
    }
    for (float x = 0; x < 12; x += 0.0137F)
        CHECK(one(f_tanh, -x) == -one(f_tanh, x) && one(f_tanh, x) <= 1);

    CHECK(one(f_sigmoid, INFINITY) == 1 && bits_of(one(f_sigmoid, -INFINITY)) == 0);
    CHECK(one(f_sigmoid, 0.0F) == 0.5F && one(f_sigmoid, -0.0F) == 0.5F);
    CHECK(one(f_sigmoid, 17.4F) == 1 && one(f_sigmoid, 16.0F) < 1);
    CHECK(one(f_sigmoid, -103.97F) == 0x1p-149F && one(f_sigmoid, -87.0F) > 0x1p-126F);
}

// Every length 0 to 40: the same values as one at a time, in place too, and nothing else written.
static void test_arrays(const function *f)
{
    enum { LONGEST = 40, GUARD = 8 };
    static const float guard = 12345.0F;
    for (size_t n = 0; n <= LONGEST; n++) {
        float x[LONGEST], y[GUARD + LONGEST + GUARD], in_place[GUARD + LONGEST + GUARD];
        for (size_t k = 0; k < GUARD + LONGEST + GUARD; k++)
            y[k] = in_place[k] = guard;
        for (size_t k = 0; k < n; k++)
            x[k] = in_place[GUARD + k] = 0.0625F + 0.37F * (float)k;

        f->run(n, x, y + GUARD);
        f->run(n, in_place + GUARD, in_place + GUARD);
        for (size_t k = 0; k < GUARD + LONGEST + GUARD; k++) {
            const float expected = k >= GUARD && k < GUARD + n ? one(f, x[k - GUARD]) : guard;
            CHECK(bits_of(y[k]) == bits_of(expected));
            CHECK(bits_of(in_place[k]) == bits_of(expected));
        }
    }
}

int main(void)
{
    for (int k = 0; k < FUNCTIONS; k++) {
        test_sweep(&functions[k]);
        test_switches(&functions[k]);
        test_arrays(&functions[k]);
    }
    test_special_values();
    return test_report("vmath");
}
