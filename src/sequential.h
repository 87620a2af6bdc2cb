// Modules in a row: itself a module. It owns them.
#ifndef UNROLLED_SEQUENTIAL_H
#define UNROLLED_SEQUENTIAL_H

#include "module.h"

// Takes the modules over (sets their parent). NULL: *why is UNROLLED_E_MEMORY; or, with *where the
// place of the culprit, UNROLLED_E_SHAPE (its inputs are not the outputs of those before it) or
// UNROLLED_E_ARGUMENT (in another Sequential already, of another batch order, or nested too deep).
// Nothing has changed then.
module *sequential_create(int count, module *const *modules, status *why, int *where);

bool sequential_is(const module *m);

// False when a child was called since the forward that waits: its backward would be wrong.
bool sequential_undisturbed(const module *m);

#endif
