// Tensor: allocation, views, copies on write, and tensors from values.
#include <floe/tensor/tensor.h>

#include <fmt/format.h>

#include <floe/tensor/device_memory.h>
#include <floe/tensor/size.h>

namespace floe {
namespace {

std::size_t checked_bytes(const Shape& shape, DType dtype) {
  std::int64_t bytes = static_cast<std::int64_t>(item_size(dtype));
  bool overflow = false, empty = false;
  for (std::int64_t size : shape) {
    if (size < 0) throw ShapeError(fmt::format("tensor: sizes cannot be negative, as in {}", to_string(shape)));
    overflow |= size != 0 && __builtin_mul_overflow(bytes, size, &bytes);
    empty |= size == 0;
  }
  if (overflow && !(empty && shape.countable()))
    throw ShapeError(fmt::format("tensor: {} has more elements than can be counted", to_string(shape)));
  return empty ? 0 : to_size(bytes);
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
  if (!id_.is_variable()) id_ = {};
  if (!storage_.unique()) {
    Tensor copy(shape_, dtype_, device_);
    device_memory::copy(copy.data_, device_, data_, device_, static_cast<std::size_t>(elements()) * item_size(dtype_));
    copy.id_ = id_;
    *this = std::move(copy);
  } else if (device_.kind != Device::Kind::cpu) {
    device_memory::changed(data_, static_cast<std::size_t>(elements()) * item_size(dtype_), device_);
  }
  return data_;
}

void Tensor::refuse(DType wanted) const {
  if (!defined()) throw ValueError("tensor: it has no value yet");
  if (wanted != dtype_)
    throw DTypeError(fmt::format("tensor: its elements are {}, not {}; cast() converts", name(dtype_), name(wanted)));
  throw DeviceError(fmt::format("tensor: its elements are on {}; to(x, Device{{}}) copies them", to_string(device_)));
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
  result.id_ = {};
  return result;
}

Tensor Tensor::on(Device device) const {
  if (device == device_ || !defined()) return *this;
  Tensor copy(shape_, dtype_, device);
  device_memory::copy(copy.data_, device, data_, device_, static_cast<std::size_t>(elements()) * item_size(dtype_));
  return copy;
}

Tensor Tensor::detached() const {
  Tensor result = *this;
  result.id_ = {};
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

}  // namespace floe
