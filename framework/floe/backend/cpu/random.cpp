// Random tensors from blocks of Philox, whatever the number of threads.
#include <algorithm>
#include <array>

#include <floe/backend/cpu/cuts.h>
#include <floe/backend/kernels.h>
#include <floe/backend/parallel.h>
#include <floe/tensor/philox.h>

namespace floe::cpu {
namespace {

constexpr std::int64_t side_by_side = cuts::philox_blocks;

// The rounds of Philox for blocks side by side, which compiles to vector instructions.
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

// body(first element) for each group that philox_blocks serves; few of them are not worth a second thread. Each part
// has its own copy of `body`, which should hold values: the compiler then sees that no result overwrites them.
constexpr std::int64_t together = 4 * side_by_side;

template <class Body>
void for_groups(std::int64_t size, const Body& body) {
  parallel_ranges(size, size > cuts::random_alone ? cuts::random_part : cuts::random_alone,
                  [&](std::int64_t begin, std::int64_t end) {
                    Body own = body;
                    for (std::int64_t first = begin; first < end; first += together) own(first);
                  });
}

// Fills `result` from blocks of four words; element i comes from block i / 4, whatever the number of threads.
template <class T, class Fill>
void fill_blocks(Tensor& result, RandomBlocks from, Fill fill) {
  T* out = result.mutable_data<T>();
  std::int64_t size = result.elements(), blocks = (size + 3) / 4;
  for_groups(size, [=](std::int64_t element) {
    std::uint32_t words[together];
    std::int64_t begin = element / 4;
    philox_blocks(from.key, from.first + static_cast<std::uint64_t>(begin), words);
    for (std::int64_t block = begin; block < std::min(blocks, begin + side_by_side); ++block) {
      const std::uint32_t* w = words + 4 * (block - begin);
      std::array<T, 4> values = fill(w);
      if (4 * block + 4 <= size) std::copy_n(values.data(), 4, out + 4 * block);
      else std::copy_n(values.data(), size - 4 * block, out + 4 * block);
    }
  });
}

// The same for one word an element, in a loop that compiles to vector instructions.
template <class T, class Fill>
void fill_words(Tensor& result, RandomBlocks from, Fill fill) {
  T* out = result.mutable_data<T>();
  std::int64_t size = result.elements();
  for_groups(size, [=](std::int64_t begin) {
    std::uint32_t words[together];
    philox_blocks(from.key, from.first + static_cast<std::uint64_t>(begin / 4), words);
    T values[together];
#pragma omp simd
    for (std::int64_t i = 0; i < together; ++i) values[i] = fill(words[i]);
    std::copy_n(values, std::min(together, size - begin), out + begin);
  });
}

// The same for float64 uniforms, which take two words each.
template <class Fill>
void fill_half_blocks(Tensor& result, RandomBlocks from, Fill fill) {
  double* out = result.mutable_data<double>();
  std::int64_t size = result.elements();
  for_groups(size, [=](std::int64_t begin) {
    for (std::int64_t i = begin; i < std::min(size, begin + together); i += 2) {
      PhiloxBlock block(from.key, from.first + static_cast<std::uint64_t>(i / 2));
      const std::uint32_t* w = block.words;
      out[i] = fill(unit_double(w[0], w[1]));
      if (i + 1 < size) out[i + 1] = fill(unit_double(w[2], w[3]));
    }
  });
}

}  // namespace

void random_uniform(RandomBlocks from, double low, double high, Tensor& y) {
  dispatch_floating(y.dtype(), [&]<class T>() {
    Between<T> at(low, high);
    if constexpr (std::is_same_v<T, float>)
      fill_words<T>(y, from, [=](std::uint32_t w) { return at(unit_float(w)); });
    else
      fill_half_blocks(y, from, at);
  });
}

void random_normal(RandomBlocks from, double mean, double stddev, Tensor& y) {
  dispatch_floating(y.dtype(), [&]<class T>() {
    fill_blocks<T>(y, from, [=](const std::uint32_t* w) {
      NormalPair a(w[0], w[1]), b(w[2], w[3]);
      return std::array{static_cast<T>(mean + stddev * a.first()), static_cast<T>(mean + stddev * a.second()),
                        static_cast<T>(mean + stddev * b.first()), static_cast<T>(mean + stddev * b.second())};
    });
  });
}

void random_bernoulli(RandomBlocks from, std::uint32_t last, double one, Tensor& y) {
  dispatch(y.dtype(), [&]<class T>() {
    T yes = static_cast<T>(one);
    // A product, since a branch on a coin is guessed wrong half the time.
    fill_words<T>(y, from, [=](std::uint32_t word) {
      return static_cast<T>(static_cast<T>(static_cast<int>(word <= last)) * yes);
    });
  });
}

}  // namespace floe::cpu
