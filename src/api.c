// The exports: each checks its arguments, finds the objects behind the handles, calls one function
// and writes what there is to say into the out block. Nothing is computed here. unrolled.h is the
// manual.
#include "unrolled.h"

#include "activation.h"
#include "cell.h"
#include "dropout.h"
#include "handle.h"
#include "init.h"
#include "linear.h"
#include "memory.h"
#include "select.h"
#include "sequential.h"
#include "stream.h"
#include "trainer.h"

static union {
    uint32_t words[UNROLLED_OUT_WORDS];
    double doubles[UNROLLED_OUT_WORDS / 2];
} out;

static void *stage;
static size_t stage_bytes;

uint32_t *unrolled_out(void) { return out.words; }

// Addresses are 32 bits wide in WebAssembly; a native caller has functions of its own.
static void out_pointer(int place, const void *p) { out.words[place] = (uint32_t)(uintptr_t)p; }

static void out_count(int place, size_t n) { out.words[place] = (uint32_t)n; }

// Every failure leaves by this door, so that a refusal always says how many bytes it was about.
static int fail(status e)
{
    if (e == UNROLLED_E_MEMORY)
        out_count(0, memory_refused());
    return e;
}

void unrolled_info(void)
{
    out_count(0, memory_held() - stage_bytes - handle_bytes());
    out_count(1, (size_t)handle_count());
}

void *unrolled_stage(size_t bytes)
{
    enum { KEPT = 4 << 20 }; // a larger one is given back at the next small request
    bytes = bytes ? bytes : 1;
    if (bytes <= stage_bytes && (stage_bytes <= KEPT || bytes > KEPT))
        return stage;
    void *larger = memory_take(bytes);
    if (!larger) {
        fail(UNROLLED_E_MEMORY);
        return NULL;
    }
    memory_give(stage);
    stage = larger;
    stage_bytes = bytes;
    return stage;
}

// ------------------------------------------------------------------------------ random numbers

void unrolled_seed(uint32_t low) { rng_seed(rng_global(), low); }

void *unrolled_rng_state(void) { return rng_global(); }

size_t unrolled_rng_state_size(void) { return sizeof(rng); }

int unrolled_rng_restore(const void *state)
{
    if (!rng_is_state(state))
        return UNROLLED_E_ARGUMENT;
    *rng_global() = *(const rng *)state;
    return UNROLLED_OK;
}

void unrolled_rand(size_t n, float *values) { rng_rand(rng_global(), n, values); }

void unrolled_uniform(size_t n, double low, double high, float *values)
{
    rng_uniform(rng_global(), n, (float)low, (float)high, values);
}

void unrolled_normal(size_t n, double mean, double std, float *values)
{
    rng_normal(rng_global(), n, mean, std, values);
}

void unrolled_bernoulli(size_t n, double p, float *values)
{
    rng_bernoulli(rng_global(), n, p, values);
}

// Bounds whose values fit int32, with some between them.
static bool is_range(double low, double high)
{
    return low >= INT32_MIN && high <= INT32_MAX + 1.0 && (int64_t)low < (int64_t)high;
}

int unrolled_randint(size_t n, double low, double high, int32_t *values)
{
    if (!is_range(low, high))
        return UNROLLED_E_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        int64_t value;
        rng_randint(rng_global(), 1, (int64_t)low, (int64_t)high, &value);
        values[i] = (int32_t)value;
    }
    return UNROLLED_OK;
}

void unrolled_randperm(size_t n, int32_t *values) { rng_permutation(rng_global(), n, values); }

void unrolled_epoch(size_t n, int shuffle, int32_t *values)
{
    rng_epoch(rng_global(), n, shuffle != 0, values);
}

int unrolled_numpy_create(uint32_t seed)
{
    rng *r = memory_take(sizeof *r);
    if (!r)
        return fail(UNROLLED_E_MEMORY);
    numpy_seed(r, seed);
    const int handle = handle_open(HANDLE_NUMPY, r);
    if (handle < 0)
        memory_give(r);
    return handle < 0 ? fail(UNROLLED_E_MEMORY) : handle;
}

