// Loops over plain arrays. Lengths may be anything, arrays need no alignment.
#ifndef UNROLLED_VECTOR_H
#define UNROLLED_VECTOR_H

#include "simd.h"

void vector_zero(size_t n, float *y);
void vector_copy(size_t n, const float *x, float *y);                // y = x
void vector_add(size_t n, const float *x, float *y);                 // y += x
void vector_add_scaled(size_t n, float a, const float *x, float *y); // y += a * x
void vector_multiply(size_t n, const float *a, const float *b,
                     float *y); // y = a * b; may be either

// Every row of y [M][n], rows y_step apart, becomes a (+ b where b is not NULL).        a, b [n]
void vector_fill_rows(int M, int n, const float *a, const float *b, float *y, size_t y_step);

// sums [n] = or += the sum of the rows of x [M][n], rows x_step apart. Returns true when a value
// written is not finite.
bool vector_sum_rows(int M, int n, const float *x, size_t x_step, bool add, float *sums);

// Rows of n floats from one stride to another.                                       x, y [M][n]
void vector_copy_rows(int M, int n, const float *x, size_t x_step, float *y, size_t y_step);

// y [B][A][n] = x [A][B][n] with the first two axes exchanged.
void vector_swap_axes(int A, int B, int n, const float *x, float *y);

#endif
