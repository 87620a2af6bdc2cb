#include "elementwise.h"

#include "simd.h"

enum { SHORT = 16 }; // rows below this length go through a padded copy as a whole: one call

// n values, with zeros behind them up to a multiple of four.                            to [SHORT]
static void pad(size_t n, const float *from, float *to)
{
    const int rest = (int)(n % 4);
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        f32x4_store(to + i, f32x4_load(from + i));
    f32x4_store(to + i, n > 4 ? f32x4_load_last(from + n, rest) : f32x4_load_n(from, rest));
}

// And back.
static void unpad(size_t n, const float *from, float *to)
{
    const int rest = (int)(n % 4);
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        f32x4_store(to + i, f32x4_load(from + i));
    if (n > 4)
        f32x4_store_last(to + n, f32x4_load(from + i), rest);
    else
        f32x4_store_n(to, f32x4_load(from), rest);
}

void elementwise(elementwise_kernel *kernel, const void *settings, size_t n, int num_rows,
                 float *const *rows, int num_inputs, const float *const *inputs)
{
    float padded[2 * ELEMENTWISE_ROWS][SHORT];
    float *own_rows[ELEMENTWISE_ROWS];
    const float *own_inputs[ELEMENTWISE_ROWS];
    // done in place; of long rows a whole vector is left as well, for what follows it
    const size_t done = n % 4 == 0 ? n : n < SHORT ? 0 : n / 4 * 4 - 4, left = n - done;

    ASSERT(num_rows <= ELEMENTWISE_ROWS && num_inputs <= ELEMENTWISE_ROWS);
    if (done)
        kernel(settings, done, rows, inputs);
    if (!left)
        return;
    for (int r = 0; r < num_rows + num_inputs; r++) {
        const int input = r - num_rows;
        if (input < 0)
            own_rows[r] = padded[r];
        else
            own_inputs[input] = padded[r];
        pad(left, (input < 0 ? rows[r] : inputs[input]) + done, padded[r]);
    }
    kernel(settings, (left + 3) & ~(size_t)3, own_rows, own_inputs);
    for (int r = 0; r < num_rows; r++)
        unpad(left, padded[r], rows[r] + done);
}
