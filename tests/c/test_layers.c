// RNN, LSTM and GRU, forward and backward, against the naive twin: single steps, then whole stacks
// at every awkward size, with and without biases, initial states, a projection; the twin itself
// against central differences. And what no rounding may change, to the bit: a forward that keeps
// nothing and works in chunks, a batch after a larger one, gradients with and without those of the
// input.
#include "dropout.h"
#include "gru.h"
#include "lstm.h"
#include "memory.h"
#include "numbers.h"
#include "reference.h"
#include "rnn.h"
#include "stack.h"
#include "test.h"
#include "vector.h"

static const int hidden_sizes[] = {1, 2, 3, 4, 5, 7, 8, 16, 17, 33};
static const int input_sizes[] = {3, 1, 8, 2, 7, 4, 33, 5, 16, 9};
static const int batch_sizes[] = {1, 2, 3, 5, 8, 9};
static const int lengths[] = {1, 2, 5, 9};

// ------------------------------------------------------------------------------------ single steps

// A row of h and the gap behind it: rows lie H + GAP apart, the gap is filled with `guard`.
enum { GAP = 3 };
static const float guard = 123.25F;

static float *guarded_rows(int N, int H)
{
    const size_t n = (size_t)N * (size_t)(H + GAP);
    float *rows = floats(n);
    for (size_t i = 0; i < n; i++)
        rows[i] = guard;
    return rows;
}

static bool gaps_intact(int N, int H, const float *rows)
{
    for (int n = 0; n < N; n++)
        for (int i = H; i < H + GAP; i++)
            if (rows[n * (H + GAP) + i] != guard)
                return false;
    return true;
}

static double worst_step;

// Bounds: an activation errs by less than 1.6 units in the last place, 1e-7 below 1; a step adds up
// to four of them and as many roundings.
static const double step_bound = 5e-7;

static void check_step(size_t n, const float *got, const double *want)
{
    const double error = error_of(n, got, want);
    worst_step = larger(worst_step, error);
    CHECK(error <= step_bound);
}

static void rnn_steps(int N, int H)
{
    for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_RNN_IDENTITY; kind++) {
        const size_t n = (size_t)N * (size_t)H;
        float *gates = draws(n, 3), *h = guarded_rows(N, H), *dh = draws(n, 1);
        double a[9 * 33], want[9 * 33], d[9 * 33];
        widen(n, gates, a);
        widen(n, dh, d);

        rnn_step(kind, N, H, gates, h, (size_t)(H + GAP));
        reference_rnn_step(kind, N * H, a, want);
        check_step(n, gates, want);
        CHECK(gaps_intact(N, H, h));
        for (int i = 0; i < N; i++)
            CHECK(same_bits((size_t)H, h + i * (H + GAP), gates + i * H));

        rnn_step_backward(kind, N, H, gates, dh);
        reference_rnn_step_backward(kind, N * H, a, d, want);
        check_step(n, gates, want);
        free(gates), free(h), free(dh);
    }
}

static void lstm_steps(int N, int H)
{
    const size_t n = (size_t)N * (size_t)H, GH = 4 * (size_t)H;
    float *gates = draws(4 * n, 3), *in_place = copies(4 * n, gates), *h = guarded_rows(N, H);
    float *c_prev = draws(n, 2), *c = floats(n), *tanh_c = floats(n), *c_too = copies(n, c_prev);
    float *dh = draws(n, 1), *dc = draws(n, 1);
    double a[4 * 9 * 33], before[9 * 33], d[9 * 33], d_cell[9 * 33];
    double want_h[9 * 33], want_c[9 * 33], want_a[4 * 9 * 33];
    widen(4 * n, gates, a);
    widen(n, c_prev, before);
    widen(n, dh, d);
    widen(n, dc, d_cell);

    lstm_step(N, H, gates, c_prev, c, tanh_c, h, (size_t)(H + GAP));
    for (int i = 0; i < N; i++) {
        const size_t row = (size_t)i * (size_t)H, gate = (size_t)i * GH;
        reference_lstm_step(H, a + gate, before + row, want_c + row, want_h + row);
        check_step((size_t)H, h + i * (H + GAP), want_h + row);
    }
    check_step(n, c, want_c);
    CHECK(gaps_intact(N, H, h));

    float *h_too = guarded_rows(N, H), *tanh_too = floats(n); // c in the place of c_prev
    lstm_step(N, H, in_place, c_too, c_too, tanh_too, h_too, (size_t)(H + GAP));
    CHECK(same_bits(4 * n, gates, in_place) && same_bits(n, c, c_too));
    CHECK(same_bits(n, tanh_c, tanh_too));
    CHECK(same_bits((size_t)N * (size_t)(H + GAP), h, h_too));

    lstm_step_backward(N, H, gates, c_prev, tanh_c, dh, dc);
    for (int i = 0; i < N; i++) {
        const size_t row = (size_t)i * (size_t)H, gate = (size_t)i * GH;
        reference_lstm_step_backward(H, a + gate, before + row, d + row, d_cell + row,
                                     want_a + gate);
    }
    check_step(4 * n, gates, want_a);
    check_step(n, dc, d_cell);
    free(gates), free(in_place), free(h), free(c_prev), free(c), free(tanh_c), free(c_too);
    free(dh), free(dc), free(h_too), free(tanh_too);
}

