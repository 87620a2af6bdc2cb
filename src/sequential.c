#include "sequential.h"

#include "memory.h"

static void sequential_forward(module *m, const float *x)
{
    for (int i = 0; i < m->num_children; i++) {
        module *child = m->children[i];
        module_forward(child, x, 0);
        child->called = false;
        x = m->y = child->y; // it may have moved since the plan
    }
}

static void sequential_backward(module *m, const float *dy, int wanted)
{
    for (int i = m->num_children - 1; i >= 0; i--) {
        module *child = m->children[i];
        module_backward(child, dy, 0, i > 0 ? WANT_INPUT : wanted & WANT_INPUT);
        dy = m->dx = child->dx;
    }
}

static const module_kind sequential_kind = {.forward = sequential_forward,
                                            .backward = sequential_backward};

bool sequential_is(const module *m) { return m->kind == &sequential_kind; }

bool sequential_undisturbed(const module *whole)
{
    for (const module *m = module_next(whole, whole); m; m = module_next(whole, m))
        if (!m->pending || m->called)
            return false;
    return true;
}

enum { DEEPEST = 64 }; // Sequentials inside each other: they are walked by recursion

module *sequential_create(int room)
{
    module *whole = module_create(&sequential_kind, sizeof *whole, 0, 0);
    if (!whole)
        return NULL;
    whole->children = memory_take_zeroed((size_t)room, sizeof *whole->children);
    if (!whole->children) {
        module_destroy(whole);
        return NULL;
    }
    return whole;
}

status sequential_add(module *whole, module *m)
{
    if (m->parent || m->depth >= DEEPEST ||
        (m->recurrent && whole->recurrent && whole->batch_first != m->batch_first))
        return UNROLLED_E_ARGUMENT;
    if (m->inputs && whole->outputs && m->inputs != whole->outputs)
        return UNROLLED_E_SHAPE;
    if (m->recurrent) {
        whole->recurrent = true;
        whole->batch_first = m->batch_first;
    }
    whole->depth = int_max(whole->depth, m->depth + 1);
    if (!whole->inputs)
        whole->inputs = m->inputs;
    if (m->outputs)
        whole->outputs = m->outputs;
    if (m->uses_time) {
        whole->uses_time = true;
        whole->many_to_one = m->many_to_one;
    }
    if (whole->num_children)
        whole->children[whole->num_children - 1]->next = m;
    whole->children[whole->num_children++] = m;
    m->parent = whole;
    return UNROLLED_OK;
}

void sequential_finish(module *whole)
{
    for (module *m = module_next(whole, whole); m; m = module_next(whole, m))
        if (m->batch_first != whole->batch_first) { // plans were made for the other one
            m->batch_first = whole->batch_first;
            m->in.T = m->call.in.T = 0;
            m->pending = false;
        }
}

void sequential_undo(module *whole)
{
    while (whole->num_children) {
        module *m = whole->children[--whole->num_children];
        m->parent = m->next = NULL;
    }
    module_destroy(whole);
}
