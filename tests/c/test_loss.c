// Losses against a twin in double that is written as the pages of torch.nn say it, one value at a
// time, with plain index arithmetic for broadcasting; gradients against central differences of that
// twin; the corners where PyTorch's answer is a convention; sums of ten million terms; and that
// nothing outside the results is written.
#include "loss.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t random_state = 1;

// Uniform on (-1, 1).
static float draw(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return (float)(random_state >> 8) * 0x1p-23F - 1;
}

typedef struct {
    int dims, size[LOSS_MAX_DIMS];
} shape;

static size_t values_in(const shape *s)
{
    size_t n = 1;
    for (int d = 0; d < s->dims; d++)
        n *= (size_t)s->size[d];
    return n;
}

static status match(const loss *l, shape prediction, shape target, loss_pair *pair)
{
    return loss_match(l, prediction.dims, prediction.size, target.dims, target.size, pair);
}

// ---------------------------------------------------------------------------------------- the twin

enum { MOST = 512 }; // values in any array of these tests, the long sums aside

typedef struct {
    loss l;
    shape prediction, target, result;
    double x[MOST];    // the prediction
    float t[MOST];     // the target, or
    int32_t y[MOST];   // the classes
    double grad[MOST]; // of the result, with REDUCE_NONE
} twin;

// Which value of an operand stands at place `at` of the result.
static size_t operand_at(const shape *operand, const shape *result, size_t at)
{
    size_t index = 0, step = 1;
    for (int d = 1; d <= result->dims; d++) {
        const size_t size = (size_t)result->size[result->dims - d], i = at % size;
        at /= size;
        if (d > operand->dims)
            continue;
        if (operand->size[operand->dims - d] > 1)
            index += i * step;
        step *= (size_t)operand->size[operand->dims - d];
    }
    return index;
}

static double twin_regression(const twin *w, size_t at)
{
    const double x = w->x[operand_at(&w->prediction, &w->result, at)], a = w->l.parameter;
    const double t = (double)w->t[operand_at(&w->target, &w->result, at)], d = fabs(x - t);
    const int n = w->l.num_weights;

    switch (w->l.kind) {
    case LOSS_MSE:
        return d * d;
    case LOSS_L1:
        return d;
    case LOSS_SMOOTH_L1:
        return d < a ? d * d / (2 * a) : d - a / 2;
    case LOSS_HUBER:
        return d < a ? d * d / 2 : a * (d - a / 2);
    default: {
        const double weight = n ? (double)w->l.weights[at % (size_t)n] : 1;
        return weight * t * log1p(exp(-x)) + (1 - t) * log1p(exp(x));
    }
    }
}

// Where class c of the scores for target `at` is. Scores [N][C][inner], targets [N][inner].
static size_t score_at(const twin *w, size_t at, int c, int classes)
{
    const size_t inner =
        w->prediction.dims < 2
            ? 1
            : values_in(&w->prediction) / (size_t)w->prediction.size[0] / (size_t)classes;
    return (at / inner * (size_t)classes + (size_t)c) * inner + at % inner;
}

static double twin_class(const twin *w, size_t at)
{
    const int C = w->prediction.size[w->prediction.dims > 1 ? 1 : 0], y = w->y[at];
    const double e = w->l.parameter;
    double powers = 0, all = 0;
    if (y == w->l.ignore_index)
        return 0;

    for (int c = 0; c < C; c++)
        powers += exp(w->x[score_at(w, at, c, C)]);
    const double log_sum = w->l.kind == LOSS_NLL ? 0 : log(powers);
    for (int c = 0; c < C; c++) {
        const double weight = w->l.num_weights ? (double)w->l.weights[c] : 1;
        const double share = (c == y ? 1 - e : 0) + e / C;
        all -= share * weight * (w->x[score_at(w, at, c, C)] - log_sum);
    }
    return all;
}

static double twin_element(const twin *w, size_t at)
{
    return loss_takes_classes(w->l.kind) ? twin_class(w, at) : twin_regression(w, at);
}

