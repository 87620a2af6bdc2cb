// The equations, in PyTorch's words (torch.nn.RNN, LSTM, GRU, Linear, MSELoss):
//
//     RNN     h' = f(a),  a = W_ih x + b_ih + W_hh h + b_hh,  f tanh, relu or the identity   (1)
//     LSTM    i, f, o = sigmoid(...),  g = tanh(...)  of the four parts of a
//             c' = f c + i g                                                                 (2)
//             h' = o tanh(c')                                                                (3)
//             and with a projection h' = W_hr (o tanh(c'))                                   (4)
//     GRU     r = sigmoid(a_r + q_r),  z = sigmoid(a_z + q_z)
//             n = tanh(a_n + r q_n)                                                          (5)
//             h' = (1 - z) n + z h                                                           (6)
//
// Backwards are the chain rule on these, with d in front of a name for the gradient of it.
#include "reference.h"

#include <math.h>
#include <stdlib.h>

#include "unrolled.h"

double reference_dot(reference_matrix a, int i, reference_matrix b, int j, int depth, double *size)
{
    double sum = 0, magnitude = 0;
    for (size_t k = 0; k < (size_t)depth; k++) {
        const double term = (double)a.at[(size_t)i * a.row + k * a.column] *
                            (double)b.at[k * b.row + (size_t)j * b.column];
        sum += term;
        magnitude += fabs(term);
    }
    if (size)
        *size = magnitude;
    return sum;
}

// ------------------------------------------------------------------------------------------- steps

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

void reference_rnn_step(int kind, int H, const double *a, double *h)
{
    for (int k = 0; k < H; k++) {
        if (kind == UNROLLED_RNN_TANH)
            h[k] = tanh(a[k]); // (1)
        else
            h[k] = kind == UNROLLED_RNN_RELU && a[k] < 0 ? 0 : a[k];
    }
}

void reference_rnn_step_backward(int kind, int H, const double *a, const double *dh, double *da)
{
    for (int k = 0; k < H; k++) {
        da[k] = dh[k];
        if (kind == UNROLLED_RNN_TANH)
            da[k] *= 1 - tanh(a[k]) * tanh(a[k]);
        if (kind == UNROLLED_RNN_RELU && a[k] <= 0)
            da[k] = 0;
    }
}

void reference_lstm_step(int H, const double *a, const double *c_prev, double *c, double *h)
{
    for (int k = 0; k < H; k++) {
        const double i = sigmoid(a[k]), f = sigmoid(a[H + k]);
        const double g = tanh(a[2 * H + k]), o = sigmoid(a[3 * H + k]);
        c[k] = f * c_prev[k] + i * g; // (2)
        h[k] = o * tanh(c[k]);        // (3)
    }
}

void reference_lstm_step_backward(int H, const double *a, const double *c_prev, const double *dh,
                                  double *dc, double *da)
{
    for (int k = 0; k < H; k++) {
        const double i = sigmoid(a[k]), f = sigmoid(a[H + k]);
        const double g = tanh(a[2 * H + k]), o = sigmoid(a[3 * H + k]);
        const double t = tanh(f * c_prev[k] + i * g);
        const double whole = dc[k] + dh[k] * o * (1 - t * t); // of c': from (3) and the next step

        da[k] = whole * g * i * (1 - i);
        da[H + k] = whole * c_prev[k] * f * (1 - f);
        da[2 * H + k] = whole * i * (1 - g * g);
        da[3 * H + k] = dh[k] * t * o * (1 - o);
        dc[k] = whole * f;
    }
}

void reference_gru_step(int H, const double *a, const double *q, const double *h_prev, double *h)
{
    for (int k = 0; k < H; k++) {
        const double r = sigmoid(a[k] + q[k]), z = sigmoid(a[H + k] + q[H + k]);
        const double n = tanh(a[2 * H + k] + r * q[2 * H + k]); // (5)
        h[k] = (1 - z) * n + z * h_prev[k];                     // (6)
    }
}

void reference_gru_step_backward(int H, const double *a, const double *q, const double *h_prev,
                                 double *dh, double *da, double *dq)
{
    for (int k = 0; k < H; k++) {
        const double r = sigmoid(a[k] + q[k]), z = sigmoid(a[H + k] + q[H + k]);
        const double n = tanh(a[2 * H + k] + r * q[2 * H + k]);
        const double dz = dh[k] * (h_prev[k] - n), dn = dh[k] * (1 - z) * (1 - n * n);
        const double dr = dn * q[2 * H + k];

        da[k] = dq[k] = dr * r * (1 - r);
        da[H + k] = dq[H + k] = dz * z * (1 - z);
        da[2 * H + k] = dn;
        dq[2 * H + k] = dn * r;
        dh[k] *= z;
    }
}

