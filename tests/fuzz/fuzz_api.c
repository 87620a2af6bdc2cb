// The exports under a fuzzer: the input is a program, each call an export and its arguments.
// Handles are those that were handed out, or any number; sizes are small, or at the borders;
// pointers lie on the stage, or anywhere at all. Whatever comes, the answer is a status: no crash,
// nothing read or written outside, and at the end no byte is left. At times memory is refused.
//
//     build/fuzz/fuzz_api -runs=1000000 build/fuzz/corpus tests/fuzz/corpus/api
#include <math.h>
#include <string.h>

#include "handle.h"
#include "memory.h"
#include "rng.h"
#include "trainer.h"
#include "unrolled.h"

enum { POOL = 12, STAGE = 4096, MOST_CALLS = 400, LARGEST = 1 << 18 };

// The program, read from its front; after its end come zeros.
static const uint8_t *code;
static size_t left;
static int pool[POOL];
static char *stage;

static int byte(void)
{
    if (!left)
        return 0;
    left--;
    return *code++;
}

// A small number, at times one at a border.
static int number(void)
{
    static const int borders[] = {-1, INT32_MAX, INT32_MIN, 1 << 20, 1 << 30, 65536};
    const int b = byte();
    return b < 240 ? b % 6 : borders[b % 6];
}

static double real(void)
{
    static const double values[] = {0,
                                    0.5,
                                    1,
                                    2,
                                    0.1,
                                    -1,
                                    1e-300,
                                    1e300,
                                    4294967296.0,
                                    (double)INFINITY,
                                    -(double)INFINITY,
                                    (double)NAN};
    const int b = byte();
    return values[b < 200 ? b % 5 : b % 12];
}

static int handle(void)
{
    const int b = byte();
    if (b < 240)
        return pool[b % POOL];
    return b < 250 ? pool[b % POOL] ^ (1 << byte() % 31) : number();
}

static size_t count(void) { return (size_t)number(); }

// On the stage at a place that fits any element, at a place that does not, or elsewhere.
static void *pointer(void)
{
    static char elsewhere[64];
    const int b = byte();
    if (b < 232)
        return stage + 64 * (b % 32);
    switch (b % 6) {
    case 0:
        return NULL;
    case 1:
        return stage + 64 * (b % 32) + 1 + b % 7;
    case 2:
        return stage + STAGE - 4 * (b % 16);
    case 3:
        return stage - 8;
    case 4:
        return elsewhere;
    default:
        return (void *)(uintptr_t)((uintptr_t)number() << 12);
    }
}

// Puts on the stage what arrays are made of: sizes, handles, small reals.
static void fill_stage(void)
{
    const int at = 64 * (byte() % 32);
    int32_t whole[8];
    double reals[16];
    switch (byte() % 3) {
    case 0:
        for (int i = 0; i < 8; i++)
            whole[i] = number();
        memcpy(stage + at, whole, sizeof whole);
        break;
    case 1: // pairs of module and index serve as handles too
        for (int i = 0; i < 8; i++)
            whole[i] = i % 2 ? number() : handle();
        memcpy(stage + at, whole, sizeof whole);
        break;
    default:
        for (int i = 0; i < 16; i++)
            reals[i] = real();
        memcpy(stage + at, reals, sizeof reals);
    }
}

// Finite numbers, at times one that is not, where a batch is to be.
static void fill(float *values, size_t n)
{
    const int b = byte();
    for (size_t i = 0; values && i < n; i++)
        values[i] = (float)((int)(i * 37 % 19) - 9) * 0.125F;
    if (values && n && b > 240)
        values[(size_t)b % n] = b % 2 ? INFINITY : NAN;
}

static size_t values_in(shape s) { return (size_t)s.T * (size_t)s.N * (size_t)s.F; }

static int reserve(void)
{
    const int h = handle(), T = number(), N = number();
    const module *m = handle_get(HANDLE_MODULE, h);
    const int F = m && m->inputs && byte() < 200 ? m->inputs : number();
    const int e = unrolled_reserve(h, T, N, F, byte() % 2);
    if (!e && m->call.input)
        fill(m->call.input, values_in(m->in));
    return e;
}

static int reserve_loss(void)
{
    const int h = handle(), p = number(), t = number();
    const int32_t *shape = pointer(), *other = byte() % 2 ? shape : pointer();
    const int e = unrolled_loss_reserve(h, p, shape, t, other);
    if (!e) {
        const criterion *c = handle_get(HANDLE_LOSS, h);
        fill(c->prediction, c->pair.predictions);
        if (byte() % 2)
            fill(c->target, c->pair.targets);
        else
            memset(c->target, 0, c->pair.targets * sizeof(float)); // classes: all 0
    }
    return e;
}

static int reserve_trainer(void)
{
    const int h = handle(), T = number(), N = number();
    const trainer *t = handle_get(HANDLE_TRAINER, h);
    const bool stands = t && handle_get(HANDLE_MODULE, t->model_handle);
    const int F = stands && t->model->inputs && byte() < 200 ? t->model->inputs : number();
    const int dims = byte() < 200 ? -1 : number();
    const int e =
        unrolled_trainer_reserve(h, T, N, F, dims, pointer(), byte() < 200 ? SIZE_MAX : count());
    if (!e) {
        fill(t->model->call.input, values_in(t->in));
        memset(t->target, 0, t->pair.targets * sizeof(float));
    }
    return e;
}

