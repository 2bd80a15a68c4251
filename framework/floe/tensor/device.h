// Device: where a tensor's bytes live.
#pragma once

#include <cstdint>
#include <string>

// Before functions that are compiled for the CPU and, by a CUDA compiler, also for a GPU.
#if defined(__CUDACC__)
#define FLOE_HOST_DEVICE __host__ __device__
#else
#define FLOE_HOST_DEVICE
#endif

namespace floe {

// A processor and its memory; the CPU by default.
struct Device {
  enum class Kind : std::uint8_t { cpu, cuda };

  Kind kind = Kind::cpu;
  std::uint8_t index = 0;  // which GPU, from 0; 0 on the CPU

  bool operator==(const Device&) const = default;
};

std::string to_string(Device device);           // "cpu", "cuda:0"
void require_device(Device device);             // DeviceError for one that this build or this machine lacks
Device parse_device(const std::string& text);   // "cpu", "cuda" (the first GPU), "cuda:1"; else DeviceError
int gpu_count();                                // 0 in a build without CUDA and on a machine without a GPU

// Waits until the device has done everything it was given. Only clocks need it: reading a value waits by itself.
void synchronize(Device device);

}  // namespace floe