// ----------------------------------------------------------------------------------- small algebra

// y [rows] = W [rows][columns] x + b
static void affine(int rows, int columns, const double *W, const double *b, const double *x,
                   double *y)
{
    for (int i = 0; i < rows; i++) {
        y[i] = b ? b[i] : 0;
        for (int j = 0; j < columns; j++)
            y[i] += W[i * columns + j] * x[j];
    }
}

// Through affine: dx (NULL: not wanted), dW and db (NULL: no bias) are added to.
static void affine_backward(int rows, int columns, const double *W, const double *x,
                            const double *dy, double *dx, double *dW, double *db)
{
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < columns; j++) {
            dW[i * columns + j] += dy[i] * x[j];
            if (dx)
                dx[j] += dy[i] * W[i * columns + j];
        }
        if (db)
            db[i] += dy[i];
    }
}

void reference_linear(int M, int K, int I, const double *x, const double *W, const double *b,
                      double *y)
{
    for (int m = 0; m < M; m++)
        affine(K, I, W, b, x + m * I, y + m * K);
}

void reference_linear_backward(int M, int K, int I, const double *x, const double *W,
                               const double *dy, double *dx, double *dW, double *db)
{
    for (int i = 0; dx && i < M * I; i++)
        dx[i] = 0;
    for (int m = 0; m < M; m++)
        affine_backward(K, I, W, x + m * I, dy + m * K, dx ? dx + m * I : NULL, dW, db);
}

double reference_mse(size_t n, const double *y, const double *t, double *dy)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (y[i] - t[i]) * (y[i] - t[i]);
        if (dy)
            dy[i] = 2 * (y[i] - t[i]) / (double)n;
    }
    return sum / (double)n;
}

// ------------------------------------------------------------------------------------------- stack

static double *zeros(size_t n)
{
    double *values = calloc(n + 1, sizeof *values); // none of 0 values: NULL means refused
    if (!values)
        abort();
    return values;
}

// The next `count` of the parameters, and their gradients.
static double *next(reference_stack *s, size_t *at, int count, double **gradient)
{
    double *values = s->params + *at;
    *gradient = s->dparams + *at;
    *at += (size_t)count;
    return values;
}

reference_stack *reference_stack_create(int kind, int I, int H, int L, int P, int D, bool bias,
                                        int T, int N)
{
    reference_stack *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    const int Ho = P ? P : H, G = kind == UNROLLED_LSTM ? 4 : kind == UNROLLED_GRU ? 3 : 1;
    const int GH = G * H, width = D * Ho;
    const size_t rows = (size_t)T * (size_t)N;
    *s = (reference_stack){.kind = kind, .I = I, .H = H, .L = L, .P = P, .D = D, .T = T, .N = N};
    s->bias = bias, s->Ho = Ho, s->G = G;

    for (int l = 0; l < L; l++)
        s->num_params +=
            (size_t)(D * (GH * (l ? width : I) + GH * Ho + (bias ? 2 * GH : 0) + P * H));
    s->params = zeros(s->num_params);
    s->dparams = zeros(s->num_params);
    s->layers = calloc((size_t)(L * D), sizeof *s->layers);
    s->inputs = calloc((size_t)L + 1, sizeof *s->inputs);
    s->dinputs = calloc((size_t)L + 1, sizeof *s->dinputs);
    if (!s->layers || !s->inputs || !s->dinputs)
        abort();

    size_t at = 0;
    for (int i = 0; i < L * D; i++) {
        reference_layer *l = &s->layers[i];
        l->I = i < D ? I : width;
        l->reverse = i % D == 1;
        l->w_ih = next(s, &at, GH * l->I, &l->dw_ih);
        l->w_hh = next(s, &at, GH * Ho, &l->dw_hh);
        if (bias) {
            l->b_ih = next(s, &at, GH, &l->db_ih);
            l->b_hh = next(s, &at, GH, &l->db_hh);
        }
        if (P)
            l->w_hr = next(s, &at, P * H, &l->dw_hr);
        l->a = zeros(rows * (size_t)GH);
        l->q = zeros(rows * (size_t)GH);
        l->h = zeros((size_t)((T + 1) * N * Ho));
        l->c = zeros((size_t)((T + 1) * N * H));
        l->m = zeros(rows * (size_t)H);
    }
    for (int l = 0; l <= L; l++) {
        s->inputs[l] = zeros(rows * (size_t)(l ? width : I));
        s->dinputs[l] = zeros(rows * (size_t)(l ? width : I));
    }
    s->x = s->inputs[0], s->dx = s->dinputs[0];
    s->y = s->inputs[L], s->dy = s->dinputs[L];
    s->states = (size_t)(L * D * N * Ho);
    s->cells = (size_t)(L * D * N * H);
    s->h0 = zeros(s->states), s->hn = zeros(s->states);
    s->dh0 = zeros(s->states), s->dhn = zeros(s->states);
    s->c0 = zeros(s->cells), s->cn = zeros(s->cells);
    s->dc0 = zeros(s->cells), s->dcn = zeros(s->cells);
    s->mask = zeros((size_t)L * rows * (size_t)width);
    for (size_t i = 0; i < (size_t)L * rows * (size_t)width; i++)
        s->mask[i] = 1;
    return s;
}

