// A choice of parameters: some of a module's, all, or several modules'. Those that lie one behind
// the other become one span, so that updates run over long vectors.
#ifndef UNROLLED_PARAMETERS_H
#define UNROLLED_PARAMETERS_H

#include "module.h"
#include "optim.h"

typedef struct {
    int count;
    size_t *offsets; // [count + 1] of each parameter among all the values chosen
    int num_spans;
    optim_span *spans; // [num_spans], moments not set
    int num_modules;
    module **modules; // [num_modules], each once
    int *handles;     // [num_modules], to see whether they still live
} parameters;

// owners [count] and indices [count] into their tables, valid. UNROLLED_E_ARGUMENT when one is
// named twice. On an error nothing is held.
status parameters_choose(int count, module *const *owners, const int *indices, parameters *chosen);
void parameters_give(parameters *chosen); // back its memory

#endif
