// Controls of the simulated CUDA device, for tests.
//
// Environment: FLOE_SIMULATED_DEVICES (1), FLOE_SIMULATED_MEMORY in bytes for each device (8 GiB),
// FLOE_SIMULATED_ORDER=backward, which runs blocks and threads in descending order, and FLOE_SIMULATED_ERROR, a number
// of cudaError for which there is no device. They are read at the first call.
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

// Each kernel, and each way of a library, takes as many bytes of its device when it is launched first. What was taken so
// far is free again.
void set_code_bytes(std::size_t bytes);

// How many calls so far were made with the device current that make a context on it.
std::int64_t calls_on(int device);

// The kernel that runs next fails with this cudaError, and so does every call from then on, until recover().
void fail_kernel(int error);
void recover();

// This many of the next convolutions, or products, are refused with this status (by default as not supported), though
// they were listed as possible.
void refuse_convolutions(int count, int status = 3000);
void refuse_products(int count, int status = 15);

// The first way of each list that is of use works with this much more memory.
void grow_first_workspaces(std::size_t bytes);

// Lists name only ways that are not deterministic for a convolution, and none for a product.
void list_nothing_good(bool yes);

// Convolutions of images, filters or results of more elements, and products over longer sides, are not supported; 0 for
// what the libraries support: below 2^31.
void limit_elements(std::int64_t most);

}  // namespace floe_simulator
