// Memory that is refused: everything that asks for it, with the first request refused, the second,
// and so on until it succeeds. Each time the answer is UNROLLED_E_MEMORY, nothing is kept that was
// not there before, the random stream stands where it stood, no parameter has moved, and what
// worked before works afterwards.
#include "memory.h"
#include "test.h"

#ifndef UNROLLED_FAULTS

int main(void)
{
    const bool compiled_with_faults = false; // -DUNROLLED_FAULTS is missing
    CHECK(compiled_with_faults);
    return test_report("faults");
}

#else

#include "cell.h"
#include "handle.h"
#include "numbers.h"
#include "rng.h"
#include "staged.h"
#include "stream.h"
#include "trainer.h"

static module *module_at(int handle) { return handle_get(HANDLE_MODULE, handle); }

// --------------------------------------------------------------------------------------- creations

// What a creation needs and makes something of.
typedef struct {
    int model, objective, updates; // handles
    int32_t parts[3];              // for a Sequential: in no other
} world;

typedef int creation(const world *w);

static const double options[UNROLLED_NUM_OPTIONS] = {
    [UNROLLED_LR] = 0.1,    [UNROLLED_EPS] = 1e-8,   [UNROLLED_MOMENTUM] = 0.5,
    [UNROLLED_BETA1] = 0.9, [UNROLLED_BETA2] = 0.99, [UNROLLED_ALPHA] = 0.9,
    [UNROLLED_AMSGRAD] = 1, [UNROLLED_CENTERED] = 1,
};

static int create_rnn(const world *w)
{
    (void)w;
    return make_stack(UNROLLED_RNN_RELU, 3, 4, 1, 0, 0, 0);
}

static int create_lstm(const world *w)
{
    (void)w;
    return make_stack(UNROLLED_LSTM, 3, 5, 2, 2, 0.5, UNROLLED_BIAS | UNROLLED_BIDIRECTIONAL);
}

static int create_gru(const world *w)
{
    (void)w;
    return make_stack(UNROLLED_GRU, 3, 4, 2, 0, 0, UNROLLED_BIAS);
}

static int create_cell(const world *w)
{
    (void)w;
    return make_cell(UNROLLED_LSTM, 3, 4, UNROLLED_BIAS);
}

static int create_linear(const world *w)
{
    (void)w;
    return make_linear(3, 4, UNROLLED_BIAS);
}

static int create_activation(const world *w)
{
    (void)w;
    return make_activation(UNROLLED_SOFTMAX, 4);
}

static int create_dropout(const world *w)
{
    (void)w;
    return make_dropout(0.5);
}

static int create_last_step(const world *w)
{
    (void)w;
    return unrolled_module_create(UNROLLED_LAST_STEP, 0, 0, 0, 0, 0, 0);
}

static int create_sequential(const world *w) { return unrolled_sequential_create(3, w->parts); }

static int create_loss(const world *w)
{
    (void)w;
    return unrolled_loss_create(UNROLLED_NLL, UNROLLED_MEAN, 0, -100, 3, (const float[]){1, 2, 3});
}

static int create_optimizer_of(const world *w, int kind)
{
    const int32_t pairs[] = {w->model, 0, w->model, 2, w->model, 3};
    return unrolled_optimizer_create(kind, options, 3, pairs);
}

static int create_sgd(const world *w) { return create_optimizer_of(w, UNROLLED_SGD); }
static int create_adam(const world *w) { return create_optimizer_of(w, UNROLLED_ADAM); }
static int create_rmsprop(const world *w) { return create_optimizer_of(w, UNROLLED_RMSPROP); }

static int create_trainer(const world *w)
{
    return unrolled_trainer_create(w->model, w->objective, w->updates, 1, UNROLLED_THROW);
}

static int create_numpy(const world *w)
{
    (void)w;
    return unrolled_numpy_create(3);
}

