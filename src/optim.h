// Optimizers over spans of parameters: the update rules of torch.optim, to the letter (the formula
// of the "single tensor" path of PyTorch 1.13; scalars are computed in double and rounded once to
// float32, as Python hands them over). Clipping by norm and by value as torch.nn.utils.
#ifndef UNROLLED_OPTIM_H
#define UNROLLED_OPTIM_H

#include "base.h"

typedef enum {
    OPTIM_SGD,
    OPTIM_ADAM,
    OPTIM_ADAMW,
    OPTIM_RMSPROP,
    OPTIM_ADAGRAD,
    OPTIM_KINDS
} optim_kind;

// One record of options for all kinds; a kind reads its own.
typedef struct {
    double lr;
    double weight_decay;
    double eps;
    double momentum;            // SGD, RMSprop
    double dampening;           // SGD
    double beta1, beta2;        // Adam, AdamW
    double alpha;               // RMSprop
    double lr_decay;            // Adagrad
    double initial_accumulator; // Adagrad
    bool nesterov;              // SGD
    bool amsgrad;               // Adam, AdamW
    bool centered;              // RMSprop
} optim_options;

enum { OPTIM_MAX_MOMENTS = 3 };

// A run of parameters that lie one behind the other in memory, with their gradients.
typedef struct {
    float *data; // [count]
    float *grad; // [count]
    size_t count;
    float *moments[OPTIM_MAX_MOMENTS]; // [count] each; as many as optim_num_moments says
} optim_span;

typedef struct {
    optim_kind kind;
    optim_options options;
    double step; // updates done; a whole number
    int num_spans;
    optim_span *spans; // [num_spans]
} optimizer;

// How many moments a kind keeps with these options, and their PyTorch names (static strings; NULL
// for an index out of range), in this order:
// SGD: momentum_buffer (only with momentum); Adam(W): exp_avg, exp_avg_sq, max_exp_avg_sq
// (amsgrad); RMSprop: square_avg, momentum_buffer (momentum), grad_avg (centered); Adagrad: sum.
int optim_num_moments(optim_kind kind, const optim_options *options);
const char *optim_moment_name(optim_kind kind, const optim_options *options, int index);

// Fills the moments with what they start from (zeros; Adagrad: initial_accumulator); step is 0.
void optim_init(optimizer *o);

// One update of every span: reads grad (never writes it), adds 1 to step.
// SGD's first step sets the momentum buffer to the gradient (no dampening), as PyTorch does.
void optim_update(optimizer *o);

// Every gradient to zero.
void optim_zero_grad(const optim_span *spans, int num_spans);

// The norm of all gradients together: type 1, 2, 3, … or INFINITY (any type > 0).
// Type 2 sums blocks in float, blocks in double; where that overflows, and for other types, all is
// in double, which is slow. Accurate at any length; NaN or Inf where a gradient is.
double optim_grad_norm(const optim_span *spans, int num_spans, double type);

// grad *= min(1, max_norm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_: an infinite norm
// leaves 0 (and NaN where the infinity was), a NaN makes all NaN.
void optim_clip_norm(const optim_span *spans, int num_spans, double norm, double max_norm);

// grad = clamp(grad, -value, value); NaN stays NaN.
void optim_clip_value(const optim_span *spans, int num_spans, double value);

#endif
