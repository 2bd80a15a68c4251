// Devices, their memory, copies to and from it, and errors in words.
#include <floe/backend/cuda/context.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
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
  Found() {
    status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) count = 0, cudaGetLastError();
  }
  int count = 0;
  cudaError_t status;
};

const Found& found() {
  static const Found once;
  return once;
}

// Without a choice a thread is on the first GPU, and whatever it does there, if only to give memory back, makes a
// context of some hundred MiB on it.
cudaError_t choose(Device device) noexcept {
  static thread_local int current = -1;
  if (current == device.index) return cudaSuccess;
  cudaError_t status = cudaSetDevice(device.index);
  if (status == cudaSuccess) current = device.index;
  return status;
}

void make_current(Device device) { check(choose(device), "choosing the device"); }

std::unique_ptr<Context> made(Device device) {
  auto context = std::make_unique<Context>();
  context->device = device;
  int major = 0;
  check(cudaDeviceGetAttribute(&context->multiprocessors, cudaDevAttrMultiProcessorCount, device.index), "the device");
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device.index), "the device");
  context->has_bf16 = major >= 8;
  check(cudaStreamCreateWithFlags(&context->stream, cudaStreamNonBlocking), "a stream");
  check(cudaStreamCreateWithFlags(&context->copies, cudaStreamNonBlocking), "a stream");
  check(with_room(device, [&] { return cublasLtCreate(&context->blas); }), "cuBLASLt");
  check(with_room(device, [&] { return cudnnCreate(&context->dnn); }), "cuDNN");
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

// Those of which driver_types.h says that the process must be terminated and relaunched, and uncorrectable errors of
// the device's memory and of NVLink.
bool is_lasting(cudaError_t status) {
  constexpr std::array lasting{214, 220, 226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721, 810, 911};
  return std::find(lasting.begin(), lasting.end(), static_cast<int>(status)) != lasting.end();
}

// A library fails with words of its own where the device has failed before, which the runtime tells whoever asks it.
cudaError_t device_status() {
  cudaError_t pending = cudaGetLastError();
  return pending == cudaSuccess ? cudaDeviceSynchronize() : pending;
}

template <class Status>
void check_library(Status status, const char* words, const char* what) {
  bool lacking = lacks_memory(status);
  check(device_status(), what);
  if (lacking) throw MemoryError(fmt::format("cuda: {}: {}; try a smaller batch", what, words));
  throw DeviceError(fmt::format("cuda: {}: {}", what, words));
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) [[likely]]
    return;
  cudaGetLastError();  // one that passes is not reported again
  std::string said = fmt::format("cuda: {}: {} ({})", what, cudaGetErrorString(status), cudaGetErrorName(status));
  if (lacks_memory(status)) throw MemoryError(said + "; try a smaller batch");
  if (is_lasting(status)) said += "; the device no longer responds, and the program must be restarted";
  throw DeviceError(said);
}

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) check_library(status, cublasLtGetStatusString(status), what);
}

void check(cudnnStatus_t status, const char* what) {
  if (status != CUDNN_STATUS_SUCCESS) check_library(status, cudnnGetErrorString(status), what);
}

bool lacks_memory(cudaError_t status) { return status == cudaErrorMemoryAllocation; }

// The libraries have a status for what they allocate, and none for what their kernels need when they are loaded.
bool lacks_memory(cublasStatus_t status) {
  return status == CUBLAS_STATUS_ALLOC_FAILED ||
         (status != CUBLAS_STATUS_SUCCESS && lacks_memory(cudaPeekAtLastError()));
}

bool lacks_memory(cudnnStatus_t status) {
  return status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
         status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED ||
         (status != CUDNN_STATUS_SUCCESS && lacks_memory(cudaPeekAtLastError()));
}

bool may_go_otherwise(cublasStatus_t status) {
  return status != CUBLAS_STATUS_NOT_INITIALIZED && status != CUBLAS_STATUS_LICENSE_ERROR &&
         !is_lasting(device_status());
}

// The statuses from 1000 on are about the library as a whole.
bool may_go_otherwise(cudnnStatus_t status) { return status >= CUDNN_STATUS_BAD_PARAM && !is_lasting(device_status()); }

// --- What there is ---------------------------------------------------------------------------------------------------

int device_count() noexcept { return found().count; }

