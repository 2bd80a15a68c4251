// Devices, their memory, copies to and from it, and errors in words.
#include <floe/backend/cuda/context.h>

#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <floe/backend/kernels.h>
#include <floe/tensor/device_memory.h>
#include <floe/tensor/error.h>

namespace floe::cuda {
namespace {

constexpr int most_devices = 64;

struct Found {
  Found() { status = cudaGetDeviceCount(&count); if (status != cudaSuccess) count = 0, cudaGetLastError(); }
  int count = 0;
  cudaError_t status;
};

const Found& found() {
  static const Found once;
  return once;
}

void make_current(Device device) {
  static thread_local int current = -1;
  if (current == device.index) return;
  check(cudaSetDevice(device.index), "choosing the device");
  current = device.index;
}

std::unique_ptr<Context> made(Device device) {
  auto context = std::make_unique<Context>();
  context->device = device;
  int major = 0;
  check(cudaDeviceGetAttribute(&context->multiprocessors, cudaDevAttrMultiProcessorCount, device.index), "the device");
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device.index), "the device");
  context->has_bf16 = major >= 8;
  check(cudaStreamCreateWithFlags(&context->stream, cudaStreamNonBlocking), "a stream");
  check(cudaStreamCreateWithFlags(&context->copies, cudaStreamNonBlocking), "a stream");
  check(cublasLtCreate(&context->blas), "cuBLASLt");
  check(cudnnCreate(&context->dnn), "cuDNN");
  check(cudnnSetStream(context->dnn, context->stream), "cuDNN");
  return context;
}

}  // namespace

Context& context(Device device) {
  static auto* contexts = new std::array<std::unique_ptr<Context>, most_devices>;  // never destroyed, as tensors may be
  static auto* begun = new std::array<std::once_flag, most_devices>;
  make_current(device);
  std::call_once((*begun)[device.index], [&] { (*contexts)[device.index] = made(device); });
  return *(*contexts)[device.index];
}

// --- Errors ----------------------------------------------------------------------------------------------------------

namespace {

[[noreturn]] void fail(const char* what, const std::string& words, const char* remedy = "") {
  throw DeviceError(fmt::format("cuda: {}: {}{}", what, words, remedy));
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) [[likely]] return;
  bool passes = status == cudaErrorMemoryAllocation || status == cudaErrorInvalidValue ||
                status == cudaErrorInvalidConfiguration || status == cudaErrorNoDevice;
  cudaGetLastError();  // one that passes is not reported again
  fail(what, fmt::format("{} ({})", cudaGetErrorString(status), cudaGetErrorName(status)),
       passes ? "" : "; the device answers no more, and the program has to be started again");
}

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) fail(what, cublasLtGetStatusString(status));
}

void check(cudnnStatus_t status, const char* what) {
  if (status != CUDNN_STATUS_SUCCESS) fail(what, cudnnGetErrorString(status));
}

// --- What there is ---------------------------------------------------------------------------------------------------

int device_count() noexcept { return found().count; }

std::string why_none() {
  if (found().status == cudaErrorInsufficientDriver) return "this machine has no NVIDIA driver, or one too old for CUDA";
  return "this machine has no CUDA device";
}

std::string device_name(Device device) {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device.index), "the device");
  int runtime = 0;
  check(cudaRuntimeGetVersion(&runtime), "the runtime");
  std::size_t dnn = cudnnGetVersion();
  return fmt::format("{}, CUDA {}.{}, cuDNN {}.{}.{}", properties.name, runtime / 1000, runtime % 1000 / 10,
                     dnn / 10000, dnn % 10000 / 100, dnn % 100);
}

bool rounds_factors(Device device) { return context(device).has_bf16; }

void synchronize(Device device) { check(cudaStreamSynchronize(context(device).stream), "work queued before"); }

// --- Memory ----------------------------------------------------------------------------------------------------------

void* allocate(std::size_t bytes, Device device) noexcept {
  try {
    make_current(device);
  } catch (const DeviceError&) { return nullptr; }
  void* memory = nullptr;
  if (cudaMalloc(&memory, bytes) == cudaSuccess) return memory;
  cudaGetLastError();  // no memory is no lasting error
  return nullptr;
}

