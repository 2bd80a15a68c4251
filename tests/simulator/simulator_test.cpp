// The simulated CUDA device: late streams, honest barriers, and libraries that agree with plain loops.
#include <simulator.h>

#include <cublasLt.h>
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <cudnn.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

bool backward() {
  const char* order = std::getenv("FLOE_SIMULATED_ORDER");
  return order && std::string(order) == "backward";
}

// Device memory with values of a vector, read back after a synchronous copy.
template <class T>
class Array {
 public:
  explicit Array(std::size_t size) : size_(size) { EXPECT_EQ(cudaMalloc(&data_, size * sizeof(T)), cudaSuccess); }
  explicit Array(const std::vector<T>& values) : Array(values.size()) {
    EXPECT_EQ(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
  }
  Array(const Array&) = delete;
  ~Array() { cudaFree(data_); }

  T* data() const { return data_; }
  std::vector<T> values() const {
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    std::vector<T> values(size_);
    EXPECT_EQ(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }

 private:
  std::size_t size_;
  T* data_ = nullptr;
};

template <class... P, class... A>
cudaError_t launch(void (*kernel)(P...), dim3 grid, dim3 block, cudaStream_t stream, A... arguments) {
  std::tuple<P...> values{arguments...};
  return std::apply(
      [&](auto&... value) {
        void* pointers[] = {&value..., nullptr};
        return cudaLaunchKernel(kernel, grid, block, pointers, 0, stream);
      },
      values);
}

struct Stream {
  Stream() { EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess); }
  ~Stream() { cudaStreamDestroy(stream); }
  operator cudaStream_t() const { return stream; }
  cudaStream_t stream;
};

template <class T>
struct Pinned {
  explicit Pinned(std::size_t size) { EXPECT_EQ(cudaMallocHost(&data, size * sizeof(T)), cudaSuccess); }
  ~Pinned() { cudaFreeHost(data); }
  T* data = nullptr;
};

__global__ void set(int* x, int value) { *x = value; }
__global__ void add(int* x, const int* y) { *x += *y; }

// ---- Streams ----

TEST(SimulatedStream, RunsNothingBeforeItMust) {
  Pinned<int> seen(1);
  *seen.data = 0;
  Stream stream;
  ASSERT_EQ(launch(set, 1, 1, stream, seen.data, 7), cudaSuccess);
  EXPECT_EQ(*seen.data, 0);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  EXPECT_EQ(cudaGetLastError(), cudaErrorNotReady);
  EXPECT_EQ(*seen.data, 0);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(*seen.data, 7);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
}

TEST(SimulatedStream, EndsALoopOfQueries) {
  Pinned<int> seen(1);
  Stream stream;
  launch(set, 1, 1, stream, seen.data, 3);
  while (cudaStreamQuery(stream) == cudaErrorNotReady) cudaGetLastError();
  EXPECT_EQ(*seen.data, 3);
}

TEST(SimulatedStream, RunsALongQueue) {
  Pinned<int> count(2);
  count.data[0] = 0;
  count.data[1] = 1;
  Stream stream;
  for (int i = 0; i < 4096; ++i) launch(add, 1, 1, stream, count.data, count.data + 1);
  EXPECT_EQ(*count.data, 0);
  launch(add, 1, 1, stream, count.data, count.data + 1);
  EXPECT_EQ(*count.data, 4097);
}

TEST(SimulatedStream, CopiesPinnedMemoryLate) {
  Pinned<int> from(1), to(1);
  Array<int> device(1);
  Stream stream;
  *from.data = 1;
  *to.data = 0;
  cudaMemcpyAsync(device.data(), from.data, sizeof(int), cudaMemcpyHostToDevice, stream);
  *from.data = 2;
  cudaMemcpyAsync(to.data, device.data(), sizeof(int), cudaMemcpyDefault, stream);
  EXPECT_EQ(*to.data, 0);
  cudaStreamSynchronize(stream);
  EXPECT_EQ(*to.data, 2) << "the copy read what was there when it ran";
}

TEST(SimulatedStream, CopiesPageableMemoryAtOnce) {
  int from = 1, to = 0;
  Array<int> device(1);
  Stream stream;
  cudaMemcpyAsync(device.data(), &from, sizeof(int), cudaMemcpyHostToDevice, stream);
  from = 2;
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  cudaGetLastError();
  cudaMemcpyAsync(&to, device.data(), sizeof(int), cudaMemcpyDeviceToHost, stream);
  EXPECT_EQ(to, 1);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
}

TEST(SimulatedStream, WaitsForNoOtherUnlessTold) {
  Pinned<int> x(2);
  Stream first, second;
  cudaEvent_t event;
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  for (bool told : {false, true}) {
    x.data[0] = 0;
    x.data[1] = 0;
    launch(set, 1, 1, first, x.data, 5);
    cudaEventRecord(event, first);
    launch(set, 1, 1, first, x.data, 6);
    if (told) cudaStreamWaitEvent(second, event);
    launch(add, 1, 1, second, x.data + 1, x.data);
    cudaStreamSynchronize(second);
    EXPECT_EQ(x.data[1], told ? 5 : 0);
    cudaStreamSynchronize(first);
    EXPECT_EQ(x.data[0], 6);
  }
  cudaEventDestroy(event);
}

TEST(SimulatedStream, OfTheBlockingKindIsOrderedWithTheDefaultStream) {
  Pinned<int> x(2);
  cudaStream_t blocking;
  cudaStreamCreate(&blocking);
  x.data[0] = x.data[1] = 0;
  launch(set, 1, 1, blocking, x.data, 5);
  launch(add, 1, 1, nullptr, x.data + 1, x.data);
  cudaStreamSynchronize(nullptr);
  EXPECT_EQ(x.data[1], 5);
  launch(set, 1, 1, nullptr, x.data, 8);
  launch(add, 1, 1, blocking, x.data + 1, x.data);
  cudaStreamSynchronize(blocking);
  EXPECT_EQ(x.data[1], 13);
  cudaStreamDestroy(blocking);
}

TEST(SimulatedEvent, IsDoneWhenTheWorkBeforeItIs) {
  Pinned<int> x(1);
  *x.data = 0;
  Stream stream;
  cudaEvent_t start, end;
  cudaEventCreate(&start);
  cudaEventCreate(&end);
  EXPECT_EQ(cudaEventQuery(end), cudaSuccess) << "never recorded";
  cudaEventRecord(start, stream);
  launch(set, 1, 1, stream, x.data, 1);
  cudaEventRecord(end, stream);
  launch(set, 1, 1, stream, x.data, 2);
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorNotReady);
  EXPECT_EQ(cudaEventQuery(end), cudaErrorNotReady);
  EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_EQ(*x.data, 1);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
  EXPECT_GE(milliseconds, 0);
  cudaEventDestroy(start);
  cudaEventDestroy(end);
  cudaGetLastError();
}

TEST(SimulatedStream, TakesWorkOfManyThreads) {
  Pinned<int> x(9);
  std::fill_n(x.data, 8, 0);
  x.data[8] = 1;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      Stream stream;
      for (int i = 0; i < 100; ++i) {
        launch(add, 1, 1, stream, x.data + t, x.data + 8);
        if (i % 10 == 0) cudaStreamSynchronize(stream);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 8; ++t) EXPECT_EQ(x.data[t], 100);
}

// ---- Capture ----

struct Captured {
  ~Captured() {
    if (ready) cudaGraphExecDestroy(ready);
    if (graph) cudaGraphDestroy(graph);
  }
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
};

TEST(SimulatedCapture, KeepsWorkForAGraphThatRunsItAgain) {
  Pinned<int> x(2);
  x.data[0] = 0, x.data[1] = 3;
  Stream stream;
  Captured captured;
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(launch(add, 1, 1, stream, x.data, x.data + 1), cudaSuccess);
  cudaStreamCaptureStatus status;
  cudaStreamIsCapturing(stream, &status);
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  ASSERT_EQ(cudaStreamEndCapture(stream, &captured.graph), cudaSuccess);
  cudaStreamSynchronize(stream);
  EXPECT_EQ(x.data[0], 0) << "nothing has run";
  ASSERT_EQ(cudaGraphInstantiate(&captured.ready, captured.graph), cudaSuccess);
  auto before = floe_simulator::counts().launches;
  for (int times = 0; times < 3; ++times) EXPECT_EQ(cudaGraphLaunch(captured.ready, stream), cudaSuccess);
  EXPECT_EQ(floe_simulator::counts().launches - before, 3);
  EXPECT_EQ(x.data[0], 0) << "it runs late as well";
  cudaStreamSynchronize(stream);
  EXPECT_EQ(x.data[0], 9);
}

