// custom_gradient: a function with a gradient of your own.
#pragma once

#include <functional>

#include <floe/tensor/tensor.h>

namespace floe {

// forward(x) as it is, but what flows back is backward(dy, x, y), with dy and y in the shape of forward(x). It gives
// the shape and dtype of x (else GradientError), or an undefined tensor for nothing.
//
// While forward runs, nothing is recorded on this thread: a tape begun inside it sees no op. The same holds for
// backward, unless the gradient is taken with {.differentiable = true}: then backward must be made of ops.
//
//   Tensor clip_gradient(const Tensor& x, double limit) {
//     return custom_gradient(x, [](const Tensor& x) { return x; },
//                            [=](const Tensor& dy, const Tensor&, const Tensor&) { return clip_by_norm(dy, limit); });
//   }
Tensor custom_gradient(const Tensor& x, const std::function<Tensor(const Tensor& x)>& forward,
                       std::function<Tensor(const Tensor& dy, const Tensor& x, const Tensor& y)> backward,
                       Location where = Location::here());

// The same for several inputs; backward gives one gradient for each, in order (GradientError for another number).
Tensor custom_gradient(const Tensors& inputs, const std::function<Tensor(const Tensors& inputs)>& forward,
                       std::function<Tensors(const Tensor& dy, const Tensors& inputs, const Tensor& y)> backward,
                       Location where = Location::here());

}  // namespace floe
