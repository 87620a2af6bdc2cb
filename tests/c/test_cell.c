// Cells, whose forwards stack up and are undone newest first, against a stack of one layer; and
// streams, a stack's steps one at a time, against its forward over all of them.
#include "cell.h"
#include "memory.h"
#include "numbers.h"
#include "stack.h"
#include "stream.h"
#include "test.h"
#include "vector.h"

static double worst_cell, worst_stream;

static cell *new_cell(int kind, int I, int H, bool bias)
{
    cell *c = cell_create(kind, I, H, bias, rng_global());
    if (!c)
        abort();
    return c;
}

static stack *new_stack(int kind, int I, int H, int L, int P, double dropout, int flags)
{
    stack *s = stack_create(kind, I, H, L, P, dropout, flags, rng_global());
    if (!s)
        abort();
    return s;
}

// The largest difference of floats, as error_of measures.
static double difference(size_t n, const float *a, const float *b)
{
    double *wide = doubles(n);
    widen(n, b, wide);
    const double error = error_of(n, a, wide);
    free(wide);
    return error;
}

// ------------------------------------------------------------------------------------------- cells

// A cell and a stack of one layer with the same parameters, the same T steps of N sequences.
typedef struct {
    int I, H, T, N;
    bool lstm;
    cell *c;
    stack *s;
    size_t in, state;        // values in a step's input and state
    float *x, *dy, *h0, *c0; // [T][N][I], [T][N][H], [N][H] each
    float *dx;               // [T][N][I] of the cell
    const float *h, *cn;     // after the last forward of the cell
    const float *dh, *dc;    // after its last backward
} race;

static race race_make(int kind, int I, int H, int T, int N, bool bias)
{
    race r = {.I = I, .H = H, .T = T, .N = N, .lstm = kind == UNROLLED_LSTM};
    rng_seed(rng_global(), 21);
    r.c = new_cell(kind, I, H, bias);
    rng_seed(rng_global(), 21);
    r.s = new_stack(kind, I, H, 1, 0, 0, bias ? UNROLLED_BIAS : 0);
    r.in = (size_t)(N * I), r.state = (size_t)(N * H);
    const size_t steps = (size_t)T;
    r.x = draws(steps * r.in, 1), r.dy = draws(steps * r.state, 1), r.dx = floats(steps * r.in);
    r.h0 = draws(r.state, 1), r.c0 = draws(r.state, 1);
    return r;
}

static void race_free(race *r)
{
    free(r->x), free(r->dy), free(r->h0), free(r->c0), free(r->dx);
    module_destroy(&r->c->base), module_destroy(&r->s->base);
}

// given: of the first step; the others get the state of the one before.
static void cell_steps(race *r, int given, bool keep)
{
    r->h = r->h0, r->cn = r->c0;
    for (int t = 0; t < r->T; t++) {
        const int depth = r->c->depth, here = t ? UNROLLED_HAS_H | UNROLLED_HAS_C : given;
        float *h = copies(r->state, r->h), *c = copies(r->state, r->cn);
        CHECK(cell_reserve(r->c, r->N, keep) == UNROLLED_OK && r->c->depth == depth);
        cell_frame *f = cell_next(r->c);
        vector_copy(r->in, r->x + (size_t)t * r->in, f->x);
        if (here & UNROLLED_HAS_H)
            vector_copy(r->state, h, f->states.h0);
        if (r->lstm && (here & UNROLLED_HAS_C))
            vector_copy(r->state, c, f->states.c0);
        cell_forward(r->c, here);
        CHECK(r->c->depth == depth + keep);
        r->h = f->states.h, r->cn = r->lstm ? f->states.c : r->c0;
        free(h), free(c);
    }
}

