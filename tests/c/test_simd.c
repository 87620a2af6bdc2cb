// Every verb of simd.h against plain C, lane by lane, on awkward values; the loads and stores of a
// few lanes, with guard words.
#include "simd.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float values[] = {0.0F,
                               -0.0F,
                               1.0F,
                               -1.0F,
                               0.5F,
                               -0.5F,
                               1.5F,
                               2.5F,
                               -2.5F,
                               3.0F,
                               0.1F,
                               1e10F,
                               -1e10F,
                               16777215.0F,
                               16777216.0F,
                               8388609.5F,
                               2147483520.0F,
                               2147483648.0F,
                               -2147483648.0F,
                               -2147483904.0F,
                               0x1p-126F,
                               -0x1p-126F,
                               0x1p-149F,
                               -0x1p-149F,
                               0x1.8p-140F,
                               0x1p127F,
                               0x1.fffffep127F,
                               -0x1.fffffep127F,
                               INFINITY,
                               -INFINITY,
                               NAN,
                               -NAN};
static const int32_t integers[] = {0,
                                   1,
                                   -1,
                                   2,
                                   -3,
                                   7,
                                   0xFFFF,
                                   16777216.0F,
                                   -16777219,
                                   33554435,
                                   INT32_MAX,
                                   INT32_MIN,
                                   INT32_MAX - 63,
                                   INT32_MIN + 1,
                                   0x55555555};
enum {
    VALUES = sizeof values / sizeof values[0],
    INTEGERS = sizeof integers / sizeof integers[0],
};

static uint32_t bits_of(float a)
{
    uint32_t bits;
    memcpy(&bits, &a, sizeof bits);
    return bits;
}

static float lane(f32x4 a, int k)
{
    float p[4];
    f32x4_store(p, a);
    return p[k];
}

static int32_t lane_i32(i32x4 a, int k)
{
    int32_t p[4];
    memcpy(p, &a, sizeof p);
    return p[k];
}

static i32x4 make_i32(int32_t a, int32_t b, int32_t c, int32_t d)
{
    const int32_t p[4] = {a, b, c, d};
    i32x4 v;
    memcpy(&v, p, sizeof v);
    return v;
}

// The same bits; of a NaN that was computed, neither sign nor payload.
static bool same(float a, float b) { return bits_of(a) == bits_of(b) || (isnan(a) && isnan(b)); }

static int32_t mask(bool set) { return set ? -1 : 0; }

// Two operands: each pair of values, in another lane each time.
static void test_pairs(void)
{
    for (int i = 0; i < VALUES; i++) {
        for (int j = 0; j < VALUES; j++) {
            const float av[4] = {values[i], values[(i + 1) % VALUES], values[(i + 2) % VALUES],
                                 values[(i + 3) % VALUES]};
            const float bv[4] = {values[j], values[(j + 5) % VALUES], values[(j + 7) % VALUES],
                                 values[(j + 11) % VALUES]};
            const f32x4 a = f32x4_load(av), b = f32x4_load(bv);
            for (int k = 0; k < 4; k++) {
                const float p = av[k], q = bv[k];
                CHECK(same(lane(f32x4_add(a, b), k), p + q));
                CHECK(same(lane(f32x4_sub(a, b), k), p - q));
                CHECK(same(lane(f32x4_mul(a, b), k), p * q));
                CHECK(same(lane(f32x4_div(a, b), k), p / q));
                // These move bits and compute nothing.
                CHECK(bits_of(lane(f32x4_min(a, b), k)) == bits_of(q < p ? q : p));
                CHECK(bits_of(lane(f32x4_max(a, b), k)) == bits_of(p < q ? q : p));
                CHECK(lane_i32(f32x4_lt(a, b), k) == mask(p < q));
                CHECK(lane_i32(f32x4_le(a, b), k) == mask(p <= q));
                CHECK(lane_i32(f32x4_eq(a, b), k) == mask(p == q));
                CHECK(bits_of(lane(f32x4_select(f32x4_lt(a, b), a, b), k)) ==
                      bits_of(p < q ? p : q));
            }
        }
    }
}

// The integer that f32x4_to_i32 gives: towards 0, the nearest end outside the range, 0 for NaN.
static int32_t to_i32(float a)
{
    if (isnan(a))
        return 0;
    const double clamped = fmin(fmax((double)a, INT32_MIN), INT32_MAX);
    return (int32_t)clamped;
}

