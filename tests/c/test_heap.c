// The heap of the .wasm, over arrays that stand for its memory: against a model, with memory that
// is refused, and up to 4 GiB. (tests/memory, tests/grow and tests/js run it in the .wasm itself.)
#define _DEFAULT_SOURCE // mmap's flags
#include <stdlib.h>
#include <string.h>
#ifndef __wasm__
#include <sys/mman.h>
#endif

#include "heap.h"
#include "test.h"

enum { PAGE = 1 << 16, HEADER = 16, START = 1234, PAGES = 64 };

static heap_land land;

static uint32_t all(void) { return land.pages * PAGE - (START + 15) / 16 * 16; }

static void settle(char *memory, uint32_t pages, uint32_t most)
{
    land = (heap_land){.memory = memory, .start = START, .pages = pages, .most = most};
    heap_settle(&land);
}

static uint32_t draw(uint32_t n) // of 0 … n-1
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)state * n >> 32);
}

static bool lies_inside(const char *block, size_t bytes)
{
    return block >= land.memory + START && block + bytes <= land.memory + (size_t)land.pages * PAGE;
}

// What is taken and what is free makes up all there is.
static bool adds_up(uint32_t taken)
{
    heap_look();
    return land.free_bytes + taken == all();
}

// ---------------------------------------------------------------------------------------- a model

typedef struct {
    unsigned char *block;
    uint32_t bytes, size; // size: with its header, as the free bytes became fewer
    int mark;
} taken_block;

// All of a block is as it was left: nothing else has had a part of it.
static bool untouched(const taken_block *b)
{
    for (uint32_t i = 0; i < b->bytes; i++)
        if (b->block[i] != b->mark)
            return false;
    return heap_bytes(b->block) == b->bytes;
}

static void test_model(char *memory, uint32_t largest)
{
    enum { MOST = 300, ROUNDS = 20000 };
    static taken_block blocks[MOST];
    uint32_t count = 0, taken = 0, refusals = 0;

    settle(memory, 1, PAGES);
    for (int round = 0; round < ROUNDS; round++) {
        const bool grows = round / 1000 % 2 == 0; // then shrinks
        if (count < MOST && draw(8) < (grows ? 5U : 3U)) {
            taken_block b = {.bytes = 1 + draw(draw(4) ? 200 : largest), .mark = round % 251};
            heap_look();
            const uint32_t before = land.free_bytes, before_blocks = land.free_blocks;
            const uint32_t pages = land.pages;
            b.block = heap_take(b.bytes);
            heap_look();
            if (!b.block) { // nothing has changed
                CHECK(land.free_bytes == before && land.free_blocks == before_blocks);
                CHECK(land.pages == pages && (land.most - pages) * PAGE < b.bytes + HEADER);
                refusals++;
                continue;
            }
            CHECK((uintptr_t)b.block % 16 == (uintptr_t)memory % 16);
            CHECK(lies_inside((char *)b.block, b.bytes));
            b.size = all() - taken - land.free_bytes;
            CHECK(b.size >= b.bytes + HEADER && b.size <= b.bytes + HEADER + 31 &&
                  b.size % 16 == 0);
            memset(b.block, b.mark, b.bytes);
            taken += b.size;
            blocks[count++] = b;
        } else if (count) {
            const uint32_t at = draw(count);
            CHECK(untouched(&blocks[at]));
            heap_give(blocks[at].block);
            taken -= blocks[at].size;
            blocks[at] = blocks[--count];
        }
        CHECK(adds_up(taken));
        CHECK(land.free_blocks <= count + 1); // free neighbours are one
    }
    while (count) {
        CHECK(untouched(&blocks[--count]));
        heap_give(blocks[count].block);
    }
    CHECK(adds_up(0) && land.free_blocks == 1);
    CHECK(largest < 10000 ? refusals == 0 : refusals > 10);
}

// Three neighbours come back in each order: one free block.
static void test_joining(char *memory)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    settle(memory, 1, 1);
    for (int i = 0; i < 6; i++) {
        char *blocks[4];
        for (int j = 0; j < 4; j++)
            blocks[j] = heap_take(100);
        CHECK(blocks[1] - blocks[0] == 128 && blocks[3] - blocks[2] == 128);
        for (int j = 0; j < 3; j++)
            heap_give(blocks[orders[i][j]]);
        heap_look();
        CHECK(land.free_blocks == 2);
        CHECK(heap_take(3 * 128 - HEADER) == blocks[0]); // the three as one
        heap_look();
        CHECK(land.free_blocks == 1);
        heap_give(blocks[3]);
        heap_give(blocks[0]);
        CHECK(adds_up(0) && land.free_blocks == 1);
    }
    CHECK(heap_take(all() - HEADER) && adds_up(all()) && land.free_blocks == 0);
}