TEST(SimulatedCapture, IsSpoiltByWhatWouldWait) {
  Array<int> device(1);
  Pinned<int> pinned(1);
  int host = 0;
  cudaEvent_t event;
  cudaEventCreate(&event);
  std::vector<std::pair<const char*, std::function<cudaError_t(cudaStream_t)>>> calls{
      {"synchronize", [](cudaStream_t s) { return cudaStreamSynchronize(s); }},
      {"query", [](cudaStream_t s) { return cudaStreamQuery(s); }},
      {"device", [](cudaStream_t) { return cudaDeviceSynchronize(); }},
      {"malloc",
       [](cudaStream_t) {
         void* memory = nullptr;
         return cudaMalloc(&memory, 4);
       }},
      {"free", [&](cudaStream_t) { return cudaFree(device.data()); }},
      {"memcpy", [&](cudaStream_t) { return cudaMemcpy(&host, device.data(), 4, cudaMemcpyDeviceToHost); }},
      {"pageable", [&](cudaStream_t s) { return cudaMemcpyAsync(&host, device.data(), 4, cudaMemcpyDeviceToHost, s); }},
      {"event",
       [&](cudaStream_t s) {
         cudaEventRecord(event, s);
         return cudaEventSynchronize(event);
       }},
  };
  for (auto& [name, call] : calls) {
    Stream stream;
    Captured captured;
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    EXPECT_EQ(call(stream), cudaErrorStreamCaptureUnsupported) << name;
    EXPECT_EQ(cudaStreamEndCapture(stream, &captured.graph), cudaErrorStreamCaptureInvalidated) << name;
    EXPECT_EQ(captured.graph, nullptr);
    cudaGetLastError();
  }
  Stream stream;
  Captured captured;
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaSuccess) << "a relaxed one allows it";
  EXPECT_EQ(cudaMemcpyAsync(pinned.data, device.data(), 4, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamEndCapture(stream, &captured.graph), cudaSuccess);
  cudaFree(memory);
  cudaEventDestroy(event);
}

TEST(SimulatedCapture, TakesStreamsThatWaitForItAndWantsThemBack) {
  Pinned<int> x(2);
  cudaEvent_t fork, join;
  cudaEventCreate(&fork), cudaEventCreate(&join);
  for (bool back : {true, false}) {
    x.data[0] = 0, x.data[1] = 1;
    Stream first, second;
    Captured captured;
    cudaStreamBeginCapture(first, cudaStreamCaptureModeGlobal);
    cudaEventRecord(fork, first);
    EXPECT_EQ(cudaStreamWaitEvent(second, fork), cudaSuccess);
    launch(add, 1, 1, second, x.data, x.data + 1);
    cudaEventRecord(join, second);
    if (back) cudaStreamWaitEvent(first, join);
    EXPECT_EQ(cudaStreamEndCapture(first, &captured.graph), back ? cudaSuccess : cudaErrorStreamCaptureUnjoined);
    cudaStreamSynchronize(second);
    EXPECT_EQ(x.data[0], 0);
  }
  cudaEventDestroy(fork), cudaEventDestroy(join);
  cudaGetLastError();
}

TEST(SimulatedCapture, IsNotMetByTheDefaultStream) {
  Pinned<int> x(1);
  cudaStream_t blocking;
  cudaStreamCreate(&blocking);
  Captured captured;
  EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal), cudaErrorStreamCaptureUnsupported);
  cudaStreamBeginCapture(blocking, cudaStreamCaptureModeGlobal);
  EXPECT_EQ(launch(set, 1, 1, nullptr, x.data, 1), cudaErrorStreamCaptureImplicit);
  EXPECT_EQ(cudaStreamEndCapture(blocking, &captured.graph), cudaSuccess);
  cudaStreamDestroy(blocking);
  cudaGetLastError();
}

// ---- Memory ----

TEST(SimulatedMemory, IsFreshlyFilledWithOnes) {
  Array<unsigned char> bytes(1001);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % 256, 0u);
  for (unsigned char byte : bytes.values()) ASSERT_EQ(byte, 0xFF);
  EXPECT_TRUE(std::isnan(Array<float>(1).values()[0]));
}

TEST(SimulatedMemory, IsSetLate) {
  Array<int> x(4);
  Pinned<int> seen(4);
  Stream stream;
  cudaMemsetAsync(x.data(), 0, 16, stream);
  cudaMemcpyAsync(seen.data, x.data(), 16, cudaMemcpyDeviceToHost, stream);
  cudaMemsetAsync(x.data() + 1, 1, 4, stream);
  EXPECT_EQ(x.values(), (std::vector<int>{0, 0x01010101, 0, 0}));
  EXPECT_EQ(seen.data[1], 0);
}

TEST(SimulatedMemory, IsLimitedAndRecovers) {
  std::size_t free = 0, total = 0;
  ASSERT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  floe_simulator::set_memory(total - free + 1000);
  void *first = nullptr, *second = nullptr;
  EXPECT_EQ(cudaMalloc(&first, 600), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&second, 401), cudaErrorMemoryAllocation);
  EXPECT_EQ(second, nullptr);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "it does not stick";
  EXPECT_EQ(cudaMalloc(&second, 400), cudaSuccess);
  std::size_t left = 1;
  cudaMemGetInfo(&left, &total);
  EXPECT_EQ(left, 0u);
  EXPECT_EQ(cudaFree(first), cudaSuccess);
  EXPECT_EQ(cudaMalloc(&first, 600), cudaSuccess);
  cudaFree(first);
  cudaFree(second);
  floe_simulator::set_memory(std::size_t{8} << 30);
}

