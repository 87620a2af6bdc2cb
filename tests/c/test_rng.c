// The random streams against PyTorch 1.13 and NumPy 1.24, bit for bit.
//
// What was recorded is in tests/fixtures/rng/. Whole arrays stand here as one number: the FNV-1a
// hash (64 bits) of their bytes, int64 for integers, continued over the seeds in the order of the
// tables.
#include "rng.h"
#include "test.h"

#include <math.h>
#include <string.h>

enum { MOST = 1024 };
static const uint64_t HASH_START = 0xCBF29CE484222325;

static uint64_t hash(uint64_t h, size_t bytes, const void *data)
{
    const unsigned char *p = data;
    for (size_t k = 0; k < bytes; k++)
        h = (h ^ p[k]) * 0x100000001B3;
    return h;
}

// One recorded call: what, how many, its two arguments, and the hash of the results.
typedef enum {
    RAND,
    UNIFORM,
    NORMAL,
    BERNOULLI,
    BERNOULLI_TENSOR, // torch.bernoulli(tensor of p): one float each
    DROPOUT,          // F.dropout(ones, p)
    DOUBLES,
    INT64, // Tensor.random_()
    RANDINT,
    PERMUTATION,
    NUMPY_RAND,
    NUMPY_RANDN,
    NUMPY_UNIFORM,
    NUMPY_NORMAL,
    NUMPY_RANDINT,
    NUMPY_PERMUTATION
} op;

typedef struct {
    op op;
    size_t n;
    double a, b;
    uint64_t hash;
} call;

// Makes the call; h continued over its results.
static uint64_t hash_call(rng *r, const call *c, uint64_t h)
{
    static float floats[MOST];
    static double doubles[MOST];
    static int64_t longs[MOST];
    static int32_t ints[MOST];
    const size_t n = c->n;

    switch (c->op) {
    case RAND:
        rng_rand(r, n, floats);
        break;
    case UNIFORM:
        rng_uniform(r, n, (float)c->a, (float)c->b, floats);
        break;
    case NORMAL:
        rng_normal(r, n, c->a, c->b, floats);
        break;
    case BERNOULLI:
        rng_bernoulli(r, n, c->a, floats);
        break;
    case BERNOULLI_TENSOR:
        rng_rand(r, n, floats);
        for (size_t k = 0; k < n; k++)
            floats[k] = floats[k] < (float)c->a ? 1.0F : 0.0F;
        break;
    case DROPOUT:
        rng_bernoulli(r, n, 1 - c->a, floats);
        for (size_t k = 0; k < n; k++)
            floats[k] /= (float)(1 - c->a);
        break;
    case DOUBLES:
        for (size_t k = 0; k < n; k++)
            doubles[k] = rng_double(r);
        break;
    case INT64:
        for (size_t k = 0; k < n; k++)
            longs[k] = (int64_t)(rng_u64(r) & INT64_MAX);
        break;
    case RANDINT:
        rng_randint(r, n, (int64_t)c->a, (int64_t)c->b, longs);
        break;
    case PERMUTATION:
        rng_permutation(r, n, ints);
        break;
    case NUMPY_RAND:
        numpy_uniform(r, n, 0, 1, doubles);
        break;
    case NUMPY_RANDN:
        numpy_normal(r, n, 0, 1, doubles);
        break;
    case NUMPY_UNIFORM:
        numpy_uniform(r, n, c->a, c->b, doubles);
        break;
    case NUMPY_NORMAL:
        numpy_normal(r, n, c->a, c->b, doubles);
        break;
    case NUMPY_RANDINT:
        numpy_randint(r, n, (int64_t)c->a, (int64_t)c->b, ints);
        break;
    case NUMPY_PERMUTATION:
        numpy_permutation(r, n, ints);
        break;
    }

    switch (c->op) {
    case PERMUTATION:
    case NUMPY_RANDINT:
    case NUMPY_PERMUTATION:
        for (size_t k = 0; k < n; k++)
            longs[k] = ints[k];
        return hash(h, n * sizeof *longs, longs);
    case INT64:
    case RANDINT:
        return hash(h, n * sizeof *longs, longs);
    case DOUBLES:
    case NUMPY_RAND:
    case NUMPY_RANDN:
    case NUMPY_UNIFORM:
    case NUMPY_NORMAL:
        return hash(h, n * sizeof *doubles, doubles);
    default:
        return hash(h, n * sizeof *floats, floats);
    }
}

