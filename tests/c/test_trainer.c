// The whole step of a training against its parts called one after the other, to the bit; the parts
// of the simplest one, a Linear under a mean square, against the naive twin; what a step refuses,
// and that not one bit of the weights has moved then.
#include "handle.h"
#include "linear.h"
#include "memory.h"
#include "numbers.h"
#include "reference.h"
#include "row.h"
#include "select.h"
#include "stack.h"
#include "test.h"
#include "trainer.h"
#include "vector.h"

static module *new_linear(int I, int K)
{
    module *m = linear_create(I, K, true, rng_global());
    if (!m)
        abort();
    return m;
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

// An LSTM with dropout between its layers, its last step, a Linear of K; or all steps.
static module *new_model(int K, int flags, bool last_step)
{
    stack *s = stack_create(UNROLLED_LSTM, 3, 5, 2, 0, 0.3, flags | UNROLLED_BIAS, rng_global());
    if (!s)
        abort();
    if (!last_step)
        return new_sequential(2, (module *[]){&s->base, new_linear(5, K)});
    return new_sequential(3, (module *[]){&s->base, select_create(), new_linear(5, K)});
}

// -------------------------------------------------------------------------------------- a training

typedef struct {
    module *model;
    criterion *objective;
    tuner *updates;
    trainer *whole;
} training;

// All parameters of these modules, in order; for its sake each has a handle from now on.
static parameters choose(int count, module *const *modules)
{
    enum { MOST = 64 };
    int pairs[MOST][2], n = 0;
    for (int i = 0; i < count; i++) {
        modules[i]->handle = handle_open(HANDLE_MODULE, modules[i]);
        for (int j = 0; j < modules[i]->num_parameters; j++, n++)
            pairs[n][0] = modules[i]->handle, pairs[n][1] = j;
    }
    parameters chosen;
    CHECK(parameters_choose(n, pairs[0], &chosen) == UNROLLED_OK);
    return chosen;
}

// As trainer_reserve, for any number of targets.
static status reserve(trainer *t, shape in, int target_dims, const int *target_shape)
{
    size_t targets = SIZE_MAX;
    const status e = trainer_reserve(t, &in, target_dims, target_shape, &targets);
    CHECK(e || targets == t->pair.targets);
    return e;
}

static training training_make(module *model, const loss *rule, optim_kind kind, optim_options o)
{
    const parameters chosen =
        model->num_children ? choose(model->num_children, model->children) : choose(1, &model);
    training t = {.model = model, .objective = criterion_create(rule)};
    t.updates = tuner_create(kind, &o, &chosen);
    if (!t.objective || !t.updates)
        abort();
    t.whole = trainer_create(model, t.objective, t.updates);
    if (!t.whole)
        abort();
    return t;
}

static void training_free(training *t)
{
    trainer_destroy(t->whole);
    tuner_destroy(t->updates);
    criterion_destroy(t->objective);
    module_destroy(t->model);
}

// All the parameters of a model in one array; to be freed.
static float *weights_of(const module *m, size_t *count)
{
    *count = 0;
    for (int i = 0; i < (m->num_children ? m->num_children : 1); i++)
        *count += m->num_children ? m->children[i]->num_values : m->num_values;
    float *weights = floats(*count), *at = weights;
    for (int i = 0; i < (m->num_children ? m->num_children : 1); i++) {
        const module *part = m->num_children ? m->children[i] : m;
        if (part->num_values)
            vector_copy(part->num_values, part->params, at);
        at += part->num_values;
    }
    return weights;
}

static const optim_options adam = {.lr = 0.02, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};

// -------------------------------------------------------------------------- the step and its parts

typedef struct {
    const char *what;
    loss rule;
    optim_kind kind;
    optim_options options;
    double clip_norm;
    int flags;      // of the model
    bool last_step; // many to one
} recipe;

static const recipe recipes[] = {
    {"mean square, momentum",
     {.kind = LOSS_MSE},
     OPTIM_SGD,
     {.lr = 0.1, .momentum = 0.9},
     0,
     0,
     true},
    {"every step, clipped",
     {.kind = LOSS_HUBER, .parameter = 0.5},
     OPTIM_ADAM,
     {.lr = 0.02, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8},
     0.1,
     UNROLLED_BATCH_FIRST,
     false},
    {"sum, both directions",
     {.kind = LOSS_MSE, .reduce = REDUCE_SUM},
     OPTIM_RMSPROP,
     {.lr = 0.01, .alpha = 0.9, .eps = 1e-8},
     0.5,
     0,
     false},
    {"classes",
     {.kind = LOSS_CROSS_ENTROPY, .ignore_index = -100},
     OPTIM_ADAMW,
     {.lr = 0.02, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.1},
     0,
     UNROLLED_BATCH_FIRST,
     true},
    {"classes of every step",
     {.kind = LOSS_CROSS_ENTROPY, .ignore_index = 1, .parameter = 0.1},
     OPTIM_ADAGRAD,
     {.lr = 0.1, .eps = 1e-10},
     0,
     UNROLLED_BATCH_FIRST,
     false},
};
enum { RECIPES = sizeof recipes / sizeof recipes[0] };

// A step by hand, as a program without a trainer would do it.
static double by_hand(training *t, const recipe *r, shape in, const float *x, const void *target,
                      size_t target_values)
{
    module *m = t->model;
    optimizer *o = &t->updates->rule;
    loss_pair pair;
    CHECK(call_reserve(m, in, true) == UNROLLED_OK);
    const shape out = m->out;
    const int rows[] = {out.T * out.N, out.F}, all[] = {out.T, out.N, out.F};
    if (loss_takes_classes(r->rule.kind))
        CHECK(loss_match(&r->rule, 2, rows, 1, rows, &pair) == UNROLLED_OK);
    else
        CHECK(loss_match(&r->rule, 3, all, 3, all, &pair) == UNROLLED_OK);
    CHECK(pair.targets == target_values);

    module_zero_grad(m);
    vector_copy((size_t)(in.T * in.N * in.F), x, m->call.input);
    call_forward(m, 0);
    const double value = loss_forward(&r->rule, &pair, call_output(m), target, NULL);
    loss_backward(&r->rule, &pair, call_output(m), target, NULL, m->call.doutput);
    call_backward(m, UNROLLED_HAS_OUTPUT, WANT_INPUT); // more than the trainer wants
    if (r->clip_norm > 0)
        optim_clip_norm(o->spans, o->num_spans, optim_grad_norm(o->spans, o->num_spans, 2),
                        r->clip_norm);
    optim_update(o);
    return (double)(float)value;
}

// The batches of a training: of several sizes, the last ones smaller.
static const shape batches[] = {{4, 6, 3}, {4, 6, 3}, {9, 7, 3}, {4, 6, 3}, {1, 1, 3}, {9, 7, 3}};

static void check_recipe(const recipe *r)
{
    training t[2]; // with a trainer, by hand
    const int K = 4;
    for (int hand = 0; hand < 2; hand++) {
        rng_seed(rng_global(), 31);
        t[hand] =
            training_make(new_model(K, r->flags, r->last_step), &r->rule, r->kind, r->options);
    }
    trainer *whole = t[0].whole;
    whole->clip_norm = r->clip_norm;
    size_t largest = 0;

    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        const shape in = batches[i];
        const bool classes = loss_takes_classes(r->rule.kind);
        const size_t inputs = (size_t)(in.T * in.N * in.F);
        const size_t rows = (size_t)(r->last_step ? in.N : in.T * in.N);
        const size_t targets = classes ? rows : rows * (size_t)K;
        float *x = draws(inputs, 1), *target = draws(targets, 1);
        for (size_t j = 0; classes && j < targets; j++) {
            // 0 to 3, and at least one that counts
            const int32_t class = j ? (int32_t)((double)(target[j] + 1) * 2) : 0;
            memcpy(&target[j], &class, sizeof class);
        }

        rng_seed(rng_global(), (uint32_t)i); // the same dropout masks
        const double by_parts = by_hand(&t[1], r, in, x, target, targets);
        const rng after = *rng_global();

        CHECK(!trainer_ready(whole) || i > 0);
        CHECK(reserve(whole, in, -1, NULL) == UNROLLED_OK && trainer_ready(whole));
        CHECK(whole->pair.targets == targets);
        vector_copy(inputs, x, whole->model->call.input);
        memcpy(whole->target, target, targets * sizeof *target);
        const size_t held = memory_held();
        CHECK(i < 3 || held == largest); // what fits takes no memory
        largest = held;
        rng_seed(rng_global(), (uint32_t)i);
        double value;
        int culprit;
#ifdef UNROLLED_FAULTS
        memory_refuse_after(0);
#endif
        CHECK(trainer_step(whole, &value, &culprit) == UNROLLED_OK && culprit == -1);
#ifdef UNROLLED_FAULTS
        CHECK(memory_take(1) == NULL); // the step asked for nothing: this is the first request
        memory_refuse_after(-1);
#endif
        CHECK(memory_held() == held);
        CHECK(value == by_parts);
        CHECK(memcmp(&after, rng_global(), sizeof after) == 0);
        size_t n;
        float *a = weights_of(t[0].model, &n), *b = weights_of(t[1].model, &n);
        CHECK(same_bits(n, a, b));
        free(x), free(target), free(a), free(b);
    }
    training_free(&t[0]), training_free(&t[1]);
}