static void gru_steps(int N, int H)
{
    const size_t n = (size_t)N * (size_t)H, GH = 3 * (size_t)H, step = (size_t)(H + GAP);
    float *gates = draws(3 * n, 3), *recurrent = draws(3 * n, 2), *kept = floats(n);
    float *h_prev = guarded_rows(N, H), *h = guarded_rows(N, H), *dh = draws(n, 1);
    float *gates_too = copies(3 * n, gates), *kept_too = floats(n);
    double a[3 * 9 * 33], q[3 * 9 * 33], before[9 * 33], want_h[9 * 33];
    double d[9 * 33], want_a[3 * 9 * 33], want_q[3 * 9 * 33];
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < H; k++)
            h_prev[(size_t)i * step + (size_t)k] = draw();
        widen((size_t)H, h_prev + (size_t)i * step, before + i * H);
    }
    widen(3 * n, gates, a);
    widen(3 * n, recurrent, q);
    widen(n, dh, d);

    gru_step(N, H, gates, recurrent, kept, h_prev, step, h, step);
    for (int i = 0; i < N; i++) {
        const size_t row = (size_t)i * (size_t)H, gate = (size_t)i * GH;
        reference_gru_step(H, a + gate, q + gate, before + row, want_h + row);
        check_step((size_t)H, h + (size_t)i * step, want_h + row);
        CHECK(same_bits((size_t)H, kept + row, recurrent + gate + 2 * H));
    }
    CHECK(gaps_intact(N, H, h) && gaps_intact(N, H, h_prev));

    gru_step_backward(N, H, gates, kept, h_prev, step, dh);
    for (int i = 0; i < N; i++) {
        const size_t row = (size_t)i * (size_t)H, gate = (size_t)i * GH;
        reference_gru_step_backward(H, a + gate, q + gate, before + row, d + row, want_a + gate,
                                    want_q + gate);
        check_step((size_t)H, kept + row, want_q + gate + 2 * H);
    }
    check_step(3 * n, gates, want_a);
    check_step(n, dh, d);

    gru_step(N, H, gates_too, recurrent, kept_too, h_prev, step, h_prev, step); // h is h_prev
    CHECK(same_bits((size_t)N * step, h, h_prev));
    free(gates), free(recurrent), free(kept), free(h_prev), free(h), free(dh);
    free(gates_too), free(kept_too);
}

static void test_steps(void)
{
    for (int i = 0; i < 10; i++)
        for (int n = 0; n < 6; n++) {
            rnn_steps(batch_sizes[n], hidden_sizes[i]);
            lstm_steps(batch_sizes[n], hidden_sizes[i]);
            gru_steps(batch_sizes[n], hidden_sizes[i]);
        }
}

// Infinite pre-activations saturate, NaN stays in its own place, in every lane.
static void test_steps_at_the_edge(void)
{
    enum { H = 7 };
    for (int k = 0; k < H; k++) {
        float gates[4 * H] = {0}, c_prev[H], c[H], t[H], h[H], recurrent[3 * H] = {0};
        for (int i = 0; i < H; i++)
            c_prev[i] = 0.5F;
        gates[k] = INFINITY, gates[H + k] = -INFINITY; // i = 1, f = 0
        gates[2 * H + k] = -INFINITY, gates[3 * H + k] = 1e30F;
        lstm_step(1, H, gates, c_prev, c, t, h, H);
        CHECK(c[k] == -1 && fabsf(h[k] + 0.76159416F) < 1e-6F && gates[3 * H + k] == 1);
        for (int i = 0; i < H; i++)
            CHECK(i == k || (c[i] == 0.25F && isfinite(h[i])));

        float again[3 * H] = {0};
        again[H + k] = NAN;
        gru_step(1, H, again, recurrent, t, c_prev, H, h, H);
        for (int i = 0; i < H; i++)
            CHECK(i == k ? isnan(h[i]) : h[i] == 0.25F);

        for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_RNN_IDENTITY; kind++) {
            float y[H] = {0}, out[H];
            y[k] = NAN;
            rnn_step(kind, 1, H, y, out, H);
            for (int i = 0; i < H; i++)
                CHECK(i == k ? isnan(out[i]) : out[i] == 0);
        }
    }
}

