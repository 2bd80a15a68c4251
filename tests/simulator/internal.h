// What the sources of the simulator share.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <mutex>

namespace floe_simulator {

// One lock guards everything; whoever drains a stream holds it while kernels run.
std::recursive_mutex& lock();

// Queues work that counts as a launch. Fails for a stream of another device than the current one.
cudaError_t enqueue(cudaStream_t stream, std::function<void()> work);

// Prints a sentence and aborts unless [pointer, pointer + bytes) lies in one block of device or pinned memory.
void require_device_memory(const void* pointer, std::size_t bytes, const char* what);

[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Runs all blocks of a kernel now.
void run_grid(dim3 grid, dim3 block, bool backward, const std::function<void()>& thread);

// A float as TF32 arithmetic reads it: 10 bits of mantissa.
float tf32(float x);

}  // namespace floe_simulator