static void test_steps(void)
{
    for (int i = 0; i < RECIPES; i++) {
        const int failures = test_failures;
        check_recipe(&recipes[i]);
        if (test_failures > failures)
            fprintf(stderr, "%s\n", recipes[i].what);
    }
}

// Twenty steps of a Linear in double beside those in float.
static void test_against_the_twin(void)
{
    enum { N = 7, I = 3, K = 2 };
    const loss rule = {.kind = LOSS_MSE};
    training t = training_make(new_linear(I, K), &rule, OPTIM_SGD, (optim_options){.lr = 0.1});
    double W[K * I + K], dW[K * I + K], x[N * I], y[N * K], dy[N * K], target[N * K];
    float *in = draws(N * I, 1), *wanted = draws(N * K, 1);
    widen(K * I + K, t.model->params, W);
    widen(N * I, in, x);
    widen(N * K, wanted, target);

    double worst = 0, first = 0, value = 0;
    for (int step = 0; step < 20; step++) {
        int culprit;
        CHECK(reserve(t.whole, (shape){1, N, I}, -1, NULL) == UNROLLED_OK);
        vector_copy(N * I, in, t.model->call.input);
        vector_copy(N * K, wanted, t.whole->target);
        CHECK(trainer_step(t.whole, &value, &culprit) == UNROLLED_OK);

        memset(dW, 0, sizeof dW);
        reference_linear(N, K, I, x, W, W + K * I, y);
        const double loss_twin = reference_mse(N * K, y, target, dy);
        reference_linear_backward(N, K, I, x, W, dy, NULL, dW, dW + K * I);
        for (int i = 0; i < K * I + K; i++)
            W[i] -= 0.1 * dW[i];
        worst = larger(worst, fabs(value - loss_twin));
        worst = larger(worst, error_of(K * I + K, t.model->params, W));
        first = step ? first : value;
    }
    CHECK(worst < 2e-6 && value < first); // 20 steps, each a rounding of weights about 1
    printf("twenty steps: %.1e\n", worst);
    training_free(&t);
    free(in), free(wanted);
}

