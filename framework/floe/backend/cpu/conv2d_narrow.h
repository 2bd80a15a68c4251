// Gradients to images of few channels, and so transposed convolutions to such images. oneDNN in NHWC is many times
// slower there, and unrolling windows is mostly moving data about.
#pragma once

#include <floe/backend/kernels.h>

namespace floe::cpu {

// Up to three channels, one group, no dilation.
bool is_narrow(const ConvGeometry& g);

// dx (batch, height, width, in) from dy (batch, out_height, out_width, out) and the filters; a number for each of
// `in` is added, unless bias is null.
template <class T>
void narrow_input_gradient(const T* dy, const T* filters, const T* bias, const ConvGeometry& g, T* dx);

}  // namespace floe::cpu
