// Devices, memory, streams and events. A stream is a queue that nothing empties but the calls that must.
#include "internal.h"

#include <simulator.h>

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace floe_simulator {
namespace {

constexpr std::size_t longest_queue = 4096;
constexpr int patience = 100;  // queries of unfinished work until some is done, so that a loop of queries ends

struct Entry {
  std::function<void()> run;
  const char* host = nullptr;  // pinned memory that it will touch
  std::size_t host_bytes = 0;
};

// Work that a graph is made of, gathered from a stream and from those that joined it.
struct Capture {
  std::vector<Entry> entries;
  bool spoilt = false, ended = false;
  cudaStreamCaptureMode mode;
  std::thread::id thread;
};

struct Queue {
  int device;
  bool blocking;  // ordered with the default stream
  std::deque<Entry> entries;
  std::uint64_t queued = 0, done = 0;
  int queries = 0;
  std::shared_ptr<Capture> capture;
  bool joined = false;   // that capture began on another stream
  bool pending = false;  // and has not been waited for since this one's last work
};

struct Record {
  std::shared_ptr<Queue> queue;
  std::shared_ptr<Capture> capture;  // in which it was recorded, if it was
  std::uint64_t position;            // done when the queue has done as many
  std::chrono::steady_clock::time_point time;
};

struct Memory {
  std::size_t bytes;
  int device;  // -1 for pinned memory
};

struct Device {
  std::size_t used = 0, code = 0;  // `code` is part of `used`
  std::int64_t calls = 0;
  int drains = 0;  // in progress
  std::shared_ptr<Queue> default_queue;
  std::vector<std::weak_ptr<Queue>> queues;
};

std::size_t number_of(const char* name, std::size_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

struct Runtime {
  std::recursive_mutex lock;
  std::vector<Device> devices;
  std::size_t memory_of_device = number_of("FLOE_SIMULATED_MEMORY", std::size_t{8} << 30);
  bool backward = false;
  std::map<const char*, Memory> memory;
  Counts counts{};
  cudaError_t no_device = cudaErrorNoDevice;  // what is said where there is none
  cudaError_t failing = cudaSuccess;          // of the kernel that runs next
  cudaError_t lasting = cudaSuccess;          // what every call returns from now on
  std::vector<std::weak_ptr<Capture>> captures;
  std::size_t code_bytes = 0;  // that a kernel takes when it is launched first
  std::set<std::pair<int, const void*>> loaded;

  Runtime() {
    const char* order = std::getenv("FLOE_SIMULATED_ORDER");
    backward = order && std::strcmp(order, "backward") == 0;
    devices.resize(number_of("FLOE_SIMULATED_DEVICES", 1));
    if (std::size_t error = number_of("FLOE_SIMULATED_ERROR", 0)) {
      devices.clear();
      no_device = static_cast<cudaError_t>(error);
    }
    for (std::size_t i = 0; i < devices.size(); ++i) {
      devices[i].default_queue = std::make_shared<Queue>();
      devices[i].default_queue->device = static_cast<int>(i);
      devices[i].default_queue->blocking = true;
    }
  }
};

// Never destroyed: static objects may give memory back at exit.
Runtime& runtime() {
  static Runtime& runtime = *new Runtime;
  return runtime;
}

using Lock = std::lock_guard<std::recursive_mutex>;

thread_local int current_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

// What a call returns: its own error passes, one that lasts is returned by all.
cudaError_t result(cudaError_t error) {
  if (runtime().lasting != cudaSuccess) error = runtime().lasting;
  if (error != cudaSuccess) last_error = error;
  return error;
}

// What must not be called while a stream is captured, by this thread or, if the capture says so, by any.
cudaError_t refuse_while_capturing() {
  bool refused = false;
  for (auto& weak : runtime().captures) {
    auto capture = weak.lock();
    bool concerns =
        capture && !capture->ended &&
        (capture->mode == cudaStreamCaptureModeGlobal ||
         (capture->mode == cudaStreamCaptureModeThreadLocal && capture->thread == std::this_thread::get_id()));
    if (concerns) capture->spoilt = refused = true;
  }
  return refused ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

#define FLOE_NOT_WHILE_CAPTURING() \
  if (cudaError_t capturing = refuse_while_capturing(); capturing != cudaSuccess) return result(capturing)

// Of every call that would make a context on the current device.
cudaError_t begin_call() {
  if (current_device < static_cast<int>(runtime().devices.size())) runtime().devices[current_device].calls++;
  return runtime().lasting;
}

#define FLOE_BEGIN_CALL() \
  Lock guard(lock());     \
  if (cudaError_t lasting = begin_call(); lasting != cudaSuccess) return result(lasting)

// ---- Memory ----

// Host code must not touch the device's memory: AddressSanitizer reports it.
void poison([[maybe_unused]] const char* begin, [[maybe_unused]] std::size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  ASAN_POISON_MEMORY_REGION(begin, bytes);
#endif
}

void unpoison([[maybe_unused]] const char* begin, [[maybe_unused]] std::size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  ASAN_UNPOISON_MEMORY_REGION(begin, bytes);
#endif
}

// While it lives, the memory of a device may be touched.
class Access {
 public:
  explicit Access(int device) : device_(device) {
    if (runtime().devices[device].drains++ == 0) for_each(unpoison);
  }
  ~Access() {
    if (--runtime().devices[device_].drains == 0) for_each(poison);
  }
  Access(const Access&) = delete;

 private:
  void for_each([[maybe_unused]] void (*f)(const char*, std::size_t)) const {
#ifdef __SANITIZE_ADDRESS__
    for (auto& [begin, memory] : runtime().memory) {
      if (memory.device == device_) f(begin, memory.bytes);
    }
#endif
  }
  int device_;
};

constexpr int pageable = -2, pinned = -1, mixed = -3;

// The device of all these bytes, or `pageable`, `pinned`, or `mixed` where a block ends among them.
int place_of(const void* pointer, std::size_t bytes) {
  auto* begin = static_cast<const char*>(pointer);
  auto& memory = runtime().memory;
  auto after = memory.upper_bound(begin);
  if (after != memory.begin()) {
    auto& [start, block] = *std::prev(after);
    if (begin < start + block.bytes) return begin + bytes <= start + block.bytes ? block.device : mixed;
  }
  return after != memory.end() && begin + bytes > after->first ? mixed : pageable;
}

cudaError_t allocate(void** pointer, std::size_t bytes, int device) {
  if (!pointer) return cudaErrorInvalidValue;
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (posix_memalign(pointer, 256, bytes) != 0) {
    *pointer = nullptr;
    return cudaErrorMemoryAllocation;
  }
  auto* begin = static_cast<const char*>(*pointer);
  runtime().memory[begin] = {bytes, device};
  if (device >= 0) {
    std::memset(*pointer, 0xFF, bytes);
    runtime().devices[device].used += bytes;
    runtime().counts.allocations++;
    if (runtime().devices[device].drains == 0) poison(begin, bytes);
  }
  return cudaSuccess;
}

// ---- Queues ----

void drain(Queue& queue, std::uint64_t until) {
  if (queue.done >= until) return;
  Access access(queue.device);
  while (queue.done < until) {
    Entry entry = std::move(queue.entries.front());
    queue.entries.pop_front();
    if (runtime().lasting == cudaSuccess) entry.run();
    queue.done++;
  }
  queue.queries = 0;
}

void drain(Queue& queue) { drain(queue, queue.queued); }

void push_bare(Queue& queue, Entry entry) {
  if (queue.capture) {
    queue.capture->entries.push_back(std::move(entry));
    queue.pending = true;
    return;
  }
  queue.entries.push_back(std::move(entry));
  queue.queued++;
}

void push_wait(Queue& queue, std::shared_ptr<Queue> other, std::uint64_t position) {
  if (other->done >= position) return;
  push_bare(queue, {[other = std::move(other), position] { drain(*other, position); }});
}

// Whether work of the default stream would have to wait for a stream that is captured.
bool meets_a_capture(const Queue& queue) {
  if (&queue != runtime().devices[queue.device].default_queue.get()) return false;
  for (auto& weak : runtime().devices[queue.device].queues) {
    auto other = weak.lock();
    if (other && other->blocking && other->capture) return true;
  }
  return false;
}

// Work of the default stream and of the streams that are ordered with it waits for each other.
void push(Queue& queue, Entry entry) {
  Device& device = runtime().devices[queue.device];
  if (&queue == device.default_queue.get()) {
    std::erase_if(device.queues, [](auto& other) { return other.expired(); });
    for (auto& weak : device.queues) {
      auto other = weak.lock();
      if (other->blocking) push_wait(queue, other, other->queued);
    }
  } else if (queue.blocking) {
    push_wait(queue, device.default_queue, device.default_queue->queued);
  }
  push_bare(queue, std::move(entry));
  if (queue.entries.size() > longest_queue) drain(queue);
}

void drain_device(int device) {
  drain(*runtime().devices[device].default_queue);
  auto queues = runtime().devices[device].queues;
  for (auto& weak : queues) {
    if (auto queue = weak.lock()) drain(*queue);
  }
}

cudaError_t query(Queue& queue, std::uint64_t position) {
  if (queue.done >= position) return cudaSuccess;
  if (++queue.queries > patience) drain(queue, position);
  return queue.done >= position ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t spoil(Capture& capture) {
  capture.spoilt = true;
  return cudaErrorStreamCaptureUnsupported;
}

cudaError_t have_device() {
  if (runtime().devices.empty()) return runtime().no_device;
  return current_device < static_cast<int>(runtime().devices.size()) ? cudaSuccess : cudaErrorInvalidDevice;
}

}  // namespace
}  // namespace floe_simulator

struct CUstream_st {
  std::shared_ptr<floe_simulator::Queue> queue;
};

struct CUevent_st {
  bool timing;
  int device;
  std::shared_ptr<floe_simulator::Record> record;
};

namespace floe_simulator {
namespace {

// Null where there is no device.
std::shared_ptr<Queue> queue_of(cudaStream_t stream) {
  if (stream) return stream->queue;
  return have_device() == cudaSuccess ? runtime().devices[current_device].default_queue : nullptr;
}

// ---- Copies ----

struct Copy {
  void* to;
  const void* from;
  std::size_t bytes;
  int to_place, from_place;

  bool to_device() const { return to_place >= 0; }
  bool from_device() const { return from_place >= 0; }

  // Between two devices, only the memory of one is open.
  void run() const {
    if (to_device()) unpoison(static_cast<const char*>(to), bytes);
    if (from_device()) unpoison(static_cast<const char*>(from), bytes);
    std::memmove(to, from, bytes);
    auto close = [this](int place, const void* begin) {
      if (place >= 0 && runtime().devices[place].drains == 0) poison(static_cast<const char*>(begin), bytes);
    };
    close(to_place, to);
    close(from_place, from);
  }

  Entry entry() const {
    Entry entry{[copy = *this] { copy.run(); }};
    if (to_place == pinned) entry.host = static_cast<const char*>(to);
    if (from_place == pinned) entry.host = static_cast<const char*>(from);
    if (entry.host) entry.host_bytes = bytes;
    return entry;
  }
};

cudaError_t make_copy(Copy& copy, cudaMemcpyKind kind) {
  copy.to_place = place_of(copy.to, copy.bytes);
  copy.from_place = place_of(copy.from, copy.bytes);
  if (copy.to_place == mixed || copy.from_place == mixed || !copy.to || !copy.from) return cudaErrorInvalidValue;
  bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
  if (kind != cudaMemcpyDefault && (to_device != copy.to_device() || from_device != copy.from_device())) {
    return cudaErrorInvalidValue;
  }
  if (copy.to_device() && !copy.from_device()) runtime().counts.copies_to_device++;
  if (!copy.to_device() && copy.from_device()) runtime().counts.copies_to_host++;
  return cudaSuccess;
}

void wait_for(Queue& queue) {
  runtime().counts.synchronisations++;
  drain(queue);
}

cudaError_t set_memory_of(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  auto queue = queue_of(stream);
  if (!queue) return have_device();
  if (bytes == 0) return cudaSuccess;
  int place = place_of(pointer, bytes);
  if (place == pageable || place == mixed) return cudaErrorInvalidValue;
  Entry entry{[=] { std::memset(pointer, value, bytes); }};
  if (place == pinned) entry.host = static_cast<const char*>(pointer), entry.host_bytes = bytes;
  push(*queue, std::move(entry));
  return cudaSuccess;
}

}  // namespace

std::recursive_mutex& lock() { return runtime().lock; }

void fail(const char* format, ...) {
  std::fputs("simulated CUDA device: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputs("\n", stderr);
  std::abort();
}

namespace {

// The code of a kernel comes to the device when it is first launched there, and stays.
cudaError_t load(const void* code) {
  std::pair key{current_device, code};
  if (runtime().code_bytes == 0 || runtime().loaded.count(key)) return cudaSuccess;
  Device& device = runtime().devices[current_device];
  if (device.used + runtime().code_bytes > runtime().memory_of_device) return cudaErrorMemoryAllocation;
  device.used += runtime().code_bytes;
  device.code += runtime().code_bytes;
  runtime().loaded.insert(key);
  return cudaSuccess;
}

// A NaN that the device computes has these bits, whatever went in.
template <class T, class Bits>
void name_nans(char* begin, const char* end, Bits bits) {
  for (char* at = begin; at + sizeof(T) <= end; at += sizeof(T)) {
    T value;
    std::memcpy(&value, at, sizeof value);
    if (value != value) std::memcpy(at, &bits, sizeof bits);
  }
}

void name_nans(const Written& array) {
  auto* begin = static_cast<char*>(array.begin);
  auto& memory = runtime().memory;
  auto after = memory.upper_bound(begin);
  if (after == memory.begin()) return;
  auto& [start, block] = *std::prev(after);
  const char* end = start + block.bytes;
  if (begin >= end) return;
  if (array.element_bytes == sizeof(float))
    name_nans<float>(begin, end, nan_bits);
  else
    name_nans<double>(begin, end, wide_nan_bits);
}

}  // namespace

cudaError_t enqueue(cudaStream_t stream, const void* code, std::function<void()> work) {
  FLOE_BEGIN_CALL();
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  if (queue->device != current_device) return result(cudaErrorInvalidResourceHandle);
  if (meets_a_capture(*queue)) return result(cudaErrorStreamCaptureImplicit);
  if (cudaError_t error = load(code); error != cudaSuccess) return result(error);
  runtime().counts.launches++;
  push(*queue, {[work = std::move(work)] {
    runtime().lasting = std::exchange(runtime().failing, cudaSuccess);
    if (runtime().lasting == cudaSuccess) work();
  }});
  return result(cudaSuccess);
}

cudaError_t launch(const void* kernel, dim3 grid, dim3 block, std::size_t shared, cudaStream_t stream,
                   std::function<void()> thread, std::vector<Written> written) {
  constexpr std::size_t most_shared = 48 << 10;
  if (!thread) return result(cudaErrorInvalidDeviceFunction);
  std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  bool fits = block.x <= 1024 && block.y <= 1024 && block.z <= 64 && threads <= 1024 && threads > 0;
  if (!fits || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535) {
    return result(cudaErrorInvalidConfiguration);
  }
  if (shared > most_shared) return result(cudaErrorInvalidValue);
  return enqueue(stream, kernel, [grid, block, thread = std::move(thread), written = std::move(written)] {
    run_grid(grid, block, runtime().backward, thread);
    for (const Written& array : written) name_nans(array);
  });
}

void require_device_memory(const void* pointer, std::size_t bytes, const char* what) {
  Lock guard(lock());
  int place = place_of(pointer, bytes);
  if (place < pinned) fail("%s at %p is not device memory of %zu bytes", what, pointer, bytes);
}

void require_aligned(const void* pointer, const char* what) {
  if (reinterpret_cast<std::uintptr_t>(pointer) % 16 != 0) fail("%s at %p does not begin at 16 bytes", what, pointer);
}

Counts counts() {
  Lock guard(lock());
  return runtime().counts;
}

std::int64_t calls_on(int device) {
  Lock guard(lock());
  return runtime().devices[device].calls;
}

void fail_kernel(int error) {
  Lock guard(lock());
  runtime().failing = static_cast<cudaError_t>(error);
}

void recover() {
  Lock guard(lock());
  runtime().lasting = runtime().failing = last_error = cudaSuccess;
}

void set_code_bytes(std::size_t bytes) {
  Lock guard(lock());
  for (Device& device : runtime().devices) device.used -= std::exchange(device.code, 0);
  runtime().loaded.clear();
  runtime().code_bytes = bytes;
}

void set_memory(std::size_t bytes) {
  Lock guard(lock());
  runtime().memory_of_device = bytes;
}

float tf32(float x) {
  if (!std::isfinite(x)) return x;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) + 0x1000) & ~std::uint32_t{0x1fff});
}

}  // namespace floe_simulator

using namespace floe_simulator;

// ---- Errors ----

namespace {

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};

#define FLOE_ERROR(error, text) \
  { error, #error, text }
constexpr ErrorText error_texts[] = {
    FLOE_ERROR(cudaSuccess, "no error"),
    FLOE_ERROR(cudaErrorInvalidValue, "invalid argument"),
    FLOE_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    FLOE_ERROR(cudaErrorInitializationError, "initialization error"),
    FLOE_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    FLOE_ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    FLOE_ERROR(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    FLOE_ERROR(cudaErrorInvalidDeviceFunction, "invalid device function"),
    FLOE_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    FLOE_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    FLOE_ERROR(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"),
    FLOE_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    FLOE_ERROR(cudaErrorNotReady, "device not ready"),
    FLOE_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    FLOE_ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    FLOE_ERROR(cudaErrorMisalignedAddress, "misaligned address"),
    FLOE_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    FLOE_ERROR(cudaErrorNotSupported, "operation not supported"),
    FLOE_ERROR(cudaErrorSystemNotReady, "system not yet initialized"),
    FLOE_ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    FLOE_ERROR(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"),
    FLOE_ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    FLOE_ERROR(cudaErrorStreamCaptureImplicit,
               "operation would make the legacy stream depend on a capturing blocking stream"),
    FLOE_ERROR(cudaErrorUnknown, "unknown error"),
};

const ErrorText* text_of(cudaError_t error) {
  for (const ErrorText& entry : error_texts) {
    if (entry.error == error) return &entry;
  }
  return nullptr;
}

}  // namespace

const char* cudaGetErrorName(cudaError_t error) {
  const ErrorText* entry = text_of(error);
  return entry ? entry->name : "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  const ErrorText* entry = text_of(error);
  return entry ? entry->text : "unrecognized error code";
}

cudaError_t cudaGetLastError() {
  Lock guard(lock());
  return std::exchange(last_error, runtime().lasting);
}
cudaError_t cudaPeekAtLastError() { return last_error; }

// ---- Devices ----

cudaError_t cudaGetDeviceCount(int* count) {
  Lock guard(lock());
  if (!count) return result(cudaErrorInvalidValue);
  *count = static_cast<int>(runtime().devices.size());
  return result(*count > 0 ? cudaSuccess : runtime().no_device);
}

cudaError_t cudaGetDevice(int* device) {
  Lock guard(lock());
  if (!device) return result(cudaErrorInvalidValue);
  if (runtime().devices.empty()) return result(runtime().no_device);
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  Lock guard(lock());
  if (runtime().devices.empty()) return result(runtime().no_device);
  if (device < 0 || device >= static_cast<int>(runtime().devices.size())) return result(cudaErrorInvalidDevice);
  current_device = device;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  FLOE_BEGIN_CALL();
  FLOE_NOT_WHILE_CAPTURING();
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  runtime().counts.synchronisations++;
  drain_device(current_device);
  return result(cudaSuccess);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  Lock guard(lock());
  if (!properties) return result(cudaErrorInvalidValue);
  if (runtime().devices.empty()) return result(runtime().no_device);
  if (device < 0 || device >= static_cast<int>(runtime().devices.size())) return result(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "simulated");
  properties->totalGlobalMem = runtime().memory_of_device;
  properties->sharedMemPerBlock = 48 << 10;
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = 1024;
  properties->maxThreadsDim[0] = properties->maxThreadsDim[1] = 1024;
  properties->maxThreadsDim[2] = 64;
  properties->maxGridSize[0] = 0x7fffffff;
  properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
  properties->major = 9;
  properties->multiProcessorCount = 4;
  properties->maxThreadsPerMultiProcessor = 2048;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp properties;
  if (cudaError_t error = cudaGetDeviceProperties(&properties, device); error != cudaSuccess) return error;
  if (!value) return result(cudaErrorInvalidValue);
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = properties.maxThreadsPerBlock;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(properties.sharedMemPerBlock);
      return cudaSuccess;
    case cudaDevAttrWarpSize:
      *value = properties.warpSize;
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = properties.multiProcessorCount;
      return cudaSuccess;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = properties.maxThreadsPerMultiProcessor;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = properties.major;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = properties.minor;
      return cudaSuccess;
  }
  return result(cudaErrorInvalidValue);
}

cudaError_t cudaDriverGetVersion(int* version) {
  Lock guard(lock());
  if (!version) return result(cudaErrorInvalidValue);
  *version = runtime().devices.empty() ? 0 : 13000;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  if (!version) return result(cudaErrorInvalidValue);
  *version = 13000;
  return cudaSuccess;
}

// ---- Memory ----

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  FLOE_BEGIN_CALL();
  FLOE_NOT_WHILE_CAPTURING();
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  std::size_t used = runtime().devices[current_device].used;
  if (used > runtime().memory_of_device || bytes > runtime().memory_of_device - used) {
    return result(cudaErrorMemoryAllocation);
  }
  return result(allocate(pointer, bytes, current_device));
}

cudaError_t cudaFree(void* pointer) {
  FLOE_BEGIN_CALL();
  FLOE_NOT_WHILE_CAPTURING();
  if (!pointer) return result(cudaSuccess);
  auto found = runtime().memory.find(static_cast<const char*>(pointer));
  if (found == runtime().memory.end() || found->second.device < 0) return result(cudaErrorInvalidValue);
  Memory memory = found->second;
  runtime().counts.synchronisations++;
  drain_device(memory.device);
  runtime().devices[memory.device].used -= memory.bytes;
  runtime().memory.erase(static_cast<const char*>(pointer));
  unpoison(static_cast<const char*>(pointer), memory.bytes);
  std::free(pointer);
  return result(cudaSuccess);
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
  FLOE_BEGIN_CALL();
  FLOE_NOT_WHILE_CAPTURING();
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  return result(allocate(pointer, bytes, pinned));
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void* pointer) {
  FLOE_BEGIN_CALL();
  FLOE_NOT_WHILE_CAPTURING();
  if (!pointer) return result(cudaSuccess);
  auto* begin = static_cast<const char*>(pointer);
  auto found = runtime().memory.find(begin);
  if (found == runtime().memory.end() || found->second.device != pinned) return result(cudaErrorInvalidValue);
  std::size_t bytes = found->second.bytes;
  auto check = [&](const Queue& queue) {
    for (const Entry& entry : queue.entries) {
      if (entry.host && entry.host < begin + bytes && begin < entry.host + entry.host_bytes) {
        fail("cudaFreeHost(%p) while a queued copy still uses the memory", pointer);
      }
    }
  };
  for (Device& device : runtime().devices) {
    check(*device.default_queue);
    for (auto& weak : device.queues) {
      if (auto queue = weak.lock()) check(*queue);
    }
  }
  runtime().memory.erase(found);
  std::free(pointer);
  return result(cudaSuccess);
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  FLOE_BEGIN_CALL();
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  if (!free || !total) return result(cudaErrorInvalidValue);
  *total = runtime().memory_of_device;
  *free = *total - std::min(*total, runtime().devices[current_device].used);
  return result(cudaSuccess);
}

// ---- Streams and events ----

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  FLOE_BEGIN_CALL();
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  if (!stream || flags > cudaStreamNonBlocking) return result(cudaErrorInvalidValue);
  auto queue = std::make_shared<Queue>();
  queue->device = current_device;
  queue->blocking = flags != cudaStreamNonBlocking;
  runtime().devices[current_device].queues.push_back(queue);
  *stream = new CUstream_st{std::move(queue)};
  return result(cudaSuccess);
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  FLOE_BEGIN_CALL();
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  drain(*stream->queue);
  delete stream;
  return result(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  FLOE_BEGIN_CALL();
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  if (queue->capture) return result(spoil(*queue->capture));
  wait_for(*queue);
  return result(cudaSuccess);
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  FLOE_BEGIN_CALL();
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  if (queue->capture) return result(spoil(*queue->capture));
  return result(query(*queue, queue->queued));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  FLOE_BEGIN_CALL();
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  if (!event) return result(cudaErrorInvalidResourceHandle);
  if (flags != 0) return result(cudaErrorInvalidValue);
  if (!event->record) return result(cudaSuccess);
  Record& record = *event->record;
  if (queue->capture && !record.capture) return result(spoil(*queue->capture));  // of work that is not in the graph
  if (record.capture && !queue->capture) queue->capture = record.capture, queue->joined = true;
  if (queue->capture != record.capture) return result(spoil(*queue->capture));
  if (!queue->capture)
    push_wait(*queue, record.queue, record.position);
  else if (!queue->joined && record.queue != queue)
    record.queue->pending = false;
  return result(cudaSuccess);
}

// ---- Graphs ----

struct CUgraph_st {
  std::vector<Entry> entries;
};

struct CUgraphExec_st {
  std::vector<Entry> entries;
};

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  FLOE_BEGIN_CALL();
  if (!stream) return result(cudaErrorStreamCaptureUnsupported);  // the default stream cannot be captured
  if (stream->queue->capture) return result(cudaErrorInvalidValue);
  auto capture = std::make_shared<Capture>();
  capture->mode = mode, capture->thread = std::this_thread::get_id();
  runtime().captures.push_back(capture);
  stream->queue->capture = std::move(capture), stream->queue->joined = false;
  return result(cudaSuccess);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  FLOE_BEGIN_CALL();
  if (!stream || !graph || !stream->queue->capture || stream->queue->joined) return result(cudaErrorInvalidValue);
  *graph = nullptr;
  std::shared_ptr<Capture> capture = std::exchange(stream->queue->capture, nullptr);
  capture->ended = true;
  bool unjoined = false;
  for (Device& device : runtime().devices) {
    for (auto& weak : device.queues) {
      auto other = weak.lock();
      if (!other || other->capture != capture) continue;
      unjoined |= other->pending;
      other->capture = nullptr, other->joined = other->pending = false;
    }
  }
  if (capture->spoilt) return result(cudaErrorStreamCaptureInvalidated);
  if (unjoined) return result(cudaErrorStreamCaptureUnjoined);
  *graph = new CUgraph_st{std::move(capture->entries)};
  return result(cudaSuccess);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  FLOE_BEGIN_CALL();
  if (!stream || !status) return result(cudaErrorInvalidValue);
  const auto& capture = stream->queue->capture;
  *status = !capture          ? cudaStreamCaptureStatusNone
            : capture->spoilt ? cudaStreamCaptureStatusInvalidated
                              : cudaStreamCaptureStatusActive;
  return result(cudaSuccess);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* ready, cudaGraph_t graph, unsigned long long) {
  FLOE_BEGIN_CALL();
  if (!ready || !graph) return result(cudaErrorInvalidValue);
  *ready = new CUgraphExec_st{graph->entries};
  return result(cudaSuccess);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t stream) {
  FLOE_BEGIN_CALL();
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  if (!ready) return result(cudaErrorInvalidValue);
  runtime().counts.launches++;  // one for the host, whatever is in it
  for (const Entry& entry : ready->entries) push(*queue, entry);
  return result(cudaSuccess);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready) {
  delete ready;
  return result(cudaSuccess);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return result(cudaSuccess);
}

// ---- Events ----

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  FLOE_BEGIN_CALL();
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  if (!event || flags > (cudaEventBlockingSync | cudaEventDisableTiming)) return result(cudaErrorInvalidValue);
  *event = new CUevent_st{(flags & cudaEventDisableTiming) == 0, current_device, nullptr};
  return result(cudaSuccess);
}

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  FLOE_BEGIN_CALL();
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  if (!event || event->device != queue->device) return result(cudaErrorInvalidResourceHandle);
  auto record = std::make_shared<Record>();
  record->queue = queue;
  record->capture = queue->capture;
  event->record = record;
  if (queue->capture) return result(cudaSuccess);
  record->position = ~std::uint64_t{0};
  push(*queue, {[weak = std::weak_ptr(record)] {
    if (auto alive = weak.lock()) alive->time = std::chrono::steady_clock::now();
  }});
  record->position = queue->queued;
  return result(cudaSuccess);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  FLOE_BEGIN_CALL();
  if (!event) return result(cudaErrorInvalidResourceHandle);
  if (event->record && event->record->capture) return result(spoil(*event->record->capture));
  return result(event->record ? query(*event->record->queue, event->record->position) : cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  FLOE_BEGIN_CALL();
  if (!event) return result(cudaErrorInvalidResourceHandle);
  if (event->record && event->record->capture) return result(spoil(*event->record->capture));
  runtime().counts.synchronisations++;
  if (event->record) drain(*event->record->queue, event->record->position);
  return result(cudaSuccess);
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  FLOE_BEGIN_CALL();
  if (!milliseconds) return result(cudaErrorInvalidValue);
  for (cudaEvent_t event : {start, end}) {
    if (!event || !event->timing || !event->record) return result(cudaErrorInvalidResourceHandle);
  }
  for (cudaEvent_t event : {start, end}) {
    if (event->record->queue->done < event->record->position) return result(cudaErrorNotReady);
  }
  *milliseconds = std::chrono::duration<float, std::milli>(end->record->time - start->record->time).count();
  return result(cudaSuccess);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  FLOE_BEGIN_CALL();
  if (!event) return result(cudaErrorInvalidResourceHandle);
  delete event;
  return result(cudaSuccess);
}

