// torch.nn.Tanh, ReLU, Sigmoid elementwise; Softmax and LogSoftmax over the last axis.
#ifndef UNROLLED_ACTIVATION_H
#define UNROLLED_ACTIVATION_H

#include "module.h"

// kind: UNROLLED_TANH … UNROLLED_LOG_SOFTMAX; size: of the last axis, 0 where it does not matter.
// NULL: no memory.
module *activation_create(int kind, int size);

#endif
