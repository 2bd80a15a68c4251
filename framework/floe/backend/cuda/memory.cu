// Copies between layouts: strided reads and writes, casts, gathering, scattering and selection.
#include <cmath>
#include <vector>

#include <floe/backend/cuda/launch.h>
#include <floe/backend/dispatch.h>
#include <floe/backend/filled.h>
#include <floe/backend/formulas.h>
#include <floe/backend/segments.h>

namespace floe::cuda {
namespace {

template <class T>
__global__ void fill_kernel(std::int64_t size, T value, T* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) out[i] = value;
}

template <class T>
__global__ void copy_kernel(std::int64_t size, Path<2> path, const T* in, T* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    std::int64_t at[2];
    path.find(i, at);
    out[at[0]] = in[at[1]];
  }
}

// The same where the two lie along different axes, 0 and 1: squares go through shared memory, so that both reads and
// writes are of neighbours. A block takes squares of 32 by 32 of these axes and of the others one after another.
constexpr int square = 32;

template <class T>
__global__ void transpose_kernel(std::int64_t squares, Divisor across, Divisor down, std::int64_t columns,
                                 std::int64_t rows, std::int64_t out_row, std::int64_t in_column, Path<2> others,
                                 const T* in, T* out) {
  __shared__ T tile[square][square + 1];
  const int fast = static_cast<int>(threadIdx.x) % square, slow = static_cast<int>(threadIdx.x) / square;
  constexpr int step = block_threads / square;
  for (std::int64_t s = blockIdx.x; s < squares; s += gridDim.x) {
    std::int64_t rest = across.divide(s), column = (s - rest * across.number) * square;
    std::int64_t other = down.divide(rest), row = (rest - other * down.number) * square;
    std::int64_t at[2];
    others.find(other, at);
    for (int i = slow; i < square; i += step) {  // neighbours of `in` lie along the rows' axis
      if (row + fast < rows && column + i < columns) tile[i][fast] = in[at[1] + (column + i) * in_column + row + fast];
    }
    __syncthreads();
    for (int i = slow; i < square; i += step) {
      if (column + fast < columns && row + i < rows) out[at[0] + (row + i) * out_row + column + fast] = tile[fast][i];
    }
    __syncthreads();
  }
}

// to[to strides] = from[from strides] over `shape`.
void copy_strided(const Shape& shape, const Tensor& x, const Strides& from_strides, Tensor& y, const Strides& to_strides) {
  if (shape.elements() == 0) return;
  const Context& on = context(x.device());
  constexpr int to = 0, from = 1;
  StridedLoop<2> loop(shape, {to_strides, from_strides});
  bool transposed = loop.cross(to, from) && loop.sizes[0] >= 8 && loop.sizes[1] >= 8;  // else squares would be empty
  dispatch_item(x.dtype(), [&]<class T>() {
    const T* in = data<T>(x);
    T* out = mutable_data<T>(y);
    if (!transposed)
      return launch(on, copy_kernel<T>, blocks_for(on, shape.elements()), shape.elements(), Path<2>(loop), in, out);
    std::int64_t columns = loop.sizes[0], rows = loop.sizes[1];
    Divisor across((columns + square - 1) / square), down((rows + square - 1) / square);
    StridedLoop<2> others = loop;
    others.rank = std::max(0, loop.rank - 2);
    for (int axis = 0; axis < others.rank; ++axis)
      others.sizes[axis] = loop.sizes[axis + 2], others.strides[axis] = loop.strides[axis + 2];
    std::int64_t squares = across.number * down.number * others.elements();
    launch(on, transpose_kernel<T>, std::min<std::int64_t>(squares, std::int64_t{on.multiprocessors} * 64), squares,
           across, down, columns, rows, loop.strides[1][to], loop.strides[0][from], Path<2>(others), in, out);
  });
}

template <class From, class To>
__global__ void cast_kernel(std::int64_t size, const From* in, To* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) out[i] = converted<To>(in[i]);
}

template <class T, class Index>
__global__ void gather_kernel(std::int64_t size, Divisor inner, Divisor count, std::int64_t reduced, const T* in,
                              const Index* index, T* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    std::int64_t row = inner.divide(i), k = i - row * inner.number;
    std::int64_t outer = count.divide(row), place = row - outer * count.number;
    out[i] = in[(outer * reduced + index[place]) * inner.number + k];
  }
}

// Rows of (outer, count, inner), by a list of them or all in a row.
template <class S>
struct Rows {
  S* data;
  std::int64_t count;
  const std::int64_t* list;  // null: row i is row i

  __device__ S* at(std::int64_t outer, std::int64_t i, std::int64_t inner) const {
    return data + (outer * count + (list ? list[i] : i)) * inner;
  }
};

// Element k of row i of `to` takes in those of rows begins[i] to begins[i + 1] of `from`, in order.
template <class S>
__global__ void add_rows_kernel(std::int64_t size, Divisor inner, Divisor count, const std::int64_t* begins,
                                Rows<const S> from, Rows<S> to) {
  for (std::int64_t item = thread_index(); item < size; item += thread_count()) {
    std::int64_t row = inner.divide(item), k = item - row * inner.number;
    std::int64_t outer = count.divide(row), i = row - outer * count.number;
    S* at = to.at(outer, i, inner.number) + k;
    S total = *at;
    for (std::int64_t j = begins[i], end = begins[i + 1]; j < end; ++j)
      total = static_cast<S>(formulas::Add{}(total, from.at(outer, j, inner.number)[k]));
    *at = total;
  }
}

