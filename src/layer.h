// One direction of one recurrent layer over all its time steps: the products and the loop that RNN,
// LSTM and GRU have in common. What a single step does is in rnn.c, lstm.c and gru.c.
#ifndef UNROLLED_LAYER_H
#define UNROLLED_LAYER_H

#include "matmul.h"
#include "module.h"

// Its parameters in PyTorch's order: [G·H][I], [G·H][Ho], [G·H] twice, [P][H].
enum { W_IH, W_HH, B_IH, B_HH, W_HR, LAYER_PARAMETERS };

// Rows of W_hh and of the gates whose gradients lie together. A GRU has two such parts: its third
// gate multiplies its recurrent part by r, the first two simply add it, as all others do.
typedef struct {
    int K;            // rows of W_hh
    float *dgates;    // [room][N][K], after the backward's step
    size_t step;      // rows of dgates are so far apart
    matmul_weights w; // of the backward
} layer_part;

typedef struct {
    int kind;     // UNROLLED_RNN_TANH … UNROLLED_GRU
    int I, H, P;  // P 0: no projection
    bool reverse; // from the last step to the first

    // What follows from these: G·H, with G 1, 4 (LSTM) or 3 (GRU); values of a row of h; and of c,
    // 0 but for an LSTM.
    int GH, Ho, C;
    layer_part parts[2]; // the second one with K 0, but for a GRU

    module *owner;              // whose parameters these are
    float *w[LAYER_PARAMETERS]; // NULL: without bias, without projection
    size_t y_step;              // rows of y are so far apart: the owner's outputs

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
    float *panels_ih;   // packed input weights, where their products are done in parts, else NULL
    float *panels_hr;   // packed projection
    float *scratch;     // for the large products
    matmul_weights w_ih, w_hh, w_hr; // packed, for the time loop

    // Set before a forward, and kept for its backward.
    const float *x;       // [T][N][I]
    const float *h0, *c0; // [N][Ho], [N][C]
    bool zero_start;      // h0 is all zeros: its products are left out
    float *y;             // [T][N][Ho]
} layer;

// Of a layer all zeros but for kind, I, H, P and reverse: sets the rest, and appends the parameters
// to the owner's table. number: as it stands in their names, negative for none.
void layer_init(layer *l, module *owner, bool bias, int number);

// What PyTorch appends to the names of a layer's parameters: "_l0", "_l0_reverse", "" for a
// negative number. It lies in `room`, of LAYER_SUFFIX bytes.
enum { LAYER_SUFFIX = 24 };
const char *layer_suffix(int number, bool reverse, char *room);

// The states of `count` layers, h [count][N][Ho] and c [count][N][C] each. What is not given starts
// from zeros.
typedef struct {
    float *h0, *c0; // in
    float *h, *c;   // out: after the last step
    float *dh, *dc; // in: gradients of h and c, out: of h0 and c0
} layer_states;

// Takes h and c; all of the states, those of the backward only with keep.
void layer_plan_state(const layer *l, int count, int N, arena *a, float **h, float **c);
void layer_plan_states(const layer *l, int count, int N, bool keep, arena *a, layer_states *s);
// Zeros for those of them that were not given (UNROLLED_HAS_H, _C), `rows` rows of each.
void layer_clear_states(const layer *l, size_t rows, int given, float *h, float *c);

// Takes what T steps of N sequences need from forward to backward; then what a layer needs only
// while its own forward or backward runs, and others may have before and after. Call both twice
// (arena.h).
void layer_plan(layer *l, int T, int N, bool keep, arena *a);
void layer_plan_passing(layer *l, arena *a);

// Writes y; hn [N][Ho] and, for an LSTM, cn [N][H].
void layer_forward(layer *l, float *hn, float *cn);

// dy [T][N][Ho], rows as far apart as y's, or NULL: no gradient from above.
// dh [N][Ho] and dc [N][H] (LSTM): in: gradients of hn and cn; out: of h0 and c0, of h0 only when
// want_state. dx [T][N][I] is ADDED to, or NULL. The owner says whether gradients of parameters are
// fresh, and hears when one may not be finite.
void layer_backward(layer *l, const float *dy, float *dh, float *dc, bool want_state, float *dx);

// Fills M rows of gates with what the input's product is added to.
void layer_start(const layer *l, int M);
// One tick. gates [N][G·H] hold the input's part; what the backward needs is left at row `at` of c,
// tanh_c, m and recurrent_n. Reads w_hh and w_hr. y may be h_prev, c may be c_prev.
void layer_step(layer *l, float *gates, size_t at, const float *h_prev, size_t h_prev_step,
                const float *c_prev, bool zero_state, float *y);

#endif
