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
    if (e)
        return e;
    optim_span *span =
        memory_take_zeroed(n, sizeof *span + sizeof *chosen->offsets + sizeof *chosen->owners);
    if (!span)
        return UNROLLED_E_MEMORY;
    size_t *offset = (size_t *)(span + n);
    chosen->count = count;
    chosen->spans = span;
    chosen->offsets = offset;
    chosen->owners = (int *)(offset + n);
    for (int i = 0; i < count; i++, offset++) {
        const module *m = handle_get(HANDLE_MODULE, chosen->owners[i] = pairs[2 * i]);
        const parameter *p = &m->table[pairs[2 * i + 1]];
        const size_t values = parameter_count(p);
        float *data = m->params + p->offset, *grad = m->grads + p->offset;
        offset[1] = offset[0] + values;
        if (span->count && (span->data + span->count != data || span->grad + span->count != grad))
            span++;
        if (!span->count) {
            span->data = data;
            span->grad = grad;
        }
        span->count += values;
    }
    chosen->num_spans = (int)(span - chosen->spans) + 1;
    return UNROLLED_OK;
}

void parameters_give(parameters *chosen) { memory_give(chosen->spans); }
