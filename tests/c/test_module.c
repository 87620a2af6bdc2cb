// Linear, activations, dropout and LastStep against the naive twin or their formula; modules in a
// row against the same modules one after the other; the caller's two batch orders against each
// other; and what a Sequential refuses, and that nothing has changed then.
#include "activation.h"
#include "call.h"
#include "cell.h"
#include "dropout.h"
#include "linear.h"
#include "memory.h"
#include "numbers.h"
#include "reference.h"
#include "row.h"
#include "select.h"
#include "stack.h"
#include "test.h"
#include "vector.h"

static module *new_linear(int I, int K)
{
    module *m = linear_create(I, K, true, rng_global());
    if (!m)
        abort();
    return m;
}

static module *new_stack(int kind, int I, int H, int L, double dropout, int flags)
{
    stack *s = stack_create(kind, I, H, L, 0, dropout, flags, rng_global());
    if (!s)
        abort();
    return &s->base;
}

static module *new_sequential(int count, module *const *modules)
{
    status why;
    int where;
    module *m = in_a_row(count, modules, &why, &where);
    if (!m)
        abort();
    return m;
}

static size_t count_of(shape s) { return (size_t)s.T * (size_t)s.N * (size_t)s.F; }

// ------------------------------------------------------------------------------------------ linear

static double worst_linear;

// Two forwards and backwards, the second without the input's gradient: gradients add up.
static void check_linear(int T, int N, int I, int K, bool bias)
{
    module *m = linear_create(I, K, bias, rng_global());
    const int M = T * N;
    const size_t in = (size_t)(M * I), out = (size_t)(M * K), weights = (size_t)(K * I);
    double *W = doubles(weights + (size_t)K), *dW = doubles(weights + (size_t)K);
    double *x = doubles(in), *dx = doubles(in), *y = doubles(out), *dy = doubles(out);
    const double *b = bias ? W + weights : NULL;

    CHECK(m && m->num_parameters == (bias ? 2 : 1) && strcmp(m->table[0].name, "weight") == 0);
    CHECK(m->table[0].rows == K && m->table[0].cols == I);
    widen(m->num_values, m->params, W);
    for (int round = 0; round < 2; round++) {
        float *input = draws(in, 1), *gradient = draws(out, 1);
        CHECK(module_reserve(m, (shape){T, N, I}, true) == UNROLLED_OK);
        CHECK(m->out.T == T && m->out.N == N && m->out.F == K);
        module_forward(m, input, 0);
        widen(in, input, x);
        widen(out, gradient, dy);
        reference_linear(M, K, I, x, W, b, y);
        reference_linear_backward(M, K, I, x, W, dy, dx, dW, bias ? dW + weights : NULL);
        worst_linear = larger(worst_linear, error_of(out, m->y, y));
        if (round == 0) {
            module_backward(m, gradient, 0, WANT_INPUT);
            worst_linear = larger(worst_linear, error_of(in, m->dx, dx));
        } else {
            vector_zero(in, m->dx);
            module_backward(m, gradient, 0, 0);
            for (size_t i = 0; i < in; i++)
                CHECK(m->dx[i] == 0);
        }
        free(input), free(gradient);
    }
    worst_linear = larger(worst_linear, error_of(m->num_values, m->grads, dW));
    CHECK(!module_suspect(m) && worst_linear < 1e-6); // sums of up to 72 terms

    CHECK(module_reserve(m, (shape){T, N, I + 1}, true) == UNROLLED_E_SHAPE);
    module_destroy(m);
    free(W), free(dW), free(x), free(dx), free(y), free(dy);
}

static void test_linear(void)
{
    static const int sizes[] = {1, 2, 3, 4, 5, 8, 9, 33};
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 8; k++)
            for (int n = 0; n < 3; n++)
                check_linear(1 + n, sizes[(i + 3 * k + n) % 7], sizes[i], sizes[k], (i + n) % 3);
}

// ------------------------------------------------------------------------------------- activations

