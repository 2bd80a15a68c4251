// What the sources of the simulator share.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <mutex>

namespace floe_simulator {

// One lock guards everything; whoever drains a stream holds it while kernels run.
std::recursive_mutex& lock();

// Queues work that counts as a launch, of the kernel that `code` stands for. Fails for a stream of another device than
// the current one.
cudaError_t enqueue(cudaStream_t stream, const void* code, std::function<void()> work);

// The NaN of the device's arithmetic.
constexpr std::uint32_t nan_bits = 0x7fffffff;
constexpr std::uint64_t wide_nan_bits = 0xfff8000000000000;

// Prints a sentence and aborts unless [pointer, pointer + bytes) lies in one block of device or pinned memory.
void require_device_memory(const void* pointer, std::size_t bytes, const char* what);

// The same unless the pointer is a multiple of 16, in bytes.
void require_aligned(const void* pointer, const char* what);

// As large as an index of a library's kernels may become, or what limit_elements() said.
std::int64_t most_elements();

[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Runs all blocks of a kernel now.
void run_grid(dim3 grid, dim3 block, bool backward, const std::function<void()>& thread);

// A float as TF32 arithmetic reads it: 10 bits of mantissa.
float tf32(float x);

}  // namespace floe_simulator
