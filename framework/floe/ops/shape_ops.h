// Ops that move or repeat elements: the values stay, the places change. Any dtype, which the result has; gradients
// where it is floating. Axes count from 0, or from the end as -1, -2, ...; ShapeError for one that does not exist or is
// named twice, for shapes that do not fit, have too many axes or cannot be counted; ValueError without a value.
#pragma once

#include <optional>
#include <vector>

#include <floe/tape/operand.h>

namespace floe {

using AxisList = std::vector<int>;  // negative axes count from the end

// These four share storage.
Tensor reshape(Operand x, Shape shape);         // into as many elements; one size may be -1: what is left
Tensor flatten(Operand x);                      // (batch, ...) -> (batch, rest)
Tensor squeeze(Operand x, AxisList axes = {});  // without those axes of size 1 (all of them if none are named)
Tensor expand_dims(Operand x, int axis);        // a new axis of size 1 before `axis`; -1 is after the last

Tensor transpose(Operand x, AxisList order = {});    // result axis i is x's axis order[i]; reversed if empty
Tensor broadcast_to(Operand x, const Shape& shape);  // `shape`: axes of size 1 and new ones in front are repeated
Tensor flip(Operand x, AxisList axes);               // the shape of x, those axes read from their end

// x as often along each axis as its count says: sizes are multiplied. ValueError for a negative count.
Tensor tile(Operand x, const std::vector<std::int64_t>& repeats);

// The range [begin, end) of one axis, every `step`-th element: the size of that axis becomes ceil((end - begin) /
// step). Negative positions count from the end. A leading-axis range with step 1 shares storage. ShapeError for a range
// that runs backwards or beyond the axis, ValueError for a step below 1.
Tensor slice(Operand x, int axis, std::int64_t begin, std::optional<std::int64_t> end = {}, std::int64_t step = 1);

// concat: parts alike except for the size of `axis`, which adds up. stack: parts of one shape, along a new axis before
// `axis`, of size parts.size(). ValueError without parts, DTypeError and DeviceError if they differ.
Tensor concat(const Tensors& parts, int axis, Location where = Location::here());
Tensor stack(const Tensors& parts, int axis = 0, Location where = Location::here());

// The reverse of concat: equal parts, or parts of these sizes, which add up to the axis. ValueError for fewer than one
// part, and for a negative size. The reverse of stack: each part of one axis, without that axis. Parts of the leading
// axis share storage. One op each, with one gradient.
Tensors split(Operand x, int axis, std::int64_t parts);
Tensors split(Operand x, int axis, const std::vector<std::int64_t>& sizes);
Tensors unstack(Operand x, int axis = 0);

// x with `before` and `after` more elements of `value` at the ends of each axis, whose size grows by both. ValueError
// for a negative one, and for a value that the dtype cannot hold.
Tensor pad(Operand x, const std::vector<std::pair<std::int64_t, std::int64_t>>& before_after, Number value = 0);

// Below, indices are int32 or int64 (DTypeError), each from 0 to the size of the axis - 1 (ValueError naming the
// first). They may be on the CPU with x on a GPU, and are best there: they are checked without waiting.

// Parts of x along `axis` by index (any shape): the shape of x with that axis replaced by the shape of indices.
// Gradients of repeated indices add up: an embedding lookup is gather(table, ids).
Tensor gather(Operand x, Operand indices, int axis = 0);

// The reverse: zeros (size, ...) with each part of x (count, ...) added at its index (count,). Repeats add up.
Tensor scatter(Operand x, Operand indices, std::int64_t size);

// indices (...) -> (..., depth): 1 at the index, 0 elsewhere. No gradient.
Tensor one_hot(Operand indices, std::int64_t depth, DType dtype = DType::float32);

// x on that device: itself if it is there, else a copy. The gradient comes back the same way. DeviceError for a device
// that this build or this machine lacks.
Tensor to(Operand x, Device device);

// The shape of x. Floats to integers are cut off towards 0, beyond the range to its nearest end, NaN to 0; integers to
// smaller ones wrap; to bool: is it not 0? Gradient between floats.
Tensor cast(Operand x, DType dtype);

}  // namespace floe
