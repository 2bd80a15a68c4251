// floe::math: the functions a pointwise formula is made of. Here for numbers; backend/cpu/packet.h has them for vector
// registers and ops/traced.h for tensors, so that one formula serves as kernel and as recorded ops.
#pragma once

#include <cmath>
#include <type_traits>

namespace floe::math {

template <class T> concept Number = std::is_arithmetic_v<T>;

template <Number T> bool less(T a, T b) { return a < b; }
template <Number T> bool less_equal(T a, T b) { return a <= b; }
template <Number T> T select(bool condition, T a, T b) { return condition ? a : b; }
template <Number T> T maximum(T a, T b) { return a > b || a != a ? a : b; }
template <Number T> T minimum(T a, T b) { return a < b || a != a ? a : b; }
template <Number T> T abs(T x) { return x < T(0) ? static_cast<T>(-x) : x; }
template <Number T> T sqrt(T x) { return std::sqrt(x); }
template <Number T> T floor(T x) { return std::floor(x); }
template <Number T> T rint(T x) { return std::rint(x); }
template <Number T> T exp(T x) { return std::exp(x); }
template <Number T> T expm1(T x) { return std::expm1(x); }
template <Number T> T log(T x) { return std::log(x); }
template <Number T> T log1p(T x) { return std::log1p(x); }
template <Number T> T sin(T x) { return std::sin(x); }
template <Number T> T cos(T x) { return std::cos(x); }
template <Number T> T tanh(T x) { return std::tanh(x); }
template <Number T> T erf(T x) { return std::erf(x); }
template <Number T> T erfc(T x) { return std::erfc(x); }
template <Number T> T pow(T x, T y) { return static_cast<T>(std::pow(x, y)); }

}  // namespace floe::math
