// The CUDA runtime on the CPU, for tests: this header shadows the toolkit's, so that .cu files compile with GCC and run
// in the simulator. What it declares has the toolkit's names, signatures and numbers; what Floe does not use is
// missing, such as dynamic shared memory: `__shared__` becomes `static`.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "library_types.h"

#define __global__
#define __device__
#define __host__
#define __constant__
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

// ---- Small vectors ----

struct float2 {
  float x, y;
} __attribute__((aligned(8)));
struct float3 {
  float x, y, z;
};
struct float4 {
  float x, y, z, w;
} __attribute__((aligned(16)));
struct double2 {
  double x, y;
} __attribute__((aligned(16)));
struct double3 {
  double x, y, z;
};
struct int2 {
  int x, y;
} __attribute__((aligned(8)));
struct int3 {
  int x, y, z;
};
struct int4 {
  int x, y, z, w;
} __attribute__((aligned(16)));
struct uint2 {
  unsigned x, y;
} __attribute__((aligned(8)));
struct uint3 {
  unsigned x, y, z;
};
struct uint4 {
  unsigned x, y, z, w;
} __attribute__((aligned(16)));
struct longlong2 {
  long long x, y;
} __attribute__((aligned(16)));
struct ulonglong2 {
  unsigned long long x, y;
} __attribute__((aligned(16)));

inline float2 make_float2(float x, float y) { return {x, y}; }
inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }
inline double3 make_double3(double x, double y, double z) { return {x, y, z}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int3 make_int3(int x, int y, int z) { return {x, y, z}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline longlong2 make_longlong2(long long x, long long y) { return {x, y}; }
inline ulonglong2 make_ulonglong2(unsigned long long x, unsigned long long y) { return {x, y}; }

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned vx = 1, unsigned vy = 1, unsigned vz = 1) : x(vx), y(vy), z(vz) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};

// ---- What a kernel sees ----

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

void __syncthreads();
int __syncthreads_or(int predicate);
int __syncthreads_and(int predicate);
int __syncthreads_count(int predicate);
void __syncwarp(unsigned mask = ~0u);

namespace floe_simulator {

// The bits that lane `source` of the warp gave; all ones where that lane does not take part. Every lane that the mask
// names must come here.
std::uint64_t exchange(unsigned mask, std::uint64_t bits, int source);
int lane();

template <class T>
T exchange_value(unsigned mask, T value, int source) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 4 or 8 bytes");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = exchange(mask, bits, source);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace floe_simulator

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  int first = floe_simulator::lane() & ~(width - 1);
  return floe_simulator::exchange_value(mask, value, first + (source & (width - 1)));
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  int lane = floe_simulator::lane(), source = lane + static_cast<int>(delta);
  return floe_simulator::exchange_value(mask, value, source < (lane & ~(width - 1)) + width ? source : lane);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  int lane = floe_simulator::lane(), source = lane ^ bits;
  return floe_simulator::exchange_value(mask, value, source < (lane & ~(width - 1)) + width ? source : lane);
}

template <class T>
T __ldg(const T* address) {
  return *address;
}

inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<std::uint64_t>(a) * b) >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>((static_cast<Wide>(a) * b) >> 64);
}
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }

// The threads of the simulator run one at a time, so that atomics are plain.
namespace floe_simulator {
template <class T, class F>
T update(T* address, F f) {
  T old = *address;
  *address = f(old);
  return old;
}
}  // namespace floe_simulator

inline int atomicAdd(int* p, int v) {
  return floe_simulator::update(p, [v](int x) { return static_cast<int>(static_cast<unsigned>(x) + v); });
}
inline unsigned atomicAdd(unsigned* p, unsigned v) {
  return floe_simulator::update(p, [v](unsigned x) { return x + v; });
}
inline unsigned long long atomicAdd(unsigned long long* p, unsigned long long v) {
  return floe_simulator::update(p, [v](unsigned long long x) { return x + v; });
}
inline float atomicAdd(float* p, float v) {
  return floe_simulator::update(p, [v](float x) { return x + v; });
}
inline double atomicAdd(double* p, double v) {
  return floe_simulator::update(p, [v](double x) { return x + v; });
}
inline int atomicMin(int* p, int v) {
  return floe_simulator::update(p, [v](int x) { return x < v ? x : v; });
}
inline int atomicMax(int* p, int v) {
  return floe_simulator::update(p, [v](int x) { return x > v ? x : v; });
}
inline int atomicCAS(int* p, int expected, int v) {
  return floe_simulator::update(p, [=](int x) { return x == expected ? v : x; });
}
inline unsigned atomicCAS(unsigned* p, unsigned expected, unsigned v) {
  return floe_simulator::update(p, [=](unsigned x) { return x == expected ? v : x; });
}
inline unsigned long long atomicCAS(unsigned long long* p, unsigned long long expected, unsigned long long v) {
  return floe_simulator::update(p, [=](unsigned long long x) { return x == expected ? v : x; });
}
inline int atomicExch(int* p, int v) {
  return floe_simulator::update(p, [v](int) { return v; });
}
inline unsigned atomicExch(unsigned* p, unsigned v) {
  return floe_simulator::update(p, [v](unsigned) { return v; });
}
inline unsigned long long atomicExch(unsigned long long* p, unsigned long long v) {
  return floe_simulator::update(p, [v](unsigned long long) { return v; });
}
inline float atomicExch(float* p, float v) {
  return floe_simulator::update(p, [v](float) { return v; });
}

// ---- Arithmetic that is rounded once each, and never contracted ----

