// DType: the type of a tensor's elements, and the bridge from C++ types to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace floe {

// What an element is; float32 is the default everywhere.
enum class DType : std::uint8_t { float32, float64, int32, int64, uint8, boolean };

std::size_t item_size(DType dtype);   // bytes of one element
std::string_view name(DType dtype);   // "float32", ..., "bool"
// float32 or float64: what gradients need
inline bool is_floating(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }

// DTypeError for one that the function has no case for: "dispatch_floating: takes float32 and float64, not int32".
[[noreturn, gnu::cold]] void refuse_dtype(std::string_view function, std::string_view takes, DType dtype);

// The dtype of a C++ type; any other type does not compile.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::float32;
  else if constexpr (std::is_same_v<T, double>) return DType::float64;
  else if constexpr (std::is_same_v<T, std::int32_t>) return DType::int32;
  else if constexpr (std::is_same_v<T, std::int64_t>) return DType::int64;
  else if constexpr (std::is_same_v<T, std::uint8_t>) return DType::uint8;
  else {
    static_assert(std::is_same_v<T, bool>, "floe: tensors hold float, double, int32_t, int64_t, uint8_t or bool");
    return DType::boolean;
  }
}

// Calls `visit.template operator()<T>()` with the C++ type of `dtype`. A switch over dtypes has a case for each, so
// that the compiler warns about a missing one, and no default: anything else is refused after it.
template <class Visitor>
decltype(auto) dispatch(DType dtype, Visitor&& visit) {
  switch (dtype) {
    case DType::float32: return visit.template operator()<float>();
    case DType::float64: return visit.template operator()<double>();
    case DType::int32: return visit.template operator()<std::int32_t>();
    case DType::int64: return visit.template operator()<std::int64_t>();
    case DType::uint8: return visit.template operator()<std::uint8_t>();
    case DType::boolean: return visit.template operator()<bool>();
  }
  refuse_dtype("dispatch", "a dtype of Floe", dtype);
}

// The same for the two floating types.
template <class Visitor>
decltype(auto) dispatch_floating(DType dtype, Visitor&& visit) {
  if (dtype == DType::float32) return visit.template operator()<float>();
  if (dtype == DType::float64) return visit.template operator()<double>();
  refuse_dtype("dispatch_floating", "float32 and float64", dtype);
}

}  // namespace floe
