// Tiles of a product, C[4][8] = or += A · B, one after the other: the loops around the register
// tile. A is in panels of width 4; B in panels of width 8, or wherever 8 of its columns are side by
// side. All return true when a value written may not be finite.
#ifndef UNROLLED_MATMUL_TILE_H
#define UNROLLED_MATMUL_TILE_H

#include "base.h"

enum { TILE_ROWS = 4, TILE_COLUMNS = 8 };

// `count` whole tiles along a row or a column of C: from one to the next, left, right and c move on
// by their `apart`.
typedef struct {
    int count, depth;
    const float *left;
    size_t left_apart;
    const float *right;
    size_t right_apart, right_down; // down: from one depth to the next
    float *c;
    size_t c_apart, c_step;
    bool add;
} tile_run;

// rows: 1 to 4 (more count as 4).
bool tile_whole(int rows, const tile_run *run);

// One tile of a run's first, of which only so many rows and columns are written (more count as 4,
// 8).
bool tile_edge(int rows, int columns, const tile_run *run);

#endif
