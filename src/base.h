// What every file may lean on: status codes in short, ASSERT, and size arithmetic that notices
// when a product no longer fits (size_t has 32 bits in WebAssembly).
#ifndef UNROLLED_BASE_H
#define UNROLLED_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unrolled.h"

// A failed ASSERT is our mistake, never the caller's. It traps where asserts are on (native and
// test builds) and is absent from the release. No stdio: the .wasm must import nothing.
#ifdef NDEBUG
#define ASSERT(condition) ((void)0)
#else
#define ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())
#endif

typedef enum unrolled_status status;

// Products and sums of sizes: SIZE_MAX, which no memory has, stands for what does not fit.
static inline size_t size_product(size_t a, size_t b)
{
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

static inline size_t size_sum(size_t a, size_t b)
{
    size_t sum;
    return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

static inline int int_min(int a, int b) { return a < b ? a : b; }

static inline int int_max(int a, int b) { return a > b ? a : b; }

// Rounds up to a multiple of `step`, a power of two.
static inline int int_round_up(int a, int step) { return (a + step - 1) & -step; }

#endif
