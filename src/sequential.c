#include "sequential.h"

#include "memory.h"

typedef struct {
    module base;
    unsigned *serials; // [num_children] of the forward that waits
} sequential;

static status sequential_shape_of(const module *m, shape in, shape *out)
{
    *out = in;
    for (int i = 0; i < m->num_children; i++) {
        const module *child = m->children[i];
        const status e = child->kind->shape_of(child, *out, out);
        if (e)
            return e;
    }
    return UNROLLED_OK;
}

// Nothing of its own: all results lie with the children.
static void sequential_plan(module *m, arena *a)
{
    (void)m;
    (void)a;
}

static status sequential_reserve(module *m)
{
    shape in = m->in;
    for (int i = 0; i < m->num_children; i++) {
        const status e = module_reserve(m->children[i], in, m->keep);
        if (e)
            return e;
        in = m->children[i]->out;
    }
    m->y = m->children[m->num_children - 1]->y;
    m->dx = m->children[0]->dx;
    return UNROLLED_OK;
}

static void sequential_forward(module *m, const float *x)
{
    sequential *s = (sequential *)m;
    for (int i = 0; i < m->num_children; i++) {
        module *child = m->children[i];
        module_forward(child, x, 0);
        s->serials[i] = child->serial;
        x = child->y;
    }
    m->y = m->children[m->num_children - 1]->y; // it may have moved since the plan
}

static void sequential_backward(module *m, const float *dy, int wanted)
{
    for (int i = m->num_children - 1; i >= 0; i--) {
        module *child = m->children[i];
        module_backward(child, dy, 0, i > 0 ? WANT_INPUT : wanted & WANT_INPUT);
        dy = child->dx;
    }
    m->dx = m->children[0]->dx;
}

static void sequential_destroy(module *m) { memory_give(((sequential *)m)->serials); }

static const module_kind sequential_kind = {.shape_of = sequential_shape_of,
                                            .plan = sequential_plan,
                                            .reserve = sequential_reserve,
                                            .forward = sequential_forward,
                                            .backward = sequential_backward,
                                            .destroy = sequential_destroy};

bool sequential_is(const module *m) { return m->kind == &sequential_kind; }

bool sequential_undisturbed(const module *m)
{
    const sequential *s = (const sequential *)m;
    for (int i = 0; i < m->num_children; i++) {
        const module *child = m->children[i];
        if (!child->pending || child->serial != s->serials[i])
            return false;
        if (sequential_is(child) && !sequential_undisturbed(child))
            return false;
    }
    return true;
}

enum { DEEPEST = 64 }; // Sequentials inside each other: they are walked by recursion

// What the modules are together, in `whole`; or why they are nothing.
static status join(int count, module *const *modules, module *whole, int *where)
{
    const module *ordered = NULL; // the first one whose batch order counts

    for (int i = 0; i < count; i++) {
        const module *m = modules[i];
        *where = i;
        if (m->parent)
            return UNROLLED_E_ARGUMENT;
        for (int j = 0; j < i; j++)
            if (modules[j] == m)
                return UNROLLED_E_ARGUMENT;
        if (m->recurrent) {
            if (ordered && ordered->batch_first != m->batch_first)
                return UNROLLED_E_ARGUMENT;
            ordered = m;
            whole->recurrent = true;
            whole->batch_first = m->batch_first;
        }
        whole->depth = int_max(whole->depth, m->depth + 1);
        if (whole->depth > DEEPEST)
            return UNROLLED_E_ARGUMENT;
        if (m->inputs && whole->outputs && m->inputs != whole->outputs)
            return UNROLLED_E_SHAPE;
        if (m->inputs && !whole->inputs)
            whole->inputs = m->inputs;
        if (m->outputs)
            whole->outputs = m->outputs;
        if (m->uses_time) {
            whole->uses_time = true;
            whole->many_to_one = m->many_to_one;
        }
    }
    return UNROLLED_OK;
}

// Those without an order of their own follow that of the whole.
static void follow_order(module *m, bool batch_first)
{
    if (m->batch_first != batch_first) { // plans were made for the other one
        m->batch_first = batch_first;
        m->in = m->call.in = (shape){0, 0, 0};
        m->pending = false;
    }
    for (int i = 0; i < m->num_children; i++)
        follow_order(m->children[i], batch_first);
}

module *sequential_create(int count, module *const *modules, status *why, int *where)
{
    module whole = {0};

    *why = join(count, modules, &whole, where);
    if (*why)
        return NULL;
    *why = UNROLLED_E_MEMORY;
    sequential *s = module_create(&sequential_kind, sizeof *s, whole.inputs, whole.outputs);
    if (!s)
        return NULL;
    module *m = &s->base;
    s->serials = memory_take_zeroed((size_t)count, sizeof *s->serials);
    m->children = memory_take_zeroed((size_t)count, sizeof *m->children);
    if (!s->serials || !m->children) {
        module_destroy(m);
        return NULL;
    }
    m->uses_time = whole.uses_time;
    m->recurrent = whole.recurrent;
    m->many_to_one = whole.many_to_one;
    m->num_children = count;
    m->depth = whole.depth;
    for (int i = 0; i < count; i++) {
        m->children[i] = modules[i];
        modules[i]->parent = m;
    }
    follow_order(m, whole.batch_first);
    *why = UNROLLED_OK;
    return m;
}