// The number whose gradient is wanted: the loss, or with REDUCE_NONE the sum of values times grad.
static double twin_value(const twin *w)
{
    const size_t n = values_in(&w->result);
    double sum = 0, divisor = 0;
    for (size_t at = 0; at < n; at++) {
        sum += twin_element(w, at) * (w->l.reduce == REDUCE_NONE ? w->grad[at] : 1);
        if (!loss_takes_classes(w->l.kind))
            divisor += 1;
        else if (w->y[at] != w->l.ignore_index)
            divisor += w->l.num_weights ? (double)w->l.weights[w->y[at]] : 1;
    }
    return w->l.reduce == REDUCE_MEAN ? sum / divisor : sum;
}

static double twin_slope(twin *w, size_t i)
{
    const double h = 1e-5, x = w->x[i];
    w->x[i] = x + h;
    const double above = twin_value(w);
    w->x[i] = x - h;
    const double below = twin_value(w);
    w->x[i] = x;
    return (above - below) / (2 * h);
}

// ---------------------------------------------------------------------------------- one comparison

enum { GUARD = 5 }; // odd: results then start at no multiple of four floats
static const float guard = 123.25F;

// Errors: in parts of the value, of the array's largest slope, or of 1 (before the mean) if that
// is more.
static double worst_value, worst_slope;

static void guarded(float *memory, size_t n)
{
    for (size_t i = 0; i < n + 2 * GUARD; i++)
        memory[i] = guard;
}

static bool intact(const float *memory, size_t n)
{
    for (size_t i = 0; i < GUARD; i++)
        if (memory[i] != guard || memory[GUARD + n + i] != guard)
            return false;
    return true;
}

// The case that stands in w, with every reduction.
static void compare(twin *w)
{
    static float memory[4][MOST + 2 * GUARD];
    float *x = memory[0] + GUARD, *elements = memory[1] + GUARD, *dx = memory[2] + GUARD;
    float *grad = memory[3] + GUARD;
    const size_t n = values_in(&w->prediction), count = values_in(&w->result);
    const bool classes = loss_takes_classes(w->l.kind);
    const void *target = classes ? (const void *)w->y : w->t;
    loss_pair pair;

    CHECK(match(&w->l, w->prediction, w->target, &pair) == UNROLLED_OK);
    CHECK(pair.predictions == n && pair.targets == values_in(&w->target) && pair.count == count);
    CHECK(!classes || loss_bad_target(&w->l, &pair, w->y) == pair.targets);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)w->x[i];

    for (int way = 0; way < 4; way++) {
        w->l.reduce = way == 0 ? REDUCE_MEAN : way == 1 ? REDUCE_SUM : REDUCE_NONE;
        for (int a = 1; a < 3; a++)
            guarded(memory[a], a == 1 ? count : n);
        for (size_t i = 0; i < count; i++)
            w->grad[i] = (double)(grad[i] = way == 3 ? draw() : 1);

        const double value = loss_forward(&w->l, &pair, x, target, way < 2 ? NULL : elements);
        if (way < 2) {
            const double want = twin_value(w);
            CHECK(isfinite(value));
            worst_value = fmax(worst_value, fabs(value - want) / fmax(1, fabs(want)));
        } else {
            CHECK(value == 0 && intact(memory[1], count));
            for (size_t i = 0; i < count; i++) {
                const double want = twin_element(w, i);
                const double error = fabs((double)elements[i] - want);
                CHECK(isfinite(elements[i]));
                worst_value = fmax(worst_value, error / fmax(1, fabs(want)));
            }
        }

        loss_backward(&w->l, &pair, x, target, way == 3 ? grad : NULL, dx);
        CHECK(intact(memory[2], n));
        double largest = 0, error = 0;
        for (size_t i = 0; i < n; i++) {
            const double want = twin_slope(w, i);
            largest = fmax(largest, fabs(want));
            error = fmax(error, fabs((double)dx[i] - want));
            CHECK(isfinite(dx[i]));
        }
        worst_slope = fmax(worst_slope, error / fmax(largest, way == 0 ? 1 / (double)count : 1));
    }
}

