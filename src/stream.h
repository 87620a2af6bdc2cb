// One step of inference at a time, for live streams: a stack that carries its own state.
#ifndef UNROLLED_STREAM_H
#define UNROLLED_STREAM_H

#include "stack.h"

// Room for a step of N sequences; the caller then writes s->stream.x. UNROLLED_E_SHAPE when the
// carried state is of another N.
status stream_reserve(stack *s, int N);

// Reads s->stream.x, carries the state on, writes s->stream.y (the last layer's h). Dropout is off.
void stream_step(stack *s);

// Sets the carried state of N sequences, [L][N][Ho] and [L][N][H]; NULL: zeros. N = 0 forgets it.
status stream_reset(stack *s, int N, const float *h0, const float *c0);

#endif
