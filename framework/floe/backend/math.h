// floe::math: the functions a pointwise formula is made of. Here for numbers; backend/cpu/packet.h has them for vector
// registers and ops/recorded.h for tensors, so that one formula serves as kernel on each device and as recorded ops.
#pragma once

#include <cmath>
#include <type_traits>

#include <floe/tensor/device.h>

namespace floe::math {

template <class T> concept Number = std::is_arithmetic_v<T>;

template <Number T> FLOE_HOST_DEVICE bool less(T a, T b) { return a < b; }
template <Number T> FLOE_HOST_DEVICE bool less_equal(T a, T b) { return a <= b; }
template <Number T> FLOE_HOST_DEVICE T select(bool condition, T a, T b) { return condition ? a : b; }
template <Number T> FLOE_HOST_DEVICE T maximum(T a, T b) { return a > b || a != a ? a : b; }
template <Number T> FLOE_HOST_DEVICE T minimum(T a, T b) { return a < b || a != a ? a : b; }
template <Number T> FLOE_HOST_DEVICE T abs(T x) {
  if constexpr (std::is_unsigned_v<T>) return x;
  else return x < T(0) ? static_cast<T>(-x) : x;
}
template <Number T> FLOE_HOST_DEVICE T sqrt(T x) { return std::sqrt(x); }
template <Number T> FLOE_HOST_DEVICE T floor(T x) { return std::floor(x); }
template <Number T> FLOE_HOST_DEVICE T rint(T x) { return std::rint(x); }
template <Number T> FLOE_HOST_DEVICE T exp(T x) { return std::exp(x); }
template <Number T> FLOE_HOST_DEVICE T expm1(T x) { return std::expm1(x); }
template <Number T> FLOE_HOST_DEVICE T log(T x) { return std::log(x); }
template <Number T> FLOE_HOST_DEVICE T log1p(T x) { return std::log1p(x); }
template <Number T> FLOE_HOST_DEVICE T sin(T x) { return std::sin(x); }
template <Number T> FLOE_HOST_DEVICE T cos(T x) { return std::cos(x); }
template <Number T> FLOE_HOST_DEVICE T tanh(T x) { return std::tanh(x); }
template <Number T> FLOE_HOST_DEVICE T erf(T x) { return std::erf(x); }
template <Number T> FLOE_HOST_DEVICE T erfc(T x) { return std::erfc(x); }
template <Number T> FLOE_HOST_DEVICE T pow(T x, T y) { return static_cast<T>(std::pow(x, y)); }

}  // namespace floe::math
