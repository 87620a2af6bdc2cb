#include "call.h"

#include "vector.h"

static void plan(module *m, arena *a)
{
    module_call *c = &m->call;
    const shape *in = &m->in, *out = &m->out;
    const bool swap_in = module_swaps(m, in), swap_out = module_swaps(m, out);

    c->input = module_array(a, in, true);
    c->x = module_array(a, in, swap_in);
    c->output = module_array(a, out, swap_out);
    c->doutput = module_array(a, out, m->keep);
    c->dy = module_array(a, out, m->keep && swap_out);
    c->dinput = module_array(a, in, m->keep && swap_in);
}

status call_reserve(module *m, shape in, bool keep)
{
    status e = module_reserve(m, in, keep);
    if (e)
        return e;
    e = module_plan(m, &m->call.space, plan);
    if (e)
        m->in.T = 0; // no plan
    m->call.in = m->in;
    m->call.keep = keep;
    return e;
}

bool call_ready(const module *m)
{
    return shape_same(&m->call.in, &m->in) && m->call.keep == m->keep && module_planned(m);
}

void call_forward(module *m, int given)
{
    const module_call *c = &m->call;
    if (c->x)
        vector_swap_axes(m->in.N, m->in.T, m->in.F, c->input, c->x);
    module_forward(m, c->x ? c->x : c->input, given);
    if (c->output)
        vector_swap_axes(m->out.T, m->out.N, m->out.F, m->y, c->output);
}

float *call_output(const module *m) { return m->call.output ? m->call.output : m->y; }

void call_backward(module *m, int given, int wanted)
{
    const module_call *c = &m->call;
    const float *dy = given & UNROLLED_HAS_OUTPUT ? c->doutput : NULL;
    if (dy && c->dy) {
        vector_swap_axes(m->out.N, m->out.T, m->out.F, dy, c->dy);
        dy = c->dy;
    }
    module_backward(m, dy, given, wanted);
    if (c->dinput && (wanted & WANT_INPUT))
        vector_swap_axes(m->in.T, m->in.N, m->in.F, m->dx, c->dinput);
}

float *call_dinput(const module *m) { return m->call.dinput ? m->call.dinput : m->dx; }
