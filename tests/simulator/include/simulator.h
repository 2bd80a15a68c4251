// Controls of the simulated CUDA device, for tests.
//
// Environment: FLOE_SIMULATED_DEVICES (1), FLOE_SIMULATED_MEMORY in bytes for each device (8 GiB), and
// FLOE_SIMULATED_ORDER=backward, which runs blocks and threads in descending order. They are read at the first call.
#pragma once

#include <cstddef>
#include <cstdint>

namespace floe_simulator {

// What happened since the program began.
struct Counts {
  std::int64_t launches;          // kernels, and calls of cuBLASLt and cuDNN that compute
  std::int64_t synchronisations;  // calls that made the host wait, cudaFree and copies among them
  std::int64_t allocations;       // cudaMalloc
  std::int64_t copies_to_device;
  std::int64_t copies_to_host;
};
Counts counts();

// Limits the memory of each device, as FLOE_SIMULATED_MEMORY does. What is allocated stays.
void set_memory(std::size_t bytes);

// This many of the next convolutions are refused as not supported, though they were listed as possible.
void refuse_convolutions(int count);

}  // namespace floe_simulator
