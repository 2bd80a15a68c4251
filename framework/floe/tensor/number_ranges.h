// The ranges of numbers that functions and options take, and the one message for a number outside of its range.
#pragma once

#include <string>
#include <string_view>

#include <floe/tensor/dtype.h>

namespace floe {

// A range, and how a message calls it. NaN is in none.
struct NumberRange {
  const char* words;
  bool (*holds)(double number);
};

namespace numbers {
inline constexpr NumberRange finite{"finite", [](double x) { return x - x == 0; }};
inline constexpr NumberRange from_0{"finite and 0 or more", [](double x) { return x >= 0 && finite.holds(x); }};
inline constexpr NumberRange above_0{"finite and above 0", [](double x) { return x > 0 && finite.holds(x); }};
inline constexpr NumberRange from_0_to_1{"from 0 to 1", [](double x) { return x >= 0 && x <= 1; }};
inline constexpr NumberRange from_0_below_1{"from 0 to less than 1", [](double x) { return x >= 0 && x < 1; }};
}  // namespace numbers

// Why a number is refused, empty if it is not: "the rate must be from 0 to less than 1, but is 2". It must be in its
// range also as a number of the dtype: "epsilon must be finite and above 0, but 1e-50 is 0 in float32".
std::string refusal_of(std::string_view what, double number, const NumberRange& range, DType dtype = DType::float64);

// ValueError "WHO: WHAT must be RANGE, but is NUMBER" unless the number is in the range, also as one of the dtype.
void require_number(std::string_view who, std::string_view what, double number, const NumberRange& range,
                    DType dtype = DType::float64);

// ValueError unless low and high, and their distance, are finite numbers of the dtype, and low does not exceed high.
void require_interval(std::string_view who, double low, double high, DType dtype);

}  // namespace floe