// A row of F values through an activation and back, by the formulas.
static void activate(int kind, int F, const double *x, const double *dy, double *y, double *dx)
{
    double max = -INFINITY, sum = 0, dot = 0;
    for (int i = 0; i < F; i++)
        max = x[i] > max ? x[i] : max;
    for (int i = 0; i < F; i++)
        sum += exp(x[i] - max);
    for (int i = 0; i < F; i++) {
        const double p = exp(x[i] - max) / sum, s = 1 / (1 + exp(-x[i])), t = tanh(x[i]);
        const double values[] = {t, x[i] > 0 ? x[i] : 0, s, p, x[i] - max - log(sum)};
        const double slopes[] = {1 - t * t, x[i] > 0, s * (1 - s), 0, 0};
        y[i] = values[kind - UNROLLED_TANH];
        dx[i] = dy[i] * slopes[kind - UNROLLED_TANH];
        dot += kind == UNROLLED_SOFTMAX ? dy[i] * p : dy[i];
    }
    for (int i = 0; i < F; i++) {
        if (kind == UNROLLED_SOFTMAX)
            dx[i] = y[i] * (dy[i] - dot);
        if (kind == UNROLLED_LOG_SOFTMAX)
            dx[i] = dy[i] - exp(y[i]) * dot;
    }
}

static module *new_activation(int kind, int F)
{
    const bool over_axis = kind == UNROLLED_SOFTMAX || kind == UNROLLED_LOG_SOFTMAX;
    module *m = activation_create(kind, over_axis ? F : 0);
    if (!m)
        abort();
    return m;
}

static void test_activations(void)
{
    static const int sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 17, 33};
    double worst = 0;
    for (int kind = UNROLLED_TANH; kind <= UNROLLED_LOG_SOFTMAX; kind++)
        for (int f = 0; f < 10; f++)
            for (int T = 1; T < 4; T++) {
                const int F = sizes[f], N = 1 + (f + T) % 3;
                module *m = new_activation(kind, F);
                const size_t n = (size_t)(T * N * F);
                float *x = draws(n, 5), *dy = draws(n, 1);
                double *wide = doubles(n), *slopes = doubles(n), *y = doubles(n), *dx = doubles(n);
                widen(n, x, wide);
                widen(n, dy, slopes);
                for (int r = 0; r < T * N; r++)
                    activate(kind, F, wide + r * F, slopes + r * F, y + r * F, dx + r * F);

                CHECK(module_reserve(m, (shape){T, N, F}, true) == UNROLLED_OK);
                CHECK(m->out.T == T && m->out.N == N && m->out.F == F);
                module_forward(m, x, 0);
                module_backward(m, dy, 0, WANT_INPUT);
                worst = larger(worst, larger(error_of(n, m->y, y), error_of(n, m->dx, dx)));
                CHECK(module_reserve(m, (shape){T, N, F + 1}, true) ==
                      (kind < UNROLLED_SOFTMAX ? UNROLLED_OK : UNROLLED_E_SHAPE));
                module_destroy(m);
                free(x), free(dy), free(wide), free(slopes), free(y), free(dx);
            }
    printf("activations: %.1e\n", worst);
    CHECK(worst < 1e-6); // an exponential, a sum of up to 33 of them, a quotient
}

// y of one row of three.
static const float *through(module *m, const float *x)
{
    CHECK(module_reserve(m, (shape){1, 2, 3}, true) == UNROLLED_OK);
    module_forward(m, x, 0);
    return m->y;
}