TEST(SimulatedMemory, IsFreedAfterItsWork) {
  int* x = nullptr;
  Pinned<int> seen(1);
  cudaMalloc(&x, sizeof(int));
  Stream stream;
  launch(set, 1, 1, stream, x, 4);
  cudaMemcpyAsync(seen.data, x, sizeof(int), cudaMemcpyDeviceToHost, stream);
  EXPECT_EQ(cudaFree(x), cudaSuccess);
  EXPECT_EQ(*seen.data, 4);
  EXPECT_EQ(cudaFree(x), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  cudaGetLastError();
}

TEST(SimulatedMemory, RefusesCopiesThatLeaveIt) {
  Array<int> x(4);
  int host[8] = {};
  EXPECT_EQ(cudaMemcpy(x.data(), host, 20, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host, x.data() + 1, 16, cudaMemcpyDefault), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host, host + 4, 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(host, x.data(), 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(host, 0, 4), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
}

TEST(SimulatedMemoryDeathTest, OfTheHostMustOutliveItsCopies) {
  Array<int> x(1);
  EXPECT_DEATH(
      {
        int* pinned = nullptr;
        cudaMallocHost(&pinned, sizeof(int));
        cudaMemcpyAsync(pinned, x.data(), sizeof(int), cudaMemcpyDeviceToHost, nullptr);
        cudaFreeHost(pinned);
      },
      "while a queued copy still uses the memory");
}

#ifdef __SANITIZE_ADDRESS__
TEST(SimulatedMemoryDeathTest, IsNotForTheHost) {
  Array<int> x(std::vector<int>{1});
  EXPECT_DEATH(std::printf("%d", *const_cast<volatile int*>(x.data())), "use-after-poison");
}

TEST(SimulatedMemoryDeathTest, EndsWhereItEnds) {
  Array<char> x(5);
  void (*write)(char*, int) = [](char* p, int i) { p[i] = 0; };
  launch(write, 1, 1, nullptr, x.data(), 4);
  EXPECT_EQ(x.values()[4], 0);
  EXPECT_DEATH(
      {
        launch(write, 1, 1, nullptr, x.data(), 5);
        cudaDeviceSynchronize();
      },
      "heap-buffer-overflow");
}
#endif

// ---- Errors that come late, and memory for code ----

TEST(SimulatedError, ComesWithALaterCallAndLasts) {
  Pinned<int> x(1);
  *x.data = 0;
  Stream stream;
  Array<int> held(1);
  floe_simulator::fail_kernel(cudaErrorIllegalAddress);
  EXPECT_EQ(launch(set, 1, 1, stream, x.data, 1), cudaSuccess) << "the kernel has not run yet";
  EXPECT_EQ(launch(set, 1, 1, stream, x.data, 2), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  EXPECT_EQ(*x.data, 0) << "nothing runs any more";
  for (int times = 0; times < 2; ++times) EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress) << "it sticks";
  void* memory = nullptr;
  int host = 0;
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaMemcpy(&host, held.data(), 4, cudaMemcpyDeviceToHost), cudaErrorIllegalAddress);
  EXPECT_EQ(launch(set, 1, 1, stream, x.data, 3), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  std::vector<float> result;
  floe_simulator::recover();
  EXPECT_EQ(launch(set, 1, 1, stream, x.data, 4), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(*x.data, 4);
}

TEST(SimulatedMemory, IsTakenByCodeAtTheFirstLaunch) {
  Pinned<int> x(2);
  std::size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  floe_simulator::set_code_bytes(1000);
  floe_simulator::set_memory(total - free + 1500);
  EXPECT_EQ(launch(set, 1, 1, nullptr, x.data, 1), cudaSuccess);
  EXPECT_EQ(launch(set, 1, 1, nullptr, x.data, 1), cudaSuccess) << "it is there now";
  EXPECT_EQ(launch(add, 1, 1, nullptr, x.data, x.data + 1), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  floe_simulator::set_memory(std::size_t{8} << 30);
  EXPECT_EQ(launch(add, 1, 1, nullptr, x.data, x.data + 1), cudaSuccess);
  cudaDeviceSynchronize();
  floe_simulator::set_code_bytes(0);
  std::size_t again = 0;
  cudaMemGetInfo(&again, &total);
  EXPECT_EQ(again, free);
}

TEST(SimulatedDevice, CountsTheCallsThatWouldMakeAContextOnIt) {
  int devices = 0;
  cudaGetDeviceCount(&devices);
  if (devices < 2) GTEST_SKIP() << "needs FLOE_SIMULATED_DEVICES=2";  // as ctest runs it
  cudaSetDevice(1);
  int* there = nullptr;
  cudaMalloc(&there, 4);
  cudaSetDevice(0);
  auto before = floe_simulator::calls_on(0);
  std::thread([&] { cudaSetDevice(1), cudaFree(nullptr); }).join();
  EXPECT_EQ(floe_simulator::calls_on(0), before);
  std::thread([&] { cudaFree(there); }).join();
  EXPECT_EQ(floe_simulator::calls_on(0), before + 1) << "a thread begins on the first device";
}

TEST(SimulatedDevice, CountsWhatHappens) {
  auto before = floe_simulator::counts();
  Array<int> x(std::vector<int>{1, 2});
  launch(set, 1, 1, nullptr, x.data(), 4);
  launch(set, 1, 1, nullptr, x.data(), 5);
  int y = 0;
  cudaMemcpyAsync(&y, x.data(), sizeof y, cudaMemcpyDeviceToHost);
  cudaDeviceSynchronize();
  auto after = floe_simulator::counts();
  EXPECT_EQ(after.launches - before.launches, 2);
  EXPECT_EQ(after.allocations - before.allocations, 1);
  EXPECT_EQ(after.copies_to_device - before.copies_to_device, 1);
  EXPECT_EQ(after.copies_to_host - before.copies_to_host, 1);
  EXPECT_EQ(after.synchronisations - before.synchronisations, 3) << "two copies of pageable memory and a wait";
}

TEST(SimulatedDevice, TellsItsProperties) {
  cudaDeviceProp properties;
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  EXPECT_STREQ(properties.name, "simulated");
  int value = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrMultiProcessorCount, 0), cudaSuccess);
  EXPECT_EQ(value, 4);
  int devices = 0;
  EXPECT_EQ(cudaGetDeviceCount(&devices), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(devices), cudaErrorInvalidDevice);
  EXPECT_STREQ(cudaGetErrorName(cudaGetLastError()), "cudaErrorInvalidDevice");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
}

TEST(SimulatedDevice, IsNotReachedByTheStreamOfAnother) {
  int devices = 0;
  cudaGetDeviceCount(&devices);
  if (devices < 2) GTEST_SKIP() << "needs FLOE_SIMULATED_DEVICES=2";  // as ctest runs it
  Array<int> here(std::vector<int>{1, 2});
  Stream stream;
  cudaSetDevice(1);
  Array<int> there(2);
  EXPECT_EQ(launch(set, 1, 1, stream, there.data(), 1), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaMemcpy(there.data(), here.data(), 8, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(there.values(), (std::vector<int>{1, 2}));
  cudaSetDevice(0);
}

// ---- Kernels ----

TEST(SimulatedKernel, IsRefusedInAnImpossibleShape) {
  Pinned<int> x(1);
  for (auto [grid, block] : std::vector<std::pair<dim3, dim3>>{{1, 1025},
                                                               {1, dim3(32, 33)},
                                                               {1, dim3(1, 1, 65)},
                                                               {0, 1},
                                                               {1, 0},
                                                               {dim3(1, 65536), 1},
                                                               {dim3(1, 1, 65536), 1}}) {
    EXPECT_EQ(launch(set, grid, block, nullptr, x.data, 1), cudaErrorInvalidConfiguration);
  }
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(set, dim3(1, 65535), 1, nullptr, x.data, 1), cudaSuccess);
  EXPECT_EQ(launch(set, 1, dim3(32, 32), nullptr, x.data, 1), cudaSuccess);
  cudaDeviceSynchronize();
}

struct Numbers {
  int factor;
  double more[5];
};

__global__ void weigh(Numbers numbers, double* out) {
  numbers.factor += threadIdx.x;  // a copy of this thread
  *out += numbers.factor * numbers.more[4];
}

TEST(SimulatedKernel, CopiesItsArguments) {
  Pinned<double> out(1);
  *out.data = 0;
  Numbers numbers{2, {0, 0, 0, 0, 0.5}};
  void* arguments[] = {&numbers, &out.data};
  cudaLaunchKernel(weigh, dim3(1), dim3(3), arguments, 0, nullptr);
  numbers.factor = 1000;
  cudaDeviceSynchronize();
  EXPECT_EQ(*out.data, (2 + 3 + 4) * 0.5);
}

template <class T>
__global__ void divide(T* out, const T* by) {
  *out /= *by;
}

// The NaN of the device's arithmetic is not the one of this machine's.
TEST(SimulatedKernel, NamesItsNaNs) {
  Array<float> x(std::vector<float>{0, 1}), zero(std::vector<float>{0});
  Array<double> wide(std::vector<double>{0}), wide_zero(std::vector<double>{0});
  launch(divide<float>, 1, 1, nullptr, x.data(), zero.data());
  launch(divide<double>, 1, 1, nullptr, wide.data(), wide_zero.data());
  EXPECT_EQ(std::bit_cast<std::uint32_t>(x.values()[0]), 0x7fffffffu);
  EXPECT_EQ(x.values()[1], 1);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(wide.values()[0]), 0xfff8000000000000u);
}

struct alignas(16) Four {
  float values[4];
};
__global__ void read_four(const float* from, float* to) {
  *to = static_cast<const Four*>(__builtin_assume_aligned(from, 16))->values[3];
}

TEST(SimulatedKernelDeathTest, WantsVectorsInLines) {
  Array<float> x(std::vector<float>(9, 2.f)), y(1);
  launch(read_four, 1, 1, nullptr, x.data() + 4, y.data());
  EXPECT_EQ(y.values()[0], 2);
  EXPECT_DEATH(
      {
        launch(read_four, 1, 1, nullptr, x.data() + 1, y.data());
        cudaDeviceSynchronize();
      },
      "a misaligned address: 0x[0-9a-f]+ is no multiple of 16");
}

__global__ void write_order(int* next, int* order, bool meet) {
  if (meet) __syncthreads();
  int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  order[(*next)++] = block * blockDim.x * blockDim.y * blockDim.z + thread;
  if (meet) __syncthreads();
}

TEST(SimulatedKernel, RunsThreadsInTheOrderAskedFor) {
  for (bool meet : {false, true}) {
    Pinned<int> order(1 + 288);
    *order.data = 0;
    launch(write_order, dim3(2, 3, 1), dim3(4, 4, 3), nullptr, order.data, order.data + 1, meet);
    cudaDeviceSynchronize();
    ASSERT_EQ(*order.data, 288);
    for (int i = 0; i < 288; ++i) ASSERT_EQ(order.data[1 + i], backward() ? 287 - i : i);
  }
}

__global__ void sum_by_tree(const int* x, int* sums) {
  __shared__ int cache[1024];
  int t = threadIdx.x;
  cache[t] = x[blockIdx.x * blockDim.x + t];
  __syncthreads();
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    if (t < half) cache[t] += cache[t + half];
    __syncthreads();
  }
  if (t == 0) sums[blockIdx.x] = cache[0];
}

__global__ void sum_by_shuffles(const int* x, int* sums) {
  __shared__ long long warps[32];
  int t = threadIdx.x;
  long long sum = x[blockIdx.x * blockDim.x + t];
  for (int delta = 16; delta > 0; delta /= 2) sum += __shfl_down_sync(~0u, sum, delta);
  if (t % 32 == 0) warps[t / 32] = sum;
  __syncthreads();
  if (t >= 32) return;
  int all = t < static_cast<int>(blockDim.x) / 32 ? static_cast<int>(warps[t]) : 0;
  for (int bits = 16; bits > 0; bits /= 2) all += __shfl_xor_sync(~0u, all, bits);
  if (t == 5) sums[blockIdx.x] = all;
}

TEST(SimulatedKernel, SumsABlockByATreeAndByShuffles) {
  for (int threads : {32, 64, 256, 1024}) {
    std::vector<int> x(4 * threads);
    std::iota(x.begin(), x.end(), 1);
    Array<int> in(x), tree(4), shuffles(4);
    launch(sum_by_tree, 4, threads, nullptr, in.data(), tree.data());
    launch(sum_by_shuffles, 4, threads, nullptr, in.data(), shuffles.data());
    std::vector<int> expected(4);
    for (std::size_t i = 0; i < x.size(); ++i) expected[i / threads] += x[i];
    EXPECT_EQ(tree.values(), expected) << threads;
    EXPECT_EQ(shuffles.values(), expected) << threads;
  }
}

__global__ void shuffle_in_parts(float* out) {
  int t = threadIdx.x;
  float own = static_cast<float>(t);
  out[t] = __shfl_sync(~0u, own, 3);
  out[64 + t] = __shfl_down_sync(~0u, own, 1, 8);
  out[128 + t] = __shfl_xor_sync(~0u, own, 1);
  if (t % 2 == 0) out[192 + t] = __shfl_sync(0x55555555u, own, t % 32 + 1);
  if (t % 2 == 1) out[192 + t] = __shfl_sync(0xaaaaaaaau, own, 31);
  __syncwarp();
}

TEST(SimulatedKernel, ShufflesWithinAMaskAndAWarpThatIsNotWhole) {
  Array<float> out(256);
  launch(shuffle_in_parts, 1, 40, nullptr, out.data());  // the second warp has 8 lanes
  auto got = out.values();
  for (int t = 0; t < 40; ++t) {
    EXPECT_EQ(got[t], t / 32 * 32 + 3) << t;
    EXPECT_EQ(got[64 + t], t % 8 == 7 ? t : t + 1) << t;
    EXPECT_EQ(got[128 + t], t ^ 1) << t;
    bool given = t % 2 == 1 && t < 32;  // the others ask a lane that takes no part
    EXPECT_TRUE(given ? got[192 + t] == 31 : std::isnan(got[192 + t])) << t;
  }
}

__global__ void vote(int* out) {
  int t = threadIdx.x;
  out[t * 4] = __syncthreads_count(t < 10);
  out[t * 4 + 1] = __syncthreads_or(t == 39);
  out[t * 4 + 2] = __syncthreads_and(t < 40);
  out[t * 4 + 3] = __syncthreads_or(0) + __syncthreads_and(t < 39);
}

TEST(SimulatedKernel, Votes) {
  Array<int> out(160);
  launch(vote, 1, 40, nullptr, out.data());
  auto got = out.values();
  for (int t = 0; t < 40; ++t) {
    EXPECT_EQ(got[t * 4], 10);
    EXPECT_EQ(got[t * 4 + 1], 1);
    EXPECT_EQ(got[t * 4 + 2], 1);
    EXPECT_EQ(got[t * 4 + 3], 0);
  }
}

__global__ void race(int* x) {
  __shared__ int last;
  last = threadIdx.x;
  __syncthreads();
  if (threadIdx.x == 0) *x = last;
}

TEST(SimulatedKernel, ShowsARaceByTheOrder) {
  Array<int> x(1);
  launch(race, 1, 64, nullptr, x.data());
  EXPECT_EQ(x.values()[0], backward() ? 0 : 63);
}

__global__ void add_atomically(int* i, unsigned long long* u, float* f, double* d, int* least, int* most) {
  int t = threadIdx.x + blockIdx.x * blockDim.x;
  atomicAdd(i, t);
  atomicAdd(u, 1ull << 40);
  atomicAdd(f, 0.5f);
  atomicAdd(d, 0.25);
  atomicMin(least, t);
  atomicMax(most, t);
}

TEST(SimulatedKernel, AddsAtomically) {
  Array<int> i(std::vector<int>{0, 5, 5});
  Array<unsigned long long> u(std::vector<unsigned long long>{0});
  Array<float> f(std::vector<float>{0});
  Array<double> d(std::vector<double>{0});
  launch(add_atomically, 4, 32, nullptr, i.data(), u.data(), f.data(), d.data(), i.data() + 1, i.data() + 2);
  EXPECT_EQ(i.values(), (std::vector<int>{127 * 64, 0, 127}));
  EXPECT_EQ(u.values()[0], 128ull << 40);
  EXPECT_EQ(f.values()[0], 64);
  EXPECT_EQ(d.values()[0], 32);
}

__global__ void compute_bits(unsigned long long* out) {
  out[0] = __umulhi(0x80000000u, 6);
  out[1] = __umul64hi(1ull << 63, 6);
  out[2] = __popc(0xf0f0u);
  out[3] = __clz(1);
  out[4] = __clz(0);
  out[5] = __uint_as_float(__float_as_uint(-1.5f)) == -1.5f;
  out[6] = __longlong_as_double(__double_as_longlong(-1.5)) == -1.5;
  out[7] = rsqrtf(4) == 0.5f;
  out[8] = __ldg(out);
  out[9] = __fmaf_rn(2, 3, 4) == 10;
}

TEST(SimulatedKernel, KnowsTheIntegerAndBitFunctions) {
  Array<unsigned long long> out(10);
  launch(compute_bits, 1, 1, nullptr, out.data());
  EXPECT_EQ(out.values(), (std::vector<unsigned long long>{3, 3, 8, 31, 32, 1, 1, 1, 3, 1}));
}

__global__ void leave_before_the_barrier(int threads) {
  if (static_cast<int>(threadIdx.x) >= threads) return;
  __syncthreads();
}

__global__ void leave_before_the_shuffle(int lanes, int* out) {
  if (static_cast<int>(threadIdx.x) >= lanes) return;
  *out = __shfl_sync(~0u, 1, 0);
}

__global__ void part_ways() {
  if (threadIdx.x < 7) {
    __syncwarp();
  } else {
    __syncthreads();
  }
}

TEST(SimulatedKernelDeathTest, NamesADivergentBarrier) {
  auto run = [](auto launch_it) {
    launch_it();
    cudaDeviceSynchronize();
  };
  EXPECT_DEATH(run([] { launch(leave_before_the_barrier, dim3(2, 3), 64, nullptr, 40); }),
               "kernel of grid \\(2, 3, 1\\) and block \\(64, 1, 1\\), in block \\([01], [02], 0\\): a divergent "
               "barrier: 40 of 64 threads wait at __syncthreads\\(\\) and the others have returned");
  Pinned<int> out(1);
  EXPECT_DEATH(run([&] { launch(leave_before_the_shuffle, 1, 64, nullptr, 40, out.data); }),
               "a divergent warp operation: lane [07] of warp 1 waits for lane 8, which has returned");
  EXPECT_DEATH(run([] { launch(part_ways, 1, 32, nullptr); }),
               "of 32 threads 0 have returned, 25 wait at __syncthreads\\(\\) and the others in warp operations");
  EXPECT_DEATH(__syncthreads(), "__syncthreads\\(\\) outside a kernel");
}

// ---- bfloat16 ----

TEST(SimulatedBfloat16, RoundsToNearestEvenAndKeepsNaN) {
  EXPECT_EQ(static_cast<float>(__float2bfloat16(1 + 0x1p-8f)), 1) << "a tie goes to the even neighbour";
  EXPECT_EQ(static_cast<float>(__float2bfloat16(1 + 3 * 0x1p-8f)), 1 + 0x1p-6f);
  EXPECT_EQ(static_cast<float>(__float2bfloat16(1 + 0x1.1p-8f)), 1 + 0x1p-7f);
  EXPECT_TRUE(std::isinf(__bfloat162float(3.4e38f)));
  EXPECT_TRUE(std::isnan(__bfloat162float(std::bit_cast<float>(0x7f800001))));
  EXPECT_EQ(static_cast<float>(__nv_bfloat16(1 + 0x1p-8 + 0x1p-40)), 1 + 0x1p-7f) << "a double is rounded once";
  EXPECT_EQ(static_cast<float>(__nv_bfloat16(-1 - 0x1p-8 + 0x1p-40)), -1);
  EXPECT_EQ(static_cast<float>(__nv_bfloat16(256) + __nv_bfloat16(1)), 256) << "sums are rounded too";
  EXPECT_EQ(sizeof(__nv_bfloat16), 2u);
}

// ---- cuBLASLt ----

template <class T>
std::vector<T> random_values(std::size_t size, int seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<T> values(size);
  for (T& value : values) value = static_cast<T>(uniform(generator));
  return values;
}

template <class T>
constexpr cudaDataType type_of = CUDA_R_32F;
template <>
constexpr cudaDataType type_of<double> = CUDA_R_64F;
template <>
constexpr cudaDataType type_of<__nv_bfloat16> = CUDA_R_16BF;

struct Product {
  bool ta = false, tb = false;
  int m = 5, n = 7, k = 3, batches = 1;
  int pad = 0;  // added to every leading dimension
  cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
  cudaDataType scale = CUDA_R_32F;
  std::size_t misaligned = 0;  // elements by which A is moved
  std::size_t workspace_missing = 0;
  int wrong_k = 0;
  std::uint32_t alignment = 4;
  bool nan = false;  // what D holds before
};

// The result of cublasLtMatmul.
template <class T, class R, class S = float>
cublasStatus_t multiply(const Product& p, S alpha, S beta, std::vector<R>* result) {
  int a_rows = p.ta ? p.k : p.m, a_columns = p.ta ? p.m : p.k, b_rows = p.tb ? p.n : p.k, b_columns = p.tb ? p.k : p.n;
  int lda = a_rows + p.pad, ldb = b_rows + p.pad, ldc = p.m + p.pad;
  std::size_t a_size = lda * a_columns, b_size = ldb * b_columns, c_size = ldc * p.n;
  auto a = random_values<T>(a_size * p.batches + p.misaligned, 1), b = random_values<T>(b_size * p.batches, 2);
  auto c = random_values<R>(c_size * p.batches, 3);
  if (p.nan) std::fill(c.begin(), c.end(), static_cast<R>(NAN));
  Array<T> da(a), db(b);
  Array<R> dc(c);

  cublasLtHandle_t handle;
  cublasLtMatmulDesc_t description;
  cublasLtMatrixLayout_t la, lb, lc;
  cublasLtMatmulPreference_t preference;
  cublasLtCreate(&handle);
  cublasLtMatmulDescCreate(&description, p.compute, p.scale);
  cublasOperation_t op_a = p.ta ? CUBLAS_OP_T : CUBLAS_OP_N, op_b = p.tb ? CUBLAS_OP_T : CUBLAS_OP_N;
  cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_TRANSA, &op_a, sizeof op_a);
  cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_TRANSB, &op_b, sizeof op_b);
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  EXPECT_EQ(cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue),
            CUBLAS_STATUS_SUCCESS);
  cublasLtMatrixLayoutCreate(&la, type_of<T>, a_rows + (p.ta ? p.wrong_k : 0), a_columns + (p.ta ? 0 : p.wrong_k), lda);
  cublasLtMatrixLayoutCreate(&lb, type_of<T>, b_rows, b_columns, ldb);
  cublasLtMatrixLayoutCreate(&lc, type_of<R>, p.m, p.n, ldc);
  auto batch = [&](cublasLtMatrixLayout_t layout, std::int64_t offset) {
    std::int32_t count = p.batches;
    cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count);
    cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &offset, sizeof offset);
  };
  batch(la, a_size);
  batch(lb, b_size);
  batch(lc, c_size);
  cublasLtMatmulPreferenceCreate(&preference);
  std::uint64_t most = 1 << 20;
  cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, sizeof most);
  for (int i = 0; i < 4; ++i) {
    cublasLtMatmulPreferenceSetAttribute(
        preference, static_cast<cublasLtMatmulPreferenceAttributes_t>(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES + i),
        &p.alignment, sizeof p.alignment);
  }
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(handle, description, la, lb, lc, lc, preference, 1, &found, &count);
  if (status == CUBLAS_STATUS_SUCCESS) {
    EXPECT_EQ(count, 1);
    Array<char> workspace(found.workspaceSize);
    status = cublasLtMatmul(handle, description, &alpha, da.data() + p.misaligned, la, db.data(), lb, &beta, dc.data(),
                            lc, dc.data(), lc, &found.algo, workspace.data(), found.workspaceSize - p.workspace_missing,
                            nullptr);
    alpha = beta = 100;  // they were read at the call
    *result = dc.values();
  }
  cublasLtMatmulPreferenceDestroy(preference);
  cublasLtMatrixLayoutDestroy(la);
  cublasLtMatrixLayoutDestroy(lb);
  cublasLtMatrixLayoutDestroy(lc);
  cublasLtMatmulDescDestroy(description);
  cublasLtDestroy(handle);
  return status;
}

