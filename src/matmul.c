// Chooses the path and loops over blocks. Large products keep a panel of the right operand (256
// deep, 8 wide: 8 KiB) in the first cache while panels of the left one stream past it from the
// second.
#include "matmul.h"

#include "matmul_small.h"
#include "matmul_tile.h"

enum {
    DEPTH = 256,   // of a panel
    COLUMNS = 256, // of the right operand packed at a time: DEPTH * COLUMNS floats are 256 KiB
    ROWS = 64,     // of the left operand packed at a time
    NEAR = 16,     // of it inside a time loop, where they lie on the stack: 16 KiB
    FEW = 32,      // up to so many rows the right operand is not packed
    PACK_FROM = 6, // rows from which weights are packed for a time loop
    SHORT = 8      // below this length a dot product does not fill its lanes
};

// C[rows][columns] (+)= A · B of packed operands; the panels of B lie `apart` floats apart.
static bool tiles(int rows, int columns, int depth, const float *left, const float *right,
                  size_t apart, bool add, float *C, size_t c_step)
{
    const int whole = rows / TILE_ROWS;
    const size_t left_apart = (size_t)depth * TILE_ROWS, down = TILE_ROWS * c_step;
    bool suspect = false;

    for (int j = 0; j < columns; j += TILE_COLUMNS, right += apart) {
        tile_run run = {.count = whole,
                        .depth = depth,
                        .left = left,
                        .left_apart = left_apart,
                        .right = right,
                        .right_down = TILE_COLUMNS,
                        .c = C + j,
                        .c_apart = down,
                        .c_step = c_step,
                        .add = add};
        int done = 0;
        if (columns - j >= TILE_COLUMNS) {
            suspect |= tile_whole(TILE_ROWS, &run);
            done = whole * TILE_ROWS;
            run.left += (size_t)whole * left_apart, run.c += (size_t)whole * down;
        }
        for (; done < rows; done += TILE_ROWS) {
            suspect |= tile_edge(rows - done, columns - j, &run);
            run.left += left_apart, run.c += down;
        }
    }
    return suspect;
}

// C[rows][columns] (+)= A · B, both packed block by block.
static bool product(int rows, int columns, int depth, operand a, operand b, bool add, float *C,
                    size_t c_step, float *scratch)
{
    bool suspect = false;

    for (int j = 0; j < columns; j += COLUMNS) {
        const int wide = int_min(COLUMNS, columns - j);
        for (int k = 0; k < depth; k += DEPTH) {
            const int deep = int_min(DEPTH, depth - k);
            float *right = scratch, *left = scratch + pack_size(wide, deep, TILE_COLUMNS);
            pack(wide, deep, TILE_COLUMNS, operand_from(b, j, k), right);
            for (int i = 0; i < rows; i += ROWS) {
                const int high = int_min(ROWS, rows - i);
                pack(high, deep, TILE_ROWS, operand_from(a, i, k), left);
                suspect |= tiles(high, wide, deep, left, right, (size_t)deep * TILE_COLUMNS,
                                 add || k > 0, C + (size_t)i * c_step + j, c_step);
            }
        }
    }
    return suspect;
}

size_t matmul_scratch(int M, int K, int I)
{
    // rows, columns and depth are M, K and I in any order: of each the most that there may be
    const int most = int_max(int_max(M, K), I);
    const int wide = int_round_up(int_min(int_max(K, I), COLUMNS), TILE_COLUMNS);
    const int high = int_round_up(int_min(most, ROWS), TILE_ROWS);
    if (M <= FEW && (I == 1 || I >= SHORT)) // only a forward of short rows packs
        return 0;
    return (size_t)int_min(most, DEPTH) * (size_t)(wide + high);
}

