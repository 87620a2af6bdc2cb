// The three products of training, and the two of a time loop, against the naive twin: at every
// short length of each dimension, at both sides of every block size, with rows that lie apart and
// start anywhere. Every word that is not part of a result is guarded, scratch and panels are as
// large as they say and no larger.
//
// Two kinds of numbers. Small whole ones, whose sums are exact in any order: there the results must
// be equal, so that not one term may be missing, doubled or misplaced. And real ones, for the
// rounding: a term is rounded as a product, then once in each of the at most depth + 1 sums it
// takes part in, so that the error is below (depth + 2) 2^-24 times the sum of the magnitudes.
#include "matmul.h"
#include "numbers.h"
#include "reference.h"
#include "test.h"

// -------------------------------------------------------------------------------- guarded operands

// In a native build the address sanitizer guards both ends of what malloc gave, reads too. In
// WebAssembly guard words stand there.
#ifdef __wasm__
enum { GUARD = 16 };
#else
enum { GUARD = 0 };
#endif

// [rows][columns], rows `step` apart, `before` words behind the start of its block. What is not an
// element is NaN: read by mistake it would spoil results, and written it would be seen.
typedef struct {
    float *block, *at;
    int rows, columns;
    size_t step, before, words;
} matrix;

static matrix matrix_make(int rows, int columns, int gap, int before)
{
    matrix m = {.rows = rows, .columns = columns, .before = (size_t)before};
    m.step = (size_t)(columns + gap);
    m.words = (size_t)before + (size_t)(rows - 1) * m.step + (size_t)columns + GUARD;
    m.block = malloc(m.words * sizeof *m.block);
    if (!m.block)
        abort();
    m.at = m.block + before;
    for (size_t i = 0; i < m.words; i++)
        m.block[i] = NAN;
    return m;
}

static void matrix_free(matrix *m) { free(m->block); }

static float *element(const matrix *m, int i, int j)
{
    return &m->at[(size_t)i * m->step + (size_t)j];
}

// whole: numbers from -8 to 8, else real ones.
static void matrix_fill(matrix *m, bool whole)
{
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < m->columns; j++)
            *element(m, i, j) = whole ? floorf(draw() * 8.5F + 0.5F) : draw();
}

static bool matrix_intact(const matrix *m)
{
    for (size_t i = 0; i < m->words; i++) {
        const size_t from_start = i - m->before; // wraps around before it, to no row
        const bool inside = i >= m->before && from_start / m->step < (size_t)m->rows &&
                            from_start % m->step < (size_t)m->columns;
        if (!inside && m->block[i] == m->block[i])
            return false;
    }
    return true;
}

static void matrix_copy(const matrix *from, matrix *to)
{
    memcpy(to->block, from->block, from->words * sizeof *from->block);
}

static reference_matrix rows_of(const matrix *m) { return (reference_matrix){m->at, m->step, 1}; }

static reference_matrix columns_of(const matrix *m)
{
    return (reference_matrix){m->at, 1, m->step};
}

// -------------------------------------------------------------------------------------- comparison

static double worst; // error of the real products, as a part of what is allowed

// Whether got = before + a · b, a [rows][depth] and b [depth][columns], and nothing else changed.
static bool is_product(const matrix *got, const matrix *before, reference_matrix a,
                       reference_matrix b, int depth, bool whole)
{
    for (int i = 0; i < got->rows; i++)
        for (int j = 0; j < got->columns; j++) {
            double size;
            const double was = (double)*element(before, i, j);
            const double want = was + reference_dot(a, i, b, j, depth, &size);
            const double error = fabs((double)*element(got, i, j) - want);
            const double allowed = whole ? 0 : (depth + 2) * 0x1p-24 * (size + fabs(was));
            if (!(error <= allowed))
                return false;
            if (!whole && error / allowed > worst)
                worst = error / allowed;
        }
    return matrix_intact(got);
}

// -------------------------------------------------------------------------------- one set of sizes

typedef struct {
    int M, K, I;
    matrix X, W, dY; // in
    matrix Y, dX, dW, before;
    matrix scratch, panels;
} products;