static const struct {
    const char *name;
    creation *create;
    int requests; // at least
} creations[] = {
    {"rnn", create_rnn, 4},
    {"lstm", create_lstm, 4},
    {"gru", create_gru, 4},
    {"cell", create_cell, 3},
    {"linear", create_linear, 3},
    {"activation", create_activation, 1},
    {"dropout", create_dropout, 1},
    {"last step", create_last_step, 1},
    {"loss", create_loss, 2},
    {"sgd", create_sgd, 2},
    {"adam", create_adam, 3},
    {"rmsprop", create_rmsprop, 3},
    {"trainer", create_trainer, 1},
    {"numpy", create_numpy, 1},
    {"sequential", create_sequential, 2}, // last: it takes the parts over
};
enum { CREATIONS = sizeof creations / sizeof creations[0], MOST_HANDLES = 1 << 14 };

// Fills the table of handles, so that the next one makes it grow; returns how many it took.
static int fill_handles(int *handles)
{
    static int anybody;
    int count = 0, handle;
    memory_refuse_after(0); // only growing asks for memory
    while ((handle = handle_open(HANDLE_NUMPY, &anybody)) > 0)
        handles[count++] = handle;
    memory_refuse_after(-1);
    return count;
}

static world world_make(void)
{
    world w;
    w.model = make_stack(UNROLLED_GRU, 3, 4, 1, 0, 0, UNROLLED_BIAS);
    w.objective = unrolled_loss_create(UNROLLED_MSE, UNROLLED_MEAN, 0, 0, 0, NULL);
    w.updates = create_sgd(&w);
    w.parts[0] = make_stack(UNROLLED_RNN_TANH, 2, 3, 1, 0, 0, UNROLLED_BIAS | UNROLLED_BATCH_FIRST);
    w.parts[1] = make_last_step();
    w.parts[2] = make_linear(3, 1, 0);
    return w;
}

// One creation refused at every request. full: the table of handles as well.
static void check_creation(int i, bool full)
{
    static int fillers[MOST_HANDLES];
    const world w = world_make();
    const int filled = full ? fill_handles(fillers) : 0;
    size_t held = memory_held();
    const int open = handle_count();
    const rng stream = *rng_global();
    int refused = 0, handle;

    for (;; refused++) {
        memory_refuse_after(refused);
        handle = creations[i].create(&w);
        memory_refuse_after(-1);
        if (handle > 0)
            break;
        CHECK(handle == UNROLLED_E_MEMORY && unrolled_out()[0] == (uint32_t)memory_refused());
        if (full && refused == 1) // room for the handle comes before all else, and stays
            held = memory_held();
        CHECK(memory_held() == held && handle_count() == open);
        CHECK(memcmp(&stream, rng_global(), sizeof stream) == 0);
        for (int p = 0; p < 3; p++) { // what was offered to a Sequential is as it was
            CHECK(module_at(w.parts[p])->parent == NULL);
            CHECK(module_at(w.parts[p])->batch_first == (p == 0));
        }
    }
    CHECK(refused >= creations[i].requests); // each request was one of the refused
    CHECK(handle_count() == open + 1 && unrolled_module_info(w.model) == UNROLLED_OK);
    CHECK(unrolled_destroy(handle) == UNROLLED_OK && unrolled_destroy(handle) == UNROLLED_E_HANDLE);
    for (int k = 0; k < filled; k++)
        handle_close(fillers[k]);
    const int rest[] = {w.model, w.objective, w.updates, w.parts[0], w.parts[1], w.parts[2]};
    for (int k = 0; k < 6; k++) // a Sequential has taken the parts with it
        CHECK(
            unrolled_destroy(rest[k]) ==
            (k < 3 || creations[i].create != create_sequential ? UNROLLED_OK : UNROLLED_E_HANDLE));
    CHECK(handle_count() == 0);
    if (test_failures)
        fprintf(stderr, "%s\n", creations[i].name);
}

