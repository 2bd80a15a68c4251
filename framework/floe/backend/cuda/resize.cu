// Resizing of images (batch, height, width, channels), nearest and bilinear, and the gradients of both.
#include <floe/backend/cuda/pixels.h>
#include <floe/backend/dispatch.h>
#include <floe/backend/resize_taps.h>

namespace floe::cuda {
namespace {

template <class T>
__global__ void nearest_kernel(std::int64_t size, Pixels from, Pixels to, NearestTaps rows, NearestTaps columns,
                               const T* in, T* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [image, row, column, channel] = to.find(i);
    out[i] = in[from.offset(image, rows(row).lower, columns(column).lower, channel)];
  }
}

template <class S>
__global__ void bilinear_kernel(std::int64_t size, Pixels from, Pixels to, BilinearTaps rows, BilinearTaps columns,
                                const S* in, S* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [image, row, column, channel] = to.find(i);
    Tap down = rows(row), across = columns(column);
    auto blended = [&](std::int64_t x) {  // of two rows
      S a = in[from.offset(image, down.lower, x, channel)], b = in[from.offset(image, down.upper, x, channel)];
      return a + (b - a) * static_cast<S>(down.share);
    };
    S left = blended(across.lower), right = blended(across.upper);
    out[i] = left + (right - left) * static_cast<S>(across.share);
  }
}

// The outputs that may look at input `at` are neighbours; how much of it output i takes.
template <class Taps>
__device__ double weight_of(const Taps& taps, std::int64_t i, std::int64_t at) {
  Tap tap = taps(i);
  if (tap.lower == tap.upper) return tap.lower == at ? 1 : 0;
  return tap.lower == at ? 1 - tap.share : tap.upper == at ? tap.share : 0;
}

// The first output whose upper tap reaches input `at`: taps move along with i.
template <class Taps>
__device__ std::int64_t first_at(const Taps& taps, std::int64_t at) {
  std::int64_t low = 0, high = taps.out;
  while (low < high) {
    std::int64_t middle = (low + high) / 2;
    if (taps(middle).upper < at)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// Each pixel collects from the outputs that look at it, in their order.
template <class S, class Taps>
__global__ void gradient_kernel(std::int64_t size, Pixels from, Pixels to, Taps rows, Taps columns, const S* in,
                                S* out) {
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    auto [image, row, column, channel] = to.find(i);
    std::int64_t first_column = first_at(columns, column);
    S total = 0;
    for (std::int64_t y = first_at(rows, row); y < rows.out && rows(y).lower <= row; ++y) {
      S down = static_cast<S>(weight_of(rows, y, row)), line = 0;
      for (std::int64_t x = first_column; x < columns.out && columns(x).lower <= column; ++x)
        line += static_cast<S>(weight_of(columns, x, column)) * in[from.offset(image, y, x, channel)];
      total += down * line;
    }
    out[i] = total;
  }
}

template <class Taps>
void resize_gradient(const Tensor& dy, Tensor& dx) {
  const Context& on = context(dy.device());
  dispatch_floating(dy.dtype(), [&]<class S>() {
    launch(on, gradient_kernel<S, Taps>, blocks_for(on, dx.elements()), dx.elements(), Pixels(dy), Pixels(dx),
           Taps{dx.dim(1), dy.dim(1)}, Taps{dx.dim(2), dy.dim(2)}, data<S>(dy), mutable_data<S>(dx));
  });
}

}  // namespace

void resize_nearest(const Tensor& x, Tensor& y) {
  const Context& on = context(x.device());
  dispatch_item(x.dtype(), [&]<class T>() {
    launch(on, nearest_kernel<T>, blocks_for(on, y.elements()), y.elements(), Pixels(x), Pixels(y),
           NearestTaps{x.dim(1), y.dim(1)}, NearestTaps{x.dim(2), y.dim(2)}, data<T>(x), mutable_data<T>(y));
  });
}

void resize_bilinear(const Tensor& x, Tensor& y) {
  const Context& on = context(x.device());
  dispatch_floating(x.dtype(), [&]<class S>() {
    launch(on, bilinear_kernel<S>, blocks_for(on, y.elements()), y.elements(), Pixels(x), Pixels(y),
           BilinearTaps{x.dim(1), y.dim(1)}, BilinearTaps{x.dim(2), y.dim(2)}, data<S>(x), mutable_data<S>(y));
  });
}

void resize_nearest_gradient(const Tensor& dy, Tensor& dx) { resize_gradient<NearestTaps>(dy, dx); }
void resize_bilinear_gradient(const Tensor& dy, Tensor& dx) { resize_gradient<BilinearTaps>(dy, dx); }

}  // namespace floe::cuda
