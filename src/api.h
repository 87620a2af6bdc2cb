// What the files of exports (api*.c) share: the out block, failing, the stage, and handles for what
// is made.
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

void api_count(int place, size_t n);
// Addresses are 32 bits wide in WebAssembly; a native caller has functions of its own.
void api_pointer(int place, const void *p);

// Every failure leaves by this door, so that a refusal always says how many bytes it was about.
int api_fail(status e);

// Whether an array of `count` elements of `size` bytes lies on the stage. One without elements lies
// anywhere.
bool api_staged(const void *array, size_t count, size_t size);

// The handle of a new object; NULL: there was no memory for it. Creators ask for room before all
// else (handle_room), so that nothing that is made, or drawn for it, must be undone.
int api_open(handle_type type, void *object);

static inline module *api_module(int handle) { return handle_get(HANDLE_MODULE, handle); }

#endif
