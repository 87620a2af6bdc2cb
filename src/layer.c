// One direction of one recurrent layer.
//
//     forward    gates  = x W_ihᵀ + b_ih            all T·N rows at once             (1)
//                gates += h_prev W_hhᵀ + b_hh       step by step                     (2)
//                step                               rnn.c, lstm.c, gru.c
//                h = m W_hrᵀ                        with projection                  (3)
//     backward   dh_prev = dgates W_hh              step by step, last to first      (4)
//                dW_ih += dgatesᵀ x, dW_hh += dgatesᵀ h_prev, db += dgates           (5)
//                dx += dgates W_ih                  all T·N rows at once             (6)
//
// b_hh joins (1) where nothing stands between the two products. A GRU's third gate multiplies its
// recurrent part by r, so there the recurrent product has a buffer of its own.
#include "layer.h"

#include "gru.h"
#include "lstm.h"
#include "matmul.h"
#include "rnn.h"
#include "vector.h"

enum {
    CHUNK_ROWS = 64,      // rows of gates at least, without a backward …
    CHUNK_FLOATS = 65536, // … and more as long as they stay in the second cache: 256 KiB
    GRU_TIED = 2          // r and z: gate blocks whose recurrent part is simply added
};

int layer_gates(int kind) { return kind == UNROLLED_LSTM ? 4 : kind == UNROLLED_GRU ? 3 : 1; }

static int gate_values(const layer *l) { return layer_gates(l->kind) * l->H; }

static int state_size(const layer *l) { return l->P ? l->P : l->H; }

// Whether the input's products are done in more than one part.
static bool in_chunks(const layer *l) { return l->room < l->T; }

static size_t size_max(size_t a, size_t b) { return a > b ? a : b; }

static int rows_of(const layer *l) // of the products over all steps
{
    return l->T > INT32_MAX / l->N ? INT32_MAX : l->T * l->N;
}

// What of each step lasts until its backward; without one, there is room for a chunk or for one
// step.
static void plan_steps(layer *l, arena *a)
{
    const size_t n = (size_t)l->N, h = (size_t)l->H, steps = l->keep ? (size_t)l->T : 1;
    const bool lstm = l->kind == UNROLLED_LSTM, gru = l->kind == UNROLLED_GRU;

    l->gates = arena_floats(a, (size_t)l->room, n, (size_t)gate_values(l));
    l->recurrent_n = gru ? arena_floats(a, steps, n, h) : NULL;
    l->c = lstm ? arena_floats(a, steps, n, h) : NULL;
    l->tanh_c = lstm ? arena_floats(a, steps, n, h) : NULL;
    l->m = l->P ? arena_floats(a, steps, n, h) : NULL;
}

void layer_plan(layer *l, int T, int N, bool keep, arena *a)
{
    const int fit = int_max(CHUNK_ROWS / N, CHUNK_FLOATS / int_max(1, gate_values(l)) / N);

    l->T = T;
    l->N = N;
    l->keep = keep;
    l->room = keep ? T : int_min(T, int_max(1, fit));
    if (keep)
        plan_steps(l, a);
}

void layer_plan_passing(layer *l, arena *a)
{
    const int GH = gate_values(l), Ho = state_size(l), M = rows_of(l), N = l->N;
    const size_t n = (size_t)N, h = (size_t)l->H;
    const bool back = l->P && l->keep;

    if (!l->keep)
        plan_steps(l, a);
    l->recurrent = l->kind == UNROLLED_GRU ? arena_floats(a, n, 3, h) : NULL;
    l->dm = back ? arena_floats(a, 1, n, h) : NULL;
    l->dh = back ? arena_floats(a, (size_t)l->T, n, (size_t)Ho) : NULL;
    // also for a GRU's backward, which packs its tied gates and the third one by themselves
    l->panels = arena_floats(a, 1, 1, matmul_panels(N, GH, Ho));
    l->panels_hr = l->P ? arena_floats(a, 1, 1, matmul_panels(N, l->P, l->H)) : NULL;
    l->panels_ih = in_chunks(l) ? arena_floats(a, 1, 1, matmul_panels(M, GH, l->I)) : NULL;
    l->scratch =
        arena_floats(a, 1, 1,
                     size_max(size_max(matmul_scratch(M, GH, l->I), matmul_scratch(M, GH, Ho)),
                              l->P ? matmul_scratch(M, l->P, l->H) : 0));
}

// The buffers of step t; without a backward there is one of each.
static size_t kept_at(const layer *l, int t)
{
    return l->keep ? (size_t)t * (size_t)l->N * (size_t)l->H : 0;
}