// Gaps and starts change from case to case; W and dW have no gaps, by contract.
static products products_make(int M, int K, int I, bool whole)
{
    const int gap = (M + 2 * K + 3 * I) % 4, start = (M + K + I) % 3;
    const size_t scratch = matmul_scratch(M, K, I), panels = matmul_panels(M, K, I);
    products p = {M,
                  K,
                  I,
                  matrix_make(M, I, gap, start),
                  matrix_make(K, I, 0, (start + 1) % 4),
                  matrix_make(M, K, gap == 2 ? 0 : gap, start),
                  matrix_make(M, K, gap == 1 ? 0 : gap, (start + 2) % 4),
                  matrix_make(M, I, gap == 3 ? 0 : gap, start),
                  matrix_make(K, I, 0, start),
                  {0},
                  {0},
                  {0}};
    p.scratch = matrix_make(1, scratch ? (int)scratch : 1, 0, 0);
    p.panels = matrix_make(1, panels ? (int)panels : 1, 0, 0);
    matrix *filled[] = {&p.X, &p.W, &p.dY, &p.Y, &p.dX, &p.dW};
    for (int i = 0; i < 6; i++)
        matrix_fill(filled[i], whole);
    return p;
}

static void products_free(products *p)
{
    matrix *owned[] = {&p->X, &p->W, &p->dY, &p->Y, &p->dX, &p->dW, &p->scratch, &p->panels};
    for (int i = 0; i < 8; i++)
        matrix_free(owned[i]);
}

// Scratch for a call: NaN all over, so that nothing in it may be used before it is written; none at
// all where none is asked for.
static float *fresh(matrix *scratch, size_t needed)
{
    memset(scratch->block, 0xFF, scratch->words * sizeof *scratch->block); // the bits of a NaN
    return needed ? scratch->at : NULL;
}

// A copy of a result as it was before; matrix_free is due.
static matrix as_before(const matrix *result)
{
    matrix copy = matrix_make(result->rows, result->columns,
                              (int)(result->step - (size_t)result->columns), (int)result->before);
    matrix_copy(result, &copy);
    return copy;
}

// All five at these sizes; false at the first thing wrong.
static bool right(int M, int K, int I, bool whole)
{
    products p = products_make(M, K, I, whole);
    const size_t scratch = matmul_scratch(M, K, I), panels = matmul_panels(M, K, I);
    const reference_matrix X = rows_of(&p.X), dY = rows_of(&p.dY), W = rows_of(&p.W);
    matrix Y = as_before(&p.Y), dX = as_before(&p.dX), dW = as_before(&p.dW);
    bool good = true;

    matmul_forward(M, M, K, I, p.X.at, p.X.step, p.W.at, p.Y.at, p.Y.step,
                   fresh(&p.scratch, scratch));
    good = good && is_product(&p.Y, &Y, X, columns_of(&p.W), I, whole);
    good = good && matrix_intact(&p.scratch);

    matmul_backward(M, K, I, p.dY.at, p.dY.step, p.W.at, p.dX.at, p.dX.step,
                    fresh(&p.scratch, scratch));
    good = good && is_product(&p.dX, &dX, dY, W, K, whole);

    const float *dy = p.dY.at;
    good = good && !matmul_gradient(M, K, I, dy, p.dY.step, p.X.at, p.X.step, true, p.dW.at,
                                    fresh(&p.scratch, scratch));
    good = good && is_product(&p.dW, &dW, columns_of(&p.dY), X, M, whole);
    for (int k = 0; k < K; k++) // and in the place of what was there
        for (int i = 0; i < I; i++)
            *element(&dW, k, i) = 0, *element(&p.dW, k, i) = NAN;
    good = good && !matmul_gradient(M, K, I, dy, p.dY.step, p.X.at, p.X.step, false, p.dW.at,
                                    fresh(&p.scratch, scratch));
    good = good && is_product(&p.dW, &dW, columns_of(&p.dY), X, M, whole);

    matrix_copy(&Y, &p.Y);
    matmul_weights w;
    matmul_pack_forward(M, K, I, p.W.at, fresh(&p.panels, panels), &w);
    matmul_forward_again(&w, M, p.X.at, p.X.step, p.Y.at, p.Y.step);
    good = good && is_product(&p.Y, &Y, X, columns_of(&p.W), I, whole);

    matrix_copy(&dX, &p.dX);
    matmul_pack_backward(M, K, I, p.W.at, fresh(&p.panels, panels), &w);
    matmul_backward_again(&w, M, p.dY.at, p.dY.step, p.dX.at, p.dX.step);
    good = good && is_product(&p.dX, &dX, dY, W, K, whole);
    good = good && matrix_intact(&p.panels);

    matrix_free(&Y), matrix_free(&dX), matrix_free(&dW);
    products_free(&p);
    if (!good)
        fprintf(stderr, "at M = %d, K = %d, I = %d, %s\n", M, K, I, whole ? "whole" : "real");
    return good;
}

