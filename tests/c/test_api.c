// The exports as a caller meets them: handles that are stale, foreign or of another kind, sizes
// that are zero, negative or huge, calls out of turn, each is a status and never a crash, and
// leaves memory and the random stream as they were. Then ten thousand calls in no order at all,
// some of them with memory refused. Addresses in the out block have 32 bits, so what is at them is
// read and written in WebAssembly alone.
#include "handle.h"
#include "memory.h"
#include "numbers.h"
#include "rng.h"
#include "staged.h"
#include "test.h"
#include "trainer.h"
#include "unrolled.h"

static const double options[UNROLLED_NUM_OPTIONS] = {
    [UNROLLED_LR] = 0.1,    [UNROLLED_EPS] = 1e-8,   [UNROLLED_MOMENTUM] = 0.5,
    [UNROLLED_BETA1] = 0.9, [UNROLLED_BETA2] = 0.99, [UNROLLED_ALPHA] = 0.9,
};
static const int32_t square[] = {2, 3};
static double drawn[8];
static int32_t whole[8];

// ----------------------------------------------------------------------------------------- handles

enum { STACK = 1, CELL = 2, LINE = 4, MODULE = STACK | CELL | LINE };
enum { LOSS = 8, OPTIMIZER = 16, TRAINER = 32, NUMPY = 64, KINDS = 7 };

static int model, objective, updates; // what a trainer is made of

static double double_at(int place)
{
    double value;
    memcpy(&value, unrolled_out() + place, sizeof value);
    return value;
}

// 0 is the instance's own stream.
static int draw_of(int h)
{
    return h ? unrolled_draw(h, UNROLLED_NORMAL, 2, 0, 1, drawn) : UNROLLED_E_HANDLE;
}

static int parameter_of(int h) { return unrolled_parameter(h, 0); }
static int initialize(int h) { return unrolled_initialize(h, 0, UNROLLED_INIT_UNIFORM, -1, 1); }
static int train(int h) { return unrolled_train(h, 1); }
static int reserve(int h) { return unrolled_reserve(h, 1, 2, 3, 1); }
static int forward(int h) { return unrolled_forward(h, 0); }
static int backward(int h) { return unrolled_backward(h, UNROLLED_HAS_OUTPUT); }
static int step_reserve(int h) { return unrolled_step_reserve(h, 2); }
static int reset_state(int h) { return unrolled_reset_state(h, 0, NULL, NULL); }
static int loss_reserve(int h) { return unrolled_loss_reserve(h, 2, square, 2, square); }
static int loss_backward_of(int h) { return unrolled_loss_backward(h, 0); }
static int set_options(int h) { return unrolled_optimizer_options(h, options, -1); }
static int restart(int h) { return unrolled_optimizer_options(h, options, 3); }
static int moments(int h) { return unrolled_optimizer_info(h, 0); }
static int trainer_room(int h) { return unrolled_trainer_reserve(h, 1, 2, 3, -1, NULL, SIZE_MAX); }

static int clip_norm(int h)
{
    const int32_t pair[] = {h, 0};
    return unrolled_clip(1, pair, 1, 2);
}

static int clip_value(int h)
{
    const int32_t pair[] = {h, 0};
    return unrolled_clip(1, pair, 1, 0);
}

static int destroyed(int h)
{
    CHECK(h <= 0 || unrolled_destroy(h) == UNROLLED_OK);
    return h;
}

static int optimizer_of(int h)
{
    const int32_t pair[] = {h, 0};
    return destroyed(unrolled_optimizer_create(UNROLLED_ADAM, options, 1, pair));
}

static int trainer_of_model(int h)
{
    return destroyed(unrolled_trainer_create(h, objective, updates, 0, UNROLLED_SKIP));
}

static int trainer_of_loss(int h)
{
    return destroyed(unrolled_trainer_create(model, h, updates, 0, UNROLLED_SKIP));
}

static int trainer_of_optimizer(int h)
{
    return destroyed(unrolled_trainer_create(model, objective, h, 0, UNROLLED_SKIP));
}

// Each export that takes a handle, and the kinds it takes.
static const struct {
    const char *name;
    int (*call)(int handle);
    int kinds;
} exports[] = {
    {"draw", draw_of, NUMPY},
    {"module_info", unrolled_module_info, MODULE},
    {"parameter", parameter_of, MODULE},
    {"initialize", initialize, MODULE},
    {"zero_grad", unrolled_zero_grad, MODULE},
    {"train", train, MODULE},
    {"reserve", reserve, MODULE},
    {"forward", forward, MODULE},
    {"pending", unrolled_pending, MODULE},
    {"backward", backward, MODULE},
    {"step_reserve", step_reserve, STACK},
    {"step", unrolled_step, STACK},
    {"reset_state", reset_state, STACK},
    {"loss_reserve", loss_reserve, LOSS},
    {"loss_forward", unrolled_loss_forward, LOSS},
    {"loss_pending", unrolled_loss_pending, LOSS},
    {"loss_backward", loss_backward_of, LOSS},
    {"optimizer_create", optimizer_of, MODULE},
    {"optimizer_options", set_options, OPTIMIZER},
    {"optimizer_options, restart", restart, OPTIMIZER},
    {"optimizer_step", unrolled_optimizer_step, OPTIMIZER},
    {"optimizer_zero_grad", unrolled_optimizer_zero_grad, OPTIMIZER},
    {"optimizer_info", moments, OPTIMIZER},
    {"clip_norm", clip_norm, MODULE},
    {"clip_value", clip_value, MODULE},
    {"trainer_create", trainer_of_model, MODULE},
    {"trainer_create", trainer_of_loss, LOSS},
    {"trainer_create", trainer_of_optimizer, OPTIMIZER},
    {"trainer_reserve", trainer_room, TRAINER},
    {"trainer_step", unrolled_trainer_step, TRAINER},
};
enum { EXPORTS = sizeof exports / sizeof exports[0] };

static int optimizer_over(int handle)
{
    const int32_t pairs[] = {handle, 0, handle, 1};
    return unrolled_optimizer_create(UNROLLED_SGD, options, 2, pairs);
}

