#include "cell.h"

#include "memory.h"
#include "vector.h"

static void cell_destroy(module *m)
{
    cell *c = (cell *)m;
    for (int i = 0; i < c->room; i++)
        workspace_give(&c->frames[i].space);
    memory_give(c->frames);
}

static const module_kind cell_kind = {.destroy = cell_destroy};

bool cell_is(const module *m) { return m->kind == &cell_kind; }

cell *cell_create(int kind, int I, int H, bool bias, rng *r)
{
    cell *c = module_create(&cell_kind, sizeof *c, int_max(I, H), LAYER_PARAMETERS);
    if (c) {
        c->base.inputs = I;
        c->base.outputs = H;
        c->kind = kind;
        c->H = H;
        c->step = (layer){.kind = kind, .I = I, .H = H};
        layer_init(&c->step, &c->base, bias, -1);
    }
    return module_finish(c, r);
}

// For the next step: its T, N and keep are set, nothing else is.
static void plan(module *m, arena *a)
{
    cell *c = (cell *)m;
    cell_frame *f = cell_next(c);
    const int N = f->step.N;
    const bool keep = f->step.keep;

    f->step = c->step;
    f->x = arena_floats(a, 1, (size_t)N, (size_t)m->inputs);
    f->dx = arena_floats(a, keep, (size_t)N, (size_t)m->inputs);
    layer_plan_states(&c->step, 1, N, keep, a, &f->states);
    layer_plan(&f->step, 1, N, keep, a);
    layer_plan_passing(&f->step, a);
    f->step.x = f->x;
    f->step.h0 = f->states.h0;
    f->step.c0 = f->states.c0;
    f->step.y = f->states.h;
}

// Room for one frame more than wait.
static status reserve_frame(cell *c)
{
    if (c->depth < c->room)
        return UNROLLED_OK;
    const int room = c->room ? 2 * c->room : 4;
    cell_frame *frames = memory_take_zeroed((size_t)room, sizeof *frames);
    if (!frames)
        return UNROLLED_E_MEMORY;
    if (c->frames)
        __builtin_memcpy(frames, c->frames, (size_t)c->room * sizeof *frames);
    memory_give(c->frames);
    c->frames = frames;
    c->room = room;
    return UNROLLED_OK;
}

status cell_reserve(cell *c, int N, bool keep)
{
    c->prepared = false;
    status e = reserve_frame(c);
    if (e)
        return e;

    cell_frame *f = cell_next(c);
    if (f->step.N != N || f->step.keep != keep) {
        f->step.N = N;
        f->step.keep = keep;
        e = module_plan(&c->base, &f->space, plan);
        if (e)
            f->step.N = 0; // no plan
    }
    c->prepared = !e;
    return e;
}

cell_frame *cell_next(const cell *c) { return &c->frames[c->depth]; }

cell_frame *cell_newest(const cell *c) { return c->depth ? &c->frames[c->depth - 1] : NULL; }

void cell_forward(cell *c, int given)
{
    cell_frame *f = cell_next(c);

    ASSERT(c->prepared);
    c->prepared = false;
    f->step.zero_start = !(given & UNROLLED_HAS_H);
    layer_clear_states(&f->step, (size_t)f->step.N, given, f->states.h0, f->states.c0);
    layer_forward(&f->step, f->states.h, f->states.c);
    if (f->step.keep)
        c->depth++;
}

void cell_backward(cell *c, int given)
{
    cell_frame *f = cell_newest(c);
    const size_t N = (size_t)f->step.N;

    layer_clear_states(&f->step, N, given, f->states.dh, f->states.dc);
    vector_zero(N * (size_t)c->base.inputs, f->dx);
    layer_backward(&f->step, NULL, f->states.dh, f->states.dc, true, f->dx);
    c->depth--;
    c->prepared = false; // for another frame
}

void cell_forget(cell *c)
{
    c->depth = 0;
    c->prepared = false;
}
