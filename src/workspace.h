// The memory behind a plan: it grows, never shrinks, and is kept between batches.
//
//     arena a = {NULL, 0, false};
//     plan(…, &a);                        counts
//     if (workspace_fit(&w, &a)) …        UNROLLED_E_MEMORY
//     a = workspace_arena(&w);
//     plan(…, &a);                        assigns
#ifndef UNROLLED_WORKSPACE_H
#define UNROLLED_WORKSPACE_H

#include "arena.h"

typedef struct {
    void *bytes;
    size_t capacity;
} workspace;

// Room for what a plan has counted; what was in it is lost when it grows. UNROLLED_E_MEMORY leaves
// it as it was.
status workspace_fit(workspace *w, const arena *counted);
arena workspace_arena(const workspace *w);
void workspace_give(workspace *w); // back its memory

#endif
