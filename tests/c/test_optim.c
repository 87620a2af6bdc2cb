// Optimizers against a twin in double that follows PyTorch's formulas one parameter at a time, over
// 20 steps at every short length; norms and clipping against the plain sums; what overflows, is
// infinite or NaN; and that nothing outside the spans is touched.
#include "optim.h"
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

// ------------------------------------------------------------------------------ a span with guards

enum { GUARD = 5, LONGEST = 70 }; // odd: arrays then start at no multiple of four floats
static const float guard = 123.25F;

// data, gradient and three moments, each between guard words
typedef struct {
    float memory[5][GUARD + LONGEST + GUARD];
    optim_span span;
} guarded;

static void guarded_init(guarded *s, size_t n)
{
    float *start[5];
    for (int a = 0; a < 5; a++) {
        for (size_t i = 0; i < GUARD + LONGEST + GUARD; i++)
            s->memory[a][i] = guard;
        start[a] = s->memory[a] + GUARD;
        for (size_t i = 0; i < n; i++)
            start[a][i] = 77; // stands for what was there before
    }
    s->span = (optim_span){start[0], start[1], n, {start[2], start[3], start[4]}};
}

static bool guarded_intact(const guarded *s)
{
    for (int a = 0; a < 5; a++)
        for (size_t i = 0; i < GUARD + LONGEST + GUARD; i++)
            if ((i < GUARD || i >= GUARD + s->span.count) && s->memory[a][i] != guard)
                return false;
    return true;
}

// ------------------------------------------------------------------------------------ update rules

typedef struct {
    const char *names; // of the moments, in order
    optim_kind kind;
    optim_options options;
} rule;

#define ADAM .lr = 0.02, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8
#define RMSPROP .lr = 0.01, .alpha = 0.9, .eps = 1e-8

static const rule rules[] = {
    {"", OPTIM_SGD, {.lr = 0.1}},
    {"", OPTIM_SGD, {.lr = 0.1, .weight_decay = 0.1}},
    {"momentum_buffer", OPTIM_SGD, {.lr = 0.05, .momentum = 0.9}},
    {"momentum_buffer", OPTIM_SGD, {.lr = 0.05, .momentum = 0.9, .dampening = 0.3}},
    {"momentum_buffer", OPTIM_SGD, {.lr = 0.05, .momentum = 0.8, .nesterov = true}},
    {"momentum_buffer",
     OPTIM_SGD,
     {.lr = 0.05, .momentum = 0.8, .nesterov = true, .weight_decay = 0.02}},
    {"exp_avg exp_avg_sq", OPTIM_ADAM, {ADAM}},
    {"exp_avg exp_avg_sq", OPTIM_ADAM, {ADAM, .weight_decay = 0.05}},
    {"exp_avg exp_avg_sq max_exp_avg_sq", OPTIM_ADAM, {ADAM, .amsgrad = true}},
    {"exp_avg exp_avg_sq", OPTIM_ADAM, {.lr = 0.02, .beta1 = 0, .beta2 = 0.5, .eps = 1e-3}},
    {"exp_avg exp_avg_sq", OPTIM_ADAMW, {ADAM}},
    {"exp_avg exp_avg_sq", OPTIM_ADAMW, {ADAM, .weight_decay = 0.3}},
    {"exp_avg exp_avg_sq max_exp_avg_sq",
     OPTIM_ADAMW,
     {ADAM, .weight_decay = 0.3, .amsgrad = true}},
    {"square_avg", OPTIM_RMSPROP, {RMSPROP}},
    {"square_avg", OPTIM_RMSPROP, {RMSPROP, .weight_decay = 0.05}},
    {"square_avg momentum_buffer", OPTIM_RMSPROP, {RMSPROP, .momentum = 0.7}},
    {"square_avg grad_avg", OPTIM_RMSPROP, {RMSPROP, .centered = true}},
    {"square_avg momentum_buffer grad_avg",
     OPTIM_RMSPROP,
     {RMSPROP, .momentum = 0.7, .centered = true, .weight_decay = 0.05}},
    {"sum", OPTIM_ADAGRAD, {.lr = 0.1, .eps = 1e-10}},
    {"sum", OPTIM_ADAGRAD, {.lr = 0.1, .eps = 1e-10, .weight_decay = 0.05}},
    {"sum", OPTIM_ADAGRAD, {.lr = 0.1, .eps = 1e-10, .lr_decay = 0.2, .initial_accumulator = 0.3}},
};
enum { RULES = sizeof rules / sizeof rules[0] };