// One tick: gates of step t hold the input's part; writes y of step t.
static void step_forward(layer *l, int t, float *gates, const matmul_weights *w_hh,
                         const matmul_weights *w_hr, const float *h_prev, size_t h_prev_step,
                         const float *c_prev, bool zero_state, float *y, size_t y_step)
{
    const int N = l->N, H = l->H, GH = gate_values(l);
    const size_t at = kept_at(l, t);
    float *h = l->P ? l->m + at : y;
    const size_t h_step = l->P ? (size_t)H : y_step;

    if (l->kind == UNROLLED_GRU) {
        if (l->b_hh)
            vector_fill_rows(N, GH, l->b_hh, NULL, l->recurrent, (size_t)GH);
        else
            vector_zero((size_t)N * (size_t)GH, l->recurrent);
        if (!zero_state)
            matmul_forward_again(w_hh, N, h_prev, h_prev_step, l->recurrent, (size_t)GH);
        gru_step(N, H, gates, l->recurrent, l->recurrent_n + at, h_prev, h_prev_step, h, h_step);
        return;
    }
    if (!zero_state)
        matmul_forward_again(w_hh, N, h_prev, h_prev_step, gates, (size_t)GH); // (2)
    if (l->kind == UNROLLED_LSTM)
        lstm_step(N, H, gates, c_prev, l->c + at, l->tanh_c + at, h, h_step);
    else
        rnn_step(l->kind, N, H, gates, h, h_step);
    if (l->P) {
        for (int n = 0; n < N; n++)
            vector_zero((size_t)l->P, y + (size_t)n * y_step);
        matmul_forward_again(w_hr, N, h, h_step, y, y_step); // (3)
    }
}

// (1) for steps t0 … t0 + steps - 1, into the first rows of gates. w_ih: packed, or NULL.
static void project_input(layer *l, const matmul_weights *w_ih, const float *x, int t0, int steps)
{
    const int GH = gate_values(l), M = steps * l->N, I = l->I;
    const float *joined = l->kind == UNROLLED_GRU ? NULL : l->b_hh;
    const float *from = x + (size_t)t0 * (size_t)l->N * (size_t)I;

    if (l->b_ih)
        vector_fill_rows(M, GH, l->b_ih, joined, l->gates, (size_t)GH);
    else
        vector_zero((size_t)M * (size_t)GH, l->gates);
    if (w_ih)
        matmul_forward_again(w_ih, M, from, (size_t)I, l->gates, (size_t)GH);
    else
        matmul_forward(M, rows_of(l), GH, I, from, (size_t)I, l->w_ih, l->gates, (size_t)GH,
                       l->scratch);
}

void layer_forward(layer *l, const layer_run *run, float *hn, float *cn)
{
    const int T = l->T, N = l->N, GH = gate_values(l), Ho = state_size(l);
    const size_t row = (size_t)N * run->y_step, gate_row = (size_t)N * (size_t)GH;
    const matmul_weights w_hh = matmul_pack_forward(N, GH, Ho, l->w_hh, l->panels);
    const matmul_weights w_hr =
        l->P ? matmul_pack_forward(N, l->P, l->H, l->w_hr, l->panels_hr) : (matmul_weights){0};
    // of one value a row nothing is worth packing
    const bool packs = in_chunks(l) && l->I > 1;
    const matmul_weights w_ih =
        packs ? matmul_pack_forward(rows_of(l), GH, l->I, l->w_ih, l->panels_ih)
              : (matmul_weights){0};
    const float *h = run->h0, *c = run->c0;
    size_t h_step = (size_t)Ho;

    for (int done = 0; done < T; done += l->room) {
        const int steps = int_min(l->room, T - done);
        const int t0 = l->reverse ? T - done - steps : done; // first step of this chunk in memory
        project_input(l, packs ? &w_ih : NULL, run->x, t0, steps);
        for (int i = 0; i < steps; i++) {
            const int s = l->reverse ? steps - 1 - i : i, t = t0 + s;
            float *y = run->y + (size_t)t * row;
            step_forward(l, t, l->gates + (size_t)s * gate_row, &w_hh, &w_hr, h, h_step, c,
                         run->zero_start && done + i == 0, y, run->y_step);
            h = y;
            h_step = run->y_step;
            c = l->c ? l->c + kept_at(l, t) : NULL;
        }
    }
    if (hn != h) // a cell lets its only step write hn at once
        vector_copy_rows(N, Ho, h, h_step, hn, (size_t)Ho);
    if (l->c)
        vector_copy((size_t)N * (size_t)l->H, c, cn);
}

