// From the words of Philox to numbers: the arithmetic of random tensors, the same on every device.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include <floe/tensor/device.h>

namespace floe {

// Philox 4x32-10: the four words of block `counter` of the stream `key`.
struct PhiloxBlock {
  FLOE_HOST_DEVICE PhiloxBlock(std::uint64_t key, std::uint64_t counter)
      : words{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), 0, 0} {
    std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      std::uint64_t a = std::uint64_t{0xD2511F53u} * words[0], b = std::uint64_t{0xCD9E8D57u} * words[2];
      words[0] = static_cast<std::uint32_t>(b >> 32) ^ words[1] ^ k0;
      words[1] = static_cast<std::uint32_t>(b);
      words[2] = static_cast<std::uint32_t>(a >> 32) ^ words[3] ^ k1;
      words[3] = static_cast<std::uint32_t>(a);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  }

  std::uint32_t words[4];
};

// [0, 1), from the high bits of a word or of two.
FLOE_HOST_DEVICE inline float unit_float(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }
FLOE_HOST_DEVICE inline double unit_double(std::uint32_t high, std::uint32_t low) {
  return static_cast<double>((static_cast<std::uint64_t>(high) << 21) ^ (low >> 11)) * 0x1p-53;
}

// From u in [0, 1) to [low, high), even where the sum is rounded up to `high`. Fused explicitly, since some
// compilers would fuse it on their own and others would not.
template <class T>
struct Between {
  Between(double low, double high)
      : start(static_cast<T>(low)),
        end(static_cast<T>(high)),
        width(static_cast<T>(high - low)),
        last(std::nextafter(end, start)) {}
  FLOE_HOST_DEVICE T operator()(T u) const {
    T value = std::fma(width, u, start);
    return value == end ? last : value;
  }
  T start, end, width, last;
};

// Box-Muller in double: a pair of normals from two words, through the angle's cosine and sine.
struct NormalPair {
  FLOE_HOST_DEVICE NormalPair(std::uint32_t a, std::uint32_t b)
      : radius(std::sqrt(-2 * std::log((a + 1.0) * 0x1p-32))), angle(2 * std::numbers::pi * (b * 0x1p-32)) {}
  FLOE_HOST_DEVICE double first() const { return radius * std::cos(angle); }
  FLOE_HOST_DEVICE double second() const { return radius * std::sin(angle); }
  double radius, angle;
};

}  // namespace floe
