// gemm: one matrix product in one thread, the building block of matmul and of the convolutions without oneDNN.
#pragma once

#include <cstdint>

namespace floe::cpu {

// Row-major c (rows x columns) = op(a) op(b), or += with `accumulate`; op transposes if requested. The leading
// dimension ld is the distance between rows as stored. float32 goes to oneDNN if that is the library in use.
template <class T>
struct Matrix {
  const T* data;
  std::int64_t ld;
  bool transposed = false;
};

void gemm(std::int64_t rows, std::int64_t columns, std::int64_t inner, Matrix<float> a, Matrix<float> b, float* c,
          std::int64_t ldc, bool accumulate);
void gemm(std::int64_t rows, std::int64_t columns, std::int64_t inner, Matrix<double> a, Matrix<double> b, double* c,
          std::int64_t ldc, bool accumulate);

// The same of unsigned integers, which wrap.
template <class T>
void gemm(std::int64_t rows, std::int64_t columns, std::int64_t inner, Matrix<T> a, Matrix<T> b, T* c,
          std::int64_t ldc, bool accumulate);

}  // namespace floe::cpu