// --------------------------------------------------------------------------------- what is refused

// The model, its moments and its step count before, and whether they are the same afterwards.
typedef struct {
    float *weights, *moments;
    size_t count;
    double step;
} snapshot;

static snapshot snapshot_of(const training *t)
{
    snapshot s = {.step = t->updates->rule.step};
    s.weights = weights_of(t->model, &s.count);
    s.moments = copies(2 * s.count, t->updates->moments);
    return s;
}

static bool unchanged(const training *t, snapshot s)
{
    snapshot now = snapshot_of(t);
    const bool same = now.step == s.step && same_bits(s.count, now.weights, s.weights) &&
                      same_bits(2 * s.count, now.moments, s.moments);
    free(now.weights), free(now.moments), free(s.weights), free(s.moments);
    return same;
}

// One step of a batch of 1s with one input or target spoiled.
static status spoiled_step(training *t, float input, float target, double *value, int *culprit)
{
    const shape in = {4, 2, 3};
    CHECK(reserve(t->whole, in, -1, NULL) == UNROLLED_OK);
    for (int i = 0; i < 4 * 2 * 3; i++)
        t->model->call.input[i] = i == 5 ? input : 1;
    for (size_t i = 0; i < t->whole->pair.targets; i++)
        ((float *)t->whole->target)[i] = i == 1 ? target : 1;
    return trainer_step(t->whole, value, culprit);
}

