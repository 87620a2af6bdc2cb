// Rows whose places are all treated alike. Such a kernel is written once, for whole vectors; what
// is left at the end of the rows, one to three values, goes through it in a padded copy.
#ifndef UNROLLED_ELEMENTWISE_H
#define UNROLLED_ELEMENTWISE_H

#include "base.h"

enum { ELEMENTWISE_ROWS = 8 }; // of each sort, at most

// rows [][n] are read and written, inputs [][n] only read; n is a multiple of four.
typedef void elementwise_kernel(const void *settings, size_t n, float *const *rows,
                                const float *const *inputs);

// The same for any n. Padding is zeros; nothing is read or written beyond the rows.
void elementwise(elementwise_kernel *kernel, const void *settings, size_t n, int num_rows,
                 float *const *rows, int num_inputs, const float *const *inputs);

#endif
