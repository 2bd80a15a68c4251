// Initializers: their distributions, and orthogonal matrices that are.
#include <floe/layers/initializers.h>

#include <cmath>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/matmul.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <support/tensors.h>

namespace floe {
namespace {

Tensor drawn(const Initializer& initializer, const Shape& shape, DType dtype = DType::float64) {
  Rng rng(3);
  return initializer(shape, rng, dtype);
}

double mean(const Tensor& x) { return reduce_mean(x).item(); }
double stddev(const Tensor& x) { return std::sqrt(reduce_variance(x).item()); }

TEST(Initializers, OfConstantsFill) {
  EXPECT_TRUE(test::same_bits(drawn(initializers::zeros(), {2, 3}), zeros({2, 3}, DType::float64)));
  EXPECT_TRUE(test::same_bits(drawn(initializers::ones(), {2}, DType::float32), ones({2})));
  EXPECT_TRUE(test::same_bits(drawn(initializers::constant(-2.5), {}), full({}, -2.5, DType::float64)));
}

struct Distribution {
  Initializer initializer;
  Shape shape;
  double stddev, largest;  // no element is beyond `largest`
};

TEST(Initializers, HaveTheirDistributions) {
  const double inf = std::numeric_limits<double>::infinity();
  const Distribution table[] = {
      {initializers::uniform(-0.5, 0.5), {300, 400}, 1 / std::sqrt(12), 0.5},
      {initializers::normal(0.02), {300, 400}, 0.02, inf},
      {initializers::glorot_uniform(), {300, 400}, std::sqrt(2. / 700), std::sqrt(6. / 700)},
      {initializers::glorot_uniform(), {5, 5, 60, 80}, std::sqrt(2. / (25 * 140)), std::sqrt(6. / (25 * 140))},
      {initializers::he_normal(), {300, 400}, std::sqrt(2. / 300), inf},
      {initializers::he_normal(), {5, 5, 60, 80}, std::sqrt(2. / (25 * 60)), inf},
      {initializers::glorot_uniform(), {100'000}, std::sqrt(1. / 100'000), std::sqrt(3. / 100'000)},
  };
  for (const Distribution& one : table) {
    for (DType dtype : {DType::float32, DType::float64}) {
      Tensor x = cast(drawn(one.initializer, one.shape, dtype), DType::float64);
      double size = static_cast<double>(x.elements());
      EXPECT_NEAR(mean(x), 0, 4 * one.stddev / std::sqrt(size));
      EXPECT_NEAR(stddev(x), one.stddev, 4 * one.stddev / std::sqrt(2 * size));
      EXPECT_LE(test::largest(x), one.largest * (1 + 1e-7));
    }
  }
}

TEST(Orthogonal, IsOrthogonal) {
  for (const Shape& shape : {Shape{8, 8}, Shape{20, 7}, Shape{7, 20}, Shape{3, 3, 4, 10}, Shape{1, 5}, Shape{6}}) {
    Tensor w = drawn(initializers::orthogonal(3), shape);
    Tensor rows = reshape(w, {-1, w.dim(-1)});
    bool tall = rows.dim(0) >= rows.dim(1);
    Tensor product = matmul(rows, rows, {.transpose_a = tall, .transpose_b = !tall});
    EXPECT_TRUE(test::close(product, eye(product.dim(0), DType::float64) * 9.0, 1e-13)) << to_string(shape);
  }
}

TEST(Orthogonal, IsNotAlwaysTheSame) {
  Rng rng(3);
  Tensor first = initializers::orthogonal()({4, 4}, rng, DType::float32);
  Tensor second = initializers::orthogonal()({4, 4}, rng, DType::float32);
  EXPECT_FALSE(test::same_bits(first, second));
}

TEST(Orthogonal, MayBeEmpty) {
  EXPECT_EQ(drawn(initializers::orthogonal(), {0, 4}).shape(), (Shape{0, 4}));
  EXPECT_EQ(drawn(initializers::orthogonal(), {4, 0}).shape(), (Shape{4, 0}));
}

}  // namespace
}  // namespace floe
