// Initializers.
#include <floe/layers/initializers.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <floe/ops/create.h>
#include <floe/ops/random.h>
#include <floe/tensor/number_ranges.h>

namespace floe::initializers {
namespace {

struct Fans {
  explicit Fans(const Shape& shape) {
    double taps = 1;
    for (int axis = 0; axis + 2 < shape.rank(); ++axis) taps *= static_cast<double>(shape[axis]);
    auto fan = [&](int from_end) {  // 1 for a variable without elements, which draws nothing
      double size = static_cast<double>(shape.rank() >= 2 ? shape[shape.rank() - from_end] : shape.elements());
      return std::max(1.0, shape.rank() >= 2 ? taps * size : size);
    };
    in = fan(2), out = fan(1);
  }

  double in, out;
};

}  // namespace

Initializer constant(double value) {
  require_number("constant", "the value", value, numbers::finite);
  return [value](const Shape& shape, Rng&, DType dtype) { return full(shape, value, dtype); };
}

Initializer zeros() { return constant(0); }
Initializer ones() { return constant(1); }

Initializer uniform(double low, double high) {
  require_interval("uniform", low, high, DType::float64);
  return [=](const Shape& shape, Rng& rng, DType dtype) { return random_uniform(shape, rng, low, high, dtype); };
}

Initializer normal(double stddev) {
  require_number("normal", "the standard deviation", stddev, numbers::from_0);
  return [=](const Shape& shape, Rng& rng, DType dtype) { return random_normal(shape, rng, 0, stddev, dtype); };
}

Initializer glorot_uniform() {
  return [](const Shape& shape, Rng& rng, DType dtype) {
    Fans fans(shape);
    double limit = std::sqrt(6 / (fans.in + fans.out));
    return random_uniform(shape, rng, -limit, limit, dtype);
  };
}

Initializer he_normal() {
  return [](const Shape& shape, Rng& rng, DType dtype) {
    return random_normal(shape, rng, 0, std::sqrt(2 / Fans(shape).in), dtype);
  };
}

Initializer orthogonal(double gain) {
  require_number("orthogonal", "the gain", gain, numbers::finite);
  return [gain](const Shape& shape, Rng& rng, DType dtype) {
    require_number("orthogonal", "the gain", gain, numbers::finite, dtype);
    // Gram-Schmidt on normal vectors, twice for orthogonality to the last digits: uniform over the orthogonal matrices.
    std::int64_t columns = shape.rank() ? shape[shape.rank() - 1] : 1, rows = columns ? shape.elements() / columns : 0;
    std::int64_t count = std::min(rows, columns), length = std::max(rows, columns);
    Tensor drawn = random_normal({count, length}, rng, 0, 1, DType::float64);
    double* vectors = drawn.mutable_data<double>();
    auto dot = [&](std::int64_t a, std::int64_t b) {
      return std::inner_product(vectors + a * length, vectors + (a + 1) * length, vectors + b * length, 0.0);
    };
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t j = 0; j < 2 * i; ++j) {
        double along = dot(i, j % i);
        for (std::int64_t k = 0; k < length; ++k) vectors[i * length + k] -= along * vectors[j % i * length + k];
      }
      double size = std::sqrt(dot(i, i));
      for (std::int64_t k = 0; k < length; ++k) vectors[i * length + k] /= size;
    }

    Tensor result(shape, dtype);
    dispatch_floating(dtype, [&]<class T>() {
      T* out = result.mutable_data<T>();
      for (std::int64_t i = 0; i < rows * columns; ++i) {
        std::int64_t row = i / columns, column = i % columns;
        out[i] =
            static_cast<T>(gain * (rows >= columns ? vectors[column * length + row] : vectors[row * length + column]));
      }
    });
    return result;
  };
}

}  // namespace floe::initializers