std::string why_none() {
  cudaError_t status = found().status;
  if (status == cudaSuccess || status == cudaErrorNoDevice) return "this machine has no CUDA device";
  if (status == cudaErrorInsufficientDriver) return "this machine has no NVIDIA driver, or one too old for CUDA";
  constexpr int system_not_ready = 802;
  return fmt::format("this machine's NVIDIA driver says '{}' ({}{})", cudaGetErrorString(status),
                     cudaGetErrorName(status), status == system_not_ready ? "; is the fabric manager running?" : "");
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

void synchronize(Device device) { check(cudaStreamSynchronize(context(device).stream), "work queued earlier"); }

// --- Memory ----------------------------------------------------------------------------------------------------------

void* allocate(std::size_t bytes, Device device) {
  make_current(device);
  void* memory = nullptr;
  cudaError_t status = cudaMalloc(&memory, bytes);
  if (status != cudaErrorMemoryAllocation) return check(status, "memory"), memory;
  cudaGetLastError();  // a lack of memory is not a lasting error
  return nullptr;
}

// cudaFree waits for the device, so what is queued on this memory is done. At the program's end there may be no device
// to choose any more, and the memory is gone with it.
void release(void* memory, Device device) noexcept {
  if (choose(device) == cudaSuccess) cudaFree(memory);
}

std::size_t free_bytes(Device device) noexcept {
  std::size_t free = 0, all = 0;
  return choose(device) == cudaSuccess && cudaMemGetInfo(&free, &all) == cudaSuccess ? free : 0;
}

namespace {

// Page-locked memory, from which the device copies by itself while the program continues: a ring, whose oldest part is
// used again when its copy is done.
class Staging {
 public:
  // Copies to the device on the stream. The host's bytes are read at once and may change when this returns.
  void send(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
    std::lock_guard lock(mutex_);
    if (!ring_) check(cudaMallocHost(&ring_, size), "page-locked memory");
    for (std::size_t done = 0; done < bytes;) {
      std::size_t piece = std::min(bytes - done, size / 4);
      Piece next{reserve(piece), new_event()};  // before the copy, which is never without its event
      std::byte* held = static_cast<std::byte*>(ring_) + next.begin % size;
      std::memcpy(held, static_cast<const std::byte*>(from) + done, piece);
      check(cudaMemcpyAsync(static_cast<std::byte*>(to) + done, held, piece, cudaMemcpyHostToDevice, stream),
            "a copy to the device");
      check(cudaEventRecord(next.copied, stream), "an event");
      under_way_.push_back(next);
      done += piece;
    }
  }

 private:
  static constexpr std::size_t size = std::size_t{64} << 20;
  // Places count on from lap to lap, so that what is older lies before what is newer: place % size is where it is held.
  struct Piece {
    std::size_t begin;
    cudaEvent_t copied;
  };

  // A place whose bytes are free, after waiting for the copies of the lap before that were still there.
  std::size_t reserve(std::size_t bytes) {
    while (!under_way_.empty() && is_done(under_way_.front().copied)) retire();
    std::size_t begin = under_way_.empty() ? 0 : end_;
    if (begin % size + bytes > size) begin = (begin / size + 1) * size;
    end_ = (begin + bytes + 255) / 256 * 256;
    while (!under_way_.empty() && under_way_.front().begin + size < end_) {
      check(cudaEventSynchronize(under_way_.front().copied), "a copy to the device");
      retire();
    }
    return begin;
  }

  static bool is_done(cudaEvent_t event) {
    cudaError_t status = cudaEventQuery(event);
    if (status != cudaErrorNotReady) return check(status, "a copy to the device"), true;
    cudaGetLastError();  // not ready is not an error
    return false;
  }

  void retire() {
    events_.push_back(under_way_.front().copied);
    under_way_.pop_front();
  }

  cudaEvent_t new_event() {
    cudaEvent_t event = nullptr;
    if (events_.empty())
      check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "an event");
    else
      event = events_.back(), events_.pop_back();
    return event;
  }

  std::mutex mutex_;
  void* ring_ = nullptr;
  std::size_t end_ = 0;          // of the newest piece
  std::deque<Piece> under_way_;  // the oldest first, as their stream copies them
  std::vector<cudaEvent_t> events_;
};

// One for each stream, so that what is uploaded holds up no one else.
enum class Queue { work, copies };
Staging& staging(Device device, Queue queue) {
  static auto* all = new std::array<Staging, 2 * most_devices>;
  return (*all)[2 * device.index + (queue == Queue::copies)];
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
  if (from_device.kind == Device::Kind::cpu)
    return staging(to_device, Queue::work).send(to, from, bytes, context(to_device).stream);
  Context& source = context(from_device);
  if (to_device.kind == Device::Kind::cpu) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, source.stream), "a copy from the device");
    return check(cudaStreamSynchronize(source.stream), "work queued earlier");
  }
  if (to_device == from_device)
    return check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, source.stream), "a copy");
  Context& target = context(to_device);
  order(target.stream, source.stream);
  make_current(from_device);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, source.stream), "a copy between devices");
  order(source.stream, target.stream);
}

// The memory may still be in use by work that is queued, so the copy waits for that, and the caller for the copy.
void upload(void* to, Device device, const void* from, std::size_t bytes) {
  Context& on = context(device);
  order(on.stream, on.copies);
  staging(device, Queue::copies).send(to, from, bytes, on.copies);
  check(cudaStreamSynchronize(on.copies), "a copy to the device");
}

}  // namespace floe::cuda
