#include "workspace.h"

#include "memory.h"

status workspace_fit(workspace *w, const arena *counted)
{
    const size_t bytes = counted->overflow ? SIZE_MAX : counted->used;
    if (bytes <= w->capacity)
        return UNROLLED_OK;
    void *more = memory_take(bytes);
    if (!more)
        return UNROLLED_E_MEMORY;
    memory_give(w->bytes);
    w->bytes = more;
    w->capacity = bytes;
    return UNROLLED_OK;
}

arena workspace_arena(const workspace *w) { return (arena){w->bytes, 0, false}; }

void workspace_give(workspace *w)
{
    memory_give(w->bytes);
    *w = (workspace){NULL, 0};
}