static void test_activations_at_the_edge(void)
{
    static const float ones[] = {1, 1, 1, 1, 1, 1};
    module *soft = new_activation(UNROLLED_SOFTMAX, 3);
    module *logs = new_activation(UNROLLED_LOG_SOFTMAX, 3),
           *relu = new_activation(UNROLLED_RELU, 3);

    const float *y = through(soft, (const float[]){1000, 0, -1000, -88, -INFINITY, -88});
    CHECK(y[0] == 1 && y[1] == 0 && y[2] == 0);
    CHECK(y[3] == 0.5F && y[4] == 0 && y[5] == 0.5F);
    y = through(logs, (const float[]){1000, 0, -1000, -88, -INFINITY, -88});
    CHECK(y[0] == 0 && y[1] == -1000 && y[2] == -2000);
    CHECK(y[4] == -INFINITY && fabsf(y[3] + 0.69314718F) < 1e-6F);
    module_backward(logs, ones, 0, WANT_INPUT);
    CHECK(logs->dx[0] == -2 && logs->dx[1] == 1 && logs->dx[4] == 1);

    // NaN fills its row, as in PyTorch, and no other
    y = through(soft, (const float[]){1, NAN, 2, 0, 0, 0});
    CHECK(isnan(y[0]) && isnan(y[1]) && isnan(y[2]) && fabsf(y[4] - 1 / 3.0F) < 1e-7F);
    y = through(soft, (const float[]){-INFINITY, -INFINITY, -INFINITY, 5, 5, 5});
    CHECK(isnan(y[0]) && isnan(y[2]) && y[3] == y[4] && y[4] == y[5]);

    y = through(relu, (const float[]){NAN, INFINITY, -INFINITY, 0, 1e-45F, -1e-45F});
    CHECK(isnan(y[0]) && y[1] == INFINITY && y[2] == 0 && y[3] == 0 && y[4] > 0 && y[5] == 0);
    module_backward(relu, ones, 0, WANT_INPUT);
    CHECK(relu->dx[1] == 1 && relu->dx[2] == 0 && relu->dx[3] == 0 && relu->dx[4] == 1);
    module_destroy(soft), module_destroy(logs), module_destroy(relu);
}

// ---------------------------------------------------------------------------- dropout and LastStep

// mask [N][T][F] as drawn becomes [T][N][F].
static float *time_first(int T, int N, int F, float *drawn)
{
    float *mask = floats((size_t)(T * N * F));
    vector_swap_axes(N, T, F, drawn, mask);
    free(drawn);
    return mask;
}

// The mask is drawn in the caller's order; in eval(), and with p = 0, nothing is drawn.
static void test_dropout(void)
{
    for (int batch_first = 0; batch_first < 2; batch_first++)
        for (int T = 1; T < 4; T += 2)
            for (int N = 1; N < 6; N += 2) {
                const int F = 4 + T;
                const size_t n = (size_t)(T * N * F);
                float *x = draws(n, 1), *dy = draws(n, 1), *mask = floats(n);
                module *m = dropout_create(0.4);
                m->batch_first = batch_first;
                rng expected = *rng_global();
                dropout_mask(&expected, n, 0.4, mask);
                if (batch_first)
                    mask = time_first(T, N, F, mask);

                CHECK(module_reserve(m, (shape){T, N, F}, true) == UNROLLED_OK);
                module_forward(m, x, 0);
                CHECK(memcmp(&expected, rng_global(), sizeof expected) == 0);
                module_train(m, false); // the backward is that of the forward all the same
                module_backward(m, dy, 0, WANT_INPUT);
                for (size_t i = 0; i < n; i++)
                    CHECK(m->y[i] == x[i] * mask[i] && m->dx[i] == dy[i] * mask[i]);

                CHECK(module_reserve(m, (shape){T, N, F}, true) == UNROLLED_OK);
                module_forward(m, x, 0);
                module_backward(m, dy, 0, WANT_INPUT);
                CHECK(same_bits(n, m->y, x) && same_bits(n, m->dx, dy));
                CHECK(memcmp(&expected, rng_global(), sizeof expected) == 0);
                module_destroy(m);
                free(x), free(dy), free(mask);
            }
    for (int all = 0; all < 2; all++) {
        const float x[3] = {1, 2, 3};
        const rng before = *rng_global();
        module *m = dropout_create(all);
        CHECK(module_reserve(m, (shape){1, 1, 3}, true) == UNROLLED_OK);
        module_forward(m, x, 0);
        module_backward(m, x, 0, WANT_INPUT);
        CHECK(m->y[2] == (all ? 0 : 3) && m->dx[1] == (all ? 0 : 2));
        CHECK(memcmp(&before, rng_global(), sizeof before) == 0);
        module_destroy(m);
    }
}