// No room for one more handle, nor memory to make it: nothing is made or drawn.
static void test_no_room(void)
{
    static int fillers[MOST_HANDLES];
    const world w = world_make();
    const int filled = fill_handles(fillers), open = handle_count();
    const size_t held = memory_held();
    const rng stream = *rng_global();

    for (int i = 0; i < CREATIONS; i++) {
        memory_refuse_after(0);
        CHECK(creations[i].create(&w) == UNROLLED_E_MEMORY);
        memory_refuse_after(-1);
        CHECK(unrolled_out()[0] == (uint32_t)memory_refused());
        CHECK(memory_held() == held && handle_count() == open);
        CHECK(memcmp(&stream, rng_global(), sizeof stream) == 0);
    }
    for (int k = 0; k < filled; k++)
        handle_close(fillers[k]);
    const int made[] = {w.model, w.objective, w.updates, w.parts[0], w.parts[1], w.parts[2]};
    for (int k = 0; k < 6; k++)
        CHECK(unrolled_destroy(made[k]) == UNROLLED_OK);
}

static void test_creations(void)
{
    check_creation(0, false); // the table of handles is there from now on
    for (int i = 0; i < CREATIONS; i++) {
        const size_t held = memory_held();
        check_creation(i, false);
        CHECK(memory_held() == held);
    }
    for (int i = 0; i < CREATIONS; i += 2) // it doubles each time: 64 to 16384
        check_creation(i, true);
    test_no_room();
}

// -------------------------------------------------------------------------------- room for a batch

enum { MODELS = 8 };

static int model_of(int i)
{
    const int flags = UNROLLED_BIAS | UNROLLED_BATCH_FIRST;
    rng_seed(rng_global(), 41);
    int32_t parts[3];
    switch (i) {
    case 0:
        return make_stack(UNROLLED_LSTM, 3, 4, 2, 2, 0, flags | UNROLLED_BIDIRECTIONAL);
    case 1:
        return make_stack(UNROLLED_GRU, 3, 4, 1, 0, 0, UNROLLED_BIAS);
    case 2:
        return make_linear(3, 4, UNROLLED_BIAS);
    case 3:
        return make_activation(UNROLLED_SOFTMAX, 3);
    case 4:
        return make_dropout(0);
    case 5:
        return make_last_step();
    case 6:
        parts[0] = make_linear(3, 5, 0);
        parts[1] = make_stack(UNROLLED_LSTM, 5, 4, 2, 0, 0, flags);
        parts[2] = make_linear(4, 3, 0);
        return unrolled_sequential_create(3, parts);
    default:
        parts[0] = make_stack(UNROLLED_RNN_TANH, 3, 4, 1, 0, 0, flags);
        parts[1] = make_last_step();
        parts[2] = make_linear(4, 3, 0);
        parts[1] = unrolled_sequential_create(2, parts + 1);
        return unrolled_sequential_create(2, parts);
    }
}

// A batch of ones forward, its output; to be freed.
static float *ones_through(int handle, int T, int N)
{
    CHECK(unrolled_reserve(handle, T, N, 3, 1) == UNROLLED_OK);
    module *m = module_at(handle);
    for (int i = 0; i < T * N * 3; i++)
        m->call.input[i] = 1;
    CHECK(unrolled_forward(handle, 0) == UNROLLED_OK);
    return copies((size_t)(m->out.T * m->out.N * m->out.F), call_output(m));
}

// A model that had a small batch is given a larger one, and the request number `refused` fails;
// false when there was none of this number. grown: what is held when nothing is refused.
static bool refuse_reserve(int i, int refused, const float *y, size_t *grown)
{
    const size_t before = memory_held();
    const int handle = model_of(i);
    free(ones_through(handle, 2, 3));
    const size_t held = memory_held();
    memory_refuse_after(refused);
    const int e = unrolled_reserve(handle, 4, 5, 3, 1);
    memory_refuse_after(-1);

    if (e != UNROLLED_OK) {
        CHECK(e == UNROLLED_E_MEMORY && unrolled_out()[0] == (uint32_t)memory_refused());
        // what grew before the refusal stays with the module, for the next attempt
        CHECK(memory_held() >= held && (refused > 0 || memory_held() == held));
        CHECK(unrolled_forward(handle, 0) == UNROLLED_E_STATE);
        CHECK(unrolled_backward(handle, UNROLLED_HAS_OUTPUT) == UNROLLED_E_STATE);
        CHECK(unrolled_pending(handle) == UNROLLED_E_STATE);
        memory_refuse_after(0); // the small batch fits as it did, and its output is the same
        float *again = ones_through(handle, 2, 3);
        memory_refuse_after(-1);
        const shape out = module_at(handle)->out;
        CHECK(same_bits((size_t)(out.T * out.N * out.F), again, y));
        free(again);
        CHECK(unrolled_reserve(handle, 4, 5, 3, 1) == UNROLLED_OK);
    }
    CHECK(*grown == 0 || memory_held() - before == *grown); // by whatever way
    *grown = memory_held() - before;
    CHECK(unrolled_destroy(handle) == UNROLLED_OK && memory_held() == before);
    return e != UNROLLED_OK;
}

