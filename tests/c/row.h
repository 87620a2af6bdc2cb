// Modules in a row, as the exports put them together.
#ifndef ROW_H
#define ROW_H

#include "sequential.h"

// NULL: *why, and for a module that cannot stand there *where it is.
static inline module *in_a_row(int count, module *const *modules, status *why, int *where)
{
    module *whole = sequential_create(count);
    *why = whole ? UNROLLED_OK : UNROLLED_E_MEMORY;
    for (*where = 0; whole && *where < count; ++*where) {
        *why = sequential_add(whole, modules[*where]);
        if (*why) {
            sequential_undo(whole);
            return NULL;
        }
    }
    if (whole)
        sequential_finish(whole);
    return whole;
}

#endif
