// DType: sizes and names.
#include <floe/tensor/dtype.h>

#include <string>

#include <fmt/format.h>

#include <floe/tensor/error.h>

namespace floe {

std::size_t item_size(DType dtype) {
  return dispatch(dtype, []<class T>() { return sizeof(T); });
}

namespace {

// Empty for a value that is not a dtype.
std::string_view known_name(DType dtype) {
  switch (dtype) {
    case DType::float32: return "float32";
    case DType::float64: return "float64";
    case DType::int32: return "int32";
    case DType::int64: return "int64";
    case DType::uint8: return "uint8";
    case DType::boolean: return "bool";
  }
  return "";
}

}  // namespace

std::string_view name(DType dtype) {
  std::string_view known = known_name(dtype);
  if (known.empty()) refuse_dtype("name", "a dtype of Floe", dtype);
  return known;
}

void refuse_dtype(std::string_view function, std::string_view takes, DType dtype) {
  std::string_view known = known_name(dtype);
  throw DTypeError(fmt::format("{}: takes {}, not {}", function, takes,
                               known.empty() ? fmt::format("dtype {}", static_cast<int>(dtype)) : std::string(known)));
}

}  // namespace floe
