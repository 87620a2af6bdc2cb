// Tiles of a product, C[4][8] = or += A · B: the loops around the register tile. A is in panels of
// width 4; B in panels of width 8, or wherever 8 of its columns are side by side. Returns true when
// a value written may not be finite.
#ifndef UNROLLED_MATMUL_TILE_H
#define UNROLLED_MATMUL_TILE_H

#include "base.h"

enum { TILE_ROWS = 4, TILE_COLUMNS = 8 };

// What a tile is made of, and those below it.
typedef struct {
    int depth;
    const float *left;  // [depth][4], the next tile's behind it
    const float *right; // [depth][8]
    size_t right_down;  // from one depth to the next
    float *c;
    size_t c_step;
    bool add;
} tile;

// Tiles each below the one before it, of which so many rows and columns (8, or less) are written.
bool tile_column(const tile *first, int rows, int columns);

#endif
