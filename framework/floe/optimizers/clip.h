// Gradient clipping.
#pragma once

#include <floe/tape/gradients.h>
#include <floe/tape/operand.h>
#include <floe/tape/record.h>

namespace floe {

Tensor clip_by_norm(Operand x,
                    double limit);  // x scaled down so that its norm is at most `limit`, which must be above 0

Gradients clip_by_value(const Gradients& gradients, double limit);        // each element to [-limit, limit]
Gradients clip_by_norm(const Gradients& gradients, double limit);         // each gradient by its own norm
Gradients clip_by_global_norm(const Gradients& gradients, double limit);  // all by the norm of all together,
// and all NaN if that is not finite, as TensorFlow does
double global_norm(const Gradients& gradients);

}  // namespace floe