static void test_handles(void)
{
    const int before = handle_count();
    model = make_linear(3, 2, UNROLLED_BIAS);
    objective = unrolled_loss_create(UNROLLED_MSE, UNROLLED_MEAN, 0, 0, 0, NULL);
    updates = optimizer_over(model);
    const int kinds[KINDS] = {make_stack(UNROLLED_LSTM, 3, 4, 1, 0, 0, UNROLLED_BIAS),
                              make_cell(UNROLLED_GRU, 3, 4, UNROLLED_BIAS),
                              make_linear(3, 4, UNROLLED_BIAS),
                              unrolled_loss_create(UNROLLED_L1, UNROLLED_SUM, 0, 0, 0, NULL),
                              optimizer_over(model),
                              unrolled_trainer_create(model, objective, updates, 1, UNROLLED_THROW),
                              unrolled_numpy_create(5)};
    const int stale = make_dropout(0.1);
    CHECK(unrolled_destroy(stale) == UNROLLED_OK);
    const int foreign[] = {0,
                           -1,
                           1,
                           63,
                           stale,
                           INT32_MAX,
                           INT32_MIN,
                           (1 << 20) + 77777,    // a place beyond the table
                           kinds[0] ^ (1 << 25), // another life of a place
                           kinds[0] | (1 << 19)};
    const int open = handle_count();

    for (int k = 0; k < KINDS; k++)
        CHECK(kinds[k] > 0);
    for (int e = 0; e < EXPORTS; e++) {
        const int failures = test_failures;
        const size_t held = memory_held();
        for (size_t f = 0; f < sizeof foreign / sizeof foreign[0]; f++)
            CHECK(exports[e].call(foreign[f]) == UNROLLED_E_HANDLE);
        for (int k = 0; k < KINDS; k++)
            if (!(exports[e].kinds & 1 << k))
                CHECK(exports[e].call(kinds[k]) == UNROLLED_E_HANDLE);
        CHECK(memory_held() == held && handle_count() == open);
        for (int k = 0; k < KINDS; k++)
            if (exports[e].kinds & 1 << k)
                CHECK(exports[e].call(kinds[k]) != UNROLLED_E_HANDLE);
        CHECK(handle_count() == open);
        if (test_failures > failures)
            fprintf(stderr, "%s\n", exports[e].name);
    }
    for (size_t f = 0; f < sizeof foreign / sizeof foreign[0]; f++) {
        const int32_t parts[] = {kinds[0], foreign[f]};
        CHECK(unrolled_destroy(foreign[f]) == UNROLLED_E_HANDLE);
        CHECK(unrolled_sequential_create(2, parts) == UNROLLED_E_HANDLE && unrolled_out()[0] == 1);
    }
    for (int k = 3; k < KINDS; k++) {
        const int32_t part = kinds[k];
        CHECK(unrolled_sequential_create(1, &part) == UNROLLED_E_HANDLE && unrolled_out()[0] == 0);
    }
    unrolled_info();
    CHECK(unrolled_out()[1] == (uint32_t)open);
    for (int k = 0; k < KINDS; k++)
        CHECK(unrolled_destroy(kinds[k]) == UNROLLED_OK);
    CHECK(!unrolled_destroy(updates) && !unrolled_destroy(objective) && !unrolled_destroy(model));
    CHECK(handle_count() == before);
}

// ------------------------------------------------------------------------------------------- sizes

static int stack_of(int kind, int I, int H, int L, int P, double dropout)
{
    return make_stack(kind, I, H, L, P, dropout, UNROLLED_BIAS);
}

// Refused, as it should be, and nothing is left of it.
#define REFUSED(call, reason)                                                                      \
    do {                                                                                           \
        const size_t held = memory_held();                                                         \
        const int open = handle_count();                                                           \
        const rng stream = *rng_global();                                                          \
        CHECK((call) == (reason));                                                                 \
        CHECK(memory_held() == held && handle_count() == open);                                    \
        CHECK(memcmp(&stream, rng_global(), sizeof stream) == 0);                                  \
    } while (0)

static const int not_sizes[] = {0, -1, -4, INT32_MIN, INT32_MIN + 1};
enum { NOT_SIZES = sizeof not_sizes / sizeof not_sizes[0], MILLION = 1000000 };

static void test_creations(void)
{
    const int wrong = UNROLLED_E_ARGUMENT;
    for (int i = 0; i < NOT_SIZES; i++) {
        const int n = not_sizes[i];
        REFUSED(stack_of(UNROLLED_LSTM, n, 4, 1, 0, 0), wrong);
        REFUSED(stack_of(UNROLLED_LSTM, 3, n, 1, 0, 0), wrong);
        REFUSED(stack_of(UNROLLED_LSTM, 3, 4, n, 0, 0), wrong);
        REFUSED(make_cell(UNROLLED_GRU, n, 4, 0), wrong);
        REFUSED(make_cell(UNROLLED_GRU, 3, n, 0), wrong);
        REFUSED(make_linear(n, 4, 0), wrong);
        REFUSED(make_linear(3, n, 0), wrong);
        REFUSED(make_activation(UNROLLED_SOFTMAX, n), wrong);
        REFUSED(make_activation(UNROLLED_LOG_SOFTMAX, n), wrong);
        REFUSED(unrolled_sequential_create(n, whole), wrong);
        REFUSED(unrolled_optimizer_create(UNROLLED_SGD, options, n, whole), wrong);
        REFUSED(unrolled_clip(n, whole, 1, 2), wrong);
        REFUSED(unrolled_clip(n, whole, 1, 0), wrong);
        if (n < 0) {
            REFUSED(stack_of(UNROLLED_LSTM, 3, 4, 1, n, 0), wrong);
            REFUSED(stack_of(n, 3, 4, 1, 0, 0), wrong);
            REFUSED(make_cell(n, 3, 4, 0), wrong);
            REFUSED(make_activation(n, 3), wrong);
            REFUSED(unrolled_loss_create(n, 0, 0, 0, 0, NULL), wrong);
            REFUSED(unrolled_loss_create(0, n, 0, 0, 0, NULL), wrong);
            REFUSED(unrolled_loss_create(0, 0, 0, 0, n, NULL), wrong);
            REFUSED(unrolled_optimizer_create(n, options, 1, whole), wrong);
        }
    }
    REFUSED(stack_of(UNROLLED_LSTM, 3, 4, 1, 4, 0), wrong); // the projection is smaller than H
    REFUSED(stack_of(UNROLLED_GRU, 3, 4, 1, 2, 0), wrong);  // and an LSTM's
    REFUSED(stack_of(UNROLLED_LSTM, 3, 4, 2, 0, -0.1), wrong);
    REFUSED(stack_of(UNROLLED_LSTM, 3, 4, 2, 0, 1.1), wrong);
    REFUSED(stack_of(UNROLLED_LSTM, 3, 4, 2, 0, (double)NAN), wrong);
    REFUSED(make_dropout(-1e-9), wrong);
    REFUSED(make_dropout(1 + 1e-9), wrong);
    REFUSED(make_dropout((double)NAN), wrong);
    // what a kind does not have is not looked at
    CHECK(destroyed(unrolled_module_create(UNROLLED_LINEAR, 3, 4, UNROLLED_CELL, (double)NAN, -1,
                                           -1)) > 0);
    CHECK(destroyed(unrolled_module_create(UNROLLED_TANH, -1, -1, UNROLLED_CELL, (double)NAN, -1,
                                           -1)) > 0);
    REFUSED(unrolled_module_create(UNROLLED_LAST_STEP + 1, 3, 4, 0, 0, 1, 0), wrong);
    REFUSED(unrolled_loss_create(UNROLLED_NLL + 1, 0, 0, 0, 0, NULL), wrong);
    REFUSED(unrolled_loss_create(0, UNROLLED_NONE + 1, 0, 0, 0, NULL), wrong);
    REFUSED(unrolled_optimizer_create(UNROLLED_ADAGRAD + 1, options, 1, whole), wrong);

    // beyond what an int counts, and beyond any machine
    const int too_large = UNROLLED_E_MEMORY;
    REFUSED(stack_of(UNROLLED_LSTM, INT32_MAX, 4, 1, 0, 0), too_large);
    CHECK(unrolled_out()[0] == UINT32_MAX);
    REFUSED(stack_of(UNROLLED_LSTM, 3, INT32_MAX, 1, 0, 0), too_large);
    REFUSED(stack_of(UNROLLED_LSTM, 3, 4, INT32_MAX, 0, 0), too_large);
    REFUSED(stack_of(UNROLLED_LSTM, 3, INT32_MAX, 1, INT32_MAX - 1, 0), too_large);
    REFUSED(make_cell(UNROLLED_GRU, INT32_MAX, INT32_MAX, 0), too_large);
    REFUSED(make_linear(INT32_MAX, 1, 0), too_large);
    REFUSED(make_linear(1, INT32_MAX, 0), too_large);
    REFUSED(stack_of(UNROLLED_GRU, MILLION, MILLION, 1, 0, 0), too_large);
    REFUSED(make_cell(UNROLLED_LSTM, MILLION, MILLION, 0), too_large);
    REFUSED(make_linear(MILLION, MILLION, 0), too_large);
    if (sizeof(size_t) == 4) { // where 64 bits might find that much, and fill it
        REFUSED(unrolled_sequential_create(INT32_MAX, whole), wrong);
        REFUSED(unrolled_optimizer_create(UNROLLED_SGD, options, INT32_MAX, whole), wrong);
    }

    const int line = make_linear(3, 4, UNROLLED_BIAS);
    const int32_t twice[] = {line, 1, line, 1}, beyond[] = {line, 2}, below[] = {line, -1};
    REFUSED(unrolled_optimizer_create(UNROLLED_ADAM, options, 2, twice), wrong);
    REFUSED(unrolled_optimizer_create(UNROLLED_ADAM, options, 1, beyond), wrong);
    REFUSED(unrolled_optimizer_create(UNROLLED_ADAM, options, 1, below), wrong);
    REFUSED(unrolled_clip(1, beyond, 1, 2), wrong);
    REFUSED(unrolled_clip(1, twice, 1, -1), wrong);
    REFUSED(unrolled_clip(1, twice, 1, (double)NAN), wrong);
    REFUSED(unrolled_clip(1, twice, -1, 2), wrong);
    REFUSED(unrolled_clip(1, twice, -1, 0), wrong);
    REFUSED(unrolled_parameter(line, 2), wrong);
    REFUSED(unrolled_parameter(line, -1), wrong);
    REFUSED(unrolled_initialize(line, INT32_MAX, 0, 0, 1), wrong);
    REFUSED(unrolled_initialize(line, 0, UNROLLED_INIT_ORTHOGONAL + 1, 0, 1), wrong);
    REFUSED(unrolled_initialize(line, 0, -1, 0, 1), wrong);
    REFUSED(unrolled_initialize(line, 1, UNROLLED_INIT_XAVIER_NORMAL, 1, 0), wrong); // a vector
    unrolled_destroy(line);
}

