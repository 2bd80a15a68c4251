// Reductions over any axes. All axes unless some are named; `keepdims` leaves reduced axes as size 1.
#pragma once

#include <concepts>
#include <initializer_list>
#include <vector>

#include <floe/tape/operand.h>

namespace floe {

// Which axes to reduce: all, one, or several; negative counts from the end. {} is all, an empty vector is none.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : all_(false), axes_{axis} {}
  template <std::same_as<bool> Keepdims>
  Axes(Keepdims) = delete;  // write reduce_sum(x, {}, true)
  Axes(std::initializer_list<int> axes) : all_(false), axes_(axes) {}
  Axes(std::vector<int> axes) : all_(false), axes_(std::move(axes)) {}

  bool all() const { return all_; }
  const std::vector<int>& list() const { return axes_; }

 private:
  bool all_ = true;
  std::vector<int> axes_;
};

Tensor reduce_sum(Operand x, Axes axes = {},
                  bool keepdims = false);  // floats, int32, int64, which wrap; 0 over nothing
Tensor reduce_mean(Operand x, Axes axes = {}, bool keepdims = false);       // floats; NaN over nothing
Tensor reduce_variance(Operand x, Axes axes = {}, bool keepdims = false);   // biased: mean of squared deviations
Tensor reduce_max(Operand x, Axes axes = {}, bool keepdims = false);        // ties share the gradient
Tensor reduce_min(Operand x, Axes axes = {}, bool keepdims = false);
Tensor reduce_prod(Operand x, Axes axes = {}, bool keepdims = false);       // floats; exact gradients at zeros
Tensor reduce_logsumexp(Operand x, Axes axes = {}, bool keepdims = false);  // log(sum(exp(x))) without overflow
Tensor reduce_any(Operand x, Axes axes = {}, bool keepdims = false);        // bool
Tensor reduce_all(Operand x, Axes axes = {}, bool keepdims = false);        // bool

Tensor argmax(Operand x, int axis = -1);  // int64, the first of equals; no gradient
Tensor argmin(Operand x, int axis = -1);

Tensor cumsum(Operand x, int axis, bool exclusive = false, bool reverse = false);

struct TopK {
  Tensor values;   // (..., k), largest first
  Tensor indices;  // (..., k), int64
};
TopK top_k(Operand x, std::int64_t k);  // along the last axis; gradients flow through the values

Tensor norm(Operand x);  // the root of the sum of squares, a scalar; its gradient at zeros is 0

// x summed over the axes in which it was broadcast from `shape`: the gradient of broadcasting.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace floe
