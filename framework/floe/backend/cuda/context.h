// Context: a GPU as kernels see it: the stream they are queued on, its libraries, and scratch memory.
#pragma once

#include <cstdint>

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <cudnn.h>

#include <floe/tensor/device.h>
#include <floe/tensor/memory.h>
#include <floe/tensor/storage.h>

namespace floe::cuda {

// All kernels of a device are queued on one stream and run in the order of the calls. Copies that should run alongside
// them have a stream of their own; see upload().
struct Context {
  Device device;
  int multiprocessors = 0;
  bool has_bf16 = false;  // tensor cores for bfloat16, from Ampere (sm_80) on
  cudaStream_t stream = nullptr, copies = nullptr;
  cublasLtHandle_t blas = nullptr;
  cudnnHandle_t dnn = nullptr;
};

// Makes the device the calling thread's own, and gives its context, made at the first call and never destroyed.
Context& context(Device device);

// Scratch memory for what is queued now: at its end it goes back to the allocator, which hands it only to later work.
class Scratch {
 public:
  Scratch(const Context& on, std::size_t bytes) : storage_(bytes, on.device) {}
  template <class T = void>
  T* get() const {
    return reinterpret_cast<T*>(storage_.data());
  }

 private:
  Storage storage_;
};

// MemoryError if memory is lacking, else DeviceError "cuda: WHAT: the library's words", unless it went well. After some
// errors no call succeeds any more, and the message then says that the program must be restarted.
void check(cudaError_t status, const char* what);
void check(cublasStatus_t status, const char* what);
void check(cudnnStatus_t status, const char* what);

bool lacks_memory(cudaError_t status);
bool lacks_memory(cublasStatus_t status);
bool lacks_memory(cudnnStatus_t status);

// Whether a library may do in another way what it refused with this status: not if a part of it is missing, nor if the
// device no longer responds.
bool may_go_otherwise(cublasStatus_t status);
bool may_go_otherwise(cudnnStatus_t status);

// Calls what may need memory of its own beside the tensors', such as the code of a kernel that is launched for the first
// time. Where that is lacking, the allocator gives back what it keeps for reuse, and the call is made again.
template <class Call>
auto with_room(Device device, Call call) {
  auto status = call();
  if (!lacks_memory(status)) [[likely]]
    return status;
  cudaGetLastError();
  release_cached_memory(device);
  return call();
}

}  // namespace floe::cuda
