// Conv2D and Conv2DTranspose: convolutions with filters of their own, over (batch, height, width, channels).
#pragma once

#include <floe/layers/layer.h>
#include <floe/ops/conv2d.h>

namespace floe {

struct Conv2DOptions {
  std::int64_t in = 0;
  std::int64_t filters = 0;     // channels of the result
  Size2 kernel_size = 0;
  Size2 strides = 1;
  Padding padding = Padding::same;
  Size2 dilation = 1;
  std::int64_t groups = 1;
  bool use_bias = true;
  Initializer initializer = initializers::glorot_uniform();
};

class Conv2D : public Layer {
 public:
  Conv2D(Layer* parent, const std::string& name, Conv2DOptions options);

  Tensor operator()(Operand x);  // (batch, height, width, in) -> (batch, out height, out width, filters)

 private:
  ConvOptions options_;
  Variable* filters_;           // (height, width, in / groups, filters)
  Variable* bias_ = nullptr;    // (filters,)
};

struct Conv2DTransposeOptions {
  std::int64_t in = 0;
  std::int64_t filters = 0;
  Size2 kernel_size = 0;
  Size2 strides = 1;
  Padding padding = Padding::same;
  Size2 output_padding = -1;
  bool use_bias = true;
  Initializer initializer = initializers::glorot_uniform();
};

class Conv2DTranspose : public Layer {
 public:
  Conv2DTranspose(Layer* parent, const std::string& name, Conv2DTransposeOptions options);

  Tensor operator()(
      Operand x);  // (batch, height, width, in) -> (batch, height * stride, width * stride, filters) if "same"

 private:
  ConvTransposeOptions options_;
  Variable* filters_;           // (height, width, filters, in)
  Variable* bias_ = nullptr;    // (filters,)
};

}  // namespace floe