int unrolled_numpy_draw(int numpy, int kind, size_t n, double a, double b, double *values)
{
    rng *r = handle_get(HANDLE_NUMPY, numpy);
    if (!r)
        return UNROLLED_E_HANDLE;
    if (kind == UNROLLED_NUMPY_NORMAL)
        numpy_normal(r, n, a, b, values);
    else
        numpy_uniform(r, n, a, b, values);
    return UNROLLED_OK;
}

int unrolled_numpy_randint(int numpy, size_t n, double low, double high, int32_t *values)
{
    rng *r = handle_get(HANDLE_NUMPY, numpy);
    if (!r)
        return UNROLLED_E_HANDLE;
    if (!is_range(low, high))
        return UNROLLED_E_ARGUMENT;
    numpy_randint(r, n, (int64_t)low, (int64_t)high, values);
    return UNROLLED_OK;
}

int unrolled_numpy_permutation(int numpy, size_t n, int32_t *values)
{
    rng *r = handle_get(HANDLE_NUMPY, numpy);
    if (!r)
        return UNROLLED_E_HANDLE;
    numpy_permutation(r, n, values);
    return UNROLLED_OK;
}

// ------------------------------------------------------------------------------------- modules

static module *get_module(int handle) { return handle_get(HANDLE_MODULE, handle); }

static stack *get_stack(int handle)
{
    module *m = get_module(handle);
    return m && stack_is(m) ? (stack *)m : NULL;
}

// The handle of a new module, or why there is none.
static int open_module(module *m, status why)
{
    if (!m)
        return fail(why);
    const int handle = handle_open(HANDLE_MODULE, m);
    if (handle < 0) {
        module_destroy(m);
        return fail(UNROLLED_E_MEMORY);
    }
    m->handle = handle;
    return handle;
}

// The stream goes back to where it was when a creation that has drawn fails after all.
static int open_drawn(module *m, status why, const rng *before)
{
    const int handle = open_module(m, why);
    if (handle < 0)
        *rng_global() = *before;
    return handle;
}

int unrolled_stack_create(int kind, int I, int H, int L, int P, double dropout, int flags)
{
    status why = UNROLLED_E_ARGUMENT;
    if (kind < UNROLLED_RNN_TANH || kind > UNROLLED_GRU || I < 1 || H < 1 || L < 1 || P < 0 ||
        (P > 0 && (P >= H || kind != UNROLLED_LSTM)) || !(dropout >= 0.0 && dropout <= 1.0))
        return UNROLLED_E_ARGUMENT;
    const rng before = *rng_global();
    stack *s = stack_create(kind, I, H, L, P, dropout, flags, rng_global(), &why);
    return open_drawn(s ? &s->base : NULL, why, &before);
}

int unrolled_cell_create(int kind, int I, int H, int flags)
{
    status why = UNROLLED_E_ARGUMENT;
    if (kind < UNROLLED_RNN_TANH || kind > UNROLLED_GRU || I < 1 || H < 1)
        return UNROLLED_E_ARGUMENT;
    const rng before = *rng_global();
    cell *c = cell_create(kind, I, H, flags & UNROLLED_BIAS, rng_global(), &why);
    return open_drawn(c ? &c->base : NULL, why, &before);
}

int unrolled_linear_create(int I, int K, int flags)
{
    status why = UNROLLED_E_ARGUMENT;
    if (I < 1 || K < 1)
        return UNROLLED_E_ARGUMENT;
    const rng before = *rng_global();
    module *m = linear_create(I, K, flags & UNROLLED_BIAS, rng_global(), &why);
    return open_drawn(m, why, &before);
}

