// Strides and plans.
#include <floe/backend/strides.h>

namespace floe {

Strides dense_strides(const Shape& shape) {
  Strides dense;
  for (std::int64_t axis = shape.rank() - 1, step = 1; axis >= 0; --axis)
    dense.strides[axis] = step, step *= shape[axis];
  return dense;
}

Strides broadcast_strides(const Shape& x, const Shape& out) {
  Strides dense = dense_strides(x), strides;
  for (int axis = 0; axis < x.rank(); ++axis)
    strides.strides[axis + out.rank() - x.rank()] = x[axis] == 1 ? 0 : dense.strides[axis];
  return strides;
}

BroadcastLoop::BroadcastLoop(const Shape& out, const Shape& a_shape, const Shape& b_shape) {
  std::int64_t a_step = 1, b_step = 1;
  for (int axis = out.rank() - 1; axis >= 0; --axis) {  // innermost first, into slot 0
    std::int64_t a_size = size_at(a_shape, axis - out.rank()), b_size = size_at(b_shape, axis - out.rank());
    std::int64_t a_here = a_size == 1 ? 0 : a_step, b_here = b_size == 1 ? 0 : b_step;
    a_step *= a_size, b_step *= b_size;
    if (out[axis] == 1) continue;
    bool joins = rank > 0 && a_here == a[rank - 1] * sizes[rank - 1] && b_here == b[rank - 1] * sizes[rank - 1];
    if (joins)
      sizes[rank - 1] *= out[axis];
    else
      sizes[rank] = out[axis], a[rank] = a_here, b[rank] = b_here, ++rank;
  }
  if (rank == 0) sizes[0] = 1, rank = 1;
}

}  // namespace floe
