// Layers in a stack: the output of one, both directions side by side, is the input of the next.
//
// Dropout as torch.nn.LSTM has it: after every layer but the last, one mask over [T][N][D·Ho],
//
//     dropped = y * mask / (1 - p),  mask ~ Bernoulli(1 - p)                        (1)
//
// drawn time first whatever the caller's batch order; p = 0, p = 1 and eval() draw nothing.
#include "stack.h"

#include "dropout.h"
#include "memory.h"
#include "vector.h"

int stack_state_size(const stack *s) { return s->P ? s->P : s->H; }

static bool drops(const stack *s, int level)
{
    return s->base.training && s->dropout > 0.0 && level < s->L - 1;
}

// Values of one layer-direction's state h or c.
static size_t state_values(const stack *s, bool cell)
{
    return (size_t)s->base.in.N * (size_t)(cell ? s->H : stack_state_size(s));
}

static status stack_shape_of(const module *m, shape in, shape *out)
{
    if (in.F != m->inputs)
        return UNROLLED_E_SHAPE;
    *out = (shape){in.T, in.N, m->outputs};
    return UNROLLED_OK;
}

static void stack_plan(module *m, arena *a)
{
    stack *s = (stack *)m;
    const size_t T = (size_t)m->in.T, N = (size_t)m->in.N, width = (size_t)m->outputs;
    const size_t LD = (size_t)s->L * (size_t)s->D;
    const size_t Ho = (size_t)stack_state_size(s), H = s->kind == UNROLLED_LSTM ? (size_t)s->H : 0;

    s->h0 = arena_floats(a, LD, N, Ho);
    s->c0 = arena_floats(a, LD, N, H);
    s->hn = arena_floats(a, LD, N, Ho);
    s->cn = arena_floats(a, LD, N, H);
    s->dh = m->keep ? arena_floats(a, LD, N, Ho) : NULL;
    s->dc = m->keep ? arena_floats(a, LD, N, H) : NULL;
    for (int l = 0; l < s->L; l++) {
        stack_level *level = &s->levels[l];
        const bool masked = s->dropout > 0.0 && l < s->L - 1; // room for it in eval() too
        level->y = arena_floats(a, T, N, width);
        level->mask = masked ? arena_floats(a, T, N, width) : NULL;
        level->dropped = masked ? arena_floats(a, T, N, width) : NULL;
        level->dx = m->keep ? arena_floats(a, T, N, (size_t)s->layers[l * s->D].I) : NULL;
        for (int d = 0; d < s->D; d++)
            layer_plan(&s->layers[l * s->D + d], m->in.T, m->in.N, m->keep, a);
    }
    m->y = s->levels[s->L - 1].y;
    m->dx = s->levels[0].dx;

    arena most = *a; // one layer runs at a time: what passes lies in the same place for all
    for (size_t i = 0; i < LD; i++) {
        arena passing = *a;
        layer_plan_passing(&s->layers[i], &passing);
        most.used = passing.used > most.used ? passing.used : most.used;
        most.overflow = most.overflow || passing.overflow;
    }
    *a = most;
}

static void stack_forward(module *m, const float *x)
{
    stack *s = (stack *)m;
    const size_t h_values = state_values(s, false), c_values = state_values(s, true);
    const size_t count = (size_t)m->in.T * (size_t)m->in.N * (size_t)m->outputs;
    const size_t LD = (size_t)s->L * (size_t)s->D;

    s->x = x;
    if (!(m->given & UNROLLED_HAS_H))
        vector_zero(LD * h_values, s->h0);
    if (s->kind == UNROLLED_LSTM && !(m->given & UNROLLED_HAS_C))
        vector_zero(LD * c_values, s->c0);

    for (int l = 0; l < s->L; l++) {
        stack_level *level = &s->levels[l];
        for (int d = 0; d < s->D; d++) {
            const size_t at = (size_t)(l * s->D + d);
            const layer_run run = {.x = x,
                                   .h0 = s->h0 + at * h_values,
                                   .c0 = s->c0 + at * c_values,
                                   .zero_start = !(m->given & UNROLLED_HAS_H),
                                   .y = level->y + d * stack_state_size(s),
                                   .y_step = (size_t)m->outputs};
            layer_forward(&s->layers[at], &run, s->hn + at * h_values, s->cn + at * c_values);
        }
        level->out = level->y;
        if (drops(s, l)) {
            dropout_mask(rng_global(), count, s->dropout, level->mask);
            vector_multiply(count, level->y, level->mask, level->dropped); // (1)
            level->out = level->dropped;
        }
        x = level->out;
    }
}

