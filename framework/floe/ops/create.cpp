// Tensors of one value or of a regular row: filled by the device, rows counted on the CPU.
#include <floe/ops/create.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <floe/backend/filled.h>
#include <floe/ops/checks.h>
#include <floe/tensor/number_ranges.h>

namespace floe {

Tensor full(const Shape& shape, Number value, DType dtype, Device device) {
  require_fits("full", value, dtype);
  return filled(shape, value, dtype, device);
}

Tensor zeros(const Shape& shape, DType dtype, Device device) { return full(shape, 0, dtype, device); }
Tensor ones(const Shape& shape, DType dtype, Device device) { return full(shape, 1, dtype, device); }

Tensor zeros_like(const Tensor& x) {
  require_defined("zeros_like", x, "x");
  return zeros(x.shape(), x.dtype(), x.device());
}

Tensor ones_like(const Tensor& x) {
  require_defined("ones_like", x, "x");
  return ones(x.shape(), x.dtype(), x.device());
}

Tensor eye(std::int64_t size, DType dtype, Device device) {
  Tensor result = zeros({size, size}, dtype);
  dispatch(dtype, [&]<class T>() {
    T* out = result.mutable_data<T>();
    for (std::int64_t i = 0; i < size; ++i) out[i * (size + 1)] = T(1);
  });
  return result.on(device);
}

namespace {

// How many of start, start + step, ... lie before `stop`. The three numbers stand for decimals or fractions, to which
// they are only near, so that their quotient may be that much above the whole number that is meant.
double steps_before(double start, double stop, double step) {
  constexpr double rounding = std::numeric_limits<double>::epsilon();
  double steps = (stop - start) / step;
  double slack = rounding * ((std::abs(start) + std::abs(stop)) / std::abs(step) + std::abs(steps));
  return std::max(0.0, std::ceil(slack < 0.5 ? steps - slack : steps));
}

[[noreturn]] void refuse_range(Number start, Number stop, Number step) {
  throw ValueError(fmt::format("range: {} to {} by {} cannot be counted", start.text(), stop.text(), step.text()));
}

// Counted in integers, which are exact where doubles are not.
Tensor whole_range(Number start, Number stop, Number step, DType dtype) {
  if (!step.whole()) {
    throw ValueError(
        fmt::format("range: the step is {} but the dtype is {}; use a floating one", step.text(), name(dtype)));
  }
  require_fits("range", start, dtype);
  std::int64_t first = *start.whole(), by = *step.whole();
  bool up = by > 0;
  if (up ? stop.real() < start.real() : stop.real() > start.real()) return Tensor({0}, dtype);
  auto end = stop.whole() ? stop.whole() : Number(up ? std::ceil(stop.real()) : std::floor(stop.real())).whole();
  if (!end) refuse_range(start, stop, step);
  std::uint64_t from = static_cast<std::uint64_t>(first), stride = static_cast<std::uint64_t>(by);
  std::uint64_t distance = up ? static_cast<std::uint64_t>(*end) - from : from - static_cast<std::uint64_t>(*end);
  std::uint64_t size = up ? stride : -stride, count = distance / size + (distance % size != 0);
  if (count >= std::uint64_t{1} << 62) refuse_range(start, stop, step);
  auto at = [=](std::uint64_t i) { return static_cast<std::int64_t>(from + i * stride); };
  if (count > 0) require_fits("range", at(count - 1), dtype);
  Tensor result({static_cast<std::int64_t>(count)}, dtype);
  dispatch(dtype, [&]<class T>() {
    T* out = result.mutable_data<T>();
    for (std::uint64_t i = 0; i < count; ++i) out[i] = static_cast<T>(at(i));
  });
  return result;
}

}  // namespace

Tensor range(Number start, Number stop, Number step, DType dtype) {
  require_number("range", "the start", start.real(), numbers::finite);
  require_number("range", "the stop", stop.real(), numbers::finite);
  require_number("range", "the step", step.real(), numbers::finite);
  if (step.real() == 0) throw ValueError("range: the step cannot be 0");
  if (!is_floating(dtype)) return whole_range(start, stop, step, dtype);
  double count = steps_before(start.real(), stop.real(), step.real());
  if (!(count < 0x1p62)) refuse_range(start, stop, step);
  require_fits("range", start, dtype);
  if (count > 0) require_fits("range", start.real() + (count - 1) * step.real(), dtype);
  Tensor result({static_cast<std::int64_t>(count)}, dtype);
  dispatch_floating(dtype, [&]<class T>() {
    T* out = result.mutable_data<T>();
    for (std::int64_t i = 0; i < result.elements(); ++i)
      out[i] = static_cast<T>(start.real() + static_cast<double>(i) * step.real());
  });
  return result;
}

Tensor linspace(double start, double stop, std::int64_t count, DType dtype) {
  if (!is_floating(dtype)) throw DTypeError(fmt::format("linspace: gives float32 or float64, not {}", name(dtype)));
  require_number("linspace", "the start", start, numbers::finite, dtype);
  require_number("linspace", "the stop", stop, numbers::finite, dtype);
  Tensor result({count}, dtype);
  dispatch_floating(dtype, [&]<class T>() {
    T* out = result.mutable_data<T>();
    for (std::int64_t i = 0; i < count; ++i) {
      double part = count == 1 ? 0 : static_cast<double>(i) / static_cast<double>(count - 1);
      out[i] = static_cast<T>(start * (1 - part) + stop * part);
    }
  });
  return result;
}

}  // namespace floe
