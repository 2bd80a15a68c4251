// Reductions over one folded axis: sums, extremes, their positions, running sums and the k largest.
#include <floe/backend/cuda/columns.h>
#include <floe/backend/dispatch.h>
#include <floe/backend/math.h>
#include <floe/backend/reductions.h>

namespace floe::cuda {
namespace {

template <class T, class Total>
struct Load {
  __device__ Total operator()(std::int64_t outer, std::int64_t row, std::int64_t column) const {
    return static_cast<Total>(in[(outer * reduced + row) * inner + column]);
  }
  const T* in;
  std::int64_t reduced, inner;
};

template <class T, class Total>
struct Store {
  __device__ void operator()(std::int64_t outer, std::int64_t, std::int64_t column, const Total& total) const {
    out[outer * inner + column] = static_cast<T>(total);
  }
  T* out;
  std::int64_t inner;
};

template <class T, class Total, class Join>
void reduce(const Tensor& x, const Folded& axis, Total identity, const Join& join, Tensor& y) {
  reduce_columns(context(x.device()), axis, identity, join, Load<T, Total>{data<T>(x), axis.reduced, axis.inner},
                 Store<T, Total>{mutable_data<T>(y), axis.inner});
}

struct Larger {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return math::maximum(a, b);
  }
};
struct Smaller {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return math::minimum(a, b);
  }
};

// A value and where it is; -1 is nowhere yet.
template <class T>
struct Found {
  T value;
  std::int64_t index;
};

// The better of two, the first among equals.
template <class Order>
struct Better {
  template <class T>
  __device__ Found<T> operator()(const Found<T>& a, const Found<T>& b) const {
    if (a.index < 0 || b.index < 0) return a.index < 0 ? b : a;
    Order order;
    if (order(a.value, b.value)) return a;
    if (order(b.value, a.value)) return b;
    return a.index < b.index ? a : b;
  }
};

template <class T>
struct LoadFound {
  __device__ Found<T> operator()(std::int64_t outer, std::int64_t row, std::int64_t column) const {
    return {in[(outer * reduced + row) * inner + column], row};
  }
  const T* in;
  std::int64_t reduced, inner;
};

template <class T>
struct StoreIndex {
  __device__ void operator()(std::int64_t outer, std::int64_t, std::int64_t column, const Found<T>& found) const {
    out[outer * inner + column] = found.index;
  }
  std::int64_t* out;
  std::int64_t inner;
};

template <class Order>
void arg_best(const Tensor& x, const Folded& axis, Tensor& y) {
  dispatch(x.dtype(), [&]<class T>() {
    reduce_columns(context(x.device()), axis, Found<T>{T{}, -1}, Better<Order>{},
                   LoadFound<T>{data<T>(x), axis.reduced, axis.inner},
                   StoreIndex<T>{mutable_data<std::int64_t>(y), axis.inner});
  });
}

// Places, and of those that are one the first.
struct Earlier {
  __device__ std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    if (a < 0 || b < 0) return a < 0 ? b : a;
    return a < b ? a : b;
  }
};

template <class T>
struct LoadNotFinite {  // where an element is if it is not finite, else -1
  __device__ std::int64_t operator()(std::int64_t, std::int64_t row, std::int64_t) const {
    T zero = in[row] - in[row];  // NaN for infinities, too
    return zero == T(0) ? -1 : row;
  }
  const T* in;
};

// Columns side by side: a thread walks down each.
template <class S>
__global__ void cumsum_columns_kernel(std::int64_t columns, Folded axis, bool exclusive, bool reverse, const S* in,
                                      S* out) {
  for (std::int64_t i = thread_index(); i < columns; i += thread_count()) {
    std::int64_t first = i / axis.inner * axis.reduced * axis.inner + i % axis.inner;
    Wide<S> total = 0;
    for (std::int64_t step = 0; step < axis.reduced; ++step) {
      std::int64_t at = first + (reverse ? axis.reduced - 1 - step : step) * axis.inner;
      Wide<S> before = total;
      total += static_cast<Wide<S>>(in[at]);
      out[at] = static_cast<S>(exclusive ? before : total);
    }
  }
}

