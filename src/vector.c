#include "vector.h"

#include "elementwise.h"

// Nothing to do is said by n = 0, and then an array may be NULL, which the machine's own ways to
// fill and copy may not be given.

void vector_zero(size_t n, float *y)
{
    if (n > 0) // a loop for few would become this anyway: compilers know it
        __builtin_memset(y, 0, n * sizeof *y);
}

enum { MANY = 64 }; // fewer are copied here: to call the machine's own way takes its time

void vector_copy(size_t n, const float *x, float *y)
{
    size_t i = 0;
    if (n >= MANY) {
        __builtin_memcpy(y, x, n * sizeof *y);
        return;
    }
    for (; i + 4 <= n; i += 4)
        f32x4_store(y + i, f32x4_load(x + i));
    for (; i < n; i++)
        y[i] = x[i];
}

static void add(const void *settings, size_t n, float *const *y, const float *const *x)
{
    (void)settings;
    for (size_t i = 0; i < n; i += 4)
        f32x4_store(y[0] + i, f32x4_add(f32x4_load(y[0] + i), f32x4_load(x[0] + i)));
}

void vector_add(size_t n, const float *x, float *y) { elementwise(add, NULL, n, 1, &y, 1, &x); }

static void add_scaled(const void *a, size_t n, float *const *y, const float *const *x)
{
    const f32x4 factor = f32x4_load_splat(a);
    for (size_t i = 0; i < n; i += 4) {
        const f32x4 scaled = f32x4_mul(factor, f32x4_load(x[0] + i));
        f32x4_store(y[0] + i, f32x4_add(f32x4_load(y[0] + i), scaled));
    }
}

void vector_add_scaled(size_t n, float a, const float *x, float *y)
{
    elementwise(add_scaled, &a, n, 1, &y, 1, &x);
}

static void multiply(const void *settings, size_t n, float *const *y, const float *const *x)
{
    (void)settings;
    for (size_t i = 0; i < n; i += 4)
        f32x4_store(y[0] + i, f32x4_mul(f32x4_load(x[0] + i), f32x4_load(x[1] + i)));
}

void vector_multiply(size_t n, const float *a, const float *b, float *y)
{
    elementwise(multiply, NULL, n, 1, &y, 2, (const float *[]){a, b});
}

void vector_fill_rows(int M, int n, const float *a, const float *b, float *y, size_t y_step)
{
    vector_copy((size_t)n, a, y);
    if (b)
        vector_add((size_t)n, b, y);
    for (int m = 1; m < M; m++)
        vector_copy((size_t)n, y, y + (size_t)m * y_step);
}

bool vector_sum_rows(int M, int n, const float *x, size_t x_step, bool add, float *sums)
{
    // Rows are added in blocks, blocks in large blocks, and these to the sums: the error of a sum
    // grows with the number of its terms, and no sum here has many.
    enum { BLOCK = 64, LARGE = 64 * BLOCK };
    bool suspect = false;

    for (int j = 0; j < n; j += 4) {
        const int lanes = n - j;
        const float *row = x + j;
        f32x4 total = add ? f32x4_load_n(sums + j, lanes) : f32x4_zero(), large = f32x4_zero(),
              block = f32x4_zero();
        for (int m = 1; m <= M; m++, row += x_step) {
            block = f32x4_add(block, f32x4_load_n(row, lanes));
            if (m % BLOCK && m < M)
                continue;
            large = f32x4_add(large, block);
            block = f32x4_zero();
            if (m % LARGE && m < M)
                continue;
            total = f32x4_add(total, large);
            large = f32x4_zero();
        }
        suspect |= !f32x4_finite(total);
        f32x4_store_n(sums + j, total, lanes);
    }
    return suspect;
}

void vector_copy_rows(int M, int n, const float *x, size_t x_step, float *y, size_t y_step)
{
    for (int m = 0; m < M; m++, x += x_step, y += y_step)
        vector_copy((size_t)n, x, y);
}

void vector_swap_axes(int A, int B, int n, const float *x, float *y)
{
    for (int b = 0; b < B; b++)
        for (int a = 0; a < A; a++, y += n)
            vector_copy((size_t)n, x + ((size_t)a * (size_t)B + (size_t)b) * (size_t)n, y);
}
