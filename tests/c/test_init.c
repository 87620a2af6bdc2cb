// PyTorch's initializers against values recorded from PyTorch 1.13 (tests/fixtures/rng/init_*):
// bit for bit, and orthogonal_ within 1e-5 (its QR factorization was made in float32).
#include "init.h"
#include "memory.h"
#include "test.h"

#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { MOST = 16384 };
static float data[MOST];

// FNV-1a, 64 bits.
static const uint64_t HASH_START = 0xCBF29CE484222325;

static uint64_t hash(uint64_t h, size_t n, const float *values)
{
    const unsigned char *p = (const void *)values;
    for (size_t k = 0; k < n * sizeof *values; k++)
        h = (h ^ p[k]) * 0x100000001B3;
    return h;
}

// Initializes one parameter; h continued over it. cols 0: a vector.
static uint64_t hash_fill(uint64_t h, rng *r, init_kind kind, int rows, int cols, double a,
                          double b)
{
    CHECK(init_fill(r, kind, rows, cols, a, b, data) == UNROLLED_OK);
    return hash(h, (size_t)rows * (size_t)(cols ? cols : 1), data);
}

static uint64_t hash_next_rand(uint64_t h, rng *r)
{
    rng_rand(r, 2, data);
    return hash(h, 2, data);
}

// init_modules: all parameters of a module in the order they are registered, and two values of rand
// after them, for the place in the stream.
static void test_recurrent(void)
{
    static const struct {
        uint64_t seed;
        int G, I, H, L, D; // G gates: 1 RNN, 3 GRU, 4 LSTM
        bool bias;
        uint64_t hash;
    } modules[] = {
        {1, 1, 5, 2, 1, 1, true, 0xE1224F823795E109},           // RNN
        {123, 1, 3, 5, 2, 2, true, 0xFB7F570823D3F288},         // RNN
        {0, 4, 3, 5, 2, 1, true, 0x5DD95A7D36130F80},           // LSTM
        {4294967301, 4, 4, 7, 1, 2, false, 0x762ECF5CC8ACFD84}, // LSTM
        {123, 3, 8, 6, 2, 2, true, 0x9DAB8C43553FC57B},         // GRU
        {5, 4, 3, 4, 1, 1, true, 0x0CD32C6B5A7E0341},           // LSTMCell
        {6, 3, 2, 3, 1, 1, true, 0xB091E7789BCBD0CD},           // GRUCell
        {7, 1, 4, 4, 1, 1, true, 0x7B5DEB31EE0DED2F},           // RNNCell
    };
    for (size_t m = 0; m < COUNT(modules); m++) {
        const int G = modules[m].G, H = modules[m].H, L = modules[m].L, D = modules[m].D;
        const double bound = 1 / sqrt(H);
        uint64_t h = HASH_START;
        rng r;
        rng_seed(&r, (uint32_t)modules[m].seed);
        for (int l = 0; l < L; l++) {
            for (int d = 0; d < D; d++) {
                const int I = l == 0 ? modules[m].I : D * H;
                h = hash_fill(h, &r, INIT_UNIFORM, G * H, I, -bound, bound); // weight_ih
                h = hash_fill(h, &r, INIT_UNIFORM, G * H, H, -bound, bound); // weight_hh
                if (!modules[m].bias)
                    continue;
                h = hash_fill(h, &r, INIT_UNIFORM, G * H, 0, -bound, bound); // bias_ih
                h = hash_fill(h, &r, INIT_UNIFORM, G * H, 0, -bound, bound); // bias_hh
            }
        }
        if (!CHECK(hash_next_rand(h, &r) == modules[m].hash))
            fprintf(stderr, "    row %zu\n", m);
    }
}

// The gain of leaky_relu with slope sqrt(5), which torch.nn.Linear asks for.
static double linear_gain(void)
{
    const double slope = sqrt(5);
    return sqrt(2 / (1 + slope * slope));
}