// ------------------------------------------------------------------------------------ whole stacks

typedef struct {
    int kind, I, H, L, P, D, T, N;
    bool bias;
    int given, dgiven; // UNROLLED_HAS_H, _C
    bool output;       // gradients of the output come in, not only of the final states
    double dropout;
} config;

static void print_config(const config *c)
{
    fprintf(stderr, "kind %d I %d H %d L %d P %d D %d T %d N %d bias %d given %d/%d output %d\n",
            c->kind, c->I, c->H, c->L, c->P, c->D, c->T, c->N, c->bias, c->given, c->dgiven,
            c->output);
}

// A stack, its twin with the same parameters, and what goes in.
typedef struct {
    config c;
    stack *s;
    module *m;
    reference_stack *twin;
    size_t states, cells, outputs; // values in h0, c0 and y
    float *x, *dy, *h0, *c0, *dhn, *dcn;
} pair;

static stack *stack_of(const config *c, rng *r)
{
    const int flags = (c->bias ? UNROLLED_BIAS : 0) | (c->D == 2 ? UNROLLED_BIDIRECTIONAL : 0);
    stack *s = stack_create(c->kind, c->I, c->H, c->L, c->P, c->dropout, flags, r);
    if (!s)
        abort();
    return s;
}

// Batch and gradients for another T and N, over the same stack.
static void pair_feed(pair *p, int T, int N)
{
    const config *c = &p->c;
    p->c.T = T, p->c.N = N;
    reference_stack *t =
        reference_stack_create(c->kind, c->I, c->H, c->L, c->P, c->D, c->bias, T, N);
    if (p->twin) { // gradients add up
        memcpy(t->dparams, p->twin->dparams, t->num_params * sizeof *t->dparams);
        reference_stack_destroy(p->twin);
        free(p->x), free(p->dy), free(p->h0), free(p->c0), free(p->dhn), free(p->dcn);
    }
    p->twin = t;
    p->states = t->states;
    p->cells = c->kind == UNROLLED_LSTM ? t->cells : 0;
    p->outputs = (size_t)(T * N * c->D * t->Ho);
    p->x = draws((size_t)(T * N * c->I), 1);
    p->dy = draws(p->outputs, 1);
    p->h0 = draws(p->states, 1), p->c0 = draws(p->cells, 1);
    p->dhn = draws(p->states, 1), p->dcn = draws(p->cells, 1);

    widen(t->num_params, p->m->params, t->params);
    widen((size_t)(T * N * c->I), p->x, t->x);
    if (c->output)
        widen(p->outputs, p->dy, t->dy);
    if (c->given & UNROLLED_HAS_H)
        widen(p->states, p->h0, t->h0);
    if (c->given & UNROLLED_HAS_C)
        widen(p->cells, p->c0, t->c0);
    if (c->dgiven & UNROLLED_HAS_H)
        widen(p->states, p->dhn, t->dhn);
    if (c->dgiven & UNROLLED_HAS_C)
        widen(p->cells, p->dcn, t->dcn);
}

static pair pair_make(const config *c)
{
    rng r;
    rng_seed(&r, 3);
    pair p = {.c = *c, .s = stack_of(c, &r)};
    p.m = &p.s->base;
    pair_feed(&p, c->T, c->N);
    CHECK(p.m->num_values == p.twin->num_params);
    return p;
}

static void pair_free(pair *p)
{
    free(p->x), free(p->dy), free(p->h0), free(p->c0), free(p->dhn), free(p->dcn);
    reference_stack_destroy(p->twin);
    module_destroy(p->m);
}

static void run_forward(pair *p, bool keep)
{
    CHECK(module_reserve(p->m, (shape){p->c.T, p->c.N, p->c.I}, keep) == UNROLLED_OK);
    if (p->c.given & UNROLLED_HAS_H)
        vector_copy(p->states, p->h0, p->s->states.h0);
    if (p->c.given & UNROLLED_HAS_C)
        vector_copy(p->cells, p->c0, p->s->states.c0);
    module_forward(p->m, p->x, p->c.given);
}

