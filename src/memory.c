// Counted memory, from the heap of the .wasm; elsewhere from malloc, each block behind a header of
// 16 bytes: its size and the address that malloc gave, which need not be a multiple of 16.
#include "memory.h"

#ifdef UNROLLED_HEAP
#include "heap.h"
#else
#include <stdlib.h>

typedef struct {
    void *origin;
    size_t bytes;
} header;

enum { ALIGNMENT = 16, ROOM = ALIGNMENT + sizeof(header) };

static void *heap_take(size_t bytes)
{
    char *origin = malloc(size_sum(bytes, ROOM));
    if (!origin)
        return NULL;
    const uintptr_t place = ((uintptr_t)origin + ROOM) & ~(uintptr_t)(ALIGNMENT - 1);
    char *block = origin + (place - (uintptr_t)origin);
    *((header *)(void *)block - 1) = (header){origin, bytes};
    return block;
}

static size_t heap_bytes(const void *block) { return ((const header *)block - 1)->bytes; }

static void heap_give(void *block) { free(((header *)block - 1)->origin); }
#endif

// The leak meter: the only state here, and never read by what computes.
static size_t held, refused;

#ifdef UNROLLED_FAULTS
static int refuse_after = -1;

void memory_refuse_after(int n) { refuse_after = n; }

static size_t refuse_above = SIZE_MAX;

void memory_refuse_above(size_t bytes) { refuse_above = bytes; }

static bool refuse(size_t bytes)
{
    return bytes > refuse_above || (refuse_after >= 0 && refuse_after-- == 0);
}
#else
static bool refuse(size_t bytes)
{
    (void)bytes;
    return false;
}
#endif

void *memory_take(size_t bytes)
{
    if (bytes == 0)
        return NULL;
    void *block = refuse(bytes) ? NULL : heap_take(bytes);
    if (block)
        held += bytes;
    else
        refused = bytes;
    return block;
}

void *memory_take_zeroed(size_t count, size_t size)
{
    const size_t bytes = size_product(count, size);
    void *block = memory_take(bytes);
    if (block)
        __builtin_memset(block, 0, bytes);
    return block;
}

void memory_give(void *block)
{
    if (!block)
        return;
    held -= heap_bytes(block);
    heap_give(block);
}

size_t memory_held(void) { return held; }

size_t memory_refused(void) { return refused; }

void memory_note_overflow(void) { refused = SIZE_MAX; }
