#include "tuner.h"

#include "memory.h"

tuner *tuner_create(optim_kind kind, const optim_options *options, const parameters *chosen)
{
    const int kept = optim_num_moments(kind, options);
    const size_t total = chosen->offsets[chosen->count];

    tuner *t = memory_take_zeroed(1, sizeof *t);
    if (!t)
        return NULL;
    t->moments = memory_take(size_product(total, (size_t)kept * sizeof(float)));
    if (kept && !t->moments) {
        memory_give(t);
        return NULL;
    }
    t->chosen = *chosen;
    t->rule.kind = kind;
    t->rule.options = *options;
    t->rule.num_spans = chosen->num_spans;
    t->rule.spans = chosen->spans;
    size_t offset = 0;
    for (int i = 0; i < chosen->num_spans; i++) {
        for (int j = 0; j < kept; j++)
            chosen->spans[i].moments[j] = t->moments + (size_t)j * total + offset;
        offset += chosen->spans[i].count;
    }
    optim_init(&t->rule);
    return t;
}

void tuner_destroy(tuner *t)
{
    parameters_give(&t->chosen);
    memory_give(t->moments);
    memory_give(t);
}

float *tuner_moment(const tuner *t, int index, int moment)
{
    const size_t total = t->chosen.offsets[t->chosen.count];
    return t->moments + (size_t)moment * total + t->chosen.offsets[index];
}