static void test_losses_that_are_not_finite(void)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 3e38F};
    const loss rule = {.kind = LOSS_MSE};
    training t = training_make(new_model(2, 0, true), &rule, OPTIM_ADAM, adam);
    double value;
    int culprit;
    CHECK(spoiled_step(&t, 1, 1, &value, &culprit) == UNROLLED_OK && isfinite(value));
    for (int i = 0; i < 4; i++)
        for (int policy = UNROLLED_THROW; policy <= UNROLLED_SKIP; policy++) {
            const snapshot before = snapshot_of(&t);
            t.whole->on_nonfinite = policy;
            culprit = 0;
            CHECK(spoiled_step(&t, 1, bad[i], &value, &culprit) == UNROLLED_E_NONFINITE);
            CHECK(culprit == -1 && !isfinite(value)); // it is the loss
            CHECK(unchanged(&t, before));
        }
    const snapshot before = snapshot_of(&t);
    CHECK(spoiled_step(&t, NAN, 1, &value, &culprit) == UNROLLED_E_NONFINITE && culprit == -1);
    CHECK(unchanged(&t, before));
    CHECK(spoiled_step(&t, 1, 1, &value, &culprit) == UNROLLED_OK && isfinite(value)); // goes on

    t.whole->on_nonfinite = UNROLLED_IGNORE;
    CHECK(spoiled_step(&t, NAN, 1, &value, &culprit) == UNROLLED_OK && isnan(value));
    size_t n;
    float *weights = weights_of(t.model, &n);
    CHECK(isnan(weights[0]));
    free(weights);
    training_free(&t);
}

// A finite loss whose gradient overflows: which parameter is told.
static void test_gradients_that_are_not_finite(void)
{
    const loss rule = {.kind = LOSS_MSE};
    for (int second = 0; second < 2; second++) {
        module *lines[] = {new_linear(2, 3), new_linear(3, 2)};
        training t = training_make(new_sequential(2, lines), &rule, OPTIM_ADAM, adam);
        for (int i = 0; i < 2; i++) // tiny where the values are huge
            vector_zero(lines[i]->num_values, lines[i]->params);
        lines[0]->params[0] = second ? 1 : 1e-36F;
        lines[1]->params[0] = second ? 1e-36F : 1;
        CHECK(reserve(t.whole, (shape){1, 1, 2}, -1, NULL) == UNROLLED_OK);
        t.model->call.input[0] = 3e38F, t.model->call.input[1] = 0;
        ((float *)t.whole->target)[0] = -1000, ((float *)t.whole->target)[1] = 0;

        const snapshot before = snapshot_of(&t);
        double value;
        int culprit;
        CHECK(trainer_step(t.whole, &value, &culprit) == UNROLLED_E_NONFINITE);
        CHECK(isfinite(value) && value > 1e5);
        // the number of the weight whose input is huge: its gradient is huge times huge
        CHECK(culprit == (second ? 2 : 0));
        CHECK(unchanged(&t, before));
        training_free(&t);
    }
}

// Gradients whose sum is beyond a float, while each of them is not: a suspicion, and no more.
static void test_suspicion(void)
{
    const loss rule = {.kind = LOSS_MSE, .reduce = REDUCE_SUM};
    training t = training_make(new_linear(8, 4), &rule, OPTIM_SGD, (optim_options){.lr = 1e-38});
    double value;
    int culprit;

    vector_zero(t.model->num_values, t.model->params);
    CHECK(reserve(t.whole, (shape){1, 1, 8}, -1, NULL) == UNROLLED_OK);
    for (int i = 0; i < 8; i++)
        t.model->call.input[i] = 4e19F;
    for (int k = 0; k < 4; k++)
        ((float *)t.whole->target)[k] = -4e18F; // 1.6e37 of loss, 3.2e38 of slope for each weight
    CHECK(trainer_step(t.whole, &value, &culprit) == UNROLLED_OK);
    CHECK(module_suspect(t.model) && t.model->grads[0] > 3e38F && isfinite(t.model->grads[31]));
    CHECK(t.model->params[0] < -1 && isfinite(t.model->params[31]));
    training_free(&t);
}