namespace floe_simulator {
template <class T>
T rounded_once(T x) {
  asm volatile("" : "+m"(x));
  return x;
}
}  // namespace floe_simulator
inline float __fadd_rn(float a, float b) { return floe_simulator::rounded_once(a + b); }
inline float __fmul_rn(float a, float b) { return floe_simulator::rounded_once(a * b); }
inline double __dadd_rn(double a, double b) { return floe_simulator::rounded_once(a + b); }
inline double __dmul_rn(double a, double b) { return floe_simulator::rounded_once(a * b); }

// A promise that the device takes: it ends with an error where the pointer is not as it says.
namespace floe_simulator {
void* assume_aligned(const void* pointer, std::size_t bytes);
}
#define __builtin_assume_aligned(pointer, bytes) ::floe_simulator::assume_aligned(pointer, bytes)

// ---- What the host calls ----

enum cudaError {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInitializationError = 3,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidMemcpyDirection = 21,
  cudaErrorInsufficientDriver = 35,
  cudaErrorInvalidDeviceFunction = 98,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchOutOfResources = 701,
  cudaErrorMisalignedAddress = 716,
  cudaErrorLaunchFailure = 719,
  cudaErrorNotSupported = 801,
  cudaErrorSystemNotReady = 802,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901,
  cudaErrorStreamCaptureUnjoined = 904,
  cudaErrorStreamCaptureImplicit = 906,
  cudaErrorUnknown = 999,
};
typedef enum cudaError cudaError_t;

typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;

typedef struct CUgraph_st* cudaGraph_t;
typedef struct CUgraphExec_st* cudaGraphExec_t;

enum cudaStreamCaptureMode {
  cudaStreamCaptureModeGlobal = 0,
  cudaStreamCaptureModeThreadLocal = 1,
  cudaStreamCaptureModeRelaxed = 2,
};

enum cudaStreamCaptureStatus {
  cudaStreamCaptureStatusNone = 0,
  cudaStreamCaptureStatusActive = 1,
  cudaStreamCaptureStatusInvalidated = 2,
};

#define cudaStreamDefault 0x00
#define cudaStreamNonBlocking 0x01
#define cudaEventDefault 0x00
#define cudaEventBlockingSync 0x01
#define cudaEventDisableTiming 0x02
#define cudaHostAllocDefault 0x00
#define cudaHostAllocPortable 0x01

enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4,
};

enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrWarpSize = 10,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
};

struct cudaDeviceProp {
  char name[256];
  std::size_t totalGlobalMem;
  std::size_t sharedMemPerBlock;
  int warpSize;
  int maxThreadsPerBlock;
  int maxThreadsDim[3];
  int maxGridSize[3];
  int major;
  int minor;
  int multiProcessorCount;
  int maxThreadsPerMultiProcessor;
};

const char* cudaGetErrorName(cudaError_t error);
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);

cudaError_t cudaMalloc(void** pointer, std::size_t bytes);
cudaError_t cudaFree(void* pointer);
cudaError_t cudaMallocHost(void** pointer, std::size_t bytes);
cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void* pointer);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);

cudaError_t cudaStreamCreate(cudaStream_t* stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);

// A stream that is captured keeps its work for a graph, and so does one that waits for an event of it. Until the capture
// ends, what would wait or needs the device at once is refused, and spoils it.
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* ready, cudaGraph_t graph, unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);

cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end);
cudaError_t cudaEventDestroy(cudaEvent_t event);

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void* pointer, int value, std::size_t bytes);
cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t stream = nullptr);

template <class T>
cudaError_t cudaMalloc(T** pointer, std::size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(pointer), bytes);
}

template <class T>
cudaError_t cudaMallocHost(T** pointer, std::size_t bytes, unsigned flags = 0) {
  return cudaHostAlloc(reinterpret_cast<void**>(pointer), bytes, flags);
}

template <class T>
cudaError_t cudaHostAlloc(T** pointer, std::size_t bytes, unsigned flags) {
  return cudaHostAlloc(reinterpret_cast<void**>(pointer), bytes, flags);
}

// Queues a kernel whose every thread calls `thread`. `written`: the arrays of floats among its parameters.
namespace floe_simulator {
struct Written {
  void* begin;
  std::size_t element_bytes;
};

template <class P>
void note_written(std::vector<Written>& all, const P& parameter) {
  if constexpr (std::is_pointer_v<P>) {
    using T = std::remove_pointer_t<P>;
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
      if (parameter) all.push_back({parameter, sizeof(T)});
    }
  }
}

cudaError_t launch(const void* kernel, dim3 grid, dim3 block, std::size_t shared, cudaStream_t stream,
                   std::function<void()> thread, std::vector<Written> written);
}  // namespace floe_simulator

// The arguments are copied now; every thread gets its own copy of them.
template <class... P>
cudaError_t cudaLaunchKernel(void (*kernel)(P...), dim3 grid, dim3 block, void** args, std::size_t shared = 0,
                             cudaStream_t stream = nullptr) {
  if (!kernel) return floe_simulator::launch(nullptr, grid, block, shared, stream, nullptr, {});
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    std::tuple<P...> values{*static_cast<const P*>(args[i])...};
    std::vector<floe_simulator::Written> written;
    (floe_simulator::note_written(written, std::get<i>(values)), ...);
    return floe_simulator::launch(
        reinterpret_cast<const void*>(kernel), grid, block, shared, stream,
        [kernel, values] { std::apply(kernel, values); }, std::move(written));
  }
  (std::index_sequence_for<P...>());
}
