#include "arena.h"

enum { ALIGNMENT = 16 };

void *arena_bytes(arena *plan, size_t bytes)
{
    char *place = plan->base ? plan->base + plan->used : NULL;
    const size_t end = size_sum(size_sum(plan->used, bytes), ALIGNMENT - 1);
    if (end == SIZE_MAX)
        plan->overflow = true;
    plan->used = end & ~(size_t)(ALIGNMENT - 1);
    return place;
}

float *arena_floats(arena *plan, size_t a, size_t b, size_t c)
{
    return arena_bytes(plan, size_product(size_product(a, b), size_product(c, sizeof(float))));
}
