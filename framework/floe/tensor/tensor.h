// Tensor: a contiguous array of numbers, as cheap to copy as a pointer, whose value never changes under its holder.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <floe/tensor/device.h>
#include <floe/tensor/dtype.h>
#include <floe/tensor/error.h>
#include <floe/tensor/node_id.h>
#include <floe/tensor/number.h>
#include <floe/tensor/shape.h>
#include <floe/tensor/storage.h>

namespace floe {

// A shape, a dtype, a device, and elements in row-major order. A copy shares them; whoever writes first gets their own.
class Tensor {
 public:
  Tensor() = default;  // no value yet; defined() is false
  // Uninitialised elements. ShapeError for a negative size, MemoryError and DeviceError as from Storage.
  explicit Tensor(Shape shape, DType dtype = DType::float32, Device device = {});
  Tensor(const Tensor&) = default;
  Tensor& operator=(const Tensor&) & = default;  // not to what an op gave: x[0] = y would change nothing
  // What is moved from is Tensor() again, without a value.
  Tensor(Tensor&& other) noexcept
      : storage_(std::move(other.storage_)),
        data_(std::exchange(other.data_, nullptr)),
        id_(std::exchange(other.id_, {})),
        shape_(std::exchange(other.shape_, {})),
        dtype_(std::exchange(other.dtype_, DType::float32)),
        device_(std::exchange(other.device_, {})) {}
  Tensor& operator=(Tensor&& other) & noexcept {
    if (this != &other) this->~Tensor(), new (this) Tensor(std::move(other));
    return *this;
  }

  bool defined() const { return static_cast<bool>(storage_); }  // false for Tensor(), which has no value yet
  const Shape& shape() const { return shape_; }  // () for a scalar
  int rank() const { return shape_.rank(); }  // 0 for a scalar
  std::int64_t dim(int axis) const {  // -1 is the last axis; ShapeError if there is no such axis
    int at = axis < 0 ? axis + rank() : axis;
    if (at < 0 || at >= rank()) [[unlikely]]
      refuse_axis(axis);
    return shape_[at];
  }
  std::int64_t elements() const { return shape_.elements(); }  // the product of all sizes; 1 for a scalar
  DType dtype() const { return dtype_; }  // the type of each element
  Device device() const { return device_; }  // where the bytes are

  // The elements in row-major order. DTypeError unless T is the tensor's type, ValueError if it has no value yet,
  // DeviceError on a GPU, whose memory no pointer reaches: to_vector(), item() and printing work there too, and wait
  // until the value is computed.
  template <class T> const T* data() const { return reinterpret_cast<const T*>(bytes(dtype_of<T>())); }
  template <class T> std::span<const T> span() const { return {data<T>(), static_cast<std::size_t>(elements())}; }
  template <class T> std::vector<T> to_vector() const {
    const Tensor here = on(Device{});
    return std::vector<T>(here.data<T>(), here.data<T>() + elements());
  }

  // For writing: the elements move to storage of their own first if anyone else holds them, and the tapes forget what
  // made them: an edited tensor is a constant.
  template <class T> T* mutable_data() {
    if (device_.kind != Device::Kind::cpu) [[unlikely]] refuse(dtype_of<T>());
    return reinterpret_cast<T*>(mutable_bytes(dtype_of<T>()));
  }

  // The value of a tensor of one element as a T, as cast() converts. ShapeError if there are more or none, ValueError
  // without a value.
  template <class T = double> T item() const {
    require_one_element();
    if (device_.kind != Device::Kind::cpu) return on(Device{}).template item<T>();
    return dispatch(dtype_, [this]<class Held>() { return converted<T>(*this->template data<Held>()); });
  }

  // The part at `index` of the leading axis (negative counts from the end), without that axis and without a copy.
  // ShapeError outside it, and for a scalar. Recorded, so its definition is among the ops, next to slice() in
  // ops/shape_ops.cpp, though C++ wants an operator[] to be declared here.
  Tensor operator[](std::int64_t index) const;

  // FOR OPS ONLY, NEITHER CHECKED NOR RECORDED: reshape() and slice() are both. The elements from `offset` on, in
  // another shape, sharing storage. A shape for more elements than there are reads memory of others, -1 has no meaning
  // here, and the result is a constant to every tape.
  Tensor view(const Shape& shape, std::int64_t offset = 0) const;
  Tensor detached() const;  // the same value, a constant to every tape

  // The same value on that device: this tensor if it is there already, else a copy that is a constant to every tape.
  // See to() in ops/shape_ops.h, which is recorded.
  Tensor on(Device device) const;

