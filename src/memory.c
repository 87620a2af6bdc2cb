// Counted memory. Each block is preceded by a header of 16 bytes: its size and the address that
// malloc gave, for malloc aligns to 8 in WebAssembly and vectors want 16.
#include "memory.h"

#include <stdlib.h>

typedef struct {
    void *origin;
    size_t bytes;
} header;

enum { ALIGNMENT = 16, ROOM = ALIGNMENT + sizeof(header) };

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
    size_t total;
    char *origin = NULL;
    if (bytes == 0)
        return NULL;
    if (size_add(bytes, ROOM, &total) && !refuse(bytes))
        origin = malloc(total);
    // emmalloc compares addresses that wrap around: it can hand out a free block at address A for
    // any size that reaches from there past the end of memory. Such a block is none.
    if (origin && (uintptr_t)origin > UINTPTR_MAX - total) {
        free(origin);
        origin = NULL;
    }
    if (!origin) {
        refused = bytes;
        return NULL;
    }
    uintptr_t place = ((uintptr_t)origin + ROOM) & ~(uintptr_t)(ALIGNMENT - 1);
    char *block = origin + (place - (uintptr_t)origin);
    *((header *)(void *)block - 1) = (header){origin, bytes};
    held += bytes;
    return block;
}

void *memory_take_zeroed(size_t count, size_t size)
{
    size_t bytes;
    if (!size_mul(count, size, &bytes)) {
        memory_note_overflow();
        return NULL;
    }
    void *block = memory_take(bytes);
    if (block)
        __builtin_memset(block, 0, bytes);
    return block;
}

void memory_give(void *block)
{
    if (!block)
        return;
    const header h = *((header *)block - 1);
    held -= h.bytes;
    free(h.origin);
}

size_t memory_held(void) { return held; }

size_t memory_refused(void) { return refused; }

void memory_note_overflow(void) { refused = SIZE_MAX; }
