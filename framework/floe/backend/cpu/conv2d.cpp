// Convolutions: through oneDNN where it is fast, else as matrix products over unrolled im2col.
#include <floe/backend/cpu/bias.h>
#include <floe/backend/cpu/conv2d_narrow.h>
#include <floe/backend/cpu/cuts.h>
#include <floe/backend/cpu/gemm.h>
#include <floe/backend/cpu/onednn.h>
#include <floe/backend/kernels.h>
#include <floe/backend/parallel.h>
#include <floe/backend/settings.h>

namespace floe::cpu {
namespace {

// The windows of some images as rows of a matrix, (images * out_height * out_width, kernel_height * kernel_width * in).
// With groups, each window holds the channels of one group only.
template <class T>
class Im2Col {
 public:
  explicit Im2Col(const ConvGeometry& g) : g_(g), in_(g.in / g.groups) {}

  std::int64_t rows() const { return g_.out_height * g_.out_width; }  // of one image
  std::int64_t columns() const { return g_.kernel_height * g_.kernel_width * in_; }

  // How many images are unrolled together: enough for a good matrix product, few enough for the cache.
  std::int64_t images_together() const {
    return std::clamp(cuts::unrolled / std::max<std::int64_t>(1, rows() * columns()), std::int64_t{1},
                      cuts::unrolled_images);
  }

  void unroll(const T* image, std::int64_t group, T* windows) const {
    visit([&](const std::int64_t* pixel, T*& at) {
      if (pixel) std::copy_n(image + *pixel + group * in_, in_, at);
      else std::fill_n(at, in_, T(0));
    }, windows);
  }

  void add_back(const T* windows, std::int64_t group, T* image) const {
    visit([&](const std::int64_t* pixel, const T*& at) {
      if (!pixel) return;
      T* to = image + *pixel + group * in_;
      for (std::int64_t c = 0; c < in_; ++c) to[c] += at[c];
    }, windows);
  }

 private:
  // Calls each(offset of the pixel in the image or null in the padding, place in the matrix) for every window entry.
  template <class Each, class At>
  void visit(Each each, At at) const {
    for (std::int64_t oy = 0; oy < g_.out_height; ++oy) {
      for (std::int64_t ox = 0; ox < g_.out_width; ++ox) {
        for (std::int64_t ky = 0; ky < g_.kernel_height; ++ky) {
          std::int64_t y = oy * g_.stride_height - g_.pad_top + ky * g_.dilation_height;
          for (std::int64_t kx = 0; kx < g_.kernel_width; ++kx, at += in_) {
            std::int64_t x = ox * g_.stride_width - g_.pad_left + kx * g_.dilation_width;
            bool inside = y >= 0 && y < g_.height && x >= 0 && x < g_.width;
            std::int64_t pixel = (y * g_.width + x) * g_.in;
            each(inside ? &pixel : nullptr, at);
          }
        }
      }
    }
  }

