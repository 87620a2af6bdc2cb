// Modules in a row: itself a module. It owns them.
#ifndef UNROLLED_SEQUENTIAL_H
#define UNROLLED_SEQUENTIAL_H

#include "module.h"

// An empty one, with room for so many modules. NULL: no memory.
module *sequential_create(int room);
// Takes a module over, behind those it has. UNROLLED_E_SHAPE: its inputs are not the outputs before
// it; UNROLLED_E_ARGUMENT: in another Sequential already, of another batch order, or nested too
// deep. Nothing has changed then.
status sequential_add(module *whole, module *m);
// After the last one: those without a batch order follow that of the whole.
void sequential_finish(module *whole);
// Instead: what it took over is as it was, and it is destroyed.
void sequential_undo(module *whole);

bool sequential_is(const module *m);

// False when a child was called since the forward that waits: its backward would be wrong.
bool sequential_undisturbed(const module *m);

#endif