static void check_reserve(int i, int requests)
{
    const int handle = model_of(i);
    float *y = ones_through(handle, 2, 3);
    size_t grown = 0;
    int refused = 0;
    unrolled_destroy(handle);
    while (refuse_reserve(i, refused, y, &grown))
        refused++;
    CHECK(refused == requests);
    free(y);
}

static void test_reserves(void)
{
    static const int requests[MODELS] = {2, 2, 2, 2, 2, 2, 4, 4}; // each module, and the call
    for (int i = 0; i < MODELS; i++)
        check_reserve(i, requests[i]);
}

// The module's room was found, the caller's was not; the Sequential then plans its child for the
// batch that the child's caller had before.
static void test_child_after_refusal(void)
{
    const int32_t line = make_linear(3, 4, 1);
    const int whole = unrolled_sequential_create(1, &line);
    CHECK(unrolled_reserve(line, 1, 2, 3, 1) == UNROLLED_OK);
    memory_refuse_after(1);
    CHECK(unrolled_reserve(line, 1, 200, 3, 1) == UNROLLED_E_MEMORY);
    memory_refuse_after(-1);
    CHECK(unrolled_reserve(whole, 1, 2, 3, 1) == UNROLLED_OK);
    CHECK(unrolled_forward(line, 0) == UNROLLED_E_STATE);
    unrolled_destroy(whole);
}

// -------------------------------------------------------------------------------------- the others

// No step until there is room for all of its batch, and the weights do not move. False when there
// was no request of this number.
static bool refuse_trainer(int refused)
{
    const size_t before = memory_held();
    const int model = model_of(7), objective = unrolled_loss_create(UNROLLED_MSE, 0, 0, 0, 0, NULL);
    const int32_t pairs[] = {module_at(model)->children[0]->handle, 1};
    const int updates = unrolled_optimizer_create(UNROLLED_ADAM, options, 1, pairs);
    const int whole = unrolled_trainer_create(model, objective, updates, 0, UNROLLED_THROW);
    trainer *t = handle_get(HANDLE_TRAINER, whole);
    module *rnn = module_at(pairs[0]);
    float *weights = copies(rnn->num_values, rnn->params);

    CHECK(unrolled_trainer_reserve(whole, 2, 1, 3, -1, NULL, SIZE_MAX) == UNROLLED_OK);
    memory_refuse_after(refused);
    const int e = unrolled_trainer_reserve(whole, 4, 5, 3, -1, NULL, SIZE_MAX);
    memory_refuse_after(-1);
    if (e != UNROLLED_OK) {
        CHECK(e == UNROLLED_E_MEMORY && unrolled_trainer_step(whole) == UNROLLED_E_STATE);
        CHECK(unrolled_trainer_reserve(whole, 4, 5, 3, -1, NULL, SIZE_MAX) == UNROLLED_OK);
    }
    CHECK(same_bits(rnn->num_values, weights, rnn->params));
    memset(t->model->call.input, 0, 4 * 5 * 3 * sizeof(float));
    memset(t->target, 0, t->pair.targets * sizeof(float));
    memory_refuse_after(0); // a step asks for nothing
    CHECK(unrolled_trainer_step(whole) == UNROLLED_OK);
    CHECK(memory_take(1) == NULL); // the first request since
    memory_refuse_after(-1);
    CHECK(!same_bits(rnn->num_values, weights, rnn->params));
    free(weights);
    CHECK(!unrolled_destroy(whole) && !unrolled_destroy(updates) && !unrolled_destroy(objective));
    CHECK(!unrolled_destroy(model) && memory_held() == before);
    return e != UNROLLED_OK;
}

