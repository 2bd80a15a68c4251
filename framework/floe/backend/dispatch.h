// Elements that are moved, by their size, and indices, by their type, for both backends.
#pragma once

#include <cstddef>

#include <floe/tensor/tensor.h>

namespace floe {

// Any element of that many bytes: what is only moved need not be known.
template <std::size_t bytes>
struct alignas(bytes) Item {
  std::byte value[bytes];
};

template <class Visitor>
void dispatch_item(DType dtype, Visitor visit) {
  switch (dtype) {
    case DType::uint8:
    case DType::boolean:
      return visit.template operator()<Item<1>>();
    case DType::float32:
    case DType::int32:
      return visit.template operator()<Item<4>>();
    case DType::float64:
    case DType::int64:
      return visit.template operator()<Item<8>>();
  }
  refuse_dtype("dispatch_item", "a dtype of Floe", dtype);
}

// dispatch() for the types of an index.
template <class Visitor>
void dispatch_index(DType dtype, Visitor visit) {
  if (dtype == DType::int32) return visit.template operator()<std::int32_t>();
  if (dtype == DType::int64) return visit.template operator()<std::int64_t>();
  refuse_dtype("dispatch_index", "int32 and int64", dtype);
}

// visit(indices) with a pointer to int32 or int64, in the tensor's memory.
template <class Visitor>
void dispatch_index(const Tensor& indices, Visitor visit) {
  dispatch_index(indices.dtype(), [&]<class Index>() { visit(static_cast<const Index*>(indices.raw())); });
}

}  // namespace floe
