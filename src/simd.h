// f32x4: the one vocabulary of four floats that every kernel is written in, and i32x4 for the bits
// of them. WebAssembly SIMD128 intrinsics, or any GCC/Clang through their vector types.
//
// Both do the same IEEE operations in the same order: results are equal to the bit.
// Loads and stores need no alignment. A comparison gives a mask: all ones or all zeros a lane.
#ifndef UNROLLED_SIMD_H
#define UNROLLED_SIMD_H

#include "base.h"

// Each is one instruction or a few: also where the compiler is asked for small code.
#define SIMD_INLINE static inline __attribute__((always_inline))

#ifdef __wasm_simd128__
#include <wasm_simd128.h>

typedef v128_t f32x4;
typedef v128_t i32x4;

SIMD_INLINE f32x4 f32x4_load(const float *p) { return wasm_v128_load(p); }
SIMD_INLINE f32x4 f32x4_load_splat(const float *p) { return wasm_v128_load32_splat(p); }
SIMD_INLINE void f32x4_store(float *p, f32x4 a) { wasm_v128_store(p, a); }
SIMD_INLINE f32x4 f32x4_splat(float a) { return wasm_f32x4_splat(a); }
SIMD_INLINE f32x4 f32x4_make(float a, float b, float c, float d)
{
    return wasm_f32x4_make(a, b, c, d);
}
#define f32x4_lane(a, lane) wasm_f32x4_extract_lane(a, lane)

SIMD_INLINE f32x4 f32x4_add(f32x4 a, f32x4 b) { return wasm_f32x4_add(a, b); }
SIMD_INLINE f32x4 f32x4_sub(f32x4 a, f32x4 b) { return wasm_f32x4_sub(a, b); }
SIMD_INLINE f32x4 f32x4_mul(f32x4 a, f32x4 b) { return wasm_f32x4_mul(a, b); }
SIMD_INLINE f32x4 f32x4_div(f32x4 a, f32x4 b) { return wasm_f32x4_div(a, b); }
SIMD_INLINE f32x4 f32x4_sqrt(f32x4 a) { return wasm_f32x4_sqrt(a); }
SIMD_INLINE f32x4 f32x4_abs(f32x4 a) { return wasm_f32x4_abs(a); }
SIMD_INLINE f32x4 f32x4_neg(f32x4 a) { return wasm_f32x4_neg(a); }
// b < a ? b : a, so a where either is NaN: put the value that may be NaN first to keep it.
SIMD_INLINE f32x4 f32x4_min(f32x4 a, f32x4 b) { return wasm_f32x4_pmin(a, b); }
SIMD_INLINE f32x4 f32x4_max(f32x4 a, f32x4 b) { return wasm_f32x4_pmax(a, b); }
SIMD_INLINE i32x4 f32x4_lt(f32x4 a, f32x4 b) { return wasm_f32x4_lt(a, b); }
SIMD_INLINE i32x4 f32x4_le(f32x4 a, f32x4 b) { return wasm_f32x4_le(a, b); }
SIMD_INLINE i32x4 f32x4_eq(f32x4 a, f32x4 b) { return wasm_f32x4_eq(a, b); }
// a where the mask is set, else b
SIMD_INLINE f32x4 f32x4_select(i32x4 mask, f32x4 a, f32x4 b)
{
    return wasm_v128_bitselect(a, b, mask);
}

SIMD_INLINE i32x4 f32x4_bits(f32x4 a) { return a; }
SIMD_INLINE f32x4 f32x4_from_bits(i32x4 a) { return a; }
SIMD_INLINE f32x4 f32x4_from_i32(i32x4 a) { return wasm_f32x4_convert_i32x4(a); }
SIMD_INLINE i32x4 f32x4_to_i32(f32x4 a) { return wasm_i32x4_trunc_sat_f32x4(a); }
SIMD_INLINE i32x4 i32x4_splat(int32_t a) { return wasm_i32x4_splat(a); }
SIMD_INLINE i32x4 i32x4_sub(i32x4 a, i32x4 b) { return wasm_i32x4_sub(a, b); }
SIMD_INLINE i32x4 i32x4_not(i32x4 a) { return wasm_v128_not(a); }
#define i32x4_shift_left(a, count) wasm_i32x4_shl(a, (uint32_t)(count))
#define i32x4_shift_right(a, count) wasm_i32x4_shr(a, (uint32_t)(count)) // keeps the sign
SIMD_INLINE bool i32x4_any(i32x4 a) { return wasm_v128_any_true(a); }