static void test_trainer(void)
{
    int refused = 0;
    while (refuse_trainer(refused))
        refused++;
    CHECK(refused == 5); // three modules, the call, the target
}

// A loss keeps its batch, and the forward that waits.
static void test_loss(void)
{
    static const int32_t small[] = {2, 3}, large[] = {20, 3};
    const int handle = unrolled_loss_create(UNROLLED_MSE, UNROLLED_NONE, 0, 0, 0, NULL);
    criterion *c = handle_get(HANDLE_LOSS, handle);
    CHECK(unrolled_loss_reserve(handle, 2, small, 2, small) == UNROLLED_OK);
    for (int i = 0; i < 6; i++)
        c->prediction[i] = (float)i, ((float *)c->target)[i] = 1;
    CHECK(unrolled_loss_forward(handle) == UNROLLED_OK);
    const size_t held = memory_held();

    memory_refuse_after(0);
    CHECK(unrolled_loss_reserve(handle, 2, large, 2, large) == UNROLLED_E_MEMORY);
    memory_refuse_after(-1);
    CHECK(memory_held() == held && unrolled_loss_pending(handle) == UNROLLED_OK);
    CHECK(unrolled_loss_backward(handle, 0) == UNROLLED_OK && c->dprediction[5] == 8);
    CHECK(unrolled_loss_reserve(handle, 2, large, 2, large) == UNROLLED_OK);
    CHECK(unrolled_loss_pending(handle) == UNROLLED_E_STATE);
    unrolled_destroy(handle);
}

// A cell keeps the frames that wait; a stream the state it carries.
static void test_steps(void)
{
    const int handle = make_cell(UNROLLED_GRU, 2, 3, 1);
    cell *c = handle_get(HANDLE_MODULE, handle);
    for (int waiting = 0; waiting < 5; waiting++) { // the fifth makes the list of frames grow
        int refused = 0;
        for (;; refused++) {
            memory_refuse_after(refused);
            const int e = unrolled_reserve(handle, 1, 2, 2, 1);
            memory_refuse_after(-1);
            if (e == UNROLLED_OK)
                break;
            CHECK(e == UNROLLED_E_MEMORY && unrolled_forward(handle, 0) == UNROLLED_E_STATE);
            CHECK(c->depth == waiting);
            CHECK(unrolled_pending(handle) == (waiting ? UNROLLED_OK : UNROLLED_E_STATE));
        }
        CHECK(refused == (waiting % 4 ? 1 : 2));
        memset(cell_next(c)->x, 0, 2 * 2 * sizeof(float));
        CHECK(unrolled_forward(handle, 0) == UNROLLED_OK);
    }
    for (int waiting = 5; waiting > 0; waiting--)
        CHECK(unrolled_backward(handle, 0) == UNROLLED_OK);
    CHECK(unrolled_backward(handle, 0) == UNROLLED_E_STATE);
    unrolled_destroy(handle);

    const int live = make_stack(UNROLLED_LSTM, 2, 3, 2, 0, 0, UNROLLED_BIAS);
    const stack_stream *stream = &((stack *)handle_get(HANDLE_MODULE, live))->stream;
    memory_refuse_after(0);
    CHECK(unrolled_step_reserve(live, 1) == UNROLLED_E_MEMORY);
    memory_refuse_after(-1);
    CHECK(unrolled_step(live) == UNROLLED_E_STATE);
    CHECK(unrolled_step_reserve(live, 1) == UNROLLED_OK);
    stream->x[0] = stream->x[1] = 1;
    CHECK(unrolled_step(live) == UNROLLED_OK);
    const float h = stream->h[0];
    memory_refuse_after(0);
    CHECK(unrolled_reset_state(live, 9, NULL, NULL) == UNROLLED_E_MEMORY);
    memory_refuse_after(-1);
    CHECK(stream->N == 1 && stream->h[0] == h && unrolled_step(live) == UNROLLED_OK);
    unrolled_destroy(live);
}

