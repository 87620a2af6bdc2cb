// What everything stands on: counted memory and its refusals, plans that are counted and then
// assigned, workspaces that grow, handles that know the dead from the living.
#include "arena.h"
#include "handle.h"
#include "memory.h"
#include "numbers.h"
#include "test.h"
#include "workspace.h"

// ------------------------------------------------------------------------------------------ memory

static bool aligned(const void *p) { return (uintptr_t)p % 16 == 0; }

static void test_counting(void)
{
    enum { BLOCKS = 300 };
    const size_t before = memory_held();
    unsigned char *blocks[BLOCKS];
    size_t sum = 0;

    CHECK(memory_take(0) == NULL && memory_held() == before);
    memory_give(NULL);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = memory_take(i + 1);
        CHECK(blocks[i] && aligned(blocks[i]));
        memset(blocks[i], (int)i, i + 1); // all of it is ours
        sum += i + 1;
        CHECK(memory_held() == before + sum);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        const size_t at = i * 7 % BLOCKS; // in another order
        CHECK(blocks[at][0] == (unsigned char)at && blocks[at][at] == (unsigned char)at);
        memory_give(blocks[at]);
        sum -= at + 1;
        CHECK(memory_held() == before + sum);
    }
    for (size_t n = 1; n < 50; n++) {
        float *zeroed = memory_take_zeroed(n, sizeof *zeroed);
        CHECK(zeroed && aligned(zeroed) && memory_held() == before + n * sizeof *zeroed);
        for (size_t i = 0; i < n; i++) {
            CHECK(zeroed[i] == 0);
            zeroed[i] = 1; // the next one may lie here
        }
        memory_give(zeroed);
    }
    CHECK(memory_held() == before);
}

// Sizes that do not fit a number, or any machine.
static void test_refusals(void)
{
    const size_t before = memory_held();
    CHECK(memory_take(SIZE_MAX) == NULL && memory_refused() == SIZE_MAX);
    CHECK(memory_take(SIZE_MAX - 8) == NULL && memory_refused() == SIZE_MAX - 8);
    CHECK(memory_take(SIZE_MAX - 4096) == NULL && memory_refused() == SIZE_MAX - 4096);
    CHECK(memory_take_zeroed(SIZE_MAX / 2 + 1, 2) == NULL && memory_refused() == SIZE_MAX);
    CHECK(memory_take_zeroed(SIZE_MAX - 4095, 1) == NULL);
    CHECK(memory_refused() == SIZE_MAX - 4095);
    CHECK(memory_take_zeroed(0, 4) == NULL && memory_take_zeroed(4, 0) == NULL);
    memory_note_overflow();
    CHECK(memory_refused() == SIZE_MAX);
    CHECK(memory_held() == before);
}

// Near the end of what 32 bits address: blocks of 100 MiB until there is no more, then one of
// 1.5 GiB in the place of the last. An allocator whose sums wrap around would find room there.
static void test_end_of_memory(void)
{
    enum { MEGABYTE = 1 << 20, MOST = 29 };
    void *blocks[MOST];
    int count = 0;
    if (sizeof(size_t) > 4) // elsewhere the end is out of reach
        return;
    while (count < MOST && (blocks[count] = memory_take(100 * (size_t)MEGABYTE)))
        count++;
    if (count)
        memory_give(blocks[--count]);
    const size_t held = memory_held();
    void *large = memory_take(1536 * (size_t)MEGABYTE);
    CHECK(!large || (uintptr_t)large <= UINTPTR_MAX - 1536 * (size_t)MEGABYTE);
    memory_give(large);
    CHECK(memory_held() == held);
    while (count)
        memory_give(blocks[--count]);
}

static void test_sizes(void)
{
    CHECK(size_product(SIZE_MAX / 2 + 1, 2) == SIZE_MAX);
    CHECK(size_product(SIZE_MAX / 2, 2) == SIZE_MAX - 1);
    CHECK(size_product(0, SIZE_MAX) == 0);
    CHECK(size_sum(SIZE_MAX, 1) == SIZE_MAX);
    CHECK(size_sum(SIZE_MAX - 2, 1) == SIZE_MAX - 1);
    CHECK(int_round_up(0, 8) == 0 && int_round_up(1, 8) == 8 && int_round_up(16, 8) == 16);
    CHECK(int_min(-1, 2) == -1 && int_max(-1, 2) == 2);
}