// a0 b0 a1 b1 and a2 b2 a3 b3
SIMD_INLINE f32x4 f32x4_zip_low(f32x4 a, f32x4 b) { return wasm_i32x4_shuffle(a, b, 0, 4, 1, 5); }
SIMD_INLINE f32x4 f32x4_zip_high(f32x4 a, f32x4 b) { return wasm_i32x4_shuffle(a, b, 2, 6, 3, 7); }
// Lane k is lane k + n of a (n -3 to 3), zero where it has none.
SIMD_INLINE f32x4 f32x4_shift(f32x4 a, int n)
{
    const v128_t places = wasm_i8x16_make(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return wasm_i8x16_swizzle(a, wasm_i8x16_add(places, wasm_i8x16_splat((int8_t)(4 * n))));
}

#else // GCC and Clang, any machine

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));

SIMD_INLINE f32x4 f32x4_load(const float *p)
{
    f32x4 a;
    __builtin_memcpy(&a, p, sizeof a);
    return a;
}
SIMD_INLINE void f32x4_store(float *p, f32x4 a) { __builtin_memcpy(p, &a, sizeof a); }
SIMD_INLINE f32x4 f32x4_splat(float a) { return (f32x4){a, a, a, a}; }
SIMD_INLINE f32x4 f32x4_load_splat(const float *p) { return f32x4_splat(*p); }
SIMD_INLINE f32x4 f32x4_make(float a, float b, float c, float d) { return (f32x4){a, b, c, d}; }
#define f32x4_lane(a, lane) ((a)[lane])

SIMD_INLINE f32x4 f32x4_add(f32x4 a, f32x4 b) { return a + b; }
SIMD_INLINE f32x4 f32x4_sub(f32x4 a, f32x4 b) { return a - b; }
SIMD_INLINE f32x4 f32x4_mul(f32x4 a, f32x4 b) { return a * b; }
SIMD_INLINE f32x4 f32x4_div(f32x4 a, f32x4 b) { return a / b; }
SIMD_INLINE f32x4 f32x4_sqrt(f32x4 a)
{
    return (f32x4){__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]),
                   __builtin_sqrtf(a[3])};
}
SIMD_INLINE i32x4 f32x4_bits(f32x4 a) { return (i32x4)a; }
SIMD_INLINE f32x4 f32x4_from_bits(i32x4 a) { return (f32x4)a; }
SIMD_INLINE f32x4 f32x4_select(i32x4 mask, f32x4 a, f32x4 b)
{
    return (f32x4)((mask & (i32x4)a) | (~mask & (i32x4)b));
}
SIMD_INLINE i32x4 f32x4_lt(f32x4 a, f32x4 b) { return (i32x4)(a < b); }
SIMD_INLINE i32x4 f32x4_le(f32x4 a, f32x4 b) { return (i32x4)(a <= b); }
SIMD_INLINE i32x4 f32x4_eq(f32x4 a, f32x4 b) { return (i32x4)(a == b); }
SIMD_INLINE f32x4 f32x4_abs(f32x4 a)
{
    return f32x4_from_bits((i32x4)a & (i32x4){INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX});
}
SIMD_INLINE f32x4 f32x4_neg(f32x4 a)
{
    return f32x4_from_bits((i32x4)a ^ (i32x4){INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN});
}
SIMD_INLINE f32x4 f32x4_min(f32x4 a, f32x4 b) { return f32x4_select(f32x4_lt(b, a), b, a); }
SIMD_INLINE f32x4 f32x4_max(f32x4 a, f32x4 b) { return f32x4_select(f32x4_lt(a, b), b, a); }