// What takes memory for the time of the call.
static void test_passing_memory(void)
{
    const int handle = make_linear(6, 4, 1);
    const int32_t pairs[] = {handle, 0, handle, 1};
    module *m = module_at(handle);
    for (size_t i = 0; i < m->num_values; i++)
        m->grads[i] = 3;
    float *params = copies(m->num_values, m->params), *grads = copies(m->num_values, m->grads);
    const size_t held = memory_held();
    const rng stream = *rng_global();

    for (int call = 0; call < 3; call++)
        for (int refused = 0;; refused++) {
            memory_refuse_after(refused);
            const int e = call == 0 ? unrolled_clip(2, pairs, 1, 2)
                          : call == 1
                              ? unrolled_clip(2, pairs, 0.01, 0)
                              : unrolled_initialize(handle, 0, UNROLLED_INIT_ORTHOGONAL, 1, 0);
            memory_refuse_after(-1);
            CHECK(memory_held() == held);
            if (e == UNROLLED_OK) {
                CHECK(refused > 0);
                memcpy(m->grads, grads, m->num_values * sizeof *grads);
                break;
            }
            CHECK(e == UNROLLED_E_MEMORY);
            CHECK(same_bits(m->num_values, m->params, params));
            CHECK(same_bits(m->num_values, m->grads, grads));
            CHECK(memcmp(&stream, rng_global(), sizeof stream) == 0);
        }
    CHECK(!same_bits(m->num_values, m->params, params));
    unrolled_destroy(handle);
    free(params), free(grads);

    // the block for passing arrays: the smaller one stays
    const size_t room = 2 * STAGED_ROOM;
    unsigned char *block = unrolled_stage(room);
    block[room - 1] = 7;
    memory_refuse_after(0);
    CHECK(unrolled_stage(room + 1) == NULL && unrolled_out()[0] == room + 1);
    memory_refuse_after(-1);
    CHECK(unrolled_stage(room) == block && block[room - 1] == 7);
    CHECK(unrolled_stage(room + 1) != NULL);
}

// Everything else asks for nothing: it succeeds while memory is refused, and the refusal still
// waits for whoever asks next.
#define WITHOUT_MEMORY(call)                                                                       \
    do {                                                                                           \
        memory_refuse_after(0);                                                                    \
        CHECK((call) == UNROLLED_OK);                                                              \
        CHECK(memory_take(1) == NULL);                                                             \
        memory_refuse_after(-1);                                                                   \
    } while (0)

