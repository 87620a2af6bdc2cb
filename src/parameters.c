#include "parameters.h"

#include "memory.h"

static void add_module(parameters *chosen, module *m)
{
    for (int i = 0; i < chosen->num_modules; i++)
        if (chosen->modules[i] == m)
            return;
    chosen->modules[chosen->num_modules] = m;
    chosen->handles[chosen->num_modules++] = m->handle;
}

static void add_span(parameters *chosen, float *data, float *grad, size_t count)
{
    if (chosen->num_spans) {
        optim_span *last = &chosen->spans[chosen->num_spans - 1];
        if (last->data + last->count == data && last->grad + last->count == grad) {
            last->count += count;
            return;
        }
    }
    chosen->spans[chosen->num_spans++] = (optim_span){.data = data, .grad = grad, .count = count};
}

status parameters_choose(int count, module *const *owners, const int *indices, parameters *chosen)
{
    const size_t n = (size_t)count;

    *chosen = (parameters){.count = count};
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            if (owners[i] == owners[j] && indices[i] == indices[j])
                return UNROLLED_E_ARGUMENT;
    chosen->offsets = memory_take_zeroed(n + 1, sizeof *chosen->offsets);
    chosen->spans = memory_take_zeroed(n, sizeof *chosen->spans);
    chosen->modules = memory_take_zeroed(n, sizeof *chosen->modules);
    chosen->handles = memory_take_zeroed(n, sizeof *chosen->handles);
    if (!chosen->offsets || !chosen->spans || !chosen->modules || !chosen->handles) {
        parameters_give(chosen);
        return UNROLLED_E_MEMORY;
    }
    for (int i = 0; i < count; i++) {
        module *m = owners[i];
        const parameter *p = &m->table[indices[i]];
        chosen->offsets[i + 1] = chosen->offsets[i] + parameter_count(p);
        add_module(chosen, m);
        add_span(chosen, m->params + p->offset, m->grads + p->offset, parameter_count(p));
    }
    return UNROLLED_OK;
}

void parameters_give(parameters *chosen)
{
    memory_give(chosen->offsets);
    memory_give(chosen->spans);
    memory_give(chosen->modules);
    memory_give(chosen->handles);
    *chosen = (parameters){0};
}
