#include "module.h"

#include "memory.h"
#include "vector.h"

bool shape_same(const shape *a, const shape *b)
{
    return a->T == b->T && a->N == b->N && a->F == b->F;
}

size_t shape_values(const shape *s) { return (size_t)s->T * (size_t)s->N * (size_t)s->F; }

void *module_create(const module_kind *kind, size_t size, int largest, size_t parameters)
{
    if (largest > MODULE_LARGEST) {
        memory_note_overflow();
        return NULL;
    }
    module *m = memory_take_zeroed(1, size);
    if (!m)
        return NULL;
    m->kind = kind;
    m->training = true;
    if (parameters) {
        m->table = memory_take_zeroed(parameters, sizeof *m->table);
        if (!m->table) {
            module_destroy(m);
            return NULL;
        }
    }
    return m;
}

void module_parameter(module *m, const char *name, const char *suffix, int rows, int cols,
                      double bound, float **place)
{
    // So many that memory is refused; kept to, the sum below never overflows.
    const uint64_t beyond = SIZE_MAX / (2 * sizeof(float)) + 1;
    const uint64_t end = m->num_values + (uint64_t)rows * (uint64_t)int_max(cols, 1);
    parameter *p = &m->table[m->num_parameters];
    char *to = p->name;

    if (!rows)
        return;
    for (; *name; name++)
        *to++ = *name;
    for (; *suffix; suffix++)
        *to++ = *suffix;
    ASSERT(to < p->name + PARAMETER_NAME);
    p->rows = rows;
    p->cols = cols;
    p->offset = m->num_values;
    p->bound = bound;
    p->place = place;
    m->num_parameters++;
    m->num_values = (size_t)(end < beyond ? end : beyond);
}

void *module_finish(void *made, rng *r)
{
    module *m = made;
    if (!m)
        return NULL;
    m->params = memory_take_zeroed(m->num_values, 2 * sizeof(float));
    if (!m->params) {
        module_destroy(m);
        return NULL;
    }
    m->grads = m->params + m->num_values;
    for (int i = 0; i < m->num_parameters; i++) {
        const parameter *p = &m->table[i];
        const float bound = (float)p->bound;
        *p->place = m->params + p->offset;
        rng_uniform(r, parameter_count(p), -bound, bound, *p->place);
    }
    return m;
}

status module_plan(module *m, workspace *w, void (*plan)(module *m, arena *a))
{
    arena a = {NULL, 0, false};
    plan(m, &a);
    const status e = workspace_fit(w, &a);
    if (e)
        return e;
    a = workspace_arena(w);
    plan(m, &a);
    return UNROLLED_OK;
}

float *module_array(arena *a, const shape *s, bool wanted)
{
    return wanted ? arena_floats(a, (size_t)s->T, (size_t)s->N, (size_t)s->F) : NULL;
}

static status shape_after(const module *m, const shape *in, shape *out)
{
    if (in->T > INT32_MAX / in->N || (m->inputs && in->F != m->inputs)) // rows are counted in int
        return UNROLLED_E_SHAPE;
    *out = *in;
    if (m->outputs)
        out->F = m->outputs;
    for (const module *part = m; part; part = module_next(m, part))
        if (part->many_to_one)
            out->T = 1;
    return UNROLLED_OK;
}

status module_shape(const module *m, shape in, shape *out) { return shape_after(m, &in, out); }

// Of a module with children nothing: all results lie with them.
static void plan(module *m, arena *a)
{
    if (m->num_children)
        return;
    m->y = module_array(a, &m->out, true);
    m->dx = module_array(a, &m->in, m->keep);
    if (m->kind->plan)
        m->kind->plan(m, a);
}

static status reserve(module *m, const shape *in, bool keep)
{
    shape out;
    status e = shape_after(m, in, &out);
    if (e)
        return e;

    m->pending = false;
    if (!shape_same(&m->in, in) || m->keep != keep) {
        m->in = *in;
        m->out = out;
        m->keep = keep;
        e = module_plan(m, &m->space, plan);
    }
    for (int i = 0; !e && i < m->num_children; i++) {
        module *child = m->children[i];
        e = reserve(child, in, keep);
        in = &child->out;
        m->y = child->y;
        m->dx = m->children[0]->dx;
    }
    if (e)
        m->in.T = 0; // no plan: the next reserve makes one
    return e;
}

status module_reserve(module *m, shape in, bool keep) { return reserve(m, &in, keep); }

bool module_planned(const module *m)
{
    const shape *in = &m->in;
    if (in->T == 0)
        return false;
    for (int i = 0; i < m->num_children; i++) {
        const module *child = m->children[i];
        if (!shape_same(&child->in, in) || child->keep != m->keep || !module_planned(child))
            return false;
        in = &child->out;
    }
    return true;
}

void module_forward(module *m, const float *x, int given)
{
    m->given = given;
    m->called = true;
    m->kind->forward(m, x);
    m->pending = m->keep;
}

void module_backward(module *m, const float *dy, int dgiven, int wanted)
{
    ASSERT(m->pending);
    m->dgiven = dgiven;
    m->kind->backward(m, dy, wanted);
    m->fresh = false;
    m->pending = false;
}

module *module_next(const module *root, const module *m)
{
    if (m->num_children)
        return m->children[0];
    while (m != root && !m->next)
        m = m->parent;
    return m == root ? NULL : m->next;
}

static void clear_grads(module *root, bool fresh)
{
    for (module *m = root; m; m = module_next(root, m)) {
        if (!fresh)
            vector_zero(m->num_values, m->grads);
        m->fresh = fresh;
        m->suspect = false;
    }
}

void module_zero_grad(module *m) { clear_grads(m, false); }

void module_fresh_grad(module *m) { clear_grads(m, true); }

void module_train(module *root, bool training)
{
    for (module *m = root; m; m = module_next(root, m))
        m->training = training;
}

bool module_suspect(const module *root)
{
    for (const module *m = root; m; m = module_next(root, m))
        if (m->suspect)
            return true;
    return false;
}

void module_destroy(module *m)
{
    if (!m)
        return;
    for (int i = 0; i < m->num_children; i++)
        module_destroy(m->children[i]);
    if (m->kind->destroy)
        m->kind->destroy(m);
    memory_give(m->children);
    workspace_give(&m->call.space);
    workspace_give(&m->space);
    memory_give(m->params);
    memory_give(m->table);
    memory_give(m);
}

bool module_swaps(const module *m, const shape *s)
{
    return m->batch_first && s->T > 1 && s->N > 1;
}
