// Naive twins in double precision, written from the equations of PyTorch's pages one value after
// the other, and independent of src: what the fast code is compared with. Dimensions are named as
// there: T time, N batch, I input, H hidden, G gates, L layers, D directions, P projection, Ho = P
// or H.
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

// ---------------------------------------------------------------------------------------- products

// A matrix of floats that lies anywhere: element (i, j) is at[i * row + j * column].
typedef struct {
    const float *at;
    size_t row, column;
} reference_matrix;

// Sum over k of a(i, k) b(k, j); *size, when given, is the sum of the terms' magnitudes, which
// rounding errors are measured by.
double reference_dot(reference_matrix a, int i, reference_matrix b, int j, int depth, double *size);

// ------------------------------------------------------------------------ one step of one sequence
// Backwards take the pre-activations and compute everything anew.

// kind: UNROLLED_RNN_TANH, _RELU or _IDENTITY.                                       a, h [H]
void reference_rnn_step(int kind, int H, const double *a, double *h);
void reference_rnn_step_backward(int kind, int H, const double *a, const double *dh, double *da);

// a [4][H] in the order i f g o; c_prev, c, h [H].
void reference_lstm_step(int H, const double *a, const double *c_prev, double *c, double *h);
// dc [H] in: gradient of c, out: of c_prev.                                          da [4][H]
void reference_lstm_step_backward(int H, const double *a, const double *c_prev, const double *dh,
                                  double *dc, double *da);

// a = W_ih x + b_ih and q = W_hh h_prev + b_hh, [3][H] each, in the order r z n.
void reference_gru_step(int H, const double *a, const double *q, const double *h_prev, double *h);
// dh [H] in: gradient of h, out: the part of h_prev's that does not pass through q.
//                                                                                    da, dq [3][H]
void reference_gru_step_backward(int H, const double *a, const double *q, const double *h_prev,
                                 double *dh, double *da, double *dq);

// ----------------------------------------------------------------------------------- a whole stack

// One layer in one direction. k counts steps in the order they are taken: of the reverse direction,
// step 0 is at time T - 1.
typedef struct {
    int I;
    bool reverse;
    double *w_ih, *w_hh, *b_ih, *b_hh, *w_hr; // biases NULL without bias, w_hr without projection
    double *dw_ih, *dw_hh, *db_ih, *db_hh, *dw_hr;
    double *a, *q; // [T][N][G·H]      W_ih x + b_ih and W_hh h + b_hh of step k
    double *h;     // [T + 1][N][Ho]   before step k
    double *c;     // [T + 1][N][H]    LSTM
    double *m;     // [T][N][H]        of step k, before the projection
} reference_layer;

typedef struct {
    int kind, I, H, L, P, D, T, N; // P 0: no projection
    bool bias;
    int Ho, G;
    size_t num_params, states, cells; // values in all h0, in all c0
    double *params, *dparams;         // PyTorch's order, layer by layer, direction by direction
    double *x, *dx;                   // [T][N][I]
    double *h0, *hn, *dhn, *dh0;      // [L][D][N][Ho]
    double *c0, *cn, *dcn, *dc0;      // [L][D][N][H]
    double *y, *dy;                   // [T][N][D·Ho]
    double *mask;                     // [L][T][N][D·Ho], the last not used: factors, 1 at first
    double kink;                      // ReLU: the smallest |a| but 0 met: there the slope jumps
    reference_layer *layers;          // [L][D]
    double **inputs, **dinputs;       // [L + 1]: of each layer, then y
} reference_stack;

// All arrays are zero but for the masks; the caller fills params, x, h0, c0.
reference_stack *reference_stack_create(int kind, int I, int H, int L, int P, int D, bool bias,
                                        int T, int N);
void reference_stack_destroy(reference_stack *s);

// Writes y, hn, cn.
void reference_stack_forward(reference_stack *s);
// Reads dy, dhn, dcn; writes dx, dh0, dc0; ADDS to dparams.
void reference_stack_backward(reference_stack *s);

// ------------------------------------------------------------------------------------------ others

// y [M][K] = x Wᵀ + b; b NULL: none.
void reference_linear(int M, int K, int I, const double *x, const double *W, const double *b,
                      double *y);
// dx is written (NULL: not wanted); dW and db (NULL: none) are ADDED to.
void reference_linear_backward(int M, int K, int I, const double *x, const double *W,
                               const double *dy, double *dx, double *dW, double *db);

// The mean square of y - t over n values; dy, when given, is its gradient.
double reference_mse(size_t n, const double *y, const double *t, double *dy);

#endif
