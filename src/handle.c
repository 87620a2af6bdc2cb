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
    int handle;
    int next_free; // place of the next free one, -1: none
} entry;

// The objects of this instance: like the random stream, there is one table.
static entry *table;
static int places, open_count, first_free = -1;

static bool grow(void)
{
    const int more = places ? 2 * places : 64;
    if (places == PLACES)
        return false;
    entry *bigger = memory_take_zeroed((size_t)more, sizeof *bigger);
    if (!bigger)
        return false;
    if (table)
        __builtin_memcpy(bigger, table, (size_t)places * sizeof *table);
    for (int i = more - 1; i >= places; i--) {
        bigger[i].handle = i; // generation 0; the first life is 1
        bigger[i].next_free = first_free;
        first_free = i;
    }
    memory_give(table);
    table = bigger;
    places = more;
    return true;
}

bool handle_room(void) { return first_free >= 0 || grow(); }

int handle_open(handle_type type, void *object)
{
    if (!handle_room())
        return UNROLLED_E_MEMORY;
    entry *e = &table[first_free];
    const int place = first_free;
    int generation = (e->handle >> PLACE_BITS) + 1;
    if (generation == GENERATIONS)
        generation = 1;
    first_free = e->next_free;
    e->object = object;
    e->type = type;
    e->handle = (int)((unsigned)generation << PLACE_BITS) | place;
    open_count++;
    return e->handle;
}

static entry *find(int handle)
{
    const int place = handle & (PLACES - 1);
    if (handle <= 0 || place >= places || table[place].handle != handle || !table[place].object)
        return NULL;
    return &table[place];
}

void *handle_get(handle_type type, int handle)
{
    const entry *e = find(handle);
    return e && e->type == type ? e->object : NULL;
}

int handle_type_of(int handle)
{
    const entry *e = find(handle);
    return e ? (int)e->type : -1;
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