// -------------------------------------------------------------------------------------- regression

static const loss regressions[] = {
    {.kind = LOSS_MSE},
    {.kind = LOSS_L1},
    {.kind = LOSS_SMOOTH_L1, .parameter = 1},
    {.kind = LOSS_SMOOTH_L1, .parameter = 0.25},
    {.kind = LOSS_SMOOTH_L1, .parameter = 0},
    {.kind = LOSS_HUBER, .parameter = 1},
    {.kind = LOSS_HUBER, .parameter = 0.3},
    {.kind = LOSS_BCE_LOGITS},
};
enum { REGRESSIONS = sizeof regressions / sizeof regressions[0] };

static void compare_regression(const loss *l, shape prediction, shape target, shape result)
{
    static twin w;
    w.l = *l;
    w.prediction = prediction;
    w.target = target;
    w.result = result;
    for (size_t i = 0; i < values_in(&target); i++)
        w.t[i] = l->kind == LOSS_BCE_LOGITS ? 0.5F + 0.5F * draw() : draw();
    for (size_t i = 0; i < values_in(&prediction); i++)
        w.x[i] = (double)(3 * draw());
    // No |x - t| where a central difference would straddle a kink.
    for (size_t at = 0; at < values_in(&result); at++) {
        double *x = &w.x[operand_at(&prediction, &result, at)];
        if (fabs(*x - (double)w.t[operand_at(&target, &result, at)]) < 1e-3)
            *x = (double)(float)(*x + 0.01);
    }
    compare(&w);
}

static void test_regression(void)
{
    static const int lengths[] = {1, 2, 3, 4, 5, 7, 17, 33};
    static const shape pairs[][3] = {
        {{2, {4, 1}}, {1, {4}}, {2, {4, 4}}}, // the broadcast that is usually a mistake
        {{1, {4}}, {2, {4, 1}}, {2, {4, 4}}},
        {{1, {1}}, {1, {5}}, {1, {5}}},
        {{1, {5}}, {1, {1}}, {1, {5}}},
        {{0, {0}}, {1, {7}}, {1, {7}}},
        {{1, {7}}, {0, {0}}, {1, {7}}},
        {{0, {0}}, {0, {0}}, {0, {0}}},
        {{3, {3, 1, 2}}, {2, {4, 1}}, {3, {3, 4, 2}}},
        {{2, {4, 1}}, {3, {3, 1, 2}}, {3, {3, 4, 2}}},
        {{1, {6}}, {2, {9, 6}}, {2, {9, 6}}},
        {{2, {9, 6}}, {1, {6}}, {2, {9, 6}}},
        {{3, {2, 1, 11}}, {3, {2, 13, 11}}, {3, {2, 13, 11}}},
        {{4, {1, 3, 1, 5}}, {4, {2, 1, 7, 1}}, {4, {2, 3, 7, 5}}},
        {{8, {2, 1, 2, 1, 2, 1, 2, 1}},
         {8, {1, 3, 1, 2, 1, 1, 2, 3}},
         {8, {2, 3, 2, 2, 2, 1, 2, 3}}},
        {{5, {1, 1, 3, 1, 1}}, {1, {1}}, {5, {1, 1, 3, 1, 1}}},
    };
    static const float pos_weight[7] = {0.3F, 2.5F, 1, 0.7F, 3, 1.5F, 0};

    for (int k = 0; k < REGRESSIONS; k++) {
        for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
            const shape s = {1, {lengths[n]}};
            compare_regression(&regressions[k], s, s, s);
        }
        if (regressions[k].kind != LOSS_BCE_LOGITS)
            for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++)
                compare_regression(&regressions[k], pairs[p][0], pairs[p][1], pairs[p][2]);
    }
    for (int weights = 1; weights <= 7; weights++) {
        const shape rows = {3, {3, 2, weights}}, row = {1, {weights}}, other = {2, {3, 5}};
        const loss l = {LOSS_BCE_LOGITS, REDUCE_MEAN, 0, 0, weights, pos_weight};
        compare_regression(&l, rows, rows, rows);
        compare_regression(&l, row, row, row);
        if (weights == 1)
            compare_regression(&l, other, other, other);
    }
}