// From the newest to the oldest: the gradient of a step's state is what the next one gave back and
// its own part of dy.
static void cell_steps_back(race *r)
{
    float *dh = floats(r->state), *dc = floats(r->state);
    vector_zero(r->state, dh), vector_zero(r->state, dc);
    for (int t = r->T - 1; t >= 0; t--) {
        cell_frame *f = cell_newest(r->c);
        vector_add(r->state, r->dy + (size_t)t * r->state, dh);
        vector_copy(r->state, dh, f->states.dh);
        if (r->lstm)
            vector_copy(r->state, dc, f->states.dc);
        // a gradient of c that is not given counts as zeros
        cell_backward(r->c, t == r->T - 1 ? UNROLLED_HAS_H : UNROLLED_HAS_H | UNROLLED_HAS_C);
        vector_copy(r->state, f->states.dh, dh);
        if (r->lstm)
            vector_copy(r->state, f->states.dc, dc);
        vector_copy(r->in, f->dx, r->dx + (size_t)t * r->in);
        r->dh = f->states.dh, r->dc = f->states.dc;
    }
    free(dh), free(dc);
}

static void stack_steps(race *r, int given)
{
    module *m = &r->s->base;
    CHECK(module_reserve(m, (shape){r->T, r->N, r->I}, true) == UNROLLED_OK);
    if (given & UNROLLED_HAS_H)
        vector_copy(r->state, r->h0, r->s->states.h0);
    if (r->lstm && (given & UNROLLED_HAS_C))
        vector_copy(r->state, r->c0, r->s->states.c0);
    module_forward(m, r->x, given);
    module_backward(m, r->dy, 0, WANT_INPUT | WANT_STATE);
}

static void check_cell(int kind, int H, int T, int N, int given)
{
    race r = race_make(kind, 1 + (H + N) % 5, H, T, N, (H + T) % 3 > 0);
    const module *m = &r.s->base, *c = &r.c->base;
    const size_t steps = (size_t)T;

    CHECK(m->num_values == c->num_values && same_bits(m->num_values, m->params, c->params));
    CHECK(c->inputs == r.I && c->outputs == H && cell_is(c) && !cell_is(m));
    for (int round = 0; round < 2; round++) { // gradients add up
        cell_steps(&r, given, true);
        stack_steps(&r, given);
        double error = difference(r.state, r.h, r.s->states.h);
        if (r.lstm)
            error = larger(error, difference(r.state, r.cn, r.s->states.c));
        cell_steps(&r, given, false); // in between, and without a trace
        CHECK(r.c->depth == T);

        cell_steps_back(&r);
        CHECK(r.c->depth == 0 && cell_newest(r.c) == NULL && !module_suspect(c));
        error = larger(error, difference(steps * r.in, r.dx, m->dx));
        error = larger(error, difference(r.state, r.dh, r.s->states.dh));
        if (r.lstm)
            error = larger(error, difference(r.state, r.dc, r.s->states.dc));
        error = larger(error, difference(m->num_values, c->grads, m->grads));
        worst_cell = larger(worst_cell, error);
        CHECK(error < 2e-6); // the bound of test_layers.c: both err
        if (T == 1)          // then both are the same layer of one step
            CHECK(error == 0);
    }
    race_free(&r);
}

static void test_cells(void)
{
    static const int hidden[] = {1, 2, 3, 4, 5, 8, 17}, batches[] = {1, 2, 5, 8, 9};
    for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_GRU; kind++)
        for (int h = 0; h < 7; h++)
            for (int n = 0; n < 5; n++)
                for (int T = 1; T < 8; T += 3)
                    check_cell(kind, hidden[h], T, batches[n], (h + n + T) % 4);
}

// Frames wait with their own batch sizes; what was large enough once is kept.
static void test_frames(void)
{
    static const int batches[] = {3, 1, 7, 2, 5, 5, 1, 9, 4}; // more than the first four frames
    enum { COUNT = 9, I = 3, H = 4 };
    cell *c = new_cell(UNROLLED_LSTM, I, H, true);
    size_t held = 0;

    CHECK(cell_newest(c) == NULL);
    for (int round = 0; round < 3; round++) {
        float *outputs[COUNT];
        for (int i = 0; i < COUNT; i++) {
            const size_t in = (size_t)(batches[i] * I);
            CHECK(cell_reserve(c, batches[i], true) == UNROLLED_OK);
            float *x = draws(in, 1);
            vector_copy(in, x, cell_next(c)->x);
            free(x);
            cell_forward(c, 0);
            outputs[i] = copies((size_t)(batches[i] * H), cell_newest(c)->states.h);
            CHECK(c->depth == i + 1);
        }
        if (round == 0)
            held = memory_held();
        CHECK(memory_held() == held);
        if (round == 1) {
            cell_forget(c);
            CHECK(cell_newest(c) == NULL);
        }
        for (int i = COUNT - 1; i >= 0; i--) {
            const size_t count = (size_t)(batches[i] * H);
            if (round != 1) {
                const cell_frame *f = cell_newest(c);
                CHECK(f->step.N == batches[i] && same_bits(count, f->states.h, outputs[i]));
                vector_zero(count, f->states.dh);
                cell_backward(c, UNROLLED_HAS_H);
                for (size_t j = 0; j < (size_t)(batches[i] * I); j++)
                    CHECK(f->dx[j] == 0);
            }
            free(outputs[i]);
        }
        CHECK(c->depth == 0);
    }
    module_destroy(&c->base);
}

