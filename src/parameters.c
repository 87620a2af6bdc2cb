#include "parameters.h"

#include "memory.h"

const parameter *parameters_find(const module *m, int index)
{
    return m && index >= 0 && index < m->num_parameters ? &m->table[index] : NULL;
}

static status check(int count, const int *pairs)
{
    for (int i = 0; i < count; i++) {
        const int owner = pairs[2 * i], index = pairs[2 * i + 1];
        const module *m = handle_get(HANDLE_MODULE, owner);
        if (!parameters_find(m, index))
            return m ? UNROLLED_E_ARGUMENT : UNROLLED_E_HANDLE;
        for (int j = 0; j < i; j++)
            if (pairs[2 * j] == owner && pairs[2 * j + 1] == index)
                return UNROLLED_E_ARGUMENT;
    }
    return UNROLLED_OK;
}

status parameters_choose(int count, const int *pairs, parameters *chosen)
{
    const size_t n = (size_t)count + 1;
    const status e = check(count, pairs);
    optim_span *span = NULL;
    if (e)
        return e;
    chosen->spans = memory_take_zeroed(n, sizeof *chosen->spans + sizeof *chosen->offsets +
                                              sizeof *chosen->owners);
    if (!chosen->spans)
        return UNROLLED_E_MEMORY;
    chosen->count = count;
    chosen->num_spans = 0;
    chosen->offsets = (size_t *)(chosen->spans + n);
    chosen->owners = (int *)(chosen->offsets + n);
    for (int i = 0; i < count; i++) {
        const module *m = handle_get(HANDLE_MODULE, pairs[2 * i]);
        const parameter *p = &m->table[pairs[2 * i + 1]];
        const size_t values = parameter_count(p);
        float *data = m->params + p->offset;
        chosen->owners[i] = pairs[2 * i];
        chosen->offsets[i + 1] = chosen->offsets[i] + values;
        // Between two modules is a header of memory; within one the gradients lie as the data do.
        if (!span || span->data + span->count != data) {
            span = &chosen->spans[chosen->num_spans++];
            span->data = data;
            span->grad = m->grads + p->offset;
        }
        span->count += values;
    }
    return UNROLLED_OK;
}

void parameters_give(parameters *chosen) { memory_give(chosen->spans); }
