// Gradient clipping: gradients of the same shapes, in the same order. ValueError unless the limit is above 0 and finite,
// for clip_by_norm also in the dtype.
#pragma once

#include <floe/tape/gradients.h>
#include <floe/tape/operand.h>

namespace floe {

// x * limit / max(norm(x), limit): the shape of x and a norm of at most `limit`; NaN if the norm is. Recorded.
Tensor clip_by_norm(Operand x, double limit);

// Below, nothing is recorded.
Gradients clip_by_value(const Gradients& gradients, double limit);  // each element to [-limit, limit]; NaN stays
Gradients clip_by_norm(const Gradients& gradients, double limit);   // each gradient by its own norm

// All of them by their joint norm, and all NaN if that is not finite, as TensorFlow does. On a GPU nothing is waited
// for. Pascanu, Mikolov and Bengio, 2013.
Gradients clip_by_global_norm(const Gradients& gradients, double limit);

// The root of the sum of the squares of all elements; 0 without gradients.
double global_norm(const Gradients& gradients);

}  // namespace floe
