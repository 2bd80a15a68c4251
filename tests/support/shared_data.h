// Samples of the real data sets, which are not part of the project: tests that want them skip where they are absent.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace floe::test {

inline std::filesystem::path shared_data() {
  const char* named = std::getenv("FLOE_SHARED_DATA");
  return named ? std::filesystem::path(named) : std::filesystem::path(FLOE_SOURCE_DIR) / "../shared/data";
}

}  // namespace floe::test
