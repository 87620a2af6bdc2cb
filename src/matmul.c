// Chooses the path and loops over blocks. Large products keep a panel of the right operand (256
// deep, 8 wide: 8 KiB) in the first cache while rows of the left one stream past it from the
// second.
#include "matmul.h"

#include "matmul_kernel.h"
#include "matmul_pack.h"
#include "matmul_small.h"

enum {
    DEPTH = 256,   // of a panel
    COLUMNS = 256, // packed at a time: DEPTH * COLUMNS floats are 256 KiB
    ROWS = 64,     // of the left operand packed at a time (weight gradients)
    FEW = 32,      // up to so many rows nothing is packed
    PACK_FROM = 6, // rows from which weights are packed for a time loop
    SHORT = 8      // below this length a dot product does not fill its lanes
};

// C[rows][columns] += A · panels, the panels full depth and 8 wide.
static float panel_tiles(int rows, int columns, int depth, kernel_operand a, const float *panels,
                         size_t panel_depth, float *c, size_t c_step)
{
    f32x4 poison = f32x4_zero();

    for (int j = 0; j < columns; j += KERNEL_COLUMNS, panels += panel_depth * KERNEL_COLUMNS) {
        const int here = int_min(KERNEL_COLUMNS, columns - j);
        const kernel_operand b = {panels, 1, KERNEL_COLUMNS};
        for (int i = 0; i < rows; i += KERNEL_ROWS) {
            const kernel_operand ai = {a.at + (size_t)i * a.row, a.row, a.depth};
            float *out = c + (size_t)i * c_step + j;
            poison =
                f32x4_add(poison, kernel_rows(rows - i, true, here, depth, ai, b, out, c_step));
        }
    }
    return f32x4_sum(poison);
}

size_t matmul_scratch(int M, int K, int I)
{
    // forward packs Wᵀ (depth I), backward W (depth K), the gradient X and dYᵀ (depth M)
    const int wide = int_round_up(int_min(int_max(K, I), COLUMNS), KERNEL_COLUMNS);
    const int deep = int_min(int_max(int_max(M, K), I), DEPTH);
    if (M <= FEW) // only a forward of short rows packs
        return I == 1 || I >= SHORT ? 0 : (size_t)wide * (size_t)I;
    return (size_t)deep * (size_t)(wide + ROWS);
}

void matmul_forward(int M, int of, int K, int I, const float *X, size_t x_step, const float *W,
                    float *Y, size_t y_step, float *scratch)
{
    if (I == 1) { // one value a row: W is a row vector, nothing to pack
        small_tiles(M, K, 1, (kernel_operand){X, x_step, 1}, (kernel_operand){W, 1, 1}, Y, y_step);
        return;
    }
    if (of <= FEW && I >= SHORT) {
        small_dot(M, K, I, X, x_step, W, (size_t)I, Y, y_step);
        return;
    }
    for (int j = 0; j < K; j += COLUMNS) {
        const int columns = int_min(COLUMNS, K - j);
        for (int k = 0; k < I; k += DEPTH) {
            const int depth = int_min(DEPTH, I - k);
            pack_rows(columns, depth, KERNEL_COLUMNS, W + (size_t)j * (size_t)I + k, (size_t)I,
                      scratch);
            panel_tiles(M, columns, depth, (kernel_operand){X + k, x_step, 1}, scratch,
                        (size_t)depth, Y + j, y_step);
        }
    }
}

void matmul_backward(int M, int K, int I, const float *dY, size_t dy_step, const float *W,
                     float *dX, size_t dx_step, float *scratch)
{
    if (I == 1 && K >= SHORT) { // W is one row: dot products with it
        small_dot(M, 1, K, dY, dy_step, W, (size_t)K, dX, dx_step);
        return;
    }
    if (M <= FEW) {
        small_tiles(M, I, K, (kernel_operand){dY, dy_step, 1}, (kernel_operand){W, 1, (size_t)I},
                    dX, dx_step);
        return;
    }
    for (int j = 0; j < I; j += COLUMNS) {
        const int columns = int_min(COLUMNS, I - j);
        for (int k = 0; k < K; k += DEPTH) {
            const int depth = int_min(DEPTH, K - k);
            pack_columns(columns, depth, KERNEL_COLUMNS, W + (size_t)k * (size_t)I + j, (size_t)I,
                         scratch);
            panel_tiles(M, columns, depth, (kernel_operand){dY + k, dy_step, 1}, scratch,
                        (size_t)depth, dX + j, dx_step);
        }
    }
}

