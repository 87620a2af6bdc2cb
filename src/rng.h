// The random streams of PyTorch's CPU generator, and NumPy's legacy one: the same seed gives the
// same digits, draw for draw. Facts: tests/fixtures/README.md, "Random numbers".
//
// All integers and uniform numbers are exact to the bit; so are PyTorch's normal ones, as its AVX2
// code draws them (other builds differ in the last bits of draws of 16 or more). One in a thousand
// of NumPy's normal numbers may differ in the last bit of its double: there the C library shows.
//
// Source: M. Matsumoto, T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998): MT19937.
#ifndef UNROLLED_RNG_H
#define UNROLLED_RNG_H

#include "base.h"

enum { RNG_WORDS = 624 };

// One stream. `next_normal` is the second half of the last small normal draw (see rng_normal).
typedef struct {
    uint32_t words[RNG_WORDS];
    uint32_t place; // words already given out of this block; 0 only before the first seed
    uint32_t has_normal;
    double next_normal;
} rng;

// As torch.manual_seed: only the low 32 bits of a seed matter; the cached normal is forgotten.
void rng_seed(rng *r, uint32_t seed);

// The one stream of this instance. Before any seed it is where PyTorch's is when a program starts:
// seeded with 67280421310721.
rng *rng_global(void);

// Whether these bytes can be a stream: false for damaged ones, which would draw beyond the block,
// or zeros for ever.
bool rng_is_state(const rng *r);

uint32_t rng_u32(rng *r);  // one output
uint64_t rng_u64(rng *r);  // two outputs, the first one is the high half
double rng_double(rng *r); // 53 bits of one 64-bit draw, in [0, 1)

// torch.rand: 24 bits of one output each.                                          out [n]
void rng_rand(rng *r, size_t n, float *out);

// Tensor.uniform_(low, high): rand * (high - low) + low, rounded once (fused).      out [n]
// low, high and their difference are float32.
void rng_uniform(rng *r, size_t n, float low, float high, float *out);

// Tensor.normal_(mean, std): serial in double below 16 values, with the cached second value;
// blocks of 16 in float32 (Cephes log, sin, cos, fused) from 16 on.                 out [n]
void rng_normal(rng *r, size_t n, double mean, double std, float *out);

// Tensor.bernoulli_(p), and so dropout masks: one rng_double each, 1 where below p.   out [n]
void rng_bernoulli(rng *r, size_t n, double p, float *out);

// torch.randint(low, high): 32-bit output modulo the range, a 64-bit one if the range is 2^32
// or more. low < high.                                                             out [n]
void rng_randint(rng *r, size_t n, int64_t low, int64_t high, int64_t *out);

// torch.randperm(n).                                                               out [n]
void rng_permutation(rng *r, size_t n, int32_t *out);

// The order of one epoch of a DataLoader over n samples: draws the loader's base seed, then (only
// with shuffle) the sampler's seed, from r; order is 0..n-1 without shuffle.           out [n]
void rng_epoch(rng *r, size_t n, bool shuffle, int32_t *out);

// NumPy's legacy generator (np.random.seed, np.random.RandomState), on the same twister.
void numpy_seed(rng *r, uint32_t seed);
void numpy_uniform(rng *r, size_t n, double low, double high, double *out); // low + (high-low)*u
void numpy_normal(rng *r, size_t n, double mean, double std, double *out);
void numpy_randint(rng *r, size_t n, int64_t low, int64_t high, int32_t *out); // masked rejection
void numpy_permutation(rng *r, size_t n, int32_t *out); // Fisher-Yates from the top

#endif
