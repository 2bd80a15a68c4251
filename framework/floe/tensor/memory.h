// How much memory tensors take.
#pragma once

#include <cstddef>

#include <floe/tensor/device.h>

namespace floe {

// Bytes held by living tensors on the device, and by the scratch memory of its libraries, as blocks of a few sizes:
// multiples of 64 bytes up to 256, above that up to 25 % more than was requested.
std::size_t memory_in_use(Device device = {});
std::size_t peak_memory(Device device = {});  // the most that memory_in_use has been since the last reset
void reset_peak_memory(Device device = {});
void release_cached_memory(Device device = {});  // gives the allocator's free blocks back to the system

}  // namespace floe
