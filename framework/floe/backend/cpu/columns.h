// Loops down the columns of a (rows, columns) matrix in fixed parts: what reductions and batch normalisation share.
#pragma once

#include <tuple>
#include <vector>

#include <floe/backend/cpu/cuts.h>
#include <floe/backend/cpu/pointwise.h>
#include <floe/backend/reductions.h>

namespace floe::cpu {

// out[i] = formula(in[i]...) for any dtype. The last few go one by one: a line can be so short that it has no others.
template <class S, class Formula, class... In>
void lane_row(bool stream, std::int64_t size, Formula formula, S* out, const In*... in) {
  std::int64_t i = 0;
  if constexpr (std::is_floating_point_v<S>) {
    for (; i + Packet<S>::size <= size; i += Packet<S>::size) {
      Packet<S>(formula(Packet<S>::load(in + i)...)).store(out + i, stream);
    }
  }
  for (; i < size; ++i) out[i] = static_cast<S>(formula(in[i]...));
}

// How a matrix is cut: into parts of some rows by some columns, and each part into lines. As rows follow one
// another, a line can hold `fold` of them, so that even a matrix of one column fills whole packets. Each element of a
// line is a lane of its own, so a result depends neither on the number of threads nor on the width of a packet.
struct ColumnTiling {
  std::int64_t rows, columns;
  std::int64_t block;      // columns of a part
  std::int64_t fold = 1;   // rows of a line, a power of two; 1 if there are several blocks
  std::int64_t part_rows;  // a multiple of fold
  std::int64_t blocks, row_parts;

  ColumnTiling(std::int64_t rows, std::int64_t columns)
      : rows(rows), columns(columns), block(std::clamp<std::int64_t>(columns, 1, cuts::long_line)) {
    if (block == columns) {
      if (columns % cuts::whole_packets != 0 && columns < cuts::short_line) fold = cuts::whole_packets;
      while (fold * block < cuts::short_line) fold *= 2;
      while (fold > 1 && (fold > rows || (fold * 8 > rows && fold * block > 32))) fold /= 2;
    }
    part_rows = (part_elements / block + fold - 1) / fold * fold;
    blocks = (columns + block - 1) / block;
    row_parts = std::max<std::int64_t>(1, (rows + part_rows - 1) / part_rows);
  }

  std::int64_t parts() const { return row_parts * blocks; }
  std::int64_t lanes() const { return fold * block; }  // of the longest line
  std::int64_t parts_per_thread() const { return rows_per_part(std::min(rows, part_rows) * block); }

  struct Part {
    std::int64_t row_part, row, rows, column, columns;
  };

  Part part(std::int64_t index) const {
    std::int64_t row_part = index / blocks, row = row_part * part_rows, column = index % blocks * block;
    return {row_part, row, std::min(rows - row, part_rows), column, std::min(columns - column, block)};
  }

  // body(offset, length) for each line of a part; `offset` is where it starts in the matrix.
  template <class Body>
  void lines(const Part& part, Body body) const {
    for (std::int64_t row = 0; row < part.rows; row += fold) {
      body((part.row + row) * columns + part.column, std::min(fold, part.rows - row) * part.columns);
    }
  }

  // Lays out `count` values `fold` times over, as a line needs what belongs to a column; `tile` begins with them.
  template <class S>
  void repeat(S* tile, std::int64_t count) const {
    for (std::int64_t i = 1; i < fold; ++i) std::copy_n(tile, count, tile + i * count);
  }
};

// An input of the loops below that has one value for each lane of a part's lines; plain pointers are whole matrices.
template <class S>
struct PerLane {
  const S* values;
};
template <class S> const S* at(const S* matrix, std::int64_t offset) { return matrix + offset; }
template <class S> const S* at(PerLane<S> lanes, std::int64_t) { return lanes.values; }

// Fetches what a loop will read some KiB further on: busy with its sums, it would otherwise wait for memory.
template <class S>
void prefetch(const S* matrix, std::int64_t offset, std::int64_t length) {
  const char* ahead = reinterpret_cast<const char*>(matrix + offset) + 4096;
  for (std::int64_t i = 0; i < length * static_cast<std::int64_t>(sizeof(S)); i += 64) __builtin_prefetch(ahead + i);
}
template <class S> void prefetch(PerLane<S>, std::int64_t, std::int64_t) {}

// The lanes of one reduction of one part; after it, the first part.columns of them are the result.
template <class S, class Term>
struct Reduced {
  S* lanes;  // tiling.lanes() of them
  Term term;
};
template <class S, class Term> Reduced(S*, Term) -> Reduced<S, Term>;

// Joins result.term(in...) down each column of a part, for one or more results in one pass.
template <class S, class Join, class... Terms, class... In>
void reduce_part(const ColumnTiling& tiling, const ColumnTiling::Part& part, S identity, Join join,
                 const std::tuple<Reduced<S, Terms>...>& results, In... in) {
  auto each = [&](auto body) { std::apply([&](const auto&... result) { (body(result), ...); }, results); };
  each([&](const auto& result) { std::fill_n(result.lanes, tiling.fold * part.columns, identity); });
  tiling.lines(part, [&](std::int64_t offset, std::int64_t length) {
    (prefetch(in, offset, length), ...);
    each([&](const auto& result) {
      auto take = [&](auto lane, auto... values) { return join(lane, result.term(values...)); };
      lane_row<S>(false, length, take, result.lanes, static_cast<const S*>(result.lanes), at(in, offset)...);
    });
  });
  for (std::int64_t half = tiling.fold / 2; half >= 1; half /= 2) {
    std::int64_t size = half * part.columns;
    each([&](const auto& result) {
      const S* lanes = result.lanes;
      lane_row<S>(false, size, join, result.lanes, lanes, lanes + size);
    });
  }
}

inline constexpr auto sum = [](auto a, auto b) { return a + b; };
inline constexpr auto itself = [](auto value) { return value; };

// out[column] = partials (row parts, columns) joined in order.
template <class Total, class S, class Join>
void join_parts(const S* partials, std::int64_t row_parts, std::int64_t columns, Join join, S* out) {
  parallel_ranges(columns, rows_per_part(row_parts), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t column = begin; column < end; ++column) {
      Total total = static_cast<Total>(partials[column]);
      for (std::int64_t part = 1; part < row_parts; ++part) {
        total = join(total, static_cast<Total>(partials[part * columns + column]));
      }
      out[column] = static_cast<S>(total);
    }
  });
}

}  // namespace floe::cpu
