// matmul: products of matrices in fixed blocks, dealt out to the threads.
#include <floe/backend/cpu/cuts.h>
#include <floe/backend/cpu/gemm.h>
#include <floe/backend/kernels.h>
#include <floe/backend/parallel.h>
#include <floe/backend/reductions.h>

namespace floe::cpu {
namespace {

// How a product is cut: blocks of rows and columns, and chunks of a long inner axis whose products are then added in
// order. It follows from the sizes alone, never from the number of threads.
struct Blocking {
  explicit Blocking(const MatmulGeometry& g)
      : rows(g.rows), columns(g.columns), inner(std::max<std::int64_t>(1, g.inner)) {
    auto work = [&] { return rows * columns * inner; };
    while (rows > cuts::product_side || columns > cuts::product_side) {
      if (work() <= cuts::product_work) break;
      if (rows >= columns) rows = halved(rows);
      else columns = halved(columns);
    }
    if (g.rows * g.columns <= cuts::small_product && g.inner >= cuts::long_inner && work() >= cuts::product_work)
      inner = cuts::inner_chunk;
    row_blocks = (g.rows + rows - 1) / rows;
    column_blocks = (g.columns + columns - 1) / columns;
    chunks = (g.inner + inner - 1) / inner;
  }

  static std::int64_t halved(std::int64_t size) {
    return ((size + 1) / 2 + cuts::product_step - 1) / cuts::product_step * cuts::product_step;
  }

  std::int64_t rows, columns, inner;
  std::int64_t row_blocks, column_blocks, chunks;
};

template <class T>
void multiply(const T* a, const T* b, const MatmulGeometry& g, Tensor& result) {
  T* c = static_cast<T*>(result.raw_mutable());
  Blocking blocking(g);
  std::int64_t size = g.rows * g.columns, blocks = blocking.row_blocks * blocking.column_blocks;
  std::int64_t lda = g.transpose_a ? g.rows : g.inner, ldb = g.transpose_b ? g.inner : g.columns;

  // One task is one block of one chunk of one product. The first chunk goes to the result, the others to partial sums.
  Tensor partials;
  if (blocking.chunks > 1) partials = Tensor({g.batches, blocking.chunks - 1, size}, result.dtype());
  T* partial = partials.defined() ? static_cast<T*>(partials.raw_mutable()) : nullptr;
  std::int64_t tasks = g.batches * blocking.chunks * blocks;
  parallel_ranges(
      tasks, rows_per_part(blocking.rows * blocking.columns * blocking.inner),
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task) {
          std::int64_t block = task % blocks, chunk = task / blocks % blocking.chunks,
                       batch = task / blocks / blocking.chunks;
          std::int64_t row = block / blocking.column_blocks * blocking.rows,
                       column = block % blocking.column_blocks * blocking.columns;
          std::int64_t inner = chunk * blocking.inner;
          const T* from_a = a + batch * g.a_stride + (g.transpose_a ? inner * lda + row : row * lda + inner);
          const T* from_b = b + batch * g.b_stride + (g.transpose_b ? column * ldb + inner : inner * ldb + column);
          T* to = chunk == 0 ? c + batch * size : partial + (batch * (blocking.chunks - 1) + chunk - 1) * size;
          gemm(std::min(blocking.rows, g.rows - row), std::min(blocking.columns, g.columns - column),
               std::min(blocking.inner, g.inner - inner), {from_a, lda, g.transpose_a}, {from_b, ldb, g.transpose_b},
               to + row * g.columns + column, g.columns, false);
        }
      });

  // Add the partial sums in the order of the chunks.
  for (std::int64_t batch = 0; partial && batch < g.batches; ++batch) {
    parallel_ranges(size, rows_per_part(blocking.chunks), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t chunk = 0; chunk + 1 < blocking.chunks; ++chunk) {
        const T* from = partial + (batch * (blocking.chunks - 1) + chunk) * size;
        for (std::int64_t i = begin; i < end; ++i) c[batch * size + i] = static_cast<T>(c[batch * size + i] + from[i]);
      }
    });
  }
}

}  // namespace

void matmul(const Tensor& a, const Tensor& b, const MatmulGeometry& g, Tensor& c) {
  if (g.inner == 0) return fill(0, c);
  dispatch_product(c.dtype(), [&]<class T>() {
    multiply(static_cast<const T*>(a.raw()), static_cast<const T*>(b.raw()), g, c);
  });
}

}  // namespace floe::cpu