static void test_batches(void)
{
    const int line = make_linear(3, 4, UNROLLED_BIAS);
    const int gru = make_stack(UNROLLED_GRU, 3, 4, 1, 0, 0, UNROLLED_BATCH_FIRST);
    const int both = make_stack(UNROLLED_GRU, 3, 4, 1, 0, 0, UNROLLED_BIDIRECTIONAL);
    const int step = make_cell(UNROLLED_LSTM, 3, 4, 0);
    const int mean = unrolled_loss_create(UNROLLED_MSE, 0, 0, 0, 0, NULL);
    const int adam = optimizer_over(line), fit = unrolled_trainer_create(line, mean, adam, 0, 0);
    const int modules[] = {line, gru, step};
    const int shape_wrong = UNROLLED_E_SHAPE;

    for (int i = 0; i < NOT_SIZES; i++) {
        const int n = not_sizes[i];
        const int32_t bad[] = {2, n};
        for (int m = 0; m < 3; m++) {
            REFUSED(unrolled_reserve(modules[m], n, 2, 3, 1), shape_wrong);
            REFUSED(unrolled_reserve(modules[m], 1, n, 3, 1), shape_wrong);
            REFUSED(unrolled_reserve(modules[m], 1, 2, n, 1), shape_wrong);
        }
        REFUSED(unrolled_step_reserve(gru, n), shape_wrong);
        if (n < 0)
            REFUSED(unrolled_reset_state(gru, n, NULL, NULL), shape_wrong);
        REFUSED(unrolled_trainer_reserve(fit, n, 2, 3, -1, NULL, SIZE_MAX), shape_wrong);
        REFUSED(unrolled_trainer_reserve(fit, 1, n, 3, -1, NULL, SIZE_MAX), shape_wrong);
        REFUSED(unrolled_trainer_reserve(fit, 1, 2, n, -1, NULL, SIZE_MAX), shape_wrong);
        REFUSED(unrolled_loss_reserve(mean, 2, bad, 2, square), shape_wrong);
        REFUSED(unrolled_loss_reserve(mean, 2, square, 2, bad), shape_wrong);
        if (n < 0)
            REFUSED(unrolled_loss_reserve(mean, n, square, 2, square), shape_wrong);
    }
    for (int m = 0; m < 3; m++) {
        REFUSED(unrolled_reserve(modules[m], INT32_MAX, INT32_MAX, 3, 1), shape_wrong);
        REFUSED(unrolled_reserve(modules[m], 1, 2, 4, 1), shape_wrong);
    }
    REFUSED(unrolled_reserve(step, 2, 2, 3, 1), shape_wrong); // a cell takes one step
    REFUSED(unrolled_reserve(line, INT32_MAX, 2, 3, 1), shape_wrong);
    REFUSED(unrolled_step_reserve(both, 1), UNROLLED_E_ARGUMENT); // no live stream runs backwards
    REFUSED(unrolled_reset_state(both, 1, NULL, NULL), UNROLLED_E_ARGUMENT);
    static const int32_t deep[] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, vast[] = {MILLION, MILLION};
    REFUSED(unrolled_loss_reserve(mean, 9, deep, 9, deep), shape_wrong);
    REFUSED(unrolled_loss_reserve(mean, 2, square, 9, deep), shape_wrong);
    REFUSED(unrolled_trainer_reserve(fit, 1, 2, 3, -1, NULL, 9), UNROLLED_E_TARGET);
    CHECK(unrolled_out()[0] == 8);
    CHECK(unrolled_trainer_reserve(fit, 1, 2, 3, -1, NULL, 8) == UNROLLED_OK);
    REFUSED(unrolled_loss_reserve(mean, 2, vast, 2, vast),
            sizeof(size_t) == 4 ? UNROLLED_E_SHAPE : UNROLLED_E_MEMORY);
    REFUSED(unrolled_loss_forward(mean), UNROLLED_E_STATE); // there was never room

    // a batch beyond any machine: 16 TB and more
    const int wide = make_dropout(0);
    REFUSED(unrolled_reserve(wide, 1, MILLION, 4 * MILLION, 0), UNROLLED_E_MEMORY);
    REFUSED(unrolled_reserve(wide, 1, INT32_MAX, INT32_MAX, 1), UNROLLED_E_MEMORY);
    const int handles[] = {fit, adam, mean, step, both, gru, line, wide};
    for (int i = 0; i < 8; i++)
        unrolled_destroy(handles[i]);
}