// A single value and its slope.
static float one_value(const loss *l, float x, float t, float *dx)
{
    const shape scalar = {0, {0}};
    loss_pair pair;
    CHECK(match(l, scalar, scalar, &pair) == UNROLLED_OK);
    loss_backward(l, &pair, &x, &t, NULL, dx);
    return (float)loss_forward(l, &pair, &x, &t, NULL);
}

static void test_regression_corners(void)
{
    float dx;
    for (int k = 0; k < REGRESSIONS; k++) {
        const loss *l = &regressions[k];
        const bool bce = l->kind == LOSS_BCE_LOGITS;
        CHECK(isnan(one_value(l, NAN, 0, &dx)));
        CHECK(l->kind == LOSS_L1 ? dx == 0 : isnan(dx)); // the sign of NaN is 0 in PyTorch
        CHECK(one_value(l, INFINITY, 0, &dx) == INFINITY);
        CHECK(isfinite(dx) || l->kind == LOSS_MSE);
        if (!bce) {
            CHECK(one_value(l, -INFINITY, 0, &dx) == INFINITY && dx < 0);
            CHECK(isnan(one_value(l, INFINITY, INFINITY, &dx)));
            CHECK(one_value(l, 0.25F, 0.25F, &dx) == 0);
            CHECK(dx == (l->kind == LOSS_SMOOTH_L1 && l->parameter == 0 ? -1 : 0));

            // Values by themselves, of nothing and of -0: 0, not -0.
            static const float x[2] = {0.25F, -0.0F}, t[2] = {0.25F, 0};
            float values[2];
            loss none = *l;
            loss_pair pair;
            none.reduce = REDUCE_NONE;
            CHECK(match(&none, (shape){1, {2}}, (shape){1, {2}}, &pair) == UNROLLED_OK);
            loss_forward(&none, &pair, x, t, values);
            CHECK(values[0] == 0 && !signbit(values[0]));
            CHECK(values[1] == 0 && !signbit(values[1]));
        }
    }

    // Losses of answers that are right beyond doubt: small, and right to the last digits.
    const loss bce = {.kind = LOSS_BCE_LOGITS};
    static const float sure[] = {1, 10, 20, 40, 80, 100};
    for (int k = 0; k < 6; k++) {
        const double want = log1p(exp(-(double)sure[k]));
        CHECK(fabs((double)one_value(&bce, -sure[k], 0, &dx) - want) <= 3e-7 * want + 1e-45);
        CHECK(fabs((double)one_value(&bce, sure[k], 1, &dx) - want) <= 3e-7 * want + 1e-45);
        CHECK(one_value(&bce, sure[k] * 1e30F, 0, &dx) == sure[k] * 1e30F && dx == 1);
    }
    // 2 d alone would overflow.
    const loss mse = {.kind = LOSS_MSE};
    const float x[4] = {3e38F, 0, 0, 0}, t[4] = {0};
    float slopes[4];
    loss_pair pair;
    CHECK(match(&mse, (shape){1, {4}}, (shape){1, {4}}, &pair) == UNROLLED_OK);
    loss_backward(&mse, &pair, x, t, NULL, slopes);
    CHECK(slopes[0] == 1.5e38F);
}

