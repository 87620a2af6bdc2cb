#include "criterion.h"

#include "memory.h"
#include "vector.h"

criterion *criterion_create(const loss *rule)
{
    criterion *c = memory_take_zeroed(1, sizeof *c);
    const size_t count = (size_t)rule->num_weights;

    if (!c)
        return NULL;
    c->rule = *rule;
    c->rule.weights = c->weights = memory_take_zeroed(count, sizeof *c->weights);
    if (count && !c->weights) {
        memory_give(c);
        return NULL;
    }
    vector_copy(count, rule->weights, c->weights);
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

static void plan(criterion *c, arena *a)
{
    const loss_pair *pair = &c->pair;
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
    criterion next = *c; // takes its place when all has gone well
    status e = loss_match(&c->rule, prediction_dims, prediction, target_dims, target, &next.pair);
    arena a = {NULL, 0, false};

    if (e)
        return e;
    plan(&next, &a);
    if ((e = workspace_fit(&next.space, &a)))
        return e;
    a = workspace_arena(&next.space);
    plan(&next, &a);
    next.pending = false;
    *c = next;
    return UNROLLED_OK;
}