// A batch beyond any machine is refused, and the cell goes on.
static void test_refused_frame(void)
{
    cell *c = new_cell(UNROLLED_RNN_TANH, 1, 300, false);
    CHECK(cell_reserve(c, 2, true) == UNROLLED_OK);
    const size_t held = memory_held();
    CHECK(cell_reserve(c, INT32_MAX, true) == UNROLLED_E_MEMORY && memory_held() == held);
    CHECK(cell_reserve(c, 2, true) == UNROLLED_OK && memory_held() == held);
    module_destroy(&c->base);
}

// ----------------------------------------------------------------------------------------- streams

// T steps one at a time against one forward over them, from states given or zeros.
static void check_stream(int kind, int L, int P, int H, int N, bool states)
{
    enum { T = 6 };
    const int I = 1 + (H + L) % 4, Ho = P ? P : H;
    const size_t in = (size_t)(N * I), out = (size_t)(N * Ho), cells = (size_t)(N * H);
    const bool lstm = kind == UNROLLED_LSTM;
    // dropout is off in a stream, in training too; the forward beside it is in eval()
    stack *s = new_stack(kind, I, H, L, P, 0.5, (H + N) % 3 ? UNROLLED_BIAS : 0);
    module *m = &s->base;
    float *x = draws(T * in, 1), *dy = draws(T * out, 1);
    float *h0 = draws((size_t)L * out, 1), *c0 = draws((size_t)L * cells, 1);
    const rng before = *rng_global();
    double error = 0;

    module_train(m, false);
    CHECK(module_reserve(m, (shape){T, N, I}, true) == UNROLLED_OK);
    if (states) {
        vector_copy((size_t)L * out, h0, s->states.h0);
        if (lstm)
            vector_copy((size_t)L * cells, c0, s->states.c0);
    }
    module_forward(m, x, states ? UNROLLED_HAS_H | UNROLLED_HAS_C : 0);
    module_train(m, true);

    if (states)
        CHECK(stream_reset(s, N, h0, c0) == UNROLLED_OK);
    for (int t = 0; t < T; t++) {
        CHECK(stream_reserve(s, N) == UNROLLED_OK);
        const size_t held = memory_held();
        vector_copy(in, x + (size_t)t * in, s->stream.x);
        stream_step(s);
        error = larger(error, difference(out, s->stream.y, m->y + (size_t)t * out));
        CHECK(memory_held() == held);
    }
    error = larger(error, difference((size_t)L * out, s->stream.h, s->states.h));
    if (lstm)
        error = larger(error, difference((size_t)L * cells, s->stream.c, s->states.c));
    worst_stream = larger(worst_stream, error);
    CHECK(error < 1e-6);
    CHECK(memcmp(&before, rng_global(), sizeof before) == 0);

    // the forward that waits was not disturbed
    CHECK(m->pending);
    module_backward(m, dy, 0, WANT_INPUT);
    float *grads = copies(m->num_values, m->grads);
    module_zero_grad(m), module_train(m, false);
    CHECK(module_reserve(m, (shape){T, N, I}, true) == UNROLLED_OK);
    if (states) {
        vector_copy((size_t)L * out, h0, s->states.h0);
        if (lstm)
            vector_copy((size_t)L * cells, c0, s->states.c0);
    }
    module_forward(m, x, states ? UNROLLED_HAS_H | UNROLLED_HAS_C : 0);
    module_backward(m, dy, 0, WANT_INPUT);
    CHECK(same_bits(m->num_values, m->grads, grads));
    module_destroy(m);
    free(x), free(dy), free(h0), free(c0), free(grads);
}

