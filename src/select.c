#include "select.h"

#include "vector.h"

// Where the last of the T steps begins.
static size_t last_step(const module *m) { return shape_values(&m->in) - shape_values(&m->out); }

static void select_forward(module *m, const float *x)
{
    vector_copy(shape_values(&m->out), x + last_step(m), m->y);
}

static void select_backward(module *m, const float *dy, int wanted)
{
    if (!(wanted & WANT_INPUT))
        return;
    vector_zero(last_step(m), m->dx);
    vector_copy(shape_values(&m->out), dy, m->dx + last_step(m));
}

static const module_kind select_kind = {.forward = select_forward, .backward = select_backward};

module *select_create(void)
{
    module *m = module_create(&select_kind, sizeof *m, 0, 0);
    if (m)
        m->uses_time = m->many_to_one = true;
    return m;
}
