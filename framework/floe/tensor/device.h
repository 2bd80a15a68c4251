// Device: where a tensor's bytes live.
#pragma once

#include <cstdint>
#include <string>

namespace floe {

// A processor and its memory; the CPU unless told otherwise.
struct Device {
  // Which sort of processor.
  enum class Kind : std::uint8_t { cpu, cuda };

  Kind kind = Kind::cpu;  // the sort of processor
  std::uint8_t index = 0;  // which GPU, from 0; 0 on the CPU

  bool operator==(const Device&) const = default;
};


std::string to_string(Device device);             // "cpu", "cuda:0"
void require_built(Device device);                // DeviceError for a device this build lacks
Device parse_device(const std::string& text);     // DeviceError for an unknown name or a device this build lacks

}  // namespace floe
