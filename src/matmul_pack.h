// Panels: an operand copied into the order in which a tile reads it. A tile then walks memory in
// one direction, at distances that the compiler knows, and strides that are powers of two do not
// fight over the same cache lines.
//
// Panels of width 8 over a matrix B [depth][lanes]:
//
//     lanes 0…7            lanes 8…15
//     k=0  b b b b b b b b | k=0  b b b b b b b b | …        each panel is [depth][8],
//     k=1  b b b b b b b b | k=1  b b b b b b b b |          lanes that there are not hold some
//     number …                    | …                    |
//
// Width 4, for rows of the left operand, likewise.
#ifndef UNROLLED_MATMUL_PACK_H
#define UNROLLED_MATMUL_PACK_H

#include "base.h"

// Where an operand's value of a lane (a row of the left one, a column of the right one) and a depth
// lies: at[lane * across + depth * down]. One of the two distances is 1.
typedef struct {
    const float *at;
    size_t across, down;
} operand;

// Floats in the panels of so many lanes.
size_t pack_size(int lanes, int depth, int width);

// From `lane` and `depth` 0 of what lies at `at`, likewise. Width 4 or 8.
void pack(int lanes, int depth, int width, const float *at, size_t across, size_t down,
          float *panels);

#endif