  const ConvGeometry& g_;
  std::int64_t in_;
};

// Calls body(first image, count, buffer for their windows) for runs of images, dealt out to the threads.
template <class T, class Body>
void for_image_runs(const ConvGeometry& g, const Im2Col<T>& im2col, Body body) {
  std::int64_t together = im2col.images_together();
  parallel_ranges(g.batch, together, [&](std::int64_t begin, std::int64_t end) {
    Tensor buffer({(end - begin) * im2col.rows() * im2col.columns()}, dtype_of<T>());
    body(begin, end - begin, buffer.mutable_data<T>());
  });
}

template <class T>
void forward(const T* x, const T* filters, const T* bias, const ConvGeometry& g, T* y) {
  Im2Col<T> im2col(g);
  std::int64_t out = g.out / g.groups, image = g.height * g.width * g.in, result = im2col.rows() * g.out;
  for_image_runs<T>(g, im2col, [&](std::int64_t first, std::int64_t count, T* buffer) {
    for (std::int64_t group = 0; group < g.groups; ++group) {
      for (std::int64_t i = 0; i < count; ++i)
        im2col.unroll(x + (first + i) * image, group, buffer + i * im2col.rows() * im2col.columns());
      gemm(count * im2col.rows(), out, im2col.columns(), {buffer, im2col.columns()}, {filters + group * out, g.out},
           y + first * result + group * out, g.out, false);
    }
    add_bias(count * im2col.rows(), g.out, bias, y + first * result);
  });
}

template <class T>
void input_gradient(const T* dy, const T* filters, const T* bias, const ConvGeometry& g, T* dx) {
  Im2Col<T> im2col(g);
  std::int64_t out = g.out / g.groups, image = g.height * g.width * g.in, result = im2col.rows() * g.out;
  for_image_runs<T>(g, im2col, [&](std::int64_t first, std::int64_t count, T* buffer) {
    std::fill_n(dx + first * image, count * image, T(0));
    for (std::int64_t group = 0; group < g.groups; ++group) {
      gemm(count * im2col.rows(), im2col.columns(), out, {dy + first * result + group * out, g.out},
           {filters + group * out, g.out, true}, buffer, im2col.columns(), false);
      for (std::int64_t i = 0; i < count; ++i)
        im2col.add_back(buffer + i * im2col.rows() * im2col.columns(), group, dx + (first + i) * image);
    }
    add_bias(count * g.height * g.width, g.in, bias, dx + first * image);
  });
}

template <class T>
void filter_gradient(const T* x, const T* dy, const ConvGeometry& g, T* dfilters) {
  Im2Col<T> im2col(g);
  std::int64_t out = g.out / g.groups, image = g.height * g.width * g.in, result = im2col.rows() * g.out;
  std::int64_t size = im2col.columns() * g.out;

  // Some parts of the batch make a sum each.
  std::int64_t part = std::max<std::int64_t>(1, (g.batch + cuts::batch_sums - 1) / cuts::batch_sums),
               parts = (g.batch + part - 1) / part;
  Tensor sums({std::max<std::int64_t>(1, parts), size}, dtype_of<T>());
  T* sum = sums.mutable_data<T>();
  std::fill_n(sum, size, T(0));
  parallel_ranges(g.batch, part, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t together = std::min(im2col.images_together(), end - begin);
    Tensor memory({together * im2col.rows() * im2col.columns()}, dtype_of<T>());
    T* buffer = memory.mutable_data<T>();
    for (std::int64_t group = 0; group < g.groups; ++group) {
      for (std::int64_t first = begin; first < end; first += together) {
        std::int64_t count = std::min(together, end - first);
        for (std::int64_t i = 0; i < count; ++i)
          im2col.unroll(x + (first + i) * image, group, buffer + i * im2col.rows() * im2col.columns());
        gemm(im2col.columns(), out, count * im2col.rows(), {buffer, im2col.columns(), true},
             {dy + first * result + group * out, g.out}, sum + begin / part * size + group * out, g.out, first > begin);
      }
    }
  });

  // Add them in the order of the parts.
  parallel_ranges(size, rows_per_part(parts), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      T total = sum[i];
      for (std::int64_t p = 1; p < parts; ++p) total += sum[p * size + i];
      dfilters[i] = total;
    }
  });
}

template <class T>
const T* bias_of(const Tensor& bias) {
  return bias.defined() ? bias.data<T>() : nullptr;
}

// float32 goes to oneDNN.
bool prefers_onednn(const Tensor& x) {
  return x.dtype() == DType::float32 && cpu_library() == CpuLibrary::onednn && x.elements() > 0;
}

}  // namespace

void conv2d(const Tensor& x, const Tensor& filters, const Tensor& bias, const ConvGeometry& g, Tensor& y) {
  if (y.elements() == 0) return;
  if (prefers_onednn(x) &&
      onednn_conv2d(x.data<float>(), filters.data<float>(), bias_of<float>(bias), g, y.mutable_data<float>()))
    return;
  dispatch_floating(
      x.dtype(), [&]<class T>() { forward(x.data<T>(), filters.data<T>(), bias_of<T>(bias), g, y.mutable_data<T>()); });
}

void conv2d_input_gradient(const Tensor& dy, const Tensor& filters, const Tensor& bias, const ConvGeometry& g,
                           Tensor& dx) {
  if (dx.elements() == 0) return;
  if (is_narrow(g)) {
    return dispatch_floating(dy.dtype(), [&]<class T>() {
      narrow_input_gradient(dy.data<T>(), filters.data<T>(), bias_of<T>(bias), g, dx.mutable_data<T>());
    });
  }
  if (prefers_onednn(dy) && onednn_conv2d_input_gradient(dy.data<float>(), filters.data<float>(), bias_of<float>(bias),
                                                         g, dx.mutable_data<float>()))
    return;
  dispatch_floating(dy.dtype(), [&]<class T>() {
    input_gradient(dy.data<T>(), filters.data<T>(), bias_of<T>(bias), g, dx.mutable_data<T>());
  });
}

void conv2d_filter_gradient(const Tensor& x, const Tensor& dy, const ConvGeometry& g, Tensor& dfilters) {
  if (dfilters.elements() == 0) return;
  if (prefers_onednn(x) &&
      onednn_conv2d_filter_gradient(x.data<float>(), dy.data<float>(), g, dfilters.mutable_data<float>()))
    return;
  dispatch_floating(x.dtype(),
                    [&]<class T>() { filter_gradient(x.data<T>(), dy.data<T>(), g, dfilters.mutable_data<T>()); });
}

}  // namespace floe::cpu
