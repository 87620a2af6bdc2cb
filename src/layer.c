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
#include "linear.h"
#include "lstm.h"
#include "rnn.h"
#include "vector.h"

enum {
    CHUNK_ROWS = 64,     // rows of gates at least, without a backward …
    CHUNK_FLOATS = 65536 // … and more as long as they stay in the second cache: 256 KiB
};

const char *layer_suffix(int number, bool reverse, char *room)
{
    const size_t length = reverse ? sizeof "_reverse" : 1;
    char *at = room + LAYER_SUFFIX - length;

    __builtin_memcpy(at, reverse ? "_reverse" : "", length);
    if (number < 0)
        return at;
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    *--at = 'l';
    *--at = '_';
    return at;
}

void layer_init(layer *l, module *owner, bool bias, int number)
{
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh",
                                        "weight_hr"};
    const bool gru = l->kind == UNROLLED_GRU, lstm = l->kind == UNROLLED_LSTM;
    const double bound = 1.0 / __builtin_sqrt((double)l->H);
    char room[LAYER_SUFFIX];

    l->GH = (gru ? 3 : lstm ? 4 : 1) * l->H;
    l->parts[0].K = gru ? 2 * l->H : l->GH;
    l->parts[0].step = (size_t)l->GH;
    l->parts[1].K = l->GH - l->parts[0].K;
    l->parts[1].step = (size_t)l->parts[1].K;
    l->Ho = l->P ? l->P : l->H;
    l->C = lstm ? l->H : 0;
    l->owner = owner;
    l->y_step = (size_t)owner->outputs;

    const int biases = bias ? l->GH : 0;
    const int rows[] = {l->GH, l->GH, biases, biases, l->P}, cols[] = {l->I, l->Ho, 0, 0, l->H};
    for (int i = 0; i < LAYER_PARAMETERS; i++)
        module_parameter(owner, names[i], layer_suffix(number, l->reverse, room), rows[i], cols[i],
                         bound, &l->w[i]);
}

void layer_plan_state(const layer *l, int count, int N, arena *a, float **h, float **c)
{
    *h = arena_floats(a, (size_t)count, (size_t)N, (size_t)l->Ho);
    *c = arena_floats(a, (size_t)count, (size_t)N, (size_t)l->C);
}

void layer_plan_states(const layer *l, int count, int N, bool keep, arena *a, layer_states *s)
{
    layer_plan_state(l, count, N, a, &s->h0, &s->c0);
    layer_plan_state(l, count, N, a, &s->h, &s->c);
    layer_plan_state(l, keep ? count : 0, N, a, &s->dh, &s->dc);
}

void layer_clear_states(const layer *l, size_t rows, int given, float *h, float *c)
{
    if (!(given & UNROLLED_HAS_H))
        vector_zero(rows * (size_t)l->Ho, h);
    if (!(given & UNROLLED_HAS_C))
        vector_zero(rows * (size_t)l->C, c);
}

// What of each step lasts until its backward; without one, there is room for a chunk or for one
// step.
static void plan_steps(layer *l, arena *a)
{
    const size_t N = (size_t)l->N, steps = l->keep ? (size_t)l->T : 1;
    const size_t untied = (size_t)l->parts[1].K;

    l->gates = l->parts[0].dgates = arena_floats(a, (size_t)l->room, N, (size_t)l->GH);
    l->recurrent = arena_floats(a, 3, N, untied);
    l->recurrent_n = l->parts[1].dgates = arena_floats(a, steps, N, untied);
    l->c = arena_floats(a, steps, N, (size_t)l->C);
    l->tanh_c = arena_floats(a, steps, N, (size_t)l->C);
    l->m = arena_floats(a, steps, N, (size_t)(l->P ? l->H : 0));
}

void layer_plan(layer *l, int T, int N, bool keep, arena *a)
{
    const int fit = int_max(CHUNK_ROWS / N, CHUNK_FLOATS / l->GH / N);

    l->T = T;
    l->N = N;
    l->keep = keep;
    l->room = keep ? T : int_min(T, int_max(1, fit));
    if (keep)
        plan_steps(l, a);
}

static size_t size_max(size_t a, size_t b) { return a > b ? a : b; }