// Update t (from 1) of one parameter with moments m, in the words of torch.optim's pages.
static double twin_update(const rule *r, double t, double p, double g, double m[OPTIM_MAX_MOMENTS])
{
    const optim_options *o = &r->options;
    if (r->kind == OPTIM_ADAMW)
        p *= 1 - o->lr * o->weight_decay;
    else
        g += o->weight_decay * p;

    switch (r->kind) {
    case OPTIM_SGD:
        if (o->momentum == 0)
            return p - o->lr * g;
        m[0] = t > 1 ? o->momentum * m[0] + (1 - o->dampening) * g : g;
        return p - o->lr * (o->nesterov ? g + o->momentum * m[0] : m[0]);
    case OPTIM_ADAM:
    case OPTIM_ADAMW: {
        m[0] = o->beta1 * m[0] + (1 - o->beta1) * g;
        m[1] = o->beta2 * m[1] + (1 - o->beta2) * g * g;
        m[2] = fmax(m[2], m[1]);
        const double square = (o->amsgrad ? m[2] : m[1]) / (1 - pow(o->beta2, t));
        return p - o->lr * m[0] / (1 - pow(o->beta1, t)) / (sqrt(square) + o->eps);
    }
    case OPTIM_RMSPROP: {
        double *buffer = &m[1], *mean = &m[o->momentum > 0 ? 2 : 1];
        double variance = m[0] = o->alpha * m[0] + (1 - o->alpha) * g * g;
        if (o->centered) {
            *mean = o->alpha * *mean + (1 - o->alpha) * g;
            variance -= *mean * *mean;
        }
        double step = g / (sqrt(variance) + o->eps);
        if (o->momentum > 0)
            step = *buffer = o->momentum * *buffer + step;
        return p - o->lr * step;
    }
    case OPTIM_ADAGRAD:
        m[0] += g * g;
        return p - o->lr / (1 + (t - 1) * o->lr_decay) * g / (sqrt(m[0]) + o->eps);
    default:
        return NAN;
    }
}

static double worst_update; // error, in parts of the parameters' size, which is about 1

static void test_rule(const rule *r, size_t n)
{
    enum { STEPS = 20 };
    static guarded s[2];
    static double p[2][LONGEST], m[2][LONGEST][OPTIM_MAX_MOMENTS];
    const size_t counts[2] = {n, 3};
    optim_span spans[2];
    optimizer o = {r->kind, r->options, 9, 2, spans};
    const int moments = optim_num_moments(r->kind, &r->options);

    for (int k = 0; k < 2; k++) {
        guarded_init(&s[k], counts[k]);
        spans[k] = s[k].span;
        for (size_t i = 0; i < counts[k]; i++) {
            p[k][i] = (double)(spans[k].data[i] = draw());
            for (int j = 0; j < OPTIM_MAX_MOMENTS; j++)
                m[k][i][j] = r->options.initial_accumulator;
        }
    }
    optim_init(&o);
    CHECK(o.step == 0);

    for (int step = 1; step <= STEPS; step++) {
        float gradient[2][LONGEST];
        for (int k = 0; k < 2; k++)
            for (size_t i = 0; i < counts[k]; i++) {
                spans[k].grad[i] = gradient[k][i] = draw() * (step % 3 ? 1.0F : 0.01F);
                p[k][i] = twin_update(r, step, p[k][i], (double)gradient[k][i], m[k][i]);
            }
        optim_update(&o);
        CHECK(o.step == step);
        for (int k = 0; k < 2; k++) {
            CHECK(memcmp(spans[k].grad, gradient[k], counts[k] * sizeof(float)) == 0);
            for (size_t i = 0; i < counts[k]; i++) {
                CHECK(isfinite(spans[k].data[i]));
                worst_update = fmax(worst_update, fabs((double)spans[k].data[i] - p[k][i]));
            }
        }
    }
    for (int k = 0; k < 2; k++) {
        CHECK(guarded_intact(&s[k]));
        for (size_t i = 0; i < counts[k]; i++)
            for (int j = 0; j < OPTIM_MAX_MOMENTS; j++) {
                if (j < moments)
                    CHECK(fabs((double)spans[k].moments[j][i] - m[k][i][j]) < 4e-6);
                else
                    CHECK(spans[k].moments[j][i] == 77); // a moment that is not kept is not there
            }
    }
}