// What `multiply` should give, by the definition.
template <class T, class R>
std::vector<double> product(const Product& p, double alpha, double beta) {
  int a_rows = p.ta ? p.k : p.m, a_columns = p.ta ? p.m : p.k, b_rows = p.tb ? p.n : p.k, b_columns = p.tb ? p.k : p.n;
  int lda = a_rows + p.pad, ldb = b_rows + p.pad, ldc = p.m + p.pad;
  auto a = random_values<T>(lda * a_columns * p.batches, 1), b = random_values<T>(ldb * b_columns * p.batches, 2);
  auto c = random_values<R>(ldc * p.n * p.batches, 3);
  std::vector<double> result(c.begin(), c.end());
  for (int batch = 0; batch < p.batches; ++batch) {
    for (int i = 0; i < p.m; ++i) {
      for (int j = 0; j < p.n; ++j) {
        double sum = 0;
        for (int l = 0; l < p.k; ++l) {
          double left = a[batch * lda * a_columns + (p.ta ? i * lda + l : l * lda + i)];
          double right = b[batch * ldb * b_columns + (p.tb ? l * ldb + j : j * ldb + l)];
          sum += left * right;
        }
        double& at = result[batch * ldc * p.n + j * ldc + i];
        at = alpha * sum + beta * at;
      }
    }
  }
  return result;
}

