// Number: which dtypes hold it.
#include <floe/tensor/number.h>

#include <cmath>

#include <fmt/format.h>

#include <floe/tensor/error.h>

namespace floe {

std::optional<std::int64_t> Number::whole() const {
  if (exact_) return integer_;
  if (real_ == std::trunc(real_) && real_ >= -0x1p63 && real_ < 0x1p63) return static_cast<std::int64_t>(real_);
  return {};
}

std::string Number::text() const { return exact_ ? fmt::format("{}", integer_) : fmt::format("{}", real_); }

bool fits(Number number, DType dtype) {
  if (dtype == DType::float32) return !std::isfinite(number.real()) || std::isfinite(static_cast<float>(number.real()));
  if (dtype == DType::float64) return true;
  std::optional<std::int64_t> whole = number.whole();
  return dispatch(dtype, [=]<class T>() {
    using Limits = std::numeric_limits<T>;
    return whole && *whole >= static_cast<std::int64_t>(Limits::lowest()) &&
           *whole <= static_cast<std::int64_t>(Limits::max());
  });
}

void require_fits(std::string_view op, Number number, DType dtype) {
  if (!fits(number, dtype))
    throw ValueError(fmt::format("{}: {} is not a value of {}", op, number.text(), name(dtype)));
}

}  // namespace floe
