// With the gain g of the nonlinearity that follows, and fan_in, fan_out the columns and rows:
//     Xavier:   std = g sqrt(2 / (fan_in + fan_out))     (X. Glorot, Y. Bengio, 2010)     (1)
//     Kaiming:  std = g / sqrt(fan_in or fan_out)        (K. He et al., 2015)             (2)
// drawn as normal numbers of that deviation, or uniform ones of the same: +-sqrt(3) std.     (3)
// Computed in double and rounded to float where they are drawn, as PyTorch does.
//
// Orthogonal (A. Saxe et al., 2013): normal numbers A, the Q of A = Q R with a positive diagonal of
// R (which makes it unique), times g. Of a matrix with fewer rows than columns, the transpose is
// factored.
#include "init.h"
#include "memory.h"

static double xavier_std(int rows, int cols, double gain)
{
    return gain * __builtin_sqrt(2.0 / ((double)rows + cols)); // (1)
}

static double kaiming_std(int rows, int cols, double gain, bool fan_out)
{
    return gain / __builtin_sqrt(fan_out ? rows : cols); // (2)
}

// Uniform numbers of the standard deviation std.                                    data [n]
static void fill_uniform(rng *r, size_t n, double std, float *data)
{
    const double bound = __builtin_sqrt(3.0) * std; // (3)
    rng_uniform(r, n, (float)-bound, (float)bound, data);
}

static double dot(int n, const double *x, const double *y)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += x[k] * y[k];
    return sum;
}

// Makes the vectors orthogonal and of length 1: each one becomes what is left of it when the
// earlier ones are taken out (J. Gram, E. Schmidt). This is the Q of a QR factorization; the
// lengths before division are R's diagonal. What is taken out is taken out twice, because the first
// time leaves rounding errors as large as those of what cancelled ("twice is enough": L. Giraud et
// al., 2005).
//                                                          q [count][length], count <= length
static void orthogonalize(int count, int length, double *q)
{
    for (int j = 0; j < count; j++) {
        double *x = q + (size_t)j * (size_t)length;
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 0; i < j; i++) {
                const double *earlier = q + (size_t)i * (size_t)length;
                const double along = dot(length, earlier, x);
                for (int k = 0; k < length; k++)
                    x[k] -= along * earlier[k];
            }
        }
        const double norm = __builtin_sqrt(dot(length, x, x));
        for (int k = 0; k < length; k++)
            x[k] = norm > 0 ? x[k] / norm : 0;
    }
}

static status fill_orthogonal(rng *r, int rows, int cols, double gain, float *data)
{
    const bool wide = rows < cols;
    const int count = wide ? rows : cols, length = wide ? cols : rows;
    const size_t n = (size_t)rows * (size_t)cols;
    // [count][length]: the rows of A if it is wide, else its columns
    double *q = memory_take_zeroed(n, sizeof *q);
    if (!q)
        return n > 0 ? UNROLLED_E_MEMORY : UNROLLED_OK;

    rng_normal(r, n, 0, 1, data);
    // Where element k of vector j is in data.
    const size_t vector = wide ? (size_t)cols : 1, element = wide ? 1 : (size_t)cols;
    for (size_t j = 0; j < (size_t)count; j++)
        for (size_t k = 0; k < (size_t)length; k++)
            q[j * (size_t)length + k] = data[j * vector + k * element];
    orthogonalize(count, length, q);
    for (size_t j = 0; j < (size_t)count; j++)
        for (size_t k = 0; k < (size_t)length; k++)
            data[j * vector + k * element] = (float)(gain * q[j * (size_t)length + k]);

    memory_give(q);
    return UNROLLED_OK;
}

status init_fill(rng *r, init_kind kind, int rows, int cols, double a, double b, float *data)
{
    ASSERT(rows >= 0 && cols >= 0 && (cols > 0 || kind <= INIT_CONSTANT));
    const size_t n = (size_t)rows * (size_t)(cols > 0 ? cols : 1);
    switch (kind) {
    case INIT_UNIFORM:
        rng_uniform(r, n, (float)a, (float)b, data);
        break;
    case INIT_NORMAL:
        rng_normal(r, n, a, b, data);
        break;
    case INIT_CONSTANT:
        for (size_t k = 0; k < n; k++)
            data[k] = (float)a;
        break;
    case INIT_XAVIER_UNIFORM:
        fill_uniform(r, n, xavier_std(rows, cols, a), data);
        break;
    case INIT_XAVIER_NORMAL:
        rng_normal(r, n, 0, xavier_std(rows, cols, a), data);
        break;
    case INIT_KAIMING_UNIFORM:
        fill_uniform(r, n, kaiming_std(rows, cols, a, b != 0), data);
        break;
    case INIT_KAIMING_NORMAL:
        rng_normal(r, n, 0, kaiming_std(rows, cols, a, b != 0), data);
        break;
    case INIT_ORTHOGONAL:
        return fill_orthogonal(r, rows, cols, a, data);
    case INIT_KINDS:
        ASSERT(false);
        break;
    }
    return UNROLLED_OK;
}
