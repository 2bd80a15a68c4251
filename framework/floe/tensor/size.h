// From the 64 bits in which elements and bytes are counted to the sizes of this machine's memory, which may have 32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

namespace floe {

namespace detail {
[[noreturn]] void refuse_as_size(std::uint64_t number, std::uint64_t most);
}

// The same number as a size in memory. MemoryError if it is beyond that, so that nothing is ever cut off: in a browser,
// which has 32 bits, 5 GB would be. For counts, which are not negative. `Size` is for tests.
template <class Size = std::size_t, class Number>
Size to_size(Number number) {
  if (!std::in_range<Size>(number)) [[unlikely]]
    detail::refuse_as_size(static_cast<std::uint64_t>(number), std::numeric_limits<Size>::max());
  return static_cast<Size>(number);
}

}  // namespace floe