static void test_last_step(void)
{
    for (int T = 1; T < 5; T++)
        for (int N = 1; N < 4; N++) {
            const size_t F = 5, step = (size_t)N * F, n = (size_t)T * step;
            float *x = draws(n, 1), *dy = draws(step, 1);
            module *m = select_create();
            CHECK(module_reserve(m, (shape){T, N, (int)F}, true) == UNROLLED_OK);
            CHECK(m->out.T == 1 && m->out.N == N && m->out.F == (int)F && m->many_to_one);
            module_forward(m, x, 0);
            CHECK(same_bits(step, m->y, x + n - step));
            module_backward(m, dy, 0, WANT_INPUT);
            for (size_t i = 0; i < n - step; i++)
                CHECK(m->dx[i] == 0);
            CHECK(same_bits(step, m->dx + n - step, dy));
            module_destroy(m);
            free(x), free(dy);
        }
}

// -------------------------------------------------------------------------------------- sequential

// What a Sequential is to its caller.
static bool is(const module *m, int inputs, int outputs, bool uses_time, bool many_to_one)
{
    return m->inputs == inputs && m->outputs == outputs && m->uses_time == uses_time &&
           m->many_to_one == many_to_one;
}

static void test_sequential_sizes(void)
{
    module *activations[] = {new_activation(UNROLLED_TANH, 0), new_activation(UNROLLED_RELU, 0)};
    module *any = new_sequential(2, activations);
    CHECK(is(any, 0, 0, false, false) && !any->recurrent);

    module *rows[] = {any, new_linear(3, 4), dropout_create(0.5), new_linear(4, 2),
                      new_activation(UNROLLED_LOG_SOFTMAX, 2)};
    module *head = new_sequential(5, rows);
    CHECK(is(head, 3, 2, false, false) && any->parent == head && rows[4]->parent == head);

    module *all[] = {new_stack(UNROLLED_GRU, 7, 3, 1, 0, UNROLLED_BATCH_FIRST), select_create(),
                     head};
    module *model = new_sequential(3, all);
    CHECK(is(model, 7, 2, true, true) && model->recurrent && model->batch_first);
    CHECK(head->batch_first && any->batch_first && activations[1]->batch_first); // all follow
    const size_t held = memory_held();
    module_train(model, false);
    CHECK(!activations[0]->training && !rows[2]->training && !all[0]->training);
    module_train(model, true);
    CHECK(activations[0]->training && memory_held() == held);

    CHECK(module_reserve(model, (shape){5, 2, 7}, true) == UNROLLED_OK);
    CHECK(model->out.T == 1 && model->out.N == 2 && model->out.F == 2);
    CHECK(module_planned(model));
    module_destroy(model);
}

// A Sequential of these: refused for this reason, because of the module at this place.
static bool refused(int count, module *const *modules, status reason, int place)
{
    const size_t held = memory_held();
    status why = UNROLLED_OK;
    int where = -1;
    module *m = in_a_row(count, modules, &why, &where);
    if (m)
        module_destroy(m);
    return !m && why == reason && where == place && memory_held() == held;
}

