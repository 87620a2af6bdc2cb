// A call from outside: what the caller gives is staged, brought into time-first order, run through
// the module, and brought back into the caller's order.
#ifndef UNROLLED_CALL_H
#define UNROLLED_CALL_H

#include "module.h"

// Plans the module and the call's own buffers; the caller then writes m->call.input.
status call_reserve(module *m, shape in, bool keep);

// Whether that room is still there, and the module's plan (a parent may have made another since).
bool call_ready(const module *m);
void call_forward(module *m, int given);
float *call_output(const module *m); // of that forward, in the caller's order

// given: UNROLLED_HAS_OUTPUT when m->call.doutput was written, _H and _C likewise for states.
void call_backward(module *m, int given, int wanted);
float *call_dinput(const module *m);

#endif