static void stack_backward(module *m, const float *dy, int wanted)
{
    stack *s = (stack *)m;
    const size_t h_values = state_values(s, false), c_values = state_values(s, true);
    const size_t rows = (size_t)m->in.T * (size_t)m->in.N, LD = (size_t)s->L * (size_t)s->D;

    if (!(m->dgiven & UNROLLED_HAS_H))
        vector_zero(LD * h_values, s->dh);
    if (s->kind == UNROLLED_LSTM && !(m->dgiven & UNROLLED_HAS_C))
        vector_zero(LD * c_values, s->dc);

    for (int l = s->L - 1; l >= 0; l--) {
        stack_level *level = &s->levels[l];
        float *dx = l > 0 || (wanted & WANT_INPUT) ? level->dx : NULL;
        if (dx)
            vector_zero(rows * (size_t)s->layers[l * s->D].I, dx);
        for (int d = 0; d < s->D; d++) {
            const size_t at = (size_t)(l * s->D + d);
            const layer_run run = {.x = l > 0 ? s->levels[l - 1].out : s->x,
                                   .h0 = s->h0 + at * h_values,
                                   .c0 = s->c0 + at * c_values,
                                   .zero_start = !(m->given & UNROLLED_HAS_H),
                                   .fresh = m->fresh,
                                   .y = level->y + d * stack_state_size(s),
                                   .y_step = (size_t)m->outputs};
            m->suspect |= layer_backward(
                &s->layers[at], &run, dy ? dy + d * stack_state_size(s) : NULL, (size_t)m->outputs,
                s->dh + at * h_values, s->dc + at * c_values, wanted & WANT_STATE, dx);
        }
        if (l > 0 && s->levels[l - 1].out == s->levels[l - 1].dropped)
            vector_multiply(rows * (size_t)m->outputs, dx, s->levels[l - 1].mask, dx); // (1)
        dy = dx;
    }
}

static void stack_destroy(module *m)
{
    stack *s = (stack *)m;
    memory_give(s->layers);
    memory_give(s->levels);
    workspace_give(&s->stream.space);
}

static const module_kind stack_kind = {.shape_of = stack_shape_of,
                                       .plan = stack_plan,
                                       .forward = stack_forward,
                                       .backward = stack_backward,
                                       .destroy = stack_destroy};

bool stack_is(const module *m) { return m->kind == &stack_kind; }

// The parameters of one layer-direction, in PyTorch's order.
static status add_parameters(stack *s, const layer *l, int number, bool bias)
{
    static const char *const names[] = {"weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l",
                                        "weight_hr_l"};
    const int GH = layer_gates(s->kind) * s->H, Ho = stack_state_size(s);
    const int sizes[][2] = {{GH, l->I}, {GH, Ho}, {GH, 0}, {GH, 0}, {s->P, s->H}};
    const double bound = 1.0 / __builtin_sqrt((double)s->H);

    for (int i = 0; i < 5; i++) {
        char name[PARAMETER_NAME];
        if ((i == 2 || i == 3) ? !bias : i == 4 && !s->P)
            continue;
        module_name(name, names[i], number, l->reverse);
        const status e = module_parameter(&s->base, name, sizes[i][0], sizes[i][1], bound);
        if (e)
            return e;
    }
    return UNROLLED_OK;
}

// Where the layer finds what add_parameters made.
static void point_to_parameters(stack *s, layer *l, const parameter *p, bool bias)
{
    float *params = s->base.params, *grads = s->base.grads;
    l->w_ih = params + p->offset, l->dw_ih = grads + p->offset, p++;
    l->w_hh = params + p->offset, l->dw_hh = grads + p->offset, p++;
    if (bias) {
        l->b_ih = params + p->offset, l->db_ih = grads + p->offset, p++;
        l->b_hh = params + p->offset, l->db_hh = grads + p->offset, p++;
    }
    if (s->P)
        l->w_hr = params + p->offset, l->dw_hr = grads + p->offset;
}

static status build(stack *s, int I, bool bias, rng *r)
{
    const int LD = s->L * s->D, per_layer = (bias ? 4 : 2) + (s->P ? 1 : 0);
    status e = UNROLLED_E_MEMORY;

    s->layers = memory_take_zeroed((size_t)LD, sizeof *s->layers);
    if (s->layers)
        s->levels = memory_take_zeroed((size_t)s->L, sizeof *s->levels);
    if (!s->levels || module_table(&s->base, LD * per_layer))
        return e;
    for (int i = 0; i < LD; i++) {
        layer *l = &s->layers[i];
        *l = (layer){.kind = s->kind, .H = s->H, .P = s->P, .reverse = i % s->D == 1};
        l->I = i < s->D ? I : s->base.outputs;
        if ((e = add_parameters(s, l, i / s->D, bias)))
            return e;
    }
    if ((e = module_initialize(&s->base, r)))
        return e;
    for (int i = 0; i < LD; i++)
        point_to_parameters(s, &s->layers[i], s->base.table + i * per_layer, bias);
    return UNROLLED_OK;
}

stack *stack_create(int kind, int I, int H, int L, int P, double dropout, int flags, rng *r,
                    status *why)
{
    const int D = flags & UNROLLED_BIDIRECTIONAL ? 2 : 1, Ho = P ? P : H;
    stack *s;

    *why = UNROLLED_E_MEMORY;
    if (H > MODULE_LARGEST || I > MODULE_LARGEST || P > MODULE_LARGEST || L > MODULE_LARGEST) {
        memory_note_overflow();
        return NULL;
    }
    s = module_create(&stack_kind, sizeof *s, I, D * Ho);
    if (!s)
        return NULL;
    s->base.uses_time = s->base.recurrent = true;
    s->base.batch_first = flags & UNROLLED_BATCH_FIRST;
    s->kind = kind, s->H = H, s->P = P, s->L = L, s->D = D;
    s->dropout = dropout;
    *why = build(s, I, flags & UNROLLED_BIAS, r);
    if (*why) {
        module_destroy(&s->base);
        return NULL;
    }
    return s;
}
