// Pooling over windows of images (batch, height, width, channels), and the gradient of the mean.
#include <floe/backend/cuda/pixels.h>
#include <floe/backend/pool_windows.h>

namespace floe::cuda {
namespace {

// NaN wins over numbers, as in reduce_max.
template <class S>
__global__ void max_kernel(std::int64_t size, PoolGeometry g, Pixels results, const S* in, S* out,
                           std::int64_t* winners) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [image, y, x, channel] = results.find(i);
    Span rows = covered_rows(g, y), columns = covered_columns(g, x);
    std::int64_t winner = ((image * g.height + rows.begin) * g.width + columns.begin) * g.channels + channel;
    S best = in[winner];
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      for (std::int64_t column = columns.begin; column < columns.end; ++column) {
        std::int64_t here = ((image * g.height + row) * g.width + column) * g.channels + channel;
        S value = in[here];
        if (!(value <= best) && best == best) best = value, winner = here;
      }
    }
    out[i] = best;
    winners[i] = winner;
  }
}

template <class S>
__global__ void average_kernel(std::int64_t size, PoolGeometry g, Pixels results, const S* in, S* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [image, y, x, channel] = results.find(i);
    Span rows = covered_rows(g, y), columns = covered_columns(g, x);
    S total = 0;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      for (std::int64_t column = columns.begin; column < columns.end; ++column)
        total += in[((image * g.height + row) * g.width + column) * g.channels + channel];
    }
    out[i] = total / static_cast<S>(rows.size() * columns.size());
  }
}

// Each pixel collects term(window, its row, its column) from the windows that cover it, so no two threads write to one
// place; `window` is where it is among all.
template <class S, class Term>
__device__ S collected(const PoolGeometry& g, const Pixels::Place& pixel, Term term) {
  Span rows = covering_rows(g, pixel.row), columns = covering_columns(g, pixel.column);
  S total = 0;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    for (std::int64_t column = columns.begin; column < columns.end; ++column)
      total +=
          term(((pixel.image * g.out_height + row) * g.out_width + column) * g.channels + pixel.channel, row, column);
  }
  return total;
}

template <class S>
__global__ void max_gradient_kernel(std::int64_t size, PoolGeometry g, Pixels pixels, const S* in,
                                    const std::int64_t* winners, S* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    out[i] = collected<S>(g, pixels.find(i), [&](std::int64_t window, std::int64_t, std::int64_t) {
      return winners[window] == i ? in[window] : S(0);
    });
  }
}

template <class S>
__global__ void average_gradient_kernel(std::int64_t size, PoolGeometry g, Pixels pixels, const S* in, S* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    out[i] = collected<S>(g, pixels.find(i), [&](std::int64_t window, std::int64_t row, std::int64_t column) {
      return in[window] / static_cast<S>(covered_rows(g, row).size() * covered_columns(g, column).size());
    });
  }
}

}  // namespace

void max_pool(const Tensor& x, const PoolGeometry& g, Tensor& y, Tensor& winners) {
  const Context& on = context(x.device());
  dispatch_floating(x.dtype(), [&]<class S>() {
    launch(on, max_kernel<S>, blocks_for(on, y.elements()), y.elements(), g,
           Pixels(g.out_height, g.out_width, g.channels), data<S>(x), mutable_data<S>(y),
           mutable_data<std::int64_t>(winners));
  });
}

void max_pool_gradient(const Tensor& dy, const Tensor& winners, const PoolGeometry& g, Tensor& dx) {
  const Context& on = context(dy.device());
  dispatch_floating(dy.dtype(), [&]<class S>() {
    launch(on, max_gradient_kernel<S>, blocks_for(on, dx.elements()), dx.elements(), g,
           Pixels(g.height, g.width, g.channels), data<S>(dy), data<std::int64_t>(winners), mutable_data<S>(dx));
  });
}

void average_pool(const Tensor& x, const PoolGeometry& g, Tensor& y) {
  const Context& on = context(x.device());
  dispatch_floating(x.dtype(), [&]<class S>() {
    launch(on, average_kernel<S>, blocks_for(on, y.elements()), y.elements(), g,
           Pixels(g.out_height, g.out_width, g.channels), data<S>(x), mutable_data<S>(y));
  });
}

void average_pool_gradient(const Tensor& dy, const PoolGeometry& g, Tensor& dx) {
  const Context& on = context(dy.device());
  dispatch_floating(dy.dtype(), [&]<class S>() {
    launch(on, average_gradient_kernel<S>, blocks_for(on, dx.elements()), dx.elements(), g,
           Pixels(g.height, g.width, g.channels), data<S>(dy), mutable_data<S>(dx));
  });
}

}  // namespace floe::cuda
