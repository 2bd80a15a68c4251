// Tensor: allocation, views, copies on write, and tensors from values.
#include <floe/tensor/tensor.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include <floe/tensor/variable_names.h>

namespace floe {
namespace {

std::size_t checked_bytes(const Shape& shape, DType dtype) {
  std::int64_t bytes = static_cast<std::int64_t>(item_size(dtype));
  bool overflow = false;
  for (std::int64_t size : shape) {
    if (size < 0) throw ShapeError(fmt::format("tensor: sizes cannot be negative, as in {}", to_string(shape)));
    overflow |= size != 0 && __builtin_mul_overflow(bytes, size, &bytes);
  }
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  if (overflow) throw ShapeError(fmt::format("tensor: {} has more elements than can be counted", to_string(shape)));
  return static_cast<std::size_t>(bytes);
}

}  // namespace

Tensor::Tensor(Shape shape, DType dtype, Device device)
    : storage_(checked_bytes(shape, dtype), device),
      data_(storage_.data()),
      shape_(shape),
      dtype_(dtype),
      device_(device) {}

std::byte* Tensor::mutable_bytes(DType wanted) {
  if (wanted != dtype_ || !defined()) refuse(wanted);
  if (!(id_ & variable_bit)) id_ = 0;
  if (!storage_.unique()) {
    Tensor copy(shape_, dtype_, device_);
    std::memcpy(copy.data_, data_, static_cast<std::size_t>(elements()) * item_size(dtype_));
    copy.id_ = id_;
    *this = std::move(copy);
  }
  return data_;
}

void Tensor::refuse(DType wanted) const {
  if (!defined()) throw ValueError("tensor: it has no value yet");
  throw DTypeError(fmt::format("tensor: its elements are {}, not {}; cast() converts", name(dtype_), name(wanted)));
}

void Tensor::refuse_axis(int axis) const {
  throw ShapeError(fmt::format("dim: there is no axis {} in rank {}", axis, rank()));
}

void Tensor::require_one_element() const {
  if (!defined()) throw ValueError("item: the tensor has no value yet");
  if (elements() != 1) {
    throw ShapeError(
        fmt::format("item: needs exactly one element, and the tensor has {}, shape {}", elements(), to_string(shape_)));
  }
}

Tensor Tensor::view(const Shape& shape, std::int64_t offset) const {
  Tensor result = *this;
  result.shape_ = shape;
  result.data_ += offset * static_cast<std::int64_t>(item_size(dtype_));
  result.id_ = 0;
  return result;
}

Tensor Tensor::detached() const {
  Tensor result = *this;
  result.id_ = 0;
  return result;
}

// --- Tensors from values ---------------------------------------------------------------------------------------------

namespace detail {

void refuse_ragged(std::size_t first, std::size_t other) {
  throw ShapeError(fmt::format("tensor: rows differ in length: {} and {}", first, other));
}

void refuse_size(std::size_t values, const Shape& shape) {
  throw ShapeError(fmt::format("tensor: {} values do not fill shape {}, which takes {}", values, to_string(shape),
                               shape.elements()));
}

}  // namespace detail

void require_fits(std::string_view op, double value, DType dtype) {
  if (!fits(value, dtype)) throw ValueError(fmt::format("{}: {} is no value of {}", op, value, name(dtype)));
}

Tensor full(const Shape& shape, double value, DType dtype, Device device) {
  require_fits("full", value, dtype);
  Tensor result(shape, dtype, device);
  dispatch(dtype, [&]<class T>() { std::fill_n(result.mutable_data<T>(), result.elements(), static_cast<T>(value)); });
  return result;
}

Tensor zeros(const Shape& shape, DType dtype, Device device) { return full(shape, 0, dtype, device); }
Tensor ones(const Shape& shape, DType dtype, Device device) { return full(shape, 1, dtype, device); }
Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), x.dtype(), x.device()); }
Tensor ones_like(const Tensor& x) { return ones(x.shape(), x.dtype(), x.device()); }

Tensor eye(std::int64_t size, DType dtype, Device device) {
  Tensor result = zeros({size, size}, dtype, device);
  dispatch(dtype, [&]<class T>() {
    T* out = result.mutable_data<T>();
    for (std::int64_t i = 0; i < size; ++i) out[i * (size + 1)] = T(1);
  });
  return result;
}

Tensor range(double start, double stop, double step, DType dtype) {
  if (step == 0) throw ValueError("range: the step cannot be 0");
  double count = std::ceil((stop - start) / step);
  if (!(count < 0x1p62)) throw ValueError(fmt::format("range: {} to {} by {} cannot be counted", start, stop, step));
  count = std::max(0.0, count);
  if (!is_floating(dtype) && step != std::trunc(step))
    throw ValueError(fmt::format("range: the step is {} but the dtype {}; give it a floating one", step, name(dtype)));
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