int unrolled_activation_create(int kind, int size)
{
    const bool over_axis = kind == UNROLLED_SOFTMAX || kind == UNROLLED_LOG_SOFTMAX;
    if (kind < UNROLLED_TANH || kind > UNROLLED_LOG_SOFTMAX || (over_axis ? size < 1 : size != 0))
        return UNROLLED_E_ARGUMENT;
    return open_module(activation_create(kind, size), UNROLLED_E_MEMORY);
}

int unrolled_dropout_create(double p)
{
    if (!(p >= 0.0 && p <= 1.0))
        return UNROLLED_E_ARGUMENT;
    return open_module(dropout_create(p), UNROLLED_E_MEMORY);
}

int unrolled_last_step_create(void) { return open_module(select_create(), UNROLLED_E_MEMORY); }

int unrolled_sequential_create(int count, const int32_t *handles)
{
    status why = UNROLLED_E_ARGUMENT;
    int where = 0;

    if (count < 1)
        return UNROLLED_E_ARGUMENT;
    if (!handle_room()) // what is made below is not undone
        return fail(UNROLLED_E_MEMORY);
    module **modules = memory_take_zeroed((size_t)count, sizeof *modules);
    if (!modules)
        return fail(UNROLLED_E_MEMORY);
    for (; where < count; where++) {
        modules[where] = get_module(handles[where]);
        if (!modules[where])
            why = UNROLLED_E_HANDLE;
        if (!modules[where] || cell_is(modules[where]))
            break;
    }
    module *m = where < count ? NULL : sequential_create(count, modules, &why, &where);
    memory_give(modules);
    if (!m) {
        out.words[0] = (uint32_t)where;
        return fail(why);
    }
    m->handle = handle_open(HANDLE_MODULE, m);
    return m->handle;
}

static void close_handles(const module *m)
{
    for (int i = 0; i < m->num_children; i++)
        close_handles(m->children[i]);
    handle_close(m->handle);
}