static void run_backward(pair *p, int wanted)
{
    if (p->c.dgiven & UNROLLED_HAS_H)
        vector_copy(p->states, p->dhn, p->s->states.dh);
    if (p->c.dgiven & UNROLLED_HAS_C)
        vector_copy(p->cells, p->dcn, p->s->states.dc);
    module_backward(p->m, p->c.output ? p->dy : NULL, p->c.dgiven, wanted);
}

// Bounds, as error_of measures: float32 has 6e-8, and errors of a step pass through up to 27 more
// (9 of time, 3 layers, 2 directions) whose slopes are below 1. Gradients of parameters are sums of
// up to 81 such terms.
static const double value_bound = 1e-6, gradient_bound = 2e-6;
static double worst_value, worst_gradient;

static bool values_right(const pair *p)
{
    const reference_stack *t = p->twin;
    double error = error_of(p->outputs, p->m->y, t->y);
    error = larger(error, error_of(p->states, p->s->states.h, t->hn));
    error = larger(error, error_of(p->cells, p->s->states.c, t->cn));
    worst_value = larger(worst_value, error);
    return error <= value_bound;
}

static bool gradients_right(const pair *p)
{
    const reference_stack *t = p->twin;
    const module *m = p->m;
    double error = error_of((size_t)(p->c.T * p->c.N * p->c.I), m->dx, t->dx);
    error = larger(error, error_of(p->states, p->s->states.dh, t->dh0));
    error = larger(error, error_of(p->cells, p->s->states.dc, t->dc0));
    for (int i = 0; i < m->num_parameters; i++) {
        const parameter *q = &m->table[i];
        const size_t count = (size_t)q->rows * (q->cols ? (size_t)q->cols : 1);
        error = larger(error, error_of(count, m->grads + q->offset, t->dparams + q->offset));
    }
    worst_gradient = larger(worst_gradient, error);
    return error <= gradient_bound;
}

// Forward without and with keeping, and back.
static void check_config(const config *c)
{
    const int failures = test_failures;
    pair p = pair_make(c);

    run_forward(&p, false);
    float *y = copies(p.outputs, p.m->y), *hn = copies(p.states, p.s->states.h);
    float *cn = copies(p.cells, p.s->states.c);
    run_forward(&p, true);
    CHECK(same_bits(p.outputs, p.m->y, y) && same_bits(p.states, p.s->states.h, hn));
    CHECK(same_bits(p.cells, p.s->states.c, cn));
    run_backward(&p, WANT_INPUT | WANT_STATE);

    reference_stack_forward(p.twin);
    reference_stack_backward(p.twin);
    CHECK(p.twin->kink > 1e-6); // else a slope of ReLU hangs on a rounding: draw other numbers
    CHECK(values_right(&p));
    CHECK(gradients_right(&p));
    CHECK(!module_suspect(p.m));
    free(y), free(hn), free(cn);
    pair_free(&p);
    if (test_failures > failures)
        print_config(c);
}

// Every kind at every H, N and T; the other choices take turns, so that all of them meet.
static void test_all_sizes(void)
{
    int turn = 0;
    for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_GRU; kind++)
        for (int h = 0; h < 10; h++)
            for (int n = 0; n < 6; n++)
                for (int t = 0; t < 4; t++, turn++) {
                    const int H = hidden_sizes[h];
                    const bool projects = kind == UNROLLED_LSTM && H > 1 && turn % 3 == 1;
                    check_config(&(config){.kind = kind,
                                           .I = input_sizes[turn % 10],
                                           .H = H,
                                           .L = H > 17 ? 1 + turn % 2 : 1 + turn % 3,
                                           .P = projects ? (H + 1) / 2 : 0,
                                           .D = 1 + turn / 5 % 2,
                                           .T = lengths[t],
                                           .N = batch_sizes[n],
                                           .bias = turn % 7 < 5,
                                           .given = turn / 2 % 4,
                                           .dgiven = turn / 3 % 4,
                                           .output = turn % 4 != 3});
                }
}