// ------------------------------------------------------------------------------------------- plans

// A plan of n arrays of all kinds of sizes, each into `arrays`.
static void plan(arena *a, int n, float **arrays)
{
    for (int i = 0; i < n; i++)
        arrays[i] = i % 3 ? arena_floats(a, (size_t)i, (size_t)(i % 5), 3)
                          : arena_bytes(a, (size_t)(7 * i));
}

static size_t bytes_of(int i)
{
    return i % 3 ? sizeof(float) * (size_t)i * (size_t)(i % 5) * 3 : (size_t)(7 * i);
}

// Counting and assigning agree; arrays are aligned, lie apart, and fit what was counted exactly.
static void test_plans(void)
{
    enum { MOST = 25 };
    float *arrays[MOST];
    for (int n = 0; n < MOST; n++) {
        arena count = {NULL, 0, false};
        plan(&count, n, arrays);
        for (int i = 0; i < n; i++)
            CHECK(arrays[i] == NULL);
        CHECK(!count.overflow && count.used % 16 == 0);

        workspace w = {NULL, 0};
        CHECK(workspace_fit(&w, &count) == UNROLLED_OK && w.capacity >= count.used);
        arena real = workspace_arena(&w);
        plan(&real, n, arrays);
        CHECK(real.used == count.used);
        const char *end = w.bytes;
        for (int i = 0; i < n; i++) {
            const char *at = (const char *)arrays[i];
            if (bytes_of(i) == 0)
                continue;
            CHECK(at >= end && aligned(at));
            end = at + bytes_of(i);
            memset(arrays[i], i, bytes_of(i));
        }
        CHECK(count.used == 0 || (size_t)(end - (const char *)w.bytes) <= count.used);
        workspace_give(&w);
    }
}

static void test_plans_too_large(void)
{
    static const size_t sizes[][3] = {{SIZE_MAX, 1, 1},          {SIZE_MAX / 4, 1, 2},
                                      {1, SIZE_MAX / 2, 3},      {SIZE_MAX / 4 + 1, 1, 1},
                                      {SIZE_MAX, SIZE_MAX, 0x1}, {SIZE_MAX / 4, 1, 1}};
    for (int i = 0; i < 6; i++) {
        arena a = {NULL, 0, false};
        arena_floats(&a, 1, 2, 3);
        arena_floats(&a, sizes[i][0], sizes[i][1], sizes[i][2]);
        arena_floats(&a, 1, 1, 1); // what follows does not make it good again
        CHECK(a.overflow);
    }
    arena a = {NULL, SIZE_MAX - 10, false};
    CHECK(arena_bytes(&a, 20) == NULL && a.overflow);
    a = (arena){NULL, 0, false};
    CHECK(arena_floats(&a, SIZE_MAX, 0, 5) == NULL && !a.overflow && a.used == 0); // nothing at all
}

static void test_workspaces(void)
{
    const size_t before = memory_held();
    workspace w = {NULL, 0};
    CHECK(workspace_fit(&w, &(arena){NULL, 0, false}) == UNROLLED_OK && !w.bytes);
    CHECK(workspace_fit(&w, &(arena){NULL, 100, false}) == UNROLLED_OK && w.capacity == 100);
    CHECK(memory_held() == before + 100);
    memset(w.bytes, 5, 100);
    const void *bytes = w.bytes;
    CHECK(workspace_fit(&w, &(arena){NULL, 60, false}) == UNROLLED_OK); // kept
    CHECK(w.bytes == bytes && w.capacity == 100 && ((char *)w.bytes)[99] == 5);

    CHECK(workspace_fit(&w, &(arena){NULL, 10, true}) == UNROLLED_E_MEMORY); // overflow
    CHECK(memory_refused() == SIZE_MAX);
    CHECK(workspace_fit(&w, &(arena){NULL, SIZE_MAX - 4095, false}) == UNROLLED_E_MEMORY);
    CHECK(memory_refused() == SIZE_MAX - 4095);
    CHECK(w.bytes == bytes && w.capacity == 100 && ((char *)w.bytes)[0] == 5);

    CHECK(workspace_fit(&w, &(arena){NULL, 101, false}) == UNROLLED_OK && w.capacity == 101);
    CHECK(memory_held() == before + 101);
    workspace_give(&w);
    CHECK(!w.bytes && w.capacity == 0 && memory_held() == before);
    workspace_give(&w);
}