static void test_rules(void)
{
    for (int r = 0; r < RULES; r++) {
        for (size_t n = 1; n <= 33; n++)
            test_rule(&rules[r], n);

        char names[64] = "";
        const int moments = optim_num_moments(rules[r].kind, &rules[r].options);
        for (int j = 0; j < moments; j++) {
            strcat(names, j ? " " : "");
            strcat(names, optim_moment_name(rules[r].kind, &rules[r].options, j));
        }
        CHECK(strcmp(names, rules[r].names) == 0);
        CHECK(!optim_moment_name(rules[r].kind, &rules[r].options, moments));
        CHECK(!optim_moment_name(rules[r].kind, &rules[r].options, -1));
    }
    // A rounding of 6e-8 a step, 20 of those, and what a variance of RMSprop loses that nearly
    // cancels.
    printf("update: worst error %.1e\n", worst_update);
    CHECK(worst_update < 2e-6);
}

// One parameter, one step.
static float update_once(const rule *r, float p, float g, const float moments[OPTIM_MAX_MOMENTS],
                         double steps_before)
{
    float m[OPTIM_MAX_MOMENTS] = {moments[0], moments[1], moments[2]};
    optim_span span = {&p, &g, 1, {&m[0], &m[1], &m[2]}};
    optimizer o = {r->kind, r->options, steps_before, 1, &span};
    optim_update(&o);
    return p;
}

static void test_rule_corners(void)
{
    const float none[OPTIM_MAX_MOMENTS] = {0, 0, 0};
    for (int r = 0; r < RULES; r++) {
        CHECK(isnan(update_once(&rules[r], 1, NAN, none, 0)));
        CHECK(!isfinite(update_once(&rules[r], 1, INFINITY, none, 0)));
        CHECK(isnan(update_once(&rules[r], NAN, 1, none, 0)));
    }
    // Without weight decay an infinite parameter stays what it is: 0 times infinity never happens.
    CHECK(update_once(&(rule){"", OPTIM_SGD, {.lr = 0.1}}, INFINITY, 1, none, 0) == INFINITY);
    CHECK(update_once(&(rule){"", OPTIM_ADAM, {ADAM}}, INFINITY, 1, none, 0) == INFINITY);
    // amsgrad does not lose a NaN to the largest so far.
    const float large[OPTIM_MAX_MOMENTS] = {0, NAN, 1};
    CHECK(isnan(update_once(&(rule){"", OPTIM_ADAM, {ADAM, .amsgrad = true}}, 1, 1, large, 5)));

    // Adam's corrections after very many steps: none are left, and to get there takes no time.
    const float settled[OPTIM_MAX_MOMENTS] = {1, 1, 0};
    const rule adam = {"", OPTIM_ADAM, {ADAM}};
    CHECK(fabsf(update_once(&adam, 1, 1, settled, 1e15) - 0.98F) < 1e-6F);
    // And while they matter: beta^t is as exact as pow.
    double m[OPTIM_MAX_MOMENTS] = {1, 1, 0};
    CHECK(fabs((double)update_once(&adam, 1, 1, settled, 1233) -
               twin_update(&adam, 1234, 1, 1, m)) < 1e-7);

    // No spans, and an empty one.
    optim_span empty = {NULL, NULL, 0, {NULL, NULL, NULL}};
    optimizer o = {OPTIM_ADAM, {ADAM}, 0, 1, &empty};
    optim_init(&o);
    optim_update(&o);
    o.num_spans = 0;
    optim_update(&o);
    CHECK(o.step == 2 && optim_grad_norm(&empty, 1, 2) == 0 && optim_grad_norm(NULL, 0, 3) == 0);
}

// --------------------------------------------------------------------------------------- gradients

static bool close_to(double got, double want, double relative)
{
    return fabs(got - want) <= relative * fabs(want);
}

