#include "criterion.h"

#include "arena.h"
#include "memory.h"

criterion *criterion_create(const loss *rule)
{
    criterion *c = memory_take_zeroed(1, sizeof *c);
    const size_t bytes = (size_t)rule->num_weights * sizeof(float);

    if (!c)
        return NULL;
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
    memory_give(c->block);
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
    arena count = {NULL, 0, false};
    plan(c, &pair, &count);
    void *block = c->block;
    if (!count.overflow && count.used > c->capacity)
        block = memory_take(count.used);
    if (count.overflow || !block) {
        *c = before;
        return UNROLLED_E_MEMORY;
    }
    if (block != c->block) {
        memory_give(c->block);
        c->block = block;
        c->capacity = count.used;
    }
    arena real = {c->block, 0, false};
    plan(c, &pair, &real);
    c->pair = pair;
    c->pending = false;
    return UNROLLED_OK;
}