// ----------------------------------------------------------------------------------------- handles

static const handle_type types[] = {HANDLE_MODULE, HANDLE_LOSS, HANDLE_OPTIMIZER, HANDLE_TRAINER,
                                    HANDLE_NUMPY};

// Known as what it is and as nothing else.
static bool known(int handle, handle_type type, const void *object)
{
    for (int i = 0; i < 5; i++)
        if (handle_get(types[i], handle) != (types[i] == type ? object : NULL))
            return false;
    return handle_type_of(handle) == (int)type;
}

static bool unknown(int handle)
{
    for (int i = 0; i < 5; i++)
        if (handle_get(types[i], handle))
            return false;
    return handle_type_of(handle) == -1;
}

static void test_foreign_handles(void)
{
    static const int foreign[] = {0, -1, 1, 63, 64, 1 << 20, 1 << 30, INT32_MAX, INT32_MIN};
    for (int i = 0; i < 9; i++) {
        CHECK(unknown(foreign[i]));
        handle_close(foreign[i]); // closes nothing
    }
    CHECK(handle_count() == 0);
    int object;
    const int handle = handle_open(HANDLE_LOSS, &object);
    CHECK(handle > 0 && known(handle, HANDLE_LOSS, &object));
    for (int bit = 0; bit < 31; bit++) // no other number is this one
        CHECK(unknown(handle ^ (int)(1U << bit)));
    CHECK(unknown(-handle));
    handle_close(handle);
    CHECK(unknown(handle));
}

// Thousands at once: the table grows under the living, and what is closed stays unknown although
// its place is taken again.
static void test_many_handles(void)
{
    enum { MANY = 5000 };
    static int objects[MANY], first[MANY], second[MANY];

    for (int i = 0; i < MANY; i++) {
        first[i] = handle_open(types[i % 5], &objects[i]);
        CHECK(first[i] > 0);
    }
    CHECK(handle_count() == MANY);
    for (int i = 0; i < MANY; i++)
        CHECK(known(first[i], types[i % 5], &objects[i]));
    for (int i = 0; i < MANY; i += 2)
        handle_close(first[i * 7 % MANY]); // 7 i mod 5000 is even: every second one
    CHECK(handle_count() == MANY / 2);
    for (int i = 0; i < MANY; i++)
        CHECK(i % 2 ? known(first[i], types[i % 5], &objects[i]) : unknown(first[i]));
    for (int i = 0; i < MANY; i += 2)
        second[i] = handle_open(types[(i + 1) % 5], &objects[i]);
    for (int i = 0; i < MANY; i += 2) {
        CHECK(unknown(first[i]) && known(second[i], types[(i + 1) % 5], &objects[i]));
        handle_close(first[i]); // a stale one closes nothing
    }
    CHECK(handle_count() == MANY);
    for (int i = 0; i < MANY; i++)
        handle_close(i % 2 ? first[i] : second[i]);
    CHECK(handle_count() == 0);
}

// A place gives a new number at every life, 2047 times.
static void test_generations(void)
{
    enum { LIVES = 2047 };
    static int lives[LIVES];
    int object;
    for (int i = 0; i < LIVES; i++) {
        lives[i] = handle_open(HANDLE_NUMPY, &object);
        CHECK(lives[i] > 0 && known(lives[i], HANDLE_NUMPY, &object));
        handle_close(lives[i]);
        CHECK(unknown(lives[i]));
        for (int j = 0; j < i; j++)
            if (lives[j] == lives[i])
                CHECK(lives[j] != lives[i]);
    }
    const int again = handle_open(HANDLE_NUMPY, &object);
    CHECK(again > 0 && again != lives[LIVES - 1]); // never twice in a row
    handle_close(again);
    CHECK(handle_count() == 0);
}

int main(void)
{
    test_counting();
    test_refusals();
    test_end_of_memory();
    test_sizes();
    test_plans();
    test_plans_too_large();
    test_workspaces();
    const size_t held = memory_held();
    test_foreign_handles();
    test_many_handles();
    const size_t table = memory_held(); // it stays as large as it once was
    test_generations();
    CHECK(table > held && memory_held() == table);
    return test_report("memory");
}
