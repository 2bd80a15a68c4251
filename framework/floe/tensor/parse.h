// Numbers from text, read the same way in every locale and with every library.
#pragma once

#include <optional>
#include <string_view>

namespace floe {

// The number that `text` is from its first character to its last: "-12"; for floating types also "1.5e-3", "inf" and
// "nan", to the nearest value. No spaces, no plus in front, nothing hexadecimal. Empty for anything else, and for a
// number that T cannot hold, which sets `beyond`.
//
// T: int, long, long long, the same unsigned, float, double.
template <class T>
std::optional<T> parse_number(std::string_view text, bool* beyond = nullptr);

namespace detail {
// The same through streams: for libraries whose from_chars reads no floating-point numbers.
template <class T>
std::optional<T> parse_by_stream(std::string_view text, bool* beyond);
}  // namespace detail

}  // namespace floe
