#include "select.h"

#include "vector.h"

static status select_shape_of(const module *m, shape in, shape *out)
{
    (void)m;
    *out = (shape){1, in.N, in.F};
    return UNROLLED_OK;
}

static size_t step_values(const module *m) { return (size_t)m->in.N * (size_t)m->in.F; }

static void select_plan(module *m, arena *a)
{
    const size_t N = (size_t)m->in.N, F = (size_t)m->in.F;
    m->y = arena_floats(a, 1, N, F);
    m->dx = m->keep ? arena_floats(a, (size_t)m->in.T, N, F) : NULL;
}

static void select_forward(module *m, const float *x)
{
    vector_copy(step_values(m), x + (size_t)(m->in.T - 1) * step_values(m), m->y);
}

static void select_backward(module *m, const float *dy, int wanted)
{
    const size_t before = (size_t)(m->in.T - 1) * step_values(m);
    if (!(wanted & WANT_INPUT))
        return;
    vector_zero(before, m->dx);
    vector_copy(step_values(m), dy, m->dx + before);
}

static const module_kind select_kind = {.shape_of = select_shape_of,
                                        .plan = select_plan,
                                        .forward = select_forward,
                                        .backward = select_backward};

module *select_create(void)
{
    module *m = module_create(&select_kind, sizeof *m, 0, 0);
    if (m)
        m->uses_time = m->many_to_one = true;
    return m;
}