// ------------------------------------------------------------------------------------------- turns

static void test_turns(void)
{
    const int state = UNROLLED_E_STATE, ok = UNROLLED_OK;
    const int32_t line = make_linear(3, 3, UNROLLED_BIAS);
    CHECK(unrolled_forward(line, 0) == state && unrolled_pending(line) == state);
    CHECK(unrolled_backward(line, UNROLLED_HAS_OUTPUT) == state);
    CHECK(reserve(line) == ok && unrolled_pending(line) == state);
    CHECK(forward(line) == ok && forward(line) == ok); // the newest one waits
    CHECK(unrolled_pending(line) == ok && unrolled_backward(line, 0) == UNROLLED_E_ARGUMENT);
    CHECK(backward(line) == ok && backward(line) == state && unrolled_pending(line) == state);
    CHECK(forward(line) == ok && reserve(line) == ok && backward(line) == state); // forgotten
    CHECK(unrolled_reserve(line, 1, 2, 3, 0) == ok && forward(line) == ok);
    CHECK(backward(line) == state); // nothing was kept
    CHECK(forward(line) == ok && unrolled_reserve(line, 1, 2, 4, 1) == UNROLLED_E_SHAPE);
    CHECK(forward(line) == ok); // a refused shape changes nothing

    // a stack goes back from its final states alone
    const int gru = make_stack(UNROLLED_GRU, 3, 4, 1, 0, 0, 0);
    CHECK(reserve(gru) == ok && forward(gru) == ok && unrolled_backward(gru, 0) == ok);
    CHECK(unrolled_step(gru) == state && unrolled_step_reserve(gru, 2) == ok);
    CHECK(unrolled_step(gru) == ok && unrolled_step(gru) == ok);
    CHECK(unrolled_step_reserve(gru, 3) == UNROLLED_E_SHAPE);
    CHECK(unrolled_reset_state(gru, 0, NULL, NULL) == ok && unrolled_step(gru) == state);

    const int step = make_cell(UNROLLED_RNN_TANH, 3, 4, 0);
    CHECK(forward(step) == state && backward(step) == state);
    CHECK(reserve(step) == ok && forward(step) == ok && forward(step) == state);
    CHECK(reserve(step) == ok && forward(step) == ok && unrolled_zero_grad(step) == ok);
    CHECK(backward(step) == state); // zero_grad forgets
    CHECK(unrolled_reserve(step, 1, 2, 3, 0) == ok && forward(step) == ok);
    CHECK(backward(step) == state);
    CHECK(reserve(step) == ok && forward(step) == ok && reserve(step) == ok);
    CHECK(backward(step) == ok && forward(step) == state); // there was room after the one undone
    CHECK(reserve(step) == ok && unrolled_zero_grad(step) == ok && forward(step) == state);
    CHECK(reserve(step) == ok && forward(step) == ok);
    const int forgetful = optimizer_over(step);
    CHECK(unrolled_optimizer_zero_grad(forgetful) == ok && backward(step) == state);

    // inside a Sequential: still called by itself, but no longer destroyed
    const int32_t parts[] = {line, make_activation(UNROLLED_TANH, 0)};
    const int both = unrolled_sequential_create(2, parts);
    CHECK(both > 0 && unrolled_destroy(line) == state && unrolled_destroy(parts[1]) == state);
    CHECK(unrolled_sequential_create(1, &line) == UNROLLED_E_ARGUMENT && unrolled_out()[0] == 0);
    const int32_t cells[] = {gru, step};
    CHECK(unrolled_sequential_create(2, cells) == UNROLLED_E_ARGUMENT && unrolled_out()[0] == 1);
    CHECK(unrolled_parameter(both, 0) == UNROLLED_E_ARGUMENT); // its modules have them
    CHECK(reserve(both) == ok && forward(both) == ok && backward(line) == state);
    CHECK(backward(both) == ok);
    CHECK(reserve(both) == ok && forward(both) == ok && reserve(line) == ok);
    CHECK(forward(line) == ok && backward(both) == state && backward(line) == ok);
    CHECK(reserve(both) == ok && unrolled_reserve(line, 1, 7, 3, 1) == ok &&
          forward(both) == state);
    CHECK(unrolled_reserve(line, 1, 2, 3, 1) == ok && unrolled_reserve(both, 1, 500, 3, 1) == ok);
    CHECK(forward(line) == state); // its own caller's room is for two rows
    CHECK(reserve(both) == ok && unrolled_reserve(line, 1, 9000, 3, 1) == ok);
    CHECK(reserve(line) ==
          ok); // planned as it was, but elsewhere in memory: either answer is right
    const int elsewhere = forward(both);
    CHECK(elsewhere == ok || elsewhere == state);
    const int softmax = make_activation(UNROLLED_SOFTMAX, 5);
    const int32_t unfit[] = {gru, softmax};
    CHECK(unrolled_sequential_create(2, unfit) == UNROLLED_E_SHAPE && unrolled_out()[0] == 1);

    const int mean = unrolled_loss_create(UNROLLED_MSE, 0, 0, 0, 0, NULL);
    const int none = unrolled_loss_create(UNROLLED_MSE, UNROLLED_NONE, 0, 0, 0, NULL);
    CHECK(unrolled_loss_forward(mean) == state && unrolled_loss_backward(mean, 0) == state);
    CHECK(loss_reserve(mean) == ok && unrolled_loss_pending(mean) == state);
    CHECK(unrolled_loss_forward(mean) == ok && unrolled_loss_pending(mean) == ok);
    CHECK(unrolled_loss_backward(mean, 1) == UNROLLED_E_ARGUMENT); // one value has no gradients
    CHECK(unrolled_loss_backward(mean, 0) == ok && unrolled_loss_backward(mean, 0) == state);
    CHECK(loss_reserve(none) == ok && unrolled_loss_forward(none) == ok);
    CHECK(unrolled_loss_backward(none, 1) == ok);

    const int adam = optimizer_over(line);
    CHECK(unrolled_optimizer_info(adam, 2) == UNROLLED_E_ARGUMENT);
    CHECK(unrolled_optimizer_info(adam, -1) == UNROLLED_E_ARGUMENT);
    CHECK(unrolled_optimizer_info(adam, 0) == UNROLLED_OK && unrolled_out()[0] == 1);
    CHECK(unrolled_optimizer_options(adam, options, 3) == UNROLLED_OK);
    CHECK(unrolled_optimizer_info(adam, 0) == UNROLLED_OK && double_at(2) == 3);
    float *kept = tuner_moment(handle_get(HANDLE_OPTIMIZER, adam), 0, 0);
    *kept = 5;
    for (int i = 0; i < 2; i++) // goes on
        CHECK(unrolled_optimizer_options(adam, options, i ? -1 : (double)NAN) == UNROLLED_OK);
    CHECK(unrolled_optimizer_info(adam, 0) == UNROLLED_OK && double_at(2) == 3 && *kept == 5);
    CHECK(unrolled_optimizer_options(adam, options, 2) == UNROLLED_OK && *kept == 0); // anew
    CHECK(unrolled_optimizer_info(adam, 0) == UNROLLED_OK && double_at(2) == 2);
    double plain[UNROLLED_NUM_OPTIONS] = {[UNROLLED_LR] = 1};
    CHECK(unrolled_optimizer_options(adam, plain, 0) == UNROLLED_E_ARGUMENT); // without its moment
    const int wrong = UNROLLED_E_ARGUMENT;
    CHECK(unrolled_trainer_create(step, mean, adam, 0, 0) == wrong);
    CHECK(unrolled_trainer_create(both, none, adam, 0, 0) == wrong);
    CHECK(unrolled_trainer_create(both, mean, adam, -1, 0) == wrong);
    CHECK(unrolled_trainer_create(both, mean, adam, (double)NAN, 0) == wrong);
    CHECK(unrolled_trainer_create(both, mean, adam, 0, UNROLLED_IGNORE + 1) == wrong);
    CHECK(unrolled_trainer_create(both, mean, adam, 0, -1) == wrong);
    const int fit = unrolled_trainer_create(both, mean, adam, 1, UNROLLED_IGNORE);
    CHECK(unrolled_trainer_step(fit) == state);
    CHECK(trainer_room(fit) == ok && unrolled_trainer_step(fit) == ok);
    CHECK(trainer_room(fit) == ok && unrolled_reserve(both, 1, 9, 3, 1) == ok);
    CHECK(unrolled_trainer_step(fit) == state); // planned for another batch since
    CHECK(trainer_room(fit) == ok && unrolled_reserve(both, 1, 2, 3, 0) == ok);
    CHECK(unrolled_trainer_step(fit) == state);

    // with the Sequential goes all that stands on it
    CHECK(unrolled_destroy(both) == ok && unrolled_destroy(both) == UNROLLED_E_HANDLE);
    CHECK(unrolled_module_info(line) == UNROLLED_E_HANDLE);
    CHECK(unrolled_optimizer_step(adam) == UNROLLED_E_HANDLE);
    CHECK(unrolled_optimizer_zero_grad(adam) == UNROLLED_E_HANDLE);
    CHECK(unrolled_trainer_step(fit) == UNROLLED_E_HANDLE &&
          trainer_room(fit) == UNROLLED_E_HANDLE);
    CHECK(unrolled_trainer_create(gru, mean, adam, 0, 0) == UNROLLED_E_HANDLE);
    const int handles[] = {fit, adam, forgetful, mean, none, step, gru, softmax};
    for (int i = 0; i < 8; i++)
        CHECK(unrolled_destroy(handles[i]) == ok);
}