// And all choices at a few sizes.
static void test_all_choices(void)
{
    static const int sizes[] = {1, 3, 4, 5, 8};
    for (int choice = 0; choice < 5 * 3 * 2 * 2 * 4 * 2; choice++) {
        const int kind = choice % 5, L = 1 + choice / 5 % 3, D = 1 + choice / 15 % 2;
        const int bias = choice / 30 % 2, given = choice / 60 % 4, project = choice / 240;
        if (project && kind != UNROLLED_LSTM)
            continue;
        for (int h = 0; h < 5; h++) {
            if (project && sizes[h] == 1)
                continue;
            check_config(&(config){.kind = kind,
                                   .I = sizes[(h + choice) % 5],
                                   .H = sizes[h],
                                   .L = L,
                                   .P = project ? sizes[h] - 1 : 0,
                                   .D = D,
                                   .T = 4,
                                   .N = 3,
                                   .bias = bias,
                                   .given = given,
                                   .dgiven = 3 - given,
                                   .output = true});
        }
    }
}

// -------------------------------------------------------------------- the twin against differences

static double pull(reference_stack *s) // a number that all of y, hn and cn have a say in
{
    double sum = 0;
    reference_stack_forward(s);
    for (size_t i = 0; i < (size_t)(s->T * s->N * s->D * s->Ho); i++)
        sum += s->y[i] * s->dy[i];
    for (size_t i = 0; i < s->states; i++)
        sum += s->hn[i] * s->dhn[i];
    for (size_t i = 0; i < s->cells && s->kind == UNROLLED_LSTM; i++)
        sum += s->cn[i] * s->dcn[i];
    return sum;
}

static double difference_error(reference_stack *s, size_t n, double *values, const double *slopes)
{
    const double e = 1e-5; // the error of the difference is e² = 1e-10 and 1e-16 / e = 1e-11
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        const double value = values[i];
        values[i] = value + e;
        const double up = pull(s);
        values[i] = value - e;
        const double down = pull(s);
        values[i] = value;
        worst = larger(worst, fabs((up - down) / (2 * e) - slopes[i]));
    }
    return worst;
}

static void fill(size_t n, double *values)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (double)draw();
}

static void test_the_twin(void)
{
    const double bound = 1e-8;
    for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_GRU; kind++)
        for (int D = 1; D <= 2; D++)
            for (int P = 0; P <= (kind == UNROLLED_LSTM ? 2 : 0); P += 2) {
                reference_stack *s = reference_stack_create(kind, 2, 3, 2, P, D, D == 2, 3, 2);
                const size_t rows = 3 * 2, width = (size_t)(D * s->Ho);
                fill(s->num_params, s->params), fill(rows * 2, s->x), fill(rows * width, s->dy);
                fill(s->states, s->h0), fill(s->states, s->dhn);
                fill(s->cells, s->c0), fill(s->cells, s->dcn);
                fill(rows * width, s->mask);

                reference_stack_forward(s);
                reference_stack_backward(s);
                CHECK(s->kink > 1e-4); // no difference reaches over it
                CHECK(difference_error(s, s->num_params, s->params, s->dparams) < bound);
                CHECK(difference_error(s, rows * 2, s->x, s->dx) < bound);
                CHECK(difference_error(s, s->states, s->h0, s->dh0) < bound);
                if (kind == UNROLLED_LSTM)
                    CHECK(difference_error(s, s->cells, s->c0, s->dc0) < bound);
                reference_stack_destroy(s);
            }
}

// ---------------------------------------------------------------------- forwards that keep nothing

// So many rows of gates that a forward that keeps nothing works in chunks.
static void test_chunks(void)
{
    static const config large[] = {
        {.kind = UNROLLED_RNN_TANH, .I = 3, .H = 64, .L = 2, .D = 2, .T = 33, .N = 70},
        {.kind = UNROLLED_RNN_RELU, .I = 1, .H = 257, .L = 1, .D = 1, .T = 257, .N = 1},
        {.kind = UNROLLED_LSTM, .I = 9, .H = 64, .L = 1, .D = 2, .T = 200, .N = 3},
        {.kind = UNROLLED_LSTM, .I = 3, .H = 32, .L = 2, .P = 5, .D = 2, .T = 90, .N = 7},
        // the last chunk has few rows, but the product they are a part of has many
        {.kind = UNROLLED_LSTM, .I = 9, .H = 300, .L = 1, .D = 1, .T = 70, .N = 1},
        {.kind = UNROLLED_LSTM, .I = 2, .H = 33, .L = 1, .D = 2, .T = 3, .N = 500}, // one step each
        {.kind = UNROLLED_GRU, .I = 5, .H = 64, .L = 2, .D = 2, .T = 80, .N = 9},
        {.kind = UNROLLED_GRU, .I = 1, .H = 400, .L = 1, .D = 2, .T = 65, .N = 1},
    };
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
        for (int given = 0; given < 4; given += 3) {
            config c = large[i];
            c.bias = given;
            c.given = given;
            c.output = true;
            pair p = pair_make(&c);
            run_forward(&p, true);
            if (given) {
                run_backward(&p, WANT_INPUT | WANT_STATE);
                reference_stack_forward(p.twin);
                reference_stack_backward(p.twin);
                CHECK(p.twin->kink > 1e-7);
                CHECK(values_right(&p) && gradients_right(&p));
            }
            float *y = copies(p.outputs, p.m->y), *hn = copies(p.states, p.s->states.h);
            float *cn = copies(p.cells, p.s->states.c);

            run_forward(&p, false);
            CHECK(p.s->levels[0].layers[0].room < c.T);
            CHECK(same_bits(p.outputs, p.m->y, y));
            CHECK(same_bits(p.states, p.s->states.h, hn) && same_bits(p.cells, p.s->states.c, cn));
            free(y), free(hn), free(cn);
            pair_free(&p);
        }
}

