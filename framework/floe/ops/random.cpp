// Random tensors: checked here, filled by the device.
#include <floe/ops/random.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/ops/checks.h>
#include <floe/tensor/number_ranges.h>
#include <floe/tensor/size.h>

namespace floe {
namespace {

void require_floating(const char* op, DType dtype) {
  if (!is_floating(dtype)) throw DTypeError(fmt::format("{}: gives float32 or float64, not {}", op, name(dtype)));
}

// Blocks for a tensor that takes this many words for an element.
RandomBlocks blocks_for(const Tensor& y, Rng& rng, std::int64_t words) {
  return {rng.key(), rng.take_blocks(static_cast<std::uint64_t>(words * y.elements()))};
}

}  // namespace

Tensor random_uniform(const Shape& shape, Rng& rng, double low, double high, DType dtype, Device device) {
  require_floating("random_uniform", dtype);
  require_interval("random_uniform", low, high, dtype);
  Tensor y(shape, dtype, device);
  std::int64_t words = dispatch_floating(dtype, []<class T>() { return std::int64_t{sizeof(T) / 4}; });
  run<cpu::random_uniform, cuda::random_uniform>(device, blocks_for(y, rng, words), low, high, y);
  return y;
}

Tensor random_normal(const Shape& shape, Rng& rng, double mean, double stddev, DType dtype, Device device) {
  require_floating("random_normal", dtype);
  require_number("random_normal", "the mean", mean, numbers::finite, dtype);
  require_number("random_normal", "the standard deviation", stddev, numbers::from_0, dtype);
  Tensor y(shape, dtype, device);
  run<cpu::random_normal, cuda::random_normal>(device, blocks_for(y, rng, 1), mean, stddev, y);
  return y;
}

Tensor random_normal(const Shape& shape, Rng& rng, Device device) {
  return random_normal(shape, rng, 0, 1, DType::float32, device);
}

Tensor random_bernoulli(const Shape& shape, Rng& rng, double probability, DType dtype, Device device, double one) {
  require_number("random_bernoulli", "the probability", probability, numbers::from_0_to_1);
  require_fits("random_bernoulli", one, dtype);
  Tensor y(shape, dtype, device);
  std::uint64_t limit = static_cast<std::uint64_t>(std::llround(probability * 0x1p32));
  std::uint32_t last = static_cast<std::uint32_t>(limit ? limit - 1 : 0);  // the largest word that counts as yes
  run<cpu::random_bernoulli, cuda::random_bernoulli>(device, blocks_for(y, rng, 1), last, limit ? one : 0, y);
  return y;
}

Tensor random_permutation(std::int64_t size, Rng& rng) {
  if (size > std::numeric_limits<int>::max())
    throw ValueError(fmt::format("random_permutation: the size must be below 2^31, but is {}", size));
  Tensor result({size}, DType::int64);
  std::int64_t* out = result.mutable_data<std::int64_t>();
  std::iota(out, out + size, std::int64_t{0});
  for (std::int64_t i = size - 1; i > 0; --i) std::swap(out[i], out[rng.below(static_cast<int>(i + 1))]);
  return result;
}

Tensor random_categorical(const Tensor& logits, std::int64_t samples, Rng& rng) {
  require_defined("random_categorical", logits, "logits");
  if (logits.rank() != 2)
    throw ShapeError(message("random_categorical", "needs rank 2", {{"logits", logits, "batch, classes"}}));
  require_floating("random_categorical", logits.dtype());
  const Tensor here = logits.on(Device{});
  std::int64_t batch = logits.dim(0), classes = logits.dim(1);
  if (classes == 0)
    throw ShapeError(message("random_categorical", "needs at least one class", {{"logits", logits, "batch, classes"}}));
  Tensor result({batch, samples}, DType::int64);
  Rng drawn = rng;  // a refusal moves nothing
  std::int64_t* out = result.mutable_data<std::int64_t>();
  dispatch_floating(logits.dtype(), [&]<class T>() {
    std::vector<double> cumulative(to_size(classes));
    for (std::int64_t row = 0; row < batch; ++row) {
      const T* x = here.data<T>() + row * classes;
      double top = *std::max_element(x, x + classes), total = 0;
      for (std::int64_t c = 0; c < classes; ++c) cumulative[c] = total += std::exp(static_cast<double>(x[c]) - top);
      if (!(total > 0))
        throw ValueError(message("random_categorical",
                                 fmt::format("row {} gives no probabilities: their sum is {}", row, total),
                                 {{"logits", logits, "batch, classes"}}));
      for (std::int64_t s = 0; s < samples; ++s) {
        double at = drawn.uniform() * total;
        out[row * samples + s] = std::min<std::int64_t>(
            std::upper_bound(cumulative.begin(), cumulative.end(), at) - cumulative.begin(), classes - 1);
      }
    }
  });
  rng = drawn;
  return result;
}

}  // namespace floe
