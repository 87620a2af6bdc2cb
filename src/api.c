// The exports, here those of the instance and of random numbers; api_modules.c and api_learning.c
// have the others. Each checks its arguments, finds the objects behind the handles, calls one
// function and writes what there is to say into the out block. Nothing is computed here. unrolled.h
// is the manual.
#include "unrolled.h"

#include "api.h"

api_block api_out;

static void *stage;
static size_t stage_bytes;

uint32_t *unrolled_out(void) { return api_out.words; }

void api_count(int place, size_t n) { api_out.words[place] = (uint32_t)n; }

void api_pointer(int place, const void *p) { api_out.words[place] = (uint32_t)(uintptr_t)p; }

int api_fail(status e)
{
    if (e == UNROLLED_E_MEMORY)
        api_count(0, memory_refused());
    return e;
}

int api_open(handle_type type, void *object)
{
    if (!object)
        return api_fail(UNROLLED_E_MEMORY);
    const int handle = handle_open(type, object);
    if (type == HANDLE_MODULE)
        ((module *)object)->handle = handle;
    return handle;
}

void unrolled_info(void)
{
    api_count(0, memory_held() - stage_bytes - handle_bytes());
    api_count(1, (size_t)handle_count());
}

void *unrolled_stage(size_t bytes)
{
    enum { KEPT = 4 << 20 }; // a larger one is given back at the next small request
    bytes = bytes ? bytes : 1;
    if (bytes <= stage_bytes && (stage_bytes <= KEPT || bytes > KEPT))
        return stage;
    void *larger = memory_take(bytes);
    if (!larger) {
        api_fail(UNROLLED_E_MEMORY);
        return NULL;
    }
    memory_give(stage);
    stage = larger;
    stage_bytes = bytes;
    return stage;
}

bool api_staged(const void *array, size_t count, size_t size)
{
    const uintptr_t offset = (uintptr_t)array - (uintptr_t)stage; // wraps below the stage
    return count == 0 || (stage && offset <= stage_bytes && offset % size == 0 &&
                          size_product(count, size) <= stage_bytes - offset);
}

// ------------------------------------------------------------------------------ random numbers

void unrolled_seed(uint32_t low) { rng_seed(rng_global(), low); }

void *unrolled_rng_state(void)
{
    api_count(0, sizeof(rng));
    return rng_global();
}

int unrolled_rng_restore(const void *state)
{
    if (!api_staged(state, 1, sizeof(rng)) || !rng_is_state(state))
        return UNROLLED_E_ARGUMENT;
    *rng_global() = *(const rng *)state;
    return UNROLLED_OK;
}

int unrolled_numpy_create(uint32_t seed)
{
    rng *r = handle_room() ? memory_take(sizeof *r) : NULL;
    if (r)
        numpy_seed(r, seed);
    return api_open(HANDLE_NUMPY, r);
}

// Bounds whose values fit int32, with some between them.
static bool is_range(double low, double high)
{
    return low >= INT32_MIN && low < high && high <= INT32_MAX + 1.0 &&
           (int64_t)low < (int64_t)high;
}

static void draw_integers(rng *r, size_t n, int64_t low, int64_t high, int32_t *values)
{
    for (size_t i = 0; i < n; i++) {
        int64_t value;
        rng_randint(r, 1, low, high, &value);
        values[i] = (int32_t)value;
    }
}

static void draw_own(rng *r, int kind, size_t n, double a, double b, void *values)
{
    if (kind == UNROLLED_UNIFORM)
        rng_uniform(r, n, (float)a, (float)b, values);
    else if (kind == UNROLLED_NORMAL)
        rng_normal(r, n, a, b, values);
    else if (kind == UNROLLED_INTEGERS)
        draw_integers(r, n, (int64_t)a, (int64_t)b, values);
    else if (kind == UNROLLED_PERMUTATION)
        rng_permutation(r, n, values);
    else if (kind == UNROLLED_BERNOULLI)
        rng_bernoulli(r, n, a, values);
    else
        rng_epoch(r, n, a != 0, values);
}

static void draw_numpy(rng *r, int kind, size_t n, double a, double b, void *values)
{
    if (kind == UNROLLED_UNIFORM)
        numpy_uniform(r, n, a, b, values);
    else if (kind == UNROLLED_NORMAL)
        numpy_normal(r, n, a, b, values);
    else if (kind == UNROLLED_INTEGERS)
        numpy_randint(r, n, (int64_t)a, (int64_t)b, values);
    else
        numpy_permutation(r, n, values);
}

int unrolled_draw(int numpy, int kind, size_t n, double a, double b, void *values)
{
    rng *r = numpy ? handle_get(HANDLE_NUMPY, numpy) : rng_global();
    const bool doubles = numpy && kind <= UNROLLED_NORMAL;
    if (!r)
        return UNROLLED_E_HANDLE;
    if (kind < UNROLLED_UNIFORM || kind > (numpy ? UNROLLED_PERMUTATION : UNROLLED_EPOCH) ||
        (kind == UNROLLED_INTEGERS && !is_range(a, b)) ||
        !api_staged(values, n, doubles ? sizeof(double) : sizeof(float)))
        return UNROLLED_E_ARGUMENT;
    if (numpy)
        draw_numpy(r, kind, n, a, b, values);
    else
        draw_own(r, kind, n, a, b, values);
    return UNROLLED_OK;
}
