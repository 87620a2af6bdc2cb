#include "workspace.h"

#include "memory.h"

status workspace_fit(workspace *w, const arena *counted)
{
    if (counted->overflow) {
        memory_note_overflow();
        return UNROLLED_E_MEMORY;
    }
    if (counted->used <= w->capacity)
        return UNROLLED_OK;
    void *bytes = memory_take(counted->used);
    if (!bytes)
        return UNROLLED_E_MEMORY;
    memory_give(w->bytes);
    *w = (workspace){bytes, counted->used};
    return UNROLLED_OK;
}

arena workspace_arena(const workspace *w) { return (arena){w->bytes, 0, false}; }

void workspace_give(workspace *w)
{
    memory_give(w->bytes);
    *w = (workspace){NULL, 0};
}
