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

struct Queue {
  int device;
  bool blocking;  // ordered with the default stream
  std::deque<Entry> entries;
  std::uint64_t queued = 0, done = 0;
  int queries = 0;
};

struct Record {
  std::shared_ptr<Queue> queue;
  std::uint64_t position;  // done when the queue has done as many
  std::chrono::steady_clock::time_point time;
};

struct Memory {
  std::size_t bytes;
  int device;  // -1 for pinned memory
};

struct Device {
  std::size_t used = 0;
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

  Runtime() {
    const char* order = std::getenv("FLOE_SIMULATED_ORDER");
    backward = order && std::strcmp(order, "backward") == 0;
    devices.resize(number_of("FLOE_SIMULATED_DEVICES", 1));
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

cudaError_t result(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

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
    entry.run();
    queue.done++;
  }
  queue.queries = 0;
}

void drain(Queue& queue) { drain(queue, queue.queued); }

void push_bare(Queue& queue, Entry entry) {
  queue.entries.push_back(std::move(entry));
  queue.queued++;
}

void push_wait(Queue& queue, std::shared_ptr<Queue> other, std::uint64_t position) {
  if (other->done >= position) return;
  push_bare(queue, {[other = std::move(other), position] { drain(*other, position); }});
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

cudaError_t have_device() {
  if (runtime().devices.empty()) return cudaErrorNoDevice;
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

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) {
  Lock guard(lock());
  auto queue = queue_of(stream);
  if (!queue) return have_device();
  if (queue->device != current_device) return cudaErrorInvalidResourceHandle;
  runtime().counts.launches++;
  push(*queue, {std::move(work)});
  return cudaSuccess;
}

cudaError_t launch(dim3 grid, dim3 block, std::size_t shared, cudaStream_t stream, std::function<void()> thread) {
  constexpr std::size_t most_shared = 48 << 10;
  if (!thread) return result(cudaErrorInvalidDeviceFunction);
  std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  bool fits = block.x <= 1024 && block.y <= 1024 && block.z <= 64 && threads <= 1024 && threads > 0;
  if (!fits || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535) {
    return result(cudaErrorInvalidConfiguration);
  }
  if (shared > most_shared) return result(cudaErrorInvalidValue);
  return result(enqueue(
      stream, [grid, block, thread = std::move(thread)] { run_grid(grid, block, runtime().backward, thread); }));
}

void require_device_memory(const void* pointer, std::size_t bytes, const char* what) {
  Lock guard(lock());
  int place = place_of(pointer, bytes);
  if (place < pinned) fail("%s at %p is not device memory of %zu bytes", what, pointer, bytes);
}

Counts counts() {
  Lock guard(lock());
  return runtime().counts;
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

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last_error; }

// ---- Devices ----

cudaError_t cudaGetDeviceCount(int* count) {
  Lock guard(lock());
  if (!count) return result(cudaErrorInvalidValue);
  *count = static_cast<int>(runtime().devices.size());
  return result(*count > 0 ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaGetDevice(int* device) {
  Lock guard(lock());
  if (!device) return result(cudaErrorInvalidValue);
  if (runtime().devices.empty()) return result(cudaErrorNoDevice);
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  Lock guard(lock());
  if (runtime().devices.empty()) return result(cudaErrorNoDevice);
  if (device < 0 || device >= static_cast<int>(runtime().devices.size())) return result(cudaErrorInvalidDevice);
  current_device = device;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  Lock guard(lock());
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  runtime().counts.synchronisations++;
  drain_device(current_device);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  Lock guard(lock());
  if (!properties) return result(cudaErrorInvalidValue);
  if (runtime().devices.empty()) return result(cudaErrorNoDevice);
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
  Lock guard(lock());
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  std::size_t used = runtime().devices[current_device].used;
  if (used > runtime().memory_of_device || bytes > runtime().memory_of_device - used) {
    return result(cudaErrorMemoryAllocation);
  }
  return result(allocate(pointer, bytes, current_device));
}

cudaError_t cudaFree(void* pointer) {
  Lock guard(lock());
  if (!pointer) return cudaSuccess;
  auto found = runtime().memory.find(static_cast<const char*>(pointer));
  if (found == runtime().memory.end() || found->second.device < 0) return result(cudaErrorInvalidValue);
  Memory memory = found->second;
  runtime().counts.synchronisations++;
  drain_device(memory.device);
  runtime().devices[memory.device].used -= memory.bytes;
  runtime().memory.erase(static_cast<const char*>(pointer));
  unpoison(static_cast<const char*>(pointer), memory.bytes);
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned) {
  Lock guard(lock());
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  return result(allocate(pointer, bytes, pinned));
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault);
}

cudaError_t cudaFreeHost(void* pointer) {
  Lock guard(lock());
  if (!pointer) return cudaSuccess;
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
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  Lock guard(lock());
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  if (!free || !total) return result(cudaErrorInvalidValue);
  *total = runtime().memory_of_device;
  *free = *total - std::min(*total, runtime().devices[current_device].used);
  return cudaSuccess;
}

// ---- Streams and events ----

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  Lock guard(lock());
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  if (!stream || flags > cudaStreamNonBlocking) return result(cudaErrorInvalidValue);
  auto queue = std::make_shared<Queue>();
  queue->device = current_device;
  queue->blocking = flags != cudaStreamNonBlocking;
  runtime().devices[current_device].queues.push_back(queue);
  *stream = new CUstream_st{std::move(queue)};
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  Lock guard(lock());
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  drain(*stream->queue);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  Lock guard(lock());
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  wait_for(*queue);
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  Lock guard(lock());
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  return result(query(*queue, queue->queued));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  Lock guard(lock());
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  if (!event) return result(cudaErrorInvalidResourceHandle);
  if (flags != 0) return result(cudaErrorInvalidValue);
  if (event->record) push_wait(*queue, event->record->queue, event->record->position);
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  Lock guard(lock());
  if (cudaError_t error = have_device(); error != cudaSuccess) return result(error);
  if (!event || flags > (cudaEventBlockingSync | cudaEventDisableTiming)) return result(cudaErrorInvalidValue);
  *event = new CUevent_st{(flags & cudaEventDisableTiming) == 0, current_device, nullptr};
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Lock guard(lock());
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  if (!event || event->device != queue->device) return result(cudaErrorInvalidResourceHandle);
  auto record = std::make_shared<Record>();
  record->queue = queue;
  event->record = record;
  record->position = ~std::uint64_t{0};
  push(*queue, {[weak = std::weak_ptr(record)] {
    if (auto alive = weak.lock()) alive->time = std::chrono::steady_clock::now();
  }});
  record->position = queue->queued;
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  Lock guard(lock());
  if (!event) return result(cudaErrorInvalidResourceHandle);
  return result(event->record ? query(*event->record->queue, event->record->position) : cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  Lock guard(lock());
  if (!event) return result(cudaErrorInvalidResourceHandle);
  runtime().counts.synchronisations++;
  if (event->record) drain(*event->record->queue, event->record->position);
  return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  Lock guard(lock());
  if (!milliseconds) return result(cudaErrorInvalidValue);
  for (cudaEvent_t event : {start, end}) {
    if (!event || !event->timing || !event->record) return result(cudaErrorInvalidResourceHandle);
  }
  for (cudaEvent_t event : {start, end}) {
    if (event->record->queue->done < event->record->position) return result(cudaErrorNotReady);
  }
  *milliseconds = std::chrono::duration<float, std::milli>(end->record->time - start->record->time).count();
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  Lock guard(lock());
  if (!event) return result(cudaErrorInvalidResourceHandle);
  delete event;
  return cudaSuccess;
}

// ---- Copies ----

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  Lock guard(lock());
  auto queue = queue_of(stream);
  if (!queue) return result(have_device());
  if (bytes == 0) return cudaSuccess;
  Copy copy{to, from, bytes, 0, 0};
  if (cudaError_t error = make_copy(copy, kind); error != cudaSuccess) return result(error);
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
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  Lock guard(lock());
  auto queue = queue_of(nullptr);
  if (!queue) return result(have_device());
  if (bytes == 0) return cudaSuccess;
  Copy copy{to, from, bytes, 0, 0};
  if (cudaError_t error = make_copy(copy, kind); error != cudaSuccess) return result(error);
  push(*queue, copy.entry());
  if (!copy.to_device() || !copy.from_device()) wait_for(*queue);
  return cudaSuccess;
}

cudaError_t cudaMemset(void* pointer, int value, std::size_t bytes) {
  Lock guard(lock());
  return result(set_memory_of(pointer, value, bytes, nullptr));
}

cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream) {
  Lock guard(lock());
  return result(set_memory_of(pointer, value, bytes, stream));
}