void layer_plan_passing(layer *l, arena *a)
{
    const int GH = l->GH, Ho = l->Ho, I = l->I, P = l->P, N = l->N, M = l->T * N;
    const size_t dm = P && l->keep ? (size_t)N : 0;
    // of one value a row nothing is worth packing
    const bool packs = l->room < l->T && I > 1;

    if (!l->keep)
        plan_steps(l, a);
    l->dm = arena_floats(a, 1, dm, (size_t)l->H);
    l->dh = arena_floats(a, (size_t)l->T, dm, (size_t)P);
    // also for a GRU's backward, which packs its two parts by themselves
    l->panels = arena_floats(a, 1, 1, matmul_panels(N, GH, Ho));
    l->panels_hr = arena_floats(a, 1, 1, matmul_panels(N, P, l->H));
    l->panels_ih = packs ? arena_floats(a, 1, 1, matmul_panels(M, GH, I)) : NULL;
    const size_t gates = size_max(matmul_scratch(M, GH, I), matmul_scratch(M, GH, Ho));
    l->scratch = arena_floats(a, 1, 1, size_max(gates, matmul_scratch(M, P, l->H)));
}

void layer_step(layer *l, float *gates, size_t at, const float *h_prev, size_t h_prev_step,
                const float *c_prev, bool zero_state, float *y)
{
    const int N = l->N, H = l->H, GH = l->GH;
    const bool gru = l->kind == UNROLLED_GRU;
    float *c = l->c + at * (size_t)l->C, *tanh_c = l->tanh_c + at * (size_t)l->C;
    float *sum = gru ? l->recurrent : gates, *h = l->P ? l->m + at * (size_t)H : y;
    const size_t h_step = l->P ? (size_t)H : l->y_step;

    if (gru)
        linear_start(N, GH, l->w[B_HH], NULL, sum);
    if (!zero_state)
        matmul_forward_again(&l->w_hh, N, h_prev, h_prev_step, sum, (size_t)GH); // (2)
    if (gru)
        gru_step(N, H, gates, sum, l->recurrent_n + at * (size_t)H, h_prev, h_prev_step, h, h_step);
    else if (l->kind == UNROLLED_LSTM)
        lstm_step(N, H, gates, c_prev, c, tanh_c, h, h_step);
    else
        rnn_step(l->kind, N, H, gates, h, h_step);
    if (l->P) {
        for (int n = 0; n < N; n++)
            vector_zero((size_t)l->P, y + (size_t)n * l->y_step);
        matmul_forward_again(&l->w_hr, N, h, h_step, y, l->y_step); // (3)
    }
}

void layer_start(const layer *l, int M)
{
    linear_start(M, l->GH, l->w[B_IH], l->kind == UNROLLED_GRU ? NULL : l->w[B_HH], l->gates);
}

// (1) for steps t0 … t0 + steps - 1, into the first rows of gates.
static void project_input(layer *l, int t0, int steps)
{
    const int GH = l->GH, M = steps * l->N, I = l->I;
    const float *x = l->x + (size_t)t0 * (size_t)l->N * (size_t)I;

    layer_start(l, M);
    if (l->panels_ih)
        matmul_forward_again(&l->w_ih, M, x, (size_t)I, l->gates, (size_t)GH);
    else
        matmul_forward(M, l->T * l->N, GH, I, x, (size_t)I, l->w[W_IH], l->gates, (size_t)GH,
                       l->scratch);
}

void layer_forward(layer *l, float *hn, float *cn)
{
    const int T = l->T, N = l->N, GH = l->GH, Ho = l->Ho;
    const float *h = l->h0, *c = l->c0;
    size_t h_step = (size_t)Ho;

    matmul_pack_forward(N, GH, Ho, l->w[W_HH], l->panels, &l->w_hh);
    if (l->P)
        matmul_pack_forward(N, l->P, l->H, l->w[W_HR], l->panels_hr, &l->w_hr);
    if (l->panels_ih)
        matmul_pack_forward(T * N, GH, l->I, l->w[W_IH], l->panels_ih, &l->w_ih);

    for (int done = 0; done < T; done += l->room) {
        const int steps = int_min(l->room, T - done);
        const int t0 = l->reverse ? T - done - steps : done; // first step of this chunk in memory
        project_input(l, t0, steps);
        for (int i = 0; i < steps; i++) {
            const int s = l->reverse ? steps - 1 - i : i;
            const size_t row = (size_t)(t0 + s) * (size_t)N, at = l->keep ? row : 0;
            float *y = l->y + row * l->y_step;
            layer_step(l, l->gates + (size_t)(s * N) * (size_t)GH, at, h, h_step, c,
                       l->zero_start && done + i == 0, y);
            h = y;
            h_step = l->y_step;
            c = l->c + at * (size_t)l->C;
        }
    }
    if (hn != h) // a cell lets its only step write hn at once
        vector_copy_rows(N, Ho, h, h_step, hn, (size_t)Ho);
    vector_copy((size_t)N * (size_t)l->C, c, cn);
}

static float *gradient(const layer *l, int which) { return l->w[which] + l->owner->num_values; }

