// Numbers outside of their ranges are refused.
#include <floe/tensor/number_ranges.h>

#include <fmt/format.h>

#include <floe/tensor/error.h>

namespace floe {

std::string refusal_of(std::string_view what, double number, const NumberRange& range, DType dtype) {
  if (!range.holds(number)) return fmt::format("{} must be {}, but is {}", what, range.words, number);
  double rounded = dtype == DType::float32 ? static_cast<float>(number) : number;
  if (range.holds(rounded)) return "";
  return fmt::format("{} must be {}, but {} is {} in {}", what, range.words, number, rounded, name(dtype));
}

void require_number(std::string_view who, std::string_view what, double number, const NumberRange& range, DType dtype) {
  std::string refusal = refusal_of(what, number, range, dtype);
  if (!refusal.empty()) throw ValueError(fmt::format("{}: {}", who, refusal));
}

void require_interval(std::string_view who, double low, double high, DType dtype) {
  require_number(who, "low", low, numbers::finite, dtype);
  require_number(who, "high", high, numbers::finite, dtype);
  if (low > high) throw ValueError(fmt::format("{}: low must not exceed high: {} and {}", who, low, high));
  require_number(who, "high - low", high - low, numbers::finite, dtype);
}

}  // namespace floe
