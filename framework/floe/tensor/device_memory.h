// What the memory of a device offers: the CPU's here, a GPU's in backend/cuda/context.cpp.
#pragma once

#include <cstddef>
#include <string>

#include <floe/tensor/device.h>

namespace floe::device_memory {

// Bytes aligned to 64, or null if there are no more. Fresh from the system, and slow: see storage.cpp for what is kept.
void* allocate(std::size_t bytes, Device device);
void release(void* memory, Device device) noexcept;

// What the device has left, in bytes; 0 if that is not known, as on the CPU.
std::size_t free_bytes(Device device) noexcept;

// Copies after all work given to either device so far. With the CPU on one side, it returns when the copy is done;
// between GPUs when it is queued.
void copy(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes);

// From the CPU to fresh memory of a device, alongside what the device is working on; for a thread other than the one
// that gives it work. Returns when the copy is done.
void upload(void* to, Device device, const void* from, std::size_t bytes);

// These bytes of a device are about to be written to or given back: what its backend keeps beside them no longer holds.
void changed(const void* begin, std::size_t bytes, Device device) noexcept;

}  // namespace floe::device_memory

#if FLOE_CUDA
namespace floe::cuda {

// The same for a GPU. DeviceError if more than memory is missing.
void* allocate(std::size_t bytes, Device device);
void release(void* memory, Device device) noexcept;
std::size_t free_bytes(Device device) noexcept;
void copy(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes);
void upload(void* to, Device device, const void* from, std::size_t bytes);
void changed(const void* begin, std::size_t bytes) noexcept;
void synchronize(Device device);
int device_count() noexcept;  // also 0 without a driver
std::string why_none();       // why there is no device, in words
std::string device_name(Device device);
bool rounds_factors(Device device);  // does it have tensor cores for tf32 and bf16?

}  // namespace floe::cuda
#endif
