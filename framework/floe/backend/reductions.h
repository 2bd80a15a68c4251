// What sums are gathered in, how values are ordered, and what no value exceeds: the same in both backends' reductions.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include <floe/tensor/device.h>
#include <floe/tensor/dtype.h>

namespace floe {

// What sums of S are gathered in beyond a few.
template <class S> using Wide = std::conditional_t<std::is_floating_point_v<S>, double, std::uint64_t>;

// Bytes compare like the booleans they stand for.
template <class T> using Element = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;

// As an order of all values, NaN is above the numbers for `LargestFirst` and below them for `SmallestFirst`.
struct LargestFirst {
  template <class S> FLOE_HOST_DEVICE bool operator()(S a, S b) const { return a > b || (a != a && b == b); }
};
struct SmallestFirst {
  template <class S> FLOE_HOST_DEVICE bool operator()(S a, S b) const { return a < b || (a != a && b == b); }
};

// What every other value of S replaces as the largest or the smallest.
template <class S, class Limits = std::numeric_limits<S>>
constexpr S lowest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
template <class S, class Limits = std::numeric_limits<S>>
constexpr S highest = Limits::has_infinity ? Limits::infinity() : Limits::max();

// dispatch() for sums: integers are added as unsigned ones, where too large a sum wraps.
template <class Visitor>
void dispatch_sum(DType dtype, Visitor visit) {
  switch (dtype) {
    case DType::int32: return visit.template operator()<std::uint32_t>();
    case DType::int64: return visit.template operator()<std::uint64_t>();
    case DType::float32:
    case DType::float64:
      return dispatch_floating(dtype, visit);
    case DType::uint8:
    case DType::boolean:
      break;
  }
  refuse_dtype("dispatch_sum", "float32, float64, int32 and int64", dtype);
}

// The same for products, also of bytes.
template <class Visitor>
void dispatch_product(DType dtype, Visitor visit) {
  if (dtype == DType::uint8) return visit.template operator()<std::uint8_t>();
  dispatch_sum(dtype, visit);
}

}  // namespace floe
