// Layers × directions of an RNN, LSTM or GRU, with dropout between the layers: torch.nn.RNN, LSTM,
// GRU.
#ifndef UNROLLED_STACK_H
#define UNROLLED_STACK_H

#include "layer.h"
#include "module.h"

typedef struct {
    layer layers[2]; // [D]
    float *y;        // [T][N][D·Ho], its output
    float *mask;     // [T][N][D·Ho], 0 or 1 / (1 - p); NULL without dropout
    float *dropped;  // [T][N][D·Ho], y * mask; NULL without dropout
    float *out;      // what the next layer read: dropped, or y
    float *dx;       // [T][N][its inputs], gradient of its input
} stack_level;

// The state that is carried from step to step, in a block of its own, so that a step disturbs no
// forward.
typedef struct {
    int N; // sequences whose state it carries; 0: none yet
    workspace space;
    float *x, *y; // [N][I], [N][Ho]
    float *h, *c; // [L][N][Ho], [L][N][H]
    layer step;   // of one step, with the weights of one layer after the other
} stack_stream;

typedef struct {
    module base;
    int kind, H, P, L, D;
    double dropout;
    stack_level *levels; // [L]
    const float *x;      // [T][N][I] of the forward that waits

    layer_states states; // [L][D] of them

    stack_stream stream;
} stack;

// NULL: no memory.
stack *stack_create(int kind, int I, int H, int L, int P, double dropout, int flags, rng *r);

// True for modules made here.
bool stack_is(const module *m);

int stack_state_size(const stack *s); // Ho

#endif
