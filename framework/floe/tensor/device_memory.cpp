// The CPU's memory, and the way to a GPU's.
#include <floe/tensor/device_memory.h>

#include <bit>
#include <cstdlib>
#include <cstring>

namespace floe::device_memory {

void* allocate(std::size_t bytes, [[maybe_unused]] Device device) {
#if FLOE_CUDA
  if (device.kind == Device::Kind::cuda) return cuda::allocate(bytes, device);
#endif
  if (std::bit_width(bytes) > 46) return nullptr;  // no machine has it, and rounding up below would overflow
  void* memory = nullptr;
  return posix_memalign(&memory, 64, bytes) == 0 ? memory : nullptr;
}

void release(void* memory, [[maybe_unused]] Device device) noexcept {
#if FLOE_CUDA
  if (device.kind == Device::Kind::cuda) return cuda::release(memory, device);
#endif
  std::free(memory);
}

std::size_t free_bytes([[maybe_unused]] Device device) noexcept {
#if FLOE_CUDA
  if (device.kind == Device::Kind::cuda) return cuda::free_bytes(device);
#endif
  return 0;
}

void copy(void* to, [[maybe_unused]] Device to_device, const void* from, [[maybe_unused]] Device from_device,
          std::size_t bytes) {
  if (bytes == 0) return;
#if FLOE_CUDA
  if (to_device.kind == Device::Kind::cuda || from_device.kind == Device::Kind::cuda)
    return cuda::copy(to, to_device, from, from_device, bytes);
#endif
  std::memcpy(to, from, bytes);
}

void upload(void* to, [[maybe_unused]] Device device, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
#if FLOE_CUDA
  if (device.kind == Device::Kind::cuda) return cuda::upload(to, device, from, bytes);
#endif
  std::memcpy(to, from, bytes);
}

void changed([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t bytes,
             [[maybe_unused]] Device device) noexcept {
#if FLOE_CUDA
  if (device.kind == Device::Kind::cuda) cuda::changed(begin, bytes);
#endif
}

}  // namespace floe::device_memory