static void test_classes_that_do_not_exist(void)
{
    const loss rule = {.kind = LOSS_CROSS_ENTROPY, .ignore_index = -100};
    training t = training_make(new_model(4, 0, true), &rule, OPTIM_ADAM, adam);
    for (int place = 0; place < 5; place++)
        for (int wrong = 0; wrong < 3; wrong++) {
            static const int32_t classes[] = {4, -1, INT32_MIN};
            CHECK(reserve(t.whole, (shape){2, 5, 3}, -1, NULL) == UNROLLED_OK);
            vector_zero(2 * 5 * 3, t.model->call.input);
            int32_t *target = t.whole->target;
            for (int i = 0; i < 5; i++)
                target[i] = i == place ? classes[wrong] : i == 0 ? -100 : i % 4;
            const snapshot before = snapshot_of(&t);
            const rng stream = *rng_global();
            double value;
            int culprit = -1;
            CHECK(trainer_step(t.whole, &value, &culprit) == UNROLLED_E_TARGET && culprit == place);
            CHECK(unchanged(&t, before)); // no mask was drawn, either
            CHECK(memcmp(&stream, rng_global(), sizeof stream) == 0);
            target[place] = 3;
            CHECK(trainer_step(t.whole, &value, &culprit) == UNROLLED_OK);
        }
    training_free(&t);
}

// Shapes of the target, and a trainer that is not ready any more.
static void test_reserve(void)
{
    const loss rule = {.kind = LOSS_MSE}, classes = {.kind = LOSS_CROSS_ENTROPY};
    training t = training_make(new_model(2, UNROLLED_BATCH_FIRST, false), &rule, OPTIM_ADAM, adam);
    trainer *w = t.whole;
    const shape in = {4, 5, 3};

    CHECK(!trainer_ready(w));
    CHECK(reserve(w, in, 3, (const int[]){5, 4, 2}) == UNROLLED_OK && trainer_ready(w));
    CHECK(w->pair.targets == 40 && w->pair.predictions == 40);
    CHECK(reserve(w, in, 1, (const int[]){2}) == UNROLLED_OK); // repeated, as PyTorch does
    CHECK(w->pair.targets == 2 && w->pair.count == 40);
    CHECK(reserve(w, in, 3, (const int[]){4, 5, 2}) == UNROLLED_E_SHAPE);
    CHECK(trainer_ready(w) && w->pair.targets == 2); // what does not fit changes nothing
    CHECK(reserve(w, in, -1, NULL) == UNROLLED_OK && trainer_ready(w));
    CHECK(reserve(w, (shape){4, 5, 4}, -1, NULL) == UNROLLED_E_SHAPE && trainer_ready(w));

    // planned for something else since
    CHECK(reserve(w, in, -1, NULL) == UNROLLED_OK);
    CHECK(call_reserve(t.model, in, false) == UNROLLED_OK && !trainer_ready(w));
    CHECK(reserve(w, in, -1, NULL) == UNROLLED_OK);
    CHECK(call_reserve(t.model, (shape){5, 4, 3}, true) == UNROLLED_OK && !trainer_ready(w));
    CHECK(reserve(w, in, -1, NULL) == UNROLLED_OK);
    CHECK(module_reserve(t.model->children[1], (shape){1, 3, 5}, true) == UNROLLED_OK);
    CHECK(!trainer_ready(w));
    CHECK(reserve(w, in, -1, NULL) == UNROLLED_OK && trainer_ready(w));
    training_free(&t);

    t = training_make(new_model(2, 0, false), &classes, OPTIM_ADAM, adam);
    CHECK(reserve(t.whole, in, 2, (const int[]){4, 5}) == UNROLLED_OK);
    CHECK(reserve(t.whole, in, 1, (const int[]){20}) == UNROLLED_OK);
    CHECK(t.whole->pair.targets == 20);
    CHECK(reserve(t.whole, in, 1, (const int[]){19}) == UNROLLED_E_SHAPE);
    CHECK(reserve(t.whole, in, 2, (const int[]){-4, -5}) == UNROLLED_E_SHAPE);
    size_t targets = 19;
    CHECK(trainer_reserve(t.whole, &in, -1, NULL, &targets) == UNROLLED_E_TARGET && targets == 20);
    CHECK(trainer_ready(t.whole) &&
          trainer_reserve(t.whole, &in, -1, NULL, &targets) == UNROLLED_OK);
    training_free(&t);
}

