// Which precision a GPU multiplies in, and what does the work on a device, in words.
#include <array>
#include <atomic>

#include <fmt/format.h>

#include <floe/backend/backend_name.h>
#include <floe/backend/cpu/library.h>
#include <floe/backend/settings.h>
#include <floe/tensor/device_memory.h>
#include <floe/tensor/error.h>

namespace floe {
namespace {

constexpr std::array<std::string_view, 3> names{"float32", "tf32", "bf16"};

std::atomic<Precision>& choice() {
  static std::atomic<Precision> precision{Precision::float32};
  return precision;
}

}  // namespace

Precision gpu_precision() { return choice().load(std::memory_order_relaxed); }
void set_gpu_precision(Precision precision) { choice() = precision; }
std::string_view name(Precision precision) { return names[static_cast<std::size_t>(precision)]; }

Precision parse_precision(const std::string& text) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (text == names[i]) return static_cast<Precision>(i);
  }
  throw ValueError(fmt::format("precision: expected float32, tf32 or bf16, found '{}'", text));
}

void require_precision(Precision precision, [[maybe_unused]] Device device) {
  if (precision == Precision::float32) return;
#if FLOE_CUDA
  if (device.kind == Device::Kind::cuda) {
    if (cuda::rounds_factors(device)) return;
    throw ValueError(fmt::format("precision: {} needs a GPU from Ampere (2020) on, and {} is older; use float32",
                                 name(precision), cuda::device_name(device)));
  }
#endif
  throw ValueError(fmt::format("precision: {} is for GPUs, and the CPU computes in float32", name(precision)));
}

std::string backend_name([[maybe_unused]] Device device) {
#if FLOE_CUDA
  if (device.kind == Device::Kind::cuda) return fmt::format("{}, {}", cuda::device_name(device), name(gpu_precision()));
#endif
  return cpu::name();
}

}  // namespace floe