static void test_sequential_refusals(void)
{
    module *a = new_linear(3, 4), *b = new_linear(5, 2),
           *soft = new_activation(UNROLLED_SOFTMAX, 5);
    module *tanh_too = new_activation(UNROLLED_TANH, 0), *last = select_create();
    module *ordered = new_stack(UNROLLED_LSTM, 4, 5, 1, 0, UNROLLED_BATCH_FIRST);
    module *other = new_stack(UNROLLED_GRU, 5, 5, 1, 0, 0);
    module *all[] = {a, b, soft, tanh_too, last, ordered, other};

    CHECK(refused(2, (module *[]){a, b}, UNROLLED_E_SHAPE, 1));
    CHECK(refused(3, (module *[]){a, tanh_too, soft}, UNROLLED_E_SHAPE, 2));
    CHECK(refused(2, (module *[]){soft, a}, UNROLLED_E_SHAPE, 1));
    CHECK(refused(4, (module *[]){ordered, last, tanh_too, a}, UNROLLED_E_SHAPE, 3));
    CHECK(refused(2, (module *[]){ordered, other}, UNROLLED_E_ARGUMENT, 1));        // batch orders
    CHECK(refused(3, (module *[]){tanh_too, a, tanh_too}, UNROLLED_E_ARGUMENT, 2)); // twice
    module *inner = new_sequential(1, &other);
    CHECK(refused(2, (module *[]){other, b}, UNROLLED_E_ARGUMENT, 0)); // in another one already
    CHECK(refused(3, (module *[]){a, ordered, inner}, UNROLLED_E_ARGUMENT, 2)); // order inside
    for (int i = 0; i < 7; i++)
        CHECK(all[i]->parent == (all[i] == other ? inner : NULL));
    for (int i = 0; i < 7; i++)
        CHECK(all[i]->batch_first == (all[i] == ordered));

    // what was refused once can stand elsewhere
    module *good = new_sequential(4, (module *[]){a, ordered, last, b});
    CHECK(is(good, 3, 2, true, true));
    module_destroy(good), module_destroy(inner), module_destroy(soft), module_destroy(tanh_too);
}

// Sequentials inside each other, as deep as they may be.
static void test_sequential_depth(void)
{
    enum { DEEPEST = 64 };
    module *deep = new_linear(3, 3);
    for (int i = 0; i < DEEPEST; i++)
        deep = new_sequential(1, &deep);
    module *line = new_linear(3, 3);
    CHECK(refused(2, (module *[]){line, deep}, UNROLLED_E_ARGUMENT, 1));
    CHECK(deep->parent == NULL && line->parent == NULL);
    const float x[] = {1, 2, 3};
    CHECK(module_reserve(deep, (shape){1, 1, 3}, true) == UNROLLED_OK);
    module_forward(deep, x, 0);
    module_backward(deep, x, 0, WANT_INPUT);
    CHECK(isfinite(deep->dx[0]) && !module_suspect(deep));
    module_destroy(deep), module_destroy(line);
}

// A LastStep and a Linear have no batch order of their own, together neither.
static void test_sequential_of_no_order(void)
{
    module *layers = new_stack(UNROLLED_LSTM, 4, 5, 1, 0, UNROLLED_BATCH_FIRST);
    module *head = new_sequential(2, (module *[]){select_create(), new_linear(5, 2)});
    CHECK(head->uses_time && !head->recurrent && !head->batch_first);
    module *both = new_sequential(2, (module *[]){layers, head});
    CHECK(head->batch_first && is(both, 4, 2, true, true));
    module_destroy(both);
}

// A Sequential, nested, against its modules one after the other.
static void test_sequential_steps(void)
{
    enum { T = 4, N = 3 };
    const size_t in = T * N * 3, out = N * 2;
    module *loose[5], *held[5];
    for (int copy = 0; copy < 2; copy++) {
        module **m = copy ? held : loose;
        rng_seed(rng_global(), 5);
        m[0] = new_stack(UNROLLED_LSTM, 3, 5, 2, 0, UNROLLED_BIAS);
        m[1] = select_create();
        m[2] = new_linear(5, 4);
        m[3] = new_activation(UNROLLED_SIGMOID, 0);
        m[4] = new_linear(4, 2);
    }
    module *inner = new_sequential(3, held + 2);
    module *model = new_sequential(3, (module *[]){held[0], held[1], inner});

    for (int round = 0; round < 2; round++) { // gradients add up alike
        float *x = draws(in, 1), *dy = draws(out, 1);
        CHECK(module_reserve(model, (shape){T, N, 3}, true) == UNROLLED_OK);
        module_forward(model, x, 0);
        module_backward(model, dy, 0, WANT_INPUT);
        CHECK(!model->pending && !held[0]->pending && !inner->pending);

        shape s = {T, N, 3};
        const float *y = x, *d = dy;
        for (int i = 0; i < 5; i++) {
            CHECK(module_reserve(loose[i], s, true) == UNROLLED_OK);
            module_forward(loose[i], y, 0);
            y = loose[i]->y;
            s = loose[i]->out;
        }
        for (int i = 4; i >= 0; i--) {
            module_backward(loose[i], d, 0, WANT_INPUT);
            d = loose[i]->dx;
        }
        CHECK(same_bits(out, model->y, y) && same_bits(in, model->dx, d));
        for (int i = 0; i < 5; i++)
            CHECK(same_bits(loose[i]->num_values, loose[i]->grads, held[i]->grads));
        free(x), free(dy);
    }
    module_zero_grad(model);
    for (size_t i = 0; i < held[4]->num_values; i++)
        CHECK(held[4]->grads[i] == 0);
    held[2]->suspect = true;
    CHECK(module_suspect(model));
    module_zero_grad(model);
    CHECK(!module_suspect(model));
    module_destroy(model);
    for (int i = 0; i < 5; i++)
        module_destroy(loose[i]);
}