// An optimizer that updates another model too: its gradients are zeroed as well.
static void test_two_models(void)
{
    const loss rule = {.kind = LOSS_MSE};
    module *both[] = {new_linear(3, 2), new_linear(2, 2)};
    const parameters chosen = choose(2, both);
    const optim_options plain = {.lr = 0.1};
    criterion *objective = criterion_create(&rule);
    tuner *updates = tuner_create(OPTIM_SGD, &plain, &chosen);
    trainer *whole = trainer_create(both[0], objective, updates);
    float *other = copies(both[1]->num_values, both[1]->params);
    double value;
    int culprit;

    both[1]->grads[0] = 5;
    CHECK(reserve(whole, (shape){1, 2, 3}, -1, NULL) == UNROLLED_OK);
    vector_zero(2 * 3, both[0]->call.input);
    vector_zero(2 * 2, whole->target);
    CHECK(trainer_step(whole, &value, &culprit) == UNROLLED_OK);
    CHECK(both[1]->grads[0] == 0 && same_bits(both[1]->num_values, both[1]->params, other));

    trainer_destroy(whole), tuner_destroy(updates), criterion_destroy(objective);
    module_destroy(both[0]), module_destroy(both[1]);
    free(other);
}

// A choice of parameters: neighbours are joined into one span, moments follow the choice.
static void test_choice(void)
{
    module *m[] = {new_linear(3, 2), new_linear(2, 5)};
    const optim_options o = {.lr = 0.1, .momentum = 0.9};
    parameters chosen = choose(2, m);
    CHECK(chosen.count == 4 && chosen.num_spans == 2);
    CHECK(chosen.spans[0].count == 8 && chosen.spans[1].count == 15);
    for (int i = 0; i < 4; i++)
        CHECK(parameters_owner(&chosen, i) == m[i / 2]);
    tuner *t = tuner_create(OPTIM_SGD, &o, &chosen);
    CHECK(tuner_moment(t, 0, 0) == t->moments && tuner_moment(t, 3, 0) == t->moments + 8 + 10);
    tuner_destroy(t);

    const size_t held = memory_held();
    const int a = m[0]->handle, b = m[1]->handle;
    CHECK(parameters_choose(3, (const int[]){b, 1, a, 0, b, 0}, &chosen) == UNROLLED_OK);
    CHECK(chosen.num_spans == 3); // not in the order of memory
    CHECK(chosen.offsets[1] == 5 && chosen.offsets[2] == 11 && chosen.offsets[3] == 21);
    CHECK(chosen.spans[1].data == m[0]->params && chosen.spans[1].grad == m[0]->grads);
    CHECK(chosen.spans[2].data == m[1]->params && chosen.spans[2].count == 10);
    parameters_give(&chosen);
    const int twice[] = {b, 1, a, 0, b, 1}, none[] = {b, 1, a, 2}, below[] = {a, -1};
    CHECK(parameters_choose(3, twice, &chosen) == UNROLLED_E_ARGUMENT);
    CHECK(parameters_choose(2, none, &chosen) == UNROLLED_E_ARGUMENT);
    CHECK(parameters_choose(1, below, &chosen) == UNROLLED_E_ARGUMENT);
    handle_close(a);
    CHECK(parameters_choose(2, none, &chosen) == UNROLLED_E_HANDLE);
    CHECK(memory_held() == held);
    module_destroy(m[0]), module_destroy(m[1]);
}

int main(void)
{
    const size_t held = memory_held();
    test_steps();
    test_against_the_twin();
    test_losses_that_are_not_finite();
    test_gradients_that_are_not_finite();
    test_suspicion();
    test_classes_that_do_not_exist();
    test_reserve();
    test_two_models();
    test_choice();
    CHECK(memory_held() - handle_bytes() == held);
    return test_report("trainer");
}
