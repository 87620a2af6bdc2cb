// The exports of losses, optimizers and trainers.
#include "api.h"
#include "cell.h"
#include "trainer.h"

// -------------------------------------------------------------------------------------- losses

int unrolled_loss_create(int kind, int reduce, double setting, int ignore_index, int num_weights,
                         const float *weights)
{
    if (kind < 0 || kind >= LOSS_KINDS || reduce < UNROLLED_MEAN || reduce > UNROLLED_NONE ||
        num_weights < 0 || !api_staged(weights, (size_t)num_weights, sizeof *weights))
        return UNROLLED_E_ARGUMENT;
    const loss rule = {.kind = (loss_kind)kind,
                       .reduce = (reduction)reduce,
                       .parameter = setting,
                       .ignore_index = ignore_index,
                       .num_weights = num_weights,
                       .weights = weights};
    criterion *c = handle_room() ? criterion_create(&rule) : NULL;
    return api_open(HANDLE_LOSS, c);
}

// A count of axes below zero is another matter, of shape.
static bool staged_shape(int dims, const int32_t *sizes)
{
    return dims <= 0 || api_staged(sizes, (size_t)dims, sizeof *sizes);
}

static void describe_loss(const criterion *c)
{
    api_pointer(0, c->prediction);
    api_pointer(1, c->target);
    api_pointer(2, c->dprediction);
    api_pointer(3, c->elements);
    api_pointer(4, c->delements);
    api_count(5, c->pair.count);
}

int unrolled_loss_reserve(int handle, int prediction_dims, const int32_t *prediction,
                          int target_dims, const int32_t *target)
{
    criterion *c = handle_get(HANDLE_LOSS, handle);
    if (!c)
        return UNROLLED_E_HANDLE;
    if (!staged_shape(prediction_dims, prediction) || !staged_shape(target_dims, target))
        return UNROLLED_E_ARGUMENT;
    const status e = criterion_reserve(c, prediction_dims, prediction, target_dims, target);
    if (!e)
        describe_loss(c);
    return api_fail(e);
}

int unrolled_loss_forward(int handle)
{
    criterion *c = handle_get(HANDLE_LOSS, handle);
    if (!c)
        return UNROLLED_E_HANDLE;
    if (!c->space.bytes)
        return UNROLLED_E_STATE;
    if (loss_takes_classes(c->rule.kind)) {
        const size_t bad = loss_bad_target(&c->rule, &c->pair, c->target);
        if (bad < c->pair.targets) {
            api_count(0, bad);
            return UNROLLED_E_TARGET;
        }
    }
    // a float32, as PyTorch's loss is
    api_out.doubles[0] =
        (float)loss_forward(&c->rule, &c->pair, c->prediction, c->target, c->elements);
    c->pending = true;
    return UNROLLED_OK;
}

int unrolled_loss_pending(int handle)
{
    const criterion *c = handle_get(HANDLE_LOSS, handle);
    if (!c)
        return UNROLLED_E_HANDLE;
    if (!c->pending)
        return UNROLLED_E_STATE;
    describe_loss(c);
    return UNROLLED_OK;
}

int unrolled_loss_backward(int handle, int has_grad_output)
{
    criterion *c = handle_get(HANDLE_LOSS, handle);
    if (!c)
        return UNROLLED_E_HANDLE;
    if (!c->pending)
        return UNROLLED_E_STATE;
    if (has_grad_output && c->rule.reduce != REDUCE_NONE)
        return UNROLLED_E_ARGUMENT;
    loss_backward(&c->rule, &c->pair, c->prediction, c->target,
                  has_grad_output ? c->delements : NULL, c->dprediction);
    c->pending = false;
    return UNROLLED_OK;
}

// ---------------------------------------------------------------------------------- optimizers

