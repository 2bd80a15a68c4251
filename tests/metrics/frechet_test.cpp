// The Frechet distance against its closed forms, and what it reports for points that are not clouds.
#include <floe/metrics/frechet.h>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/matmul.h>
#include <floe/ops/shape_ops.h>
#include <support/messages.h>
#include <support/tensors.h>

namespace floe {
namespace {

using test::error_of;
using test::normal;

// Points of exact mean 0 and covariance diag(a^2, b^2).
Tensor cross(double a, double b) {
  double x = a * std::sqrt(1.5), y = b * std::sqrt(1.5);
  return tensor(std::vector<double>{x, 0, -x, 0, 0, y, 0, -y}, {4, 2});
}

TEST(FrechetDistance, OfEqualCloudsIsZero) {
  Tensor points = normal({50, 8});
  EXPECT_NEAR(frechet_distance(points, points), 0, 1e-12);
  EXPECT_GE(frechet_distance(points, points), 0);
}

TEST(FrechetDistance, IsTheSquareOfAShift) {
  Tensor points = normal({50, 2});
  EXPECT_NEAR(frechet_distance(points, points + tensor(std::vector<double>{3, 4}, {2})), 25, 1e-9);
}

TEST(FrechetDistance, OfAlignedNormalsComparesTheirDeviations) {
  EXPECT_NEAR(frechet_distance(cross(1, 2), cross(4, 0)), 9 + 4, 1e-12);  // (1 - 4)^2 + (2 - 0)^2
  EXPECT_NEAR(frechet_distance(cast(cross(1, 2), DType::float32), cross(4, 0)), 13, 1e-5);
}

TEST(FrechetDistance, OfTurnedNormalsNeedsTheRootOfTheProduct) {
  // Turned by 45 degrees, diag(1, 9) is [[5, 4], [4, 5]]; its product with diag(1, 9) has the trace 50 and determinant 81,
  // whose root has the trace sqrt(50 + 2 * 9).
  double s = std::sqrt(0.5);
  Tensor turn = tensor(std::vector<double>{s, s, -s, s}, {2, 2});
  EXPECT_NEAR(frechet_distance(cross(1, 3), matmul(cross(1, 3), turn)), 20 - 2 * std::sqrt(68.0), 1e-12);
}

TEST(FrechetDistance, IsNanIfAPointIsNotFinite) {
  for (double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Tensor points = normal({10, 3}), spoilt = points;
    spoilt.mutable_data<double>()[7] = bad;
    EXPECT_TRUE(std::isnan(frechet_distance(points, spoilt)));
    EXPECT_TRUE(std::isnan(frechet_distance(spoilt, points)));
  }
}

TEST(FrechetDistance, RefusesWhatDoesNotFit) {
  Tensor points({5, 3});
  EXPECT_EQ(error_of<ShapeError>([&] {
              frechet_distance(points, Tensor({1, 3}));
            }),
            "frechet_distance: needs at least two points\n  points  (1, 3)   count, features");
  EXPECT_EQ(error_of<ShapeError>([&] { frechet_distance(points, Tensor({5})); }),
            "frechet_distance: needs at least two points\n  points  (5,)   count, features");
  EXPECT_EQ(error_of<ShapeError>([&] {
              frechet_distance(points, Tensor({5, 2}));
            }),
            "frechet_distance: the points have different numbers of features\n"
            "  a  (5, 3)   count, features\n  b  (5, 2)   count, features");
}

}  // namespace
}  // namespace floe
