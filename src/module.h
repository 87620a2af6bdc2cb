// The record that every module is: sizes, one table of parameters, one workspace, and what its kind
// does. An LSTM is a module, a Linear is a module, a Sequential of modules is a module.
//
// The way of a forward and its backward:
//
//     module_reserve     plans the workspace for this batch; may fail, changes no values
//     module_forward     reads x, leaves the result in m->y
//     module_backward    reads dy and what the forward kept; leaves the input's gradient in m->dx
//                        (when wanted) and ADDS to m->grads
//
// x must stay where it is until the backward. y, dx and all that is kept belong to the module.
// Inside a module the order is always time first: x [T][N][F]. (The caller's order is call.c's
// business.)
#ifndef UNROLLED_MODULE_H
#define UNROLLED_MODULE_H

#include "rng.h"
#include "workspace.h"

enum { PARAMETER_NAME = 32 }; // "weight_ih", "_l", nine digits, "_reverse"

// One tensor of parameters. The table is the single list that initialization, optimizers, weights
// files and the state dict walk.
typedef struct {
    char name[PARAMETER_NAME]; // PyTorch's
    int rows, cols;            // [rows][cols]; cols 0: a vector [rows]
    size_t offset;             // floats from module.params
    double bound;              // starts as uniform(-bound, bound)
    float **place;             // where its kind keeps its address
} parameter;

static inline size_t parameter_count(const parameter *p)
{
    return (size_t)p->rows * (p->cols ? (size_t)p->cols : 1);
}

// The largest size that a module may be given: G·H, D·Ho and what is rounded up still fit an int.
// Nothing near it fits into memory, so beyond it the answer is UNROLLED_E_MEMORY.
enum { MODULE_LARGEST = INT32_MAX / 16 };

// T steps of N sequences, F values each.
typedef struct {
    int T, N, F;
} shape;

bool shape_same(const shape *a, const shape *b);
size_t shape_values(const shape *s); // T·N·F

typedef struct module module;

// What a kind does. Its y and dx are planned for it.
typedef struct {
    // Takes what else a batch of m->in needs; called twice (see arena.h). NULL: nothing.
    void (*plan)(module *m, arena *a);
    void (*forward)(module *m, const float *x);
    void (*backward)(module *m, const float *dy, int wanted);
    // Frees what the kind itself holds; NULL: nothing.
    void (*destroy)(module *m);
} module_kind;

// Where a call from outside puts what it gives and finds what it gets, in the caller's batch order
// (call.c).
typedef struct {
    workspace space;
    shape in; // what it was planned for: the module itself may be planned for something else since
    bool keep;
    float *input;   // [N][T][F] or [T][N][F]
    float *doutput; // gradient of the output, likewise
    // Only where the caller's order differs from time first, else NULL:
    float *x;      // input, time first
    float *output; // the module's y, caller's order
    float *dy;     // doutput, time first
    float *dinput; // the module's dx, caller's order
} module_call;

struct module {
    const module_kind *kind;
    int handle;          // by which the caller knows it
    int inputs, outputs; // values in a row of x and of y; 0: any, and y as x
    bool uses_time;      // T and N matter: not just a set of rows
    bool recurrent;      // or has something recurrent inside
    bool many_to_one;    // one step comes out of T
    bool batch_first;    // the caller's arrays are [N][T][F]
    bool training;       // dropout on
    module *parent;      // the Sequential that owns it, or NULL
    module *next;        // the one after it there
    int depth;           // of the Sequentials inside it: 0 for a module that is none
    int num_children;
    module **children; // [num_children], owned

    int num_parameters;
    parameter *table;      // [num_parameters]
    size_t num_values;     // of all parameters
    float *params, *grads; // [num_values] each, one after the other, in PyTorch's order
    bool fresh;            // grads hold nothing yet: the next backward writes, and does not add
    bool suspect;          // a gradient written since may not be finite

    shape in, out;   // of the batch that is planned
    bool keep;       // planned for a backward too
    bool pending;    // a forward waits for its backward
    bool called;     // that forward was called from outside, not by the parent
    int given;       // what the caller gave that forward besides x: UNROLLED_HAS_H, _C
    int dgiven;      // and its backward besides dy: likewise
    workspace space; // what the plan assigns
    float *y;        // [out.T][out.N][out.F]
    float *dx;       // [in.T][in.N][in.F]

    module_call call;
};

// A module record of `size` bytes (the kind's struct, whose first member is a module), all zero but
// for kind and training, and a table with room for `parameters`. largest: of the sizes it was asked
// for. NULL: no memory.
void *module_create(const module_kind *kind, size_t size, int largest, size_t parameters);

// Appends to the table, in PyTorch's order; rows 0: there is none. module_finish sets *place to its
// values; grads are num_values behind them. The name is that of PyTorch in two parts.
void module_parameter(module *m, const char *name, const char *suffix, int rows, int cols,
                      double bound, float **place);
// After the last one: takes params and grads, and draws the default initialization. Returns what
// was made; NULL when there is no memory: then it is destroyed. made NULL: likewise.
void *module_finish(void *made, rng *r);

// Runs a plan twice: over a counting arena, and over the workspace, which has grown to what it
// counted.
status module_plan(module *m, workspace *w, void (*plan)(module *m, arena *a));
// [T][N][F], NULL when not wanted.
float *module_array(arena *a, const shape *s, bool wanted);

// The shape that comes out of a batch: UNROLLED_E_SHAPE when the module does not take it. Changes
// nothing.
status module_shape(const module *m, shape in, shape *out);

// Plans for a batch, or finds that the plan already fits. On UNROLLED_E_MEMORY and UNROLLED_E_SHAPE
// the module keeps its parameters; a forward that waited is forgotten when the shape was accepted.
status module_reserve(module *m, shape in, bool keep);
// Whether the plan still stands, the children's too: one of them may have been planned for another
// batch since.
bool module_planned(const module *m);
void module_forward(module *m, const float *x, int given);
// dy may be NULL for a stack: only the gradients of its final states count. wanted: a sum of
enum { WANT_INPUT = 1, WANT_STATE = 2 }; // dx, and the gradients of initial states
void module_backward(module *m, const float *dy, int dgiven, int wanted);

// The module after m in a walk through root and all that is inside it; NULL after the last.
module *module_next(const module *root, const module *m);

// These go through the children too.
void module_zero_grad(module *m);
void module_fresh_grad(module *m); // zero_grad at no cost, where a backward follows at once
void module_train(module *m, bool training);
bool module_suspect(const module *m); // of a gradient that is not finite, written since zero_grad
void module_destroy(module *m);       // everything it holds, and itself

// Whether the caller's order of such a batch differs from time first.
bool module_swaps(const module *m, const shape *s);

#endif