// Exports without a handle.
static void test_stream(void)
{
    float values[4];
    int32_t order[4] = {9, 9, 9, 9};
    unrolled_seed(5);
    CHECK(unrolled_rng_state() == rng_global() && unrolled_out()[0] == sizeof(rng));
    const rng state = *rng_global();
    for (int kind = UNROLLED_UNIFORM; kind < UNROLLED_EPOCH; kind++)
        CHECK((unrolled_draw)(0, kind, 0, 0, 1, NULL) == UNROLLED_OK);
    const int numpy = unrolled_numpy_create(5);
    for (int kind = -1; kind <= UNROLLED_EPOCH + 1; kind++) {
        const bool own = kind >= UNROLLED_UNIFORM && kind <= UNROLLED_EPOCH;
        const bool both = own && kind <= UNROLLED_PERMUTATION;
        if (!own)
            REFUSED((unrolled_draw)(0, kind, 1, 0, 1, staged_room()), UNROLLED_E_ARGUMENT);
        if (both)
            CHECK((unrolled_draw)(numpy, kind, 0, 0, 1, NULL) == UNROLLED_OK);
        else
            REFUSED((unrolled_draw)(numpy, kind, 1, 0, 1, staged_room()), UNROLLED_E_ARGUMENT);
    }
    static const double bounds[][2] = {{5, 5},     {5, 4},     {0, 1e18}, {-1e18, 0},
                                       {1e300, 0}, {0.2, 0.8}, {NAN, 1},  {0, NAN}};
    for (int i = 0; i < 8; i++) {
        CHECK(unrolled_draw(0, UNROLLED_INTEGERS, 4, bounds[i][0], bounds[i][1], order) ==
              UNROLLED_E_ARGUMENT);
        CHECK(unrolled_draw(numpy, UNROLLED_INTEGERS, 4, bounds[i][0], bounds[i][1], order) ==
              UNROLLED_E_ARGUMENT);
    }
    unrolled_destroy(numpy);
    CHECK(memcmp(&state, rng_global(), sizeof state) == 0); // nothing asked, nothing drawn
    void *room = staged_room();
    CHECK((unrolled_draw)(0, UNROLLED_UNIFORM, 4, 0, 1, room) == UNROLLED_OK);
    memcpy(values, room, sizeof values);
    rng damaged = state;
    damaged.place = RNG_WORDS + 1;
    CHECK(unrolled_rng_restore(staged(0, &damaged, 1, sizeof damaged)) == UNROLLED_E_ARGUMENT);
    memset(&damaged, 0, sizeof damaged);
    CHECK(unrolled_rng_restore(staged(0, &damaged, 1, sizeof damaged)) == UNROLLED_E_ARGUMENT);
    CHECK(unrolled_rng_restore(staged(0, &state, 1, sizeof state)) == UNROLLED_OK);
    CHECK((unrolled_draw)(0, UNROLLED_UNIFORM, 4, 0, 1, room) == UNROLLED_OK &&
          same_bits(4, values, room));
    CHECK((unrolled_draw)(0, UNROLLED_EPOCH, 4, 0, 0, room) == UNROLLED_OK);
    memcpy(order, room, sizeof order);
    CHECK(order[0] == 0 && order[3] == 3);

    CHECK((unrolled_draw)(0, UNROLLED_INTEGERS, 4, 3, 4, room) == UNROLLED_OK &&
          ((int32_t *)room)[3] == 3);
    CHECK((unrolled_draw)(0, UNROLLED_BERNOULLI, 4, 1, 0, room) == UNROLLED_OK &&
          ((float *)room)[3] == 1);

    enum { LARGE_ROOM = 5 << 20 }; // more than is kept
    const size_t held = memory_held();
    CHECK(unrolled_stage(LARGE_ROOM) != NULL && memory_held() >= LARGE_ROOM);
    CHECK(unrolled_stage(LARGE_ROOM + 100) != NULL && unrolled_stage(LARGE_ROOM) != NULL);
    CHECK(staged_room() != NULL && memory_held() == held);
    unsigned char *block = unrolled_stage(64);
    CHECK(block && unrolled_stage(10) == block && unrolled_stage(0) == block);
    CHECK(unrolled_stage(SIZE_MAX - 4096) == NULL);
    CHECK(unrolled_stage(64) == block); // the one there is stays
}