// n in the place of M, K or I, the other two a and b.
static bool right_at(int place, int n, int a, int b, bool whole)
{
    const int sizes[] = {n, a, b};
    return right(sizes[place % 3], sizes[(place + 1) % 3], sizes[(place + 2) % 3], whole);
}

// ------------------------------------------------------------------------------------------- sizes

static void test_short_lengths(void)
{
    static const int others[] = {1, 4, 7, 32, 33}; // 32: up to so many rows nothing is packed
    for (int place = 0; place < 3; place++)
        for (int n = 1; n <= 40; n++)
            for (int a = 0; a < 5; a++)
                for (int b = 0; b < 5; b++) {
                    CHECK(right_at(place, n, others[a], others[b], true));
                    if ((n + a + b) % 3 == 0)
                        CHECK(right_at(place, n, others[a], others[b], false));
                }
}

static void test_block_sizes(void)
{
    static const int corners[] = {63, 64, 65, 66, 127, 128, 129, 255, 256, 257, 258};
    static const int others[] = {1, 5, 33};
    static const int pairs[] = {65, 256, 257};
    for (int place = 0; place < 3; place++) {
        for (int n = 0; n < 11; n++)
            for (int a = 0; a < 3; a++)
                for (int b = 0; b < 3; b++)
                    CHECK(right_at(place, corners[n], others[a], others[b], (n + a + b) % 2 == 0));
        for (int n = 0; n < 3; n++)
            for (int a = 0; a < 3; a++)
                CHECK(right_at(place, pairs[n], pairs[a], 9, (n + a) % 2 == 0));
    }
    for (int whole = 0; whole < 2; whole++) { // more than one block of each
        CHECK(right(300, 33, 40, whole));
        CHECK(right(40, 301, 33, whole));
        CHECK(right(33, 40, 302, whole));
    }
    CHECK(right(299, 300, 301, true));
    CHECK(right(530, 3, 2, false));
    CHECK(right(1, 600, 601, false));
}

// Scratch grows with every size: what was planned for a whole serves its parts.
static void test_sizes_of_scratch(void)
{
    CHECK(matmul_scratch(1, 100, 100) == 0);
    CHECK(matmul_scratch(32, 1, 1) == 0);
    for (int M = 1; M < 300; M += 7)
        for (int K = 1; K < 40; K++) {
            CHECK(matmul_scratch(M, K, 9) <= matmul_scratch(M + 7, K, 9));
            CHECK(matmul_scratch(M, K, 3) <= matmul_scratch(M + 7, K, 3));
            CHECK(matmul_scratch(M, K, 9) <= matmul_scratch(M, K + 1, 9));
        }
    CHECK(matmul_panels(1, 1000, 1000) == 0);
    CHECK(matmul_panels(1000, 9, 17) >= 9 * 24 && matmul_panels(1000, 9, 17) >= 16 * 17);
}

// -------------------------------------------------------------------------------- parts of a whole

// A forward in parts of `part` rows, each told that it is one, against the forward at once.
static bool same_in_parts(int M, int K, int I, int part)
{
    products p = products_make(M, K, I, false);
    const size_t scratch = matmul_scratch(M, K, I);
    matrix whole = as_before(&p.Y);
    matmul_forward(M, M, K, I, p.X.at, p.X.step, p.W.at, whole.at, whole.step,
                   fresh(&p.scratch, scratch));
    for (int m = 0; m < M; m += part)
        matmul_forward(int_min(part, M - m), M, K, I, element(&p.X, m, 0), p.X.step, p.W.at,
                       element(&p.Y, m, 0), p.Y.step, fresh(&p.scratch, scratch));
    const bool same = memcmp(whole.block, p.Y.block, whole.words * sizeof *whole.block) == 0;
    matrix_free(&whole);
    products_free(&p);
    return same;
}

static void test_parts(void)
{
    static const int rows[] = {2, 5, 31, 32, 33, 34, 67, 130};
    static const int parts[] = {1, 2, 3, 4, 7, 8, 32, 33, 64};
    static const int lengths[] = {1, 2, 7, 8, 9, 33, 260};
    for (int m = 0; m < 8; m++)
        for (int k = 0; k < 7; k++)
            for (int i = 0; i < 7; i++)
                for (int part = 0; part < 9; part++)
                    if (parts[part] < rows[m] && lengths[k] * lengths[i] < 10000)
                        CHECK(same_in_parts(rows[m], lengths[k], lengths[i], parts[part]));
}

