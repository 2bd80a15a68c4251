// Elements that are moved or converted, by their size and type, for both backends.
#pragma once

#include <cstddef>
#include <limits>
#include <type_traits>

#include <floe/tensor/tensor.h>

namespace floe {

// Any element of that many bytes: what is only moved need not be known.
template <std::size_t bytes>
struct alignas(bytes) Item {
  std::byte value[bytes];
};

template <class Visitor>
void dispatch_item(DType dtype, Visitor visit) {
  switch (item_size(dtype)) {
    case 1:
      return visit.template operator()<Item<1>>();
    case 4:
      return visit.template operator()<Item<4>>();
    default:
      return visit.template operator()<Item<8>>();
  }
}

// Floats beyond an integer type become its nearest, NaN 0; other conversions are C++'s.
template <class To, class From>
FLOE_HOST_DEVICE To converted(From value) {
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

// visit(indices) with a pointer to int32 or int64, in the tensor's memory.
template <class Visitor>
void dispatch_index(const Tensor& indices, Visitor visit) {
  if (indices.dtype() == DType::int32)
    visit(static_cast<const std::int32_t*>(indices.raw()));
  else
    visit(static_cast<const std::int64_t*>(indices.raw()));
}

}  // namespace floe