void matmul_forward(int M, int of, int K, int I, const float *X, size_t x_step, const float *W,
                    float *Y, size_t y_step, float *scratch)
{
    if (I == 1) // one value a row: W is a row vector
        small_tiles(M, K, 1, (operand){X, x_step, 1}, (operand){W, 1, 1}, true, Y, y_step);
    else if (of <= FEW && I >= SHORT)
        small_dot(M, K, I, X, x_step, W, (size_t)I, Y, y_step);
    else
        product(M, K, I, (operand){X, x_step, 1}, (operand){W, (size_t)I, 1}, true, Y, y_step,
                scratch);
}

void matmul_backward(int M, int K, int I, const float *dY, size_t dy_step, const float *W,
                     float *dX, size_t dx_step, float *scratch)
{
    const operand a = {dY, dy_step, 1}, b = {W, 1, (size_t)I};

    if (I == 1 && K >= SHORT) // W is one row: dot products with it
        small_dot(M, 1, K, dY, dy_step, W, (size_t)K, dX, dx_step);
    else if (M <= FEW)
        small_tiles(M, I, K, a, b, true, dX, dx_step);
    else
        product(M, I, K, a, b, true, dX, dx_step, scratch);
}

bool matmul_gradient(int M, int K, int I, const float *dY, size_t dy_step, const float *X,
                     size_t x_step, bool add, float *dW, float *scratch)
{
    const operand a = {dY, 1, dy_step}, b = {X, 1, x_step};

    if (I == 1) // dW is a row vector: Xᵀ · dY
        return small_tiles(1, K, M, b, a, add, dW, (size_t)K);
    if (M <= FEW)
        return small_tiles(K, I, M, a, b, add, dW, (size_t)I);
    return product(K, I, M, a, b, add, dW, (size_t)I, scratch);
}

size_t matmul_panels(int M, int K, int I)
{
    const size_t forward = pack_size(K, I, TILE_COLUMNS);
    const size_t backward = pack_size(I, K, TILE_COLUMNS);
    if (M < PACK_FROM)
        return 0;
    return forward > backward ? forward : backward;
}

matmul_weights matmul_pack_forward(int M, int K, int I, const float *W, float *panels)
{
    if (M < PACK_FROM)
        return (matmul_weights){W, NULL, K, I};
    pack(K, I, TILE_COLUMNS, (operand){W, (size_t)I, 1}, panels);
    return (matmul_weights){W, panels, K, I};
}

matmul_weights matmul_pack_backward(int M, int K, int I, const float *W, float *panels)
{
    if (M < PACK_FROM)
        return (matmul_weights){W, NULL, K, I};
    pack(I, K, TILE_COLUMNS, (operand){W, 1, (size_t)I}, panels);
    return (matmul_weights){W, panels, K, I};
}

// C[M][columns] += A[M][depth] · panels. Many rows: so many columns at a time as stay in the second
// cache, for all of them.
static void packed_product(int M, int columns, int depth, const float *A, size_t a_step,
                           const float *panels, float *C, size_t c_step)
{
    float left[NEAR * DEPTH];
    const size_t apart = (size_t)depth * TILE_COLUMNS;
    const int at_once = M > NEAR ? COLUMNS : columns;

    for (int j = 0; j < columns; j += at_once, panels += apart * COLUMNS / TILE_COLUMNS) {
        const int wide = int_min(at_once, columns - j);
        for (int i = 0; i < M; i += NEAR) {
            const int high = int_min(NEAR, M - i);
            for (int k = 0; k < depth; k += DEPTH) {
                const int deep = int_min(DEPTH, depth - k);
                pack(high, deep, TILE_ROWS, (operand){A + (size_t)i * a_step + k, a_step, 1}, left);
                tiles(high, wide, deep, left, panels + (size_t)k * TILE_COLUMNS, apart, true,
                      C + (size_t)i * c_step + j, c_step);
            }
        }
    }
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
        small_tiles(M, w->I, w->K, (operand){dY, dy_step, 1}, (operand){w->W, 1, (size_t)w->I},
                    true, dX, dx_step);
}
