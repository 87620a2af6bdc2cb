// unrolled: recurrent networks that train. The public interface of the C core, self-contained; the
// JavaScript in ../js is written against this page and nothing else.
//
// Sizes: T time steps, N sequences side by side, I inputs, H hidden units, L layers, D directions
// (1 or 2), P projection (0: none), Ho = P or H, K outputs. All arrays are row-major float32.
//
// Everything made here is known by a handle, a positive number that is never used twice in a row: a
// handle of something destroyed, or of another kind, is UNROLLED_E_HANDLE, never a crash.
//
// A function that can fail returns a status, 0 or negative. What it has to say besides goes into
// the OUT BLOCK, a fixed array of words at unrolled_out(), valid until the next call. (A forward,
// backward or step leaves what its reserve or pending said there, but for words that it writes.) On
// an error nothing has changed, unless the function says otherwise.
//
// Pointers into the library's memory are valid as long: memory may grow, and workspaces
// move when a batch is larger than any before. Parameters never move while their module lives.
//
// Gradients of parameters are ADDED to; gradients of activations are WRITTEN.
#ifndef UNROLLED_H
#define UNROLLED_H

#include <stddef.h>
#include <stdint.h>

// A function's name as WebAssembly has it: its own without unrolled_.
#ifdef __wasm__
#define UNROLLED_API(name) __attribute__((used, visibility("default"), export_name(#name)))
#else
#define UNROLLED_API(name)
#endif

enum unrolled_status {
    UNROLLED_OK = 0,
    UNROLLED_E_ARGUMENT = -1,  // a value out of range
    UNROLLED_E_SHAPE = -2,     // sizes that do not fit each other, or overflow
    UNROLLED_E_MEMORY = -3,    // out[0] is the number of bytes that were refused
    UNROLLED_E_STATE = -4,     // backward without a forward that kept its values
    UNROLLED_E_HANDLE = -5,    // stale, foreign or of another kind
    UNROLLED_E_NONFINITE = -6, // a loss or gradient that is not finite; see unrolled_trainer_step
    UNROLLED_E_TARGET = -7     // a class that does not exist; out[0] is its place in the target
};

enum { UNROLLED_OUT_WORDS = 32 };

// The out block: UNROLLED_OUT_WORDS words of 32 bits, doubles on two of them.
UNROLLED_API(out) uint32_t *unrolled_out(void);

// out[0] bytes held, out[1] live objects.
UNROLLED_API(info) void unrolled_info(void);

// THE STAGE: a block for passing arrays in and out of one call; kept, and grown when too small. 0
// when refused. Every pointer that a function takes must lie inside the stage, with the whole of
// its array and on a multiple of its elements' size: any other is UNROLLED_E_ARGUMENT. Of an empty
// array it is not looked at.
UNROLLED_API(stage) void *unrolled_stage(size_t bytes);

// ------------------------------------------------------------------------------ random numbers
// One stream an instance, shared by initialization, dropout and shuffling (rng.h says what each
// draws). Arrays are written to `values` on the stage.
UNROLLED_API(seed) void unrolled_seed(uint32_t low);
// The state itself, opaque bytes; out[0] how many.
UNROLLED_API(rng_state) void *unrolled_rng_state(void);
// 0 or UNROLLED_E_ARGUMENT for bytes that cannot be a state. It is copied in only when it can.
UNROLLED_API(rng_restore) int unrolled_rng_restore(const void *state);
// NumPy's legacy stream; a handle, to be destroyed.
UNROLLED_API(numpy_create) int unrolled_numpy_create(uint32_t seed);
// n values, from NumPy's stream or, for numpy 0, from the instance's own:
enum {
    UNROLLED_UNIFORM,     // from a to below b; float, NumPy's are double
    UNROLLED_NORMAL,      // of mean a and deviation b; float, NumPy's are double
    UNROLLED_INTEGERS,    // from a to below b, both whole; int32
    UNROLLED_PERMUTATION, // of 0 … n - 1; int32
    UNROLLED_BERNOULLI,   // 1 with probability a, else 0; float, own stream only
    UNROLLED_EPOCH // the order of a DataLoader's epoch, shuffled unless a is 0; int32, own only
};
UNROLLED_API(draw)
int unrolled_draw(int numpy, int kind, size_t n, double a, double b, void *values);

