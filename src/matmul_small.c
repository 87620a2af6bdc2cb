#include "matmul_small.h"

#include "matmul_kernel.h"

// x · w, added up as kernel_dot adds up its lanes; I may be less than a vector.
static float dot_one(int I, const float *x, const float *w)
{
    f32x4 sum = f32x4_zero();
    int k = 0;
    for (; k + 4 <= I; k += 4)
        sum = f32x4_add(sum, f32x4_mul(f32x4_load(x + k), f32x4_load(w + k)));
    if (I < 4)
        sum = f32x4_mul(f32x4_load_n(x, I), f32x4_load_n(w, I));
    else if (k < I)
        sum =
            f32x4_add(sum, f32x4_mul(f32x4_load_last(x + I, I - k), f32x4_load_last(w + I, I - k)));
    return f32x4_sum(sum);
}

// Functions of their own, so that each has the registers for itself.
typedef void dot_kernel(int I, const float *x, size_t x_step, const float *w, size_t w_step,
                        float *y, size_t y_step);

static void dot_4_by_2(int I, const float *x, size_t x_step, const float *w, size_t w_step,
                       float *y, size_t y_step)
{
    kernel_dot(4, 2, I, x, x_step, w, w_step, y, y_step);
}

// Eight sums hide the time that an addition takes.
static void dot_1_by_8(int I, const float *x, size_t x_step, const float *w, size_t w_step,
                       float *y, size_t y_step)
{
    kernel_dot(1, 8, I, x, x_step, w, w_step, y, y_step);
}

void small_dot(int M, int K, int I, const float *X, size_t x_step, const float *W, size_t w_step,
               float *Y, size_t y_step)
{
    while (M > 0) {
        const int rows = M >= 4 ? 4 : 1, wide = 8 / rows;
        dot_kernel *kernel = M >= 4 ? dot_4_by_2 : dot_1_by_8;
        int n = 0;
        for (; I >= 4 && n + wide <= K; n += wide)
            kernel(I, X, x_step, W + (size_t)n * w_step, w_step, Y + n, y_step);
        for (; n < K; n++)
            for (int m = 0; m < rows; m++)
                Y[(size_t)m * y_step + (size_t)n] +=
                    dot_one(I, X + (size_t)m * x_step, W + (size_t)n * w_step);
        M -= rows, X += (size_t)rows * x_step, Y += (size_t)rows * y_step;
    }
}
