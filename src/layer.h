// One direction of one recurrent layer over all its time steps: the products and the loop that RNN,
// LSTM and GRU have in common. What a single step does is in rnn.c, lstm.c and gru.c.
#ifndef UNROLLED_LAYER_H
#define UNROLLED_LAYER_H

#include "arena.h"

// Gate blocks of a kind: 1, 4 (LSTM) or 3 (GRU).
int layer_gates(int kind);

typedef struct {
    int kind;     // UNROLLED_RNN_TANH … UNROLLED_GRU
    int I, H, P;  // P 0: no projection
    bool reverse; // from the last step to the first

    // Parameters and their gradients; biases NULL without bias, w_hr NULL without projection.
    const float *w_ih, *w_hh; // [G·H][I], [G·H][Ho]
    const float *b_ih, *b_hh; // [G·H]
    const float *w_hr;        // [P][H]
    float *dw_ih, *dw_hh, *db_ih, *db_hh, *dw_hr;

    // The plan for T steps of N sequences. `room` is how many steps of gates there are: all T when
    // a backward follows, else a chunk that stays in the cache.
    int T, N, room;
    bool keep;
    float *gates;       // [room][N][G][H]
    float *recurrent;   // GRU: [N][3][H], of one step
    float *recurrent_n; // GRU: [keep ? T : 1][N][H]
    float *c;           // LSTM: [keep ? T : 1][N][H]
    float *tanh_c;      // LSTM: [keep ? T : 1][N][H]
    float *m;           // with projection: [keep ? T : 1][N][H], o * tanh(c)
    float *dm;          // with projection and keep: [N][H], its gradient, of one step
    float *dh;          // with projection and keep: [T][N][P], gradients of h
    float *panels;      // packed recurrent weights
    float *panels_ih;   // packed input weights, where their products are done in parts
    float *panels_hr;   // packed projection
    float *scratch;     // for the large products
} layer;

// Takes what T steps of N sequences need from forward to backward; then what a layer needs only
// while its own forward or backward runs, and others may have before and after. Call both twice
// (arena.h).
void layer_plan(layer *l, int T, int N, bool keep, arena *a);
void layer_plan_passing(layer *l, arena *a);

// What a forward leaves for its backward besides the layer's own buffers, and where results go.
typedef struct {
    const float *x;       // [T][N][I]
    const float *h0, *c0; // [N][Ho], [N][H]
    bool zero_start;      // h0 is all zeros: its products are left out
    bool fresh; // gradients of parameters hold nothing yet: they are written, not added to
    float *y;   // [T][N][Ho], rows y_step apart
    size_t y_step;
} layer_run;

// Writes y; hn [N][Ho] and, for an LSTM, cn [N][H].
void layer_forward(layer *l, const layer_run *run, float *hn, float *cn);

// dy [T][N][Ho], rows dy_step apart, or NULL: no gradient from above.
// dh [N][Ho] and dc [N][H] (LSTM): in: gradients of hn and cn; out: of h0 and c0, of h0 only when
// want_state. dx [T][N][I] is ADDED to, or NULL. Returns true when a gradient of a parameter may
// not be finite.
bool layer_backward(layer *l, const layer_run *run, const float *dy, size_t dy_step, float *dh,
                    float *dc, bool want_state, float *dx);

#endif
