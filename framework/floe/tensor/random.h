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
  float uniform(float low, float high);    // [low, high)
  float normal();                          // mean 0, standard deviation 1 (Box-Muller, two words)
  bool bernoulli(float probability);       // true with that probability, from 0 to 1
  int below(int bound);                    // 0 .. bound - 1, without bias; ValueError unless 1 or more

  std::uint64_t key() const { return key_; }  // the seed, or what stream() made of it
  std::uint64_t position() const { return position_; }  // words drawn so far

  // Takes whole blocks for `words` words and returns the first block: what a kernel fills a tensor from.
  std::uint64_t take_blocks(std::uint64_t words);

 private:
  std::uint64_t key_;
  std::uint64_t position_ = 0;
};

// Each draws from `rng` and moves it on, by the same amount on every device, and gives the same numbers there, but for
// normals, which may differ in their last two bits. ShapeError for a negative size.

// [low, high), in the shape. DTypeError unless floating.
Tensor random_uniform(const Shape& shape, Rng& rng, double low = 0, double high = 1, DType dtype = DType::float32,
                      Device device = {});
// The same shape and errors. Box and Muller, 1958.
Tensor random_normal(const Shape& shape, Rng& rng, double mean = 0, double stddev = 1, DType dtype = DType::float32,
                     Device device = {});
Tensor random_normal(const Shape& shape, Rng& rng, Device device);  // standard normals of float32, there
// The shape again, of `one` with that probability, else 0. ValueError for a probability outside of 0 to 1, and for a
// `one` that is no value of the dtype.
Tensor random_bernoulli(const Shape& shape, Rng& rng, double probability, DType dtype = DType::float32,
                        Device device = {}, double one = 1);
// 0 to size - 1 in random order: int64 (size,). ValueError from 2^31 on.
Tensor random_permutation(std::int64_t size, Rng& rng);
// Logits (batch, classes) -> classes drawn by softmax(logits): int64 (batch, samples). A class of -inf is never drawn.
// ValueError for a row with NaN or +inf, or of -inf alone; ShapeError for another rank or no class; DTypeError unless
// floating.
Tensor random_categorical(const Tensor& logits, std::int64_t samples, Rng& rng);

}  // namespace floe
