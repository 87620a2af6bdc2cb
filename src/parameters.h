// A choice of parameters: some of a module's, all, or several modules'. Those that lie one behind
// the other become one span, so that updates run over long vectors.
#ifndef UNROLLED_PARAMETERS_H
#define UNROLLED_PARAMETERS_H

#include "handle.h"
#include "module.h"
#include "optim.h"

typedef struct {
    int count, num_spans;
    optim_span *spans; // [num_spans], moments not set; holds the memory of the other two
    size_t *offsets;   // [count + 1] of each parameter among all the values chosen
    int *owners;       // [count] handles of the modules that they are in
} parameters;

// pairs [count][2] of a module's handle and an index into its table. UNROLLED_E_HANDLE: no module;
// UNROLLED_E_ARGUMENT: no such parameter, or one named twice. On an error nothing is held.
status parameters_choose(int count, const int *pairs, parameters *chosen);
void parameters_give(parameters *chosen); // back its memory

// Number `index` of a module, NULL when there is none, or no module.
const parameter *parameters_find(const module *m, int index);

// The owner of parameter number i; NULL when it lives no more.
static inline module *parameters_owner(const parameters *chosen, int i)
{
    return handle_get(HANDLE_MODULE, chosen->owners[i]);
}

#endif
