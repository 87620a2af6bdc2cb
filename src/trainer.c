// One step of training, as the loop of a PyTorch program has it:
//
//     optimizer.zero_grad(); y = model(x); l = loss(y, target); l.backward(); clip;
//     optimizer.step()
#include "trainer.h"

#include "memory.h"

// Whether the optimizer updates anything outside the model.
static bool reaches_beyond(const tuner *updates, const module *model)
{
    for (int i = 0; i < updates->chosen.count; i++) {
        const module *m = parameters_owner(&updates->chosen, i);
        while (m && m != model)
            m = m->parent;
        if (!m)
            return true;
    }
    return false;
}

trainer *trainer_create(module *model, const criterion *objective, tuner *updates)
{
    trainer *t = memory_take_zeroed(1, sizeof *t);
    if (!t)
        return NULL;
    t->model = model;
    t->objective = objective;
    t->updates = updates;
    return t;
}

void trainer_destroy(trainer *t)
{
    workspace_give(&t->space);
    memory_give(t);
}

int trainer_prediction_shape(const module *model, const shape *out, int dims[3])
{
    if (!model->uses_time || model->many_to_one) {
        dims[0] = out->T * out->N, dims[1] = out->F;
        return 2;
    }
    dims[model->batch_first] = out->T, dims[!model->batch_first] = out->N;
    dims[2] = out->F;
    return 3;
}

static status match(const trainer *t, const shape *out, int target_dims, const int *target_shape,
                    loss_pair *pair)
{
    const loss *rule = &t->objective->rule;
    int prediction[3];
    int dims = trainer_prediction_shape(t->model, out, prediction);

    if (loss_takes_classes(rule->kind)) { // one class a row, however the rows are arranged
        const int rows = out->T * out->N;
        size_t count;
        if (target_dims >= 0 &&
            (!loss_count_values(target_dims, target_shape, &count) || count != (size_t)rows))
            return UNROLLED_E_SHAPE;
        prediction[0] = rows, prediction[1] = out->F;
        dims = 2, target_dims = 1, target_shape = prediction;
    } else if (target_dims < 0) {
        target_dims = dims, target_shape = prediction;
    }
    return loss_match(rule, dims, prediction, target_dims, target_shape, pair);
}

status trainer_reserve(trainer *t, const shape *in, int target_dims, const int *target_shape,
                       size_t *targets)
{
    shape out;
    loss_pair pair;
    status e = module_shape(t->model, *in, &out);
    if (!e)
        e = match(t, &out, target_dims, target_shape, &pair);
    if (e)
        return e;
    const size_t given = *targets;
    *targets = pair.targets;
    if (given != SIZE_MAX && given != pair.targets)
        return UNROLLED_E_TARGET;
    t->reserved = false;
    arena counted = {NULL, 0, false};
    arena_floats(&counted, 1, 1, pair.targets);
    e = workspace_fit(&t->space, &counted);
    t->target = t->space.bytes;
    if (!e)
        e = call_reserve(t->model, *in, true);
    if (e)
        return e;
    t->pair = pair;
    t->in = *in;
    t->reserved = true;
    return UNROLLED_OK;
}

bool trainer_ready(const trainer *t)
{
    const module *m = t->model;
    return t->reserved && m->keep && shape_same(&m->in, &t->in) && call_ready(m);
}

static bool is_finite(double x) { return x - x == 0.0; }

// The number, among all of the model's, of the first parameter with a gradient that is not finite.
// -1: all are finite.
static int find_nonfinite(const module *model)
{
    int number = 0; // of the parameters before m's
    for (const module *m = model; m; m = module_next(model, m)) {
        for (size_t j = 0; j < m->num_values; j++) {
            int i = m->num_parameters;
            if (is_finite((double)m->grads[j]))
                continue;
            while (m->table[--i].offset > j)
                ;
            return number + i;
        }
        number += m->num_parameters;
    }
    return -1;
}

status trainer_step(trainer *t, double *value, int *culprit)
{
    module *m = t->model;
    const loss *rule = &t->objective->rule;
    optimizer *o = &t->updates->rule;
    const bool check = t->on_nonfinite != UNROLLED_IGNORE;

    *culprit = -1;
    if (loss_takes_classes(rule->kind)) {
        const size_t bad = loss_bad_target(rule, &t->pair, t->target);
        if (bad < t->pair.targets) {
            *culprit = (int)bad;
            return UNROLLED_E_TARGET;
        }
    }
    if (reaches_beyond(t->updates, m))
        optim_zero_grad(o->spans, o->num_spans);

    module_fresh_grad(m);
    call_forward(m, 0);
    // a float32, as PyTorch's loss is
    *value = (float)loss_forward(rule, &t->pair, call_output(m), t->target, NULL);
    if (check && !is_finite(*value)) {
        module_zero_grad(m);
        return UNROLLED_E_NONFINITE;
    }
    loss_backward(rule, &t->pair, call_output(m), t->target, NULL, m->call.doutput);
    call_backward(m, UNROLLED_HAS_OUTPUT, 0);
    if (check && module_suspect(m)) {
        *culprit = find_nonfinite(m);
        if (*culprit >= 0)
            return UNROLLED_E_NONFINITE;
    }
    if (t->clip_norm > 0.0) {
        const double norm = optim_grad_norm(o->spans, o->num_spans, 2.0);
        optim_clip_norm(o->spans, o->num_spans, norm, t->clip_norm);
    }
    optim_update(o);
    return UNROLLED_OK;
}