// -------------------------------------------------------------------------------------- addresses

// Below the stage, beyond its end, partly beyond it, between two elements, anywhere else, nowhere.
static void test_addresses(void)
{
    enum { PLACES = 6 };
    static double elsewhere[1024];
    char *end = staged_room() + STAGED_ROOM, *start = staged_room();
    void *const wrong[PLACES] = {start - 8, end, end - 4, start + 2, elsewhere, NULL};
    const int bad = UNROLLED_E_ARGUMENT, ok = UNROLLED_OK, numpy = unrolled_numpy_create(1);
    const int line = make_linear(2, 2, 1), mean = unrolled_loss_create(0, 0, 0, 0, 0, 0);
    const int gru = make_stack(UNROLLED_GRU, 2, 2, 1, 0, 0, 0);
    const int sgd = optimizer_over(line), fit = unrolled_trainer_create(line, mean, sgd, 0, 0);

    for (int i = 0; i < PLACES; i++) {
        void *p = wrong[i];
        REFUSED(unrolled_rng_restore(p), bad);
        REFUSED((unrolled_draw)(0, UNROLLED_UNIFORM, 2, 0, 1, p), bad);
        REFUSED((unrolled_draw)(0, UNROLLED_NORMAL, 2, 0, 1, p), bad);
        REFUSED((unrolled_draw)(0, UNROLLED_BERNOULLI, 2, 0.5, 0, p), bad);
        REFUSED((unrolled_draw)(0, UNROLLED_INTEGERS, 2, 0, 5, p), bad);
        REFUSED((unrolled_draw)(0, UNROLLED_PERMUTATION, 2, 0, 0, p), bad);
        REFUSED((unrolled_draw)(0, UNROLLED_EPOCH, 2, 1, 0, p), bad);
        REFUSED((unrolled_draw)(numpy, 0, 2, 0, 1, p), bad);
        REFUSED((unrolled_draw)(numpy, UNROLLED_INTEGERS, 2, 0, 5, p), bad);
        REFUSED((unrolled_draw)(numpy, UNROLLED_PERMUTATION, 2, 0, 0, p), bad);
        REFUSED((unrolled_sequential_create)(2, p), bad);
        REFUSED((unrolled_loss_create)(0, 0, 0, 0, 2, p), bad);
        REFUSED((unrolled_loss_reserve)(mean, 2, p, 0, NULL), bad);
        REFUSED((unrolled_loss_reserve)(mean, 0, NULL, 2, p), bad);
        REFUSED((unrolled_optimizer_create)(0, p, 1, (int32_t *)(void *)start), bad);
        REFUSED((unrolled_optimizer_create)(0, (double *)(void *)start, 2, p), bad);
        REFUSED((unrolled_optimizer_options)(sgd, p, 0), bad);
        REFUSED((unrolled_clip)(2, p, 1, 2), bad);
        REFUSED((unrolled_clip)(2, p, 1, 0), bad);
        REFUSED((unrolled_trainer_reserve)(fit, 1, 2, 2, 2, p, SIZE_MAX), bad);
        if (p) { // NULL: zeros
            REFUSED(unrolled_reset_state(gru, 2, p, NULL), bad);
            REFUSED(unrolled_reset_state(gru, 2, NULL, p), bad);
        }
    }
    REFUSED((unrolled_draw)(0, UNROLLED_UNIFORM, SIZE_MAX, 0, 1, (float *)(void *)start), bad);
    REFUSED((unrolled_draw)(0, UNROLLED_UNIFORM, SIZE_MAX / 4 + 2, 0, 1, (float *)(void *)start),
            bad);
    REFUSED(unrolled_reset_state(gru, INT32_MAX, (float *)(void *)start, NULL), bad);
    CHECK((unrolled_draw)(0, UNROLLED_UNIFORM, 2, 0, 1, (float *)(void *)(end - 8)) ==
          ok); // to its very end
    const int lstm = make_stack(UNROLLED_LSTM, 2, 2, 1, 0, 0, 0);
    memset(start, 0, 32);
    CHECK(unrolled_reset_state(lstm, 2, (float *)(void *)start, (float *)(void *)(start + 16)) ==
          ok);
    CHECK(unrolled_reset_state(lstm, 2, (float *)(void *)start, wrong[4]) == bad);
    CHECK(unrolled_destroy(lstm) == ok);
    const int classes = unrolled_loss_create(UNROLLED_NLL, 0, 0, -100, 0, NULL);
    CHECK(unrolled_loss_reserve(classes, 2, square, 1, square) == ok);
    criterion *c = handle_get(HANDLE_LOSS, classes);
    memset(c->prediction, 0, 6 * sizeof(float)), memset(c->target, 0, 2 * sizeof(int32_t));
    CHECK(unrolled_loss_forward(classes) == ok);
    const int train = unrolled_trainer_create(line, classes, sgd, 0, 0);
    CHECK(unrolled_trainer_reserve(train, 1, 2, 2, -1, NULL, 2) == ok);
    const trainer *t = handle_get(HANDLE_TRAINER, train);
    memset(t->model->call.input, 0, 4 * sizeof(float));
    ((int32_t *)t->target)[0] = 1, ((int32_t *)t->target)[1] = 2; // of two classes
    CHECK(unrolled_trainer_step(train) == UNROLLED_E_TARGET && unrolled_out()[0] == 1);
    CHECK(unrolled_destroy(train) == ok && unrolled_destroy(classes) == ok);
    const int handles[] = {fit, sgd, mean, line, gru, numpy};
    for (int i = 0; i < 6; i++)
        CHECK(unrolled_destroy(handles[i]) == ok);
}

// ------------------------------------------------------------------------------------- in no order

static uint32_t fuzz_state = 7;

static int pick(int n) // 0 to n - 1
{
    fuzz_state = fuzz_state * 1664525 + 1013904223;
    return (int)((fuzz_state >> 16) % (uint32_t)n);
}

enum { POOL = 40 };
static int pool[POOL]; // handles: living, children of the living, stale, foreign

static int any(void) { return pick(20) ? pool[pick(POOL)] : (int)(fuzz_state * 2654435761U); }

// Mostly of this type.
static int any_of(handle_type type)
{
    int handle = any();
    for (int i = 0; i < 20 && handle_type_of(handle) != (int)type; i++)
        handle = any();
    return handle;
}