static void test_linear(void)
{
    static const struct {
        uint32_t seed;
        int I, K;
        bool bias;
        uint64_t hash;
    } modules[] = {
        {123, 300, 1, true, 0x7575DC4791E28CFE},
        {0, 5, 3, true, 0x86A87F1B4A92CB1C},
        {1, 7, 4, false, 0x6BB29D943ABE74DE},
    };
    for (size_t m = 0; m < COUNT(modules); m++) {
        const int I = modules[m].I, K = modules[m].K;
        const double bound = 1 / sqrt(I);
        uint64_t h = HASH_START;
        rng r;
        rng_seed(&r, modules[m].seed);
        h = hash_fill(h, &r, INIT_KAIMING_UNIFORM, K, I, linear_gain(), 0);
        if (modules[m].bias)
            h = hash_fill(h, &r, INIT_UNIFORM, K, 0, -bound, bound);
        CHECK(hash_next_rand(h, &r) == modules[m].hash);
    }
}

// init_functions: each directly after seed 31.
static void test_functions(void)
{
    const double relu = sqrt(2), tanh_gain = 5.0 / 3;
    const struct {
        init_kind kind;
        int rows, cols;
        double a, b;
        uint64_t hash;
    } calls[] = {
        {INIT_XAVIER_UNIFORM, 5, 3, 1, 0, 0x27101B9B54D6129C},
        {INIT_XAVIER_UNIFORM, 16, 8, tanh_gain, 0, 0x97ED52594F599F6F},
        {INIT_XAVIER_NORMAL, 7, 4, 1, 0, 0xA28D0F3403BFF5A6},
        {INIT_XAVIER_NORMAL, 3, 3, 2, 0, 0x13E09EFC5FA9C513},
        {INIT_KAIMING_UNIFORM, 6, 10, linear_gain(), 0, 0xDB8F934F8C47B2E4},
        {INIT_KAIMING_UNIFORM, 6, 10, relu, 1, 0x45BDD0725D957C74},
        {INIT_KAIMING_NORMAL, 9, 5, relu, 0, 0x7D319BDABFAFB315},
        {INIT_KAIMING_NORMAL, 9, 5, tanh_gain, 1, 0x287F82B538A7756E},
    };
    rng r;
    for (size_t k = 0; k < COUNT(calls); k++) {
        rng_seed(&r, 31);
        const uint64_t h = hash_fill(HASH_START, &r, calls[k].kind, calls[k].rows, calls[k].cols,
                                     calls[k].a, calls[k].b);
        if (!CHECK(h == calls[k].hash))
            fprintf(stderr, "    row %zu\n", k);
    }
}

// The three that take a vector too: the draws of rng.h, no value more.
static void test_plain(void)
{
    float twin_data[24];
    rng r, twin;
    rng_seed(&r, 4);
    twin = r;
    for (int cols = 0; cols <= 4; cols += 4) {
        const size_t n = cols ? 24 : 6;
        data[n] = 8;
        init_fill(&r, INIT_UNIFORM, 6, cols, -0.1, 0.3, data);
        rng_uniform(&twin, n, -0.1F, 0.3F, twin_data);
        CHECK(memcmp(data, twin_data, n * sizeof *data) == 0);
        init_fill(&r, INIT_NORMAL, 6, cols, 2, 0.5, data);
        rng_normal(&twin, n, 2, 0.5, twin_data);
        CHECK(memcmp(data, twin_data, n * sizeof *data) == 0);
        init_fill(&r, INIT_CONSTANT, 6, cols, 0.1, 0, data);
        CHECK(data[0] == 0.1F && data[n - 1] == 0.1F);
        CHECK(data[n] == 8);
        CHECK(memcmp(&r, &twin, sizeof r) == 0);
    }
}

// Orthogonal: as recorded; and of any shape, vectors of length `gain` at right angles.
static void check_recorded(int rows, int cols, double gain, const float *expected)
{
    rng r;
    float worst = 0;
    rng_seed(&r, 31);
    CHECK(init_fill(&r, INIT_ORTHOGONAL, rows, cols, gain, 0, data) == UNROLLED_OK);
    for (int k = 0; k < rows * cols; k++)
        worst = fmaxf(worst, fabsf(data[k] - expected[k]));
    CHECK(worst < 1e-5F);
}

