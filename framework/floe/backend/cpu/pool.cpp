// Pooling over windows of images (batch, height, width, channels), and the gradient of the mean.
#include <floe/backend/cpu/pointwise.h>
#include <floe/backend/pool_windows.h>

namespace floe::cpu {
namespace {

// body(output offset, image, rows, columns) for each window: which rows and columns of which image it covers.
template <class Body>
void for_windows(const PoolGeometry& g, Body body) {
  std::int64_t work =
      g.out_width * std::min(g.window_height, g.height) * std::min(g.window_width, g.width) * g.channels;
  parallel_ranges(g.batch * g.out_height, rows_per_part(work), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t line = begin; line < end; ++line) {
      Span rows = covered_rows(g, line % g.out_height);
      for (std::int64_t j = 0; j < g.out_width; ++j) {
        body((line * g.out_width + j) * g.channels, line / g.out_height, rows, covered_columns(g, j));
      }
    }
  });
}

std::int64_t pixel(const PoolGeometry& g, std::int64_t image, std::int64_t row, std::int64_t column) {
  return ((image * g.height + row) * g.width + column) * g.channels;
}

}  // namespace

// NaN wins over numbers, as in reduce_max.
void max_pool(const Tensor& x, const PoolGeometry& g, Tensor& y, Tensor& winners) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    const S* in = x.data<S>();
    S* out = y.mutable_data<S>();
    std::int64_t* places = winners.mutable_data<std::int64_t>();
    for_windows(g, [&](std::int64_t offset, std::int64_t image, Span rows, Span columns) {
      S* best = out + offset;
      std::int64_t *winner = places + offset, first = pixel(g, image, rows.begin, columns.begin);
      for (std::int64_t c = 0; c < g.channels; ++c) best[c] = in[first + c], winner[c] = first + c;
      for (std::int64_t row = rows.begin; row < rows.end; ++row) {
        for (std::int64_t column = columns.begin; column < columns.end; ++column) {
          std::int64_t here = pixel(g, image, row, column);
#pragma omp simd
          for (std::int64_t c = 0; c < g.channels; ++c) {
            S value = in[here + c];
            bool wins = !(value <= best[c]) && best[c] == best[c];
            best[c] = wins ? value : best[c];
            winner[c] = wins ? here + c : winner[c];
          }
        }
      }
    });
  });
}

void average_pool(const Tensor& x, const PoolGeometry& g, Tensor& y) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    const S* in = x.data<S>();
    S* out = y.mutable_data<S>();
    for_windows(g, [&](std::int64_t offset, std::int64_t image, Span rows, Span columns) {
      S *total = out + offset, count = static_cast<S>(rows.size() * columns.size());
      std::fill_n(total, g.channels, S(0));
      for (std::int64_t row = rows.begin; row < rows.end; ++row) {
        for (std::int64_t column = columns.begin; column < columns.end; ++column) {
          const S* from = in + pixel(g, image, row, column);
#pragma omp simd
          for (std::int64_t c = 0; c < g.channels; ++c) total[c] += from[c];
        }
      }
#pragma omp simd
      for (std::int64_t c = 0; c < g.channels; ++c) total[c] /= count;
    });
  });
}

namespace {

// Each pixel collects from the windows that cover it, so no two threads write to one place: add(its sums, where they
// are in dx, where the window is in dy, and in which row and column) for each of them, all channels at once.
template <class S, class Add>
void collect(const PoolGeometry& g, S* out, Add add) {
  std::int64_t work =
      g.width * g.channels * std::min(g.window_height, g.out_height) * std::min(g.window_width, g.out_width);
  parallel_ranges(g.batch * g.height, rows_per_part(work), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t line = begin; line < end; ++line) {
      Span rows = covering_rows(g, line % g.height);
      for (std::int64_t j = 0; j < g.width; ++j) {
        Span columns = covering_columns(g, j);
        std::int64_t here = (line * g.width + j) * g.channels;
        std::fill_n(out + here, g.channels, S(0));
        for (std::int64_t row = rows.begin; row < rows.end; ++row) {
          for (std::int64_t column = columns.begin; column < columns.end; ++column) {
            std::int64_t window = ((line / g.height * g.out_height + row) * g.out_width + column) * g.channels;
            add(out + here, here, window, row, column);
          }
        }
      }
    }
  });
}

}  // namespace

void max_pool_gradient(const Tensor& dy, const Tensor& winners, const PoolGeometry& g, Tensor& dx) {
  dispatch_floating(dy.dtype(), [&]<class S>() {
    const S* in = dy.data<S>();
    const std::int64_t* places = winners.data<std::int64_t>();
    collect(g, dx.mutable_data<S>(), [&](S* total, std::int64_t here, std::int64_t window, std::int64_t, std::int64_t) {
#pragma omp simd
      for (std::int64_t c = 0; c < g.channels; ++c) total[c] += places[window + c] == here + c ? in[window + c] : S(0);
    });
  });
}

void average_pool_gradient(const Tensor& dy, const PoolGeometry& g, Tensor& dx) {
  dispatch_floating(dy.dtype(), [&]<class S>() {
    const S* in = dy.data<S>();
    S* out = dx.mutable_data<S>();
    collect(g, out, [&](S* total, std::int64_t, std::int64_t window, std::int64_t row, std::int64_t column) {
      S count = static_cast<S>(covered_rows(g, row).size() * covered_columns(g, column).size());
#pragma omp simd
      for (std::int64_t c = 0; c < g.channels; ++c) total[c] += in[window + c] / count;
    });
  });
}

}  // namespace floe::cpu
