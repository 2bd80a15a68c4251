// How several tensors are stepped through together: what both backends loop along.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <floe/backend/kernels.h>

namespace floe {

// The strides of a tensor whose elements are contiguous.
Strides dense_strides(const Shape& shape);

// The strides of x under a broadcast to `out`: 0 along the axes that repeat it.
Strides broadcast_strides(const Shape& x, const Shape& out);

// Several tensors stepped through together. Axis 0 is the innermost; axes that all of them loop as one are merged.
template <int streams>
struct StridedLoop {
  using Offsets = std::array<std::int64_t, streams>;

  int rank = 0;
  std::array<std::int64_t, Shape::max_rank> sizes;
  std::array<Offsets, Shape::max_rank> strides{};
  Offsets start;

  StridedLoop(const Shape& shape, const std::array<Strides, streams>& along) {
    sizes.fill(1);
    for (int s = 0; s < streams; ++s) start[s] = along[s].offset;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (shape[axis] == 1) continue;
      bool joins = rank > 0;
      for (int s = 0; s < streams && joins; ++s)
        joins = along[s].strides[axis] == strides[rank - 1][s] * sizes[rank - 1];
      if (joins) {
        sizes[rank - 1] *= shape[axis];
      } else {
        for (int s = 0; s < streams; ++s) strides[rank][s] = along[s].strides[axis];
        sizes[rank++] = shape[axis];
      }
    }
  }

  void swap_axes(int a, int b) { std::swap(sizes[a], sizes[b]), std::swap(strides[a], strides[b]); }

  // The axis along which stream s lies element by element, if there is one.
  std::optional<int> unit_axis(int s) const {
    for (int axis = 0; axis < rank; ++axis) {
      if (strides[axis][s] == 1) return axis;
    }
    return {};
  }

  // If streams `to` and `from` lie element by element along different axes, makes these the first: axis 0 and axis 1. They
  // are then best walked in squares.
  bool cross(int to, int from) {
    std::optional<int> to_axis = unit_axis(to), from_axis = unit_axis(from);
    if (!to_axis || !from_axis || *to_axis == *from_axis || strides[*to_axis][from] == 0) return false;
    swap_axes(0, *to_axis);
    swap_axes(1, *from_axis == 0 ? *to_axis : *from_axis);
    return true;
  }

  std::int64_t elements() const {
    std::int64_t product = 1;
    for (int axis = 0; axis < rank; ++axis) product *= sizes[axis];
    return product;
  }
};

// Two inputs stepped through along one output, with axes that can be walked as one merged.
struct BroadcastLoop {
  int rank = 0;
  std::array<std::int64_t, Shape::max_rank> sizes{}, a{}, b{};

  BroadcastLoop(const Shape& out, const Shape& a_shape, const Shape& b_shape);

  static std::int64_t size_at(const Shape& shape, int axis_from_end) {
    int axis = shape.rank() + axis_from_end;
    return axis < 0 ? 1 : shape[axis];
  }
};

}  // namespace floe