// ------------------------------------------------------------------------------------- modules
// Creators return a handle, or a negative status. Parameters are initialized as PyTorch does, from
// the stream.
enum {
    UNROLLED_RNN_TANH,
    UNROLLED_RNN_RELU,
    UNROLLED_RNN_IDENTITY,
    UNROLLED_LSTM,
    UNROLLED_GRU,
    UNROLLED_LINEAR,
    UNROLLED_TANH,
    UNROLLED_RELU,
    UNROLLED_SIGMOID,
    UNROLLED_SOFTMAX,
    UNROLLED_LOG_SOFTMAX,
    UNROLLED_DROPOUT,
    UNROLLED_LAST_STEP
};
// CELL: of a recurrent kind not the stack of layers, but the one cell.
enum { UNROLLED_BIAS = 1, UNROLLED_BIDIRECTIONAL = 2, UNROLLED_BATCH_FIRST = 4, UNROLLED_CELL = 8 };
// I: inputs of recurrent kinds and linear ones, the last axis of the softmaxes. H: hidden units,
// outputs of linear ones. p: the dropout of a stack, or of UNROLLED_DROPOUT. L, P: of a stack.
// What a kind does not have is not looked at.
UNROLLED_API(module_create)
int unrolled_module_create(int kind, int I, int H, int flags, double p, int L, int P);
// Takes the modules over: they stay callable, and are destroyed with it. UNROLLED_E_SHAPE: out[0]
// is the place of the module whose inputs do not fit; UNROLLED_E_ARGUMENT: out[0] that of one which
// is in another Sequential, cannot stand in one, or has another batch order.
UNROLLED_API(sequential_create)
int unrolled_sequential_create(int count, const int32_t *modules);
// Destroys anything that has a handle.
UNROLLED_API(destroy) int unrolled_destroy(int handle);

// out[0] parameters, out[1] inputs, out[2] outputs (0: any), out[3] 1 when T and N matter to it,
// out[4] 1 when batch first.
UNROLLED_API(module_info) int unrolled_module_info(int module);
// out[0] data, out[1] gradient, out[2] rows, out[3] columns (0: a vector), out[4] name (C string).
// Only of a module that is no Sequential: its parameters are those of its modules.
UNROLLED_API(parameter) int unrolled_parameter(int module, int index);
enum {
    UNROLLED_INIT_UNIFORM,
    UNROLLED_INIT_NORMAL,
    UNROLLED_INIT_CONSTANT,
    UNROLLED_INIT_XAVIER_UNIFORM,
    UNROLLED_INIT_XAVIER_NORMAL,
    UNROLLED_INIT_KAIMING_UNIFORM,
    UNROLLED_INIT_KAIMING_NORMAL,
    UNROLLED_INIT_ORTHOGONAL
}; // a, b: see init.h
UNROLLED_API(initialize)
int unrolled_initialize(int module, int index, int kind, double a, double b);
UNROLLED_API(zero_grad) int unrolled_zero_grad(int module);
UNROLLED_API(train) int unrolled_train(int module, int training);

// Makes room for a forward of T steps, N sequences and F values a row; keep: for its backward too.
// Then the caller copies the input (and initial states) to the places named, and calls
// unrolled_forward with the same module at once. An earlier forward that waited for its backward is
// forgotten.
//   out[0] input        out[1] output        out[2] values in the output
//   out[3] gradient of the output            out[4] gradient of the input
//   stacks and cells: out[5] h0, out[6] c0, out[7] hn, out[8] cn; out[9] gradient of h and out[10]
//   of c, of hn and cn before a backward, of h0 and c0 after it; out[11] values in h0, out[12] in
//   c0 out[13] values in the input
UNROLLED_API(reserve) int unrolled_reserve(int module, int T, int N, int F, int keep);
enum { UNROLLED_HAS_H = 1, UNROLLED_HAS_C = 2, UNROLLED_HAS_OUTPUT = 4 }; // what was given
UNROLLED_API(forward) int unrolled_forward(int module, int given);
// The same block for the forward that waits: where its gradients go. UNROLLED_E_STATE if none does.
UNROLLED_API(pending) int unrolled_pending(int module);
UNROLLED_API(backward) int unrolled_backward(int module, int given);
// One step of a stack that carries its own state: x is copied to out[0] of unrolled_step_reserve,
// the output is at out[1], out[2] values. UNROLLED_E_SHAPE when the carried state has another N.
UNROLLED_API(step_reserve) int unrolled_step_reserve(int module, int N);
UNROLLED_API(step) int unrolled_step(int module);
// Forgets the carried state, or sets it for N sequences from h0 and c0 (NULL: zeros). N = 0:
// forgets.
UNROLLED_API(reset_state)
int unrolled_reset_state(int module, int N, const float *h0, const float *c0);

