// Two-dimensional convolutions over (batch, height, width, channels), with filters (height, width, in, out).
#pragma once

#include <floe/ops/padding.h>
#include <floe/tape/operand.h>

namespace floe {

// How the filters move, by name: conv2d(x, filters, {.strides = 2}).
struct ConvOptions {
  Size2 strides = 1;                // pixels from one place of the filter to the next
  Padding padding = Padding::same;  // what lies beyond the edges: ops/padding.h
  Size2 dilation = 1;               // distance between the filter's taps
  std::int64_t groups = 1;          // channels in and out are divided into this many groups that do not mix
};

// x (batch, height, width, in) and filters (height, width, in / groups, out) give (batch, out height, out width, out),
// with the sizes of ops/padding.h. Cross-correlation, as in every framework. Both float32 or both float64, else
// DTypeError; ShapeError for other ranks, channels that do not fit or divide, and filters without taps or larger than
// the padded input; ValueError for strides, dilation or groups below 1, negative padding, and pixels beyond 2^31 - 1.
Tensor conv2d(Operand x, Operand filters, ConvOptions options = {});

// The same with a number for each output channel, bias (out,), added to it.
Tensor conv2d(Operand x, Operand filters, Operand bias, ConvOptions options = {});

// How the filters of the convolution that is reversed move, by name.
struct ConvTransposeOptions {
  Size2 strides = 1;                // about how many times larger the result is
  Padding padding = Padding::same;  // of the convolution that this one reverses
  Size2 dilation = 1;               // distance between the filter's taps
  Size2 output_padding = -1;        // rows and columns beyond the smallest result; -1: TensorFlow's choice
  std::int64_t groups = 1;          // channels that do not mix
};

// The reverse of a convolution: x (batch, height, width, in) and filters (height, width, out / groups, in) give
// (batch, out height, out width, out). Sizes as in Keras' deconv_output_length, with the reach of ops/padding.h and an
// output padding of -1, or p:
//
//   same    in * stride, or (in - 1) * stride + reach - 2 * floor(reach / 2) + p
//   valid   in * stride + max(reach - stride, 0), or (in - 1) * stride + reach + p
//   of      (in - 1) * stride + reach - before - after + p, where -1 counts as 0
//
// ShapeError if a convolution does not bring that size back to x's; else the errors of conv2d.
Tensor conv2d_transpose(Operand x, Operand filters, ConvTransposeOptions options = {});
Tensor conv2d_transpose(Operand x, Operand filters, Operand bias, ConvTransposeOptions options = {});  // bias (out,)

}  // namespace floe
