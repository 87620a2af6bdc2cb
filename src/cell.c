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

static status build(cell *c, bool bias, rng *r)
{
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    const int GH = layer_gates(c->kind) * c->H, cols[] = {c->base.inputs, c->H, 0, 0};
    const double bound = 1.0 / __builtin_sqrt((double)c->H);
    status e = module_table(&c->base, 4);

    for (int i = 0; !e && i < (bias ? 4 : 2); i++)
        e = module_parameter(&c->base, names[i], GH, cols[i], bound);
    return e ? e : module_initialize(&c->base, r);
}

cell *cell_create(int kind, int I, int H, bool bias, rng *r, status *why)
{
    *why = UNROLLED_E_MEMORY;
    if (I > MODULE_LARGEST || H > MODULE_LARGEST) {
        memory_note_overflow();
        return NULL;
    }
    cell *c = module_create(&cell_kind, sizeof *c, I, H);
    if (!c)
        return NULL;
    c->kind = kind;
    c->H = H;
    *why = build(c, bias, r);
    if (*why) {
        module_destroy(&c->base);
        return NULL;
    }
    return c;
}

// A layer of one step that works on the cell's parameters.
static layer one_step(const cell *c)
{
    const module *m = &c->base;
    const parameter *p = m->table;
    layer l = {.kind = c->kind,
               .I = m->inputs,
               .H = c->H,
               .w_ih = m->params + p[0].offset,
               .w_hh = m->params + p[1].offset,
               .dw_ih = m->grads + p[0].offset,
               .dw_hh = m->grads + p[1].offset};
    if (m->num_parameters == 4) {
        l.b_ih = m->params + p[2].offset, l.db_ih = m->grads + p[2].offset;
        l.b_hh = m->params + p[3].offset, l.db_hh = m->grads + p[3].offset;
    }
    return l;
}

static void plan(const cell *c, cell_frame *f, int rows, bool keep, arena *a)
{
    const size_t N = (size_t)rows, I = (size_t)c->base.inputs, H = (size_t)c->H;
    f->x = arena_floats(a, 1, N, I);
    f->h0 = arena_floats(a, 1, N, H);
    f->c0 = arena_floats(a, 1, N, H);
    f->h = arena_floats(a, 1, N, H);
    f->c = arena_floats(a, 1, N, H);
    f->dx = keep ? arena_floats(a, 1, N, I) : NULL;
    f->dh = keep ? arena_floats(a, 1, N, H) : NULL;
    f->dc = keep ? arena_floats(a, 1, N, H) : NULL;
    layer_plan(&f->step, 1, rows, keep, a);
    layer_plan_passing(&f->step, a);
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
        arena a = {NULL, 0, false};
        f->step = one_step(c);
        plan(c, f, N, keep, &a);
        e = workspace_fit(&f->space, &a);
        if (e) {
            f->step.N = 0; // no plan
            return e;
        }
        a = workspace_arena(&f->space);
        plan(c, f, N, keep, &a);
    }
    c->prepared = true;
    return UNROLLED_OK;
}

cell_frame *cell_next(const cell *c) { return &c->frames[c->depth]; }

cell_frame *cell_newest(const cell *c) { return c->depth ? &c->frames[c->depth - 1] : NULL; }

static layer_run run_of(const cell *c, const cell_frame *f)
{
    return (layer_run){.x = f->x,
                       .h0 = f->h0,
                       .c0 = f->c0,
                       .zero_start = !(f->given & UNROLLED_HAS_H),
                       .y = f->h,
                       .y_step = (size_t)c->H};
}

void cell_forward(cell *c, int given)
{
    cell_frame *f = cell_next(c);
    const size_t count = (size_t)f->step.N * (size_t)c->H;

    ASSERT(c->prepared);
    c->prepared = false;
    f->given = given;
    if (!(given & UNROLLED_HAS_H))
        vector_zero(count, f->h0);
    if (!(given & UNROLLED_HAS_C))
        vector_zero(count, f->c0);
    const layer_run run = run_of(c, f);
    layer_forward(&f->step, &run, f->h, f->c);
    if (f->step.keep)
        c->depth++;
}

void cell_backward(cell *c, int given)
{
    cell_frame *f = cell_newest(c);
    const size_t count = (size_t)f->step.N * (size_t)c->H;
    const layer_run run = run_of(c, f);

    if (!(given & UNROLLED_HAS_H))
        vector_zero(count, f->dh);
    if (!(given & UNROLLED_HAS_C))
        vector_zero(count, f->dc);
    vector_zero((size_t)f->step.N * (size_t)c->base.inputs, f->dx);
    c->base.suspect |= layer_backward(&f->step, &run, NULL, 0, f->dh, f->dc, true, f->dx);
    c->depth--;
    c->prepared = false; // for another frame
}

void cell_forget(cell *c)
{
    c->depth = 0;
    c->prepared = false;
}
