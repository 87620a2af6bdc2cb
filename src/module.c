#include "module.h"

#include "memory.h"
#include "vector.h"

void *module_create(const module_kind *kind, size_t size, int inputs, int outputs)
{
    module *m = memory_take_zeroed(1, size);
    if (!m)
        return NULL;
    m->kind = kind;
    m->inputs = inputs;
    m->outputs = outputs;
    m->training = true;
    return m;
}

status module_table(module *m, int count)
{
    m->table = memory_take_zeroed((size_t)count, sizeof *m->table);
    return m->table ? UNROLLED_OK : UNROLLED_E_MEMORY;
}

status module_parameter(module *m, const char *name, int rows, int cols, double bound)
{
    parameter *p = &m->table[m->num_parameters];
    size_t count, end, bytes;

    if (!size_mul((size_t)rows, cols ? (size_t)cols : 1, &count) ||
        !size_add(m->num_values, count, &end) || !size_mul(end, 2 * sizeof(float), &bytes)) {
        memory_note_overflow();
        return UNROLLED_E_MEMORY;
    }
    *p = (parameter){.rows = rows, .cols = cols, .offset = m->num_values, .bound = bound};
    for (int i = 0; name[i] && i < PARAMETER_NAME - 1; i++)
        p->name[i] = name[i];
    m->num_values = end;
    m->num_parameters++;
    return UNROLLED_OK;
}

status module_initialize(module *m, rng *r)
{
    m->params = memory_take_zeroed(m->num_values, 2 * sizeof(float));
    if (!m->params)
        return UNROLLED_E_MEMORY;
    m->grads = m->params + m->num_values;
    for (int i = 0; i < m->num_parameters; i++) {
        const parameter *p = &m->table[i];
        const size_t count = parameter_count(p);
        rng_uniform(r, count, (float)-p->bound, (float)p->bound, m->params + p->offset);
    }
    return UNROLLED_OK;
}

static bool same(shape a, shape b) { return a.T == b.T && a.N == b.N && a.F == b.F; }

static status make_room(module *m)
{
    arena a = {NULL, 0, false};
    m->kind->plan(m, &a);
    const status e = workspace_fit(&m->space, &a);
    if (e)
        return e;
    a = workspace_arena(&m->space);
    m->kind->plan(m, &a);
    return UNROLLED_OK;
}

status module_shape(const module *m, shape in, shape *out)
{
    if (in.T > INT32_MAX / in.N) // rows are counted in int
        return UNROLLED_E_SHAPE;
    return m->kind->shape_of(m, in, out);
}

status module_reserve(module *m, shape in, bool keep)
{
    shape out;
    status e = module_shape(m, in, &out);
    if (e)
        return e;

    m->pending = false;
    if (!same(m->in, in) || m->keep != keep) {
        m->in = in;
        m->out = out;
        m->keep = keep;
        e = make_room(m);
    }
    if (!e && m->kind->reserve)
        e = m->kind->reserve(m);
    if (e)
        m->in = (shape){0, 0, 0}; // no plan: the next reserve makes one
    return e;
}

bool module_planned(const module *m)
{
    shape in = m->in;
    if (in.T == 0)
        return false;
    for (int i = 0; i < m->num_children; i++) {
        const module *child = m->children[i];
        if (!same(child->in, in) || child->keep != m->keep || !module_planned(child))
            return false;
        in = child->out;
    }
    return true;
}

void module_forward(module *m, const float *x, int given)
{
    m->given = given;
    m->called = false;
    m->kind->forward(m, x);
    m->serial++;
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

void module_zero_grad(module *m)
{
    vector_zero(m->num_values, m->grads);
    m->fresh = m->suspect = false;
    for (int i = 0; i < m->num_children; i++)
        module_zero_grad(m->children[i]);
}

void module_fresh_grad(module *m)
{
    m->fresh = true;
    m->suspect = false;
    for (int i = 0; i < m->num_children; i++)
        module_fresh_grad(m->children[i]);
}

void module_train(module *m, bool training)
{
    m->training = training;
    for (int i = 0; i < m->num_children; i++)
        module_train(m->children[i], training);
}

bool module_suspect(const module *m)
{
    bool suspect = m->suspect;
    for (int i = 0; i < m->num_children; i++)
        suspect = suspect || module_suspect(m->children[i]);
    return suspect;
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

bool module_swaps(const module *m, shape s) { return m->batch_first && s.T > 1 && s.N > 1; }

void module_name(char *dst, const char *name, int layer, bool reverse)
{
    static const char suffix[] = "_reverse";
    int n = 0, digits = 1;

    for (; name[n]; n++)
        dst[n] = name[n];
    for (int rest = layer; rest >= 10; rest /= 10)
        digits++;
    for (int d = digits; d-- > 0; layer /= 10)
        dst[n + d] = (char)('0' + layer % 10);
    n += digits;
    for (int i = 0; reverse && suffix[i]; i++)
        dst[n++] = suffix[i];
    dst[n] = '\0';
    ASSERT(n < PARAMETER_NAME);
}