// cudaFree waits for the device, so what is queued on this memory is done.
void release(void* memory, Device) noexcept { cudaFree(memory); }

std::size_t free_bytes(Device device) noexcept {
  std::size_t free = 0, all = 0;
  cudaSetDevice(device.index);
  return cudaMemGetInfo(&free, &all) == cudaSuccess ? free : 0;
}

namespace {

// Page-locked blocks, from which the device copies by itself while the program goes on. A block is used again once its
// last copy is done.
class Pinned {
 public:
  struct Block {
    void* memory = nullptr;
    std::size_t bytes = 0;
    cudaEvent_t copied = nullptr;
    bool taken = false;
  };

  // A block of so many bytes at least.
  Block& take(std::size_t bytes) {
    std::lock_guard lock(mutex_);
    Block* oldest = nullptr;
    for (auto& block : blocks_) {
      if (block->taken || block->bytes < bytes) continue;
      if (cudaEventQuery(block->copied) == cudaSuccess) {
        block->taken = true;
        return *block;
      }
      if (!oldest) oldest = block.get();
    }
    if (oldest && held_ + bytes > most) {  // the device is behind: wait for it
      check(cudaEventSynchronize(oldest->copied), "a copy");
      oldest->taken = true;
      return *oldest;
    }
    auto block = std::make_unique<Block>();
    block->bytes = std::max<std::size_t>(bytes, 4096);
    check(cudaMallocHost(&block->memory, block->bytes), "page-locked memory");
    check(cudaEventCreateWithFlags(&block->copied, cudaEventDisableTiming), "an event");
    block->taken = true;
    held_ += block->bytes;
    return *blocks_.emplace_back(std::move(block));
  }

  void give(Block& block, cudaStream_t stream) {
    check(cudaEventRecord(block.copied, stream), "an event");
    std::lock_guard lock(mutex_);
    block.taken = false;
  }

 private:
  static constexpr std::size_t most = std::size_t{512} << 20;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::size_t held_ = 0;
};

Pinned& pinned(Device device) {
  static auto* all = new std::array<Pinned, most_devices>;
  return (*all)[device.index];
}

// The host's bytes are read at once, and may change when this returns; the device's come when its stream gets there.
void send(void* to, Device device, const void* from, std::size_t bytes, cudaStream_t stream) {
  Pinned::Block& block = pinned(device).take(bytes);
  std::memcpy(block.memory, from, bytes);
  check(cudaMemcpyAsync(to, block.memory, bytes, cudaMemcpyHostToDevice, stream), "a copy to the device");
  pinned(device).give(block, stream);
}

struct Event {
  Event() { check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "an event"); }
  ~Event() { cudaEventDestroy(event); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t event = nullptr;
};

// Whatever is queued on `later` from now on waits for what is queued on `earlier`.
void order(cudaStream_t earlier, cudaStream_t later) {
  Event event;
  check(cudaEventRecord(event.event, earlier), "an event");
  check(cudaStreamWaitEvent(later, event.event, 0), "an event");
}

}  // namespace

void copy(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes) {
  if (from_device.kind == Device::Kind::cpu) return send(to, to_device, from, bytes, context(to_device).stream);
  Context& source = context(from_device);
  if (to_device.kind == Device::Kind::cpu) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, source.stream), "a copy from the device");
    return check(cudaStreamSynchronize(source.stream), "work queued before");
  }
  if (to_device == from_device)
    return check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, source.stream), "a copy");
  Context& target = context(to_device);
  order(target.stream, source.stream);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, context(from_device).stream), "a copy between devices");
  order(source.stream, target.stream);
}

// The memory may still be in use by work that is queued, so the copy waits for that, and the caller for the copy.
void upload(void* to, Device device, const void* from, std::size_t bytes) {
  Context& on = context(device);
  order(on.stream, on.copies);
  send(to, device, from, bytes, on.copies);
  check(cudaStreamSynchronize(on.copies), "a copy to the device");
}

}  // namespace floe::cuda
