// Shape: construction, comparison, text.
#include <floe/tensor/shape.h>

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include <floe/tensor/error.h>

namespace floe {

Shape::Shape(std::span<const std::int64_t> sizes) {
  for (std::int64_t size : sizes) append(size);
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  bool overflow = false, empty = false;
  for (std::int64_t size : *this) {
    overflow |= __builtin_mul_overflow(product, size, &product);
    empty |= size == 0;
  }
  return overflow && !empty ? std::numeric_limits<std::int64_t>::max() : product;
}

bool Shape::countable() const {
  std::int64_t product = 1;
  bool overflow = false;
  for (std::int64_t size : *this) overflow |= size != 0 && __builtin_mul_overflow(product, size, &product);
  return !overflow;
}

void Shape::append(std::int64_t size) {
  if (rank_ == max_rank) {
    throw ShapeError(fmt::format("shape: a tensor has at most {} axes; {} already has them all", max_rank,
                                 to_string(*this)));
  }
  sizes_[rank_++] = size;
}

bool Shape::operator==(const Shape& other) const {
  return rank_ == other.rank_ && std::equal(begin(), end(), other.begin());
}

std::string to_string(const Shape& shape) {
  return fmt::format("({}{})", fmt::join(shape.begin(), shape.end(), ", "), shape.rank() == 1 ? "," : "");
}

}  // namespace floe
