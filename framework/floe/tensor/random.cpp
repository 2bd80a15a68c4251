// Rng: Philox and the distributions on it.
#include <floe/tensor/random.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include <fmt/format.h>

namespace floe {
namespace {

using Words = std::array<std::uint32_t, 4>;

float unit(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

double unit(std::uint32_t high, std::uint32_t low) {
  return static_cast<double>((static_cast<std::uint64_t>(high) << 21) ^ (low >> 11)) * 0x1p-53;
}

// From u in [0, 1) to [low, high), also where the sum is rounded up to `high`.
template <class T>
struct Between {
  Between(double low, double high)
      : start(static_cast<T>(low)),
        end(static_cast<T>(high)),
        width(static_cast<T>(high - low)),
        last(std::nextafter(end, start)) {}
  T operator()(T u) const {
    T value = start + width * u;
    return value == end ? last : value;
  }
  T start, end, width, last;
};

// Box-Muller in double: one of the pair of normals that two words give, by the angle's sine or cosine.
struct NormalPair {
  NormalPair(std::uint32_t a, std::uint32_t b)
      : radius(std::sqrt(-2 * std::log((a + 1.0) * 0x1p-32))), angle(2 * std::numbers::pi * (b * 0x1p-32)) {}
  double first() const { return radius * std::cos(angle); }
  double second() const { return radius * std::sin(angle); }
  double radius, angle;
};

void require_floating(const char* op, DType dtype) {
  if (!is_floating(dtype)) throw DTypeError(fmt::format("{}: gives float32 or float64, not {}", op, name(dtype)));
}

// The rounds of Philox for so many blocks side by side, which compiles to vector instructions.
constexpr std::int64_t side_by_side = 16;

void philox_blocks(std::uint64_t key, std::uint64_t counter, std::uint32_t* words) {
  std::uint32_t c0[side_by_side], c1[side_by_side], c2[side_by_side] = {}, c3[side_by_side] = {};
  for (std::uint32_t i = 0; i < side_by_side; ++i)
    c0[i] = static_cast<std::uint32_t>(counter + i), c1[i] = static_cast<std::uint32_t>((counter + i) >> 32);
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (int i = 0; i < side_by_side; ++i) {
      std::uint64_t a = 0xD2511F53ull * c0[i], b = 0xCD9E8D57ull * c2[i];
      c0[i] = static_cast<std::uint32_t>(b >> 32) ^ c1[i] ^ k0;
      c1[i] = static_cast<std::uint32_t>(b);
      c2[i] = static_cast<std::uint32_t>(a >> 32) ^ c3[i] ^ k1;
      c3[i] = static_cast<std::uint32_t>(a);
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int i = 0; i < side_by_side; ++i)
    words[4 * i] = c0[i], words[4 * i + 1] = c1[i], words[4 * i + 2] = c2[i], words[4 * i + 3] = c3[i];
}

// Fills `result` from blocks of four words; element i comes from block i / 4, whatever the number of threads.
template <class T, class Fill>
void fill_blocks(Tensor& result, Rng& rng, Fill fill) {
  T* out = result.mutable_data<T>();
  std::int64_t size = result.elements(), blocks = (size + 3) / 4;
  std::uint64_t key = rng.key(), first = rng.take_blocks(static_cast<std::uint64_t>(size));
#pragma omp parallel for if (size > 16384)
  for (std::int64_t begin = 0; begin < blocks; begin += side_by_side) {
    std::uint32_t words[4 * side_by_side];
    philox_blocks(key, first + static_cast<std::uint64_t>(begin), words);
    for (std::int64_t block = begin; block < std::min(blocks, begin + side_by_side); ++block) {
      const std::uint32_t* w = words + 4 * (block - begin);
      std::array<T, 4> values = fill({w[0], w[1], w[2], w[3]});
      if (4 * block + 4 <= size) std::copy_n(values.data(), 4, out + 4 * block);
      else std::copy_n(values.data(), size - 4 * block, out + 4 * block);
    }
  }
}

// The same for one word an element, in a loop that compiles to vector instructions.
template <class T, class Fill>
void fill_words(Tensor& result, Rng& rng, Fill fill) {
  constexpr std::int64_t together = 4 * side_by_side;
  T* out = result.mutable_data<T>();
  std::int64_t size = result.elements();
  std::uint64_t key = rng.key(), first = rng.take_blocks(static_cast<std::uint64_t>(size));
#pragma omp parallel for if (size > 16384)
  for (std::int64_t begin = 0; begin < size; begin += together) {
    std::uint32_t words[together];
    philox_blocks(key, first + static_cast<std::uint64_t>(begin / 4), words);
    T values[together];
#pragma omp simd
    for (std::int64_t i = 0; i < together; ++i) values[i] = fill(words[i]);
    std::copy_n(values, std::min(together, size - begin), out + begin);
  }
}

// The same for float64 uniforms, which take two words each.
template <class Fill>
void fill_half_blocks(Tensor& result, Rng& rng, Fill fill) {
  double* out = result.mutable_data<double>();
  std::int64_t size = result.elements();
  std::uint64_t key = rng.key(), first = rng.take_blocks(2 * static_cast<std::uint64_t>(size));
#pragma omp parallel for if (size > 16384)
  for (std::int64_t i = 0; i < size; i += 2) {
    Words w = philox(key, first + static_cast<std::uint64_t>(i / 2));
    out[i] = fill(unit(w[0], w[1]));
    if (i + 1 < size) out[i + 1] = fill(unit(w[2], w[3]));
  }
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter) {
  Words c{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), 0, 0};
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    std::uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(a)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

Rng Rng::stream(std::uint64_t number) const {
  std::uint64_t low = philox(key_, ~number)[0], high = philox(~key_, number)[1];
  return Rng(high << 32 | low);
}

Rng Rng::stream(std::string_view name) const {
  std::uint64_t hash = 0xcbf29ce484222325ull;  // FNV-1a
  for (char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ull;
  return stream(hash);
}

std::uint32_t Rng::next() {
  std::uint32_t word = philox(key_, position_ / 4)[position_ % 4];
  ++position_;
  return word;
}

float Rng::uniform() { return unit(next()); }
float Rng::uniform(float low, float high) { return Between<float>(low, high)(uniform()); }
bool Rng::bernoulli(float probability) { return uniform() < probability; }

float Rng::normal() {
  std::uint32_t a = next(), b = next();
  return static_cast<float>(NormalPair(a, b).first());
}

int Rng::below(int bound) {
  if (bound < 1) throw ValueError(fmt::format("below: the bound must be 1 or more, and is {}", bound));
  std::uint32_t limit = static_cast<std::uint32_t>(bound), reject = -limit % limit;  // 2^32 mod bound
  std::uint64_t product;
  do {
    product = static_cast<std::uint64_t>(next()) * limit;
  } while (static_cast<std::uint32_t>(product) < reject);
  return static_cast<int>(product >> 32);
}

std::uint64_t Rng::take_blocks(std::uint64_t words) {
  std::uint64_t first = (position_ + 3) / 4;
  position_ = 4 * (first + (words + 3) / 4);
  return first;
}

// --- Tensors ---------------------------------------------------------------------------------------------------------

Tensor random_uniform(const Shape& shape, Rng& rng, double low, double high, DType dtype, Device device) {
  require_floating("random_uniform", dtype);
  Tensor result(shape, dtype, device);
  if (dtype == DType::float32) {
    fill_words<float>(result, rng, [at = Between<float>(low, high)](std::uint32_t word) { return at(unit(word)); });
  } else {
    fill_half_blocks(result, rng, Between<double>(low, high));
  }
  return result;
}

Tensor random_normal(const Shape& shape, Rng& rng, double mean, double stddev, DType dtype, Device device) {
  require_floating("random_normal", dtype);
  Tensor result(shape, dtype, device);
  dispatch_floating(dtype, [&]<class T>() {
    fill_blocks<T>(result, rng, [=](Words w) {
      NormalPair a(w[0], w[1]), b(w[2], w[3]);
      return std::array{static_cast<T>(mean + stddev * a.first()), static_cast<T>(mean + stddev * a.second()),
                        static_cast<T>(mean + stddev * b.first()), static_cast<T>(mean + stddev * b.second())};
    });
  });
  return result;
}

Tensor random_bernoulli(const Shape& shape, Rng& rng, double probability, DType dtype, Device device, double one) {
  if (!(probability >= 0 && probability <= 1)) {
    throw ValueError(fmt::format("random_bernoulli: the probability must be from 0 to 1, and is {}", probability));
  }
  require_fits("random_bernoulli", one, dtype);
  Tensor result(shape, dtype, device);
  std::uint64_t limit = static_cast<std::uint64_t>(std::llround(probability * 0x1p32));
  std::uint32_t last = static_cast<std::uint32_t>(limit ? limit - 1 : 0);  // the largest word that counts as yes
  dispatch(dtype, [&]<class T>() {
    T yes = static_cast<T>(limit ? one : 0);
    // A product, since a branch on a coin is guessed wrong half the time.
    fill_words<T>(result, rng, [=](std::uint32_t word) {
      return static_cast<T>(static_cast<T>(static_cast<int>(word <= last)) * yes);
    });
  });
  return result;
}

Tensor random_permutation(std::int64_t size, Rng& rng) {
  if (size > std::numeric_limits<int>::max())
    throw ValueError(fmt::format("random_permutation: the size must be below 2^31, and is {}", size));
  Tensor result({size}, DType::int64);
  std::int64_t* out = result.mutable_data<std::int64_t>();
  std::iota(out, out + size, std::int64_t{0});
  for (std::int64_t i = size - 1; i > 0; --i) std::swap(out[i], out[rng.below(static_cast<int>(i + 1))]);
  return result;
}

Tensor random_categorical(const Tensor& logits, std::int64_t samples, Rng& rng) {
  if (logits.rank() != 2)
    throw ShapeError(message("random_categorical", "needs rank 2", {{"logits", logits, "batch, classes"}}));
  require_floating("random_categorical", logits.dtype());
  std::int64_t batch = logits.dim(0), classes = logits.dim(1);
  if (classes == 0)
    throw ShapeError(message("random_categorical", "needs at least one class", {{"logits", logits, "batch, classes"}}));
  Tensor result({batch, samples}, DType::int64);
  Rng drawn = rng;  // a refusal moves nothing
  std::int64_t* out = result.mutable_data<std::int64_t>();
  dispatch_floating(logits.dtype(), [&]<class T>() {
    std::vector<double> cumulative(static_cast<std::size_t>(classes));
    for (std::int64_t row = 0; row < batch; ++row) {
      const T* x = logits.data<T>() + row * classes;
      double top = *std::max_element(x, x + classes), total = 0;
      for (std::int64_t c = 0; c < classes; ++c) cumulative[c] = total += std::exp(static_cast<double>(x[c]) - top);
      if (!(total > 0))
        throw ValueError(message("random_categorical",
                                 fmt::format("row {} gives no probabilities, but a sum of {}", row, total),
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