// Ten million terms: a sum in float alone would stop growing, or be off in the third digit.
static void test_long_sums(void)
{
    const int n = 10000000;
    float *values = malloc((size_t)n * sizeof *values), dx, one = 1;
    if (!CHECK(values))
        return;
    double sum = 0, slopes = 0;
    for (int i = 0; i < n; i++) {
        values[i] = 0.5F * draw();
        const double d = 1 - (double)values[i];
        sum += d * d;
        slopes += 2 * d;
    }
    loss l = {.kind = LOSS_MSE, .reduce = REDUCE_SUM};
    loss_pair pair;
    CHECK(match(&l, (shape){1, {1}}, (shape){1, {n}}, &pair) == UNROLLED_OK);
    CHECK(fabs(loss_forward(&l, &pair, &one, values, NULL) / sum - 1) < 1e-8);
    loss_backward(&l, &pair, &one, values, NULL, &dx);
    CHECK(fabs((double)dx / slopes - 1) < 1e-7);

    for (int i = 0; i < n; i++) // the same rounding error every time
        values[i] = 0.9F;
    l.kind = LOSS_L1;
    l.reduce = REDUCE_MEAN;
    CHECK(fabs(loss_forward(&l, &pair, &one, values, NULL) / (double)(1 - 0.9F) - 1) < 1e-7);

    // Columns of 2.5 million, each with its sum.
    float four[4] = {1, 2, 3, 4}, dfour[4];
    l.kind = LOSS_HUBER;
    l.parameter = 10;
    l.reduce = REDUCE_SUM;
    CHECK(match(&l, (shape){1, {4}}, (shape){2, {n / 4, 4}}, &pair) == UNROLLED_OK);
    loss_backward(&l, &pair, four, values, NULL, dfour);
    for (int k = 0; k < 4; k++)
        CHECK(fabs((double)dfour[k] / ((double)(four[k] - 0.9F) * n / 4) - 1) < 2e-7);

    // Scores of ten million classes that are all the same: log(n), and 1/n each.
    for (int i = 0; i < n; i++)
        values[i] = 0.75F;
    float *slope_of = malloc((size_t)n * sizeof *slope_of);
    const int32_t y = 5;
    l = (loss){.kind = LOSS_CROSS_ENTROPY, .ignore_index = -100};
    if (CHECK(slope_of)) {
        CHECK(match(&l, (shape){1, {n}}, (shape){0, {0}}, &pair) == UNROLLED_OK);
        CHECK(fabs(loss_forward(&l, &pair, values, &y, NULL) - log(n)) < 2e-6);
        loss_backward(&l, &pair, values, &y, NULL, slope_of);
        CHECK(slope_of[5] == 1e-7F - 1 && fabsf(slope_of[n - 1] * 1e7F - 1) < 1e-6F);
    }
    free(slope_of);
    free(values);
}

// ----------------------------------------------------------------------------------------- classes

static void compare_classes(const loss *l, shape prediction, int ignored_in_ten)
{
    static twin w;
    const int classes = prediction.size[prediction.dims > 1 ? 1 : 0];
    w.l = *l;
    w.prediction = prediction;
    w.target = (shape){prediction.dims - 1, {0}};
    for (int d = 0; d < w.target.dims; d++)
        w.target.size[d] = prediction.size[d == 0 ? 0 : d + 1];
    w.result = w.target;
    for (size_t i = 0; i < values_in(&prediction); i++)
        w.x[i] = (double)(3 * draw() - (l->kind == LOSS_NLL ? 3.0F : 0.0F));
    for (size_t i = 0; i < values_in(&w.target); i++) {
        const bool ignored = i > 0 && draw() * 5 + 5 < (float)ignored_in_ten;
        w.y[i] = ignored ? l->ignore_index : (int32_t)((1 + draw()) / 2 * (float)classes);
    }
    if (l->ignore_index >= 0 && w.y[0] == l->ignore_index)
        w.y[0] = (w.y[0] + 1) % classes; // one target at least that counts
    compare(&w);
}

