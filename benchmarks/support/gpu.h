// What a GPU could do, measured in the run that is compared with it.
#pragma once

#include <cstdint>
#include <functional>

#include <floe/tensor/device.h>

namespace floe::bench {

// With FLOE_BENCH_SMALL=1 in the environment sizes are small: to try the programs on a simulated GPU. The figures then
// mean nothing.
bool are_sizes_small();
inline std::int64_t sized(std::int64_t usual, std::int64_t small) { return are_sizes_small() ? small : usual; }

// Seconds of one execution: the median of batches of about 10 ms, each between two waits for the device.
double seconds_on(Device gpu, const std::function<void()>& body);

// How many executions fill about 10 ms, after three that warm it up.
std::int64_t batch_on(Device gpu, const std::function<void()>& body);

// Bytes read and written in a second by a copy within the device that moves this many bytes.
double copy_bandwidth(Device gpu, double bytes);

// Operations in a second of bare cuBLASLt on size x size matrices of bfloat16, added up in float32; 0 without CUDA.
double bfloat16_rate(Device gpu, std::int64_t size);

}  // namespace floe::bench