static void test_norms(void)
{
    static const double types[] = {1, 2, 3, 4, 7, 0.5, 1.5, 2.7, 65, 300.5};
    static guarded s[2];

    for (size_t n = 1; n <= LONGEST; n++) {
        optim_span spans[2];
        double largest = 0;
        for (int k = 0; k < 2; k++) {
            guarded_init(&s[k], k ? 5 : n);
            spans[k] = s[k].span;
            for (size_t i = 0; i < spans[k].count; i++) {
                spans[k].grad[i] = draw() * 3;
                largest = fmax(largest, fabs((double)spans[k].grad[i]));
            }
        }
        for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
            double sum = 0;
            for (int k = 0; k < 2; k++)
                for (size_t i = 0; i < spans[k].count; i++)
                    sum += pow(fabs((double)spans[k].grad[i]) / largest, types[t]);
            const double want = largest * pow(sum, 1 / types[t]);
            // 1 and 2 add a few floats, 0.5 squares what the sum lost; all else is in double.
            CHECK(close_to(optim_grad_norm(spans, 2, types[t]), want, t < 2 ? 2e-7 : 1e-12));
        }
        CHECK(optim_grad_norm(spans, 2, INFINITY) == largest);
        CHECK(guarded_intact(&s[0]) && guarded_intact(&s[1]));
    }

    // Where float squares overflow, or vanish, the norm does neither.
    static const float sizes[] = {1e20F, 3e38F, 1e-20F, 1e-38F, 1e-42F, 0};
    for (int k = 0; k < 6; k++) {
        float g[100];
        for (int i = 0; i < 100; i++)
            g[i] = i % 2 ? sizes[k] : -sizes[k];
        const optim_span span = {NULL, g, 100, {NULL, NULL, NULL}};
        const double size = (double)sizes[k];
        CHECK(close_to(optim_grad_norm(&span, 1, 2), 10 * size, 1e-7));
        CHECK(close_to(optim_grad_norm(&span, 1, 1), 100 * size, 1e-7));
        CHECK(close_to(optim_grad_norm(&span, 1, 3), cbrt(100) * size, 1e-12));
        CHECK(optim_grad_norm(&span, 1, INFINITY) == size);

        static const double all_types[] = {1, 2, 3, 2.5, INFINITY};
        for (int t = 0; t < 5; t++)
            for (int place = 0; place < 100; place += 33) {
                const float before = g[place];
                g[place] = -INFINITY;
                CHECK(optim_grad_norm(&span, 1, all_types[t]) == INFINITY);
                g[99 - place] = NAN;
                CHECK(isnan(optim_grad_norm(&span, 1, all_types[t])));
                g[99 - place] = g[place] = before;
            }
    }
}

// Ten million gradients: a sum in float alone would stop growing, or be off in the third digit.
static void test_long_norm(void)
{
    const size_t n = 10000000;
    float *g = malloc(n * sizeof *g);
    if (!CHECK(g))
        return;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        g[i] = 0.1F + 0.01F * draw();
        sum += (double)g[i];
        squares += (double)g[i] * (double)g[i];
    }
    const optim_span span = {NULL, g, n, {NULL, NULL, NULL}};
    CHECK(close_to(optim_grad_norm(&span, 1, 1), sum, 1e-9));
    CHECK(close_to(optim_grad_norm(&span, 1, 2), sqrt(squares), 1e-9));
    for (size_t i = 0; i < n; i++) // the same rounding error every time
        g[i] = 0.1F;
    CHECK(close_to(optim_grad_norm(&span, 1, 1), (double)n * (double)0.1F, 1e-7));
    free(g);
}

static void test_clipping(void)
{
    static guarded s;
    for (size_t n = 1; n <= 33; n++) {
        float before[LONGEST];
        guarded_init(&s, n);
        float *g = s.span.grad;
        for (size_t i = 0; i < n; i++)
            before[i] = g[i] = draw() * 3;
        const double norm = optim_grad_norm(&s.span, 1, 2);

        optim_clip_norm(&s.span, 1, norm, norm + 1); // short enough: not a bit changes
        CHECK(memcmp(g, before, n * sizeof *g) == 0);
        optim_clip_norm(&s.span, 1, norm, 0.5);
        const double factor = fmin(1, 0.5 / (norm + 1e-6));
        for (size_t i = 0; i < n; i++)
            CHECK(close_to((double)g[i], (double)before[i] * factor, 2e-7));

        memcpy(g, before, n * sizeof *g);
        g[n - 1] = n % 2 ? NAN : -INFINITY;
        optim_clip_value(&s.span, 1, 0.75);
        for (size_t i = 0; i + 1 < n; i++)
            CHECK(g[i] == fminf(fmaxf(before[i], -0.75F), 0.75F));
        CHECK(n % 2 ? isnan(g[n - 1]) : g[n - 1] == -0.75F);

        optim_clip_norm(&s.span, 1, INFINITY, 1); // a norm that overflowed: all 0
        CHECK(g[0] == 0 || (n == 1 && isnan(g[0])));
        optim_clip_norm(&s.span, 1, NAN, 1);
        CHECK(isnan(g[0]));
        g[0] = 1e-6F; // as large as what keeps the divisor from 0
        optim_clip_norm(&s.span, 1, 1e-6, 1e-6);
        CHECK(close_to((double)g[0], 0.5e-6, 1e-6));
        optim_zero_grad(&s.span, 1);
        for (size_t i = 0; i < n; i++)
            CHECK(g[i] == 0);
        CHECK(guarded_intact(&s));
    }
}

int main(void)
{
    test_rules();
    test_rule_corners();
    test_norms();
    test_long_norm();
    test_clipping();
    return test_report("optim");
}
