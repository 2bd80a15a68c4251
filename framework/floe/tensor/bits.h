// The bits of a value as a value of another type: std::bit_cast for libraries that lack it, such as emscripten's.
#pragma once

#include <cstring>
#include <type_traits>

namespace floe {

template <class To, class From>
To bits_as(const From& from) {
  static_assert(sizeof(To) == sizeof(From) && std::is_trivially_copyable_v<To> && std::is_trivially_copyable_v<From>);
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

}  // namespace floe
