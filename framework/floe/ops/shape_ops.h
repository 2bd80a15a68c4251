// Ops that move or repeat elements: the values stay, the places change. Any dtype; gradients where it is floating.
// Axes count from 0, or from the end as -1, -2, ...
#pragma once

#include <optional>
#include <vector>

#include <floe/tape/operand.h>

namespace floe {

using AxisList = std::vector<int>;

Tensor reshape(Operand x, Shape shape);                        // one size may be -1: what is left; shares storage
Tensor flatten(Operand x);                                     // (batch, ...) -> (batch, rest)
Tensor squeeze(Operand x, AxisList axes = {});  // without those axes of size 1 (all of them if none named)
Tensor expand_dims(Operand x, int axis);        // a new axis of size 1 before `axis`; -1 is behind the last
Tensor transpose(Operand x, AxisList order = {});              // result axis i is x's axis order[i]; reversed if empty
Tensor broadcast_to(Operand x, const Shape& shape);
Tensor flip(Operand x, AxisList axes);
Tensor tile(Operand x, const std::vector<std::int64_t>& repeats);  // one count for each axis

// The range [begin, end) of one axis, every `step`-th element; negative positions count from the end. A leading-axis
// range with step 1 shares storage.
Tensor slice(Operand x, int axis, std::int64_t begin, std::optional<std::int64_t> end = {}, std::int64_t step = 1);

Tensor concat(const Tensors& parts, int axis, Location where = Location::here());
Tensor stack(const Tensors& parts, int axis = 0, Location where = Location::here());    // along a new axis
Tensors split(Operand x, int axis, std::int64_t parts);                                 // equal parts
Tensors split(Operand x, int axis, const std::vector<std::int64_t>& sizes);             // sizes that add up
Tensor pad(Operand x, const std::vector<std::pair<std::int64_t, std::int64_t>>& before_after, double value = 0);

// Parts of x along `axis` by index (int32 or int64, any shape, each from 0 to size - 1): the shape of x with that axis
// replaced by the shape of indices. Gradients of repeated indices add up: an embedding lookup is gather(table, ids).
Tensor gather(Operand x, Operand indices, int axis = 0);

// The reverse: zeros of (size, ...) with each part of x (count, ...) added at its index (count,). Repeats add up.
Tensor scatter(Operand x, Operand indices, std::int64_t size);

// indices (any shape, int32 or int64) -> that shape with a last axis of `depth`, 1 at the index, 0 elsewhere.
Tensor one_hot(Operand indices, std::int64_t depth, DType dtype = DType::float32);

// Floats to integers are cut off towards 0, beyond the range to its nearest end, NaN to 0; integers to smaller ones wrap;
// to bool: is it not 0? Gradient between floats.
Tensor cast(Operand x, DType dtype);

}  // namespace floe