// ------------------------------------------------------------------------------- batch after batch

// Another batch size plans anew; what fits takes no memory; no value depends on what was before.
static void test_other_batches(void)
{
    static const struct {
        int T, N;
        bool keep, fits;
    } batches[] = {{2, 3, true, false}, {9, 8, true, false}, {1, 1, true, true},
                   {9, 8, false, true}, {5, 5, true, true},  {9, 8, true, true},
                   {9, 9, true, false}, {2, 3, false, true}, {2, 3, true, true}};
    for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_GRU; kind++)
        for (int D = 1; D <= 2; D++) {
            const config c = {.kind = kind,
                              .I = 3,
                              .H = 5,
                              .L = 2,
                              .P = kind == UNROLLED_LSTM ? 3 : 0,
                              .D = D,
                              .T = 1,
                              .N = 1,
                              .bias = true,
                              .given = D,
                              .dgiven = 1,
                              .output = true};
            pair p = pair_make(&c);
            for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
                pair_feed(&p, batches[i].T, batches[i].N);
                const size_t held = memory_held();
                run_forward(&p, batches[i].keep);
                CHECK((memory_held() == held) == batches[i].fits);
                CHECK(p.m->pending == batches[i].keep);
                reference_stack_forward(p.twin);
                CHECK(values_right(&p));
                if (!batches[i].keep)
                    continue;
                const size_t planned = memory_held();
                run_backward(&p, WANT_INPUT | WANT_STATE);
                CHECK(memory_held() == planned && !p.m->pending);
                reference_stack_backward(p.twin);
                CHECK(gradients_right(&p)); // the sums of all backwards so far
            }
            module_zero_grad(p.m);
            for (size_t i = 0; i < p.m->num_values; i++)
                CHECK(p.m->grads[i] == 0);
            pair_free(&p);
        }
}

// ------------------------------------------------------------------------------ what is not wanted

static void test_wanted(void)
{
    for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_GRU; kind++)
        for (int wanted = 0; wanted < 3; wanted++) {
            const config c = {.kind = kind,
                              .I = 3,
                              .H = 6,
                              .L = 2,
                              .P = kind == UNROLLED_LSTM ? 2 : 0,
                              .D = 2,
                              .T = 4,
                              .N = 3,
                              .bias = true,
                              .given = wanted, // at 0 the products with h0 = 0 are left out
                              .output = true};
            pair p = pair_make(&c);
            const size_t inputs = 4 * 3 * 3;
            run_forward(&p, true);
            run_backward(&p, WANT_INPUT | WANT_STATE);
            float *grads = copies(p.m->num_values, p.m->grads), *dx = copies(inputs, p.m->dx);
            float *dh = copies(p.states, p.s->states.dh);

            module_zero_grad(p.m);
            run_forward(&p, true);
            vector_zero(inputs, p.m->dx);
            run_backward(&p, wanted);
            CHECK(same_bits(p.m->num_values, p.m->grads, grads));
            if (wanted & WANT_INPUT)
                CHECK(same_bits(inputs, p.m->dx, dx));
            else
                for (size_t i = 0; i < inputs; i++)
                    CHECK(p.m->dx[i] == 0);
            if (wanted & WANT_STATE)
                CHECK(same_bits(p.states, p.s->states.dh, dh));
            free(grads), free(dx), free(dh);
            pair_free(&p);
        }
}

