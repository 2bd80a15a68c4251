// Convolutions as plain loops, for tests to compare with.
#pragma once

#include <algorithm>

#include <floe/ops/conv2d.h>
#include <support/tensors.h>

namespace floe::test {

// One axis as TensorFlow documents it: how often the window fits, and the padding before it.
struct Axis {
  std::int64_t out, before;
};

inline Axis axis_of(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                    Padding::Kind kind, std::int64_t before, std::int64_t after) {
  std::int64_t reach = (kernel - 1) * dilation + 1;
  if (kind == Padding::Kind::valid) return {(in - reach) / stride + 1, 0};
  if (kind == Padding::Kind::explicit_pads) return {(in + before + after - reach) / stride + 1, before};
  std::int64_t out = (in + stride - 1) / stride;
  std::int64_t total = std::max<std::int64_t>(in % stride == 0 ? reach - stride : reach - in % stride, 0);
  return {out, total / 2};
}

// body(place in the image, in the filters, in the result) for every product of the convolution `g` of an image.
template <class Body>
void for_each_product(const Shape& image, const Shape& filters, const ConvOptions& o, Body body) {
  Axis rows = axis_of(image[1], filters[0], o.strides.height, o.dilation.height, o.padding.kind, o.padding.top,
                      o.padding.bottom);
  Axis columns =
      axis_of(image[2], filters[1], o.strides.width, o.dilation.width, o.padding.kind, o.padding.left, o.padding.right);
  for_each_index({image[0], rows.out, columns.out, filters[3]}, [&](const Index& y) {
    std::int64_t group = y[3] / (filters[3] / o.groups);
    for_each_index({filters[0], filters[1], filters[2]}, [&](const Index& w) {
      std::int64_t row = y[1] * o.strides.height - rows.before + w[0] * o.dilation.height;
      std::int64_t column = y[2] * o.strides.width - columns.before + w[1] * o.dilation.width;
      if (row < 0 || row >= image[1] || column < 0 || column >= image[2]) return;
      body(Index{y[0], row, column, group * filters[2] + w[2]}, Index{w[0], w[1], w[2], y[3]}, y);
    });
  });
}

inline Shape result_of(const Shape& image, const Shape& filters, const ConvOptions& o) {
  return {
      image[0],
      axis_of(image[1], filters[0], o.strides.height, o.dilation.height, o.padding.kind, o.padding.top,
              o.padding.bottom)
          .out,
      axis_of(image[2], filters[1], o.strides.width, o.dilation.width, o.padding.kind, o.padding.left, o.padding.right)
          .out,
      filters[3]};
}

inline std::int64_t place(const Tensor& x, const Index& i) {
  return ((i[0] * x.dim(1) + i[1]) * x.dim(2) + i[2]) * x.dim(3) + i[3];
}

inline Tensor plain_conv2d(const Tensor& x, const Tensor& w, const ConvOptions& options) {
  Tensor y = zeros(result_of(x.shape(), w.shape(), options), DType::float64);
  double* to = y.mutable_data<double>();
  for_each_product(x.shape(), w.shape(), options,
                   [&](const Index& i, const Index& k, const Index& o) { to[place(y, o)] += at(x, i) * at(w, k); });
  return y;
}

// Each element of x spreads the filters over the result: what TensorFlow's conv2d_transpose is defined as.
inline Tensor plain_conv2d_transpose(const Tensor& x, const Tensor& w, const Shape& result,
                                     const ConvOptions& options) {
  Tensor y = zeros(result, DType::float64);
  double* to = y.mutable_data<double>();
  for_each_product(result, w.shape(), options,
                   [&](const Index& i, const Index& k, const Index& o) { to[place(y, i)] += at(x, o) * at(w, k); });
  return y;
}

}  // namespace floe::test
