// The heap of the .wasm, under memory.c: blocks of all the memory behind the program's own data.
// Built with UNROLLED_HEAP it is WebAssembly's memory; else a test's, and memory.c takes malloc's.
#ifndef UNROLLED_HEAP_H
#define UNROLLED_HEAP_H

#include "base.h"

// Memory aligned to 16, contents undefined; NULL when there is none.
void *heap_take(size_t bytes);
void heap_give(void *block);
size_t heap_bytes(const void *block); // what was asked for

#ifndef UNROLLED_HEAP
// What stands for WebAssembly's memory in a test.
typedef struct {
    char *memory;         // [most], in pages of 64 KiB
    uint32_t start;       // the first address that the heap may use, not 0
    uint32_t pages;       // as large as it is now
    uint32_t most;        // as large as it may grow, 65535 at the most
    uint32_t granted;     // how often it has grown
    uint32_t free_blocks; // after heap_look
    uint32_t free_bytes;  // likewise, headers included
} heap_land;

// From now on the heap is there, and all of it free.
void heap_settle(heap_land *land);
// Counts what is free.
void heap_look(void);
#endif

#endif
