// What the files of exports (api*.c) share: the out block, failing, and the modules behind handles.
#ifndef UNROLLED_API_H
#define UNROLLED_API_H

#include "handle.h"
#include "memory.h"
#include "module.h"

// The out block of unrolled.h.
typedef union {
    uint32_t words[UNROLLED_OUT_WORDS];
    double doubles[UNROLLED_OUT_WORDS / 2];
} api_block;

extern api_block api_out;

// Addresses are 32 bits wide in WebAssembly; a native caller has functions of its own.
static inline void api_pointer(int place, const void *p)
{
    api_out.words[place] = (uint32_t)(uintptr_t)p;
}

static inline void api_count(int place, size_t n) { api_out.words[place] = (uint32_t)n; }

// Every failure leaves by this door, so that a refusal always says how many bytes it was about.
static inline int api_fail(status e)
{
    if (e == UNROLLED_E_MEMORY)
        api_count(0, memory_refused());
    return e;
}

// Whether an array of `count` elements of `size` bytes lies on the stage. One without elements lies
// anywhere.
bool api_staged(const void *array, size_t count, size_t size);

static inline module *api_module(int handle) { return handle_get(HANDLE_MODULE, handle); }

// Parameter number `index` of a module, NULL when there is none.
static inline const parameter *api_parameter(const module *m, int index)
{
    return m && index >= 0 && index < m->num_parameters ? &m->table[index] : NULL;
}

#endif