static void test_one_operand(void)
{
    for (int i = 0; i < VALUES; i++) {
        const float v[4] = {values[i], values[(i + 1) % VALUES], values[(i + 2) % VALUES],
                            values[(i + 3) % VALUES]};
        const f32x4 a = f32x4_load(v);
        for (int k = 0; k < 4; k++) {
            CHECK(bits_of(lane(a, k)) == bits_of(v[k]));
            CHECK(same(lane(f32x4_sqrt(a), k), sqrtf(v[k])));
            CHECK(bits_of(lane(f32x4_abs(a), k)) == (bits_of(v[k]) & 0x7FFFFFFF));
            CHECK(bits_of(lane(f32x4_neg(a), k)) == (bits_of(v[k]) ^ 0x80000000));
            CHECK((uint32_t)lane_i32(f32x4_bits(a), k) == bits_of(v[k]));
            CHECK(bits_of(lane(f32x4_from_bits(f32x4_bits(a)), k)) == bits_of(v[k]));
            CHECK(lane_i32(f32x4_to_i32(a), k) == to_i32(v[k]));
            CHECK(bits_of(lane(f32x4_splat(v[0]), k)) == bits_of(v[0]));
            CHECK(bits_of(lane(f32x4_load_splat(v + 1), k)) == bits_of(v[1]));
            CHECK(bits_of(lane(f32x4_make(v[0], v[1], v[2], v[3]), k)) == bits_of(v[k]));
            CHECK(bits_of(lane(f32x4_zero(), k)) == 0);
        }
        CHECK(bits_of(f32x4_lane(a, 0)) == bits_of(v[0]));
        CHECK(bits_of(f32x4_lane(a, 1)) == bits_of(v[1]));
        CHECK(bits_of(f32x4_lane(a, 2)) == bits_of(v[2]));
        CHECK(bits_of(f32x4_lane(a, 3)) == bits_of(v[3]));
        CHECK(same(f32x4_sum(a), (v[0] + v[2]) + (v[1] + v[3])));
    }
    // The order of the sum is part of the promise: here any other gives 0.
    CHECK(f32x4_sum(f32x4_make(1e8F, 1.0F, -1e8F, 1.0F)) == 2);
    // A selection goes by the bit, not by the lane.
    CHECK(bits_of(lane(f32x4_select(i32x4_splat(INT32_MIN), f32x4_splat(-0.0F), f32x4_splat(2.0F)),
                       0)) == bits_of(-2.0F));
}

static void test_matrices(void)
{
    float rows[4][4];
    f32x4 row[4], columns[4];
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++)
            rows[i][j] = 0.1F * (float)(1 + i * i * 7 + 3 * j * (i + 1));
        row[i] = f32x4_load(rows[i]);
    }
    f32x4_transpose(row[0], row[1], row[2], row[3], columns);
    const f32x4 sums = f32x4_sums(row[0], row[1], row[2], row[3]);
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++)
            CHECK(bits_of(lane(columns[j], i)) == bits_of(rows[i][j]));
        CHECK(bits_of(lane(sums, i)) == bits_of(f32x4_sum(row[i])));
    }
    const float bad[] = {INFINITY, -INFINITY, NAN};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            rows[i][j] = bad[(i + j) % 3];
            CHECK(!f32x4_finite(f32x4_load(rows[i])));
            rows[i][j] = 3e38F;
            CHECK(f32x4_finite(f32x4_load(rows[i])));
        }
}