// -------------------------------------------------------------------------------------- losses
enum {
    UNROLLED_MSE,
    UNROLLED_L1,
    UNROLLED_SMOOTH_L1,
    UNROLLED_HUBER,
    UNROLLED_BCE_LOGITS,
    UNROLLED_CROSS_ENTROPY,
    UNROLLED_NLL
};
enum { UNROLLED_MEAN, UNROLLED_SUM, UNROLLED_NONE };
// weights [num_weights] are copied. parameter: see loss.h.
UNROLLED_API(loss_create)
int unrolled_loss_create(int kind, int reduction, double parameter, int ignore_index,
                         int num_weights, const float *weights);
// Shapes are int32 arrays. out[0] prediction, out[1] target, out[2] gradient of prediction,
// out[3] elements and out[4] their gradient (reduction none), out[5] their count.
UNROLLED_API(loss_reserve)
int unrolled_loss_reserve(int loss, int prediction_dims, const int32_t *prediction, int target_dims,
                          const int32_t *target);
// out[0..1] the value, a double. UNROLLED_E_TARGET for a class that does not exist.
UNROLLED_API(loss_forward) int unrolled_loss_forward(int loss);
UNROLLED_API(loss_pending)
int unrolled_loss_pending(int loss); // as reserve; E_STATE without forward
UNROLLED_API(loss_backward) int unrolled_loss_backward(int loss, int has_grad_output);

// ---------------------------------------------------------------------------------- optimizers
enum { UNROLLED_SGD, UNROLLED_ADAM, UNROLLED_ADAMW, UNROLLED_RMSPROP, UNROLLED_ADAGRAD };
// What optimizers are told, in this order, as doubles:
enum {
    UNROLLED_LR,
    UNROLLED_WEIGHT_DECAY,
    UNROLLED_EPS,
    UNROLLED_MOMENTUM,
    UNROLLED_DAMPENING,
    UNROLLED_BETA1,
    UNROLLED_BETA2,
    UNROLLED_ALPHA,
    UNROLLED_LR_DECAY,
    UNROLLED_INITIAL_ACCUMULATOR,
    UNROLLED_NESTEROV,
    UNROLLED_AMSGRAD,
    UNROLLED_CENTERED,
    UNROLLED_NUM_OPTIONS
};
// parameters: pairs (module, index), count of them.
UNROLLED_API(optimizer_create)
int unrolled_optimizer_create(int kind, const double *options, int count,
                              const int32_t *parameters);
// Replaces the options, whose number of moments must be the same (UNROLLED_E_ARGUMENT). step from 0
// on: it stands after so many updates, with moments as a new one has them; else it goes on.
UNROLLED_API(optimizer_options)
int unrolled_optimizer_options(int optimizer, const double *options, double step);
UNROLLED_API(optimizer_step) int unrolled_optimizer_step(int optimizer);
UNROLLED_API(optimizer_zero_grad) int unrolled_optimizer_zero_grad(int optimizer);
// Of parameter number `index` of the optimizer: out[0] moments, out[1] values in each, out[2..3]
// updates done (double); of each moment its name and place, from out[4] and out[5] on.
UNROLLED_API(optimizer_info) int unrolled_optimizer_info(int optimizer, int index);
// Over any parameters, pairs as above. norm_type above 0 (infinity: the largest magnitude): all
// scaled to a norm of at most `most`, out[0..1] the norm before, a double. 0: each value clamped.
UNROLLED_API(clip)
int unrolled_clip(int count, const int32_t *parameters, double most, double norm_type);

// ------------------------------------------------------------------------------------- trainer
enum { UNROLLED_THROW, UNROLLED_SKIP, UNROLLED_IGNORE }; // a loss or gradient that is not finite
// clip_norm 0: no clipping. The three live on their own; destroying one makes the trainer stale.
UNROLLED_API(trainer_create)
int unrolled_trainer_create(int module, int loss, int optimizer, double clip_norm,
                            int on_nonfinite);
// Room for one batch; target_dims -1: the target has the prediction's shape (classes: one a row).
// targets: how many values of it the caller has, SIZE_MAX when not known yet. UNROLLED_E_TARGET:
// out[0] values are what the batch takes; nothing has changed.
// out[0] input, out[1] target, out[2] values in the target, out[3] values in the prediction,
// out[4] its axes, out[5…] their sizes.
UNROLLED_API(trainer_reserve)
int unrolled_trainer_reserve(int trainer, int T, int N, int F, int target_dims,
                             const int32_t *target, size_t targets);
// The whole step. out[0..1] the loss before the update, a double. UNROLLED_E_NONFINITE: nothing was
// updated; out[2] is the number, among all of the model's parameters, of the first one whose
// gradient is not finite, -1 when it is the loss. UNROLLED_E_TARGET: out[0] the place in the
// target.
UNROLLED_API(trainer_step) int unrolled_trainer_step(int trainer);

#endif
