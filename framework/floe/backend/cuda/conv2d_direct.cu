// Convolutions in plain loops: a thread for each result.
#include <floe/backend/cuda/conv2d_direct.h>

#include <floe/backend/cuda/columns.h>

namespace floe::cuda {
namespace {

template <class T>
__global__ void forward_kernel(std::int64_t size, ConvGeometry g, const T* x, const T* filters, const T* bias, T* y) {
  const std::int64_t in = g.in / g.groups, out = g.out / g.groups;
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    std::int64_t o = i % g.out, column = i / g.out % g.out_width, row = i / g.out / g.out_width % g.out_height,
                 image = i / g.out / g.out_width / g.out_height;
    T total = bias ? bias[o] : T(0);
    for (std::int64_t ky = 0; ky < g.kernel_height; ++ky) {
      std::int64_t at_y = row * g.stride_height - g.pad_top + ky * g.dilation_height;
      if (at_y < 0 || at_y >= g.height) continue;
      for (std::int64_t kx = 0; kx < g.kernel_width; ++kx) {
        std::int64_t at_x = column * g.stride_width - g.pad_left + kx * g.dilation_width;
        if (at_x < 0 || at_x >= g.width) continue;
        const T* pixel = x + ((image * g.height + at_y) * g.width + at_x) * g.in + o / out * in;
        const T* taps = filters + (ky * g.kernel_width + kx) * in * g.out + o;
        for (std::int64_t c = 0; c < in; ++c) total += pixel[c] * taps[c * g.out];
      }
    }
    y[i] = total;
  }
}

template <class T>
__global__ void input_gradient_kernel(std::int64_t size, ConvGeometry g, const T* dy, const T* filters, const T* bias,
                                      T* dx) {
  const std::int64_t in = g.in / g.groups, out = g.out / g.groups;
  for (std::int64_t i = thread_index(); i < size; i += thread_count()) {
    std::int64_t c = i % g.in, column = i / g.in % g.width, row = i / g.in / g.width % g.height,
                 image = i / g.in / g.width / g.height, group = c / in;
    T total = bias ? bias[c] : T(0);
    for (std::int64_t ky = 0; ky < g.kernel_height; ++ky) {
      std::int64_t y = row + g.pad_top - ky * g.dilation_height;
      if (y < 0 || y % g.stride_height != 0 || y / g.stride_height >= g.out_height) continue;
      for (std::int64_t kx = 0; kx < g.kernel_width; ++kx) {
        std::int64_t x = column + g.pad_left - kx * g.dilation_width;
        if (x < 0 || x % g.stride_width != 0 || x / g.stride_width >= g.out_width) continue;
        const T* slopes = dy +
                          ((image * g.out_height + y / g.stride_height) * g.out_width + x / g.stride_width) * g.out +
                          group * out;
        const T* taps = filters + ((ky * g.kernel_width + kx) * in + c % in) * g.out + group * out;
        for (std::int64_t o = 0; o < out; ++o) total += slopes[o] * taps[o];
      }
    }
    dx[i] = total;
  }
}

// One product of the sum over all results that a filter's element took part in.
template <class T>
struct Products {
  __device__ double operator()(std::int64_t element, std::int64_t place, std::int64_t) const {
    const std::int64_t in = g.in / g.groups, out = g.out / g.groups;
    std::int64_t o = element % g.out, c = element / g.out % in, kx = element / g.out / in % g.kernel_width,
                 ky = element / g.out / in / g.kernel_width;
    std::int64_t column = place % g.out_width, row = place / g.out_width % g.out_height,
                 image = place / g.out_width / g.out_height;
    std::int64_t at_y = row * g.stride_height - g.pad_top + ky * g.dilation_height,
                 at_x = column * g.stride_width - g.pad_left + kx * g.dilation_width;
    if (at_y < 0 || at_y >= g.height || at_x < 0 || at_x >= g.width) return 0;
    return static_cast<double>(x[((image * g.height + at_y) * g.width + at_x) * g.in + o / out * in + c]) *
           static_cast<double>(dy[place * g.out + o]);
  }
  ConvGeometry g;
  const T *x, *dy;
};

template <class T>
struct StoreSum {
  __device__ void operator()(std::int64_t element, std::int64_t, std::int64_t, double total) const {
    out[element] = static_cast<T>(total);
  }
  T* out;
};

}  // namespace

template <class T>
void direct_forward(const Context& on, const T* x, const T* filters, const T* bias, const ConvGeometry& g, T* y) {
  std::int64_t size = g.batch * g.out_height * g.out_width * g.out;
  launch(on, forward_kernel<T>, blocks_for(on, size), size, g, x, filters, bias, y);
}

template <class T>
void direct_input_gradient(const Context& on, const T* dy, const T* filters, const T* bias, const ConvGeometry& g,
                           T* dx) {
  std::int64_t size = g.batch * g.height * g.width * g.in;
  launch(on, input_gradient_kernel<T>, blocks_for(on, size), size, g, dy, filters, bias, dx);
}

template <class T>
void direct_filter_gradient(const Context& on, const T* x, const T* dy, const ConvGeometry& g, T* dfilters) {
  Folded axis{g.kernel_height * g.kernel_width * (g.in / g.groups) * g.out, g.batch * g.out_height * g.out_width, 1};
  reduce_columns(on, axis, 0.0, Plus{}, Products<T>{g, x, dy}, StoreSum<T>{dfilters});
}

template void direct_forward(const Context&, const float*, const float*, const float*, const ConvGeometry&, float*);
template void direct_forward(const Context&, const double*, const double*, const double*, const ConvGeometry&, double*);
template void direct_input_gradient(const Context&, const float*, const float*, const float*, const ConvGeometry&,
                                    float*);
template void direct_input_gradient(const Context&, const double*, const double*, const double*, const ConvGeometry&,
                                    double*);
template void direct_filter_gradient(const Context&, const float*, const float*, const ConvGeometry&, float*);
template void direct_filter_gradient(const Context&, const double*, const double*, const ConvGeometry&, double*);

}  // namespace floe::cuda
