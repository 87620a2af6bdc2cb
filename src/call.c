#include "call.h"

#include "vector.h"

static void plan(module *m, arena *a)
{
    module_call *c = &m->call;
    const shape in = m->in, out = m->out;
    const size_t T = (size_t)in.T, N = (size_t)in.N, F = (size_t)in.F;
    const size_t To = (size_t)out.T, No = (size_t)out.N, K = (size_t)out.F;

    c->swap_in = module_swaps(m, in);
    c->swap_out = module_swaps(m, out);
    c->input = arena_floats(a, T, N, F);
    c->x = c->swap_in ? arena_floats(a, T, N, F) : c->input;
    c->output = c->swap_out ? arena_floats(a, To, No, K) : NULL;
    c->doutput = m->keep ? arena_floats(a, To, No, K) : NULL;
    c->dy = m->keep && c->swap_out ? arena_floats(a, To, No, K) : c->doutput;
    c->dinput = m->keep && c->swap_in ? arena_floats(a, T, N, F) : NULL;
}

status call_reserve(module *m, shape in, bool keep)
{
    status e = module_reserve(m, in, keep);
    if (e)
        return e;

    arena a = {NULL, 0, false};
    plan(m, &a);
    e = workspace_fit(&m->call.space, &a);
    if (e) {
        m->in = m->call.in = (shape){0, 0, 0}; // no plan
        return e;
    }
    a = workspace_arena(&m->call.space);
    plan(m, &a);
    m->call.in = m->in;
    m->call.keep = m->keep;
    return UNROLLED_OK;
}

bool call_ready(const module *m)
{
    const shape planned = m->call.in, in = m->in;
    return planned.T == in.T && planned.N == in.N && planned.F == in.F && m->call.keep == m->keep &&
           module_planned(m);
}

void call_forward(module *m, int given)
{
    const module_call *c = &m->call;
    if (c->swap_in)
        vector_swap_axes(m->in.N, m->in.T, m->in.F, c->input, c->x);
    module_forward(m, c->x, given);
    m->called = true;
    if (c->swap_out)
        vector_swap_axes(m->out.T, m->out.N, m->out.F, m->y, c->output);
}

float *call_output(const module *m) { return m->call.swap_out ? m->call.output : m->y; }

void call_backward(module *m, int given, int wanted)
{
    const module_call *c = &m->call;
    const bool has_output = given & UNROLLED_HAS_OUTPUT;
    if (has_output && c->swap_out)
        vector_swap_axes(m->out.N, m->out.T, m->out.F, c->doutput, c->dy);
    module_backward(m, has_output ? c->dy : NULL, given, wanted);
    if (c->swap_in && (wanted & WANT_INPUT))
        vector_swap_axes(m->in.T, m->in.N, m->in.F, m->dx, c->dinput);
}

float *call_dinput(const module *m) { return m->call.swap_in ? m->call.dinput : m->dx; }