// (5) and (6), after the loop: products over all T·N rows. dgates are in `gates`; for a GRU the
// gradient of the third recurrent part is in recurrent_n.
static bool weight_gradients(layer *l, const layer_run *run, float *dx)
{
    const int T = l->T, N = l->N, I = l->I, H = l->H, Ho = state_size(l), GH = gate_values(l);
    const bool gru = l->kind == UNROLLED_GRU, add = !run->fresh;
    const int M = T * N, later = M - N, tied = gru ? GRU_TIED * H : GH;
    const size_t gates_step = (size_t)GH, n_step = (size_t)H;
    // rows that have a step before them, and that step's h
    const float *gates = l->gates + (l->reverse ? 0 : (size_t)N * gates_step);
    const float *parts = gru ? l->recurrent_n + (l->reverse ? 0 : (size_t)N * n_step) : NULL;
    const float *before = run->y + (l->reverse ? (size_t)N * run->y_step : 0);
    // the row whose h_prev is h0
    const size_t first = l->reverse ? (size_t)later : 0;
    float *dw_n = l->dw_hh + (size_t)tied * (size_t)Ho;
    bool suspect = matmul_gradient(M, GH, I, l->gates, gates_step, run->x, (size_t)I, add, l->dw_ih,
                                   l->scratch);
    bool add_hh = add; // dw_hh has two parts, one or none

    if (later > 0) {
        suspect |= matmul_gradient(later, tied, Ho, gates, gates_step, before, run->y_step, add_hh,
                                   l->dw_hh, l->scratch);
        if (gru)
            suspect |= matmul_gradient(later, H, Ho, parts, n_step, before, run->y_step, add_hh,
                                       dw_n, l->scratch);
        add_hh = true;
    }
    if (!run->zero_start) {
        suspect |= matmul_gradient(N, tied, Ho, l->gates + first * gates_step, gates_step, run->h0,
                                   (size_t)Ho, add_hh, l->dw_hh, l->scratch);
        if (gru)
            suspect |= matmul_gradient(N, H, Ho, l->recurrent_n + first * n_step, n_step, run->h0,
                                       (size_t)Ho, add_hh, dw_n, l->scratch);
        add_hh = true;
    }
    if (!add_hh)
        vector_zero((size_t)GH * (size_t)Ho, l->dw_hh);
    if (l->db_ih) {
        suspect |= vector_sum_rows(M, GH, l->gates, gates_step, add, l->db_ih);
        suspect |= vector_sum_rows(M, tied, l->gates, gates_step, add, l->db_hh);
        if (gru)
            suspect |= vector_sum_rows(M, H, l->recurrent_n, n_step, add, l->db_hh + tied);
    }
    if (l->P)
        suspect |= matmul_gradient(M, l->P, H, l->dh, (size_t)l->P, l->m, (size_t)H, add, l->dw_hr,
                                   l->scratch);
    if (dx)
        matmul_backward(M, GH, I, l->gates, gates_step, l->w_ih, dx, (size_t)I, l->scratch);
    return suspect;
}

bool layer_backward(layer *l, const layer_run *run, const float *dy, size_t dy_step, float *dh,
                    float *dc, bool want_state, float *dx)
{
    const int T = l->T, N = l->N, H = l->H, Ho = state_size(l), GH = gate_values(l);
    const bool gru = l->kind == UNROLLED_GRU;
    const int tied = gru ? GRU_TIED * H : GH;
    const size_t gate_row = (size_t)N * (size_t)GH, state_row = (size_t)N * (size_t)Ho;
    const matmul_weights w_hh = matmul_pack_backward(N, tied, Ho, l->w_hh, l->panels);
    const float *w_n = l->w_hh + (size_t)tied * (size_t)Ho;
    const matmul_weights w_hn =
        gru ? matmul_pack_backward(N, H, Ho, w_n, l->panels + matmul_panels(N, tied, Ho))
            : (matmul_weights){0};
    const matmul_weights w_hr =
        l->P ? matmul_pack_backward(N, l->P, H, l->w_hr, l->panels_hr) : (matmul_weights){0};

    ASSERT(l->keep);
    for (int i = T - 1; i >= 0; i--) { // i counts in the order of the forward
        const int t = l->reverse ? T - 1 - i : i, before = l->reverse ? t + 1 : t - 1;
        const size_t at = kept_at(l, t);
        float *gates = l->gates + (size_t)t * gate_row;
        const float *h_prev = i ? run->y + (size_t)before * (size_t)N * run->y_step : run->h0;
        const float *c_prev = l->c && i ? l->c + kept_at(l, before) : run->c0;
        const float *dout = dh; // [N][H], of the step's own output

        for (int n = 0; dy && n < N; n++)
            vector_add((size_t)Ho, dy + ((size_t)t * (size_t)N + (size_t)n) * dy_step,
                       dh + (size_t)n * (size_t)Ho);
        if (l->P) {
            vector_copy(state_row, dh, l->dh + (size_t)t * state_row);
            vector_zero((size_t)N * (size_t)H, l->dm);
            matmul_backward_again(&w_hr, N, dh, (size_t)Ho, l->dm, (size_t)H);
            dout = l->dm;
        }
        if (l->kind == UNROLLED_LSTM)
            lstm_step_backward(N, H, gates, c_prev, l->tanh_c + at, dout, dc);
        else if (gru)
            gru_step_backward(N, H, gates, l->recurrent_n + at, h_prev,
                              i ? run->y_step : (size_t)Ho, dh);
        else
            rnn_step_backward(l->kind, N, H, gates, dout);
        if (!gru)
            vector_zero(state_row, dh);
        if (i == 0 && !want_state)
            break;
        matmul_backward_again(&w_hh, N, gates, (size_t)GH, dh, (size_t)Ho); // (4)
        if (gru)
            matmul_backward_again(&w_hn, N, l->recurrent_n + at, (size_t)H, dh, (size_t)Ho);
    }
    return weight_gradients(l, run, dx);
}