template <class R>
void expect_near(const std::vector<R>& got, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(static_cast<double>(got[i]), expected[i], tolerance) << i;
}

TEST(SimulatedMatmul, AgreesWithPlainLoops) {
  for (int way = 0; way < 16; ++way) {
    Product p;
    p.ta = way & 1;
    p.tb = way & 2;
    p.batches = way & 4 ? 3 : 1;
    p.pad = way & 8 ? 2 : 0;
    std::vector<float> result;
    ASSERT_EQ((multiply<float, float>(p, 2.f, 0.5f, &result)), CUBLAS_STATUS_SUCCESS) << way;
    expect_near(result, product<float, float>(p, 2, 0.5), 1e-6);

    p.compute = CUBLAS_COMPUTE_64F;
    p.scale = CUDA_R_64F;
    std::vector<double> wide;
    ASSERT_EQ((multiply<double, double, double>(p, 2, 0.5, &wide)), CUBLAS_STATUS_SUCCESS) << way;
    expect_near(wide, product<double, double>(p, 2, 0.5), 1e-14);
  }
}

TEST(SimulatedMatmul, LeavesOldNaNAloneWhereBetaIsZero) {
  Product p;
  p.nan = true;
  std::vector<float> result;
  ASSERT_EQ((multiply<float, float>(p, 1.f, 0.f, &result)), CUBLAS_STATUS_SUCCESS);
  expect_near(result, product<float, float>(p, 1, 0), 1e-6);
}

TEST(SimulatedMatmul, TakesBfloat16) {
  Product p;
  std::vector<float> result;
  ASSERT_EQ((multiply<__nv_bfloat16, float>(p, 1.f, 0.f, &result)), CUBLAS_STATUS_SUCCESS);
  expect_near(result, product<__nv_bfloat16, float>(p, 1, 0), 1e-6);
  std::vector<__nv_bfloat16> narrow;
  ASSERT_EQ((multiply<__nv_bfloat16, __nv_bfloat16>(p, 1.f, 0.f, &narrow)), CUBLAS_STATUS_SUCCESS);
  for (std::size_t i = 0; i < narrow.size(); ++i) EXPECT_EQ(static_cast<float>(narrow[i]), __bfloat162float(result[i]));
}

TEST(SimulatedMatmul, RoundsForTF32OnlyWhenAsked) {
  Product p;
  p.m = 8, p.k = 64;
  std::vector<float> exact, rounded, pedantic;
  multiply<float, float>(p, 1.f, 0.f, &exact);
  p.compute = CUBLAS_COMPUTE_32F_PEDANTIC;
  multiply<float, float>(p, 1.f, 0.f, &pedantic);
  p.compute = CUBLAS_COMPUTE_32F_FAST_TF32;
  multiply<float, float>(p, 1.f, 0.f, &rounded);
  EXPECT_EQ(exact, pedantic);
  EXPECT_NE(exact, rounded);
  expect_near(rounded, std::vector<double>(exact.begin(), exact.end()), 1e-2);
}

// What begins in between lines of 16 bytes is computed without tensor cores: a test of their rounding needs other sizes.
TEST(SimulatedMatmul, RoundsForTF32OnlyWhatTensorCoresRead) {
  for (Product p : {Product{.m = 7, .n = 8, .k = 64}, Product{.ta = true, .m = 8, .n = 8, .k = 63},
                    Product{.m = 8, .n = 8, .k = 64, .misaligned = 1}}) {
    std::vector<float> exact, found;
    multiply<float, float>(p, 1.f, 0.f, &exact);
    p.compute = CUBLAS_COMPUTE_32F_FAST_TF32;
    multiply<float, float>(p, 1.f, 0.f, &found);
    EXPECT_EQ(exact, found);
  }
}

