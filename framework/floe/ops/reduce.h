// Reductions over any axes. All axes unless some are named; the result has the other axes, in their order, and with
// `keepdims` the reduced ones as size 1. ShapeError for an axis that does not exist or is named twice, DTypeError for a
// dtype that is not listed, ValueError for a tensor without a value.
#pragma once

#include <concepts>
#include <initializer_list>
#include <vector>

#include <floe/tape/operand.h>

namespace floe {

// Which axes to reduce: all, one, or several; negative counts from the end. {} is all, an empty vector is none.
class Axes {
 public:
  Axes() = default;  // all of them
  Axes(int axis) : all_(false), axes_{axis} {}  // one
  template <std::same_as<bool> Keepdims>
  Axes(Keepdims) = delete;  // write reduce_sum(x, {}, true)
  Axes(std::initializer_list<int> axes) : all_(false), axes_(axes) {}  // several, {} being all
  Axes(std::vector<int> axes) : all_(false), axes_(std::move(axes)) {}  // several, none if it is empty

  bool all() const { return all_; }  // were none named?
  const std::vector<int>& list() const { return axes_; }  // those named

 private:
  bool all_ = true;
  std::vector<int> axes_;
};

// float32, float64, int32 and int64; integers wrap. 0 over nothing.
Tensor reduce_sum(Operand x, Axes axes = {}, bool keepdims = false);
// Floats; NaN over nothing. The variance is biased: the mean of squared deviations from the mean.
Tensor reduce_mean(Operand x, Axes axes = {}, bool keepdims = false);
Tensor reduce_variance(Operand x, Axes axes = {}, bool keepdims = false);
// Any numbers; NaN if one is. Ties share the gradient, which only floats have. ShapeError over nothing.
Tensor reduce_max(Operand x, Axes axes = {}, bool keepdims = false);
Tensor reduce_min(Operand x, Axes axes = {}, bool keepdims = false);
// Any numbers, of which integers wrap; 1 over nothing. Exact gradients also where factors are 0.
Tensor reduce_prod(Operand x, Axes axes = {}, bool keepdims = false);
// Floats: log(sum(exp(x))) without overflow; -infinity over nothing.
Tensor reduce_logsumexp(Operand x, Axes axes = {}, bool keepdims = false);
// bool from bool; over nothing false and true. No gradient.
Tensor reduce_any(Operand x, Axes axes = {}, bool keepdims = false);
Tensor reduce_all(Operand x, Axes axes = {}, bool keepdims = false);

// The place of the largest or smallest along one axis, int64 in the shape of x without it: the first of equals, and in
// both the first NaN before any number. Any numbers; ShapeError if the axis is empty. No gradient.
Tensor argmax(Operand x, int axis = -1);
Tensor argmin(Operand x, int axis = -1);

// The sums of all elements up to each along one axis, in the shape of x: itself included or, if `exclusive`, not; from
// the end if `reverse`. float32, float64, int32 and int64; integers wrap.
Tensor cumsum(Operand x, int axis, bool exclusive = false, bool reverse = false);

// What top_k gives.
struct TopK {
  Tensor values;   // (..., k), largest first, NaN before all
  Tensor indices;  // (..., k), int64; among equals the smaller comes first
};
// x (..., size) of any numbers, along the last axis; gradients flow through the values. ValueError unless k is from 0
// to size, ShapeError for a scalar.
TopK top_k(Operand x, std::int64_t k);

// Floats: the root of the sum of all squares, a scalar, also where the squares themselves would be too large or too
// small for the dtype. Its gradient at zeros is 0.
Tensor norm(Operand x);

// A power of two, as a scalar, times which the largest element of x has a square that neither overflows nor vanishes: 1
// unless it is very large or very small. Not recorded.
Tensor scale_for_squares(const Tensor& x);

// x summed to `shape`, which must be one that broadcasts to the shape of x: the gradient of broadcasting.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace floe
