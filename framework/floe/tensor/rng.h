// Rng: explicit, counter-based random numbers (Philox 4x32-10), the same on every machine and device.
// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <floe/tensor/tensor.h>

namespace floe {

// The four 32-bit words of block `counter` of the stream `key`.
std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t counter);

// A key and a position: all its state, which a checkpoint can hold. Word n of the stream is word n % 4 of block n / 4.
class Rng {
 public:
  explicit Rng(std::uint64_t seed = 0) : key_(seed) {}  // at the start of the stream that this seed names
  Rng(std::uint64_t key, std::uint64_t position) : key_(key), position_(position) {}  // a place that was saved

  // An independent stream at its start; the same name gives the same stream whatever was drawn here.
  Rng stream(std::uint64_t number) const;
  Rng stream(std::string_view name) const;

  std::uint32_t next();                    // the next word
  float uniform();                         // [0, 1), a multiple of 2^-24
  float uniform(float low, float high);    // [low, high), or low if both are equal; ValueError for others
  float normal();                          // mean 0, standard deviation 1 (Box-Muller, two words)
  bool bernoulli(float probability);       // true with that probability, from 0 to 1; else ValueError
  int below(int bound);                    // 0 .. bound - 1, without bias; ValueError unless 1 or more

  std::uint64_t key() const { return key_; }  // the seed, or what stream() made of it
  std::uint64_t position() const { return position_; }  // words drawn so far

  // Takes whole blocks for `words` words and returns the first block: what a kernel fills a tensor from.
  std::uint64_t take_blocks(std::uint64_t words);

 private:
  std::uint64_t key_;
  std::uint64_t position_ = 0;
};

}  // namespace floe