static int create(void)
{
    switch (byte() % 10) {
    case 0:
    case 1: {
        const int kind = number(), I = number(), H = number(), L = number(), P = number();
        const int projected = byte() % 3 ? 0 : P;
        const double dropout = real();
        return unrolled_module_create(kind, I, H, byte() % 8, dropout, L, projected);
    }
    case 2: {
        const int kind = number(), I = number(), H = number();
        return unrolled_module_create(kind, I, H, byte() | UNROLLED_CELL, 0, 0, 0);
    }
    case 3: {
        const int I = number(), K = number();
        return unrolled_module_create(UNROLLED_LINEAR, I, K, byte(), 0, 0, 0);
    }
    case 4: {
        const int n = number(), kind = n < 0 || n > 5 ? n : UNROLLED_TANH + n;
        return unrolled_module_create(kind, byte() % 2 ? 0 : number(), 0, 0, 0, 0, 0);
    }
    case 5:
        return byte() % 2 ? unrolled_module_create(UNROLLED_DROPOUT, 0, 0, 0, real(), 0, 0)
                          : unrolled_module_create(UNROLLED_LAST_STEP, 0, 0, 0, 0, 0, 0);
    case 6: {
        const int n = number();
        return unrolled_sequential_create(n, pointer());
    }
    case 7: {
        const int kind = byte() % 8, reduce = byte() % 4, ignored = number();
        const double setting = real();
        return unrolled_loss_create(kind, reduce, setting, ignored, byte() % 2 ? 0 : number(),
                                    pointer());
    }
    case 8: {
        const int kind = number(), n = number();
        const double *options = pointer();
        return unrolled_optimizer_create(kind, options, n, pointer());
    }
    default: {
        const int m = handle(), l = handle(), o = handle();
        const double clip = real();
        return byte() % 4 ? unrolled_trainer_create(m, l, o, clip, number())
                          : unrolled_numpy_create((uint32_t)number());
    }
    }
}

static int draw(void)
{
    const size_t n = count();
    const double a = real(), b = real();
    void *at = pointer();
    switch (byte() % 12) {
    case 0:
        unrolled_seed((uint32_t)n);
        return 0;
    case 1:
        return unrolled_rng_restore(at);
    case 2: // the state itself, from the stage: a whole one, then one with a bit changed
        memcpy(stage, unrolled_rng_state(), sizeof(rng));
        stage[(size_t)byte() * 10 % sizeof(rng)] ^= (char)(1 << byte() % 8);
        return unrolled_rng_restore(stage);
    default: { // from the instance's stream, or from one of NumPy's
        const int numpy = byte() % 2 ? handle() : 0;
        return unrolled_draw(numpy, byte() % 200 ? byte() % 6 : number(), n, a, b, at);
    }
    }
}

static int use(void)
{
    const int h = handle();
    switch (byte() % 28) {
    case 0:
    case 1:
    case 2:
        return unrolled_forward(h, byte() % 8);
    case 3:
    case 4:
        return unrolled_backward(h, byte() % 8);
    case 5:
        return unrolled_pending(h);
    case 6:
        return unrolled_step_reserve(h, number());
    case 7:
        return unrolled_step(h);
    case 8: {
        const float *h0 = pointer();
        return unrolled_reset_state(h, number(), h0, pointer());
    }
    case 9:
        return unrolled_zero_grad(h);
    case 10:
        return unrolled_train(h, byte() % 2);
    case 11: {
        const int index = number(), kind = number();
        const double a = real();
        return unrolled_initialize(h, index, kind, a, real());
    }
    case 12:
        return unrolled_parameter(h, number());
    case 13:
        return unrolled_module_info(h);
    case 14:
    case 15:
        return unrolled_loss_forward(h);
    case 16:
        return unrolled_loss_pending(h);
    case 17:
        return unrolled_loss_backward(h, byte() % 2);
    case 18:
    case 19: {
        const double *options = pointer();
        return unrolled_optimizer_options(h, options, real());
    }
    case 20:
        return unrolled_optimizer_step(h);
    case 21:
        return unrolled_optimizer_zero_grad(h);
    case 22:
    case 23:
    case 24:
        return unrolled_optimizer_info(h, number());
    case 25: {
        const int n = number();
        const int32_t *pairs = pointer();
        const double a = real();
        return unrolled_clip(n, pairs, a, real());
    }
    case 26:
        return unrolled_destroy(h);
    default:
        return unrolled_trainer_step(h);
    }
}

static int call(void)
{
    int made;
    switch (byte() % 10) {
    case 0:
    case 1:
        made = create();
        if (made <= 0)
            return made;
        int *place = &pool[byte() % POOL];
        unrolled_destroy(*place); // unless it is inside a Sequential, which stays
        *place = made;
        return UNROLLED_OK;
    case 2:
        fill_stage();
        return UNROLLED_OK;
    case 3:
        return draw();
    case 4:
        return reserve();
    case 5:
        return reserve_loss();
    case 6:
        return reserve_trainer();
    default:
        return use();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    code = data;
    left = size;
    memory_refuse_above(LARGEST);
    stage = unrolled_stage(STAGE);
    memset(stage, 0, STAGE);
    memset(pool, 0, sizeof pool);
    unrolled_seed(1);
    for (int i = 0; i < MOST_CALLS && left; i++) {
        const int b = byte();
        memory_refuse_after(b > 247 ? b - 248 : -1);
        const int e = call();
        memory_refuse_after(-1);
        if (e > UNROLLED_OK || e < UNROLLED_E_TARGET)
            __builtin_trap(); // no status
        unrolled_info();
    }
    for (int round = 0; round < POOL; round++) // a Sequential before what is inside it
        for (int i = 0; i < POOL; i++)
            unrolled_destroy(pool[i]);
    if (handle_count() != 0)
        __builtin_trap(); // something is out of reach
    unrolled_info();
    if (unrolled_out()[0] != 0)
        __builtin_trap(); // bytes are left
    return 0;
}
