// The sizes that follow from what a user gave: their arithmetic, and their way from the 64 bits in which elements and
// bytes are counted to the sizes of this machine's memory, which may have 32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include <floe/tensor/error.h>

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

// A sum, difference or product of sizes that no longer is a number of 63 bits: "INT64_MAX + 1 is more than can be
// counted", with both numbers. The function counted() of ops/checks.h puts it into the words of an op.
class Uncountable : public ShapeError {
 public:
  using ShapeError::ShapeError;
};

// A size in arithmetic that never wraps: Uncountable instead.
class Counted {
 public:
  Counted(std::int64_t value) : value_(value) {}
  std::int64_t value() const { return value_; }

  friend Counted operator+(Counted a, Counted b) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a.value_, b.value_, &sum)) [[unlikely]]
      refuse(a, '+', b);
    return sum;
  }
  friend Counted operator-(Counted a, Counted b) {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(a.value_, b.value_, &difference)) [[unlikely]]
      refuse(a, '-', b);
    return difference;
  }
  friend Counted operator*(Counted a, Counted b) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(a.value_, b.value_, &product)) [[unlikely]]
      refuse(a, '*', b);
    return product;
  }

 private:
  [[noreturn]] static void refuse(Counted a, char sign, Counted b);

  std::int64_t value_;
};

}  // namespace floe
