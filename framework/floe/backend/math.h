// floe::math: the functions a pointwise formula is made of. Here for numbers; backend/cpu/packet.h has them for vector
// registers and ops/recorded.h for tensors, so that one formula serves as kernel on each device and as recorded ops.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <type_traits>

#include <floe/tensor/device.h>

namespace floe::math {

template <class T> concept Number = std::is_arithmetic_v<T>;

// Integers as what adds, subtracts and multiplies modulo a power of 2, so that too large a result wraps; anything else
// as it is.
template <class T>
FLOE_HOST_DEVICE auto modular(T x) {
  using Unsigned = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  if constexpr (std::is_integral_v<T>) return static_cast<Unsigned>(x);
  else return x;
}

template <Number T>
FLOE_HOST_DEVICE bool equal(T a, T b) {
  return a == b;
}
template <Number T>
FLOE_HOST_DEVICE bool is_negative(T x) {
  if constexpr (std::is_unsigned_v<T>)
    return false;
  else
    return x < T(0);
}
template <Number T> FLOE_HOST_DEVICE bool less(T a, T b) { return a < b; }
template <Number T> FLOE_HOST_DEVICE bool less_equal(T a, T b) { return a <= b; }
template <Number T> FLOE_HOST_DEVICE T select(bool condition, T a, T b) { return condition ? a : b; }
template <Number T> FLOE_HOST_DEVICE T maximum(T a, T b) { return a > b || a != a ? a : b; }
template <Number T> FLOE_HOST_DEVICE T minimum(T a, T b) { return a < b || a != a ? a : b; }
template <Number T> FLOE_HOST_DEVICE T abs(T x) {
  if constexpr (std::is_unsigned_v<T>) return x;
  else if constexpr (std::is_integral_v<T>) return x < 0 ? static_cast<T>(-modular(x)) : x;  // the lowest stays
  else return x < T(0) ? -x : x;
}
// a * b, but 0 where b is, whatever a is: for what a mask or a slope of 0 keeps out.
template <Number T>
FLOE_HOST_DEVICE T multiply_no_nan(T a, T b) {
  return b == T(0) ? T(0) : a * b;
}
// a * b + c. Written out where a sum of a product must not depend on what a compiler makes of it.
template <Number T> FLOE_HOST_DEVICE T fma(T a, T b, T c) { return std::fma(a, b, c); }
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

// Integers by squaring, for exponents of 0 or more.
template <Number T>
FLOE_HOST_DEVICE T pow(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    auto factor = modular(x), power = modular(T(1));
    for (auto left = modular(y); left != 0; left >>= 1, factor *= factor) {
      if (left & 1) power *= factor;
    }
    return static_cast<T>(power);
  } else {
    return std::pow(x, y);
  }
}

// What is left of a after as many b as fit, as in Python: with the sign of b. An integer leaves 0 of 0, as in NumPy.
template <Number T>
FLOE_HOST_DEVICE T remainder(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1))) return 0;
    T left = static_cast<T>(a % b);
    return left != 0 && is_negative(left) != is_negative(b) ? static_cast<T>(left + b) : left;
  } else {
    T left = std::fmod(a, b);
    if (left == 0) return std::copysign(T(0), b);
    return is_negative(left) != is_negative(b) ? left + b : left;
  }
}

// How often that is: the quotient rounded down. An integer goes 0 times into 0, and the lowest by -1 wraps to itself.
template <Number T>
FLOE_HOST_DEVICE T floor_divide(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if (std::is_signed_v<T> && b == static_cast<T>(-1)) return static_cast<T>(-modular(a));
    return static_cast<T>(a / b - (a % b != 0 && is_negative(a) != is_negative(b)));
  } else {
    if (b == 0) return a / b;
    T left = std::fmod(a, b), quotient = (a - left) / b;  // whole but for rounding
    if (left != 0 && is_negative(left) != is_negative(b)) quotient -= 1;
    return quotient == 0 ? std::copysign(T(0), a / b) : std::rint(quotient);
  }
}

// 1 / (1 + e^-x), whose small values keep their digits.
template <Number T>
FLOE_HOST_DEVICE T sigmoid(T x) {
  const T e = exp(-abs(x));
  return (x < T(0) ? e : T(1)) / (T(1) + e);
}

// sigmoid(x) * sigmoid(-x), from the smaller of them
template <Number T>
FLOE_HOST_DEVICE T sigmoid_slope(T x) {
  const T y = sigmoid(-abs(x));
  return y * (T(1) - y);
}

// e^(-scale * x^2) with all its digits: what the square rounds off is made up for. The scale is 0.5 or 1.
template <Number T>
FLOE_HOST_DEVICE T bell(T x, double scale) {
  x = minimum(abs(x), T(40));
  const T square = x * x, rest = std::fma(x, x, -square), y = exp(T(-scale) * square);
  return y - y * T(scale) * rest;
}

// P(Z <= x), where Z is standard normal: erfc(z) / 2 with z = -x / sqrt(2), whose rounding is made up for.
template <Number T>
FLOE_HOST_DEVICE T normal_cdf(T x) {
  constexpr double root = 1 / std::numbers::sqrt2, root_rest = -4.8336466567264565e-17;
  constexpr T near = static_cast<T>(root), rest = static_cast<T>(root - static_cast<double>(near) + root_rest);
  x = maximum(minimum(x, T(40)), T(-40));
  const T z = -near * x, off = std::fma(-near, x, -z) - rest * x;
  return T(0.5) * static_cast<T>(std::erfc(z)) - T(std::numbers::inv_sqrtpi) * off * exp(-z * z);
}

template <Number T>
FLOE_HOST_DEVICE T gelu(T x) {
  return maximum(x, T(-40)) * normal_cdf(x);
}

}  // namespace floe::math
