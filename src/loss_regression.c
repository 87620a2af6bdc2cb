// Losses of a prediction x against a target t, d = x - t:
//
//     MSE        d^2                                                   slope  2 d               (1)
//     L1         |d|                                                   slope  sign(d)           (2)
//     SmoothL1   |d| < beta: d^2 / (2 beta), else |d| - beta / 2       slope  d / beta, sign(d) (3)
//     Huber      |d| < delta: d^2 / 2, else delta (|d| - delta / 2)    slope  d, delta sign(d)  (4)
//     BCE        -w t log(s(x)) - (1 - t) log(1 - s(x)), s the sigmoid and w pos_weight,
//                as (1 - t) x + (1 + (w - 1) t) log(1 + e^-x)          slope  below             (5)
//
// and shapes that broadcast: an operand stands still along the axes where it is repeated, and the
// gradient of a prediction that met many targets is the sum of the slopes.
//
// Source: the pages of the five losses in torch.nn (SmoothL1: Girshick 2015; Huber 1964).
#include "loss_parts.h"
#include "vmath.h"

typedef struct {
    loss_kind kind;
    f32x4 parameter;      // beta or delta
    const float *weights; // pos_weight: [1], or along the last axis
    size_t weight_step;   // 0 or 1
} formula;

static formula formula_of(const loss *l)
{
    static const float one = 1;
    const int weights = l->kind == LOSS_BCE_LOGITS ? l->num_weights : 0;
    return (formula){.kind = l->kind,
                     .parameter = f32x4_splat((float)l->parameter),
                     .weights = weights ? l->weights : &one,
                     .weight_step = weights > 1};
}

// Places i to i + lanes of a row; step 0: of one value that is repeated.
static inline f32x4 load_row(const float *row, size_t step, size_t i, int lanes)
{
    return step ? f32x4_load_n(row + i, lanes) : f32x4_load_splat(row);
}

// log(1 + e^-y), y >= 0. The logarithm is of 1 + e^-y rounded; what rounding took away follows, or
// losses below 1e-7 would be 0.
static inline f32x4 log1p_exp_minus(f32x4 y)
{
    const f32x4 one = f32x4_splat(1.0F);
    const f32x4 u = f32x4_exp(f32x4_neg(y));
    const f32x4 sum = f32x4_add(one, u);
    const f32x4 lost = f32x4_sub(u, f32x4_sub(sum, one));
    return f32x4_add(f32x4_log(sum), f32x4_div(lost, sum));
}

static inline f32x4 value(const formula *f, f32x4 x, f32x4 t, f32x4 w)
{
    const f32x4 zero = f32x4_zero(), half = f32x4_splat(0.5F), one = f32x4_splat(1.0F);
    const f32x4 d = f32x4_sub(x, t), size = f32x4_abs(d);
    const f32x4 half_square = f32x4_mul(f32x4_mul(half, d), d);
    const f32x4 beyond = f32x4_sub(size, f32x4_mul(half, f->parameter));
    const i32x4 near = f32x4_lt(size, f->parameter);

    switch (f->kind) {
    case LOSS_MSE:
        return f32x4_mul(d, d); // (1)
    case LOSS_L1:
        return size; // (2)
    case LOSS_SMOOTH_L1:
        return f32x4_select(near, f32x4_div(half_square, f->parameter), beyond); // (3)
    case LOSS_HUBER:
        return f32x4_select(near, half_square, f32x4_mul(f->parameter, beyond)); // (4)
    default: // (5), where log(1 + e^-x) = max(-x, 0) + log(1 + e^-|x|) never overflows
        break;
    }
    const f32x4 weight = f32x4_add(one, f32x4_mul(f32x4_sub(w, one), t));
    const f32x4 slack = f32x4_mul(weight, f32x4_max(f32x4_neg(x), zero));
    const f32x4 linear = f32x4_add(f32x4_mul(f32x4_sub(one, t), x), slack);
    return f32x4_add(linear, f32x4_mul(weight, log1p_exp_minus(f32x4_abs(x))));
}

