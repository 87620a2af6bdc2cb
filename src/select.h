// Many to one: the last step of the sequence before it, out[:, -1, :] in PyTorch.
#ifndef UNROLLED_SELECT_H
#define UNROLLED_SELECT_H

#include "module.h"

// NULL: no memory.
module *select_create(void);

#endif
