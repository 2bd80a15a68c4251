// Number: a scalar as exact as C++ wrote it, and the one rule by which numbers become elements of another type.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <floe/tensor/device.h>
#include <floe/tensor/dtype.h>

namespace floe {

// `value` as a To. Floats beyond an integer type become its nearest end, and NaN 0; integers wrap in smaller ones; to
// bool: is it not 0?
template <class To, class From>
FLOE_HOST_DEVICE constexpr To converted(From value) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To> && !std::is_same_v<To, bool>) {
    using Limits = std::numeric_limits<To>;
    constexpr From bottom = static_cast<From>(Limits::lowest()), top = static_cast<From>(Limits::max());
    value = value == value ? value : From(0);
    value = value > bottom ? value : bottom;
    if constexpr (Limits::digits <= std::numeric_limits<From>::digits) {
      return static_cast<To>(static_cast<std::common_type_t<To, int>>(value < top ? value : top));
    } else {  // top was rounded up
      return value < top ? static_cast<To>(value < top ? value : From(0)) : Limits::max();
    }
  } else {
    return static_cast<To>(value);
  }
}

// What stands beside a tensor, as in x + 2. An integer keeps its digits beyond 2^53, where a double has no room for
// them; one beyond int64, which no dtype holds, is a double.
class Number {
 public:
  constexpr Number(double real) : real_(real) {}  // as it is
  template <std::integral T>
  constexpr Number(T integer)  // as it is
      : real_(static_cast<double>(integer)),
        integer_(static_cast<std::int64_t>(integer)),
        exact_(std::signed_integral<T> || integer_ >= 0) {}

  constexpr double real() const { return real_; }  // rounded beyond 2^53
  template <class T>
  constexpr T as() const {  // converted() to a T
    return exact_ ? converted<T>(integer_) : converted<T>(real_);
  }

  std::optional<std::int64_t> whole() const;  // nothing if it is not a whole number of int64
  std::string text() const;                   // "2", "0.5", "1e+300"

 private:
  double real_;
  std::int64_t integer_ = 0;
  bool exact_ = false;  // it is integer_
};

// Has the dtype such a value? Integer types and bool have it exactly; floating ones have NaN, the infinities and the
// nearest to a number, which must not be an infinity.
bool fits(Number number, DType dtype);

// ValueError "OP: 256 is not a value of uint8" for a number that the dtype cannot hold.
void require_fits(std::string_view op, Number number, DType dtype);

}  // namespace floe
