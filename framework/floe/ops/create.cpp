// Tensors of one value or of a regular row: filled by the device, rows counted on the CPU.
#include <floe/ops/create.h>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <floe/backend/filled.h>

namespace floe {

Tensor full(const Shape& shape, double value, DType dtype, Device device) {
  require_fits("full", value, dtype);
  return filled(shape, value, dtype, device);
}

Tensor zeros(const Shape& shape, DType dtype, Device device) { return full(shape, 0, dtype, device); }
Tensor ones(const Shape& shape, DType dtype, Device device) { return full(shape, 1, dtype, device); }
Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), x.dtype(), x.device()); }
Tensor ones_like(const Tensor& x) { return ones(x.shape(), x.dtype(), x.device()); }

Tensor eye(std::int64_t size, DType dtype, Device device) {
  Tensor result = zeros({size, size}, dtype);
  dispatch(dtype, [&]<class T>() {
    T* out = result.mutable_data<T>();
    for (std::int64_t i = 0; i < size; ++i) out[i * (size + 1)] = T(1);
  });
  return result.on(device);
}

Tensor range(double start, double stop, double step, DType dtype) {
  if (step == 0) throw ValueError("range: the step cannot be 0");
  double count = std::ceil((stop - start) / step);
  if (!(count < 0x1p62)) throw ValueError(fmt::format("range: {} to {} by {} cannot be counted", start, stop, step));
  count = std::max(0.0, count);
  if (!is_floating(dtype) && step != std::trunc(step))
    throw ValueError(fmt::format("range: the step is {} but the dtype is {}; use a floating one", step, name(dtype)));
  require_fits("range", start, dtype);
  if (count > 0) require_fits("range", start + (count - 1) * step, dtype);
  Tensor result({static_cast<std::int64_t>(count)}, dtype);
  dispatch(dtype, [&]<class T>() {
    T* out = result.mutable_data<T>();
    for (std::int64_t i = 0; i < result.elements(); ++i) out[i] = static_cast<T>(start + static_cast<double>(i) * step);
  });
  return result;
}

Tensor linspace(double start, double stop, std::int64_t count, DType dtype) {
  if (!is_floating(dtype)) throw DTypeError(fmt::format("linspace: gives float32 or float64, not {}", name(dtype)));
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