// Gradients that hold nothing yet are replaced, all of them: as if they had been zeros.
static void test_fresh(void)
{
    for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_GRU; kind++)
        for (int at = 0; at < 16; at++) {
            const config c = {.kind = kind,
                              .I = 3,
                              .H = 5,
                              .L = 2,
                              .P = kind == UNROLLED_LSTM && at & 1 ? 2 : 0,
                              .D = 2,
                              .T = at & 2 ? 4 : 1, // no product with a state in between
                              .N = at & 4 ? 33 : 2,
                              .bias = at & 1,
                              .given = at & 8 ? UNROLLED_HAS_H : 0,
                              .output = true};
            pair p = pair_make(&c);
            run_forward(&p, true);
            module_zero_grad(p.m);
            run_backward(&p, 0);
            float *grads = copies(p.m->num_values, p.m->grads);

            for (size_t i = 0; i < p.m->num_values; i++)
                p.m->grads[i] = NAN;
            module_fresh_grad(p.m);
            run_forward(&p, true);
            run_backward(&p, 0);
            for (size_t i = 0; i < p.m->num_values; i++)
                CHECK(p.m->grads[i] == grads[i]); // -0 is 0
            CHECK(!module_suspect(p.m));
            free(grads);
            pair_free(&p);
        }
}

// A gradient that is not finite is noticed, wherever it comes in, and forgotten by zero_grad.
static void test_suspects(void)
{
    for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_GRU; kind++)
        for (int at = 0; at < 4 * 3 * 10; at++) {
            const config c = {.kind = kind,
                              .I = 2,
                              .H = 5,
                              .L = 2,
                              .D = 2,
                              .T = 4,
                              .N = 3,
                              .bias = at % 2,
                              .output = true};
            pair p = pair_make(&c);
            run_forward(&p, true);
            p.dy[at] = at % 3 ? NAN : -INFINITY;
            run_backward(&p, 0);
            // ReLU gives back nothing where it is flat
            CHECK(module_suspect(p.m) || (kind == UNROLLED_RNN_RELU && p.m->y[at] == 0));
            module_zero_grad(p.m);
            CHECK(!module_suspect(p.m));
            pair_free(&p);
        }
}

// ----------------------------------------------------------------------------------------- dropout

// The masks are the stream's Bernoulli numbers, one layer after the other, time first; the stream
// moves by them and by nothing else.
static void test_dropout(void)
{
    for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_GRU; kind++)
        for (int D = 1; D <= 2; D++) {
            const config c = {.kind = kind,
                              .I = 3,
                              .H = 4,
                              .L = 3,
                              .D = D,
                              .T = 5,
                              .N = 2,
                              .bias = true,
                              .dgiven = 1,
                              .output = true,
                              .dropout = 0.3};
            pair p = pair_make(&c);
            const size_t count = p.outputs; // of each of the first two layers
            float *mask = floats(count);

            rng_seed(rng_global(), 11);
            rng expected = *rng_global();
            run_forward(&p, true);
            for (int l = 0; l < 2; l++) {
                rng_bernoulli(&expected, count, 1.0 - 0.3, mask);
                for (size_t i = 0; i < count; i++)
                    mask[i] *= 1.0F / (float)(1.0 - 0.3);
                CHECK(same_bits(count, mask, p.s->levels[l].mask));
                widen(count, mask, p.twin->mask + (size_t)l * count);
            }
            CHECK(memcmp(&expected, rng_global(), sizeof expected) == 0);
            p.m->training = false; // between the two: the backward is that of the forward
            run_backward(&p, WANT_INPUT | WANT_STATE);
            reference_stack_forward(p.twin);
            reference_stack_backward(p.twin);
            CHECK(values_right(&p) && gradients_right(&p));
            CHECK(memcmp(&expected, rng_global(), sizeof expected) == 0);

            module_zero_grad(p.m);
            pair_feed(&p, 5, 2); // in eval(): no masks, no draws
            memset(p.twin->dparams, 0, p.twin->num_params * sizeof *p.twin->dparams);
            run_forward(&p, true);
            run_backward(&p, WANT_INPUT | WANT_STATE);
            reference_stack_forward(p.twin);
            reference_stack_backward(p.twin);
            CHECK(values_right(&p) && gradients_right(&p));
            CHECK(memcmp(&expected, rng_global(), sizeof expected) == 0);
            free(mask);
            pair_free(&p);
        }
}