// The numbers come in the order of the record.
_Static_assert(offsetof(optim_options, lr) == UNROLLED_LR * sizeof(double), "");
_Static_assert(offsetof(optim_options, weight_decay) == UNROLLED_WEIGHT_DECAY * sizeof(double), "");
_Static_assert(offsetof(optim_options, eps) == UNROLLED_EPS * sizeof(double), "");
_Static_assert(offsetof(optim_options, momentum) == UNROLLED_MOMENTUM * sizeof(double), "");
_Static_assert(offsetof(optim_options, dampening) == UNROLLED_DAMPENING * sizeof(double), "");
_Static_assert(offsetof(optim_options, beta1) == UNROLLED_BETA1 * sizeof(double), "");
_Static_assert(offsetof(optim_options, beta2) == UNROLLED_BETA2 * sizeof(double), "");
_Static_assert(offsetof(optim_options, alpha) == UNROLLED_ALPHA * sizeof(double), "");
_Static_assert(offsetof(optim_options, lr_decay) == UNROLLED_LR_DECAY * sizeof(double), "");
_Static_assert(offsetof(optim_options, initial_accumulator) ==
                   UNROLLED_INITIAL_ACCUMULATOR * sizeof(double),
               "");
_Static_assert(UNROLLED_NESTEROV == UNROLLED_INITIAL_ACCUMULATOR + 1, "");

static void read_options(const double *told, optim_options *options)
{
    __builtin_memcpy(options, told, UNROLLED_NESTEROV * sizeof *told);
    options->nesterov = told[UNROLLED_NESTEROV] != 0.0;
    options->amsgrad = told[UNROLLED_AMSGRAD] != 0.0;
    options->centered = told[UNROLLED_CENTERED] != 0.0;
}

static bool staged_options(const double *options)
{
    return api_staged(options, UNROLLED_NUM_OPTIONS, sizeof *options);
}

// The parameters named by `count` pairs of (module, index).
static status choose(int count, const int32_t *pairs, parameters *chosen)
{
    if (count < 1 || !api_staged(pairs, 2 * (size_t)count, sizeof *pairs))
        return UNROLLED_E_ARGUMENT;
    return parameters_choose(count, pairs, chosen);
}

int unrolled_optimizer_create(int kind, const double *options, int count, const int32_t *pairs)
{
    parameters chosen;
    if (kind < 0 || kind >= OPTIM_KINDS || !staged_options(options))
        return UNROLLED_E_ARGUMENT;
    if (!handle_room())
        return api_fail(UNROLLED_E_MEMORY);
    const status e = choose(count, pairs, &chosen);
    if (e)
        return api_fail(e);
    optim_options o;
    read_options(options, &o);
    tuner *t = tuner_create((optim_kind)kind, &o, &chosen);
    if (!t)
        parameters_give(&chosen);
    return api_open(HANDLE_OPTIMIZER, t);
}

// The optimizer, when all the modules it updates still live; else NULL.
static tuner *get_tuner(int handle)
{
    tuner *t = handle_get(HANDLE_OPTIMIZER, handle);
    for (int i = 0; t && i < t->chosen.count; i++)
        if (!parameters_owner(&t->chosen, i))
            return NULL;
    return t;
}

