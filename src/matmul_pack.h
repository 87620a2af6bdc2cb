// Panels: an operand copied into the order in which a tile reads it, so that large products walk
// memory in one direction and strides that are powers of two do not fight over the same cache
// lines.
//
// A panel of width 8 over a matrix B [depth][columns]:
//
//     columns 0…7          columns 8…15
//     k=0  b b b b b b b b | k=0  b b b b b b b b | …        each panel is [depth][8],
//     k=1  b b b b b b b b | k=1  b b b b b b b b |          missing columns are 0
//     …                    | …                    |
//
// Width 4, for rows of the left operand, likewise.
#ifndef UNROLLED_MATMUL_PACK_H
#define UNROLLED_MATMUL_PACK_H

#include "base.h"

// Floats in the panels of `columns` columns.
size_t pack_size(int columns, int depth, int width);

// From a source whose column i, depth k is at source[i + k * depth_step] (columns side by side).
void pack_columns(int columns, int depth, int width, const float *source, size_t depth_step,
                  float *panels);

// From a source whose column i, depth k is at source[i * column_step + k] (a transposed operand).
void pack_rows(int columns, int depth, int width, const float *source, size_t column_step,
               float *panels);

#endif
