// gemm: one matrix product in one thread, on Eigen or oneDNN.
#include <floe/backend/cpu/gemm.h>

#include <algorithm>

#include <Eigen/Core>

#include <floe/backend/cpu/onednn.h>
#include <floe/backend/kernels.h>
#include <floe/backend/settings.h>

namespace floe::cpu {
namespace {

template <class T>
using Stored =
    Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0, Eigen::OuterStride<>>;
template <class T>
using Result = Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0, Eigen::OuterStride<>>;

template <class T>
void eigen_gemm(std::int64_t rows, std::int64_t columns, std::int64_t inner, Matrix<T> a, Matrix<T> b, T* c,
                std::int64_t ldc, bool accumulate) {
  Result<T> result(c, rows, columns, Eigen::OuterStride<>(ldc));
  if (!accumulate) result.setZero();
  if (inner == 0) return;
  // Of the four cases only two are compiled: a transposed b is usually small (filters, weights) and is copied.
  Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> turned;
  if (b.transposed) {
    turned = Stored<T>(b.data, columns, inner, Eigen::OuterStride<>(b.ld)).transpose();
    b = {turned.data(), columns};
  }
  Stored<T> left(a.data, a.transposed ? inner : rows, a.transposed ? rows : inner, Eigen::OuterStride<>(a.ld));
  Stored<T> right(b.data, inner, columns, Eigen::OuterStride<>(b.ld));
  if (a.transposed) result.noalias() += left.transpose() * right;
  else result.noalias() += left * right;
}

}  // namespace

void gemm(std::int64_t rows, std::int64_t columns, std::int64_t inner, Matrix<float> a, Matrix<float> b, float* c,
          std::int64_t ldc, bool accumulate) {
  if (rows == 0 || columns == 0) return;
  if (cpu_library() == CpuLibrary::onednn && inner > 0 && onednn_gemm(rows, columns, inner, a, b, c, ldc, accumulate))
    return;
  eigen_gemm(rows, columns, inner, a, b, c, ldc, accumulate);
}

void gemm(std::int64_t rows, std::int64_t columns, std::int64_t inner, Matrix<double> a, Matrix<double> b, double* c,
          std::int64_t ldc, bool accumulate) {
  if (rows == 0 || columns == 0) return;
  eigen_gemm(rows, columns, inner, a, b, c, ldc, accumulate);
}

}  // namespace floe::cpu