static void test_without_memory(void)
{
    const int line = make_linear(3, 2, 1), live = model_of(1);
    const int numpy = unrolled_numpy_create(5),
              whole = unrolled_loss_create(UNROLLED_MSE, 0, 0, 0, 0, NULL);
    const int32_t pairs[] = {line, 0, line, 1}, square[] = {2, 3};
    const int adam = unrolled_optimizer_create(UNROLLED_ADAM, options, 2, pairs);
    const int fit = unrolled_trainer_create(line, whole, adam, 0, UNROLLED_IGNORE);
    const int doomed = make_dropout(0);
    float *room = (float *)(void *)staged_room();
    int32_t *order = (int32_t *)(void *)room;
    double *reals = (double *)(void *)room;
    const size_t open = (size_t)handle_count();

    CHECK(unrolled_trainer_reserve(fit, 1, 2, 3, -1, NULL, 4) == UNROLLED_OK);
    memset(module_at(line)->call.input, 0, 6 * sizeof(float));
    memset(((trainer *)handle_get(HANDLE_TRAINER, fit))->target, 0, 4 * sizeof(float));
    WITHOUT_MEMORY(unrolled_trainer_step(fit));
    CHECK(unrolled_reserve(line, 1, 2, 3, 1) == UNROLLED_OK);
    memset(module_at(line)->call.input, 0, 6 * sizeof(float));
    WITHOUT_MEMORY(unrolled_forward(line, 0));
    WITHOUT_MEMORY(unrolled_pending(line));
    memset(module_at(line)->call.doutput, 0, 4 * sizeof(float));
    WITHOUT_MEMORY(unrolled_backward(line, UNROLLED_HAS_OUTPUT));
    WITHOUT_MEMORY(unrolled_zero_grad(line));
    WITHOUT_MEMORY(unrolled_train(line, 0));
    WITHOUT_MEMORY(unrolled_module_info(line));
    WITHOUT_MEMORY(unrolled_parameter(line, 1));
    WITHOUT_MEMORY(unrolled_initialize(line, 0, UNROLLED_INIT_XAVIER_NORMAL, 1, 0));
    CHECK(unrolled_step_reserve(live, 1) == UNROLLED_OK);
    memset(((stack *)handle_get(HANDLE_MODULE, live))->stream.x, 0, 3 * sizeof(float));
    WITHOUT_MEMORY(unrolled_step(live));
    CHECK(unrolled_loss_reserve(whole, 2, square, 2, square) == UNROLLED_OK);
    criterion *c = handle_get(HANDLE_LOSS, whole);
    memset(c->prediction, 0, 6 * sizeof(float)), memset(c->target, 0, 6 * sizeof(float));
    WITHOUT_MEMORY(unrolled_loss_forward(whole));
    WITHOUT_MEMORY(unrolled_loss_pending(whole));
    WITHOUT_MEMORY(unrolled_loss_backward(whole, 0));
    WITHOUT_MEMORY(unrolled_optimizer_options(adam, options, -1));
    WITHOUT_MEMORY(unrolled_optimizer_step(adam));
    WITHOUT_MEMORY(unrolled_optimizer_zero_grad(adam));
    WITHOUT_MEMORY(unrolled_optimizer_info(adam, 1));
    WITHOUT_MEMORY(unrolled_optimizer_options(adam, options, 3));
    WITHOUT_MEMORY((unrolled_draw)(numpy, UNROLLED_NORMAL, 9, 0, 1, reals));
    WITHOUT_MEMORY((unrolled_draw)(numpy, UNROLLED_INTEGERS, 9, 0, 5, order));
    WITHOUT_MEMORY((unrolled_draw)(numpy, UNROLLED_PERMUTATION, 9, 0, 0, order));
    WITHOUT_MEMORY((unrolled_draw)(0, UNROLLED_UNIFORM, 9, 0, 1, room));
    WITHOUT_MEMORY((unrolled_draw)(0, UNROLLED_NORMAL, 40, 0, 1, room));
    WITHOUT_MEMORY((unrolled_draw)(0, UNROLLED_BERNOULLI, 9, 0.5, 0, room));
    WITHOUT_MEMORY((unrolled_draw)(0, UNROLLED_INTEGERS, 9, 0, 5, order));
    WITHOUT_MEMORY((unrolled_draw)(0, UNROLLED_PERMUTATION, 9, 0, 0, order));
    WITHOUT_MEMORY((unrolled_draw)(0, UNROLLED_EPOCH, 9, 1, 0, order));
    memcpy(room, unrolled_rng_state(), sizeof(rng));
    WITHOUT_MEMORY(unrolled_rng_restore(room));
    WITHOUT_MEMORY((unrolled_seed(3), unrolled_info(), UNROLLED_OK));
    CHECK(unrolled_out()[1] == open);
    WITHOUT_MEMORY(unrolled_destroy(doomed));
    const int handles[] = {fit, adam, whole, line, live, numpy};
    for (int i = 0; i < 6; i++)
        unrolled_destroy(handles[i]);
}

int main(void)
{
    CHECK(staged_room() != NULL); // from now on it takes no more
    test_creations();
    test_reserves();
    test_trainer();
    test_loss();
    test_steps();
    test_without_memory();
    test_passing_memory();
    test_child_after_refusal();
    CHECK(handle_count() == 0);
    return test_report("faults");
}

#endif
