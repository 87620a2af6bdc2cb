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

static double dot(int n, const double *x, const double *y)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += x[k] * y[k];
    return sum;
}

// The vectors are made orthogonal and of length 1: each one becomes what is left of it when the
// earlier ones are taken out (J. Gram, E. Schmidt). This is the Q of a QR factorization; the
// lengths before division are R's diagonal. What is taken out is taken out twice, because the first
// time leaves rounding errors as large as those of what cancelled ("twice is enough": L. Giraud et
// al., 2005).
static status fill_orthogonal(rng *r, int rows, int cols, double gain, float *data)
{
    const bool wide = rows < cols; // then the vectors are the rows, else the columns
    const int count = wide ? rows : cols, length = wide ? cols : rows;
    const size_t n = (size_t)rows * (size_t)cols;
    // Where element k of vector j is in data: j * vector + k * element.
    const size_t vector = wide ? (size_t)cols : 1, element = wide ? 1 : (size_t)cols;
    double *q = memory_take_zeroed(n, sizeof *q); // [count][length]
    if (!q)
        return n > 0 ? UNROLLED_E_MEMORY : UNROLLED_OK;

    rng_normal(r, n, 0, 1, data);
    for (int j = 0; j < count; j++, data += vector) {
        double *x = q + (size_t)j * (size_t)length;
        for (int k = 0; k < length; k++)
            x[k] = (double)data[(size_t)k * element];
        for (int pass = 0; pass < 2; pass++)
            for (const double *earlier = q; earlier < x; earlier += length) {
                const double along = dot(length, earlier, x);
                for (int k = 0; k < length; k++)
                    x[k] -= along * earlier[k];
            }
        const double norm = __builtin_sqrt(dot(length, x, x));
        for (int k = 0; k < length; k++) {
            x[k] = norm > 0 ? x[k] / norm : 0;
            data[(size_t)k * element] = (float)(gain * x[k]);
        }
    }
    memory_give(q);
    return UNROLLED_OK;
}

status init_fill(rng *r, init_kind kind, int rows, int cols, double a, double b, float *data)
{
    ASSERT(rows >= 0 && cols >= 0 && (cols > 0 || kind <= INIT_CONSTANT));
    const size_t n = (size_t)rows * (size_t)(cols > 0 ? cols : 1);
    double std;

    switch (kind) {
    case INIT_UNIFORM:
        rng_uniform(r, n, (float)a, (float)b, data);
        return UNROLLED_OK;
    case INIT_NORMAL:
        rng_normal(r, n, a, b, data);
        return UNROLLED_OK;
    case INIT_CONSTANT:
        for (size_t k = 0; k < n; k++)
            data[k] = (float)a;
        return UNROLLED_OK;
    case INIT_ORTHOGONAL:
        return fill_orthogonal(r, rows, cols, a, data);
    case INIT_XAVIER_UNIFORM:
    case INIT_XAVIER_NORMAL:
        std = a * __builtin_sqrt(2.0 / ((double)rows + cols)); // (1)
        break;
    default:
        std = a / __builtin_sqrt(b != 0 ? rows : cols); // (2)
    }
    const double bound = __builtin_sqrt(3.0) * std; // (3)
    if (kind == INIT_XAVIER_UNIFORM || kind == INIT_KAIMING_UNIFORM)
        rng_uniform(r, n, (float)-bound, (float)bound, data);
    else
        rng_normal(r, n, 0, std, data);
    return UNROLLED_OK;
}
