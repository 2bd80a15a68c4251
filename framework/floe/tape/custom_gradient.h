// custom_gradient: a function with a gradient of one's own.
#pragma once

#include <functional>

#include <floe/tensor/tensor.h>

namespace floe {

// forward(x) as it is, but what flows back is backward(dy, x, y), in the shape and dtype of x, or an undefined tensor for
// nothing. The forward ops are not recorded.
//
//   Tensor clip_gradient(const Tensor& x, double limit) {
//     return custom_gradient(x, [](const Tensor& x) { return x; },
//                            [=](const Tensor& dy, const Tensor&, const Tensor&) { return clip_by_norm(dy, limit); });
//   }
Tensor custom_gradient(const Tensor& x, const std::function<Tensor(const Tensor& x)>& forward,
                       std::function<Tensor(const Tensor& dy, const Tensor& x, const Tensor& y)> backward,
                       Location where = Location::here());

// The same for several inputs; backward gives one gradient for each, in order.
Tensor custom_gradient(const Tensors& inputs, const std::function<Tensor(const Tensors& inputs)>& forward,
                       std::function<Tensors(const Tensor& dy, const Tensors& inputs, const Tensor& y)> backward,
                       Location where = Location::here());

}  // namespace floe