// ----------------------------------------------------------------------------------------- growth

static void test_growth(char *memory)
{
    // What is free at the end counts: a page more is enough.
    settle(memory, 2, 3);
    void *block = heap_take(all() + PAGE - HEADER);
    CHECK(block && land.pages == 3 && land.granted == 1 && adds_up(all()));
    CHECK(!heap_take(1) && land.granted == 1);
    heap_give(block);
    CHECK(adds_up(0) && land.free_blocks == 1);
    CHECK(!heap_take(all() - HEADER + 1) && adds_up(0) && land.free_blocks == 1);

    // An eighth more, or where that is refused just what is needed.
    settle(memory, 32, PAGES);
    CHECK(heap_take(all()) && land.pages == 32 + 1 + 4 && land.granted == 1);
    settle(memory, 32, 34);
    CHECK(heap_take(all()) && land.pages == 33 && land.granted == 1);

    // What grew by another's hand is taken in, and does without a growth.
    settle(memory, 1, PAGES);
    CHECK(heap_take(100));
    land.pages += 5;
    CHECK(heap_take(5 * PAGE) && land.granted == 0 && land.pages == 6);

    // Many small steps are few growths.
    settle(memory, 1, PAGES);
    for (int i = 0; i < (PAGES - 1) * 32; i++)
        CHECK(heap_take(PAGE / 32 - HEADER));
    CHECK(land.granted > 10 && land.granted < 40);
}

// ------------------------------------------------------------------------------------------ limits

static void test_absurd_sizes(char *memory)
{
    settle(memory, 1, 2);
    void *block = heap_take(100);
    heap_look();
    const uint32_t bytes = land.free_bytes;
    for (uint32_t less = 0; less < 100000; less += less < 100 ? 1 : 997) {
        CHECK(!heap_take(SIZE_MAX - less));
        CHECK(!heap_take(UINT32_MAX - less));
        CHECK(!heap_take((size_t)INT32_MAX + less));
    }
    heap_look();
    CHECK(land.pages == 1 && land.free_blocks == 1 && land.free_bytes == bytes);
    heap_give(block);
    CHECK(adds_up(0));
}

#ifndef __wasm__
// All that 32 bits address but the last page. Little of it is ever touched.
static void test_four_gigabytes(void)
{
    enum { MOST = 65535, MEGABYTE = 1 << 20, BLOCKS = 64 };
    const size_t bytes = (size_t)MOST * PAGE;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    char *blocks[BLOCKS];
    int count = 0;
    if (memory == MAP_FAILED) {
        printf("heap: no 4 GiB of addresses\n");
        return;
    }
    for (uint32_t less = 0; less < 5 * PAGE; less += 1000) { // in one block
        settle(memory, 32, MOST);
        heap_give(heap_take(1)); // what there is has been taken in
        const size_t most = bytes - (START + 15) / 16 * 16 - HEADER;
        CHECK(!heap_take(most + 1 + less) && adds_up(0));
        char *block = heap_take(most - less);
        CHECK(block && lies_inside(block, most - less) && heap_bytes(block) == most - less);
        heap_give(block);
        CHECK(adds_up(0) && land.free_blocks == 1);
    }
    settle(memory, 32, MOST);
    while (count < BLOCKS && (blocks[count] = heap_take(100 * (size_t)MEGABYTE))) {
        CHECK(lies_inside(blocks[count], 100 * (size_t)MEGABYTE));
        CHECK(count == 0 || blocks[count] > blocks[count - 1]);
        blocks[count][0] = blocks[count][100 * MEGABYTE - 1] = 1;
        count++;
    }
    CHECK(count == 40 && land.pages > MOST - 1600);
    heap_give(blocks[--count]);
    CHECK(!heap_take(1536 * (size_t)MEGABYTE)); // would reach past the end, back to 0
    while (count)
        heap_give(blocks[--count]);
    CHECK(adds_up(0) && land.free_blocks == 1);
    CHECK(heap_take(bytes - (START + 15) / 16 * 16 - HEADER) && adds_up(all()));
    munmap(memory, bytes);
}
#else
static void test_four_gigabytes(void) {}
#endif

int main(void)
{
    char *memory = malloc((size_t)PAGES * PAGE);
    if (!CHECK(memory))
        return 1;
    test_model(memory, 5000);
    test_model(memory, 400000);
    test_joining(memory);
    test_growth(memory);
    test_absurd_sizes(memory);
    free(memory);
    test_four_gigabytes();
    return test_report("heap");
}