// The calls after every seed: each directly after it, or one after the other (mixed).
static void check_calls(const char *title, size_t seeds, const uint64_t *seed, bool mixed,
                        size_t count, const call *calls)
{
    uint64_t h[64];
    for (size_t k = 0; k < count; k++)
        h[k] = HASH_START;
    for (size_t s = 0; s < seeds; s++) {
        rng r;
        rng_seed(&r, (uint32_t)seed[s]);
        for (size_t k = 0; k < count; k++) {
            if (!mixed)
                rng_seed(&r, (uint32_t)seed[s]);
            h[k] = hash_call(&r, &calls[k], h[k]);
        }
    }
    for (size_t k = 0; k < count; k++)
        if (!CHECK(h[k] == calls[k].hash))
            fprintf(stderr, "    %s, row %zu\n", title, k);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

// torch_seed_*.safetensors: every value equal to the bit.
static void test_torch(void)
{
    static const uint64_t seeds[] = {0, 1, 123, 4294967301, 9007199254740991};
    static const call fresh[] = {
        {RAND, 1, 0, 0, 0x7FB46FDBADADB8F7},
        {RAND, 7, 0, 0, 0x05B1C6AE418E1D38},
        {RAND, 700, 0, 0, 0x79C2D52E85939624},
        {NORMAL, 1, 0, 1, 0x6B7E5C1BCB0F6E48},
        {NORMAL, 2, 0, 1, 0x88AB01E153A6A3DD},
        {NORMAL, 7, 0, 1, 0xA4A42609999001A1},
        {NORMAL, 15, 0, 1, 0x69E98CCCC76F6FE3},
        {NORMAL, 16, 0, 1, 0x4D2B75E5FC574985},
        {NORMAL, 17, 0, 1, 0xA1B2FCBA0102D91A},
        {NORMAL, 20, 0, 1, 0x1566C2ED807FBCBA},
        {NORMAL, 23, 0, 1, 0x681B031D8BDD2C87},
        {NORMAL, 31, 0, 1, 0xBA4B8FC548EF20B6},
        {NORMAL, 32, 0, 1, 0x86ED183CB55985A3},
        {NORMAL, 33, 0, 1, 0xD186F5383A096D80},
        {NORMAL, 40, 0, 1, 0xFFB47E5B7F46BBF8},
        {NORMAL, 200, 0, 1, 0x71CE7410B9CF73AB},
        {UNIFORM, 30, -0.25, 0.25, 0x37CDB49029CE886F},
        {UNIFORM, 30, 2.0, 5.0, 0x69D99982853C7AC2},
        {NORMAL, 12, 1.0, 2.0, 0xA0EFF2D0619979C7},
        {NORMAL, 40, -3.0, 0.1, 0xF2F1440A1777AFE7},
        {PERMUTATION, 1, 0, 0, 0x40D69E0CF0F65C45},
        {PERMUTATION, 2, 0, 0, 0xB48C75C296C8ACE4},
        {PERMUTATION, 3, 0, 0, 0xC40DC748DDC40D66},
        {PERMUTATION, 10, 0, 0, 0x1C8FF173E87F3DA4},
        {PERMUTATION, 100, 0, 0, 0x744E675519D42165},
        {PERMUTATION, 257, 0, 0, 0x2CDA3E6D2B5FDF8E},
        {RANDINT, 20, 0, 2, 0xD31EBC1CB3EAEF25},
        {RANDINT, 33, 0, 10, 0x7B8EA8E8CE84A78B},
        {RANDINT, 10, -5, 1000, 0x4D12E10976BF650D},
        {RANDINT, 6, 0, 1099511627776, 0x4309FF5A4EF7D7D2},
        {BERNOULLI, 41, 0.5, 0, 0xFAD68A4F9D88D765},
        {BERNOULLI, 41, 0.1, 0, 0xADDDF0B2C72924C5},
        {BERNOULLI_TENSOR, 41, 0.5, 0, 0x2EDC84DF35801AE5},
        {BERNOULLI_TENSOR, 41, 0.1, 0, 0x92D31875408C1475},
        {DROPOUT, 41, 0.5, 0, 0xECD8423D8B20C4B5},
        {DROPOUT, 41, 0.1, 0, 0xC893EC3F7B39D596},
        {DOUBLES, 5, 0, 0, 0xBAA6A0AB816D498B},
        {INT64, 3, 0, 0, 0x9952D25B88C40A6E},
    };
    static const call mixed[] = {
        {NORMAL, 3, 0, 1, 0x56CE7E23D1AA553C},
        {RAND, 2, 0, 0, 0xEE331444A5E1DE9E},
        {NORMAL, 1, 0, 1, 0xE4A7638914934B8B},
        {PERMUTATION, 6, 0, 0, 0x5AD9396AFD324EC4},
        {NORMAL, 5, 0, 1, 0xB2343A28D2A5893E},
        {NORMAL, 20, 0, 1, 0x9BA31B6ED745BC5A},
        {NORMAL, 2, 0, 1, 0x7037AE7A91DF3C6C},
        {UNIFORM, 4, -1.0, 2.0, 0xF76B37C57F1278C7},
        {NORMAL, 17, 0.5, 0.25, 0xB66F6E60FBA515A5},
        {RANDINT, 5, 0, 9, 0x30338AE7F02252C7},
        {DROPOUT, 12, 0.5, 0, 0x8E0578C98E840EE5},
        {BERNOULLI_TENSOR, 9, 0.4, 0, 0xB1E21957BC59CE55},
        {NORMAL, 7, 0, 1, 0xCDCF77D58152C694},
        {RAND, 650, 0, 0, 0x7826D75DA2BF6D0F},
        {NORMAL, 16, 0, 1, 0x0A088F7111CFB0BF},
        {RAND, 3, 0, 0, 0xFD580A341B1E694B},
    };
    check_calls("torch", COUNT(seeds), seeds, false, COUNT(fresh), fresh);
    check_calls("torch, mixed", COUNT(seeds), seeds, true, COUNT(mixed), mixed);
}

// numpy_legacy.safetensors: every value equal to the bit.
static void test_numpy(void)
{
    static const uint64_t seeds[] = {0, 42, 4294967295};
    static const call fresh[] = {
        {NUMPY_RAND, 320, 0, 0, 0xB2E8B3BCE2B560DF},
        {NUMPY_RANDN, 51, 0, 0, 0x67E80B05C67B78CA},
        {NUMPY_UNIFORM, 20, -2.0, 3.0, 0xFE09067D621C6D31},
        {NUMPY_NORMAL, 9, 1.5, 0.25, 0x476157D36833CBDB},
        {NUMPY_RANDINT, 40, 0, 10, 0xB22F3D1E0C1590AF},
        {NUMPY_RANDINT, 12, -1000, 100000, 0x878BDCEE7C3D76AC},
        {NUMPY_PERMUTATION, 37, 0, 0, 0x3E1EF05BFEF32E61},
        {NUMPY_RAND, 5, 0, 0, 0xA877995F52BFCD24},
    };
    static const call mixed[] = {
        {NUMPY_RANDN, 3, 0, 0, 0x9D83950403D962BE},
        {NUMPY_RAND, 2, 0, 0, 0xA98317A793DE20A1},
        {NUMPY_RANDN, 2, 0, 0, 0x385154F5BA480AB9},
        {NUMPY_RANDINT, 5, 0, 7, 0x3F4387BBAF0EA1A3},
        {NUMPY_PERMUTATION, 8, 0, 0, 0x9BFC0FD5AE78A6C5},
        {NUMPY_RANDN, 1, 0, 0, 0xC30D08B151072ED9},
    };
    check_calls("numpy", COUNT(seeds), seeds, false, COUNT(fresh), fresh);
    check_calls("numpy, mixed", COUNT(seeds), seeds, true, COUNT(mixed), mixed);

    // Another stream of doubles than PyTorch's, from the same seed: np.random.seed(0), randn(2).
    rng r;
    double two[2];
    numpy_seed(&r, 0);
    numpy_normal(&r, 2, 0, 1, two);
    CHECK(two[0] == 0x1.c398ef3e5cfa5p+0 && two[1] == 0x1.99c2cfacc8953p-2);

    // The ends of randint: a range of one draws nothing, a range of 2^32 takes every output.
    int32_t ints[3] = {0};
    rng before = r;
    numpy_randint(&r, 3, -7, -6, ints);
    CHECK(ints[0] == -7 && ints[2] == -7 && memcmp(&r, &before, sizeof r) == 0);
    numpy_randint(&r, 1, INT32_MIN, (int64_t)INT32_MAX + 1, ints);
    CHECK(ints[0] == (int32_t)(INT32_MIN + (int64_t)rng_u32(&before)));
    numpy_permutation(&r, 0, ints);
    numpy_permutation(&r, 1, ints);
    CHECK(ints[0] == 0 && memcmp(&r, &before, sizeof r) == 0);
}

// The generator alone: its known answers, and what a seed forgets.
static void test_twister(void)
{
    rng r, other;
    rng_seed(&r, 5489); // the reference seed; the 10000th output is given in the C++ standard
    CHECK(rng_u32(&r) == 3499211612);
    for (int k = 2; k < 10000; k++)
        rng_u32(&r);
    CHECK(rng_u32(&r) == 4123659995);

    other = r;
    const uint64_t high = rng_u32(&r), low = rng_u32(&r);
    CHECK(rng_u64(&other) == (high << 32 | low));
    other = r;
    CHECK(rng_double(&r) == (double)(rng_u64(&other) % (1ULL << 53)) / (double)(1ULL << 53));

    // A normal number is waiting; the seed forgets it.
    float one, first;
    rng_seed(&r, 3);
    rng_normal(&r, 1, 0, 1, &first);
    CHECK(r.has_normal);
    rng_seed(&r, 3);
    CHECK(!r.has_normal);
    rng_normal(&r, 1, 0, 1, &one);
    CHECK(one == first);
}

static void test_state(void)
{
    rng *global = rng_global();
    rng r;
    rng_seed(&r, (uint32_t)67280421310721);
    CHECK(global == rng_global());
    CHECK(rng_is_state(global));
    CHECK(rng_u32(global) == rng_u32(&r));
    rng_seed(rng_global(), 5);
    rng_seed(&r, 5);
    CHECK(rng_u32(rng_global()) == rng_u32(&r));

    // A copy goes on as the original does, the waiting normal number included.
    float a[5], b[5];
    rng_normal(&r, 3, 0, 1, a);
    rng copy = r;
    CHECK(rng_is_state(&copy) && copy.has_normal);
    rng_normal(&r, 5, 0, 1, a);
    rng_normal(&copy, 5, 0, 1, b);
    CHECK(memcmp(a, b, sizeof a) == 0);

    rng bad = r;
    bad.place = RNG_WORDS + 1;
    CHECK(!rng_is_state(&bad));
    bad.place = 0;
    CHECK(!rng_is_state(&bad));
    bad = r;
    bad.has_normal = 2;
    CHECK(!rng_is_state(&bad));
    bad = r;
    bad.next_normal = NAN;
    CHECK(!rng_is_state(&bad));
    memset(bad.words, 0, sizeof bad.words);
    bad.next_normal = 0;
    CHECK(!rng_is_state(&bad));
    bad.words[0] = 1; // of the first word only the upper bit counts
    CHECK(!rng_is_state(&bad));
    bad.words[RNG_WORDS - 1] = 1;
    CHECK(rng_is_state(&bad));
}

// A few values to be seen, and one array that is large.
static void test_values(void)
{
    static float a[90000];
    rng r;
    rng_seed(&r, 0);
    rng_rand(&r, 3, a); // 0.4963 0.7682 0.0885
    CHECK(a[0] == 0x1.fc2abp-2F && a[1] == 0x1.89545ep-1F && a[2] == 0x1.6a675p-4F);
    rng_seed(&r, 0);
    rng_normal(&r, 2, 0, 1, a); // 1.5410 -0.2934
    CHECK(a[0] == 0x1.8a7eb8p+0F && a[1] == -0x1.2c78ap-2F);
    rng_seed(&r, 123);
    rng_normal(&r, 200, 0, 1, a);
    CHECK(a[0] == 0x1.597792p-2F && a[199] == 0x1.878414p-1F);

    // train/scratch003.safetensors: seed 123, randn(1, 300), randn(300, 300), and their sums in
    // double. One value of one unit in the last place off would change the sum by more than 1e-9.
    double sum = 0;
    rng_seed(&r, 123);
    rng_normal(&r, 300, 0, 1, a);
    for (int k = 0; k < 300; k++)
        sum += a[k];
    CHECK(fabs(sum - -26.11731270106975) < 1e-10);
    sum = 0;
    rng_normal(&r, 90000, 0, 1, a);
    for (int k = 0; k < 90000; k++)
        sum += a[k];
    CHECK(fabs(sum - -250.43231317097343) < 1e-10);

    // Nothing asked, nothing drawn.
    const rng before = r;
    rng_rand(&r, 0, a);
    rng_uniform(&r, 0, 0, 1, a);
    rng_normal(&r, 0, 0, 1, a);
    rng_bernoulli(&r, 0, 0.5, a);
    rng_permutation(&r, 0, NULL);
    rng_permutation(&r, 1, &(int32_t){0});
    CHECK(memcmp(&r, &before, sizeof r) == 0);
}

// uniform_ rounds once, whatever the sizes of its bounds.
static void test_uniform(void)
{
    rng r, twin;
    rng_seed(&r, 77);
    twin = r;
    bool equal = true, inside = true;
    for (int k = 0; k < 20000; k++) {
        const float low = ldexpf((float)(k % 201 - 100), k % 37 - 30);
        const float high = low + ldexpf(1 + (float)(k % 7), k % 41 - 34);
        float got, u;
        rng_uniform(&r, 1, low, high, &got);
        rng_rand(&twin, 1, &u);
        equal = equal && got == fmaf(u, high - low, low);
        inside = inside && got >= low && got <= high;
    }
    CHECK(equal);
    CHECK(inside);
}

static void test_randint(void)
{
    rng r, twin;
    int64_t out[2];
    rng_seed(&r, 8);
    twin = r;
    // Below a range of 2^32 one output, from there on two.
    rng_randint(&r, 1, -1, 0xFFFFFFFE, out);
    CHECK(out[0] == (int64_t)(rng_u32(&twin) % 0xFFFFFFFF) - 1);
    rng_randint(&r, 1, -1, 0xFFFFFFFF, out);
    CHECK(out[0] == (int64_t)(rng_u64(&twin) % 0x100000000) - 1);
    rng_randint(&r, 1, INT64_MIN, INT64_MAX, out);
    CHECK(out[0] == (int64_t)(rng_u64(&twin) % UINT64_MAX + (1ULL << 63)));
    rng_randint(&r, 1, 4, 5, out);
    CHECK(out[0] == 4);
}

// dataloader.json: the orders of the epochs one after the other, then two values of rand.
static void test_epoch(void)
{
    static const struct {
        uint64_t seed;
        size_t n;
        int epochs;
        uint64_t hash; // of the orders as int32, then the values
    } cases[] = {
        {0, 10, 4, 0x8DFD3B70B636D6BE},
        {123, 100, 3, 0x84CE31A8B56D5BF0},
        {4294967301, 7, 3, 0xB07DA88B7AF758B2},
    };
    int32_t order[100];
    float next[2];
    rng r;
    for (size_t c = 0; c < COUNT(cases); c++) {
        uint64_t h = HASH_START;
        rng_seed(&r, (uint32_t)cases[c].seed);
        for (int e = 0; e < cases[c].epochs; e++) {
            rng_epoch(&r, cases[c].n, true, order);
            h = hash(h, cases[c].n * sizeof *order, order);
        }
        rng_rand(&r, 2, next);
        CHECK(hash(h, sizeof next, next) == cases[c].hash);
    }

    static const int32_t first[] = {6, 7, 1, 4, 2, 0, 9, 8, 3, 5};
    rng_seed(&r, 0);
    rng_epoch(&r, 10, true, order);
    CHECK(memcmp(order, first, sizeof first) == 0);

    // Without shuffle only the base seed is drawn.
    rng twin = r;
    rng_u64(&twin);
    rng_epoch(&r, 3, false, order);
    CHECK(order[0] == 0 && order[1] == 1 && order[2] == 2);
    CHECK(memcmp(&r, &twin, sizeof r) == 0);

    // random_split(range(11), [7, 4]) is one permutation, cut.
    static const int32_t split[] = {10, 0, 4, 3, 5, 8, 2, 1, 9, 7, 6};
    rng_seed(&r, 0);
    rng_permutation(&r, 11, order);
    CHECK(memcmp(order, split, sizeof split) == 0);
}

int main(void)
{
    test_twister();
    test_state();
    test_values();
    test_torch();
    test_uniform();
    test_randint();
    test_epoch();
    test_numpy();
    return test_report("rng");
}
