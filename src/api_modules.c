// The exports of modules: creation, parameters, forward, backward, single steps; and the end of all
// that has a handle.
#include "activation.h"
#include "api.h"
#include "cell.h"
#include "criterion.h"
#include "dropout.h"
#include "init.h"
#include "linear.h"
#include "parameters.h"
#include "select.h"
#include "sequential.h"
#include "stream.h"
#include "trainer.h"

static stack *get_stack(int handle)
{
    module *m = api_module(handle);
    return m && stack_is(m) ? (stack *)m : NULL;
}

int unrolled_module_create(int kind, int I, int H, int flags, double p, int L, int P)
{
    const bool recurrent = kind <= UNROLLED_GRU, sized = kind <= UNROLLED_LINEAR;
    const bool over_axis = kind == UNROLLED_SOFTMAX || kind == UNROLLED_LOG_SOFTMAX;
    const bool layered = recurrent && !(flags & UNROLLED_CELL), bias = flags & UNROLLED_BIAS;
    rng *r = rng_global();
    void *m;

    if (kind < UNROLLED_RNN_TANH || kind > UNROLLED_LAST_STEP || ((sized || over_axis) && I < 1) ||
        (sized && H < 1) || ((layered || kind == UNROLLED_DROPOUT) && !(p >= 0.0 && p <= 1.0)) ||
        (layered && (L < 1 || P < 0 || (P > 0 && (P >= H || kind != UNROLLED_LSTM)))))
        return UNROLLED_E_ARGUMENT;
    if (!handle_room())
        return api_fail(UNROLLED_E_MEMORY);
    if (layered)
        m = stack_create(kind, I, H, L, P, p, flags, r);
    else if (recurrent)
        m = cell_create(kind, I, H, bias, r);
    else if (sized)
        m = linear_create(I, H, bias, r);
    else if (kind == UNROLLED_DROPOUT)
        m = dropout_create(p);
    else if (kind == UNROLLED_LAST_STEP)
        m = select_create();
    else
        m = activation_create(kind, over_axis ? I : 0);
    return api_open(HANDLE_MODULE, m);
}

int unrolled_sequential_create(int count, const int32_t *handles)
{
    api_count(0, 0);
    if (count < 1 || !api_staged(handles, (size_t)count, sizeof *handles))
        return UNROLLED_E_ARGUMENT;
    module *whole = handle_room() ? sequential_create(count) : NULL;
    for (int i = 0; whole && i < count; i++) {
        module *m = api_module(handles[i]);
        const status e = !m           ? UNROLLED_E_HANDLE
                         : cell_is(m) ? UNROLLED_E_ARGUMENT
                                      : sequential_add(whole, m);
        if (e) {
            sequential_undo(whole);
            api_count(0, (size_t)i);
            return e;
        }
    }
    if (whole)
        sequential_finish(whole);
    return api_open(HANDLE_MODULE, whole);
}

static void close_handles(const module *m)
{
    for (int i = 0; i < m->num_children; i++)
        close_handles(m->children[i]);
    handle_close(m->handle);
}

int unrolled_destroy(int handle)
{
    const handle_type type = handle_type_of(handle);
    void *object = handle_get(type, handle);

    if (!object)
        return UNROLLED_E_HANDLE;
    if (type == HANDLE_MODULE) {
        if (((module *)object)->parent)
            return UNROLLED_E_STATE; // the Sequential's to destroy
        close_handles(object);
        module_destroy(object);
        return UNROLLED_OK;
    }
    handle_close(handle);
    switch (type) {
    case HANDLE_LOSS:
        criterion_destroy(object);
        break;
    case HANDLE_OPTIMIZER:
        tuner_destroy(object);
        break;
    case HANDLE_TRAINER:
        trainer_destroy(object);
        break;
    default:
        memory_give(object);
    }
    return UNROLLED_OK;
}

int unrolled_module_info(int handle)
{
    const module *m = api_module(handle);
    if (!m)
        return UNROLLED_E_HANDLE;
    api_count(0, (size_t)m->num_parameters);
    api_count(1, (size_t)m->inputs);
    api_count(2, (size_t)m->outputs);
    api_count(3, m->uses_time);
    api_count(4, m->batch_first);
    return UNROLLED_OK;
}

int unrolled_parameter(int handle, int index)
{
    const module *m = api_module(handle);
    const parameter *p = parameters_find(m, index);
    if (!p)
        return m ? UNROLLED_E_ARGUMENT : UNROLLED_E_HANDLE;
    api_pointer(0, m->params + p->offset);
    api_pointer(1, m->grads + p->offset);
    api_count(2, (size_t)p->rows);
    api_count(3, (size_t)p->cols);
    api_pointer(4, p->name);
    return UNROLLED_OK;
}

int unrolled_initialize(int handle, int index, int kind, double a, double b)
{
    const module *m = api_module(handle);
    const parameter *p = parameters_find(m, index);
    if (!p)
        return m ? UNROLLED_E_ARGUMENT : UNROLLED_E_HANDLE;
    if (kind < 0 || kind >= INIT_KINDS || (kind > UNROLLED_INIT_CONSTANT && !p->cols))
        return UNROLLED_E_ARGUMENT;
    return api_fail(
        init_fill(rng_global(), (init_kind)kind, p->rows, p->cols, a, b, m->params + p->offset));
}

int unrolled_zero_grad(int handle)
{
    module *m = api_module(handle);
    if (!m)
        return UNROLLED_E_HANDLE;
    if (cell_is(m))
        cell_forget((cell *)m);
    module_zero_grad(m);
    return UNROLLED_OK;
}

