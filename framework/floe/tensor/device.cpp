// Device: names, and which of them exist.
#include <floe/tensor/device.h>

#include <fmt/format.h>

#include <floe/tensor/device_memory.h>
#include <floe/tensor/error.h>
#include <floe/tensor/parse.h>

namespace floe {
namespace {

// Why there is no GPU called `name`; empty if there is one.
std::string obstacle([[maybe_unused]] int index, const std::string& name) {
#if FLOE_CUDA
  int count = cuda::device_count();
  if (index < count) return {};
  if (count == 0) return fmt::format("{}, so {} is not available; use cpu", cuda::why_none(), name);
  return fmt::format("there is no {}; this machine has {}, counted from cuda:0", name, floe::count(count, "GPU"));
#else
  return fmt::format("this build has no CUDA backend, so {} is not available; use cpu", name);
#endif
}

void require_gpu(int index, const std::string& name) {
  std::string problem = obstacle(index, name);
  if (!problem.empty()) throw DeviceError(fmt::format("device: {}", problem));
}

}  // namespace

std::string to_string(Device device) {
  return device.kind == Device::Kind::cpu ? "cpu" : fmt::format("cuda:{}", device.index);
}

void require_device(Device device) {
  if (device.kind != Device::Kind::cpu && device.index >= gpu_count()) require_gpu(device.index, to_string(device));
}

Device parse_device(const std::string& text) {
  if (text == "cpu") return {};
  constexpr std::string_view numbered_start = "cuda:";
  int index = 0;
  bool numbered = text.starts_with(numbered_start);
  if (numbered) {
    index = parse_number<int>(std::string_view(text).substr(numbered_start.size())).value_or(-1);
    numbered = index >= 0 && index < 64;
  }
  if (text != "cuda" && !numbered)
    throw DeviceError(fmt::format("device: expected cpu, cuda or cuda:NUMBER, found '{}'", text));
  require_gpu(index, text);
  return {Device::Kind::cuda, static_cast<std::uint8_t>(index)};
}

int gpu_count() {
#if FLOE_CUDA
  return cuda::device_count();
#else
  return 0;
#endif
}

void synchronize([[maybe_unused]] Device device) {
#if FLOE_CUDA
  if (device.kind == Device::Kind::cuda) cuda::synchronize(device);
#endif
}

}  // namespace floe
