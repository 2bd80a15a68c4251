// Copies between layouts: strided reads and writes, casts, gathering, scattering and selection.
#include <cstring>

#include <floe/backend/cpu/cuts.h>
#include <floe/backend/cpu/pointwise.h>
#include <floe/backend/dispatch.h>

namespace floe::cpu {
namespace {

// body(rows, columns, offsets) for pieces of at most `rows` of axis 1 by `columns` of axis 0, other axes one by one.
template <int streams, class Body>
void for_pieces(const StridedLoop<streams>& loop, std::int64_t rows, std::int64_t columns, Body body) {
  std::array<std::int64_t, Shape::max_rank> piece{columns, rows, 1, 1, 1, 1}, counts;
  std::int64_t total = 1;
  for (int axis = 0; axis < Shape::max_rank; ++axis) {
    counts[axis] = (loop.sizes[axis] + piece[axis] - 1) / piece[axis];
    total *= counts[axis];
  }
  parallel_ranges(total, rows_per_part(rows * columns), [&](std::int64_t begin, std::int64_t end) {
    std::array<std::int64_t, Shape::max_rank> index{};
    auto offsets = loop.start;
    auto move = [&](int axis, std::int64_t count) {
      for (int s = 0; s < streams; ++s) offsets[s] += count * piece[axis] * loop.strides[axis][s];
    };
    for (std::int64_t rest = begin, axis = 0; rest > 0; ++axis) {
      index[axis] = rest % counts[axis], rest /= counts[axis];
      move(axis, index[axis]);
    }
    for (std::int64_t i = begin; i < end; ++i) {
      body(std::min(rows, loop.sizes[1] - index[1] * rows), std::min(columns, loop.sizes[0] - index[0] * columns),
           offsets);
      for (int axis = 0; axis < loop.rank; ++axis) {
        move(axis, 1);
        if (++index[axis] < counts[axis]) break;
        move(axis, -index[axis]);
        index[axis] = 0;
      }
    }
  });
}

// to[row * to_step + column] = from[row + column * from_step]. Whole cache lines go through the vector registers, so
// that columns a power of two apart cannot push each other out of the cache.
template <class T>
void transpose(std::int64_t rows, std::int64_t columns, T* to, std::int64_t to_step, const T* from,
               std::int64_t from_step) {
  auto one_by_one = [&](std::int64_t top, std::int64_t bottom, std::int64_t left, std::int64_t right) {
    for (std::int64_t row = top; row < bottom; ++row) {
      for (std::int64_t column = left; column < right; ++column) {
        to[row * to_step + column] = from[row + column * from_step];
      }
    }
  };
  if constexpr (sizeof(T) == 1) {
    for (std::int64_t row = 0; row < rows; row += cuts::byte_rows)
      one_by_one(row, std::min(rows, row + cuts::byte_rows), 0, columns);
  } else {
    using S = std::conditional_t<sizeof(T) == 4, float, double>;  // moved, never computed with
    constexpr int width = Packet<S>::size;
    const std::int64_t whole_rows = rows / width * width, whole_columns = columns / width * width;
    for (std::int64_t row = 0; row < whole_rows; row += width) {
      for (std::int64_t column = 0; column < whole_columns; column += width) {
        Eigen::internal::PacketBlock<typename Packet<S>::Raw, width> block;
        for (int i = 0; i < width; ++i) {
          block.packet[i] = Packet<S>::load(reinterpret_cast<const S*>(from + row + (column + i) * from_step)).raw;
        }
        Eigen::internal::ptranspose(block);
        for (int i = 0; i < width; ++i) {
          Packet<S>(block.packet[i]).store(reinterpret_cast<S*>(to + (row + i) * to_step + column));
        }
      }
    }
    one_by_one(0, whole_rows, whole_columns, columns);
    one_by_one(whole_rows, rows, 0, columns);
  }
}

// to[to strides] = from[from strides] over `shape`.
void copy_strided(const Shape& shape, const Tensor& x, const Strides& from_strides, Tensor& y,
                  const Strides& to_strides) {
  if (shape.elements() == 0) return;
  constexpr int to = 0, from = 1;
  StridedLoop<2> loop(shape, {to_strides, from_strides});

  bool transposed = loop.cross(to, from);
  const std::int64_t to_row = loop.strides[1][to], from_row = loop.strides[1][from];
  const std::int64_t to_column = loop.strides[0][to], from_column = loop.strides[0][from];
  std::int64_t rows = std::min(loop.sizes[1], cuts::copied_rows);
  std::int64_t columns = transposed ? cuts::copied_piece / rows : std::min(loop.sizes[0], cuts::copied_piece);
  if (!transposed) rows = cuts::copied_piece / columns;

  dispatch_item(x.dtype(), [&]<class T>() {
    const T* in = static_cast<const T*>(x.raw());
    T* out = static_cast<T*>(y.raw_mutable());
    for_pieces(loop, rows, columns, [&](std::int64_t rows, std::int64_t columns, const auto& offsets) {
      T* p = out + offsets[to];
      const T* q = in + offsets[from];
      if (transposed) return transpose(rows, columns, p, to_row, q, from_column);
      const bool in_order = to_column == 1 && columns >= cuts::copied_by_call;
      for (std::int64_t row = 0; row < rows; ++row, p += to_row, q += from_row) {
        if (in_order && from_column == 1)
          std::memcpy(p, q, columns * sizeof(T));
        else if (in_order && from_column == 0)
          std::fill_n(p, columns, *q);
        else
          for (std::int64_t i = 0; i < columns; ++i) p[i * to_column] = q[i * from_column];
      }
    });
  });
}

// A function of its own, where the compiler sees that `out` overwrites no pointer.
template <class To, class From>
void convert(const From* in, To* out, std::int64_t size) {
#pragma omp simd
  for (std::int64_t i = 0; i < size; ++i) out[i] = converted<To>(in[i]);
}

}  // namespace

void fill(Number value, Tensor& y) {
  dispatch(y.dtype(), [&]<class T>() { std::fill_n(y.mutable_data<T>(), y.elements(), value.as<T>()); });
}

void one_hot(const Tensor& indices, Tensor& y) {
  std::int64_t depth = y.dim(-1);
  dispatch(y.dtype(), [&]<class T>() {
    T* out = y.mutable_data<T>();
    dispatch_index(indices, [&](const auto* index) {
      for (std::int64_t i = 0; i < indices.elements(); ++i) out[i * depth + index[i]] = T(1);
    });
  });
}

void read_strided(const Tensor& x, const Strides& from, Tensor& y) {
  copy_strided(y.shape(), x, from, y, dense_strides(y.shape()));
}

void write_strided(const Tensor& x, Tensor& y, const Strides& to) {
  copy_strided(x.shape(), x, dense_strides(x.shape()), y, to);
}

void cast(const Tensor& x, Tensor& y) {
  dispatch(x.dtype(), [&]<class From>() {
    dispatch(y.dtype(), [&]<class To>() {
      const From* in = x.data<From>();
      To* out = y.mutable_data<To>();
      parallel_ranges(x.elements(), part_elements, [&](std::int64_t begin, std::int64_t end) {
        convert(in + begin, out + begin, end - begin);
      });
    });
  });
}

void gather(const Tensor& x, const Tensor& indices, const Folded& axis, Tensor& y) {
  std::int64_t count = indices.elements(), inner = axis.inner;
  dispatch_item(x.dtype(), [&]<class T>() {
    const T* in = static_cast<const T*>(x.raw());
    T* out = static_cast<T*>(y.raw_mutable());
    dispatch_index(indices, [&](const auto* index) {
      parallel_ranges(axis.outer * count, rows_per_part(inner), [&](std::int64_t begin, std::int64_t end) {
        std::int64_t outer = begin / count, place = begin % count;
        for (std::int64_t row = begin; row < end; ++row) {
          std::copy_n(in + (outer * axis.reduced + index[place]) * inner, inner, out + row * inner);
          if (++place == count) place = 0, ++outer;
        }
      });
    });
  });
}

// Each thread owns some rows of dx and looks for them among all the indices. Every element takes in its summands in
// the order of the indices, whoever owns it.
void scatter_add(const Tensor& dy, const Tensor& indices, const Folded& axis, Tensor& dx) {
  std::int64_t count = indices.elements(), inner = axis.inner, threads = thread_count();
  std::int64_t owners = axis.outer >= threads || dy.elements() < part_elements ? 1 : threads;
  std::int64_t grain = owners > 1 ? 1 : rows_per_part(count * inner);
  dispatch(dy.dtype(), [&]<class S>() {
    const S* in = dy.data<S>();
    S* out = dx.mutable_data<S>();
    dispatch_index(indices, [&](const auto* index) {
      parallel_ranges(axis.outer * owners, grain, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          std::int64_t outer = i / owners, owner = i % owners;
          std::int64_t first = axis.reduced * owner / owners, last = axis.reduced * (owner + 1) / owners;
          for (std::int64_t place = 0; place < count; ++place) {
            if (index[place] < first || index[place] >= last) continue;
            const S* from = in + (outer * count + place) * inner;
            S* to = out + (outer * axis.reduced + index[place]) * inner;
            for (std::int64_t k = 0; k < inner; ++k) to[k] = static_cast<S>(formulas::Add{}(to[k], from[k]));
          }
        }
      });
    });
  });
}

void where(const Tensor& condition, const Strides& sc, const Tensor& a, const Strides& sa, const Tensor& b,
           const Strides& sb, Tensor& y) {
  if (y.elements() == 0) return;
  StridedLoop<4> loop(y.shape(), {dense_strides(y.shape()), sc, sa, sb});
  std::int64_t columns = std::min(loop.sizes[0], cuts::copied_piece), rows = cuts::copied_piece / columns;
  dispatch_item(y.dtype(), [&]<class T>() {
    const bool* conditions = condition.data<bool>();
    const T *p = static_cast<const T*>(a.raw()), *q = static_cast<const T*>(b.raw());
    T* out = static_cast<T*>(y.raw_mutable());
    for_pieces(loop, rows, columns, [&](std::int64_t rows, std::int64_t columns, std::array<std::int64_t, 4> at) {
      auto [y_step, c_step, a_step, b_step] = loop.strides[0];
      for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t i = 0; i < columns; ++i) {
          out[at[0] + i] = conditions[at[1] + i * c_step] ? p[at[2] + i * a_step] : q[at[3] + i * b_step];
        }
        for (int s = 0; s < 4; ++s) at[s] += loop.strides[1][s];
      }
    });
  });
}

}  // namespace floe::cpu
