// Numbers from text: from_chars where the library has it, else a stream in the classic locale after a strict grammar.
#include <floe/tensor/parse.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>
#include <string>
#include <type_traits>

namespace floe {
namespace {

#if defined(__cpp_lib_to_chars)
constexpr bool from_chars_reads_floating = true;
#else
constexpr bool from_chars_reads_floating = false;
#endif

std::string lowercase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

// What comes before the exponent; nothing unless `text` is digits with at most one point, and an exponent or none.
std::optional<std::string_view> mantissa_of(std::string_view text) {
  auto skip_digits = [&text] {
    std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(digits);
    return digits;
  };
  std::string_view all = text;
  std::size_t digits = skip_digits();
  if (text.starts_with('.')) text.remove_prefix(1), digits += skip_digits();
  std::string_view mantissa = all.substr(0, all.size() - text.size());
  if (digits == 0) return {};
  if (text.empty()) return mantissa;

  if (text[0] != 'e' && text[0] != 'E') return {};
  text.remove_prefix(1);
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  if (skip_digits() == 0 || !text.empty()) return {};
  return mantissa;
}

}  // namespace

template <class T>
std::optional<T> detail::parse_by_stream(std::string_view text, bool* beyond) {
  if (beyond) *beyond = false;
  bool negative = text.starts_with('-');
  std::string_view positive = text.substr(negative ? 1 : 0);
  T sign = negative ? T(-1) : T(1);
  std::string word = lowercase(positive);
  if (word == "inf" || word == "infinity") return sign * std::numeric_limits<T>::infinity();
  if (word == "nan") return std::copysign(std::numeric_limits<T>::quiet_NaN(), sign);
  std::optional<std::string_view> mantissa = mantissa_of(positive);
  if (!mantissa) return {};
  if (mantissa->find_first_of("123456789") == mantissa->npos) return sign * T(0);

  // A stream fails for a number beyond T, and then holds the largest or infinity; also, in some libraries, for one
  // that is too small, and then holds the nearest value.
  std::istringstream in(word);
  in.imbue(std::locale::classic());
  T number = 0;
  in >> number;
  if (in.fail() && number >= std::numeric_limits<T>::max()) {
    if (beyond) *beyond = true;
    return {};
  }
  return sign * number;
}

template std::optional<float> detail::parse_by_stream(std::string_view, bool*);
template std::optional<double> detail::parse_by_stream(std::string_view, bool*);

template <class T>
std::optional<T> parse_number(std::string_view text, bool* beyond) {
  if (beyond) *beyond = false;
  if constexpr (std::is_floating_point_v<T> && !from_chars_reads_floating) {
    return detail::parse_by_stream<T>(text, beyond);
  } else {
    T number{};
    const char* last = text.data() + text.size();
    auto [end, error] = std::from_chars(text.data(), last, number);
    if (text.empty() || end != last || error == std::errc::invalid_argument) return {};
    if (error == std::errc()) return number;
    // Libraries differ in whether a number below the smallest is 0 or out of range.
    if constexpr (std::is_floating_point_v<T>) return detail::parse_by_stream<T>(text, beyond);
    if (beyond) *beyond = true;
    return {};
  }
}

template std::optional<int> parse_number(std::string_view, bool*);
template std::optional<long> parse_number(std::string_view, bool*);
template std::optional<long long> parse_number(std::string_view, bool*);
template std::optional<unsigned> parse_number(std::string_view, bool*);
template std::optional<unsigned long> parse_number(std::string_view, bool*);
template std::optional<unsigned long long> parse_number(std::string_view, bool*);
template std::optional<float> parse_number(std::string_view, bool*);
template std::optional<double> parse_number(std::string_view, bool*);

}  // namespace floe