  const void* raw() const { return data_; }  // of any dtype, in its device's memory; null without a value
  void* raw_mutable() { return mutable_bytes(dtype_); }  // like mutable_data(), of any dtype, in its device's memory
  bool unique() const { return defined() && storage_.unique(); }  // no one else holds these bytes
  NodeId id() const { return id_; }  // what tapes call it
  void set_id(NodeId id) { id_ = id; }  // for the tape

 private:
  const std::byte* bytes(DType wanted) const {
    if (wanted != dtype_ || !defined() || device_.kind != Device::Kind::cpu) refuse(wanted);
    return data_;
  }
  std::byte* mutable_bytes(DType wanted);
  [[noreturn]] void refuse(DType wanted) const;
  [[noreturn]] void refuse_axis(int axis) const;
  void require_one_element() const;

  Storage storage_;
  std::byte* data_ = nullptr;
  NodeId id_;
  Shape shape_;
  DType dtype_ = DType::float32;
  Device device_;
};

using Tensors = std::vector<Tensor>;  // parts, sources of a gradient, elements of a batch
using NamedTensors = std::vector<std::pair<std::string, Tensor>>;  // in order: contents of a file, losses of a step

// --- Tensors from values ---------------------------------------------------------------------------------------------

// From a number or nested braces, of rank 0 to 3: `tensor(3)`, `tensor({1, 2, 3})`, `tensor({{1, 2}, {3, 4}})`.
// int gives int32; double gives float32, the library's default, whether it is a literal or not; float, int64_t, uint8_t
// and bool keep their type. ShapeError for rows of different lengths, ValueError for a double beyond float32.
template <class T> Tensor tensor(T value);
template <class T> Tensor tensor(std::initializer_list<T> values);
template <class T> Tensor tensor(std::initializer_list<std::initializer_list<T>> rows);
template <class T> Tensor tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> planes);

// From a vector of exactly `shape.elements()` values, keeping T as the dtype; else ShapeError.
template <class T> Tensor tensor(const std::vector<T>& values, const Shape& shape);

// --- Implementation of the templates ---------------------------------------------------------------------------------

namespace detail {
[[noreturn]] void refuse_ragged(std::size_t first, std::size_t other);
[[noreturn]] void refuse_size(std::size_t values, const Shape& shape);
template <class T> using literal_t = std::conditional_t<std::is_same_v<T, double>, float, T>;

template <class T>
void append(std::vector<literal_t<T>>& all, std::initializer_list<T> values) {
  for (T value : values) {
    if constexpr (std::is_same_v<T, double>) require_fits("tensor", value, DType::float32);
    all.push_back(static_cast<literal_t<T>>(value));
  }
}
}  // namespace detail

template <class T>
Tensor tensor(T value) {
  std::vector<detail::literal_t<T>> all;
  detail::append<T>(all, {value});
  return tensor(all, Shape{});
}

template <class T>
Tensor tensor(std::initializer_list<T> values) {
  std::vector<detail::literal_t<T>> all;
  detail::append<T>(all, values);
  return tensor(all, Shape{static_cast<std::int64_t>(all.size())});
}

template <class T>
Tensor tensor(std::initializer_list<std::initializer_list<T>> rows) {
  std::vector<detail::literal_t<T>> all;
  for (const auto& row : rows) {
    if (row.size() != rows.begin()->size()) detail::refuse_ragged(rows.begin()->size(), row.size());
    detail::append<T>(all, row);
  }
  std::int64_t columns = rows.size() ? static_cast<std::int64_t>(rows.begin()->size()) : 0;
  return tensor(all, Shape{static_cast<std::int64_t>(rows.size()), columns});
}

template <class T>
Tensor tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> planes) {
  std::vector<detail::literal_t<T>> all;
  std::size_t rows = planes.size() ? planes.begin()->size() : 0;
  std::size_t columns = rows ? planes.begin()->begin()->size() : 0;
  for (const auto& plane : planes) {
    if (plane.size() != rows) detail::refuse_ragged(rows, plane.size());
    for (const auto& row : plane) {
      if (row.size() != columns) detail::refuse_ragged(columns, row.size());
      detail::append<T>(all, row);
    }
  }
  return tensor(all, Shape{static_cast<std::int64_t>(planes.size()), static_cast<std::int64_t>(rows),
                           static_cast<std::int64_t>(columns)});
}

template <class T>
Tensor tensor(const std::vector<T>& values, const Shape& shape) {
  if (static_cast<std::int64_t>(values.size()) != shape.elements()) detail::refuse_size(values.size(), shape);
  Tensor result(shape, dtype_of<T>());
  T* out = result.mutable_data<T>();
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = values[i];
  return result;
}

}  // namespace floe