// ---- Copies ----

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  FLOE_BEGIN_CALL();
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  if (bytes == 0) return result(cudaSuccess);
  Copy copy{to, from, bytes, 0, 0};
  if (cudaError_t error = make_copy(copy, kind); error != cudaSuccess) return result(error);
  if (queue->capture && (copy.to_place == pageable || copy.from_place == pageable))
    return result(spoil(*queue->capture));
  if (copy.to_place == pageable) {
    push(*queue, copy.entry());
    wait_for(*queue);
  } else if (copy.from_place == pageable) {
    auto buffer =
        std::make_shared<std::vector<char>>(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
    copy.from = buffer->data();
    Entry entry = copy.entry();
    entry.run = [copy, buffer] { copy.run(); };
    push(*queue, std::move(entry));
  } else {
    push(*queue, copy.entry());
  }
  return result(cudaSuccess);
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  FLOE_BEGIN_CALL();
  FLOE_NOT_WHILE_CAPTURING();
  auto queue = queue_of(nullptr);
  if (!queue) return result(have_device());
  if (bytes == 0) return result(cudaSuccess);
  Copy copy{to, from, bytes, 0, 0};
  if (cudaError_t error = make_copy(copy, kind); error != cudaSuccess) return result(error);
  push(*queue, copy.entry());
  if (!copy.to_device() || !copy.from_device()) wait_for(*queue);
  return result(cudaSuccess);
}

cudaError_t cudaMemset(void* pointer, int value, std::size_t bytes) {
  FLOE_BEGIN_CALL();
  FLOE_NOT_WHILE_CAPTURING();
  return result(set_memory_of(pointer, value, bytes, nullptr));
}

cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  FLOE_BEGIN_CALL();
  return result(set_memory_of(pointer, value, bytes, stream));
}