// A child that was called or planned since makes the waiting forward worthless, at any depth;
// a batch whose shape is refused does not.
static void test_disturbances(void)
{
    enum { T = 2, N = 3 };
    module *layers = new_stack(UNROLLED_GRU, 3, 4, 1, 0, UNROLLED_BIAS), *line = new_linear(4, 2);
    module *inner = new_sequential(1, &line);
    module *model = new_sequential(2, (module *[]){layers, inner});
    const shape batch = {T, N, 3}, rows = {T, N, 4};
    float *x = draws(T * N * 4, 1), *dy = draws(T * N * 2, 1), *grads = NULL;

    for (int trouble = 0; trouble < 7; trouble++) {
        CHECK(module_reserve(model, batch, true) == UNROLLED_OK);
        module_forward(model, x, 0);
        CHECK(model->pending && sequential_undisturbed(model) && module_planned(model));
        bool kept = false, planned = true;
        switch (trouble) {
        case 0: // called by itself
            CHECK(module_reserve(line, rows, true) == UNROLLED_OK);
            module_forward(line, x, 0);
            break;
        case 1: // only planned
            CHECK(module_reserve(line, rows, true) == UNROLLED_OK);
            break;
        case 2: // planned for another batch
            CHECK(module_reserve(inner, (shape){1, 1, 4}, true) == UNROLLED_OK);
            planned = false;
            break;
        case 3: // keeping nothing
            CHECK(module_reserve(layers, batch, false) == UNROLLED_OK);
            module_forward(layers, x, 0);
            planned = false;
            break;
        case 4: // called and backwarded
            CHECK(module_reserve(layers, batch, true) == UNROLLED_OK);
            module_forward(layers, x, 0);
            module_backward(layers, x, 0, 0);
            break;
        case 5: // train() and eval() concern the next forward
            module_train(model, false);
            module_train(model, true);
            kept = true;
            break;
        default: // the shape does not fit
            CHECK(module_reserve(model, (shape){T, N, 5}, true) == UNROLLED_E_SHAPE);
            CHECK(module_reserve(layers, (shape){T, N, 5}, true) == UNROLLED_E_SHAPE);
            CHECK(module_reserve(model, (shape){INT32_MAX, 2, 3}, true) == UNROLLED_E_SHAPE);
            kept = true;
        }
        CHECK(sequential_undisturbed(model) == kept);
        CHECK(module_planned(model) == planned);
        if (!kept)
            continue;
        module_zero_grad(model);
        module_backward(model, dy, 0, 0);
        if (grads)
            CHECK(same_bits(layers->num_values, layers->grads, grads));
        else
            grads = copies(layers->num_values, layers->grads);
    }
    module_destroy(model);
    free(x), free(dy), free(grads);
}

// ------------------------------------------------------------------------------------ batch orders

enum { MODELS = 6 };