void reference_stack_destroy(reference_stack *s)
{
    double *owned[] = {s->params, s->dparams, s->h0,  s->hn,  s->dh0, s->dhn,
                       s->c0,     s->cn,      s->dc0, s->dcn, s->mask};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
    for (int i = 0; i < s->L * s->D; i++) {
        const reference_layer *l = &s->layers[i];
        free(l->a), free(l->q), free(l->h), free(l->c), free(l->m);
    }
    for (int l = 0; l <= s->L; l++)
        free(s->inputs[l]), free(s->dinputs[l]);
    free(s->layers);
    free(s->inputs);
    free(s->dinputs);
    free(s);
}

// What both passes need at step k of sequence n of layer-direction number i.
typedef struct {
    size_t in, out, gate, state, cell, cell_next, state_next; // offsets
} place;

static place place_of(const reference_stack *s, int i, int k, int n)
{
    const reference_layer *l = &s->layers[i];
    const int t = l->reverse ? s->T - 1 - k : k;
    const int row = k * s->N + n, next_row = row + s->N, time_row = t * s->N + n;
    return (place){.in = (size_t)(time_row * l->I),
                   .out = (size_t)((time_row * s->D + i % s->D) * s->Ho),
                   .gate = (size_t)(row * s->G * s->H),
                   .state = (size_t)(row * s->Ho),
                   .state_next = (size_t)(next_row * s->Ho),
                   .cell = (size_t)(row * s->H),
                   .cell_next = (size_t)(next_row * s->H)};
}

static void step_forward(reference_stack *s, int i, int k, int n)
{
    const reference_layer *l = &s->layers[i];
    const int H = s->H, Ho = s->Ho, GH = s->G * H;
    const place p = place_of(s, i, k, n);
    double *a = l->a + p.gate, *q = l->q + p.gate, *h = l->h + p.state, *m = l->m + p.cell;
    double *both = zeros((size_t)GH), *out = l->h + p.state_next;

    affine(GH, l->I, l->w_ih, l->b_ih, s->inputs[i / s->D] + p.in, a);
    affine(GH, Ho, l->w_hh, l->b_hh, h, q);
    for (int g = 0; g < GH; g++) {
        both[g] = a[g] + q[g];
        if (s->kind == UNROLLED_RNN_RELU && both[g] != 0 && fabs(both[g]) < s->kink)
            s->kink = fabs(both[g]);
    }
    if (s->kind == UNROLLED_LSTM)
        reference_lstm_step(H, both, l->c + p.cell, l->c + p.cell_next, m);
    else if (s->kind == UNROLLED_GRU)
        reference_gru_step(H, a, q, h, m);
    else
        reference_rnn_step(s->kind, H, both, m);
    if (s->P)
        affine(Ho, H, l->w_hr, NULL, m, out); // (4)
    for (int j = 0; j < Ho; j++) {
        out[j] = s->P ? out[j] : m[j];
        s->inputs[i / s->D + 1][p.out + (size_t)j] = out[j];
    }
    free(both);
}

static size_t level_values(const reference_stack *s)
{
    return (size_t)s->T * (size_t)s->N * (size_t)(s->D * s->Ho);
}