static void test_classes(void)
{
    static const int sizes[] = {1, 2, 3, 5, 7, 17, 33};
    static const double smoothings[] = {0, 0.1, 1};
    float weights[33];
    for (int c = 0; c < 33; c++)
        weights[c] = 1.1F + draw();

    for (int variant = 0; variant < 16; variant++) {
        loss l = {.kind = variant % 4 == 3 ? LOSS_NLL : LOSS_CROSS_ENTROPY};
        l.parameter = l.kind == LOSS_NLL ? 0 : smoothings[variant % 4];
        l.weights = weights;
        for (int k = 0; k < 7; k++) {
            const int C = sizes[k];
            l.num_weights = variant & 4 ? C : 0;
            l.ignore_index = variant & 8 && C > 1 ? C / 2 : -100;
            compare_classes(&l, (shape){1, {C}}, 0);
            compare_classes(&l, (shape){2, {5, C}}, 3);
            compare_classes(&l, (shape){3, {2, C, 1 + k}}, 3);
            compare_classes(&l, (shape){4, {1, C, 2, 3}}, 3);
        }
    }
}

static void test_class_corners(void)
{
    static const float weights[3] = {2, 0, 1};
    loss_pair pair;

    for (int variant = 0; variant < 12; variant++) {
        loss l = {.kind = variant % 3 == 2 ? LOSS_NLL : LOSS_CROSS_ENTROPY, .ignore_index = 2};
        l.parameter = variant % 3 == 1 ? 0.1 : 0;
        l.weights = weights;
        l.num_weights = variant & 4 ? 3 : 0;
        l.reduce = REDUCE_MEAN;
        // [2][3] or, transposed, [1][3][2]: rows and columns take different ways.
        const bool columns = variant >= 6;
        const shape scores = columns ? (shape){3, {1, 3, 2}} : (shape){2, {2, 3}};
        const shape targets = columns ? (shape){2, {1, 2}} : (shape){1, {2}};
        CHECK(match(&l, scores, targets, &pair) == UNROLLED_OK);

        // All ignored, and scores that are no numbers: mean NaN, sum 0, gradients exactly 0.
        const float x[6] = {NAN, 1, INFINITY, -INFINITY, 2, 3};
        const int32_t ignored[2] = {2, 2};
        float dx[6], elements[2];
        CHECK(isnan(loss_forward(&l, &pair, x, ignored, NULL)));
        loss_backward(&l, &pair, x, ignored, NULL, dx);
        for (int i = 0; i < 6; i++)
            CHECK(dx[i] == 0);
        l.reduce = REDUCE_SUM;
        CHECK(loss_forward(&l, &pair, x, ignored, NULL) == 0);

        // One ignored beside one that counts: it alone is NaN.
        const int32_t mixed[2] = {0, 2};
        l.reduce = REDUCE_NONE;
        loss_forward(&l, &pair, x, mixed, elements);
        CHECK(isnan(elements[0]) && elements[1] == 0);
        loss_backward(&l, &pair, x, mixed, NULL, dx);
        for (int i = 0; i < 6; i++)
            if (columns ? i % 2 : i >= 3)
                CHECK(dx[i] == 0);
            else
                CHECK(l.kind == LOSS_NLL || isnan(dx[i]));

        // A mean over targets of weight 0 only.
        const float y[6] = {1, 2, 3, 4, 5, 6};
        const int32_t weightless[2] = {1, 2};
        l.reduce = REDUCE_MEAN;
        CHECK(isnan(loss_forward(&l, &pair, y, weightless, NULL)) == (l.num_weights > 0));
    }

    // Scores far apart: neither overflow nor NaN, and -infinity is a class that cannot be.
    const loss l = {.kind = LOSS_CROSS_ENTROPY, .reduce = REDUCE_SUM, .ignore_index = -100};
    static const float far[2][5] = {{1e4F, -1e4F, 0, 1e4F, -INFINITY}, {-3e38F, 3e38F, 0, 0, 0}};
    int32_t y[2] = {0, 1};
    float dx[10];
    CHECK(match(&l, (shape){2, {2, 5}}, (shape){1, {2}}, &pair) == UNROLLED_OK);
    CHECK(fabs(loss_forward(&l, &pair, far[0], y, NULL) - log(2)) < 1e-7);
    loss_backward(&l, &pair, far[0], y, NULL, dx);
    static const float want[10] = {-0.5F, 0, 0, 0.5F, 0, 0, 0, 0, 0, 0};
    CHECK(memcmp(dx, want, sizeof dx) == 0);
    y[0] = 4;
    CHECK(loss_forward(&l, &pair, far[0], y, NULL) == INFINITY);
    y[0] = 1;
    CHECK(fabs(loss_forward(&l, &pair, far[0], y, NULL) - 20000 - log(2)) < 1e-6);
    // Only differences matter, also where all scores are far below 0.
    static const float low[2][5] = {{-1000, -1000, -1000, -1000, -1000}, {-9e9F, 0, 0, 0, 0}};
    CHECK(fabs(loss_forward(&l, &pair, low[0], y, NULL) - log(5) - log(4)) < 1e-6);

    // Without smoothing an infinite weight is that of its class alone.
    static const float endless[3] = {1, INFINITY, 0.5F}, three[3] = {-1, -2, -1.5F};
    for (int nll = 0; nll < 2; nll++) {
        const loss weighted = {.kind = nll ? LOSS_NLL : LOSS_CROSS_ENTROPY,
                               .reduce = REDUCE_SUM,
                               .ignore_index = -100,
                               .num_weights = 3,
                               .weights = endless};
        y[0] = 2;
        CHECK(match(&weighted, (shape){2, {1, 3}}, (shape){1, {1}}, &pair) == UNROLLED_OK);
        CHECK(isfinite(loss_forward(&weighted, &pair, three, y, NULL)));
        loss_backward(&weighted, &pair, three, y, NULL, dx);
        CHECK(isfinite(dx[0]) && isfinite(dx[1]) && isfinite(dx[2]) && dx[2] < 0);
        y[0] = 1;
        CHECK(loss_forward(&weighted, &pair, three, y, NULL) == INFINITY);
    }
}

