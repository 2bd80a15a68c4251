// The only switch on device: run<cpu::f, cuda::f>(device, arguments...) calls the kernel of the tensor's device.
#pragma once

#include <floe/backend/kernels.h>
#include <floe/tensor/device.h>

namespace floe {

template <auto cpu_kernel, auto cuda_kernel, class... Arguments>
void run([[maybe_unused]] Device device, Arguments&&... arguments) {
#if FLOE_CUDA
  if (device.kind == Device::Kind::cuda) return cuda_kernel(std::forward<Arguments>(arguments)...);
#endif
  cpu_kernel(std::forward<Arguments>(arguments)...);
}

}  // namespace floe
