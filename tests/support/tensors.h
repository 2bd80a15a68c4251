// Tensors for tests: random ones, ones made element by element, and comparisons that show where two differ.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <floe/ops/create.h>
#include <floe/ops/random.h>
#include <floe/ops/shape_ops.h>
#include <floe/tensor/print.h>
#include <floe/tensor/rng.h>
#include <floe/tensor/tensor.h>

namespace floe::test {

// --- Random tensors, float64 -----------------------------------------------------------------------------------------

inline Tensor normal(const Shape& shape, std::uint64_t seed = 1) {
  Rng rng(seed);
  return random_normal(shape, rng, 0, 1, DType::float64);
}

inline Tensor uniform(const Shape& shape, double low, double high, std::uint64_t seed = 1) {
  Rng rng(seed);
  return random_uniform(shape, rng, low, high, DType::float64);
}

// No two elements are closer than 0.1 and none is closer to 0 than 0.03: for functions with kinks.
inline Tensor distinct(const Shape& shape, std::uint64_t seed = 1) {
  Rng rng(seed);
  Tensor places = random_permutation(shape.elements(), rng), x(shape, DType::float64);
  for (std::int64_t i = 0; i < x.elements(); ++i) {
    x.mutable_data<double>()[i] = 0.1 * static_cast<double>(places.data<std::int64_t>()[i] - x.elements() / 2) + 0.03;
  }
  return x;
}

// --- Element by element ----------------------------------------------------------------------------------------------

using Index = std::vector<std::int64_t>;

// body(index) for each place of a shape, the last axis fastest.
template <class Body>
void for_each_index(const Shape& shape, Body body) {
  Index index(static_cast<std::size_t>(shape.rank()));
  for (std::int64_t i = 0; i < shape.elements(); ++i) {
    std::int64_t rest = i;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) index[axis] = rest % shape[axis], rest /= shape[axis];
    body(static_cast<const Index&>(index));
  }
}

inline double element(const Tensor& x, std::int64_t place) {
  return dispatch(x.dtype(), [&]<class T>() { return static_cast<double>(x.data<T>()[place]); });
}

// The element at an index; axes of size 1 are repeated and leading ones may be missing, as in broadcasting.
inline double at(const Tensor& x, const Index& index) {
  std::int64_t place = 0;
  std::size_t extra = index.size() - static_cast<std::size_t>(x.rank());
  for (int axis = 0; axis < x.rank(); ++axis) {
    place = place * x.dim(axis) + (x.dim(axis) == 1 ? 0 : index[axis + extra]);
  }
  return element(x, place);
}

// A tensor whose elements are value(index).
template <class Value>
Tensor made(const Shape& shape, Value value, DType dtype = DType::float64) {
  Tensor x(shape, dtype);
  dispatch(dtype, [&]<class T>() {
    T* to = x.mutable_data<T>();
    for_each_index(shape, [&](const Index& index) { *to++ = static_cast<T>(value(index)); });
  });
  return x;
}

// --- Comparing -------------------------------------------------------------------------------------------------------

// The largest magnitude of the finite elements.
inline double largest(const Tensor& x) {
  double top = 0;
  for (std::int64_t i = 0; i < x.elements(); ++i) {
    if (std::isfinite(element(x, i))) top = std::max(top, std::abs(element(x, i)));
  }
  return top;
}

// The distance of neighbouring float32 numbers at the largest element.
inline double ulp_of_largest(const Tensor& x) {
  float top = static_cast<float>(largest(x));
  return static_cast<double>(std::nextafter(top, std::numeric_limits<float>::infinity())) - static_cast<double>(top);
}

// Of one shape, and each element within `tolerance`; NaN and infinities must be the same. Dtypes may differ.
inline testing::AssertionResult close(const Tensor& found, const Tensor& expected, double tolerance) {
  if (found.shape() != expected.shape()) {
    return testing::AssertionFailure() << "shape " << to_string(found.shape()) << ", expected "
                                       << to_string(expected.shape());
  }
  for (std::int64_t i = 0; i < found.elements(); ++i) {
    double a = element(found, i), b = element(expected, i);
    bool alike = std::isfinite(a) && std::isfinite(b) ? std::abs(a - b) <= tolerance
                                                      : a == b || (std::isnan(a) && std::isnan(b));
    if (!alike) {
      return testing::AssertionFailure() << "element " << i << " of " << to_string(found.shape()) << " is "
                                         << testing::PrintToString(a) << ", expected " << testing::PrintToString(b)
                                         << ", off by " << std::abs(a - b) << " where " << tolerance << " is allowed";
    }
  }
  return testing::AssertionSuccess();
}

// The same shape, dtype and bits.
inline testing::AssertionResult same_bits(const Tensor& found, const Tensor& expected) {
  if (found.shape() != expected.shape() || found.dtype() != expected.dtype()) {
    return testing::AssertionFailure() << describe(found) << ", expected " << describe(expected);
  }
  std::size_t item = item_size(found.dtype());
  for (std::int64_t i = 0; i < found.elements(); ++i) {
    std::size_t at = static_cast<std::size_t>(i) * item;
    if (std::memcmp(static_cast<const std::byte*>(found.raw()) + at, static_cast<const std::byte*>(expected.raw()) + at,
                    item) == 0)
      continue;
    return testing::AssertionFailure() << "element " << i << " of " << to_string(found.shape()) << " is "
                                       << testing::PrintToString(element(found, i)) << ", expected "
                                       << testing::PrintToString(element(expected, i)) << " to the bit";
  }
  return testing::AssertionSuccess();
}

}  // namespace floe::test
