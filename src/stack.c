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

static void stack_plan(module *m, arena *a)
{
    stack *s = (stack *)m;
    const int LD = s->L * s->D, N = m->in.N;
    const layer *any = s->levels[0].layers;

    layer_plan_states(any, LD, N, m->keep, a, &s->states);
    for (int l = 0; l < s->L; l++) {
        stack_level *level = &s->levels[l];
        const bool last = l == s->L - 1, masked = s->dropout > 0.0 && !last; // room in eval() too
        level->y = last ? m->y : module_array(a, &m->out, true);
        level->mask = module_array(a, &m->out, masked);
        level->dropped = module_array(a, &m->out, masked);
        level->dx = l ? module_array(a, &m->out, m->keep) : m->dx;
        for (int d = 0; d < s->D; d++)
            layer_plan(&level->layers[d], m->in.T, N, m->keep, a);
    }

    // One layer runs at a time: what passes lies in the same place for all.
    const size_t from = a->used;
    size_t most = from;
    for (int i = 0; i < LD; i++) {
        a->used = from;
        layer_plan_passing(&s->levels[i / s->D].layers[i % s->D], a);
        most = a->used > most ? a->used : most;
    }
    a->used = most;
}

static void stack_forward(module *m, const float *x)
{
    stack *s = (stack *)m;
    const layer_states *st = &s->states;
    const size_t count = shape_values(&m->out), N = (size_t)m->in.N;
    size_t row = 0; // of the states

    layer_clear_states(s->levels[0].layers, (size_t)(s->L * s->D) * N, m->given, st->h0, st->c0);
    for (int l = 0; l < s->L; l++) {
        stack_level *level = &s->levels[l];
        for (int d = 0; d < s->D; d++, row += N) {
            layer *at = &level->layers[d];
            const size_t h = row * (size_t)at->Ho, c = row * (size_t)at->C;
            at->x = x;
            at->h0 = st->h0 + h;
            at->c0 = st->c0 + c;
            at->zero_start = !(m->given & UNROLLED_HAS_H);
            at->y = level->y + d * at->Ho;
            layer_forward(at, st->h + h, st->c + c);
        }
        level->out = level->y;
        if (m->training && level->mask) {
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
    const layer_states *st = &s->states;
    const size_t count = shape_values(&m->out), N = (size_t)m->in.N;

    layer_clear_states(s->levels[0].layers, (size_t)(s->L * s->D) * N, m->dgiven, st->dh, st->dc);
    for (int l = s->L - 1; l >= 0; l--) {
        stack_level *level = &s->levels[l];
        float *dx = l || (wanted & WANT_INPUT) ? level->dx : NULL;
        if (dx)
            vector_zero(l ? count : shape_values(&m->in), dx);
        for (int d = 0; d < s->D; d++) {
            layer *at = &level->layers[d];
            const size_t row = (size_t)(l * s->D + d) * N;
            layer_backward(at, dy ? dy + d * at->Ho : NULL, st->dh + row * (size_t)at->Ho,
                           st->dc + row * (size_t)at->C, wanted & WANT_STATE, dx);
        }
        if (l && level[-1].out == level[-1].dropped)
            vector_multiply(count, dx, level[-1].mask, dx); // (1)
        dy = dx;
    }
}

static void stack_destroy(module *m)
{
    stack *s = (stack *)m;
    memory_give(s->levels);
    workspace_give(&s->stream.space);
}

static const module_kind stack_kind = {.plan = stack_plan,
                                       .forward = stack_forward,
                                       .backward = stack_backward,
                                       .destroy = stack_destroy};

bool stack_is(const module *m) { return m->kind == &stack_kind; }

stack *stack_create(int kind, int I, int H, int L, int P, double dropout, int flags, rng *r)
{
    const int D = flags & UNROLLED_BIDIRECTIONAL ? 2 : 1;
    const size_t parameters = (size_t)L * (size_t)D * LAYER_PARAMETERS;

    stack *s =
        module_create(&stack_kind, sizeof *s, int_max(int_max(I, H), int_max(L, P)), parameters);
    if (!s)
        return NULL;
    module *m = &s->base;
    s->levels = memory_take_zeroed((size_t)L, sizeof *s->levels);
    if (!s->levels) {
        module_destroy(m);
        return NULL;
    }
    s->kind = kind, s->H = H, s->P = P, s->L = L, s->D = D;
    s->dropout = dropout;
    m->inputs = I;
    m->outputs = D * stack_state_size(s);
    m->uses_time = m->recurrent = true;
    m->batch_first = flags & UNROLLED_BATCH_FIRST;
    for (int i = 0; i < L * D; i++) {
        layer *l = &s->levels[i / D].layers[i % D];
        l->kind = kind, l->H = H, l->P = P;
        l->I = i < D ? I : m->outputs;
        l->reverse = i % D;
        layer_init(l, m, flags & UNROLLED_BIAS, i / D);
    }
    return module_finish(s, r);
}