int unrolled_optimizer_options(int handle, const double *options, double step)
{
    tuner *t = handle_get(HANDLE_OPTIMIZER, handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    if (!staged_options(options))
        return UNROLLED_E_ARGUMENT;
    optim_options o;
    read_options(options, &o);
    const optim_kind kind = t->rule.kind;
    if (optim_num_moments(kind, &o) != optim_num_moments(kind, &t->rule.options))
        return UNROLLED_E_ARGUMENT;
    t->rule.options = o;
    if (step >= 0.0) {
        optim_init(&t->rule);
        t->rule.step = step;
    }
    return UNROLLED_OK;
}

int unrolled_optimizer_step(int handle)
{
    tuner *t = get_tuner(handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    optim_update(&t->rule);
    return UNROLLED_OK;
}

int unrolled_optimizer_zero_grad(int handle)
{
    tuner *t = get_tuner(handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    optim_zero_grad(t->rule.spans, t->rule.num_spans);
    for (int i = 0; i < t->chosen.count; i++) {
        module *m = parameters_owner(&t->chosen, i);
        if (cell_is(m))
            cell_forget((cell *)m);
    }
    return UNROLLED_OK;
}

int unrolled_optimizer_info(int handle, int index)
{
    const tuner *t = handle_get(HANDLE_OPTIMIZER, handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    if (index < 0 || index >= t->chosen.count)
        return UNROLLED_E_ARGUMENT;
    const optim_options *o = &t->rule.options;
    const int kept = optim_num_moments(t->rule.kind, o);
    api_count(0, (size_t)kept);
    api_count(1, t->chosen.offsets[index + 1] - t->chosen.offsets[index]);
    api_out.doubles[1] = t->rule.step;
    for (int i = 0; i < kept; i++) {
        api_pointer(4 + 2 * i, optim_moment_name(t->rule.kind, o, i));
        api_pointer(5 + 2 * i, tuner_moment(t, index, i));
    }
    return UNROLLED_OK;
}

int unrolled_clip(int count, const int32_t *pairs, double most, double norm_type)
{
    parameters chosen;
    if (!(most >= 0.0) || !(norm_type >= 0.0))
        return UNROLLED_E_ARGUMENT;
    const status e = choose(count, pairs, &chosen);
    if (e)
        return api_fail(e);
    if (norm_type > 0) {
        const double norm = optim_grad_norm(chosen.spans, chosen.num_spans, norm_type);
        optim_clip_norm(chosen.spans, chosen.num_spans, norm, most);
        api_out.doubles[0] = norm;
    } else {
        optim_clip_value(chosen.spans, chosen.num_spans, most);
    }
    parameters_give(&chosen);
    return UNROLLED_OK;
}

// ------------------------------------------------------------------------------------- trainer

int unrolled_trainer_create(int model, int objective, int updates, double clip_norm,
                            int on_nonfinite)
{
    module *m = api_module(model);
    criterion *c = handle_get(HANDLE_LOSS, objective);
    tuner *u = get_tuner(updates);

    if (!m || !c || !u)
        return UNROLLED_E_HANDLE;
    if (cell_is(m) || c->rule.reduce == REDUCE_NONE || !(clip_norm >= 0.0) ||
        on_nonfinite < UNROLLED_THROW || on_nonfinite > UNROLLED_IGNORE)
        return UNROLLED_E_ARGUMENT;
    trainer *t = handle_room() ? trainer_create(m, c, u) : NULL;
    if (t) {
        t->model_handle = model;
        t->objective_handle = objective;
        t->updates_handle = updates;
        t->clip_norm = clip_norm;
        t->on_nonfinite = on_nonfinite;
    }
    return api_open(HANDLE_TRAINER, t);
}

// The trainer, when all it needs still lives; else NULL.
static trainer *get_trainer(int handle)
{
    trainer *t = handle_get(HANDLE_TRAINER, handle);
    if (!t || !api_module(t->model_handle) || !handle_get(HANDLE_LOSS, t->objective_handle) ||
        !get_tuner(t->updates_handle))
        return NULL;
    return t;
}

int unrolled_trainer_reserve(int handle, int T, int N, int F, int target_dims,
                             const int32_t *target, size_t targets)
{
    trainer *t = get_trainer(handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    if (T < 1 || N < 1 || F < 1)
        return UNROLLED_E_SHAPE;
    if (!staged_shape(target_dims, target))
        return UNROLLED_E_ARGUMENT;
    const status e = trainer_reserve(t, &(shape){T, N, F}, target_dims, target, &targets);
    if (e == UNROLLED_E_TARGET)
        api_count(0, targets);
    if (e)
        return api_fail(e);
    api_pointer(0, t->model->call.input);
    api_pointer(1, t->target);
    api_count(2, targets);
    api_count(3, t->pair.predictions);
    int *sizes = (int *)&api_out.words[5];
    api_count(4, (size_t)trainer_prediction_shape(t->model, &t->model->out, sizes));
    return UNROLLED_OK;
}

int unrolled_trainer_step(int handle)
{
    trainer *t = get_trainer(handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    if (!trainer_ready(t))
        return UNROLLED_E_STATE;
    const status e = trainer_step(t, &api_out.doubles[0], (int *)&api_out.words[2]);
    if (e == UNROLLED_E_TARGET)
        api_out.words[0] = api_out.words[2];
    return e;
}