void reference_stack_forward(reference_stack *s)
{
    const size_t state = (size_t)(s->N * s->Ho), cell = (size_t)(s->N * s->H);

    s->kink = INFINITY;
    for (int i = 0; i < s->L * s->D; i++) {
        reference_layer *l = &s->layers[i];
        for (size_t j = 0; j < state; j++)
            l->h[j] = s->h0[(size_t)i * state + j];
        for (size_t j = 0; j < cell; j++)
            l->c[j] = s->c0[(size_t)i * cell + j];
        for (int k = 0; k < s->T; k++)
            for (int n = 0; n < s->N; n++)
                step_forward(s, i, k, n);
        for (size_t j = 0; j < state; j++)
            s->hn[(size_t)i * state + j] = l->h[(size_t)s->T * state + j];
        for (size_t j = 0; j < cell; j++)
            s->cn[(size_t)i * cell + j] = l->c[(size_t)s->T * cell + j];

        const int level = i / s->D;
        if (i % s->D == s->D - 1 && level < s->L - 1)
            for (size_t j = 0; j < level_values(s); j++)
                s->inputs[level + 1][j] *= s->mask[(size_t)level * level_values(s) + j];
    }
}

// dh [N][Ho] and dc [N][H] in: gradients of what step k left, out: of what it found.
static void step_backward(reference_stack *s, int i, int k, int n, double *dh, double *dc)
{
    reference_layer *l = &s->layers[i];
    const int H = s->H, Ho = s->Ho, GH = s->G * H, level = i / s->D;
    const place p = place_of(s, i, k, n);
    const double *a = l->a + p.gate, *q = l->q + p.gate, *h = l->h + p.state;
    double *dm = zeros((size_t)H), *da = zeros((size_t)GH), *dq = zeros((size_t)GH);
    double *both = zeros((size_t)GH);

    for (int j = 0; j < Ho; j++)
        dh[j] += s->dinputs[level + 1][p.out + (size_t)j];
    if (s->P)
        affine_backward(Ho, H, l->w_hr, l->m + p.cell, dh, dm, l->dw_hr, NULL);
    for (int j = 0; j < H && !s->P; j++)
        dm[j] = dh[j];
    for (int j = 0; j < Ho; j++)
        dh[j] = 0;

    for (int g = 0; g < GH; g++)
        both[g] = a[g] + q[g];
    if (s->kind == UNROLLED_GRU) {
        reference_gru_step_backward(H, a, q, h, dm, da, dq);
        for (int j = 0; j < H; j++)
            dh[j] = dm[j];
    } else {
        if (s->kind == UNROLLED_LSTM)
            reference_lstm_step_backward(H, both, l->c + p.cell, dm, dc, da);
        else
            reference_rnn_step_backward(s->kind, H, both, dm, da);
        for (int g = 0; g < GH; g++)
            dq[g] = da[g];
    }
    affine_backward(GH, l->I, l->w_ih, s->inputs[level] + p.in, da, s->dinputs[level] + p.in,
                    l->dw_ih, l->db_ih);
    affine_backward(GH, Ho, l->w_hh, h, dq, dh, l->dw_hh, l->db_hh);
    free(dm), free(da), free(dq), free(both);
}

void reference_stack_backward(reference_stack *s)
{
    const size_t state = (size_t)(s->N * s->Ho), cell = (size_t)(s->N * s->H);

    for (int level = s->L - 1; level >= 0; level--) {
        const size_t width = (size_t)s->layers[level * s->D].I;
        for (size_t j = 0; j < (size_t)s->T * (size_t)s->N * width; j++)
            s->dinputs[level][j] = 0;
        for (int i = level * s->D; i < (level + 1) * s->D; i++) {
            double *dh = s->dh0 + (size_t)i * state, *dc = s->dc0 + (size_t)i * cell;
            for (size_t j = 0; j < state; j++)
                dh[j] = s->dhn[(size_t)i * state + j];
            for (size_t j = 0; j < cell; j++)
                dc[j] = s->dcn[(size_t)i * cell + j];
            for (int k = s->T - 1; k >= 0; k--)
                for (int n = 0; n < s->N; n++)
                    step_backward(s, i, k, n, dh + n * s->Ho, dc + n * s->H);
        }
        for (size_t j = 0; level > 0 && j < level_values(s); j++)
            s->dinputs[level][j] *= s->mask[(size_t)(level - 1) * level_values(s) + j];
    }
}
