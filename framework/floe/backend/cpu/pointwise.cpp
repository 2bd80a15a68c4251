// Broadcasting loops, and the sum that the tape adds gradients with.
#include <floe/backend/cpu/pointwise.h>

namespace floe::cpu {

BroadcastPlan::BroadcastPlan(const Shape& out, const Shape& a_shape, const Shape& b_shape) {
  std::int64_t a_step = 1, b_step = 1;
  for (int axis = out.rank() - 1; axis >= 0; --axis) {  // innermost first, into slot 0
    std::int64_t a_size = size_at(a_shape, axis - out.rank()), b_size = size_at(b_shape, axis - out.rank());
    std::int64_t a_here = a_size == 1 ? 0 : a_step, b_here = b_size == 1 ? 0 : b_step;
    a_step *= a_size, b_step *= b_size;
    if (out[axis] == 1) continue;
    bool joins = rank > 0 && a_here == a[rank - 1] * sizes[rank - 1] && b_here == b[rank - 1] * sizes[rank - 1];
    if (joins) sizes[rank - 1] *= out[axis];
    else sizes[rank] = out[axis], a[rank] = a_here, b[rank] = b_here, ++rank;
  }
  if (rank == 0) sizes[0] = 1, rank = 1;
}

void broadcast_rows(const BroadcastPlan& plan, Row row, std::byte* out, std::size_t out_item, const std::byte* a,
                    const std::byte* b, std::size_t item) {
  std::int64_t size = plan.sizes[0], rows = 1;
  for (int axis = 1; axis < plan.rank; ++axis) rows *= plan.sizes[axis];
  auto run = [&](std::int64_t count, std::int64_t y, std::int64_t p, std::int64_t q) {
    row(count, out + y * static_cast<std::int64_t>(out_item), a + p * static_cast<std::int64_t>(item), plan.a[0],
        b + q * static_cast<std::int64_t>(item), plan.b[0]);
  };

  // One long row is cut; many rows are dealt out.
  if (rows == 1) {
    parallel_ranges(size, pointwise_grain, [&](std::int64_t begin, std::int64_t end) {
      run(end - begin, begin, begin * plan.a[0], begin * plan.b[0]);
    });
    return;
  }
  parallel_ranges(rows, rows_per_part(size), [&](std::int64_t begin, std::int64_t end) {
    std::array<std::int64_t, Shape::max_rank> index{};
    std::int64_t at_a = 0, at_b = 0;
    std::int64_t rest = begin;
    for (int axis = 1; axis < plan.rank; ++axis) {
      index[axis] = rest % plan.sizes[axis], rest /= plan.sizes[axis];
      at_a += index[axis] * plan.a[axis], at_b += index[axis] * plan.b[axis];
    }
    for (std::int64_t r = begin; r < end; ++r) {
      run(size, r * size, at_a, at_b);
      for (int axis = 1; axis < plan.rank; ++axis) {
        at_a += plan.a[axis], at_b += plan.b[axis];
        if (++index[axis] < plan.sizes[axis]) break;
        at_a -= index[axis] * plan.a[axis], at_b -= index[axis] * plan.b[axis];
        index[axis] = 0;
      }
    }
  });
}

void add(const Tensor& a, const Tensor& b, Tensor& c) {
  dispatch(c.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) {
      pointwise_flat<T>(
          c.elements(), [](auto x, auto y) { return x + y; }, c.mutable_data<T>(), a.data<T>(), b.data<T>());
    }
  });
}

}  // namespace floe::cpu
