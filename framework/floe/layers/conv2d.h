// Conv2D and Conv2DTranspose: convolutions with filters of their own, over (batch, height, width, channels).
#pragma once

#include <floe/layers/layer.h>
#include <floe/ops/conv2d.h>

namespace floe {

// The options of a Conv2D, by name: {.in = 1, .filters = 64, .kernel_size = 5}.
struct Conv2DOptions {
  std::int64_t in = 0;              // channels of x
  std::int64_t filters = 0;         // channels of the result
  Size2 kernel_size = 0;            // pixels of a filter, down and across
  Size2 strides = 1;                // pixels from one place of the filter to the next
  Padding padding = Padding::same;  // what lies beyond the edges: ops/padding.h
  Size2 dilation = 1;               // distance between the filter's taps
  std::int64_t groups = 1;          // channels are divided into this many groups that do not mix
  bool use_bias = true;             // false if a normalisation follows, which has its own
  Initializer initializer = initializers::glorot_uniform();  // of the filters
};

// conv2d(x, filters) + bias, which begins at 0. See ops/conv2d.h for the sizes and the errors of a call.
class Conv2D : public Layer {
 public:
  using Options = Conv2DOptions;

  // ValueError for an option that is missing, 0 or less, and for .in or .filters that .groups does not divide.
  Conv2D(Layer* parent, const std::string& name, Conv2DOptions options);

  Tensor operator()(Operand x);  // (batch, height, width, in) -> (batch, out height, out width, filters)

 private:
  ConvOptions options_;
  Variable* filters_;         // (height, width, in / groups, filters)
  Variable* bias_ = nullptr;  // (filters,)
};

// The options of a Conv2DTranspose, by name.
struct Conv2DTransposeOptions {
  std::int64_t in = 0;              // channels of x
  std::int64_t filters = 0;         // channels of the result
  Size2 kernel_size = 0;            // pixels of a filter, down and across
  Size2 strides = 1;                // how many times larger the result is
  Padding padding = Padding::same;  // of the convolution that this one reverses
  Size2 output_padding = -1;        // rows and columns beyond the smallest result; -1: TensorFlow's choice
  bool use_bias = true;             // false if a normalisation follows, which has its own
  Initializer initializer = initializers::glorot_uniform();  // of the filters
};

// conv2d_transpose(x, filters) + bias, which begins at 0. See ops/conv2d.h for the sizes, which are Keras', and the
// errors of a call.
class Conv2DTranspose : public Layer {
 public:
  using Options = Conv2DTransposeOptions;

  // ValueError for an option that is missing, 0 or less.
  Conv2DTranspose(Layer* parent, const std::string& name, Conv2DTransposeOptions options);

  // (batch, height, width, in) -> (batch, out height, out width, filters); height * stride, width * stride if "same".
  Tensor operator()(Operand x);

 private:
  ConvTransposeOptions options_;
  Variable* filters_;         // (height, width, filters, in)
  Variable* bias_ = nullptr;  // (filters,)
};

}  // namespace floe
