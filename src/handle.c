#include "handle.h"

#include "memory.h"

enum {
    PLACE_BITS = 20, // a million objects at once …
    PLACES = 1 << PLACE_BITS,
    GENERATIONS = 1 << (31 - PLACE_BITS) // … and 2048 lives of a place before a number comes again
};

typedef struct {
    void *object; // NULL: free
    handle_type type;
    int handle;    // its newest
    int next_free; // of a place that was closed: the next such one, -1: none
} entry;

// The objects of this instance: like the random stream, there is one table.
static entry *table;
static int places, used; // `used` of them had an object at some time
static int open_count, first_free = -1;

bool handle_room(void)
{
    if (first_free >= 0 || used < places)
        return true;
    if (places == PLACES)
        return false;
    const int more = places ? 2 * places : 64;
    entry *bigger = memory_take_zeroed((size_t)more, sizeof *bigger);
    if (!bigger)
        return false;
    if (table)
        __builtin_memcpy(bigger, table, handle_bytes());
    memory_give(table);
    table = bigger;
    places = more;
    return true;
}

int handle_open(handle_type type, void *object)
{
    if (!handle_room())
        return UNROLLED_E_MEMORY;
    const int place = first_free < 0 ? used++ : first_free;
    entry *e = &table[place];
    if (place == first_free)
        first_free = e->next_free;
    const int generation = (e->handle >> PLACE_BITS) % (GENERATIONS - 1) + 1; // from 1 on
    e->object = object;
    e->type = type;
    e->handle = (int)((unsigned)generation << PLACE_BITS) | place;
    open_count++;
    return e->handle;
}

// NULL: nobody's.
static entry *find(int handle)
{
    const int place = handle & (PLACES - 1);
    if (handle <= 0 || place >= used || table[place].handle != handle || !table[place].object)
        return NULL;
    return &table[place];
}

void *handle_get(handle_type type, int handle)
{
    const entry *e = find(handle);
    return e && e->type == type ? e->object : NULL;
}

handle_type handle_type_of(int handle)
{
    const entry *e = find(handle);
    return e ? e->type : HANDLE_NONE;
}

void handle_close(int handle)
{
    entry *e = find(handle);
    if (!e)
        return;
    e->object = NULL;
    e->next_free = first_free;
    first_free = handle & (PLACES - 1);
    open_count--;
}

size_t handle_bytes(void) { return (size_t)places * sizeof *table; }

int handle_count(void) { return open_count; }