static int create_something(void)
{
    const int I = 1 + pick(3), H = 1 + pick(3), flags = pick(8);
    const int one = any_of(HANDLE_MODULE), other = pick(2) ? one : any_of(HANDLE_MODULE);
    const int32_t few[] = {one, 0, other, 1 + pick(3)};
    const int32_t parts[] = {one, any_of(HANDLE_MODULE), any_of(HANDLE_MODULE)};
    const float weights[] = {1, 2, 3};
    double o[UNROLLED_NUM_OPTIONS];
    for (int i = 0; i < UNROLLED_NUM_OPTIONS; i++)
        o[i] = i < UNROLLED_NESTEROV ? 0.1 * pick(10) : pick(2);
    switch (pick(12)) {
    case 0:
    case 1:
        return make_stack(pick(6), I, H, 1 + pick(3), pick(3), 0.5 * pick(3), flags);
    case 2:
        return make_cell(pick(6), I, H, flags);
    case 3:
    case 4:
        return make_linear(I, H, flags);
    case 5:
        return make_activation(UNROLLED_TANH + pick(6), pick(2) ? I : 0);
    case 6:
        return pick(2) ? make_dropout(0.5 * pick(3)) : make_last_step();
    case 7:
        return unrolled_sequential_create(1 + pick(3), parts);
    case 8:
        return unrolled_loss_create(pick(8), pick(4), 0.5 * pick(3), pick(3) - 1, pick(4), weights);
    case 9:
        return unrolled_optimizer_create(pick(6), o, 1 + pick(2), few);
    case 10:
        return unrolled_trainer_create(one, any_of(HANDLE_LOSS), any_of(HANDLE_OPTIMIZER),
                                       0.5 * pick(3), pick(4));
    default:
        return unrolled_numpy_create(fuzz_state);
    }
}

// Numbers from -1 to 1, at times one that is infinite.
static void fill(size_t n, float *values)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (float)(pick(201) - 100) * 0.01F;
    if (n && pick(8) == 0)
        values[pick((int)n)] = INFINITY;
}

static int use_module(int handle)
{
    const module *m = handle_get(HANDLE_MODULE, handle);
    const int F = m && m->inputs && pick(8) ? m->inputs : pick(5);
    const int32_t few[] = {handle, pick(4), any(), pick(4)};
    switch (pick(20)) {
    case 0:
    case 1:
    case 2:
    case 3: {
        const int e = unrolled_reserve(handle, pick(5), pick(5), F, pick(4));
        if (e == UNROLLED_OK && m->call.input)
            fill((size_t)m->in.T * (size_t)m->in.N * (size_t)m->in.F, m->call.input);
        return e;
    }
    case 4:
    case 5:
    case 6:
        return unrolled_forward(handle, pick(8));
    case 7:
    case 8:
    case 9:
        return unrolled_backward(handle, pick(8));
    case 10:
        return unrolled_pending(handle);
    case 11:
        return unrolled_step_reserve(handle, pick(4));
    case 12:
        return unrolled_step(handle);
    case 13:
        return unrolled_reset_state(handle, pick(4), NULL, NULL);
    case 14:
        return unrolled_zero_grad(handle);
    case 15:
        return unrolled_train(handle, pick(2));
    case 16:
        return unrolled_initialize(handle, pick(5), pick(9), 0.1, pick(2));
    case 17:
        return unrolled_parameter(handle, pick(5));
    case 18:
        return unrolled_clip(1 + pick(2), few, 0.5, pick(4));
    default:
        return unrolled_module_info(handle);
    }
}

static int use_loss(int handle)
{
    const criterion *c = handle_get(HANDLE_LOSS, handle);
    const int32_t dims[] = {pick(4), pick(4), pick(4)}, others[] = {pick(4), pick(4), pick(4)};
    const int count = pick(4), fewer = pick(2) ? count : pick(4);
    switch (pick(8)) {
    case 0:
    case 1:
    case 2: {
        const int e = unrolled_loss_reserve(handle, count, dims, fewer, pick(4) ? dims : others);
        if (e == UNROLLED_OK) {
            fill(c->pair.predictions, c->prediction);
            fill(c->pair.targets, c->target); // as a class it is one that does not exist, or 0
        }
        return e;
    }
    case 3:
    case 4:
        return unrolled_loss_forward(handle);
    case 5:
    case 6:
        return unrolled_loss_backward(handle, pick(2));
    default:
        return unrolled_loss_pending(handle);
    }
}

static int use_optimizer(int handle)
{
    switch (pick(7)) {
    case 0:
        return unrolled_optimizer_step(handle);
    case 1:
        return unrolled_optimizer_zero_grad(handle);
    case 2:
    case 3:
        return unrolled_optimizer_info(handle, pick(4));
    case 4:
        return unrolled_optimizer_options(handle, options, pick(100));
    default:
        return unrolled_optimizer_options(handle, options, -1);
    }
}

static int use_trainer(int handle)
{
    const trainer *t = handle_get(HANDLE_TRAINER, handle);
    const bool stands = t && handle_get(HANDLE_MODULE, t->model_handle);
    const int F = stands && t->model->inputs && pick(8) ? t->model->inputs : pick(5);
    const int32_t dims[] = {pick(4), pick(4), pick(4)};
    if (pick(2))
        return unrolled_trainer_step(handle);
    const int e = unrolled_trainer_reserve(handle, pick(5), pick(5), F, pick(4) ? -1 : pick(4),
                                           dims, pick(4) ? SIZE_MAX : (size_t)pick(20));
    if (e == UNROLLED_OK) {
        fill((size_t)t->in.T * (size_t)t->in.N * (size_t)t->in.F, t->model->call.input);
        if (pick(8) == 0)
            t->model->call.input[0] = INFINITY;
        if (pick(4))
            fill(t->pair.targets, t->target);
        else
            memset(t->target, 0, t->pair.targets * sizeof(float)); // classes: all 0
    }
    return e;
}

static int call_something(void)
{
    const int handle = any(), type = handle_type_of(handle);
    switch (pick(10) ? type : pick(6)) { // at times what is meant for another kind
    case HANDLE_MODULE:
        return use_module(handle);
    case HANDLE_LOSS:
        return use_loss(handle);
    case HANDLE_OPTIMIZER:
        return use_optimizer(handle);
    case HANDLE_TRAINER:
        return use_trainer(handle);
    case HANDLE_NUMPY:
        return unrolled_draw(handle, UNROLLED_PERMUTATION, (size_t)pick(8), 0, 0, whole);
    default:
        return unrolled_destroy(handle) == UNROLLED_E_HANDLE ? UNROLLED_E_HANDLE : UNROLLED_OK;
    }
}

static void test_in_no_order(void)
{
    enum { ROUNDS = 500000 };
    static int anybody, handles[4096];
    int seen[8] = {0};             // how often each status came
    for (int i = 0; i < 4096; i++) // room for all that will live
        handles[i] = handle_open(HANDLE_NUMPY, &anybody);
    for (int i = 0; i < 4096; i++)
        handle_close(handles[i]);
    const size_t held = memory_held();

    for (int i = 0; i < POOL; i++)
        pool[i] = i;
    for (int round = 0; round < ROUNDS; round++) {
        int e;
#ifdef UNROLLED_FAULTS
        memory_refuse_after(pick(8) ? -1 : pick(6));
#endif
        if (pick(6) == 0) {
            e = create_something();
            if (e > 0) { // what stood there goes, if it is not inside a Sequential
                int *place = &pool[pick(POOL)];
                unrolled_destroy(*place);
                *place = e;
                e = UNROLLED_OK;
            }
        } else {
            e = call_something();
        }
        if (e > UNROLLED_OK || e < UNROLLED_E_TARGET)
            CHECK(e >= UNROLLED_E_TARGET && e <= UNROLLED_OK);
        else
            seen[-e]++;
    }
#ifdef UNROLLED_FAULTS
    memory_refuse_after(-1);
    CHECK(seen[-UNROLLED_E_MEMORY] > 100);
#endif
    CHECK(seen[0] > ROUNDS / 10 && seen[-UNROLLED_E_SHAPE] > 1000 &&
          seen[-UNROLLED_E_STATE] > 1000);
    CHECK(seen[-UNROLLED_E_TARGET] > 0 && seen[-UNROLLED_E_NONFINITE] > 0);
    for (int i = 0; i < POOL; i++)
        unrolled_destroy(pool[i]);
    CHECK(handle_count() == 0 && memory_held() == held);
}

