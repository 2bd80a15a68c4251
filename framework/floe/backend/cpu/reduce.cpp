// Reductions over one folded axis: sums, extremes, their positions, running sums and the k largest.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <floe/backend/cpu/columns.h>
#include <floe/backend/dispatch.h>

namespace floe::cpu {
namespace {

// y = the elements of x joined along the axis: each part by itself, then the parts in order.
template <class S, class Total, class Join>
void reduce(const Tensor& x, const Folded& axis, S identity, Join join, Tensor& y) {
  const S* in = static_cast<const S*>(x.raw());
  S* out = static_cast<S*>(y.raw_mutable());
  if (axis.inner == 1 && axis.reduced <= cuts::unrolled_sum) {  // too short to be cut into lanes
    return parallel_ranges(axis.outer, rows_per_part(axis.reduced), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        S total = identity;
        for (std::int64_t k = 0; k < axis.reduced; ++k) total = join(total, in[i * axis.reduced + k]);
        out[i] = total;
      }
    });
  }
  ColumnTiling tiling(axis.reduced, axis.inner);
  std::int64_t row_parts = tiling.row_parts, matrix = axis.reduced * axis.inner;
  std::vector<S> partials(row_parts == 1 ? 0 : axis.outer * row_parts * axis.inner);
  S* results = row_parts == 1 ? out : partials.data();

  parallel_ranges(axis.outer * tiling.parts(), tiling.parts_per_thread(), [&](std::int64_t begin, std::int64_t end) {
    std::vector<S> lanes(tiling.lanes());
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t outer = i / tiling.parts();
      ColumnTiling::Part part = tiling.part(i % tiling.parts());
      reduce_part(tiling, part, identity, join, std::tuple{Reduced{lanes.data(), itself}}, in + outer * matrix);
      std::copy_n(lanes.data(), part.columns, results + (outer * row_parts + part.row_part) * axis.inner + part.column);
    }
  });
  if (row_parts == 1) return;
  for (std::int64_t outer = 0; outer < axis.outer; ++outer) {
    join_parts<Total>(results + outer * row_parts * axis.inner, row_parts, axis.inner, join, out + outer * axis.inner);
  }
}

// body(outer, first, count) for blocks of neighbouring columns, each to be walked from top to bottom.
template <class Body>
void for_column_blocks(const Folded& axis, Body body) {
  std::int64_t block = std::clamp<std::int64_t>(axis.inner, 1, cuts::column_block),
               blocks = (axis.inner + block - 1) / block;
  parallel_ranges(axis.outer * blocks, rows_per_part(axis.reduced * block), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t first = i % blocks * block;
      body(i / blocks, first, std::min(block, axis.inner - first));
    }
  });
}

template <class Better>
void arg_best(const Tensor& x, const Folded& axis, Better better, Tensor& y) {
  std::int64_t* out = y.mutable_data<std::int64_t>();
  dispatch(x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    for_column_blocks(axis, [&](std::int64_t outer, std::int64_t first, std::int64_t count) {
      const T* column = in + outer * axis.reduced * axis.inner + first;
      std::int64_t* winner = out + outer * axis.inner + first;
      std::array<T, cuts::column_block> best;
      std::copy_n(column, count, best.data());
      std::fill_n(winner, count, 0);
      for (std::int64_t row = 1; row < axis.reduced; ++row) {
        for (std::int64_t i = 0; i < count; ++i) {
          T value = column[row * axis.inner + i];
          if (better(value, best[i])) best[i] = value, winner[i] = row;
        }
      }
    });
  });
}

}  // namespace

void reduce_sum(const Tensor& x, const Folded& axis, Tensor& y) {
  dispatch_sum(x.dtype(), [&]<class S>() { reduce<S, Wide<S>>(x, axis, S(0), sum, y); });
}

void reduce_max(const Tensor& x, const Folded& axis, Tensor& y) {
  dispatch(x.dtype(), [&]<class T>() {
    using S = Element<T>;
    reduce<S, S>(x, axis, lowest<S>, [](auto a, auto b) { return math::maximum(a, b); }, y);
  });
}

void reduce_min(const Tensor& x, const Folded& axis, Tensor& y) {
  dispatch(x.dtype(), [&]<class T>() {
    using S = Element<T>;
    reduce<S, S>(x, axis, highest<S>, [](auto a, auto b) { return math::minimum(a, b); }, y);
  });
}

void arg_max(const Tensor& x, const Folded& axis, Tensor& y) { arg_best(x, axis, LargestFirst{}, y); }
void arg_min(const Tensor& x, const Folded& axis, Tensor& y) { arg_best(x, axis, SmallestFirst{}, y); }

void first_not_finite(const Tensor& x, Tensor& y) {
  std::int64_t& place = *y.mutable_data<std::int64_t>();
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T *begin = x.data<T>(), *at = begin, *end = begin + x.elements();

    // Pass over whole blocks without a branch for each element, which makes vectors of them: 0.04 ns each, not 0.2.
    for (; end - at >= cuts::finite_block; at += cuts::finite_block) {
      int not_finite = 0;
      for (std::int64_t i = 0; i < cuts::finite_block; ++i)
        not_finite |= !(std::abs(at[i]) <= std::numeric_limits<T>::max());
      if (not_finite) break;
    }
    at = std::find_if_not(at, end, [](T element) { return std::isfinite(element); });
    place = at == end ? -1 : at - begin;
  });
}

void cumsum(const Tensor& x, const Folded& axis, bool exclusive, bool reverse, Tensor& y) {
  dispatch_sum(x.dtype(), [&]<class S>() {
    const S* in = static_cast<const S*>(x.raw());
    S* out = static_cast<S*>(y.raw_mutable());
    for_column_blocks(axis, [&](std::int64_t outer, std::int64_t first, std::int64_t count) {
      std::array<Wide<S>, cuts::column_block> totals{};
      for (std::int64_t step = 0; step < axis.reduced; ++step) {
        std::int64_t row = reverse ? axis.reduced - 1 - step : step;
        std::int64_t offset = (outer * axis.reduced + row) * axis.inner + first;
        for (std::int64_t i = 0; i < count; ++i) {
          Wide<S> before = totals[i];
          totals[i] += in[offset + i];
          out[offset + i] = static_cast<S>(exclusive ? before : totals[i]);
        }
      }
    });
  });
}

void top_k(const Tensor& x, Tensor& values, Tensor& indices) {
  std::int64_t size = x.dim(-1), k = values.dim(-1), rows = k == 0 ? 0 : values.elements() / k;
  auto select = [&]<class T, class Index>(const T* in, T* out, Index* places) {
    parallel_ranges(rows, rows_per_part(size), [&](std::int64_t begin, std::int64_t end) {
      std::vector<Index> order(size);
      for (std::int64_t row = begin; row < end; ++row) {
        const T* from = in + row * size;
        std::iota(order.begin(), order.end(), Index(0));
        std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](Index a, Index b) {
          LargestFirst greater;
          return greater(from[a], from[b]) || (!greater(from[b], from[a]) && a < b);
        });
        std::copy_n(order.begin(), k, places + row * k);
        std::transform(order.begin(), order.begin() + k, out + row * k, [&](Index place) { return from[place]; });
      }
    });
  };
  dispatch(x.dtype(), [&]<class T>() {
    T* out = values.mutable_data<T>();
    dispatch_index(indices.dtype(), [&]<class Index>() { select(x.data<T>(), out, indices.mutable_data<Index>()); });
  });
}

}  // namespace floe::cpu
