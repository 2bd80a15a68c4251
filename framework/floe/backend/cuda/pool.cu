// Pooling over windows of images (batch, height, width, channels), and the gradient of the mean.
#include <floe/backend/cuda/pixels.h>

namespace floe::cuda {
namespace {

struct Span {
  std::int64_t begin, end;
  __device__ std::int64_t size() const { return end - begin; }
};

// The positions of an axis that window `i` covers, without the padding.
__device__ Span covered(std::int64_t i, std::int64_t window, std::int64_t stride, std::int64_t pad, std::int64_t size) {
  std::int64_t begin = i * stride - pad, end = begin + window;
  return {begin < 0 ? 0 : begin, end > size ? size : end};
}

// The windows that cover position `i` of an axis.
__device__ Span covering(std::int64_t i, std::int64_t window, std::int64_t stride, std::int64_t pad,
                         std::int64_t windows) {
  std::int64_t past_first = i + pad - window + 1, end = (i + pad) / stride + 1;
  return {past_first <= 0 ? 0 : (past_first + stride - 1) / stride, end > windows ? windows : end};
}

__device__ Span rows_of(const PoolGeometry& g, std::int64_t i) {
  return covered(i, g.window_height, g.stride_height, g.pad_top, g.height);
}
__device__ Span columns_of(const PoolGeometry& g, std::int64_t i) {
  return covered(i, g.window_width, g.stride_width, g.pad_left, g.width);
}

// NaN wins over numbers, as in reduce_max.
template <class S>
__global__ void max_kernel(std::int64_t size, PoolGeometry g, Pixels results, const S* in, S* out,
                           std::int64_t* winners) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [image, y, x, channel] = results.find(i);
    Span rows = rows_of(g, y), columns = columns_of(g, x);
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
    Span rows = rows_of(g, y), columns = columns_of(g, x);
    S total = 0;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      for (std::int64_t column = columns.begin; column < columns.end; ++column)
        total += in[((image * g.height + row) * g.width + column) * g.channels + channel];
    }
    out[i] = total / static_cast<S>(rows.size() * columns.size());
  }
}

// Each pixel collects from the windows that cover it, so no two threads write to one place.
template <class S>
__global__ void max_gradient_kernel(std::int64_t size, PoolGeometry g, Pixels pixels, const S* in,
                                    const std::int64_t* winners, S* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [image, y, x, channel] = pixels.find(i);
    Span rows = covering(y, g.window_height, g.stride_height, g.pad_top, g.out_height);
    Span columns = covering(x, g.window_width, g.stride_width, g.pad_left, g.out_width);
    S total = 0;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      for (std::int64_t column = columns.begin; column < columns.end; ++column) {
        std::int64_t window = ((image * g.out_height + row) * g.out_width + column) * g.channels + channel;
        if (winners[window] == i) total += in[window];
      }
    }
    out[i] = total;
  }
}

template <class S>
__global__ void average_gradient_kernel(std::int64_t size, PoolGeometry g, Pixels pixels, const S* in, S* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [image, y, x, channel] = pixels.find(i);
    Span rows = covering(y, g.window_height, g.stride_height, g.pad_top, g.out_height);
    Span columns = covering(x, g.window_width, g.stride_width, g.pad_left, g.out_width);
    S total = 0;
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      for (std::int64_t column = columns.begin; column < columns.end; ++column) {
        S share = S(1) / static_cast<S>(rows_of(g, row).size() * columns_of(g, column).size());
        total += in[((image * g.out_height + row) * g.out_width + column) * g.channels + channel] * share;
      }
    }
    out[i] = total;
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