// (5) and (6), after the loop: products over all T·N rows.
static bool weight_gradients(const layer *l, float *dx)
{
    const int N = l->N, I = l->I, H = l->H, Ho = l->Ho, GH = l->GH, M = l->T * N, later = M - N;
    const bool add = !l->owner->fresh;
    const size_t row = (size_t)N, GH_step = (size_t)GH;
    // the first row that has a step before it, that step's first row, the first row of h0's step
    const size_t from = l->reverse ? 0 : row, before = row - from;
    const size_t first = l->reverse ? (size_t)later : 0;
    size_t done = 0; // rows of W_hh
    bool suspect = matmul_gradient(M, GH, I, l->gates, GH_step, l->x, (size_t)I, add,
                                   gradient(l, W_IH), l->scratch);

    for (int i = 0; i < 2 && l->parts[i].K; i++) {
        const int K = l->parts[i].K;
        const size_t step = l->parts[i].step;
        const float *dgates = l->parts[i].dgates;
        float *dw = gradient(l, W_HH) + done * (size_t)Ho;
        bool add_hh = add; // the sum has two terms, one or none
        if (later > 0) {
            suspect |= matmul_gradient(later, K, Ho, dgates + from * step, step,
                                       l->y + before * l->y_step, l->y_step, add, dw, l->scratch);
            add_hh = true;
        }
        if (!l->zero_start) {
            suspect |= matmul_gradient(N, K, Ho, dgates + first * step, step, l->h0, (size_t)Ho,
                                       add_hh, dw, l->scratch);
            add_hh = true;
        }
        if (!add_hh)
            vector_zero((size_t)K * (size_t)Ho, dw);
        if (l->w[B_HH])
            suspect |= vector_sum_rows(M, K, dgates, step, add, gradient(l, B_HH) + done);
        done += (size_t)K;
    }
    if (l->w[B_IH])
        suspect |= vector_sum_rows(M, GH, l->gates, GH_step, add, gradient(l, B_IH));
    if (l->P)
        suspect |= matmul_gradient(M, l->P, H, l->dh, (size_t)l->P, l->m, (size_t)H, add,
                                   gradient(l, W_HR), l->scratch);
    if (dx)
        matmul_backward(M, GH, I, l->gates, GH_step, l->w[W_IH], dx, (size_t)I, l->scratch);
    return suspect;
}

void layer_backward(layer *l, const float *dy, float *dh, float *dc, bool want_state, float *dx)
{
    const int T = l->T, N = l->N, H = l->H, Ho = l->Ho;
    const size_t C = (size_t)l->C, state = (size_t)N * (size_t)Ho;
    const float *w = l->w[W_HH];
    float *panels = l->panels;

    ASSERT(l->keep);
    for (layer_part *p = l->parts; p < l->parts + 2 && p->K; p++) {
        matmul_pack_backward(N, p->K, Ho, w, panels, &p->w);
        w += (size_t)p->K * (size_t)Ho;
        panels += matmul_panels(N, p->K, Ho);
    }
    if (l->P)
        matmul_pack_backward(N, l->P, H, l->w[W_HR], l->panels_hr, &l->w_hr);

    for (int i = T - 1; i >= 0; i--) { // i counts in the order of the forward
        const int t = l->reverse ? T - 1 - i : i, before = l->reverse ? t + 1 : t - 1;
        const size_t row = (size_t)t * (size_t)N, row_before = (size_t)before * (size_t)N;
        float *gates = l->gates + row * (size_t)l->GH;
        const float *dout = dh; // [N][H], of the step's own output

        for (int n = 0; dy && n < N; n++)
            vector_add((size_t)Ho, dy + (row + (size_t)n) * l->y_step, dh + (size_t)n * (size_t)Ho);
        if (l->P) {
            vector_copy(state, dh, l->dh + row * (size_t)Ho);
            vector_zero((size_t)N * (size_t)H, l->dm);
            matmul_backward_again(&l->w_hr, N, dh, (size_t)Ho, l->dm, (size_t)H);
            dout = l->dm;
        }
        if (l->kind == UNROLLED_GRU) {
            gru_step_backward(N, H, gates, l->recurrent_n + row * (size_t)H,
                              i ? l->y + row_before * l->y_step : l->h0, i ? l->y_step : (size_t)Ho,
                              dh);
        } else {
            if (l->kind == UNROLLED_LSTM)
                lstm_step_backward(N, H, gates, i ? l->c + row_before * C : l->c0,
                                   l->tanh_c + row * C, dout, dc);
            else
                rnn_step_backward(l->kind, N, H, gates, dout);
            vector_zero(state, dh);
        }
        if (i == 0 && !want_state)
            break;
        for (const layer_part *p = l->parts; p < l->parts + 2 && p->K; p++)
            matmul_backward_again(&p->w, N, p->dgates + row * p->step, p->step, dh,
                                  (size_t)Ho); // (4)
    }
    l->owner->suspect |= weight_gradients(l, dx);
}
