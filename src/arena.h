// A bump allocator over one block. `plan` functions run twice over the same code: first with a null
// base, where takes only count, then on a block of the size counted. Sizes and pointers cannot
// drift apart.
#ifndef UNROLLED_ARENA_H
#define UNROLLED_ARENA_H

#include "base.h"

typedef struct {
    char *base;    // NULL: only count
    size_t used;   // bytes
    bool overflow; // a size did not fit: the plan is void
} arena;

// [a][b][c] floats, aligned to 16; NULL while counting.
float *arena_floats(arena *plan, size_t a, size_t b, size_t c);

// `bytes` bytes, aligned to 16; NULL while counting.
void *arena_bytes(arena *plan, size_t bytes);

#endif