// Model number i, its parameters drawn from the same place of the stream whatever the order.
static module *model_of(int i, int flags)
{
    const int both = flags | UNROLLED_BIDIRECTIONAL;
    rng_seed(rng_global(), 9);
    switch (i) {
    case 0:
        return new_stack(UNROLLED_LSTM, 3, 4, 2, 0, both);
    case 1: // its masks are drawn time first in either order
        return new_stack(UNROLLED_RNN_TANH, 3, 5, 3, 0.5, flags);
    case 2:
        return new_sequential(
            2, (module *[]){new_stack(UNROLLED_GRU, 3, 4, 1, 0, both), new_linear(8, 2)});
    case 3:
        return new_sequential(3, (module *[]){new_stack(UNROLLED_LSTM, 3, 4, 1, 0, flags),
                                              select_create(), new_linear(4, 2)});
    case 4: {
        module *inner = new_sequential(2, (module *[]){select_create(), new_linear(4, 5)});
        return new_sequential(2, (module *[]){new_stack(UNROLLED_GRU, 3, 4, 1, 0, flags), inner});
    }
    default: {
        module *inner = new_sequential(
            2, (module *[]){new_linear(3, 6), new_stack(UNROLLED_RNN_RELU, 6, 4, 1, 0, flags)});
        return new_sequential(3, (module *[]){inner, new_activation(UNROLLED_TANH, 0),
                                              new_stack(UNROLLED_GRU, 4, 2, 1, 0, both)});
    }
    }
}

static bool same_gradients(const module *a, const module *b)
{
    if (a->num_values && !same_bits(a->num_values, a->grads, b->grads))
        return false;
    for (int i = 0; i < a->num_children; i++)
        if (!same_gradients(a->children[i], b->children[i]))
            return false;
    return true;
}

// [T][N][F] as [N][T][F]; to be freed.
static float *swapped(shape s, const float *values)
{
    float *out = floats(count_of(s));
    vector_swap_axes(s.T, s.N, s.F, values, out);
    return out;
}

static void check_orders(int i, int T, int N, bool keep)
{
    module *m[2]; // time first, batch first
    const shape in = {T, N, 3};
    float *x = draws(count_of(in), 1), *x_swapped = swapped(in, x);
    for (int first = 0; first < 2; first++) {
        m[first] = model_of(i, UNROLLED_BIAS | (first ? UNROLLED_BATCH_FIRST : 0));
        CHECK(m[first]->batch_first == first);
        CHECK(call_reserve(m[first], in, keep) == UNROLLED_OK);
        CHECK(m[first]->call.input != NULL && (m[first]->call.doutput != NULL) == keep);
        vector_copy(count_of(in), first ? x_swapped : x, m[first]->call.input);
        rng_seed(rng_global(), 10);
        call_forward(m[first], 0);
    }
    const shape out = m[0]->out;
    float *y = swapped(out, call_output(m[0]));
    CHECK(same_bits(count_of(out), y, call_output(m[1])));

    if (keep) {
        float *dy = draws(count_of(out), 1), *dy_swapped = swapped(out, dy);
        for (int first = 0; first < 2; first++) {
            vector_copy(count_of(out), first ? dy_swapped : dy, m[first]->call.doutput);
            call_backward(m[first], UNROLLED_HAS_OUTPUT, WANT_INPUT);
            CHECK(!m[first]->pending);
        }
        float *dx = swapped(in, call_dinput(m[0]));
        CHECK(same_bits(count_of(in), dx, call_dinput(m[1])));
        CHECK(same_gradients(m[0], m[1]));
        // the input was not touched on the way
        CHECK(same_bits(count_of(in), x_swapped, m[1]->call.input));
        free(dy), free(dy_swapped), free(dx);
    }
    module_destroy(m[0]), module_destroy(m[1]);
    free(x), free(x_swapped), free(y);
}

static void test_batch_orders(void)
{
    for (int i = 0; i < MODELS; i++)
        for (int T = 1; T < 5; T++)
            for (int N = 1; N < 5; N++) {
                check_orders(i, T, N, true);
                check_orders(i, T, N, false);
            }
}