static void test_integers(void)
{
    for (int i = 0; i < INTEGERS; i++) {
        for (int j = 0; j < INTEGERS; j++) {
            const int32_t av[4] = {integers[i], integers[(i + 1) % INTEGERS],
                                   integers[(i + 2) % INTEGERS], integers[(i + 3) % INTEGERS]};
            const int32_t bv[4] = {integers[j], integers[(j + 3) % INTEGERS],
                                   integers[(j + 4) % INTEGERS], integers[(j + 7) % INTEGERS]};
            const i32x4 a = make_i32(av[0], av[1], av[2], av[3]);
            const i32x4 b = make_i32(bv[0], bv[1], bv[2], bv[3]);
            for (int k = 0; k < 4; k++) {
                const uint32_t p = (uint32_t)av[k], q = (uint32_t)bv[k];
                CHECK((uint32_t)lane_i32(i32x4_sub(a, b), k) == p - q);
            }
        }
    }
    for (int i = 0; i < INTEGERS; i++) {
        const int32_t v = integers[i];
        const i32x4 a = i32x4_splat(v);
        for (int k = 0; k < 4; k++) {
            CHECK(lane_i32(a, k) == v);
            CHECK(lane_i32(i32x4_not(a), k) == ~v);
            CHECK(bits_of(lane(f32x4_from_i32(a), k)) == bits_of((float)v));
        }
        for (int count = 0; count < 32; count++) {
            CHECK((uint32_t)lane_i32(i32x4_shift_left(a, count), 1) == (uint32_t)v << count);
            // The quotient by 2^count, rounded down.
            const int32_t down = (int32_t)floor(ldexp(v, -count));
            CHECK(lane_i32(i32x4_shift_right(a, count), 2) == down);
        }
    }
    CHECK(!i32x4_any(i32x4_splat(0)));
    CHECK(i32x4_any(make_i32(1, 0, 0, 0)) && i32x4_any(make_i32(0, INT32_MIN, 0, 0)));
    CHECK(i32x4_any(make_i32(0, 0, -1, 0)) && i32x4_any(make_i32(0, 0, 0, 2)));
}

// 1 to 5 lanes at an address of every alignment: nothing else is read or written.
static void test_few_lanes(void)
{
    enum { ROOM = 16 };
    static const float guard = -77.0F;
    for (int n = 1; n <= 5; n++) {
        for (int at = 4; at < 8; at++) {
            const int lanes = n < 4 ? n : 4;
            float from[ROOM], to[ROOM];
            for (int k = 0; k < ROOM; k++)
                from[k] = k >= at && k < at + lanes ? values[k] : NAN, to[k] = guard;

            const f32x4 a = f32x4_load_n(from + at, n);
            for (int k = 0; k < 4; k++)
                CHECK(bits_of(lane(a, k)) == (k < lanes ? bits_of(values[at + k]) : 0));

            f32x4_store_n(to + at, f32x4_make(1.0F, 2.0F, 3.0F, 4.0F), n);
            for (int k = 0; k < ROOM; k++)
                CHECK(to[k] == (k >= at && k < at + lanes ? (float)(k - at + 1) : guard));

            f32x4_store(to + at, f32x4_load(values + at));
            for (int k = 0; k < ROOM; k++)
                CHECK(to[k] == (k >= at && k < at + 4 ? values[k] : guard));
        }
        // An array that ends with the last lane: the sanitizer sees a read beyond it.
        float *exact = malloc((size_t)n * sizeof *exact);
        if (!CHECK(exact))
            return;
        memset(exact, 0, (size_t)n * sizeof *exact);
        f32x4_store_n(exact, f32x4_add(f32x4_load_n(exact, n), f32x4_splat(1.0F)), n);
        for (int k = 0; k < n; k++)
            CHECK(exact[k] == (k < 4 ? 1 : 0));
        free(exact);
    }
}

// The lanes before an end, which lie in the four before it.
static void test_last_lanes(void)
{
    const f32x4 v = f32x4_make(1.0F, 2.0F, 3.0F, 4.0F);
    for (int n = -3; n <= 3; n++)
        for (int k = 0; k < 4; k++)
            CHECK(lane(f32x4_shift(v, n), k) == (k + n >= 0 && k + n < 4 ? (float)(k + n + 1) : 0));
    for (int n = 1; n <= 3; n++) {
        float row[6] = {10, 11, 12, 13, 14, 15}; // the row ends after its fifth value
        const f32x4 last = f32x4_load_last(row + 5, n);
        for (int k = 0; k < 4; k++)
            CHECK(lane(last, k) == (k < n ? row[5 - n + k] : 0));
        f32x4_store_last(row + 5, v, n);
        for (int k = 0; k < 6; k++)
            CHECK(row[k] == (k >= 5 - n && k < 5 ? (float)(k - (5 - n) + 1) : (float)(10 + k)));
    }
}

int main(void)
{
    test_pairs();
    test_one_operand();
    test_matrices();
    test_integers();
    test_few_lanes();
    test_last_lanes();
    return test_report("simd");
}