SIMD_INLINE f32x4 f32x4_from_i32(i32x4 a)
{
    return (f32x4){(float)a[0], (float)a[1], (float)a[2], (float)a[3]};
}
// One lane of f32x4_to_i32: NaN gives 0, what lies outside the range its nearest end.
SIMD_INLINE int32_t simd_lane_to_i32(float a)
{
    if (!(a >= -2147483648.0F))
        return a < 0 ? INT32_MIN : 0;
    return a < 2147483648.0F ? (int32_t)a : INT32_MAX;
}
SIMD_INLINE i32x4 f32x4_to_i32(f32x4 a)
{
    return (i32x4){simd_lane_to_i32(a[0]), simd_lane_to_i32(a[1]), simd_lane_to_i32(a[2]),
                   simd_lane_to_i32(a[3])};
}
// Lane k is lane k + n of a (n -3 to 3), zero where it has none.
SIMD_INLINE f32x4 f32x4_shift(f32x4 a, int n)
{
    f32x4 b = {0};
    for (int k = 0; k < 4; k++)
        if (k + n >= 0 && k + n < 4)
            b[k] = a[k + n];
    return b;
}
SIMD_INLINE i32x4 i32x4_splat(int32_t a) { return (i32x4){a, a, a, a}; }
typedef uint32_t simd_u32x4 __attribute__((vector_size(16)));
SIMD_INLINE i32x4 i32x4_sub(i32x4 a, i32x4 b) { return (i32x4)((simd_u32x4)a - (simd_u32x4)b); }
SIMD_INLINE i32x4 i32x4_not(i32x4 a) { return ~a; }
#define i32x4_shift_left(a, count) ((i32x4)((simd_u32x4)(a) << (count)))
#define i32x4_shift_right(a, count) ((a) >> (count)) // keeps the sign
SIMD_INLINE bool i32x4_any(i32x4 a) { return (a[0] | a[1] | a[2] | a[3]) != 0; }

// a0 b0 a1 b1 and a2 b2 a3 b3
SIMD_INLINE f32x4 f32x4_zip_low(f32x4 a, f32x4 b) { return (f32x4){a[0], b[0], a[1], b[1]}; }
SIMD_INLINE f32x4 f32x4_zip_high(f32x4 a, f32x4 b) { return (f32x4){a[2], b[2], a[3], b[3]}; }

#endif

// The first n (1 to 4) lanes of p; the others are 0 and are not read. n >= 4 loads all.
f32x4 simd_load_some(const float *p, int n);
SIMD_INLINE f32x4 f32x4_load_n(const float *p, int n)
{
    return n >= 4 ? f32x4_load(p) : simd_load_some(p, n);
}

// Writes the first n lanes, and nothing else. n >= 4 stores all.
void f32x4_store_n(float *p, f32x4 a, int n);

// The n (1 to 3) floats before `end`, zeros behind them. The four before it are read.
SIMD_INLINE f32x4 f32x4_load_last(const float *end, int n)
{
    return f32x4_shift(f32x4_load(end - 4), 4 - n);
}

// Writes the first n (1 to 3) lanes before `end`. The four before it are read, and written as they
// were.
SIMD_INLINE void f32x4_store_last(float *end, f32x4 a, int n)
{
    const i32x4 kept = f32x4_lt(f32x4_make(0, 1, 2, 3), f32x4_splat((float)(4 - n)));
    f32x4_store(end - 4, f32x4_select(kept, f32x4_load(end - 4), f32x4_shift(a, n - 4)));
}

// (a0 + a2) + (a1 + a3)
SIMD_INLINE float f32x4_sum(f32x4 a)
{
    return (f32x4_lane(a, 0) + f32x4_lane(a, 2)) + (f32x4_lane(a, 1) + f32x4_lane(a, 3));
}

// The columns of the matrix whose rows are a, b, c and d.
SIMD_INLINE void f32x4_transpose(f32x4 a, f32x4 b, f32x4 c, f32x4 d, f32x4 columns[4])
{
    const f32x4 ac = f32x4_zip_low(a, c), bd = f32x4_zip_low(b, d);
    const f32x4 ac_high = f32x4_zip_high(a, c), bd_high = f32x4_zip_high(b, d);
    columns[0] = f32x4_zip_low(ac, bd), columns[1] = f32x4_zip_high(ac, bd);
    columns[2] = f32x4_zip_low(ac_high, bd_high), columns[3] = f32x4_zip_high(ac_high, bd_high);
}

// f32x4_sum of each, to the bit.
SIMD_INLINE f32x4 f32x4_sums(f32x4 a, f32x4 b, f32x4 c, f32x4 d)
{
    f32x4 lane[4];
    f32x4_transpose(a, b, c, d, lane);
    return f32x4_add(f32x4_add(lane[0], lane[2]), f32x4_add(lane[1], lane[3]));
}

SIMD_INLINE f32x4 f32x4_zero(void) { return f32x4_splat(0.0F); }

// Whether all lanes are.
SIMD_INLINE bool f32x4_finite(f32x4 a)
{
    const f32x4 nothing = f32x4_sub(a, a); // NaN where a is infinite or NaN
    return !i32x4_any(i32x4_not(f32x4_eq(nothing, nothing)));
}

#endif
