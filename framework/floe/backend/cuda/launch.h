// Launching kernels, and what they share: indices, vector loads, fast division and sums over the threads of a block.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <tuple>
#include <type_traits>

#include <floe/backend/cuda/context.h>
#include <floe/backend/kernels.h>
#include <floe/backend/strides.h>

namespace floe::cuda {

#if defined(__CUDACC__)
#define FLOE_TEXT(words) #words
#define FLOE_UNROLL(times) _Pragma(FLOE_TEXT(unroll times))
#else
#define FLOE_UNROLL(times)
#endif

constexpr int block_threads = 256;  // of every kernel, unless noted

// Queues a kernel. The arguments are converted to its parameters and copied.
template <class... Parameters, class... Arguments>
void launch(const Context& on, void (*kernel)(Parameters...), std::int64_t blocks, Arguments... arguments) {
  if (blocks == 0) return;
  std::tuple<Parameters...> held(static_cast<Parameters>(arguments)...);
  std::apply(
      [&](Parameters&... each) {
        void* pointers[] = {const_cast<void*>(static_cast<const void*>(&each))...};
        auto queue = [&] {
          return cudaLaunchKernel(kernel, dim3(static_cast<unsigned>(blocks)), dim3(block_threads), pointers, 0,
                                  on.stream);
        };
        check(with_room(on.device, queue), "a kernel");
      },
      held);
}

// Blocks for a kernel whose threads loop over `size` items in strides: enough to fill the device.
inline std::int64_t blocks_for(const Context& on, std::int64_t size) {
  return std::min<std::int64_t>((size + block_threads - 1) / block_threads, std::int64_t{on.multiprocessors} * 32);
}

// The thread's number among all, and how many there are.
__device__ inline std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t thread_count() { return static_cast<std::int64_t>(gridDim.x) * blockDim.x; }

template <class T>
const T* data(const Tensor& x) {
  return static_cast<const T*>(x.raw());
}
template <class T>
T* mutable_data(Tensor& x) {
  return static_cast<T*>(x.raw_mutable());
}

// The elements that a thread reads at once: 16 bytes.
template <class S>
struct alignas(16) Pack {
  static constexpr int size = 16 / sizeof(S);
  S values[size];
};

// An array as steps of several elements, each of which is read or written at once: it begins at a multiple of their size.
template <class Step, class S>
__device__ auto in_steps(S* array) {
  using To = std::conditional_t<std::is_const_v<S>, const Step, Step>;
  return static_cast<To*>(__builtin_assume_aligned(array, alignof(Step)));
}

inline bool aligned(const void* data) { return reinterpret_cast<std::uintptr_t>(data) % 16 == 0; }

// Several arrays alike, as an argument of a kernel.
template <class T, int count>
struct Arrays {
  T* data[count];
  bool all_aligned() const {
    return std::all_of(data, data + count, [](T* one) { return aligned(one); });
  }
};

// Division by a number that many threads share: a product and a shift for what is below 2^31 (Granlund and Montgomery,
// "Division by invariant integers using multiplication", 1994).
struct Divisor {
  Divisor() = default;
  explicit Divisor(std::int64_t number) : number(number) {
    while (shift < 31 && (std::int64_t{1} << shift) < number) ++shift;
    bool small = number > 0 && number < (std::int64_t{1} << 31);
    multiplier =
        small ? static_cast<std::uint32_t>((std::uint64_t{1} << 32) *
                                               ((std::uint64_t{1} << shift) - static_cast<std::uint64_t>(number)) /
                                               static_cast<std::uint64_t>(number) +
                                           1)
              : 0;
  }

  __device__ std::int64_t divide(std::int64_t by) const {
    if (by >= (std::int64_t{1} << 31) || number >= (std::int64_t{1} << 31)) return by / number;
    std::uint32_t dividend = static_cast<std::uint32_t>(by);
    std::uint64_t sum = static_cast<std::uint64_t>(__umulhi(dividend, multiplier)) + dividend;
    return static_cast<std::int64_t>(sum >> shift);
  }

  std::int64_t number = 1;
  std::uint32_t multiplier = 1;
  int shift = 0;
};

// A StridedLoop that a kernel can follow from any element of it.
template <int streams>
struct Path {
  explicit Path(const StridedLoop<streams>& loop) : rank(loop.rank) {
    for (int axis = 0; axis < Shape::max_rank; ++axis) {
      sizes[axis] = Divisor(loop.sizes[axis]);
      for (int s = 0; s < streams; ++s) strides[axis][s] = loop.strides[axis][s];
    }
    for (int s = 0; s < streams; ++s) start[s] = loop.start[s];
  }

  __device__ void find(std::int64_t index, std::int64_t (&at)[streams]) const {
    for (int s = 0; s < streams; ++s) at[s] = start[s];
    for (int axis = 0; axis < rank; ++axis) {
      std::int64_t rest = sizes[axis].divide(index), here = index - rest * sizes[axis].number;
      for (int s = 0; s < streams; ++s) at[s] += here * strides[axis][s];
      index = rest;
    }
  }

  int rank;
  Divisor sizes[Shape::max_rank];
  std::int64_t strides[Shape::max_rank][streams];
  std::int64_t start[streams];
};

// An operand in the device's memory, or a number that came with the call.
template <class T>
struct Source {
  explicit Source(const Tensor& x) {
    if (x.device().kind == Device::Kind::cuda)
      data = static_cast<const T*>(x.raw());
    else
      number = *static_cast<const T*>(x.raw());
  }
  __device__ T operator[](std::int64_t index) const { return data ? data[index] : number; }

  const T* data = nullptr;
  T number{};
};

// Joins the totals of `lanes` threads that are `distance` apart, a power of two of them, in a fixed order; the first gets
// the result. `shared` has room for one total of each thread of the block, and all of these must call.
template <class Total, class Join>
__device__ Total join_lanes(Total total, int lanes, int distance, Total* shared, Join join) {
  const int thread = static_cast<int>(threadIdx.x), lane = thread / distance % lanes;
  for (int half = lanes / 2; half >= 1; half /= 2) {
    shared[thread] = total;
    __syncthreads();
    if (lane < half) total = join(total, shared[thread + half * distance]);
    __syncthreads();
  }
  return total;
}

inline int power_of_two_from(std::int64_t least, int most) {
  int power = 1;
  while (power < least && power < most) power *= 2;
  return power;
}

}  // namespace floe::cuda