int unrolled_train(int handle, int training)
{
    module *m = api_module(handle);
    if (!m)
        return UNROLLED_E_HANDLE;
    module_train(m, training != 0);
    return UNROLLED_OK;
}

static void describe_states(const layer_states *s, const layer *any, size_t rows)
{
    api_pointer(5, s->h0);
    api_pointer(6, s->c0);
    api_pointer(7, s->h);
    api_pointer(8, s->c);
    api_pointer(9, s->dh);
    api_pointer(10, s->dc);
    api_count(11, rows * (size_t)any->Ho);
    api_count(12, rows * (size_t)any->C);
}

static void describe_cell(const cell *c, const cell_frame *f)
{
    const size_t N = (size_t)f->step.N;
    api_pointer(0, f->x);
    api_pointer(1, f->states.h);
    api_count(2, N * (size_t)c->H);
    api_pointer(3, NULL);
    api_pointer(4, f->dx);
    describe_states(&f->states, &c->step, N);
    api_count(13, N * (size_t)c->base.inputs);
}

static void describe_module(const module *m)
{
    api_pointer(0, m->call.input);
    api_pointer(1, call_output(m));
    api_count(2, shape_values(&m->out));
    api_pointer(3, m->call.doutput);
    api_pointer(4, call_dinput(m));
    if (stack_is(m)) {
        const stack *s = (const stack *)m;
        describe_states(&s->states, s->levels[0].layers, (size_t)(s->L * s->D) * (size_t)m->in.N);
    }
    api_count(13, shape_values(&m->in));
}

int unrolled_reserve(int handle, int T, int N, int F, int keep)
{
    module *m = api_module(handle);
    status e;

    if (!m)
        return UNROLLED_E_HANDLE;
    if (T < 1 || N < 1 || F < 1)
        return UNROLLED_E_SHAPE;
    if (cell_is(m)) {
        cell *c = (cell *)m;
        if (T != 1 || F != m->inputs)
            return UNROLLED_E_SHAPE;
        e = cell_reserve(c, N, keep != 0);
        if (!e)
            describe_cell(c, cell_next(c));
    } else {
        e = call_reserve(m, (shape){T, N, F}, keep != 0);
        if (!e)
            describe_module(m);
    }
    return api_fail(e);
}

int unrolled_forward(int handle, int given)
{
    module *m = api_module(handle);
    if (!m)
        return UNROLLED_E_HANDLE;
    if (cell_is(m)) {
        if (!((cell *)m)->prepared)
            return UNROLLED_E_STATE;
        cell_forward((cell *)m, given);
    } else {
        if (!call_ready(m))
            return UNROLLED_E_STATE;
        call_forward(m, given);
    }
    return UNROLLED_OK;
}

// UNROLLED_OK when a forward waits for its backward.
static status waits(const module *m)
{
    if (!m)
        return UNROLLED_E_HANDLE;
    if (cell_is(m))
        return cell_newest((const cell *)m) ? UNROLLED_OK : UNROLLED_E_STATE;
    if (!m->pending || !m->called || (sequential_is(m) && !sequential_undisturbed(m)))
        return UNROLLED_E_STATE;
    return UNROLLED_OK;
}

int unrolled_pending(int handle)
{
    const module *m = api_module(handle);
    const status e = waits(m);
    if (e)
        return e;
    if (cell_is(m))
        describe_cell((const cell *)m, cell_newest((const cell *)m));
    else
        describe_module(m);
    return UNROLLED_OK;
}

int unrolled_backward(int handle, int given)
{
    module *m = api_module(handle);
    const status e = waits(m);
    if (e)
        return e;
    if (!cell_is(m) && !stack_is(m) && !(given & UNROLLED_HAS_OUTPUT))
        return UNROLLED_E_ARGUMENT; // only what has states can do without
    if (cell_is(m))
        cell_backward((cell *)m, given);
    else
        call_backward(m, given, WANT_INPUT | WANT_STATE);
    return UNROLLED_OK;
}

int unrolled_step_reserve(int handle, int N)
{
    stack *s = get_stack(handle);
    if (!s)
        return UNROLLED_E_HANDLE;
    if (N < 1)
        return UNROLLED_E_SHAPE;
    if (s->D != 1)
        return UNROLLED_E_ARGUMENT;
    const status e = stream_reserve(s, N);
    if (e)
        return api_fail(e);
    api_pointer(0, s->stream.x);
    api_pointer(1, s->stream.y);
    api_count(2, (size_t)N * (size_t)stack_state_size(s));
    return UNROLLED_OK;
}

int unrolled_step(int handle)
{
    stack *s = get_stack(handle);
    if (!s)
        return UNROLLED_E_HANDLE;
    if (!s->stream.N)
        return UNROLLED_E_STATE;
    stream_step(s);
    return UNROLLED_OK;
}

// States of a stream, [L][N][size], or none.
static bool staged_states(const float *states, size_t rows, int size)
{
    return !states || api_staged(states, size_product(rows, (size_t)size), sizeof *states);
}

int unrolled_reset_state(int handle, int N, const float *h0, const float *c0)
{
    stack *s = get_stack(handle);
    if (!s)
        return UNROLLED_E_HANDLE;
    if (N < 0)
        return UNROLLED_E_SHAPE;
    const size_t rows = size_product((size_t)s->L, (size_t)N);
    if (s->D != 1 || !staged_states(h0, rows, stack_state_size(s)) ||
        !staged_states(c0, rows, s->H))
        return UNROLLED_E_ARGUMENT;
    return api_fail(stream_reset(s, N, h0, c0));
}
