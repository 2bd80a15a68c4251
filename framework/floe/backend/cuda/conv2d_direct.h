// Convolutions in plain loops, for what cuDNN does not take: of any shape and stride, and slow.
#pragma once

#include <floe/backend/cuda/context.h>
#include <floe/backend/kernels.h>

namespace floe::cuda {

template <class T>
void direct_forward(const Context& on, const T* x, const T* filters, const T* bias, const ConvGeometry& g, T* y);
template <class T>
void direct_input_gradient(const Context& on, const T* dy, const T* filters, const T* bias, const ConvGeometry& g,
                           T* dx);
template <class T>
void direct_filter_gradient(const Context& on, const T* x, const T* dy, const ConvGeometry& g, T* dfilters);

}  // namespace floe::cuda
