// Shape: the sizes of a tensor's axes, stored in place.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace floe {

// Up to six sizes, outermost axis first. Rank 0 is a scalar; a size of 0 makes an empty tensor.
// Entries may be negative only where a function allows it (reshape's -1); allocating such a shape is refused.
class Shape {
 public:
  static constexpr int max_rank = 6;

  constexpr Shape() = default;
  // Shape{2, 3}; ShapeError beyond six axes.
  Shape(std::initializer_list<std::int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const std::int64_t> sizes);  // ShapeError beyond six axes

  int rank() const { return rank_; }  // 0 for a scalar
  // From 0 to rank - 1, unchecked.
  std::int64_t operator[](int axis) const { return sizes_[axis]; }
  std::int64_t& operator[](int axis) { return sizes_[axis]; }
  std::int64_t elements() const;  // the product; 1 for a scalar; the largest int64 if there are more
  // Do the sizes other than 0 multiply to at most 63 bits? Only such shapes have tensors, also empty ones: what is
  // multiplied of their sizes can then never wrap.
  bool countable() const;
  const std::int64_t* begin() const { return sizes_.data(); }
  const std::int64_t* end() const { return sizes_.data() + rank_; }

  void append(std::int64_t size);  // a new innermost axis; ShapeError beyond six
  bool operator==(const Shape& other) const;

 private:
  std::array<std::int64_t, max_rank> sizes_{};
  int rank_ = 0;
};

std::string to_string(const Shape& shape);  // "(2, 3)", "(3,)", "()"

}  // namespace floe
