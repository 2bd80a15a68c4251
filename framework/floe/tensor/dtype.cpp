// DType: sizes and names.
#include <floe/tensor/dtype.h>

namespace floe {

std::size_t item_size(DType dtype) {
  return dispatch(dtype, []<class T>() { return sizeof(T); });
}

std::string_view name(DType dtype) {
  switch (dtype) {
    case DType::float32: return "float32";
    case DType::float64: return "float64";
    case DType::int32: return "int32";
    case DType::int64: return "int64";
    case DType::uint8: return "uint8";
    case DType::boolean: return "bool";
  }
  __builtin_unreachable();
}

}  // namespace floe
