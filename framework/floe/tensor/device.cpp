// Device: names.
#include <floe/tensor/device.h>

#include <fmt/format.h>

#include <floe/tensor/error.h>

namespace floe {

std::string to_string(Device device) {
  return device.kind == Device::Kind::cpu ? "cpu" : fmt::format("cuda:{}", device.index);
}

void require_built(Device device) {
  if (device.kind == Device::Kind::cpu) return;
  throw DeviceError(
      fmt::format("device: this build has no CUDA backend, so {} is not available; use cpu", to_string(device)));
}

Device parse_device(const std::string& text) {
  if (text == "cpu") return {};
  if (text == "cuda" || text.starts_with("cuda:")) {
    throw DeviceError(fmt::format("device: this build has no CUDA backend, so {} is not available; use cpu", text));
  }
  throw DeviceError(fmt::format("device: expected cpu or cuda, found '{}'", text));
}

}  // namespace floe
