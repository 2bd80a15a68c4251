// The Frechet distance.
#include <floe/train/frechet.h>

#include <Eigen/Eigenvalues>

#include <floe/ops/shape_ops.h>

namespace floe {
namespace {

struct Cloud {
  explicit Cloud(const Tensor& points) {
    if (points.rank() != 2 || points.dim(0) < 2)
      throw ShapeError(
          message("frechet_distance", "needs at least two points", {{"points", points, "count, features"}}));
    Tensor doubles = cast(points.detached(), DType::float64);
    Eigen::MatrixXd rows = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
        doubles.data<double>(), points.dim(0), points.dim(1));
    mean = rows.colwise().mean();
    rows.rowwise() -= mean.transpose();
    covariance = rows.transpose() * rows / static_cast<double>(points.dim(0) - 1);
  }

  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

}  // namespace

double frechet_distance(const Tensor& a, const Tensor& b) {
  if (a.rank() == 2 && b.rank() == 2 && a.dim(1) != b.dim(1)) {
    throw ShapeError(message("frechet_distance", "the points have different numbers of features",
                             {{"a", a, "count, features"}, {"b", b, "count, features"}}));
  }
  Cloud p(a), q(b);
  // The eigenvalues of A B are those of the symmetric R B R with R the root of A.
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> root(p.covariance);
  Eigen::MatrixXd r =
      root.eigenvectors() * root.eigenvalues().cwiseMax(0).cwiseSqrt().asDiagonal() * root.eigenvectors().transpose();
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> product(r * q.covariance * r, Eigen::EigenvaluesOnly);
  double cross = product.eigenvalues().cwiseMax(0).cwiseSqrt().sum();
  double distance = (p.mean - q.mean).squaredNorm() + p.covariance.trace() + q.covariance.trace() - 2 * cross;
  return distance < 0 ? 0 : distance;  // rounding; NaN stays
}

}  // namespace floe
