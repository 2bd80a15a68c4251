// gemm: one matrix product in one thread, on Eigen or oneDNN; of integers, which neither has for every type, here.
#include <floe/backend/cpu/gemm.h>

#include <algorithm>
#include <array>
#include <vector>

#include <Eigen/Core>

#include <floe/backend/cpu/cuts.h>
#include <floe/backend/cpu/onednn.h>
#include <floe/backend/kernels.h>
#include <floe/backend/settings.h>
#include <floe/tensor/size.h>

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
  if (a.transposed)
    result.noalias() += left.transpose() * right;
  else
    result.noalias() += left * right;
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

namespace {

// to[i] += the sum of left[k] * right[k * ld + i], of as many k as go over `to` at once. A function of its own, where
// the compiler sees that `to` overwrites nothing that is read.
template <int together, class T>
void add_products(std::int64_t size, std::array<T, together> left, const T* right, std::int64_t ld, T* to) {
#pragma omp simd
  for (std::int64_t i = 0; i < size; ++i) {
    T total = to[i];
    for (int k = 0; k < together; ++k) total = static_cast<T>(total + left[k] * right[k * ld + i]);
    to[i] = total;
  }
}

}  // namespace

template <class T>
void gemm(std::int64_t rows, std::int64_t columns, std::int64_t inner, Matrix<T> a, Matrix<T> b, T* c, std::int64_t ldc,
          bool accumulate) {
  std::vector<T> turned(b.transposed ? to_size(inner * columns) : 0);
  if (b.transposed) {
    for (std::int64_t column = 0; column < columns; ++column) {
      for (std::int64_t k = 0; k < inner; ++k) turned[k * columns + column] = b.data[column * b.ld + k];
    }
    b = {turned.data(), columns};
  }
  auto left = [&](std::int64_t row, std::int64_t k) {
    return a.transposed ? a.data[k * a.ld + row] : a.data[row * a.ld + k];
  };
  for (std::int64_t row = 0; row < rows && !accumulate; ++row) std::fill_n(c + row * ldc, columns, T(0));
  constexpr int together = static_cast<int>(cuts::whole_together);
  for (std::int64_t first = 0; first < inner; first += cuts::whole_rows) {
    std::int64_t end = std::min(inner, first + cuts::whole_rows);
    for (std::int64_t row = 0; row < rows; ++row) {
      T* to = c + row * ldc;
      std::int64_t k = first;
      for (; k + together <= end; k += together) {
        std::array<T, together> factors;
        for (int i = 0; i < together; ++i) factors[i] = left(row, k + i);
        add_products<together>(columns, factors, b.data + k * b.ld, b.ld, to);
      }
      for (; k < end; ++k) add_products<1>(columns, std::array{left(row, k)}, b.data + k * b.ld, b.ld, to);
    }
  }
}

#define FLOE_GEMM(T) \
  template void gemm(std::int64_t, std::int64_t, std::int64_t, Matrix<T>, Matrix<T>, T*, std::int64_t, bool);
FLOE_GEMM(std::uint8_t)
FLOE_GEMM(std::uint32_t)
FLOE_GEMM(std::uint64_t)
#undef FLOE_GEMM

}  // namespace floe::cpu
