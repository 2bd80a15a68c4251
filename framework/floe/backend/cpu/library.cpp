// Which library does float32 matrices and convolutions, chosen at run time.
#include <atomic>
#include <cstdlib>
#include <string>

#include <Eigen/Core>
#include <fmt/format.h>

#include <floe/backend/cpu/library.h>
#include <floe/backend/cpu/onednn.h>
#include <floe/backend/parallel.h>
#include <floe/backend/settings.h>
#include <floe/tensor/error.h>

namespace floe {
namespace {

CpuLibrary from_environment() {
  const char* wish = std::getenv("FLOE_CPU_LIBRARY");
  std::string name = wish ? wish : "";
  if (name == "eigen") return CpuLibrary::eigen;
  if (!name.empty() && name != "onednn")
    throw ValueError(fmt::format("FLOE_CPU_LIBRARY: expected onednn or eigen, found '{}'", name));
  if (name == "onednn" && !has_onednn())
    throw ValueError("FLOE_CPU_LIBRARY: this build has no oneDNN; install it and build again");
  return has_onednn() ? CpuLibrary::onednn : CpuLibrary::eigen;
}

std::atomic<CpuLibrary>& choice() {
  static std::atomic<CpuLibrary> library{from_environment()};
  return library;
}

}  // namespace

bool has_onednn() { return FLOE_ONEDNN; }

CpuLibrary cpu_library() { return choice().load(std::memory_order_relaxed); }

void set_cpu_library(CpuLibrary library) {
  if (library == CpuLibrary::onednn && !has_onednn())
    throw ValueError("cpu library: this build has no oneDNN; install it and build again");
  choice() = library;
}

std::string cpu::name() {
  std::string eigen = fmt::format("Eigen {}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION);
  std::string libraries =
      cpu_library() == CpuLibrary::onednn ? fmt::format("oneDNN {} and {}", cpu::onednn_version(), eigen) : eigen;
  return fmt::format("{}, {}", libraries, count(thread_count(), "thread"));
}

}  // namespace floe
