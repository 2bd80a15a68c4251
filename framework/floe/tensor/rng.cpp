// Rng: streams of words, and single draws from them.
#include <floe/tensor/rng.h>

#include <fmt/format.h>

#include <floe/tensor/number_ranges.h>
#include <floe/tensor/philox.h>

namespace floe {

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter) {
  PhiloxBlock block(key, counter);
  return {block.words[0], block.words[1], block.words[2], block.words[3]};
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

float Rng::uniform() { return unit_float(next()); }

float Rng::uniform(float low, float high) {
  require_interval("uniform", low, high, DType::float32);
  return Between<float>(low, high)(uniform());
}

bool Rng::bernoulli(float probability) {
  require_number("bernoulli", "the probability", probability, numbers::from_0_to_1);
  return uniform() < probability;
}

float Rng::normal() {
  std::uint32_t a = next(), b = next();
  return static_cast<float>(NormalPair(a, b).first());
}

int Rng::below(int bound) {
  if (bound < 1) throw ValueError(fmt::format("below: the bound must be 1 or more, but is {}", bound));
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

}  // namespace floe