// -----------------------------------------------------------------------------------------
// suspects

typedef enum { IN_RESULT, IN_LEFT, IN_RIGHT, BY_OVERFLOW, SPOTS } spot;

// Whether a gradient is suspected whose value (k, i), and with IN_LEFT and IN_RIGHT more than that,
// is spoiled: by what stood there, by a value of dY or X, or because a product overflows.
static bool suspects(products *p, spot where, int m, int k, int i, float bad)
{
    const size_t scratch = matmul_scratch(p->M, p->K, p->I);
    float *spoiled[2] = {NULL, NULL}, saved[2] = {0, 0};

    matrix_fill(&p->dW, false);
    if (where == IN_RESULT)
        *element(&p->dW, k, i) = bad;
    if (where == IN_LEFT || where == BY_OVERFLOW)
        spoiled[0] = element(&p->dY, m, k);
    if (where == IN_RIGHT || where == BY_OVERFLOW)
        spoiled[1] = element(&p->X, m, i);
    for (int s = 0; s < 2; s++)
        if (spoiled[s]) {
            saved[s] = *spoiled[s];
            *spoiled[s] = where == BY_OVERFLOW ? 2e19F : bad; // its square is beyond 3.4e38
        }
    const bool suspect = matmul_gradient(p->M, p->K, p->I, p->dY.at, p->dY.step, p->X.at, p->X.step,
                                         true, p->dW.at, fresh(&p->scratch, scratch));
    for (int s = 0; s < 2; s++)
        if (spoiled[s])
            *spoiled[s] = saved[s];
    return suspect;
}

static bool suspected_everywhere(int M, int K, int I)
{
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    products p = products_make(M, K, I, false);
    bool good = true;
    int turn = 0;

    for (int where = 0; where < SPOTS; where++)
        for (int k = 0; k < K; k++)
            for (int i = 0; i < I; i++, turn++) {
                good = good && suspects(&p, (spot)where, turn % M, k, i, bad[turn % 3]);
            }
    for (int m = 0; m < M; m++) { // and each row of the operands
        good = good && suspects(&p, IN_LEFT, m, m % K, 0, INFINITY);
        good = good && suspects(&p, IN_RIGHT, m, 0, m % I, NAN);
    }
    good = good && !suspects(&p, IN_RESULT, 0, K - 1, I - 1, 3e38F); // large, but finite
    matrix_fill(&p.X, true), matrix_fill(&p.dY, true);               // zeros among them
    good = good && !suspects(&p, IN_RESULT, 0, 0, 0, -0.0F);
    products_free(&p);
    if (!good)
        fprintf(stderr, "suspects at M = %d, K = %d, I = %d\n", M, K, I);
    return good;
}

// The same at the edges of blocks: 64 rows of dW, 256 columns of it, a depth of 256.
static void test_suspects_at_blocks(void)
{
    static const int ks[] = {0, 3, 4, 62, 63, 64, 65}, is[] = {0, 7, 8, 248, 255, 256, 257};
    products p = products_make(258, 66, 258, false);
    CHECK(!suspects(&p, IN_RESULT, 0, 0, 0, 0));
    for (int where = 0; where < SPOTS; where++)
        for (int k = 0; k < 7; k++)
            for (int i = 0; i < 7; i++) {
                const int m = (k + i) % 2 ? 257 : 100 * (i % 3); // of either block of depth
                CHECK(suspects(&p, (spot)where, m, ks[k], is[i], INFINITY));
            }
    products_free(&p);
}

static void test_suspects(void)
{
    static const int rows[] = {1, 2, 5, 32, 33, 70}, lengths[] = {1, 2, 3, 4, 5, 7, 8, 9, 12, 17};
    for (int m = 0; m < 6; m++)
        for (int k = 0; k < 10; k++)
            for (int i = 0; i < 10; i++)
                CHECK(suspected_everywhere(rows[m], lengths[k], lengths[i]));
}

int main(void)
{
    test_short_lengths();
    test_block_sizes();
    test_sizes_of_scratch();
    test_parts();
    test_suspects();
    test_suspects_at_blocks();
    printf("rounding: at most %.2f of what is allowed\n", worst);
    return test_report("matmul");
}
