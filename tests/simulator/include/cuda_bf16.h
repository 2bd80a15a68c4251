// bfloat16 as in CUDA's header of this name, for the simulator: the upper half of a float, rounded to nearest even.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

struct __nv_bfloat16 {
  __nv_bfloat16() = default;
  __nv_bfloat16(float x) {
    auto bits = std::bit_cast<std::uint32_t>(x);
    __x = std::isnan(x) ? 0x7fff : static_cast<unsigned short>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
  // Rounds once: the float on the way keeps in its last bit that something was cut off.
  __nv_bfloat16(double x) {
    auto rounded = static_cast<float>(x);
    auto bits = std::bit_cast<std::uint32_t>(rounded);
    if (std::isfinite(rounded) && static_cast<double>(rounded) != x) {
      if (std::abs(static_cast<double>(rounded)) > std::abs(x)) --bits;
      bits |= 1;
    }
    *this = std::bit_cast<float>(bits);
  }
  template <class T>
  requires std::is_integral_v<T> __nv_bfloat16(T x) : __nv_bfloat16(static_cast<double>(x)) {}
  operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(__x) << 16); }

 protected:
  unsigned short __x;
};

// Arithmetic rounds its result, as on the device.
inline __nv_bfloat16 operator+(__nv_bfloat16 a, __nv_bfloat16 b) {
  return static_cast<float>(a) + static_cast<float>(b);
}
inline __nv_bfloat16 operator-(__nv_bfloat16 a, __nv_bfloat16 b) {
  return static_cast<float>(a) - static_cast<float>(b);
}
inline __nv_bfloat16 operator*(__nv_bfloat16 a, __nv_bfloat16 b) {
  return static_cast<float>(a) * static_cast<float>(b);
}
inline __nv_bfloat16 operator/(__nv_bfloat16 a, __nv_bfloat16 b) {
  return static_cast<float>(a) / static_cast<float>(b);
}

struct __nv_bfloat162 {
  __nv_bfloat16 x, y;
} __attribute__((aligned(4)));

typedef __nv_bfloat16 nv_bfloat16;
typedef __nv_bfloat162 nv_bfloat162;

inline __nv_bfloat16 __float2bfloat16(float x) { return x; }
inline __nv_bfloat16 __float2bfloat16_rn(float x) { return x; }
inline float __bfloat162float(__nv_bfloat16 x) { return x; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
inline float __low2float(__nv_bfloat162 v) { return v.x; }
inline float __high2float(__nv_bfloat162 v) { return v.y; }