// ------------------------------------------------------------------------------ shapes and targets

static void test_match(void)
{
    static const struct {
        loss_kind kind;
        int weights;
        shape prediction, target;
    } refused[] = {
        {LOSS_MSE, 0, {1, {4}}, {1, {3}}},
        {LOSS_MSE, 0, {2, {4, 2}}, {1, {4}}},
        {LOSS_MSE, 0, {1, {0}}, {1, {0}}},
        {LOSS_MSE, 0, {1, {-4}}, {1, {-4}}},
        {LOSS_MSE, 0, {9, {1}}, {1, {1}}},
        {LOSS_MSE, 0, {1, {1}}, {9, {1}}},
        {LOSS_MSE, 0, {-1, {1}}, {1, {1}}},
        {LOSS_L1, 0, {3, {2147483647, 2147483647, 5}}, {1, {1}}},
        {LOSS_L1, 0, {3, {2147483647, 1, 5}}, {2, {2147483647, 1}}}, // each fits, not together
        {LOSS_L1, 0, {1, {1}}, {8, {65536, 1, 65536, 1, 65536, 1, 65536, 1}}},
        {LOSS_BCE_LOGITS, 0, {2, {4, 1}}, {1, {4}}},
        {LOSS_BCE_LOGITS, 0, {2, {4, 1}}, {2, {4, 4}}},
        {LOSS_BCE_LOGITS, 3, {2, {3, 4}}, {2, {3, 4}}},
        {LOSS_BCE_LOGITS, 2, {0, {0}}, {0, {0}}},
        {LOSS_CROSS_ENTROPY, 0, {0, {0}}, {0, {0}}},
        {LOSS_CROSS_ENTROPY, 0, {1, {4}}, {1, {4}}},
        {LOSS_CROSS_ENTROPY, 0, {2, {3, 4}}, {1, {4}}},
        {LOSS_CROSS_ENTROPY, 0, {2, {3, 4}}, {2, {3, 4}}},
        {LOSS_CROSS_ENTROPY, 0, {3, {3, 4, 2}}, {2, {3, 4}}},
        {LOSS_CROSS_ENTROPY, 3, {2, {3, 4}}, {1, {3}}},
        {LOSS_NLL, 0, {2, {0, 4}}, {1, {0}}},
        {LOSS_NLL, 5, {1, {4}}, {0, {0}}},
    };
    static const float weights[5] = {0};
    loss_pair pair;

    for (size_t k = 0; k < sizeof refused / sizeof refused[0]; k++) {
        const loss l = {refused[k].kind, REDUCE_MEAN, 0, -100, refused[k].weights, weights};
        if (!CHECK(match(&l, refused[k].prediction, refused[k].target, &pair) == UNROLLED_E_SHAPE))
            printf("refused[%zu]\n", k);
    }

    // 2^30 floats are too many for the addresses of WebAssembly, and for no others.
    loss l = {.kind = LOSS_MSE};
    CHECK(match(&l, (shape){1, {32768}}, (shape){2, {32768, 1}}, &pair) ==
          (sizeof(size_t) == 4 ? UNROLLED_E_SHAPE : UNROLLED_OK));

    // Shapes that are the same need no walk; of others the axes along which the prediction is
    // repeated come first, the innermost of them before the others.
    const shape cube = {3, {2, 3, 4}};
    CHECK(match(&l, cube, cube, &pair) == UNROLLED_OK && pair.same && pair.repeats == 1);
    CHECK(pair.count == 24);
    CHECK(match(&l, cube, (shape){2, {3, 4}}, &pair) == UNROLLED_OK && !pair.same);
    CHECK(pair.repeats == 1 && pair.dims == 3 && pair.size[0] == 4 && pair.size[2] == 2);
    CHECK(pair.target_step[1] == 4 && pair.target_step[2] == 0 && pair.result_step[2] == 12);
    CHECK(match(&l, (shape){3, {1, 3, 1}}, cube, &pair) == UNROLLED_OK && !pair.same);
    CHECK(pair.repeats == 8 && pair.dims == 3 && pair.size[0] == 4 && pair.size[1] == 2);
    CHECK(pair.size[2] == 3 && pair.target_step[1] == 12 && pair.result_step[2] == 4);
    CHECK(match(&l, (shape){1, {4}}, (shape){2, {4, 1}}, &pair) == UNROLLED_OK && !pair.same);
    CHECK(pair.count == 16 && pair.repeats == 4);
    l = (loss){LOSS_BCE_LOGITS, REDUCE_MEAN, 0, 0, 4, weights};
    CHECK(match(&l, cube, cube, &pair) == UNROLLED_OK && pair.same);

    // The first class that does not exist is found, before and behind ignore_index.
    l = (loss){.kind = LOSS_NLL, .ignore_index = 7};
    CHECK(match(&l, (shape){3, {2, 4, 3}}, (shape){2, {2, 3}}, &pair) == UNROLLED_OK);
    CHECK(pair.classes == 4 && pair.inner == 3 && pair.count == 6);
    int32_t y[6] = {0, 3, 7, 7, 1, 2};
    CHECK(loss_bad_target(&l, &pair, y) == 6);
    y[5] = 4;
    CHECK(loss_bad_target(&l, &pair, y) == 5);
    y[1] = -1;
    CHECK(loss_bad_target(&l, &pair, y) == 1);
    y[0] = INT32_MIN;
    CHECK(loss_bad_target(&l, &pair, y) == 0);
}

int main(void)
{
    test_regression();
    test_classes();
    // A few roundings of 6e-8; the central differences are right to 1e-9.
    printf("worst error: values %.1e, slopes %.1e\n", worst_value, worst_slope);
    CHECK(worst_value < 4e-7);
    CHECK(worst_slope < 5e-7);
    test_regression_corners();
    test_class_corners();
    test_long_sums();
    test_match();
    return test_report("loss");
}