// ------------------------------------------------------------------------ what is at the addresses

static float *floats_at(int place) { return (float *)(uintptr_t)unrolled_out()[place]; }

// y = 2 x - 1, learned; then a stack, a loss without reduction and a stream through their words.
static void test_out_block(void)
{
    unrolled_seed(1);
    const int line = make_linear(1, 1, UNROLLED_BIAS);
    const int mean = unrolled_loss_create(UNROLLED_MSE, UNROLLED_MEAN, 0, 0, 0, NULL);
    const int sgd = optimizer_over(line);
    const int fit = unrolled_trainer_create(line, mean, sgd, 0, UNROLLED_THROW);
    for (int step = 0; step < 400; step++) {
        CHECK(unrolled_trainer_reserve(fit, 1, 4, 1, -1, NULL, SIZE_MAX) == UNROLLED_OK);
        CHECK(unrolled_out()[2] == 4 && unrolled_out()[3] == 4);
        for (int i = 0; i < 4; i++) {
            floats_at(0)[i] = (float)i / 4;
            floats_at(1)[i] = (float)i / 2 - 1;
        }
        CHECK(unrolled_trainer_step(fit) == UNROLLED_OK && unrolled_out()[2] == UINT32_MAX);
    }
    CHECK(double_at(0) < 1e-6);
    CHECK(unrolled_parameter(line, 1) == UNROLLED_OK);
    CHECK(unrolled_out()[2] == 1 && unrolled_out()[3] == 0 && fabsf(floats_at(0)[0] + 1) < 1e-2F);
    CHECK(strcmp((const char *)(uintptr_t)unrolled_out()[4], "bias") == 0);
    CHECK(unrolled_optimizer_info(sgd, 1) == UNROLLED_OK && double_at(2) == 400);
    CHECK(strcmp((const char *)(uintptr_t)unrolled_out()[4], "momentum_buffer") == 0);
    CHECK(unrolled_out()[1] == 1);
    CHECK(unrolled_trainer_reserve(fit, 1, 4, 1, -1, NULL, SIZE_MAX) == UNROLLED_OK);
    floats_at(0)[0] = INFINITY;
    CHECK(unrolled_trainer_step(fit) == UNROLLED_E_NONFINITE && unrolled_out()[2] == UINT32_MAX);

    const int lstm = make_stack(UNROLLED_LSTM, 3, 4, 2, 2, 0,
                                UNROLLED_BIAS | UNROLLED_BIDIRECTIONAL | UNROLLED_BATCH_FIRST);
    CHECK(unrolled_reserve(lstm, 5, 2, 3, 1) == UNROLLED_OK);
    const uint32_t *out = unrolled_out();
    CHECK(out[2] == 5 * 2 * 4 && out[11] == 4 * 2 * 2 && out[12] == 4 * 2 * 4 && out[13] == 30);
    memset(floats_at(0), 0, 30 * 4), memset(floats_at(5), 0, 16 * 4),
        memset(floats_at(6), 0, 32 * 4);
    CHECK(unrolled_forward(lstm, UNROLLED_HAS_H | UNROLLED_HAS_C) == UNROLLED_OK);
    const float y = floats_at(1)[39], hn = floats_at(7)[15], cn = floats_at(8)[31];
    CHECK(y != 0 && hn != 0 && cn != 0);
    CHECK(unrolled_pending(lstm) == UNROLLED_OK && floats_at(1)[39] == y);
    memset(floats_at(3), 0, 40 * 4), memset(floats_at(9), 0, 16 * 4);
    floats_at(9)[0] = 1;
    CHECK(unrolled_backward(lstm, UNROLLED_HAS_OUTPUT | UNROLLED_HAS_H) == UNROLLED_OK);
    CHECK(floats_at(4)[0] != 0 && floats_at(9)[0] != 0 && floats_at(10)[0] != 0);

    const int cell = make_cell(UNROLLED_LSTM, 3, 4, UNROLLED_BIAS);
    CHECK(unrolled_reserve(cell, 1, 2, 3, 1) == UNROLLED_OK);
    CHECK(out[2] == 8 && out[11] == 8 && out[12] == 8 && out[13] == 6 && out[3] == 0);
    memset(floats_at(0), 0, 6 * 4);
    CHECK(unrolled_forward(cell, 0) == UNROLLED_OK && floats_at(7)[7] != 0 && out[7] == out[1]);

    const int none = unrolled_loss_create(UNROLLED_MSE, UNROLLED_NONE, 0, 0, 0, NULL);
    CHECK(unrolled_loss_reserve(none, 2, square, 2, square) == UNROLLED_OK && out[5] == 6);
    for (int i = 0; i < 6; i++)
        floats_at(0)[i] = (float)i, floats_at(1)[i] = 1, floats_at(4)[i] = 2;
    float *elements = floats_at(3), *gradient = floats_at(2);
    CHECK(unrolled_loss_forward(none) == UNROLLED_OK && elements[5] == 16);
    CHECK(unrolled_loss_backward(none, 1) == UNROLLED_OK && gradient[5] == 16);
    const int classes = unrolled_loss_create(UNROLLED_CROSS_ENTROPY, 0, 0, -100, 0, NULL);
    CHECK(unrolled_loss_reserve(classes, 2, square, 1, square) == UNROLLED_OK);
    ((int32_t *)(void *)floats_at(1))[0] = 2, ((int32_t *)(void *)floats_at(1))[1] = 3;
    CHECK(unrolled_loss_forward(classes) == UNROLLED_E_TARGET && out[0] == 1);

    const int live = make_stack(UNROLLED_GRU, 3, 4, 1, 0, 0, UNROLLED_BIAS);
    CHECK(unrolled_step_reserve(live, 1) == UNROLLED_OK && out[2] == 4);
    memset(floats_at(0), 0, 3 * 4);
    const float *step = floats_at(1);
    CHECK(unrolled_step(live) == UNROLLED_OK && step[3] != 0);
    const int handles[] = {fit, sgd, mean, line, lstm, cell, none, classes, live};
    for (int i = 0; i < 9; i++)
        unrolled_destroy(handles[i]);
}

int main(void)
{
    CHECK(staged_room() != NULL); // from now on it takes no more
    test_handles();
    test_creations();
    test_batches();
    test_turns();
    test_stream();
    test_addresses();
    if (sizeof(void *) == sizeof(uint32_t))
        test_out_block();
    CHECK(handle_count() == 0);
    test_in_no_order();
    return test_report("api");
}