template <class T, class Index>
__global__ void one_hot_kernel(std::int64_t count, std::int64_t depth, const Index* index, T* out) {
  for (std::int64_t i = thread_index(); i < count; i += thread_count()) out[i * depth + index[i]] = T(1);
}

template <class T>
__global__ void where_kernel(std::int64_t size, Path<4> path, Source<bool> condition, Source<T> a, Source<T> b,
                             T* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    std::int64_t at[4];
    path.find(i, at);
    out[at[0]] = condition[at[1]] ? a[at[2]] : b[at[3]];
  }
}

}  // namespace

void fill(Number value, Tensor& y) {
  if (y.elements() == 0) return;
  const Context& on = context(y.device());
  if (value.real() == 0 && !std::signbit(value.real())) {
    std::size_t bytes = static_cast<std::size_t>(y.elements()) * item_size(y.dtype());
    return check(cudaMemsetAsync(y.raw_mutable(), 0, bytes, on.stream), "filling with zeros");
  }
  dispatch(y.dtype(), [&]<class T>() {
    launch(on, fill_kernel<T>, blocks_for(on, y.elements()), y.elements(), value.as<T>(), mutable_data<T>(y));
  });
}

void read_strided(const Tensor& x, const Strides& from, Tensor& y) {
  copy_strided(y.shape(), x, from, y, dense_strides(y.shape()));
}

void write_strided(const Tensor& x, Tensor& y, const Strides& to) {
  copy_strided(x.shape(), x, dense_strides(x.shape()), y, to);
}

void cast(const Tensor& x, Tensor& y) {
  const Context& on = context(x.device());
  dispatch(x.dtype(), [&]<class From>() {
    dispatch(y.dtype(), [&]<class To>() {
      launch(on, cast_kernel<From, To>, blocks_for(on, x.elements()), x.elements(), data<From>(x), mutable_data<To>(y));
    });
  });
}

void gather(const Tensor& x, const Tensor& indices, const Folded& axis, Tensor& y) {
  const Context& on = context(x.device());
  dispatch_item(x.dtype(), [&]<class T>() {
    dispatch_index(indices, [&]<class Index>(const Index* index) {
      launch(on, gather_kernel<T, Index>, blocks_for(on, y.elements()), y.elements(), Divisor(axis.inner),
             Divisor(indices.elements()), axis.reduced, data<T>(x), index, mutable_data<T>(y));
    });
  });
}

void scatter_add(const Tensor& dy, const Tensor& indices, const Folded& axis, Tensor& dx) {
  const Context& on = context(dy.device());
  const Segments by(indices, axis.reduced);
  const std::int64_t pieces = by.parts.back(), places = indices.elements(), rows = std::ssize(by.rows);

  // All the lists in one copy.
  std::vector<std::int64_t> lists;
  for (const auto* list : {&by.order, &by.pieces, &by.rows, &by.parts})
    lists.insert(lists.end(), list->begin(), list->end());
  const Tensor there = tensor(lists, Shape{std::ssize(lists)}).on(dy.device());
  const std::int64_t *order = data<std::int64_t>(there), *piece_begins = order + places;
  const std::int64_t *row_list = piece_begins + pieces + 1, *part_begins = row_list + rows;

  dispatch(dy.dtype(), [&]<class S>() {
    auto add_rows = [&](Rows<const S> from, Rows<S> to, const std::int64_t* begins, std::int64_t count) {
      std::int64_t size = axis.outer * count * axis.inner;
      launch(on, add_rows_kernel<S>, blocks_for(on, size), size, Divisor(axis.inner), Divisor(count), begins, from, to);
    };
    Rows<const S> from{data<S>(dy), places, order};
    Rows<S> to{mutable_data<S>(dx), axis.reduced, row_list};
    if (pieces == rows) return add_rows(from, to, piece_begins, rows);
    Tensor sums = filled({axis.outer, pieces, axis.inner}, 0, dy.dtype(), dy.device());
    Rows<S> middle{mutable_data<S>(sums), pieces, nullptr};
    add_rows(from, middle, piece_begins, pieces);
    add_rows(Rows<const S>{middle.data, pieces, nullptr}, to, part_begins, rows);
  });
}

void one_hot(const Tensor& indices, Tensor& y) {
  const Context& on = context(y.device());
  dispatch(y.dtype(), [&]<class T>() {
    dispatch_index(indices, [&]<class Index>(const Index* index) {
      launch(on, one_hot_kernel<T, Index>, blocks_for(on, indices.elements()), indices.elements(), y.dim(-1), index,
             mutable_data<T>(y));
    });
  });
}

void where(const Tensor& condition, const Strides& sc, const Tensor& a, const Strides& sa, const Tensor& b, const Strides& sb,
           Tensor& y) {
  if (y.elements() == 0) return;
  const Context& on = context(y.device());
  StridedLoop<4> loop(y.shape(), {dense_strides(y.shape()), sc, sa, sb});
  dispatch_item(y.dtype(), [&]<class T>() {
    launch(on, where_kernel<T>, blocks_for(on, y.elements()), y.elements(), Path<4>(loop), Source<bool>(condition),
           Source<T>(a), Source<T>(b), mutable_data<T>(y));
  });
}

}  // namespace floe::cuda