float matmul_gradient(int M, int K, int I, const float *dY, size_t dy_step, const float *X,
                      size_t x_step, float *dW, float *scratch)
{
    float poison = 0.0F;

    if (I == 1) { // dW is a row vector: Xᵀ · dY, in blocks so that rounding errors do not pile up
        for (int k = 0; k < M; k += DEPTH)
            poison += small_tiles(
                1, K, int_min(DEPTH, M - k), (kernel_operand){X + (size_t)k * x_step, 1, x_step},
                (kernel_operand){dY + (size_t)k * dy_step, 1, dy_step}, dW, (size_t)K);
        return poison;
    }
    if (M <= FEW)
        return small_tiles(K, I, M, (kernel_operand){dY, 1, dy_step},
                           (kernel_operand){X, 1, x_step}, dW, (size_t)I);

    for (int j = 0; j < I; j += COLUMNS) {
        const int columns = int_min(COLUMNS, I - j);
        for (int k = 0; k < M; k += DEPTH) {
            const int depth = int_min(DEPTH, M - k);
            float *right = scratch, *left = scratch + pack_size(columns, depth, KERNEL_COLUMNS);
            pack_columns(columns, depth, KERNEL_COLUMNS, X + (size_t)k * x_step + j, x_step, right);
            for (int i = 0; i < K; i += ROWS) {
                const int rows = int_min(ROWS, K - i);
                pack_columns(rows, depth, KERNEL_ROWS, dY + (size_t)k * dy_step + i, dy_step, left);
                for (int r = 0; r < rows; r += KERNEL_ROWS)
                    poison += panel_tiles(
                        int_min(KERNEL_ROWS, rows - r), columns, depth,
                        (kernel_operand){left + (size_t)r * (size_t)depth, 1, KERNEL_ROWS}, right,
                        (size_t)depth, dW + (size_t)(i + r) * (size_t)I + j, (size_t)I);
            }
        }
    }
    return poison;
}

size_t matmul_panels(int M, int K, int I)
{
    const size_t forward = pack_size(K, I, KERNEL_COLUMNS);
    const size_t backward = pack_size(I, K, KERNEL_COLUMNS);
    if (M < PACK_FROM)
        return 0;
    return forward > backward ? forward : backward;
}

matmul_weights matmul_pack_forward(int M, int K, int I, const float *W, float *panels)
{
    if (M < PACK_FROM)
        return (matmul_weights){W, NULL, K, I};
    pack_rows(K, I, KERNEL_COLUMNS, W, (size_t)I, panels);
    return (matmul_weights){W, panels, K, I};
}

matmul_weights matmul_pack_backward(int M, int K, int I, const float *W, float *panels)
{
    if (M < PACK_FROM)
        return (matmul_weights){W, NULL, K, I};
    pack_columns(I, K, KERNEL_COLUMNS, W, (size_t)I, panels);
    return (matmul_weights){W, panels, K, I};
}

// C[M][columns] += A[M][depth] · panels, in blocks of depth.
static void packed_product(int M, int columns, int depth, const float *A, size_t a_step,
                           const float *panels, float *C, size_t c_step)
{
    for (int k = 0; k < depth; k += DEPTH)
        panel_tiles(M, columns, int_min(DEPTH, depth - k), (kernel_operand){A + k, a_step, 1},
                    panels + (size_t)k * KERNEL_COLUMNS, (size_t)depth, C, c_step);
}

void matmul_forward_again(const matmul_weights *w, int M, const float *X, size_t x_step, float *Y,
                          size_t y_step)
{
    if (w->panels)
        packed_product(M, w->K, w->I, X, x_step, w->panels, Y, y_step);
    else
        small_dot(M, w->K, w->I, X, x_step, w->W, (size_t)w->I, Y, y_step);
}

void matmul_backward_again(const matmul_weights *w, int M, const float *dY, size_t dy_step,
                           float *dX, size_t dx_step)
{
    if (w->panels)
        packed_product(M, w->I, w->K, dY, dy_step, w->panels, dX, dx_step);
    else
        small_tiles(M, w->I, w->K, (kernel_operand){dY, dy_step, 1},
                    (kernel_operand){w->W, 1, (size_t)w->I}, dX, dx_step);
}
