// Two-dimensional convolutions over (batch, height, width, channels), with filters (height, width, in, out).
#pragma once

#include <floe/ops/window.h>
#include <floe/tape/operand.h>

namespace floe {

struct ConvOptions {
  Size2 strides = 1;
  Padding padding = Padding::same;
  Size2 dilation = 1;      // distance between the filter's taps
  std::int64_t groups = 1; // channels in and out are divided into so many groups that do not mix
};

// x (batch, height, width, in) and filters (height, width, in / groups, out) give (batch, out height, out width, out).
// Cross-correlation, as every framework means by convolution.
Tensor conv2d(Operand x, Operand filters, ConvOptions options = {});

struct ConvTransposeOptions {
  Size2 strides = 1;
  Padding padding = Padding::same;  // of the convolution that this one reverses
  Size2 dilation = 1;
  Size2 output_padding = -1;        // rows and columns more than the smallest result; -1: TensorFlow's choice
  std::int64_t groups = 1;
};

// The reverse of a convolution: x (batch, height, width, in) and filters (height, width, out / groups, in) give
// (batch, out height, out width, out). "same" multiplies the size by the stride.
Tensor conv2d_transpose(Operand x, Operand filters, ConvTransposeOptions options = {});

}  // namespace floe
