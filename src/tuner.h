// An optimizer together with the parameters it updates and its moments.
#ifndef UNROLLED_TUNER_H
#define UNROLLED_TUNER_H

#include "parameters.h"

typedef struct {
    optimizer rule; // its spans are chosen.spans
    parameters chosen;
    float *moments; // [moments][all values chosen]
} tuner;

// NULL: no memory; `chosen` stays the caller's then, and is the tuner's afterwards.
tuner *tuner_create(optim_kind kind, const optim_options *options, const parameters *chosen);
void tuner_destroy(tuner *t);

// The values of one moment of parameter number `index`.
float *tuner_moment(const tuner *t, int index, int moment);

#endif
