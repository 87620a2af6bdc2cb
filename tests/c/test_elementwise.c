// Kernels over rows of any length against plain loops, and the functions behind products: nothing
// behind a row is read or written, and padding reaches no result.
#include "activate.h"
#include "elementwise.h"
#include "numbers.h"
#include "test.h"

enum { LONGEST = 70, ROWS = 3, INPUTS = 2 };

// rows: a, b, c; inputs: x, y. a = a x + y, b = c, c = the old a. Counts how often it is called.
static void turn(const void *settings, size_t n, float *const *rows, const float *const *inputs)
{
    int *calls = *(int *const *)settings;
    CHECK(n > 0 && n % 4 == 0);
    ++*calls;
    for (size_t i = 0; i < n; i += 4) {
        const f32x4 a = f32x4_load(rows[0] + i), c = f32x4_load(rows[2] + i);
        const f32x4 ax = f32x4_mul(a, f32x4_load(inputs[0] + i));
        f32x4_store(rows[0] + i, f32x4_add(ax, f32x4_load(inputs[1] + i)));
        f32x4_store(rows[1] + i, c);
        f32x4_store(rows[2] + i, a);
    }
}

static void test_lengths(void)
{
    for (size_t n = 0; n <= LONGEST; n++) {
        float *rows[ROWS], *before[ROWS], *own[INPUTS], *kept[INPUTS];
        const float *inputs[INPUTS];
        int calls = 0, *const counter = &calls;
        for (int r = 0; r < ROWS; r++)
            before[r] = copies(n, rows[r] = draws(n, 1));
        for (int r = 0; r < INPUTS; r++)
            inputs[r] = kept[r] = copies(n, own[r] = draws(n, 1));

        elementwise(turn, &counter, n, ROWS, rows, INPUTS, inputs);
        CHECK(calls <= 2 && (calls > 0) == (n > 0));
        for (size_t i = 0; i < n; i++) {
            CHECK(rows[0][i] == before[0][i] * own[0][i] + own[1][i]);
            CHECK(rows[1][i] == before[2][i]);
            CHECK(rows[2][i] == before[0][i]);
        }
        for (int r = 0; r < INPUTS; r++) {
            CHECK(same_bits(n, own[r], kept[r]));
            free(own[r]), free(kept[r]);
        }
        for (int r = 0; r < ROWS; r++)
            free(rows[r]), free(before[r]);
    }
}

static double function(activate_kind f, double x)
{
    switch (f) {
    case ACTIVATE_TANH:
        return tanh(x);
    case ACTIVATE_RELU:
        return x > 0 ? x : 0;
    case ACTIVATE_SIGMOID:
        return 1 / (1 + exp(-x));
    default:
        return x;
    }
}

// The derivative, by the value y.
static double slope(activate_kind f, double y)
{
    switch (f) {
    case ACTIVATE_TANH:
        return 1 - y * y;
    case ACTIVATE_RELU:
        return y > 0;
    case ACTIVATE_SIGMOID:
        return y * (1 - y);
    default:
        return 1;
    }
}

static void test_functions(void)
{
    for (activate_kind f = ACTIVATE_NONE; f <= ACTIVATE_SIGMOID; f++)
        for (size_t n = 0; n <= LONGEST; n++) {
            float *x = draws(n, 3), *dy = draws(n, 1), *y = floats(n), *dx = floats(n);
            float *in_place = copies(n, x);

            activate(f, n, in_place, in_place);
            if (f == ACTIVATE_NONE)
                memcpy(y, in_place, n * sizeof *y);
            else
                activate(f, n, x, y);
            CHECK(same_bits(n, y, in_place));
            activate_back(f, n, y, dy, dx);
            activate_back(f, n, in_place, dy, in_place); // y becomes dx
            CHECK(same_bits(n, dx, in_place));
            for (size_t i = 0; i < n; i++) {
                CHECK(fabs((double)y[i] - function(f, (double)x[i])) <= 3e-7);
                CHECK(fabs((double)dx[i] - (double)dy[i] * slope(f, (double)y[i])) <= 3e-7);
            }
            free(x), free(dy), free(y), free(dx), free(in_place);
        }
}

static void test_not_a_number(void)
{
    for (activate_kind f = ACTIVATE_NONE; f <= ACTIVATE_SIGMOID; f++)
        for (size_t place = 0; place < 5; place++) {
            float x[5] = {1, -1, 2, -2, 3};
            x[place] = NAN;
            activate(f, 5, x, x);
            for (size_t i = 0; i < 5; i++)
                CHECK(isnan(x[i]) == (i == place));
        }
}

int main(void)
{
    test_lengths();
    test_functions();
    test_not_a_number();
    return test_report("elementwise");
}
