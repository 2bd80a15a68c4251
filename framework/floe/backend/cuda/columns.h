// Reductions down the columns of (outer, reduced, inner): what sums, extremes and batch normalisation share.
//
// A block of threads is cut into columns, lanes down each column and several outer parts, so that neighbouring threads
// read neighbouring elements, whatever the shape. Long columns are cut into parts whose totals are then joined in
// order. How it is cut follows from the sizes alone, and so do all bits of the result.
#pragma once

#include <floe/backend/cuda/launch.h>

namespace floe::cuda {

// How a block's threads are dealt out, and how a reduction is cut into blocks.
struct Tiling {
  explicit Tiling(const Folded& axis, int most_columns = 32)
      : columns(power_of_two_from(axis.inner, most_columns)),
        lanes(power_of_two_from(axis.reduced, block_threads / columns)) {
    outers = block_threads / columns / lanes;
    column_blocks = Divisor((axis.inner + columns - 1) / columns);
    outer_blocks = (axis.outer + outers - 1) / outers;
    part_rows = axis.reduced;
    constexpr std::int64_t many = 1024, lane_rows = 32;
    std::int64_t beside = outer_blocks * column_blocks.number;
    if (beside > 0 && beside < many && axis.reduced > lanes * lane_rows) {
      std::int64_t wanted = std::min(many / beside, (axis.reduced + lanes * lane_rows - 1) / (lanes * lane_rows));
      part_rows = (axis.reduced + wanted - 1) / wanted;
      parts = Divisor((axis.reduced + part_rows - 1) / part_rows);
    }
  }

  std::int64_t blocks() const { return outer_blocks * parts.number * column_blocks.number; }

  int columns, lanes, outers;  // of a block: their product is its number of threads
  Divisor column_blocks, parts;
  std::int64_t outer_blocks, part_rows;
};

// store(outer, part, column, total) for each column of each part, where the total joins load(outer, row, column).
template <class Total, class Join, class Load, class Store>
__global__ void reduce_kernel(Folded axis, Tiling tiling, Total identity, Join join, Load load, Store store) {
  __shared__ Total totals[block_threads];
  const int thread = static_cast<int>(threadIdx.x), x = thread % tiling.columns,
            lane = thread / tiling.columns % tiling.lanes, z = thread / tiling.columns / tiling.lanes;
  std::int64_t block = blockIdx.x, rest = tiling.column_blocks.divide(block);
  std::int64_t column = (block - rest * tiling.column_blocks.number) * tiling.columns + x;
  std::int64_t outer_block = tiling.parts.divide(rest), part = rest - outer_block * tiling.parts.number;
  std::int64_t outer = outer_block * tiling.outers + z;
  const bool inside = column < axis.inner && outer < axis.outer;

  Total total = identity;
  if (inside) {
    std::int64_t end = (part + 1) * tiling.part_rows;
    if (end > axis.reduced) end = axis.reduced;
    FLOE_UNROLL(4)
    for (std::int64_t row = part * tiling.part_rows + lane; row < end; row += tiling.lanes)
      total = join(total, load(outer, row, column));
  }
  total = join_lanes(total, tiling.lanes, tiling.columns, totals, join);
  if (inside && lane == 0) store(outer, part, column, total);
}

// Totals of parts, (outer, parts, inner).
template <class Total>
struct Partials {
  __device__ Total operator()(std::int64_t outer, std::int64_t part, std::int64_t column) const {
    return totals[(outer * parts + part) * inner + column];
  }
  __device__ void operator()(std::int64_t outer, std::int64_t part, std::int64_t column, const Total& total) const {
    totals[(outer * parts + part) * inner + column] = total;
  }
  Total* totals;
  std::int64_t parts, inner;
};

// The whole reduction: parts first, then their totals.
template <class Total, class Join, class Load, class Store>
void reduce_columns(const Context& on, const Folded& axis, const Total& identity, const Join& join, const Load& load,
                    const Store& store) {
  Tiling tiling(axis);
  if (tiling.parts.number == 1) {
    launch(on, reduce_kernel<Total, Join, Load, Store>, tiling.blocks(), axis, tiling, identity, join, load, store);
    return;
  }
  Folded joined{axis.outer, tiling.parts.number, axis.inner};
  Scratch memory(on, static_cast<std::size_t>(joined.outer * joined.reduced * joined.inner) * sizeof(Total));
  Partials<Total> partials{memory.get<Total>(), joined.reduced, joined.inner};
  launch(on, reduce_kernel<Total, Join, Load, Partials<Total>>, tiling.blocks(), axis, tiling, identity, join, load,
         partials);
  Tiling last(joined, 8);  // few columns and many lanes: there is little to read and it should not take long
  last.part_rows = joined.reduced, last.parts = Divisor(1);  // in one part, however many there are
  launch(on, reduce_kernel<Total, Join, Partials<Total>, Store>, last.blocks(), joined, last, identity, join, partials,
         store);
}

struct Plus {
  template <class Total>
  __device__ Total operator()(const Total& a, const Total& b) const {
    return a + b;
  }
};

// Two sums at once.
struct Sums {
  double first, second;
  __device__ friend Sums operator+(const Sums& a, const Sums& b) { return {a.first + b.first, a.second + b.second}; }
};

}  // namespace floe::cuda