int unrolled_destroy(int handle)
{
    const int type = handle_type_of(handle);
    void *object = type < 0 ? NULL : handle_get((handle_type)type, handle);

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
    switch ((handle_type)type) {
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
    const module *m = get_module(handle);
    if (!m)
        return UNROLLED_E_HANDLE;
    out.words[0] = (uint32_t)m->num_parameters;
    out.words[1] = (uint32_t)m->inputs;
    out.words[2] = (uint32_t)m->outputs;
    out.words[3] = m->uses_time;
    out.words[4] = m->batch_first;
    out.words[5] = m->many_to_one;
    return UNROLLED_OK;
}

// Parameter number `index` of a module, NULL when there is none.
static const parameter *get_parameter(const module *m, int index)
{
    return m && index >= 0 && index < m->num_parameters ? &m->table[index] : NULL;
}

int unrolled_parameter(int handle, int index)
{
    const module *m = get_module(handle);
    const parameter *p = get_parameter(m, index);
    if (!p)
        return m ? UNROLLED_E_ARGUMENT : UNROLLED_E_HANDLE;
    out_pointer(0, m->params + p->offset);
    out_pointer(1, m->grads + p->offset);
    out.words[2] = (uint32_t)p->rows;
    out.words[3] = (uint32_t)p->cols;
    out_pointer(4, p->name);
    return UNROLLED_OK;
}

int unrolled_initialize(int handle, int index, int kind, double a, double b)
{
    const module *m = get_module(handle);
    const parameter *p = get_parameter(m, index);
    if (!p)
        return m ? UNROLLED_E_ARGUMENT : UNROLLED_E_HANDLE;
    if (kind < 0 || kind >= INIT_KINDS || (kind > UNROLLED_INIT_CONSTANT && !p->cols))
        return UNROLLED_E_ARGUMENT;
    return fail(
        init_fill(rng_global(), (init_kind)kind, p->rows, p->cols, a, b, m->params + p->offset));
}

int unrolled_zero_grad(int handle)
{
    module *m = get_module(handle);
    if (!m)
        return UNROLLED_E_HANDLE;
    if (cell_is(m))
        cell_forget((cell *)m);
    module_zero_grad(m);
    return UNROLLED_OK;
}

int unrolled_train(int handle, int training)
{
    module *m = get_module(handle);
    if (!m)
        return UNROLLED_E_HANDLE;
    module_train(m, training != 0);
    return UNROLLED_OK;
}

static void describe_states(size_t h, size_t c, const float *h0, const float *c0, const float *hn,
                            const float *cn, const float *dh, const float *dc)
{
    out_pointer(5, h0);
    out_pointer(6, c0);
    out_pointer(7, hn);
    out_pointer(8, cn);
    out_pointer(9, dh);
    out_pointer(10, dc);
    out_count(11, h);
    out_count(12, c);
}

static void describe_cell(const cell *c, const cell_frame *f)
{
    const size_t count = (size_t)f->step.N * (size_t)c->H;
    out_pointer(0, f->x);
    out_pointer(1, f->h);
    out_count(2, count);
    out_pointer(3, NULL);
    out_pointer(4, f->dx);
    out_count(13, (size_t)f->step.N * (size_t)c->base.inputs);
    describe_states(count, c->kind == UNROLLED_LSTM ? count : 0, f->h0, f->c0, f->h, f->c, f->dh,
                    f->dc);
}

static void describe_module(const module *m)
{
    const shape in = m->in, o = m->out;
    out_pointer(0, m->call.input);
    out_pointer(1, call_output(m));
    out_count(2, (size_t)o.T * (size_t)o.N * (size_t)o.F);
    out_pointer(3, m->call.doutput);
    out_pointer(4, call_dinput(m));
    out_count(13, (size_t)in.T * (size_t)in.N * (size_t)in.F);
    if (stack_is(m)) {
        const stack *s = (const stack *)m;
        const size_t rows = (size_t)s->L * (size_t)s->D * (size_t)in.N;
        describe_states(rows * (size_t)stack_state_size(s),
                        s->kind == UNROLLED_LSTM ? rows * (size_t)s->H : 0, s->h0, s->c0, s->hn,
                        s->cn, s->dh, s->dc);
    }
}

int unrolled_reserve(int handle, int T, int N, int F, int keep)
{
    module *m = get_module(handle);
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
        return fail(e);
    }
    e = call_reserve(m, (shape){T, N, F}, keep != 0);
    if (!e)
        describe_module(m);
    return fail(e);
}

