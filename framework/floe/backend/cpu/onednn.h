// What oneDNN does for the CPU backend: float32 matrix products and convolutions. All of its versions meet in onednn.cpp.
#pragma once

#include <string>

#include <floe/backend/cpu/gemm.h>
#include <floe/backend/kernels.h>

namespace floe::cpu {

std::string onednn_version();

// False if oneDNN has none for these sizes; nothing is written then.
bool onednn_gemm(std::int64_t rows, std::int64_t columns, std::int64_t inner, Matrix<float> a, Matrix<float> b,
                 float* c, std::int64_t ldc, bool accumulate);

// Each returns false if oneDNN has no implementation for this shape; nothing is written then.
// `bias` may be null.
bool onednn_conv2d(const float* x, const float* filters, const float* bias, const ConvGeometry& g, float* y);
bool onednn_conv2d_input_gradient(const float* dy, const float* filters, const float* bias, const ConvGeometry& g,
                                  float* dx);
bool onednn_conv2d_filter_gradient(const float* x, const float* dy, const ConvGeometry& g, float* dfilters);

}  // namespace floe::cpu