static void check_angles(int rows, int cols, double gain)
{
    rng r, twin;
    rng_seed(&r, 6);
    twin = r;
    CHECK(init_fill(&r, INIT_ORTHOGONAL, rows, cols, gain, 0, data) == UNROLLED_OK);
    const bool wide = rows < cols;
    const int count = wide ? rows : cols, length = wide ? cols : rows;
    const int vector = wide ? cols : 1, element = wide ? 1 : cols;
    double worst = 0;
    for (int i = 0; i < count; i++) {
        for (int j = 0; j <= i; j++) {
            double dot = 0;
            for (int k = 0; k < length; k++)
                dot += (double)data[i * vector + k * element] * data[j * vector + k * element];
            worst = fmax(worst, fabs(dot - (i == j ? gain * gain : 0)));
        }
    }
    CHECK(worst < 1e-6 * gain * gain);

    rng_normal(&twin, (size_t)(rows * cols), 0, 1, data);
    CHECK(memcmp(&r, &twin, sizeof r) == 0);
    CHECK(memory_held() == 0);
}

static void test_orthogonal(void)
{
    static const float square[] = {
        -0.12671494F, -0.1720344F,  0.5168879F,   -0.60057867F, -0.17212832F, 0.54484093F,
        -0.89856428F, 0.012773022F, -0.19720674F, 0.12529126F,  -0.37124369F, 0.0029646754F,
        -0.12662922F, 0.21183591F,  -0.62918806F, -0.42847607F, 0.5059756F,   0.32188493F,
        0.26278299F,  0.68667454F,  -0.16140845F, -0.24572302F, -0.60986578F, -0.032469913F,
        -0.15242964F, 0.61865103F,  0.39621657F,  0.43706739F,  0.3302176F,   0.37010384F,
        0.26115301F,  -0.26667503F, -0.33914414F, 0.43429029F,  -0.30912495F, 0.67933679F,
    };
    static const float tall[] = {
        -0.090639889F, -0.12868744F, 0.31836075F,  -0.4712061F,  -0.0025365539F, 0.30271137F,
        -0.64274848F,  0.1677251F,   -0.7348246F,  0.55024862F,  0.79942703F,    -0.096911877F,
        0.16852921F,   0.95059049F,  -0.21537495F, 1.0131354F,   -0.57598341F,   0.07880947F,
        0.11816098F,   0.57477754F,  0.88775313F,  -0.48481196F, -0.021642679F,  0.81667042F,
    };
    static const float wide[] = {
        -0.077275991F, -0.1381398F,  0.32463452F,   -0.40173173F, -0.2741895F,  0.51489598F,
        -0.54798198F,  -0.25997666F, -0.040915385F, 0.40232995F,  0.35478044F,  -0.23313722F,
        0.27434441F,   0.15086161F,  -0.06326434F,  0.7444514F,   0.17698382F,  -0.60901672F,
        0.087819494F,  0.35354739F,  0.036437921F,  -0.23021784F, -0.50210291F, 0.39828622F,
    };
    check_recorded(6, 6, 1, square);
    check_recorded(8, 3, 1.5, tall);
    check_recorded(3, 8, 1, wide);
    check_angles(1, 1, 1);
    check_angles(1, 9, 0.5);
    check_angles(9, 1, 3);
    check_angles(128, 128, 1);
    check_angles(128, 40, sqrt(2));
    check_angles(17, 33, 1);

#ifdef UNROLLED_FAULTS
    rng r, before;
    rng_seed(&r, 6);
    before = r;
    data[0] = 8;
    memory_refuse_after(0);
    CHECK(init_fill(&r, INIT_ORTHOGONAL, 4, 4, 1, 0, data) == UNROLLED_E_MEMORY);
    memory_refuse_after(-1);
    CHECK(data[0] == 8 && memcmp(&r, &before, sizeof r) == 0);
    CHECK(memory_refused() == 4 * 4 * sizeof(double));
#endif
}

int main(void)
{
    test_recurrent();
    test_linear();
    test_functions();
    test_plain();
    test_orthogonal();
    return test_report("init");
}
