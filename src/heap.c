// First fit over a list of the free blocks, in the order of their addresses:
//
//     | header | 16 n bytes | header | 16 m bytes | …
//
// A block that comes back joins the free neighbours on either side, so that the list stays short
// and what is wholly given back is one block again. New memory comes as a block behind the last
// one. Addresses are numbers of 32 bits. The memory may grow to a page less than 4 GiB (build.sh),
// so that no block ends where they wrap to 0.
#include "heap.h"

enum { HEADER = 16, PAGE = 1 << 16 };

typedef struct {
    uint32_t size;  // of the block, this header included
    uint32_t next;  // of a free one: the address of the next, 0: none
    uint32_t bytes; // of a taken one: what was asked for
    uint32_t rest;  // the header fills 16 bytes
} header;

static header list;  // its next is the first free block
static uint32_t end; // of what the heap has; 0: nothing yet

#ifdef UNROLLED_HEAP

extern char __heap_base; // the linker's: behind data and stack

static header *at(uint32_t address) { return (header *)(uintptr_t)address; }

static uint32_t address_of(const void *place) { return (uint32_t)(uintptr_t)place; }

static uint32_t start(void) { return address_of(&__heap_base); }

static uint32_t pages(void) { return __builtin_wasm_memory_size(0); }

static bool grow(uint32_t more) { return __builtin_wasm_memory_grow(0, more) != SIZE_MAX; }

#else

static heap_land *land;

static header *at(uint32_t address) { return (header *)(void *)(land->memory + address); }

static uint32_t address_of(const void *place)
{
    return (uint32_t)((uintptr_t)place - (uintptr_t)land->memory);
}

static uint32_t start(void) { return land->start; }

static uint32_t pages(void) { return land->pages; }

static bool grow(uint32_t more)
{
    if (more > land->most - land->pages)
        return false;
    land->pages += more;
    land->granted++;
    return true;
}

void heap_settle(heap_land *new_land)
{
    land = new_land;
    list.next = end = 0;
}

void heap_look(void)
{
    land->free_blocks = land->free_bytes = 0;
    for (uint32_t address = list.next; address; address = at(address)->next) {
        land->free_blocks++;
        land->free_bytes += at(address)->size;
    }
}

#endif

static void release(uint32_t address, uint32_t size)
{
    header *before = &list, *block = at(address);
    while (before->next && before->next < address)
        before = at(before->next);
    block->size = size;
    block->next = before->next;
    if (address + size == before->next) {
        block->size += at(before->next)->size;
        block->next = at(before->next)->next;
    }
    if (before != &list && address_of(before) + before->size == address) {
        before->size += block->size;
        before->next = block->next;
    } else {
        before->next = address;
    }
}

// Takes in what lies behind the end, `size` bytes at least. Memory grows by an eighth more than it
// must: what becomes large by and by then grows seldom.
static bool extend(uint32_t size)
{
    const uint32_t there = pages() * PAGE - end;
    if (size > there) {
        const uint32_t need = (size - there - 1) / PAGE + 1;
        if (!grow(need + pages() / 8) && !grow(need))
            return false;
    }
    size = pages() * PAGE - end;
    release(end, size);
    end += size;
    return true;
}

void *heap_take(size_t bytes)
{
    if (bytes > UINT32_MAX - (HEADER + 15))
        return NULL;
    const uint32_t size = ((uint32_t)bytes + HEADER + 15) & ~15U;
    if (!end)
        end = (start() + 15) & ~15U;

    for (;;) {
        header *before = &list;
        while (before->next) {
            const uint32_t address = before->next;
            header *block = at(address);
            if (block->size >= size) {
                before->next = block->next;
                if (block->size - size > HEADER) { // else too little to be a block
                    release(address + size, block->size - size);
                    block->size = size;
                }
                block->bytes = (uint32_t)bytes;
                return block + 1;
            }
            before = block;
        }
        // The last free block counts when it reaches to the end: what is new will join it.
        const bool open = address_of(before) + before->size == end;
        if (!extend(size - (open ? before->size : 0)))
            return NULL;
    }
}

void heap_give(void *block)
{
    const uint32_t address = address_of(block) - HEADER;
    release(address, at(address)->size);
}

size_t heap_bytes(const void *block) { return ((const header *)block - 1)->bytes; }
