// torch.nn.RNNCell, LSTMCell, GRUCell: one step, for loops written by hand. Forwards stack up, each
// backward undoes the newest.
#ifndef UNROLLED_CELL_H
#define UNROLLED_CELL_H

#include "layer.h"
#include "module.h"

// One step that waits for its backward, or is about to be done.
typedef struct {
    workspace space;
    layer step; // a layer of one time step
    float *x;   // [N][I]
    layer_states states;
    float *dx; // [N][I]
} cell_frame;

typedef struct {
    module base; // for its parameters: a cell has no plan, and stands in no Sequential
    int kind, H;
    layer step;         // without a plan: the frames' begin as its copies
    cell_frame *frames; // [room]; the first `depth` wait
    int depth, room;
    bool prepared; // a frame was reserved for the next step
} cell;

// NULL: no memory.
cell *cell_create(int kind, int I, int H, bool bias, rng *r);
bool cell_is(const module *m);

// The frame of the next step of N rows: the caller fills x, h0, c0.
status cell_reserve(cell *c, int N, bool keep);
cell_frame *cell_next(const cell *c);
void cell_forward(cell *c, int given);

// The frame of the newest step that waits, NULL when none does. The caller fills dh and dc.
cell_frame *cell_newest(const cell *c);
void cell_backward(cell *c, int given);
void cell_forget(cell *c); // all that wait

#endif