// A Dropout in a batch-first Sequential draws in that order.
static void test_dropout_order(void)
{
    enum { T = 3, N = 2, F = 4 };
    module *layers = new_stack(UNROLLED_RNN_IDENTITY, 2, F, 1, 0, UNROLLED_BATCH_FIRST);
    module *model = new_sequential(2, (module *[]){layers, dropout_create(0.5)});
    float *mask = floats(T * N * F), *x = draws(T * N * 2, 1);
    rng expected = *rng_global();
    dropout_mask(&expected, T * N * F, 0.5, mask); // [N][T][F]

    CHECK(call_reserve(model, (shape){T, N, 2}, false) == UNROLLED_OK);
    vector_copy(T * N * 2, x, model->call.input);
    call_forward(model, 0);
    float *h = swapped(layers->out, layers->y);
    for (int i = 0; i < T * N * F; i++)
        CHECK(call_output(model)[i] == h[i] * mask[i]);
    CHECK(memcmp(&expected, rng_global(), sizeof expected) == 0);
    module_destroy(model);
    free(mask), free(x), free(h);
}

// Planned and called in time-first order, then taken over by a batch-first Sequential: from then on
// everything is as if it had been in there always.
static void test_taken_over(void)
{
    enum { T = 2, N = 3, F = 4 };
    float *x = draws(T * N * F, 1), *first = NULL;
    for (int called = 0; called < 2; called++) {
        module *inner = new_sequential(2, (module *[]){dropout_create(0.5), select_create()});
        if (called) {
            CHECK(call_reserve(inner, (shape){T, N, F}, true) == UNROLLED_OK);
            vector_copy(T * N * F, x, inner->call.input);
            call_forward(inner, 0);
        }
        rng_seed(rng_global(), 17);
        module *layers = new_stack(UNROLLED_GRU, F, F, 1, 0, UNROLLED_BATCH_FIRST);
        module *model = new_sequential(2, (module *[]){layers, inner});
        CHECK(!inner->pending && !call_ready(inner)); // what it held was in the other order
        CHECK(call_reserve(model, (shape){T, N, F}, true) == UNROLLED_OK);
        vector_copy(T * N * F, x, model->call.input);
        call_forward(model, 0);
        if (called)
            CHECK(same_bits(N * F, call_output(model), first));
        else
            first = copies(N * F, call_output(model));
        module_destroy(model);
    }
    free(x), free(first);
}

// Batches that grow and shrink through call and Sequential: what fits takes no memory.
static void test_room(void)
{
    static const struct {
        int T, N;
        bool keep, fits;
    } batches[] = {{2, 2, true, false}, {6, 5, true, false}, {1, 1, true, true},
                   {6, 5, false, true}, {3, 4, true, true},  {6, 6, true, false},
                   {2, 2, true, true}};
    for (int i = 0; i < MODELS; i++) {
        module *m = model_of(i, UNROLLED_BATCH_FIRST);
        for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
            const shape in = {batches[b].T, batches[b].N, 3};
            const size_t held = memory_held();
            CHECK(call_reserve(m, in, batches[b].keep) == UNROLLED_OK);
            CHECK((memory_held() == held) == batches[b].fits);
            const size_t planned = memory_held();
            vector_zero(count_of(in), m->call.input);
            call_forward(m, 0);
            if (batches[b].keep) {
                vector_zero(count_of(m->out), m->call.doutput);
                call_backward(m, UNROLLED_HAS_OUTPUT, WANT_INPUT);
            }
            CHECK(memory_held() == planned);
        }
        // too large for a number: no plan is left, the next one is as good as ever
        const size_t held = memory_held();
        if (sizeof(size_t) == 4)
            CHECK(call_reserve(m, (shape){1 << 20, 1 << 10, 3}, true) == UNROLLED_E_MEMORY);
        CHECK(memory_held() == held);
        CHECK(call_reserve(m, (shape){6, 6, 3}, true) == UNROLLED_OK && memory_held() == held);
        module_destroy(m);
    }
}

int main(void)
{
    const size_t held = memory_held();
    test_linear();
    test_activations();
    test_activations_at_the_edge();
    test_dropout();
    test_last_step();
    test_sequential_sizes();
    test_sequential_refusals();
    test_sequential_of_no_order();
    test_sequential_depth();
    test_sequential_steps();
    test_disturbances();
    test_batch_orders();
    test_dropout_order();
    test_taken_over();
    test_room();
    CHECK(memory_held() == held);
    printf("linear: %.1e\n", worst_linear);
    return test_report("module");
}