int unrolled_forward(int handle, int given)
{
    module *m = get_module(handle);
    if (!m)
        return UNROLLED_E_HANDLE;
    if (cell_is(m) ? !((cell *)m)->prepared : !call_ready(m))
        return UNROLLED_E_STATE;
    if (cell_is(m))
        cell_forward((cell *)m, given);
    else
        call_forward(m, given);
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
    const module *m = get_module(handle);
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
    module *m = get_module(handle);
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
        return fail(e);
    out_pointer(0, s->stream.x);
    out_pointer(1, s->stream.y);
    out_count(2, (size_t)N * (size_t)stack_state_size(s));
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

int unrolled_reset_state(int handle, int N, const float *h0, const float *c0)
{
    stack *s = get_stack(handle);
    if (!s)
        return UNROLLED_E_HANDLE;
    if (N < 0)
        return UNROLLED_E_SHAPE;
    if (s->D != 1)
        return UNROLLED_E_ARGUMENT;
    return fail(stream_reset(s, N, h0, c0));
}

// -------------------------------------------------------------------------------------- losses

int unrolled_loss_create(int kind, int reduce, double setting, int ignore_index, int num_weights,
                         const float *weights)
{
    if (kind < 0 || kind >= LOSS_KINDS || reduce < UNROLLED_MEAN || reduce > UNROLLED_NONE ||
        num_weights < 0)
        return UNROLLED_E_ARGUMENT;
    const loss rule = {.kind = (loss_kind)kind,
                       .reduce = (reduction)reduce,
                       .parameter = setting,
                       .ignore_index = ignore_index,
                       .num_weights = num_weights,
                       .weights = weights};
    criterion *c = criterion_create(&rule);
    const int handle = c ? handle_open(HANDLE_LOSS, c) : UNROLLED_E_MEMORY;
    if (handle < 0) {
        criterion_destroy(c);
        return fail(UNROLLED_E_MEMORY);
    }
    return handle;
}

static void describe_loss(const criterion *c)
{
    out_pointer(0, c->prediction);
    out_pointer(1, c->target);
    out_pointer(2, c->dprediction);
    out_pointer(3, c->elements);
    out_pointer(4, c->delements);
    out_count(5, c->pair.count);
}

int unrolled_loss_reserve(int handle, int prediction_dims, const int32_t *prediction,
                          int target_dims, const int32_t *target)
{
    criterion *c = handle_get(HANDLE_LOSS, handle);
    if (!c)
        return UNROLLED_E_HANDLE;
    const status e = criterion_reserve(c, prediction_dims, prediction, target_dims, target);
    if (e)
        return fail(e);
    describe_loss(c);
    return UNROLLED_OK;
}

int unrolled_loss_forward(int handle)
{
    criterion *c = handle_get(HANDLE_LOSS, handle);
    if (!c)
        return UNROLLED_E_HANDLE;
    if (!c->space.bytes)
        return UNROLLED_E_STATE;
    if (loss_takes_classes(c->rule.kind)) {
        const size_t bad = loss_bad_target(&c->rule, &c->pair, c->target);
        if (bad < c->pair.targets) {
            out_count(0, bad);
            return UNROLLED_E_TARGET;
        }
    }
    // a float32, as PyTorch's loss is
    out.doubles[0] = (float)loss_forward(&c->rule, &c->pair, c->prediction, c->target, c->elements);
    c->pending = true;
    return UNROLLED_OK;
}

int unrolled_loss_pending(int handle)
{
    const criterion *c = handle_get(HANDLE_LOSS, handle);
    if (!c)
        return UNROLLED_E_HANDLE;
    if (!c->pending)
        return UNROLLED_E_STATE;
    describe_loss(c);
    return UNROLLED_OK;
}

int unrolled_loss_backward(int handle, int has_grad_output)
{
    criterion *c = handle_get(HANDLE_LOSS, handle);
    if (!c)
        return UNROLLED_E_HANDLE;
    if (!c->pending)
        return UNROLLED_E_STATE;
    if (has_grad_output && c->rule.reduce != REDUCE_NONE)
        return UNROLLED_E_ARGUMENT;
    loss_backward(&c->rule, &c->pair, c->prediction, c->target,
                  has_grad_output ? c->delements : NULL, c->dprediction);
    c->pending = false;
    return UNROLLED_OK;
}

// ---------------------------------------------------------------------------------- optimizers

static optim_options options_of(const double *o)
{
    return (optim_options){.lr = o[UNROLLED_LR],
                           .weight_decay = o[UNROLLED_WEIGHT_DECAY],
                           .eps = o[UNROLLED_EPS],
                           .momentum = o[UNROLLED_MOMENTUM],
                           .dampening = o[UNROLLED_DAMPENING],
                           .beta1 = o[UNROLLED_BETA1],
                           .beta2 = o[UNROLLED_BETA2],
                           .alpha = o[UNROLLED_ALPHA],
                           .lr_decay = o[UNROLLED_LR_DECAY],
                           .initial_accumulator = o[UNROLLED_INITIAL_ACCUMULATOR],
                           .nesterov = o[UNROLLED_NESTEROV] != 0.0,
                           .amsgrad = o[UNROLLED_AMSGRAD] != 0.0,
                           .centered = o[UNROLLED_CENTERED] != 0.0};
}

// The parameters named by `count` pairs of (module, index).
static status choose(int count, const int32_t *pairs, parameters *chosen)
{
    status e = UNROLLED_E_MEMORY;
    if (count < 1)
        return UNROLLED_E_ARGUMENT;
    module **owners = memory_take_zeroed((size_t)count, sizeof *owners);
    int *indices = memory_take_zeroed((size_t)count, sizeof *indices);

    if (owners && indices) {
        e = UNROLLED_OK;
        for (int i = 0; i < count && !e; i++) {
            owners[i] = get_module(pairs[2 * i]);
            indices[i] = pairs[2 * i + 1];
            if (!get_parameter(owners[i], indices[i]))
                e = owners[i] ? UNROLLED_E_ARGUMENT : UNROLLED_E_HANDLE;
        }
        if (!e)
            e = parameters_choose(count, owners, indices, chosen);
    }
    memory_give(owners);
    memory_give(indices);
    return e;
}

int unrolled_optimizer_create(int kind, const double *options, int count, const int32_t *pairs)
{
    parameters chosen;
    if (kind < 0 || kind >= OPTIM_KINDS)
        return UNROLLED_E_ARGUMENT;
    const status e = choose(count, pairs, &chosen);
    if (e)
        return fail(e);
    const optim_options o = options_of(options);
    tuner *t = tuner_create((optim_kind)kind, &o, &chosen);
    const int handle = t ? handle_open(HANDLE_OPTIMIZER, t) : UNROLLED_E_MEMORY;
    if (handle < 0) {
        if (!t)
            parameters_give(&chosen);
        tuner_destroy(t);
        return fail(UNROLLED_E_MEMORY);
    }
    return handle;
}

// The optimizer, when all the modules it updates still live; else NULL.
static tuner *get_tuner(int handle)
{
    tuner *t = handle_get(HANDLE_OPTIMIZER, handle);
    for (int i = 0; t && i < t->chosen.num_modules; i++)
        if (!get_module(t->chosen.handles[i]))
            return NULL;
    return t;
}

int unrolled_optimizer_options(int handle, const double *options)
{
    tuner *t = handle_get(HANDLE_OPTIMIZER, handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    const optim_options o = options_of(options);
    const optim_kind kind = t->rule.kind;
    if (optim_num_moments(kind, &o) != optim_num_moments(kind, &t->rule.options))
        return UNROLLED_E_ARGUMENT;
    t->rule.options = o;
    return UNROLLED_OK;
}

int unrolled_optimizer_lr(int handle, double lr)
{
    tuner *t = handle_get(HANDLE_OPTIMIZER, handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    t->rule.options.lr = lr;
    return UNROLLED_OK;
}

int unrolled_optimizer_step(int handle)
{
    tuner *t = get_tuner(handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    optim_update(&t->rule);
    return UNROLLED_OK;
}

int unrolled_optimizer_zero_grad(int handle)
{
    tuner *t = get_tuner(handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    optim_zero_grad(t->rule.spans, t->rule.num_spans);
    for (int i = 0; i < t->chosen.num_modules; i++)
        if (cell_is(t->chosen.modules[i]))
            cell_forget((cell *)t->chosen.modules[i]);
    return UNROLLED_OK;
}

int unrolled_optimizer_info(int handle)
{
    const tuner *t = handle_get(HANDLE_OPTIMIZER, handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    const int kept = optim_num_moments(t->rule.kind, &t->rule.options);
    out.words[0] = (uint32_t)kept;
    out.doubles[1] = t->rule.step;
    for (int i = 0; i < kept; i++)
        out_pointer(4 + i, optim_moment_name(t->rule.kind, &t->rule.options, i));
    return UNROLLED_OK;
}

int unrolled_optimizer_moment(int handle, int index, int moment)
{
    const tuner *t = handle_get(HANDLE_OPTIMIZER, handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    if (index < 0 || index >= t->chosen.count || moment < 0 ||
        moment >= optim_num_moments(t->rule.kind, &t->rule.options))
        return UNROLLED_E_ARGUMENT;
    out_pointer(0, tuner_moment(t, index, moment));
    out_count(1, t->chosen.offsets[index + 1] - t->chosen.offsets[index]);
    return UNROLLED_OK;
}

int unrolled_optimizer_restart(int handle)
{
    tuner *t = handle_get(HANDLE_OPTIMIZER, handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    optim_init(&t->rule);
    return UNROLLED_OK;
}

int unrolled_optimizer_set_step(int handle, double step)
{
    tuner *t = handle_get(HANDLE_OPTIMIZER, handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    if (!(step >= 0.0))
        return UNROLLED_E_ARGUMENT;
    t->rule.step = step;
    return UNROLLED_OK;
}

int unrolled_clip_norm(int count, const int32_t *pairs, double max_norm, double norm_type)
{
    parameters chosen;
    const status e = choose(count, pairs, &chosen);
    if (e)
        return fail(e);
    const double norm = optim_grad_norm(chosen.spans, chosen.num_spans, norm_type);
    optim_clip_norm(chosen.spans, chosen.num_spans, norm, max_norm);
    parameters_give(&chosen);
    out.doubles[0] = norm;
    return UNROLLED_OK;
}

int unrolled_clip_value(int count, const int32_t *pairs, double value)
{
    parameters chosen;
    const status e = choose(count, pairs, &chosen);
    if (e)
        return fail(e);
    optim_clip_value(chosen.spans, chosen.num_spans, value);
    parameters_give(&chosen);
    return UNROLLED_OK;
}

// ------------------------------------------------------------------------------------- trainer

int unrolled_trainer_create(int model, int objective, int updates, double clip_norm,
                            int on_nonfinite)
{
    module *m = get_module(model);
    criterion *c = handle_get(HANDLE_LOSS, objective);
    tuner *u = get_tuner(updates);

    if (!m || !c || !u)
        return UNROLLED_E_HANDLE;
    if (cell_is(m) || c->rule.reduce == REDUCE_NONE || !(clip_norm >= 0.0) ||
        on_nonfinite < UNROLLED_THROW || on_nonfinite > UNROLLED_IGNORE)
        return UNROLLED_E_ARGUMENT;
    trainer *t = trainer_create(m, c, u);
    const int handle = t ? handle_open(HANDLE_TRAINER, t) : UNROLLED_E_MEMORY;
    if (handle < 0) {
        trainer_destroy(t);
        return fail(UNROLLED_E_MEMORY);
    }
    t->model_handle = model;
    t->objective_handle = objective;
    t->updates_handle = updates;
    t->clip_norm = clip_norm;
    t->on_nonfinite = on_nonfinite;
    return handle;
}

// The trainer, when all it needs still lives; else NULL.
static trainer *get_trainer(int handle)
{
    trainer *t = handle_get(HANDLE_TRAINER, handle);
    if (!t || !get_module(t->model_handle) || !handle_get(HANDLE_LOSS, t->objective_handle) ||
        !get_tuner(t->updates_handle))
        return NULL;
    return t;
}

int unrolled_trainer_reserve(int handle, int T, int N, int F, int target_dims,
                             const int32_t *target)
{
    trainer *t = get_trainer(handle);
    if (!t)
        return UNROLLED_E_HANDLE;
    if (T < 1 || N < 1 || F < 1)
        return UNROLLED_E_SHAPE;
    const status e = trainer_reserve(t, (shape){T, N, F}, target_dims, target);
    if (e)
        return fail(e);
    out_pointer(0, t->model->call.input);
    out_pointer(1, t->target);
    out_count(2, t->pair.targets);
    out_count(3, t->pair.predictions);
    return UNROLLED_OK;
}

int unrolled_trainer_step(int handle)
{
    trainer *t = get_trainer(handle);
    double value;
    int culprit;

    if (!t)
        return UNROLLED_E_HANDLE;
    if (!trainer_ready(t))
        return UNROLLED_E_STATE;
    const status e = trainer_step(t, &value, &culprit);
    if (e == UNROLLED_E_TARGET) {
        out.words[0] = (uint32_t)culprit;
        return e;
    }
    out.doubles[0] = value;
    out.words[2] = (uint32_t)culprit;
    return e;
}
