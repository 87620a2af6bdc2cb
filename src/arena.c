#include "arena.h"

enum { ALIGNMENT = 16 };

void *arena_bytes(arena *plan, size_t bytes)
{
    size_t end;
    char *place = plan->base ? plan->base + plan->used : NULL;
    if (!size_add(plan->used, bytes, &end) || !size_add(end, ALIGNMENT - 1, &end)) {
        plan->overflow = true;
        return NULL;
    }
    plan->used = end & ~(size_t)(ALIGNMENT - 1);
    return place;
}

float *arena_floats(arena *plan, size_t a, size_t b, size_t c)
{
    size_t bytes;
    if (!size_mul(a, b, &bytes) || !size_mul(bytes, c, &bytes) ||
        !size_mul(bytes, sizeof(float), &bytes)) {
        plan->overflow = true;
        return NULL;
    }
    return arena_bytes(plan, bytes);
}
