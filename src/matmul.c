// Chooses the path and loops over blocks. Large products keep a panel of the right operand (256
// deep, 8 wide: 8 KiB) in the first cache while the left one's pass it; as many panels as stay in
// the second cache are gone through for all rows.
#include "matmul.h"

#include "matmul_pack.h"
#include "matmul_small.h"
#include "matmul_tile.h"
#include "vector.h"

enum {
    DEPTH = 256,   // of a panel
    COLUMNS = 256, // of the right operand at a time: DEPTH * COLUMNS floats are 256 KiB
    ROWS = 16,     // of the left operand packed at a time, on the stack: 16 KiB
    MANY = 64,     // where so many of its rows fit as well
    FEW = 32,      // up to so many rows the right operand is not packed
    PACK_FROM = 6, // rows from which weights are packed for a time loop
    SHORT = 8      // below this length a dot product does not fill its lanes
};

// C[rows][columns] = or += A · B. A is packed here. Of B there are panels already (`panels`, of
// the whole depth), or it is packed into `scratch`, or, without both, read where it lies: b.across
// must then be 1. Returns true when a value written may not be finite.
static bool product(int rows, int columns, int depth, operand a, operand b, const float *panels,
                    float *scratch, bool add, float *C, size_t c_step)
{
    float left[ROWS * DEPTH], edge[TILE_COLUMNS * DEPTH];
    bool suspect = false;

    for (int j = 0; j < columns; j += COLUMNS)
        for (int k = 0; k < depth; k += DEPTH) {
            const int wide = int_min(COLUMNS, columns - j), deep = int_min(DEPTH, depth - k);
            const int rest = wide % TILE_COLUMNS;
            const float *from = b.at + (size_t)j * b.across + (size_t)k * b.down;
            const float *right = from, *last = edge;
            size_t apart = TILE_COLUMNS, down = b.down;
            if (panels || scratch) {
                apart = (size_t)(panels ? depth : deep) * TILE_COLUMNS, down = TILE_COLUMNS;
                right = scratch;
                if (panels)
                    right = panels + (size_t)j * (size_t)depth + (size_t)k * TILE_COLUMNS;
                else
                    pack(wide, deep, TILE_COLUMNS, from, b.across, b.down, scratch);
                last = right + (size_t)(wide / TILE_COLUMNS) * apart;
            } else if (rest) {
                pack(rest, deep, TILE_COLUMNS, from + wide - rest, 1, b.down, edge);
            }
            // of shallow products more rows: a call for a few of them would be felt
            const int most = deep * MANY <= ROWS * DEPTH ? MANY : ROWS;
            for (int i = 0; i < rows; i += most) {
                const int high = int_min(most, rows - i);
                tile t = {.depth = deep,
                          .left = left,
                          .right = right,
                          .right_down = down,
                          .c = C + (size_t)i * c_step + j,
                          .c_step = c_step,
                          .add = add || k > 0};
                pack(high, deep, TILE_ROWS, a.at + (size_t)i * a.across + (size_t)k * a.down,
                     a.across, a.down, left);
                for (int n = TILE_COLUMNS; n <= wide; n += TILE_COLUMNS) {
                    suspect |= tile_column(&t, high, TILE_COLUMNS);
                    t.right += apart, t.c += TILE_COLUMNS;
                }
                if (rest) {
                    t.right = last, t.right_down = TILE_COLUMNS;
                    suspect |= tile_column(&t, high, rest);
                }
            }
        }
    return suspect;
}

size_t matmul_scratch(int M, int K, int I)
{
    // columns and depth are M, K and I in any order: of each the most that there may be
    const int most = int_max(int_max(M, K), I);
    if (I == 1 || (M <= FEW && I >= SHORT)) // of few rows only a forward of short ones packs
        return 0;
    return pack_size(int_min(int_max(K, I), COLUMNS), int_min(most, DEPTH), TILE_COLUMNS);
}

void matmul_forward(int M, int of, int K, int I, const float *X, size_t x_step, const float *W,
                    float *Y, size_t y_step, float *scratch)
{
    if (I == 1) // one value a row: W is a row vector
        for (int m = 0; m < M; m++)
            vector_add_scaled((size_t)K, X[(size_t)m * x_step], W, Y + (size_t)m * y_step);
    else if (of <= FEW && I >= SHORT)
        small_dot(M, K, I, X, x_step, W, (size_t)I, Y, y_step);
    else
        product(M, K, I, (operand){X, x_step, 1}, (operand){W, (size_t)I, 1}, NULL, scratch, true,
                Y, y_step);
}

void matmul_backward(int M, int K, int I, const float *dY, size_t dy_step, const float *W,
                     float *dX, size_t dx_step, float *scratch)
{
    if (I == 1 && K >= SHORT) // W is one row: dot products with it
        small_dot(M, 1, K, dY, dy_step, W, (size_t)K, dX, dx_step);
    else
        product(M, I, K, (operand){dY, dy_step, 1}, (operand){W, 1, (size_t)I}, NULL,
                M > FEW && I > 1 ? scratch : NULL, true, dX, dx_step);
}

bool matmul_gradient(int M, int K, int I, const float *dY, size_t dy_step, const float *X,
                     size_t x_step, bool add, float *dW, float *scratch)
{
    const operand a = {dY, 1, dy_step}, b = {X, 1, x_step};

    if (I == 1) // dW is a row vector: Xᵀ · dY
        return product(1, K, M, b, a, NULL, NULL, add, dW, (size_t)K);
    return product(K, I, M, a, b, NULL, M > FEW ? scratch : NULL, add, dW, (size_t)I);
}

size_t matmul_panels(int M, int K, int I)
{
    const size_t forward = pack_size(K, I, TILE_COLUMNS);
    const size_t backward = pack_size(I, K, TILE_COLUMNS);
    if (M < PACK_FROM)
        return 0;
    return forward > backward ? forward : backward;
}

void matmul_pack_forward(int M, int K, int I, const float *W, float *panels, matmul_weights *w)
{
    if (M < PACK_FROM)
        panels = NULL;
    else
        pack(K, I, TILE_COLUMNS, W, (size_t)I, 1, panels);
    *w = (matmul_weights){W, panels, K, I};
}

void matmul_pack_backward(int M, int K, int I, const float *W, float *panels, matmul_weights *w)
{
    if (M < PACK_FROM)
        panels = NULL;
    else
        pack(I, K, TILE_COLUMNS, W, 1, (size_t)I, panels);
    *w = (matmul_weights){W, panels, K, I};
}

void matmul_forward_again(const matmul_weights *w, int M, const float *X, size_t x_step, float *Y,
                          size_t y_step)
{
    if (w->panels)
        product(M, w->K, w->I, (operand){X, x_step, 1}, (operand){w->W, 0, 0}, w->panels, NULL,
                true, Y, y_step);
    else
        small_dot(M, w->K, w->I, X, x_step, w->W, (size_t)w->I, Y, y_step);
}

void matmul_backward_again(const matmul_weights *w, int M, const float *dY, size_t dy_step,
                           float *dX, size_t dx_step)
{
    product(M, w->I, w->K, (operand){dY, dy_step, 1}, (operand){w->W, 1, (size_t)w->I}, w->panels,
            NULL, true, dX, dx_step);
}
