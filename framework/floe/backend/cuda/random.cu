// Random tensors from blocks of Philox: the same words for an element as on the CPU.
#include <floe/backend/cuda/launch.h>
#include <floe/tensor/philox.h>

namespace floe::cuda {
namespace {

// values(block, out) gives `each` elements; element i comes from block i / each.
template <class T, int each, class Values>
__global__ void random_kernel(std::int64_t size, RandomBlocks from, Values values, T* out) {
  for (std::int64_t i = thread_index(); i * each < size; i += thread_count()) {
    PhiloxBlock block(from.key, from.first + static_cast<std::uint64_t>(i));
    T drawn[each];
    values(block.words, drawn);
    for (int k = 0; k < each && i * each + k < size; ++k) out[i * each + k] = drawn[k];
  }
}

struct Uniform32 {
  __device__ void operator()(const std::uint32_t (&words)[4], float (&out)[4]) const {
    for (int i = 0; i < 4; ++i) out[i] = between(unit_float(words[i]));
  }
  Between<float> between;
};

struct Uniform64 {
  __device__ void operator()(const std::uint32_t (&words)[4], double (&out)[2]) const {
    for (int i = 0; i < 2; ++i) out[i] = between(unit_double(words[2 * i], words[2 * i + 1]));
  }
  Between<double> between;
};

template <class T>
struct Normal {
  __device__ void operator()(const std::uint32_t (&words)[4], T (&out)[4]) const {
    for (int i = 0; i < 4; i += 2) {
      NormalPair pair(words[i], words[i + 1]);
      out[i] = static_cast<T>(mean + stddev * pair.first());
      out[i + 1] = static_cast<T>(mean + stddev * pair.second());
    }
  }
  double mean, stddev;
};

template <class T>
struct Bernoulli {
  __device__ void operator()(const std::uint32_t (&words)[4], T (&out)[4]) const {
    for (int i = 0; i < 4; ++i) out[i] = words[i] <= last ? yes : T(0);
  }
  std::uint32_t last;
  T yes;
};

template <class T, int each, class Values>
void fill_random(RandomBlocks from, const Values& values, Tensor& y) {
  const Context& on = context(y.device());
  launch(on, random_kernel<T, each, Values>, blocks_for(on, (y.elements() + each - 1) / each), y.elements(), from,
         values, mutable_data<T>(y));
}

}  // namespace

void random_uniform(RandomBlocks from, double low, double high, Tensor& y) {
  dispatch_floating(y.dtype(), [&]<class T>() {
    if constexpr (std::is_same_v<T, float>)
      fill_random<T, 4>(from, Uniform32{Between<T>(low, high)}, y);
    else
      fill_random<T, 2>(from, Uniform64{Between<T>(low, high)}, y);
  });
}

void random_normal(RandomBlocks from, double mean, double stddev, Tensor& y) {
  dispatch_floating(y.dtype(), [&]<class T>() { fill_random<T, 4>(from, Normal<T>{mean, stddev}, y); });
}

void random_bernoulli(RandomBlocks from, std::uint32_t last, double one, Tensor& y) {
  dispatch(y.dtype(), [&]<class T>() { fill_random<T, 4>(from, Bernoulli<T>{last, static_cast<T>(one)}, y); });
}

}  // namespace floe::cuda