static void test_streams(void)
{
    static const int hidden[] = {1, 2, 3, 5, 8, 17};
    for (int kind = UNROLLED_RNN_TANH; kind <= UNROLLED_GRU; kind++)
        for (int L = 1; L < 4; L++)
            for (int h = 0; h < 6; h++)
                for (int N = 1; N < 10; N += h % 2 ? 2 : 4) {
                    const int H = hidden[h];
                    const int P = kind == UNROLLED_LSTM && (L + N) % 2 ? H / 2 : 0;
                    check_stream(kind, L, P, H, N, (h + N) % 2);
                }
}

// The carried state: of N sequences, until it is set or forgotten.
static void test_carried_state(void)
{
    enum { I = 2, H = 3, L = 2 };
    stack *s = new_stack(UNROLLED_LSTM, I, H, L, 0, 0, UNROLLED_BIAS);
    float *h0 = draws(L * 4 * H, 1), *c0 = draws(L * 4 * H, 1), y[4 * H];

    CHECK(s->stream.N == 0 && stream_reserve(s, 2) == UNROLLED_OK && s->stream.N == 2);
    vector_zero(2 * I, s->stream.x);
    stream_step(s);
    vector_copy(2 * H, s->stream.y, y);
    CHECK(stream_reserve(s, 3) == UNROLLED_E_SHAPE && s->stream.N == 2);
    CHECK(stream_reserve(s, 2) == UNROLLED_OK);
    CHECK(same_bits(2 * H, s->stream.h + 2 * H, y)); // the last layer's, as it was

    CHECK(stream_reset(s, 0, NULL, NULL) == UNROLLED_OK && s->stream.N == 0);
    CHECK(stream_reserve(s, 4) == UNROLLED_OK); // now of four, from zeros
    for (int i = 0; i < L * 4 * H; i++)
        CHECK(s->stream.h[i] == 0 && s->stream.c[i] == 0);
    const size_t held = memory_held();
    CHECK(stream_reset(s, 4, h0, NULL) == UNROLLED_OK);
    CHECK(same_bits(L * 4 * H, s->stream.h, h0) && s->stream.c[L * 4 * H - 1] == 0);
    CHECK(stream_reset(s, 1, NULL, c0) == UNROLLED_OK);
    CHECK(same_bits(L * H, s->stream.c, c0) && s->stream.h[0] == 0);
    CHECK(memory_held() == held);

    vector_zero(I, s->stream.x);
    stream_step(s);

    // a step reads the parameters as they are now
    vector_copy(H, s->stream.y, y);
    CHECK(stream_reset(s, 1, NULL, c0) == UNROLLED_OK);
    s->base.params[0] += 1;
    vector_fill_rows(1, I, (const float[]){1, 1}, NULL, s->stream.x, I);
    stream_step(s);
    CHECK(!same_bits(H, s->stream.y, y));
    module_destroy(&s->base);
    free(h0), free(c0);
}

// A batch beyond any machine is refused, and what was carried is still there.
static void test_refused_stream(void)
{
    enum { H = 300 };
    stack *s = new_stack(UNROLLED_RNN_TANH, 1, H, 1, 0, 0, 0);
    float *h0 = draws(2 * H, 1);
    CHECK(stream_reset(s, 2, h0, NULL) == UNROLLED_OK);
    const size_t held = memory_held();
    CHECK(stream_reset(s, INT32_MAX, NULL, NULL) == UNROLLED_E_MEMORY && memory_held() == held);
    CHECK(s->stream.N == 2 && same_bits(2 * H, s->stream.h, h0));
    vector_zero(2, s->stream.x);
    stream_step(s);
    CHECK(!same_bits(2 * H, s->stream.h, h0));
    module_destroy(&s->base);
    free(h0);
}

int main(void)
{
    const size_t held = memory_held();
    test_cells();
    test_frames();
    test_refused_frame();
    test_streams();
    test_carried_state();
    test_refused_stream();
    CHECK(memory_held() == held);
    printf("differences: cells %.1e, streams %.1e\n", worst_cell, worst_stream);
    return test_report("cell");
}