// 1, -1, and 0 for 0 and NaN.
static inline f32x4 sign(f32x4 d)
{
    const f32x4 zero = f32x4_zero(), one = f32x4_splat(1.0F);
    const f32x4 negative = f32x4_select(f32x4_lt(d, zero), f32x4_neg(one), zero);
    return f32x4_select(f32x4_lt(zero, d), one, negative);
}

// The derivative of value by x; of MSE half of it, which backward makes up for in its scale.
static inline f32x4 slope(const formula *f, f32x4 x, f32x4 t, f32x4 w)
{
    const f32x4 zero = f32x4_zero(), one = f32x4_splat(1.0F);
    const f32x4 d = f32x4_sub(x, t);
    const i32x4 far = f32x4_le(f->parameter, f32x4_abs(d)); // not so for NaN, which then stays

    switch (f->kind) {
    case LOSS_MSE:
        return d; // (1)
    case LOSS_L1:
        return sign(d); // (2)
    case LOSS_SMOOTH_L1: {
        // With beta 0 and d 0 PyTorch answers -1, and so do we.
        const f32x4 side = f32x4_select(f32x4_lt(zero, d), one, f32x4_neg(one));
        return f32x4_select(far, side, f32x4_div(d, f->parameter)); // (3)
    }
    case LOSS_HUBER:
        return f32x4_select(far, f32x4_mul(f->parameter, sign(d)), d); // (4)
    default:
        break;
    }
    // (5): (1 + (w - 1) t) s(x) - w t
    const f32x4 wt = f32x4_mul(w, t);
    const f32x4 weight = f32x4_sub(f32x4_add(wt, one), t);
    return f32x4_sub(f32x4_mul(weight, f32x4_sigmoid(x)), wt);
}

// ------------------------------------------------------------------------------------ broadcasting

// A walk over some of the axes, as nested loops would do it: the offsets of the place it is at.
typedef struct {
    int dims;
    size_t size[LOSS_MAX_DIMS], index[LOSS_MAX_DIMS];
    size_t x_step[LOSS_MAX_DIMS], t_step[LOSS_MAX_DIMS], y_step[LOSS_MAX_DIMS];
    size_t x, t, y; // in the prediction, in the target, in the broadcast result
} walk;

enum { KEPT = 1, REPEATED = 2 }; // axes along which the prediction moves, or stands still

// Over all axes of these sorts except the last, which rows lie along.
static walk walk_over(const loss_pair *pair, int sorts)
{
    walk w = {.dims = 0};
    size_t y_step = pair->count;
    for (int d = 0; d < pair->dims - 1; d++) {
        y_step /= pair->size[d];
        if (!(sorts & (pair->prediction_step[d] ? KEPT : REPEATED)))
            continue;
        w.size[w.dims] = pair->size[d];
        w.x_step[w.dims] = pair->prediction_step[d];
        w.t_step[w.dims] = pair->target_step[d];
        w.y_step[w.dims++] = y_step;
    }
    return w;
}

// To the next place; false, and back at the first, after the last.
static bool walk_on(walk *w)
{
    for (int d = w->dims - 1; d >= 0; d--) {
        w->x += w->x_step[d], w->t += w->t_step[d], w->y += w->y_step[d];
        if (++w->index[d] < w->size[d])
            return true;
        w->index[d] = 0;
        w->x -= w->x_step[d] * w->size[d];
        w->t -= w->t_step[d] * w->size[d];
        w->y -= w->y_step[d] * w->size[d];
    }
    return false;
}

// ---------------------------------------------------------------------------- forward and backward

double loss_regression_forward(const loss *l, const loss_pair *pair, const float *prediction,
                               const float *target, float *elements)
{
    const formula f = formula_of(l);
    const int last = pair->dims - 1;
    const size_t n = pair->size[last]; // in a row
    const size_t x_step = pair->prediction_step[last], t_step = pair->target_step[last];
    walk rows = walk_over(pair, KEPT | REPEATED);
    loss_sum sum = loss_sum_zero();

    do {
        const float *x = prediction + rows.x, *t = target + rows.t;
        for (size_t i = 0; i < n; i += 4) { // most of the running time is spent here
            const int lanes = simd_lanes(i, n);
            const f32x4 w = load_row(f.weights, f.weight_step, i, lanes);
            const f32x4 v =
                value(&f, load_row(x, x_step, i, lanes), load_row(t, t_step, i, lanes), w);
            if (elements)
                f32x4_store_n(elements + rows.y + i, v, lanes);
            else
                loss_sum_add(&sum, f32x4_first(v, lanes, f32x4_zero()));
        }
    } while (walk_on(&rows));
    loss_sum_close(&sum);
    return loss_sum_total(&sum);
}

