// Counted memory: every byte the library holds passes through here, so that a leak shows in
// unrolled_info() and a test can refuse the n-th request.
#ifndef UNROLLED_MEMORY_H
#define UNROLLED_MEMORY_H

#include "base.h"

// `bytes` of memory aligned to 16, contents undefined; NULL when there is none (or bytes is 0).
void *memory_take(size_t bytes);

// As memory_take, for `count` values of `size` bytes, all zero; NULL also when the product
// overflows.
void *memory_take_zeroed(size_t count, size_t size);

// Returns what memory_take gave. NULL is allowed.
void memory_give(void *block);

// Bytes handed out and not yet returned, bookkeeping not counted.
size_t memory_held(void);

// The size of the last request that was refused, for the message of an OutOfMemoryError.
size_t memory_refused(void);
// For a request whose size does not even fit a number: the largest one stands for it.
void memory_note_overflow(void);

#ifdef UNROLLED_FAULTS
// Test builds: the request number `n` from now (0: the next) is refused; negative: none is.
void memory_refuse_after(int n);
// And so is each request for more than this.
void memory_refuse_above(size_t bytes);
#endif

#endif
