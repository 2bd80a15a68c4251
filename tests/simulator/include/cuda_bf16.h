// bfloat16 as in CUDA's header of this name, for the simulator: the upper half of a float, rounded to nearest even.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

struct __nv_bfloat16 {
  unsigned short __x;

  __nv_bfloat16() = default;
  __nv_bfloat16(float x) {
    auto bits = std::bit_cast<std::uint32_t>(x);
    __x = std::isnan(x) ? 0x7fff : static_cast<unsigned short>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
  explicit __nv_bfloat16(double x) : __nv_bfloat16(static_cast<float>(x)) {}
  operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(__x) << 16); }
};

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