// dprediction where no place of the prediction is repeated: one slope each.
static void backward_each(const formula *f, const loss_pair *pair, const float *prediction,
                          const float *target, const float *grad_output, f32x4 scale,
                          float *dprediction)
{
    const int last = pair->dims - 1;
    const size_t n = pair->size[last], t_step = pair->target_step[last];
    walk rows = walk_over(pair, KEPT | REPEATED);

    do {
        const float *x = prediction + rows.x, *t = target + rows.t;
        for (size_t i = 0; i < n; i += 4) { // most of the running time is spent here
            const int lanes = simd_lanes(i, n);
            const f32x4 w = load_row(f->weights, f->weight_step, i, lanes);
            f32x4 s = slope(f, f32x4_load_n(x + i, lanes), load_row(t, t_step, i, lanes), w);
            s = f32x4_mul(s, scale);
            if (grad_output)
                s = f32x4_mul(s, f32x4_load_n(grad_output + rows.y + i, lanes));
            f32x4_store_n(dprediction + rows.x + i, s, lanes);
        }
    } while (walk_on(&rows));
}

// dprediction where it is: each place, or four neighbours side by side when the last axis is not
// repeated, adds up its slopes along all repeated axes.
static void backward_summed(const formula *f, const loss_pair *pair, const float *prediction,
                            const float *target, const float *grad_output, double scale,
                            float *dprediction)
{
    const int last = pair->dims - 1;
    const size_t n = pair->size[last];
    const size_t x_step = pair->prediction_step[last], t_step = pair->target_step[last];
    const size_t width = x_step ? 4 : n; // of the part of a row that is summed at once
    const f32x4 one = f32x4_splat(1.0F);
    walk places = walk_over(pair, KEPT), repeats = walk_over(pair, REPEATED);

    do {
        const float *x = prediction + places.x;
        for (size_t start = 0; start < n; start += width) {
            const size_t end = n - start < width ? n : start + width;
            loss_sum sum = loss_sum_zero();
            do {
                const float *t = target + places.t + repeats.t;
                const size_t y = places.y + repeats.y;
                for (size_t i = start; i < end; i += 4) {
                    const int lanes = simd_lanes(i, end);
                    f32x4 s =
                        slope(f, load_row(x, x_step, i, lanes), load_row(t, t_step, i, lanes), one);
                    if (grad_output)
                        s = f32x4_mul(s, f32x4_load_n(grad_output + y + i, lanes));
                    loss_sum_add(&sum, f32x4_first(s, lanes, f32x4_zero()));
                }
            } while (walk_on(&repeats));
            loss_sum_close(&sum);

            float *dx = dprediction + places.x + (x_step ? start : 0);
            if (!x_step)
                dx[0] = (float)(loss_sum_total(&sum) * scale);
            for (size_t k = 0; x_step && k < end - start; k++)
                dx[k] = (float)(sum.lane[k] * scale);
        }
    } while (walk_on(&places));
}

void loss_regression_backward(const loss *l, const loss_pair *pair, const float *prediction,
                              const float *target, const float *grad_output, double scale,
                              float *dprediction)
{
    const formula f = formula_of(l);

    if (l->kind == LOSS_MSE)
        scale *= 2; // (1): 2 d alone could overflow where 2 / n times d does not
    if (pair->predictions == pair->count)
        backward_each(&f, pair, prediction, target, grad_output, f32x4_splat((float)scale),
                      dprediction);
    else
        backward_summed(&f, pair, prediction, target, grad_output, scale, dprediction);
}