TEST(SimulatedMatmul, IsRefusedWhenTold) {
  std::vector<float> result;
  floe_simulator::refuse_products(1);
  EXPECT_EQ((multiply<float, float>({}, 1.f, 0.f, &result)), CUBLAS_STATUS_NOT_SUPPORTED);
  floe_simulator::refuse_products(1, CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_EQ((multiply<float, float>({}, 1.f, 0.f, &result)), CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_EQ((multiply<float, float>({}, 1.f, 0.f, &result)), CUBLAS_STATUS_SUCCESS);
  floe_simulator::list_nothing_good(true);
  EXPECT_EQ((multiply<float, float>({}, 1.f, 0.f, &result)), CUBLAS_STATUS_NOT_SUPPORTED);
  floe_simulator::list_nothing_good(false);
  floe_simulator::limit_elements(6);
  EXPECT_EQ((multiply<float, float>({}, 1.f, 0.f, &result)), CUBLAS_STATUS_NOT_SUPPORTED) << "n is 7";
  floe_simulator::limit_elements(0);
}

TEST(SimulatedMatmul, RefusesWhatDoesNotFit) {
  std::vector<float> result;
  Product p;
  p.wrong_k = 1;
  EXPECT_EQ((multiply<float, float>(p, 1.f, 0.f, &result)), CUBLAS_STATUS_INVALID_VALUE);
  p = {};
  p.pad = -1;
  EXPECT_EQ((multiply<float, float>(p, 1.f, 0.f, &result)), CUBLAS_STATUS_INVALID_VALUE);
  p = {};
  p.workspace_missing = 1;
  EXPECT_EQ((multiply<float, float>(p, 1.f, 0.f, &result)), CUBLAS_STATUS_INVALID_VALUE);
  p = {};
  p.misaligned = 1;
  EXPECT_EQ((multiply<float, float>(p, 1.f, 0.f, &result)), CUBLAS_STATUS_SUCCESS);
  p.alignment = 16;
  EXPECT_EQ((multiply<float, float>(p, 1.f, 0.f, &result)), CUBLAS_STATUS_INVALID_VALUE);
  p = {};
  p.scale = CUDA_R_64F;
  EXPECT_EQ((multiply<float, float>(p, 1.f, 0.f, &result)), CUBLAS_STATUS_NOT_SUPPORTED);
  p = {};
  p.compute = CUBLAS_COMPUTE_64F;
  p.scale = CUDA_R_64F;
  EXPECT_EQ((multiply<float, float>(p, 1.f, 0.f, &result)), CUBLAS_STATUS_NOT_SUPPORTED);
}

// ---- cuDNN ----

template <class T>
constexpr cudnnDataType_t dnn_type_of = CUDNN_DATA_FLOAT;
template <>
constexpr cudnnDataType_t dnn_type_of<double> = CUDNN_DATA_DOUBLE;
template <>
constexpr cudnnDataType_t dnn_type_of<__nv_bfloat16> = CUDNN_DATA_BFLOAT16;

struct Geometry {
  int n = 2, c = 4, h = 7, w = 6, k = 6, r = 3, s = 2;
  int pad_h = 0, pad_w = 0, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1, groups = 1;
  cudnnTensorFormat_t format = CUDNN_TENSOR_NHWC;
  cudnnMathType_t math = CUDNN_FMA_MATH;

  int out_h() const { return (h + 2 * pad_h - dilation_h * (r - 1) - 1) / stride_h + 1; }
  int out_w() const { return (w + 2 * pad_w - dilation_w * (s - 1) - 1) / stride_w + 1; }
  std::size_t x_size() const { return std::size_t{1} * n * c * h * w; }
  std::size_t w_size() const { return std::size_t{1} * k * (c / groups) * r * s; }
  std::size_t y_size() const { return std::size_t{1} * n * k * out_h() * out_w(); }
};

// The place of an element of a tensor with extents (any, c, h, w).
std::size_t place(cudnnTensorFormat_t format, int c, int h, int w, int in, int ic, int ih, int iw) {
  return format == CUDNN_TENSOR_NCHW ? ((in * c + ic) * h + ih) * w + iw : ((in * h + ih) * w + iw) * c + ic;
}

// Calls f(place in x, in w, in y) for every product in the definition of the convolution.
template <class F>
void for_each_product(const Geometry& g, F f) {
  int inner = g.c / g.groups, outer = g.k / g.groups;
  for (int n = 0; n < g.n; ++n) {
    for (int k = 0; k < g.k; ++k) {
      for (int oy = 0; oy < g.out_h(); ++oy) {
        for (int ox = 0; ox < g.out_w(); ++ox) {
          for (int c = 0; c < inner; ++c) {
            for (int r = 0; r < g.r; ++r) {
              for (int s = 0; s < g.s; ++s) {
                int iy = oy * g.stride_h - g.pad_h + r * g.dilation_h,
                    ix = ox * g.stride_w - g.pad_w + s * g.dilation_w;
                if (iy < 0 || iy >= g.h || ix < 0 || ix >= g.w) continue;
                f(place(g.format, g.c, g.h, g.w, n, k / outer * inner + c, iy, ix),
                  place(g.format, inner, g.r, g.s, k, c, r, s),
                  place(g.format, g.k, g.out_h(), g.out_w(), n, k, oy, ox));
              }
            }
          }
        }
      }
    }
  }
}

// Descriptors of one convolution, and its three calls.
template <class T, class Y = T>
class Convolution {
 public:
  using Scale = std::conditional_t<std::is_same_v<T, double>, double, float>;

  explicit Convolution(const Geometry& g) : g_(g) {
    cudnnCreate(&handle);
    cudnnCreateTensorDescriptor(&x);
    cudnnCreateTensorDescriptor(&y);
    cudnnCreateFilterDescriptor(&w);
    cudnnCreateConvolutionDescriptor(&convolution);
    EXPECT_EQ(cudnnSetTensor4dDescriptor(x, g.format, dnn_type_of<T>, g.n, g.c, g.h, g.w), CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetTensor4dDescriptor(y, g.format, dnn_type_of<Y>, g.n, g.k, g.out_h(), g.out_w()),
              CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetFilter4dDescriptor(w, dnn_type_of<T>, g.format, g.k, g.c / g.groups, g.r, g.s),
              CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(cudnnSetConvolution2dDescriptor(convolution, g.pad_h, g.pad_w, g.stride_h, g.stride_w, g.dilation_h,
                                              g.dilation_w, CUDNN_CROSS_CORRELATION, dnn_type_of<Scale>),
              CUDNN_STATUS_SUCCESS);
    cudnnSetConvolutionMathType(convolution, std::is_same_v<T, __nv_bfloat16> ? CUDNN_TENSOR_OP_MATH : g.math);
    cudnnSetConvolutionGroupCount(convolution, g.groups);
  }
  Convolution(const Convolution&) = delete;
  ~Convolution() {
    cudnnDestroyConvolutionDescriptor(convolution);
    cudnnDestroyFilterDescriptor(w);
    cudnnDestroyTensorDescriptor(y);
    cudnnDestroyTensorDescriptor(x);
    cudnnDestroy(handle);
  }

  cudnnStatus_t forward(const std::vector<T>& x_values, const std::vector<T>& w_values, std::vector<Y>& y_values,
                        Scale alpha = 1, Scale beta = 0,
                        cudnnConvolutionFwdAlgo_t algorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM) {
    Array<T> dx(x_values), dw(w_values);
    Array<Y> dy(y_values);
    std::size_t bytes = 0;
    cudnnGetConvolutionForwardWorkspaceSize(handle, x, w, convolution, y, algorithm, &bytes);
    Array<char> workspace(bytes);
    cudnnStatus_t status = cudnnConvolutionForward(handle, &alpha, x, dx.data(), w, dw.data(), convolution, algorithm,
                                                   workspace.data(), bytes, &beta, y, dy.data());
    y_values = dy.values();
    return status;
  }

  cudnnStatus_t backward_data(const std::vector<T>& w_values, const std::vector<T>& y_values, std::vector<T>& x_values,
                              Scale alpha = 1, Scale beta = 0,
                              cudnnConvolutionBwdDataAlgo_t algorithm = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1) {
    Array<T> dw(w_values), dy(y_values), dx(x_values);
    std::size_t bytes = 0;
    cudnnGetConvolutionBackwardDataWorkspaceSize(handle, w, y, convolution, x, algorithm, &bytes);
    Array<char> workspace(bytes);
    cudnnStatus_t status = cudnnConvolutionBackwardData(handle, &alpha, w, dw.data(), y, dy.data(), convolution,
                                                        algorithm, workspace.data(), bytes, &beta, x, dx.data());
    x_values = dx.values();
    return status;
  }

  cudnnStatus_t backward_filter(const std::vector<T>& x_values, const std::vector<T>& y_values,
                                std::vector<T>& w_values, Scale alpha = 1, Scale beta = 0,
                                cudnnConvolutionBwdFilterAlgo_t algorithm = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1) {
    Array<T> dx(x_values), dy(y_values), dw(w_values);
    std::size_t bytes = 0;
    cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, x, y, convolution, w, algorithm, &bytes);
    Array<char> workspace(bytes);
    cudnnStatus_t status = cudnnConvolutionBackwardFilter(handle, &alpha, x, dx.data(), y, dy.data(), convolution,
                                                          algorithm, workspace.data(), bytes, &beta, w, dw.data());
    w_values = dw.values();
    return status;
  }

  cudnnHandle_t handle;
  cudnnTensorDescriptor_t x, y;
  cudnnFilterDescriptor_t w;
  cudnnConvolutionDescriptor_t convolution;

 private:
  Geometry g_;
};

template <class T>
void expect_three_convolutions(const Geometry& g, double tolerance) {
  Convolution<T> convolution(g);
  int n, c, h, w;
  ASSERT_EQ(
      cudnnGetConvolution2dForwardOutputDim(convolution.convolution, convolution.x, convolution.w, &n, &c, &h, &w),
      CUDNN_STATUS_SUCCESS);
  ASSERT_EQ((std::vector<int>{n, c, h, w}), (std::vector<int>{g.n, g.k, g.out_h(), g.out_w()}));

  auto x_values = random_values<T>(g.x_size(), 1), w_values = random_values<T>(g.w_size(), 2);
  auto y_values = random_values<T>(g.y_size(), 3);
  auto scaled = [](const std::vector<T>& values) {
    std::vector<double> result(values.begin(), values.end());
    for (double& value : result) value *= 0.5;
    return result;
  };
  auto x_expected = scaled(x_values), w_expected = scaled(w_values), y_expected = scaled(y_values);
  for_each_product(g, [&](std::size_t at_x, std::size_t at_w, std::size_t at_y) {
    double in_x = x_values[at_x], in_w = w_values[at_w], in_y = y_values[at_y];
    y_expected[at_y] += 2 * in_x * in_w;
    x_expected[at_x] += 2 * in_w * in_y;
    w_expected[at_w] += 2 * in_x * in_y;
  });
  auto got_x = x_values, got_w = w_values, got_y = y_values;
  ASSERT_EQ(convolution.forward(x_values, w_values, got_y, 2, 0.5), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(convolution.backward_data(w_values, y_values, got_x, 2, 0.5), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(convolution.backward_filter(x_values, y_values, got_w, 2, 0.5), CUDNN_STATUS_SUCCESS);
  expect_near(got_y, y_expected, tolerance);
  expect_near(got_x, x_expected, tolerance);
  expect_near(got_w, w_expected, tolerance);
}

TEST(SimulatedConvolution, AgreesWithItsDefinition) {
  for (auto format : {CUDNN_TENSOR_NHWC, CUDNN_TENSOR_NCHW}) {
    for (int way = 0; way < 16; ++way) {
      Geometry g;
      g.format = format;
      if (way & 1) g.pad_h = 2, g.pad_w = 1;
      if (way & 2) g.stride_h = 2, g.stride_w = 3;
      if (way & 4) g.dilation_h = 2, g.dilation_w = 3;
      if (way & 8) g.groups = 2;
      SCOPED_TRACE(way);
      expect_three_convolutions<double>(g, 1e-13);
      expect_three_convolutions<float>(g, 1e-5);
      expect_three_convolutions<__nv_bfloat16>(g, 0.3);
    }
  }
}

TEST(SimulatedConvolution, LeavesOldNaNAloneWhereBetaIsZero) {
  Geometry g;
  Convolution<float> convolution(g);
  std::vector<float> y(g.y_size(), NAN);
  ASSERT_EQ(convolution.forward(random_values<float>(g.x_size(), 1), random_values<float>(g.w_size(), 2), y),
            CUDNN_STATUS_SUCCESS);
  for (float value : y) ASSERT_FALSE(std::isnan(value));
}

TEST(SimulatedConvolution, RoundsForTF32UnlessTold) {
  Geometry g{.k = 8};
  auto x = random_values<float>(g.x_size(), 1), w = random_values<float>(g.w_size(), 2);
  std::vector<float> exact(g.y_size()), rounded(g.y_size());
  Convolution<float>(g).forward(x, w, exact);
  g.math = CUDNN_DEFAULT_MATH;
  Convolution<float>(g).forward(x, w, rounded);
  EXPECT_NE(exact, rounded);
  expect_near(rounded, std::vector<double>(exact.begin(), exact.end()), 1e-2);
}

TEST(SimulatedConvolution, RoundsForTF32OnlyWhatTensorCoresRead) {
  for (Geometry g : {Geometry{.k = 6}, Geometry{.c = 3, .k = 8}, Geometry{.c = 8, .k = 12, .groups = 4}}) {
    auto x = random_values<float>(g.x_size(), 1), w = random_values<float>(g.w_size(), 2);
    std::vector<float> exact(g.y_size()), found(g.y_size());
    Convolution<float>(g).forward(x, w, exact);
    g.math = CUDNN_DEFAULT_MATH;
    Convolution<float>(g).forward(x, w, found);
    EXPECT_EQ(exact, found);
  }
}

// Each entry of a list holds for its own kind of math, and so does the memory that it names.
TEST(SimulatedConvolution, ListsEachKindOfMath) {
  Convolution<float> c(Geometry{.math = CUDNN_DEFAULT_MATH});
  int count = 0;
  cudnnConvolutionFwdAlgoPerf_t listed[16];
  ASSERT_EQ(cudnnGetConvolutionForwardAlgorithm_v7(c.handle, c.x, c.w, c.convolution, c.y, 16, &count, listed),
            CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(count, 6);
  for (int i = 0; i < count; i += 2) {
    EXPECT_EQ(listed[i].algo, listed[i + 1].algo);
    EXPECT_EQ(listed[i].mathType, CUDNN_DEFAULT_MATH);
    EXPECT_EQ(listed[i + 1].mathType, CUDNN_FMA_MATH);
    EXPECT_GT(listed[i].memory, listed[i + 1].memory);
  }
  Geometry g;
  Array<float> x(g.x_size()), w(g.w_size()), y(g.y_size());
  Array<char> workspace(listed[2].memory);
  float one = 1, zero = 0;
  auto run = [&](std::size_t bytes) {
    return cudnnConvolutionForward(c.handle, &one, c.x, x.data(), c.w, w.data(), c.convolution, listed[2].algo,
                                   workspace.data(), bytes, &zero, c.y, y.data());
  };
  EXPECT_EQ(run(listed[3].memory), CUDNN_STATUS_BAD_PARAM) << "the descriptor's math is the other one";
  cudnnSetConvolutionMathType(c.convolution, CUDNN_FMA_MATH);
  EXPECT_EQ(run(listed[3].memory), CUDNN_STATUS_SUCCESS);
  cudaDeviceSynchronize();
}

TEST(SimulatedConvolution, OfBfloat16IsForTensorCoresAlone) {
  Geometry g;
  Convolution<__nv_bfloat16> c(g);
  auto x = random_values<__nv_bfloat16>(g.x_size(), 1), w = random_values<__nv_bfloat16>(g.w_size(), 2);
  std::vector<__nv_bfloat16> y(g.y_size());
  EXPECT_EQ(c.forward(x, w, y), CUDNN_STATUS_SUCCESS);
  for (auto math : {CUDNN_DEFAULT_MATH, CUDNN_FMA_MATH}) {
    cudnnSetConvolutionMathType(c.convolution, math);
    EXPECT_EQ(c.forward(x, w, y), CUDNN_STATUS_NOT_SUPPORTED);
    int count = 0;
    cudnnConvolutionFwdAlgoPerf_t listed[16];
    cudnnGetConvolutionForwardAlgorithm_v7(c.handle, c.x, c.w, c.convolution, c.y, 16, &count, listed);
    for (int i = 0; i < count; ++i) EXPECT_EQ(listed[i].status, CUDNN_STATUS_NOT_SUPPORTED);
  }
}

TEST(SimulatedConvolution, ListsOnlyWaysThatVaryWhenTold) {
  Convolution<float> c{Geometry{}};
  floe_simulator::list_nothing_good(true);
  int count = 0;
  cudnnConvolutionBwdFilterAlgoPerf_t listed[16];
  cudnnGetConvolutionBackwardFilterAlgorithm_v7(c.handle, c.x, c.y, c.convolution, c.w, 16, &count, listed);
  floe_simulator::list_nothing_good(false);
  int usable = 0;
  for (int i = 0; i < count; ++i) {
    if (listed[i].status != CUDNN_STATUS_SUCCESS) continue;
    ++usable;
    EXPECT_EQ(listed[i].determinism, CUDNN_NON_DETERMINISTIC);
  }
  EXPECT_EQ(usable, 2);
}

TEST(SimulatedConvolution, IsOfFewerThanTwoGigaElements) {
  cudnnTensorDescriptor_t x;
  cudnnCreateTensorDescriptor(&x);
  auto set = [&](int n, int c, int h, int w) {
    return cudnnSetTensor4dDescriptor(x, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, n, c, h, w);
  };
  EXPECT_EQ(set(1 << 10, 1 << 10, 1 << 10, 2), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(set(1 << 10, 1 << 10, (1 << 11) - 1, 1), CUDNN_STATUS_SUCCESS);
  floe_simulator::limit_elements(23);
  EXPECT_EQ(set(1, 2, 3, 4), CUDNN_STATUS_NOT_SUPPORTED);
  floe_simulator::limit_elements(0);
  cudnnDestroyTensorDescriptor(x);
}

TEST(SimulatedConvolution, OffersTraps) {
  Geometry g;
  Convolution<float> c(g);
  int count = 0;
  cudnnConvolutionFwdAlgoPerf_t forward[8];
  ASSERT_EQ(cudnnGetConvolutionForwardAlgorithm_v7(c.handle, c.x, c.w, c.convolution, c.y, 8, &count, forward),
            CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(count, 3);
  EXPECT_EQ(forward[0].status, CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(forward[1].status, CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(forward[1].mathType, CUDNN_FMA_MATH);
  std::vector<float> y(g.y_size());
  EXPECT_EQ(c.forward(std::vector<float>(g.x_size()), std::vector<float>(g.w_size()), y, 1, 0, forward[0].algo),
            CUDNN_STATUS_NOT_SUPPORTED);

  cudnnConvolutionBwdDataAlgoPerf_t data[8];
  ASSERT_EQ(cudnnGetConvolutionBackwardDataAlgorithm_v7(c.handle, c.w, c.y, c.convolution, c.x, 8, &count, data),
            CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(count, 4);
  EXPECT_EQ(data[0].algo, CUDNN_CONVOLUTION_BWD_DATA_ALGO_0);
  EXPECT_EQ(data[0].determinism, CUDNN_NON_DETERMINISTIC);
  EXPECT_EQ(data[1].status, CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(data[2].determinism, CUDNN_DETERMINISTIC);
  EXPECT_GT(data[2].memory, 0u);

  cudnnConvolutionBwdFilterAlgoPerf_t filter[2];
  ASSERT_EQ(cudnnGetConvolutionBackwardFilterAlgorithm_v7(c.handle, c.x, c.y, c.convolution, c.w, 2, &count, filter),
            CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(count, 2);
  EXPECT_EQ(filter[0].determinism, CUDNN_NON_DETERMINISTIC);
  EXPECT_EQ(filter[1].status, CUDNN_STATUS_NOT_SUPPORTED);
}

template <class T>
void expect_determinism_by_algorithm() {
  Geometry g;
  Convolution<T> c(g);
  auto x = random_values<T>(g.x_size(), 1), w = random_values<T>(g.w_size(), 2), y = random_values<T>(g.y_size(), 3);
  auto data = [&](cudnnConvolutionBwdDataAlgo_t algorithm) {
    std::vector<T> result(x.size());
    EXPECT_EQ(c.backward_data(w, y, result, 1, 0, algorithm), CUDNN_STATUS_SUCCESS);
    return result;
  };
  auto filter = [&](cudnnConvolutionBwdFilterAlgo_t algorithm) {
    std::vector<T> result(w.size());
    EXPECT_EQ(c.backward_filter(x, y, result, 1, 0, algorithm), CUDNN_STATUS_SUCCESS);
    return result;
  };
  EXPECT_EQ(data(CUDNN_CONVOLUTION_BWD_DATA_ALGO_1), data(CUDNN_CONVOLUTION_BWD_DATA_ALGO_1));
  EXPECT_EQ(filter(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1), filter(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1));
  auto exact = data(CUDNN_CONVOLUTION_BWD_DATA_ALGO_1);
  for (int i = 0; i < 5; ++i) {
    EXPECT_NE(data(CUDNN_CONVOLUTION_BWD_DATA_ALGO_0), data(CUDNN_CONVOLUTION_BWD_DATA_ALGO_0));
    EXPECT_NE(filter(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0), filter(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0));
    EXPECT_NE(filter(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3), filter(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3));
    expect_near(data(CUDNN_CONVOLUTION_BWD_DATA_ALGO_0), std::vector<double>(exact.begin(), exact.end()), 1e-4);
  }
}

TEST(SimulatedConvolution, VariesWithAnAlgorithmThatIsNotDeterministic) {
  expect_determinism_by_algorithm<float>();
  expect_determinism_by_algorithm<double>();
}

TEST(SimulatedConvolution, RefusesWhatDoesNotFit) {
  Geometry g;
  std::vector<__nv_bfloat16> x(g.x_size()), w(g.w_size());
  std::vector<float> y(g.y_size());
  EXPECT_EQ((Convolution<__nv_bfloat16, float>(g).forward(x, w, y)), CUDNN_STATUS_NOT_SUPPORTED);

  Convolution<float> c(g);
  std::vector<float> wide_x(g.x_size()), wide_w(g.w_size());
  EXPECT_EQ(c.forward(wide_x, wide_w, y), CUDNN_STATUS_SUCCESS);
  cudnnSetTensor4dDescriptor(c.y, g.format, CUDNN_DATA_FLOAT, g.n, g.k, g.out_h() - 1, g.out_w());
  EXPECT_EQ(c.forward(wide_x, wide_w, y), CUDNN_STATUS_BAD_PARAM);
  cudnnSetTensor4dDescriptor(c.y, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, g.n, g.k, g.out_h(), g.out_w());
  EXPECT_EQ(c.forward(wide_x, wide_w, y), CUDNN_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(cudnnSetTensor4dDescriptor(c.y, g.format, CUDNN_DATA_FLOAT, 0, g.k, 1, 1), CUDNN_STATUS_BAD_PARAM);
  cudnnSetTensor4dDescriptor(c.y, g.format, CUDNN_DATA_FLOAT, g.n, g.k, g.out_h(), g.out_w());
  cudnnSetConvolutionGroupCount(c.convolution, 3);
  EXPECT_EQ(c.forward(wide_x, wide_w, y), CUDNN_STATUS_BAD_PARAM);
  cudnnSetConvolutionGroupCount(c.convolution, 1);

  Array<float> dx(wide_x), dw(wide_w), dy(y);
  Array<char> workspace(4096);
  float one = 1, zero = 0;
  auto run = [&](void* scratch, std::size_t bytes) {
    return cudnnConvolutionForward(c.handle, &one, c.x, dx.data(), c.w, dw.data(), c.convolution,
                                   CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, scratch, bytes, &zero, c.y,
                                   dy.data());
  };
  EXPECT_EQ(run(workspace.data(), 4095), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(run(nullptr, 4096), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(run(workspace.data(), 4096), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(workspace.values(), std::vector<char>(4096, '\xFF'));
}

TEST(SimulatedConvolution, RunsLateOnItsStream) {
  Geometry g;
  Convolution<float> c(g);
  Array<float> x(random_values<float>(g.x_size(), 1)), w(random_values<float>(g.w_size(), 2)), y(g.y_size());
  Stream stream;
  cudnnSetStream(c.handle, stream);
  float one = 1, zero = 0;
  ASSERT_EQ(cudnnConvolutionForward(c.handle, &one, c.x, x.data(), c.w, w.data(), c.convolution,
                                    CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, nullptr, 0, &zero, c.y, y.data()),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  cudaGetLastError();
  float first = 0;
  cudaMemcpy(&first, y.data(), sizeof first, cudaMemcpyDeviceToHost);
  EXPECT_TRUE(std::isnan(first)) << "the default stream does not wait for this one";
  cudaStreamSynchronize(stream);
  cudaMemcpy(&first, y.data(), sizeof first, cudaMemcpyDeviceToHost);
  EXPECT_FALSE(std::isnan(first));
}

TEST(SimulatedConvolutionDeathTest, WantsLinesOf16Bytes) {
  Geometry g;
  Convolution<float> c(g);
  Array<float> x(g.x_size() + 1), w(g.w_size()), y(g.y_size());
  float one = 1, zero = 0;
  EXPECT_DEATH(cudnnConvolutionForward(c.handle, &one, c.x, x.data() + 1, c.w, w.data(), c.convolution,
                                       CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, nullptr, 0, &zero, c.y, y.data()),
               "cudnnConvolutionForward at 0x[0-9a-f]+ does not begin at 16 bytes");
}

TEST(SimulatedConvolutionDeathTest, WantsDeviceMemory) {
  Geometry g;
  Convolution<float> c(g);
  std::vector<float> host(1000);
  float one = 1, zero = 0;
  EXPECT_DEATH(cudnnConvolutionForward(c.handle, &one, c.x, host.data(), c.w, host.data(), c.convolution,
                                       CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, nullptr, 0, &zero, c.y, host.data()),
               "cudnnConvolutionForward at 0x[0-9a-f]+ is not device memory of 1344 bytes");
}

}  // namespace
