#include "criterion.h"

#include "memory.h"

criterion *criterion_create(const loss *rule)
{
    criterion *c = memory_take_zeroed(1, sizeof *c);
    size_t bytes;

    if (!c)
        return NULL;
    if (!size_mul((size_t)rule->num_weights, sizeof(float), &bytes)) {
        memory_give(c);
        return NULL;
    }
    c->rule = *rule;
    c->rule.weights = NULL;
    if (bytes) {
        c->weights = memory_take(bytes);
        if (!c->weights) {
            memory_give(c);
            return NULL;
        }
        __builtin_memcpy(c->weights, rule->weights, bytes);
        c->rule.weights = c->weights;
    }
    return c;
}

void criterion_destroy(criterion *c)
{
    if (!c)
        return;
    memory_give(c->weights);
    workspace_give(&c->space);
    memory_give(c);
}

static void plan(criterion *c, const loss_pair *pair, arena *a)
{
    const size_t each = c->rule.reduce == REDUCE_NONE ? pair->count : 0;
    c->prediction = arena_floats(a, 1, 1, pair->predictions);
    c->target = arena_floats(a, 1, 1, pair->targets);
    c->dprediction = arena_floats(a, 1, 1, pair->predictions);
    c->elements = arena_floats(a, 1, 1, each);
    c->delements = arena_floats(a, 1, 1, each);
}

status criterion_reserve(criterion *c, int prediction_dims, const int *prediction, int target_dims,
                         const int *target)
{
    loss_pair pair;
    const status e = loss_match(&c->rule, prediction_dims, prediction, target_dims, target, &pair);
    if (e)
        return e;

    const criterion before = *c;
    arena a = {NULL, 0, false};
    plan(c, &pair, &a);
    *c = before;
    const status fits = workspace_fit(&c->space, &a);
    if (fits)
        return fits;
    a = workspace_arena(&c->space);
    plan(c, &pair, &a);
    c->pair = pair;
    c->pending = false;
    return UNROLLED_OK;
}
