// The devices that tests run on: the CPU and every GPU of this machine.
#pragma once

#include <vector>

#include <gtest/gtest.h>

#include <floe/tensor/device.h>

namespace floe::test {

inline std::vector<Device> gpus() {
  std::vector<Device> all;
  for (int i = 0; i < gpu_count(); ++i) all.push_back({Device::Kind::cuda, static_cast<std::uint8_t>(i)});
  return all;
}

// For tests of what only a GPU has: skips by name where there is none.
class OnGpu : public testing::Test {
 protected:
  void SetUp() override {
    // On most machines; the presets sanitize and simulated have one, and run all of these.
    if (gpu_count() == 0) GTEST_SKIP() << "there is no GPU, or no CUDA backend in this build";
  }
  Device gpu{Device::Kind::cuda, 0};
};

}  // namespace floe::test