// A column whose elements are neighbours: a block takes 256 of them at a time, and their sum along to the next.
template <class S>
__global__ void cumsum_rows_kernel(std::int64_t rows, std::int64_t size, bool exclusive, bool reverse, const S* in,
                                   S* out) {
  __shared__ Wide<S> sums[block_threads];
  const int thread = static_cast<int>(threadIdx.x);
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    Wide<S> before = 0;
    for (std::int64_t first = 0; first < size; first += block_threads) {
      std::int64_t step = first + thread, at = row * size + (reverse ? size - 1 - step : step);
      Wide<S> mine = step < size ? static_cast<Wide<S>>(in[at]) : Wide<S>(0), total = mine;
      sums[thread] = total;
      __syncthreads();
      for (int distance = 1; distance < block_threads; distance *= 2) {  // Hillis and Steele, 1986
        Wide<S> other = thread >= distance ? sums[thread - distance] : Wide<S>(0);
        __syncthreads();
        total += other;
        sums[thread] = total;
        __syncthreads();
      }
      Wide<S> previous = thread > 0 ? sums[thread - 1] : Wide<S>(0);
      if (step < size) out[at] = static_cast<S>(before + (exclusive ? previous : total));
      before += sums[block_threads - 1];
      __syncthreads();
    }
  }
}

// A block for each row finds the best, then the best of the rest, k times. "The rest" is what comes after the last one
// in the order of the results, so nothing has to be marked.
template <class T, class Index>
__global__ void top_k_kernel(std::int64_t rows, std::int64_t size, std::int64_t k, const T* in, T* values,
                             Index* places) {
  __shared__ Found<T> found[block_threads];
  const int thread = static_cast<int>(threadIdx.x);
  const Better<LargestFirst> better{};
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    Found<T> last{T{}, -1};
    for (std::int64_t rank = 0; rank < k; ++rank) {
      Found<T> best{T{}, -1};
      for (std::int64_t i = thread; i < size; i += block_threads) {
        Found<T> here{in[row * size + i], i};
        if (last.index < 0 || (here.index != last.index && better(last, here).index == last.index))
          best = better(best, here);
      }
      best = join_lanes(best, block_threads, 1, found, better);
      if (thread == 0) found[0] = best;
      __syncthreads();
      last = found[0];
      __syncthreads();
      if (thread == 0) values[row * k + rank] = last.value, places[row * k + rank] = static_cast<Index>(last.index);
    }
  }
}

}  // namespace

void reduce_sum(const Tensor& x, const Folded& axis, Tensor& y) {
  dispatch_sum(x.dtype(), [&]<class S>() { reduce<S>(x, axis, Wide<S>(0), Plus{}, y); });
}

void reduce_max(const Tensor& x, const Folded& axis, Tensor& y) {
  dispatch(x.dtype(), [&]<class T>() {
    using S = Element<T>;
    reduce<S>(x, axis, S{lowest<S>}, Larger{}, y);
  });
}

void reduce_min(const Tensor& x, const Folded& axis, Tensor& y) {
  dispatch(x.dtype(), [&]<class T>() {
    using S = Element<T>;
    reduce<S>(x, axis, S{highest<S>}, Smaller{}, y);
  });
}

void arg_max(const Tensor& x, const Folded& axis, Tensor& y) { arg_best<LargestFirst>(x, axis, y); }
void arg_min(const Tensor& x, const Folded& axis, Tensor& y) { arg_best<SmallestFirst>(x, axis, y); }

void first_not_finite(const Tensor& x, Tensor& y) {
  dispatch_floating(x.dtype(), [&]<class T>() {
    reduce_columns(context(x.device()), Folded{1, x.elements(), 1}, std::int64_t{-1}, Earlier{},
                   LoadNotFinite<T>{data<T>(x)}, Store<std::int64_t, std::int64_t>{mutable_data<std::int64_t>(y), 1});
  });
}

void cumsum(const Tensor& x, const Folded& axis, bool exclusive, bool reverse, Tensor& y) {
  const Context& on = context(x.device());
  dispatch_sum(x.dtype(), [&]<class S>() {
    std::int64_t columns = axis.outer * axis.inner;
    if (axis.inner == 1)
      launch(on, cumsum_rows_kernel<S>, std::min<std::int64_t>(columns, 65536), columns, axis.reduced, exclusive,
             reverse, data<S>(x), mutable_data<S>(y));
    else
      launch(on, cumsum_columns_kernel<S>, blocks_for(on, columns), columns, axis, exclusive, reverse, data<S>(x),
             mutable_data<S>(y));
  });
}

void top_k(const Tensor& x, Tensor& values, Tensor& indices) {
  const Context& on = context(x.device());
  std::int64_t size = x.dim(-1), k = values.dim(-1), rows = k == 0 ? 0 : values.elements() / k;
  dispatch(x.dtype(), [&]<class T>() {
    auto select = [&]<class Index>(Index* places) {
      launch(on, top_k_kernel<T, Index>, std::min<std::int64_t>(rows, 65536), rows, size, k, data<T>(x),
             mutable_data<T>(values), places);
    };
    dispatch_index(indices.dtype(), [&]<class Index>() { select(mutable_data<Index>(indices)); });
  });
}

}  // namespace floe::cuda