// p = 0 is no dropout, p = 1 lets nothing through, and neither draws.
static void test_dropout_of_none_and_all(void)
{
    for (int all = 0; all < 2; all++) {
        const config c = {.kind = UNROLLED_GRU,
                          .I = 3,
                          .H = 4,
                          .L = 2,
                          .D = 2,
                          .T = 3,
                          .N = 2,
                          .bias = true,
                          .output = true,
                          .dropout = all};
        pair p = pair_make(&c);
        const rng before = *rng_global();
        for (size_t i = 0; i < p.outputs; i++)
            p.twin->mask[i] = all ? 0 : 1;
        run_forward(&p, true);
        run_backward(&p, WANT_INPUT | WANT_STATE);
        reference_stack_forward(p.twin);
        reference_stack_backward(p.twin);
        CHECK(values_right(&p) && gradients_right(&p));
        CHECK(memcmp(&before, rng_global(), sizeof before) == 0);
        for (size_t i = 0; all && i < 3 * 2 * 3; i++)
            CHECK(p.m->dx[i] == 0);
        pair_free(&p);
    }

    float mask[5];
    rng r;
    rng_seed(&r, 5);
    const rng before = r;
    dropout_mask(&r, 5, 0, mask);
    CHECK(mask[0] == 1 && mask[4] == 1);
    dropout_mask(&r, 5, 1, mask);
    CHECK(mask[0] == 0 && mask[4] == 0);
    CHECK(memcmp(&before, &r, sizeof r) == 0);
}

// ---------------------------------------------------------------------------------------- creation

// Names, shapes and order of PyTorch's parameters, drawn one after the other from +-1/sqrt(H).
static void test_parameters(void)
{
    static const struct {
        const char *name;
        int rows, cols;
    } wanted[] = {{"weight_ih_l0", 20, 3},         {"weight_hh_l0", 20, 2},
                  {"bias_ih_l0", 20, 0},           {"bias_hh_l0", 20, 0},
                  {"weight_hr_l0", 2, 5},          {"weight_ih_l0_reverse", 20, 3},
                  {"weight_hh_l0_reverse", 20, 2}, {"bias_ih_l0_reverse", 20, 0},
                  {"bias_hh_l0_reverse", 20, 0},   {"weight_hr_l0_reverse", 2, 5},
                  {"weight_ih_l1", 20, 4},         {"weight_hh_l1", 20, 2},
                  {"bias_ih_l1", 20, 0},           {"bias_hh_l1", 20, 0},
                  {"weight_hr_l1", 2, 5},          {"weight_ih_l1_reverse", 20, 4},
                  {"weight_hh_l1_reverse", 20, 2}, {"bias_ih_l1_reverse", 20, 0},
                  {"bias_hh_l1_reverse", 20, 0},   {"weight_hr_l1_reverse", 2, 5}};
    const config c = {.kind = UNROLLED_LSTM, .I = 3, .H = 5, .L = 2, .P = 2, .D = 2, .bias = true};
    rng r, expected;
    rng_seed(&r, 7);
    expected = r;
    stack *s = stack_of(&c, &r);
    const module *m = &s->base;
    const float bound = (float)(1 / sqrt(5.0));

    CHECK(m->num_parameters == 20 && m->inputs == 3 && m->outputs == 4);
    size_t offset = 0;
    for (int i = 0; i < 20; i++) {
        const parameter *p = &m->table[i];
        const size_t count = (size_t)p->rows * (p->cols ? (size_t)p->cols : 1);
        float *drawn = floats(count);
        CHECK(strcmp(p->name, wanted[i].name) == 0);
        CHECK(p->rows == wanted[i].rows && p->cols == wanted[i].cols && p->offset == offset);
        rng_uniform(&expected, count, -bound, bound, drawn);
        CHECK(same_bits(count, drawn, m->params + offset));
        offset += count;
        free(drawn);
    }
    CHECK(offset == m->num_values && memcmp(&expected, &r, sizeof r) == 0);
    module_destroy(&s->base);

    char room[LAYER_SUFFIX];
    CHECK(strcmp(layer_suffix(134217727, true, room), "_l134217727_reverse") == 0);
    CHECK(strcmp(layer_suffix(10, false, room), "_l10") == 0);
    CHECK(strcmp(layer_suffix(-1, false, room), "") == 0);
}

int main(void)
{
    const size_t held = memory_held();
    test_steps();
    test_steps_at_the_edge();
    test_the_twin();
    test_all_sizes();
    test_all_choices();
    test_chunks();
    test_other_batches();
    test_wanted();
    test_fresh();
    test_suspects();
    test_dropout();
    test_dropout_of_none_and_all();
    test_parameters();
    CHECK(memory_held() == held);
    printf("errors: steps %.1e, values %.1e, gradients %.1e\n", worst_step, worst_value,
           worst_gradient);
    return test_report("layers");
}
