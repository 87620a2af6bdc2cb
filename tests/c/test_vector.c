// The loops over arrays against plain ones, at every length from 1 to past two vectors, with rows
// that lie apart: equal to the bit where there is one sum at most, and nothing between the rows or
// behind them is written.
#include "numbers.h"
#include "test.h"
#include "vector.h"

enum { LONGEST = 70, ROWS = 5, GAP = 3, GUARD = 4 };
static const float guard = 123.25F;

// A block of guard words; results are written into it from word GUARD on.
static float *guarded(size_t n)
{
    float *block = floats(n + 2 * GUARD);
    for (size_t i = 0; i < n + 2 * GUARD; i++)
        block[i] = guard;
    return block;
}

static bool ends_intact(size_t n, const float *block)
{
    for (size_t i = 0; i < GUARD; i++)
        if (block[i] != guard || block[GUARD + n + i] != guard)
            return false;
    return true;
}

static void test_plain(void)
{
    for (size_t n = 0; n <= LONGEST; n++) {
        float *x = draws(n, 1), *y = draws(n, 1), *block = guarded(n), *out = block + GUARD;

        vector_copy(n, x, out);
        CHECK(same_bits(n, x, out));
        vector_add(n, y, out);
        for (size_t i = 0; i < n; i++)
            CHECK(out[i] == x[i] + y[i]);
        vector_copy(n, x, out);
        vector_add_scaled(n, -0.7F, y, out);
        for (size_t i = 0; i < n; i++) {
            const float scaled = -0.7F * y[i];
            CHECK(out[i] == x[i] + scaled);
        }
        vector_multiply(n, x, y, out);
        for (size_t i = 0; i < n; i++)
            CHECK(out[i] == x[i] * y[i]);
        vector_copy(n, x, out);
        vector_multiply(n, out, y, out); // in the place of either
        for (size_t i = 0; i < n; i++)
            CHECK(out[i] == x[i] * y[i]);
        vector_zero(n, out);
        for (size_t i = 0; i < n; i++)
            CHECK(out[i] == 0);
        CHECK(ends_intact(n, block));
        free(x), free(y), free(block);
    }
}

static void test_rows(void)
{
    for (int n = 1; n <= LONGEST; n++)
        for (int M = 1; M <= ROWS; M++) {
            const size_t columns = (size_t)n, step = columns + GAP;
            const size_t words = (size_t)(M - 1) * step + columns;
            float *a = draws(columns, 1), *b = draws(columns, 1), *block = guarded(words);
            float *x = draws(words, 1), *out = block + GUARD;

            for (int both = 0; both < 2; both++) {
                vector_fill_rows(M, n, a, both ? b : NULL, out, step);
                for (size_t i = 0; i < words; i++) {
                    const size_t j = i % step;
                    CHECK(out[i] == (j >= columns ? guard : both ? a[j] + b[j] : a[j]));
                }
            }
            vector_copy_rows(M, n, x, step, out, step);
            for (size_t i = 0; i < words; i++)
                CHECK(out[i] == (i % step < columns ? x[i] : guard));
            CHECK(ends_intact(words, block));
            free(a), free(b), free(x), free(block);
        }
}

// Whole numbers: their sums are exact in any order.
static void test_columns(void)
{
    static const int rows[] = {1, 2, 63, 64, 65, 200}; // blocks of 64 rows
    for (int n = 1; n <= LONGEST; n++)
        for (int r = 0; r < 6; r++) {
            const size_t step = (size_t)(n + GAP), words = (size_t)(rows[r] - 1) * step + (size_t)n;
            float *x = floats(words), *block = guarded((size_t)n), *sums = block + GUARD;
            for (size_t i = 0; i < words; i++)
                x[i] = i % step < (size_t)n ? floorf(100 * draw()) : NAN;
            for (int j = 0; j < n; j++)
                sums[j] = (float)j;

            CHECK(!vector_sum_rows(rows[r], n, x, step, true, sums));
            for (int j = 0; j < n; j++) {
                double sum = j;
                for (int m = 0; m < rows[r]; m++)
                    sum += (double)x[(size_t)m * step + (size_t)j];
                CHECK((double)sums[j] == sum);
            }
            for (int j = 0; j < n; j++) { // not finite: from above, or already there
                sums[j] = 0;
                x[(size_t)(j % rows[r]) * step + (size_t)j] = j % 2 ? INFINITY : NAN;
                CHECK(vector_sum_rows(rows[r], n, x, step, true, sums));
                x[(size_t)(j % rows[r]) * step + (size_t)j] = 1;
                CHECK(vector_sum_rows(rows[r], n, x, step, true, sums));
                sums[j] = 0;
                CHECK(!vector_sum_rows(rows[r], n, x, step, true, sums));
            }
            float *again = guarded((size_t)n);
            for (int j = 0; j < n; j++)
                sums[j] = 0, again[GUARD + j] = NAN; // in the place of what was there
            CHECK(!vector_sum_rows(rows[r], n, x, step, true, sums));
            CHECK(!vector_sum_rows(rows[r], n, x, step, false, again + GUARD));
            CHECK(memcmp(sums, again + GUARD, (size_t)n * sizeof *sums) == 0);
            CHECK(ends_intact((size_t)n, again));
            free(again);
            CHECK(ends_intact((size_t)n, block));
            free(x), free(block);
        }
}

static void test_swap(void)
{
    for (int A = 1; A <= 5; A++)
        for (int B = 1; B <= 5; B++)
            for (int n = 1; n <= 9; n += 2) {
                const size_t count = (size_t)(A * B * n);
                float *x = draws(count, 1), *block = guarded(count), *back = floats(count);
                float *out = block + GUARD;
                vector_swap_axes(A, B, n, x, out);
                for (int a = 0; a < A; a++)
                    for (int b = 0; b < B; b++)
                        CHECK(same_bits((size_t)n, x + (a * B + b) * n, out + (b * A + a) * n));
                vector_swap_axes(B, A, n, out, back);
                CHECK(same_bits(count, x, back) && ends_intact(count, block));
                free(x), free(block), free(back);
            }
}

int main(void)
{
    test_plain();
    test_rows();
    test_columns();
    test_swap();
    return test_report("vector");
}
