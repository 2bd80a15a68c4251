// Work in fixed parts, so that the number of threads never shows in the result.
#pragma once

#include <algorithm>
#include <cstdint>

namespace floe::cpu {

namespace detail {
using Range = void (*)(const void* body, std::int64_t begin, std::int64_t end);
void parallel_ranges(std::int64_t size, std::int64_t grain, Range range, const void* body);
}  // namespace detail

// body(begin, end) for parts of `grain` of 0 .. size; in one thread if there is only one part or we are inside another.
// What one part throws comes out here.
template <class Body>
void parallel_ranges(std::int64_t size, std::int64_t grain, const Body& body) {
  detail::parallel_ranges(size, grain, [](const void* body, std::int64_t begin, std::int64_t end) {
    (*static_cast<const Body*>(body))(begin, end);
  }, &body);
}

// How many elements make a part worth a thread: to wake one takes some 50 us, and to read and write so many some 20.
inline constexpr std::int64_t part_elements = 65536;

inline std::int64_t rows_per_part(std::int64_t row_elements) {
  return std::max<std::int64_t>(1, part_elements / std::max<std::int64_t>(1, row_elements));
}

}  // namespace floe::cpu
