// The promise of bits, natively: a training of 1,000 steps leaves the losses and weights that it
// leaves in every engine of the web, told by one hash. tests/bits/training.js is the same training
// through the JavaScript API, line for line.
#include "linear.h"
#include "row.h"
#include "select.h"
#include "stack.h"
#include "test.h"
#include "trainer.h"

#include <string.h>

// As in tests/bits/training.js, where it says what a change of it means.
static const char promise[] = "f15887b3bbfbd6d7519c0f2676cffa7f6b3cb8b625e6efc690ee831e51c3cdc0";

// ----------------------------------------------------------------------------------------- SHA-256
// Source: FIPS PUB 180-4, sections 4.1.2, 5.3.3 and 6.2.2.

typedef struct {
    uint32_t state[8];
    uint64_t length; // bytes so far
    unsigned char block[64];
} sha256;

// The fractional parts of the cube roots of the first 64 primes.
static const uint32_t sha256_k[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

static uint32_t rotate_right(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha256_compress(sha256 *s)
{
    uint32_t w[64], v[8]; // the message schedule; a to h
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 |
               (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10);
    }
    memcpy(v, s->state, sizeof v);
    for (int i = 0; i < 64; i++) {
        const uint32_t a = v[0], e = v[4];
        const uint32_t t1 = v[7] +
                            (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
                            ((e & v[5]) ^ (~e & v[6])) + sha256_k[i] + w[i];
        const uint32_t t2 = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
                            ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        s->state[i] += v[i];
}

static void sha256_byte(sha256 *s, unsigned byte)
{
    s->block[s->length++ % 64] = (unsigned char)byte;
    if (s->length % 64 == 0)
        sha256_compress(s);
}

// The fractional parts of the square roots of the first 8 primes.
static sha256 sha256_start(void)
{
    return (sha256){.state = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F,
                              0x9B05688C, 0x1F83D9AB, 0x5BE0CD19}};
}

static void sha256_end(sha256 *s, char digits[65])
{
    const uint64_t bits = 8 * s->length;
    sha256_byte(s, 0x80);
    while (s->length % 64 != 56)
        sha256_byte(s, 0);
    for (int shift = 56; shift >= 0; shift -= 8)
        sha256_byte(s, (unsigned)(bits >> shift) & 0xFF);
    for (size_t i = 0; i < 8; i++)
        snprintf(digits + 8 * i, 9, "%08x", (unsigned)s->state[i]);
}

static void test_sha256(void)
{
    static const struct {
        const char *text, *digits;
    } known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        sha256 s = sha256_start();
        char digits[65];
        for (const char *p = known[i].text; *p; p++)
            sha256_byte(&s, (unsigned char)*p);
        sha256_end(&s, digits);
        CHECK(strcmp(digits, known[i].digits) == 0);
    }
}

// The four bytes of each, the lowest first.
static void hash_floats(sha256 *s, size_t n, const float *x)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        for (int shift = 0; shift < 32; shift += 8)
            sha256_byte(s, bits >> shift & 0xFF);
    }
}

// ------------------------------------------------------------------------------------ the training

enum { STEPS = 1000, SAMPLES = 63, BATCH = 8, T = 7, I = 3, H = 24 };
enum { EPOCH_STEPS = (SAMPLES + BATCH - 1) / BATCH };

typedef struct {
    float inputs[SAMPLES][T][I];
    float targets[SAMPLES];
    float losses[STEPS];
    module *children[3];
    module *model;
    criterion *objective;
    tuner *updates;
    trainer *steps;
} training;

// All parameters of the model, in the order of its state dict.
static tuner *tune(const training *t, const optim_options *options)
{
    enum { MOST = 16 };
    int pairs[MOST][2], count = 0;
    parameters chosen;

    for (int i = 0; i < 3; i++) {
        const int handle = handle_open(HANDLE_MODULE, t->children[i]);
        for (int j = 0; j < t->children[i]->num_parameters; j++, count++)
            pairs[count][0] = handle, pairs[count][1] = j;
    }
    if (parameters_choose(count, pairs[0], &chosen))
        return NULL;
    tuner *made = tuner_create(OPTIM_ADAM, options, &chosen);
    if (!made)
        parameters_give(&chosen);
    return made;
}

static bool start(training *t)
{
    const loss mean_square = {.kind = LOSS_MSE, .reduce = REDUCE_MEAN};
    const optim_options adam = {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    const int flags = UNROLLED_BIAS | UNROLLED_BATCH_FIRST;
    rng *r = rng_global();
    status why;
    int where;

    rng_seed(r, 20250929);
    rng_normal(r, SAMPLES * T * I, 0.0, 1.0, t->inputs[0][0]);
    rng_normal(r, SAMPLES, 0.0, 1.0, t->targets);
    stack *lstm = stack_create(UNROLLED_LSTM, I, H, 2, 0, 0.25, flags, r);
    t->children[0] = lstm ? &lstm->base : NULL;
    t->children[1] = select_create();
    t->children[2] = linear_create(H, 1, true, r);
    if (!t->children[0] || !t->children[1] || !t->children[2])
        return false;
    t->model = in_a_row(3, t->children, &why, &where);
    t->objective = criterion_create(&mean_square);
    t->updates = tune(t, &adam);
    if (!t->model || !t->objective || !t->updates)
        return false;
    t->steps = trainer_create(t->model, t->objective, t->updates);
    if (t->steps)
        t->steps->clip_norm = 0.5; // and on_nonfinite is UNROLLED_THROW
    return t->steps;
}

// One step with the samples picked; the loss before the update.
static bool step(training *t, int N, const int32_t *picked, float *value)
{
    double told;
    int culprit;
    size_t targets = SIZE_MAX;

    if (trainer_reserve(t->steps, &(shape){T, N, I}, -1, NULL, &targets))
        return false;
    for (int n = 0; n < N; n++) {
        const int32_t sample = picked[n];
        memcpy(t->model->call.input + n * T * I, t->inputs[sample], sizeof t->inputs[0]);
        ((float *)t->steps->target)[n] = t->targets[sample];
    }
    if (trainer_step(t->steps, &told, &culprit))
        return false;
    *value = (float)told;
    return true;
}

static bool train(training *t)
{
    int32_t order[SAMPLES];
    for (int i = 0; i < STEPS; i++) {
        const int from = i % EPOCH_STEPS * BATCH;
        if (from == 0)
            rng_epoch(rng_global(), SAMPLES, true, order);
        if (!step(t, int_min(BATCH, SAMPLES - from), order + from, &t->losses[i]))
            return false;
    }
    return true;
}

static void test_promise(void)
{
    static training t;
    sha256 s = sha256_start();
    char digits[65];

    if (!CHECK(start(&t)) || !CHECK(train(&t)))
        return;
    hash_floats(&s, STEPS, t.losses);
    for (int i = 0; i < 3; i++)
        hash_floats(&s, t.children[i]->num_values, t.children[i]->params);
    sha256_end(&s, digits);
    if (!CHECK(strcmp(digits, promise) == 0))
        fprintf(stderr, "got      %s\npromised %s\n", digits, promise);
    trainer_destroy(t.steps);
    tuner_destroy(t.updates);
    criterion_destroy(t.objective);
    module_destroy(t.model);
}

int main(void)
{
    test_sha256();
    test_promise();
    return test_report("bits");
}
