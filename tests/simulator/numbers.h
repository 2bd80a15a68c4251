// Arrays of any number format as doubles, for the simulated libraries.
#pragma once

#include <cuda_bf16.h>

#include <cstddef>

#include "internal.h"

namespace floe_simulator {

enum class Format { float32, float64, bfloat16 };

inline std::size_t bytes_of(Format format) { return format == Format::float64 ? 8 : format == Format::float32 ? 4 : 2; }

inline double load(const void* data, std::size_t i, Format format, bool as_tf32 = false) {
  switch (format) {
    case Format::float64:
      return static_cast<const double*>(data)[i];
    case Format::bfloat16:
      return static_cast<float>(static_cast<const __nv_bfloat16*>(data)[i]);
    default:
      break;
  }
  float x = static_cast<const float*>(data)[i];
  return as_tf32 ? tf32(x) : x;
}

inline void store(void* data, std::size_t i, Format format, double x) {
  switch (format) {
    case Format::float64:
      static_cast<double*>(data)[i] = x == x ? x : std::bit_cast<double>(wide_nan_bits);
      break;
    case Format::float32:
      static_cast<float*>(data)[i] = x == x ? static_cast<float>(x) : std::bit_cast<float>(nan_bits);
      break;
    case Format::bfloat16:
      static_cast<__nv_bfloat16*>(data)[i] = static_cast<float>(x);
      break;
  }
}

// alpha * x + beta * what is there, which is not read where beta is 0.
inline void blend(void* data, std::size_t i, Format format, double alpha, double x, double beta) {
  store(data, i, format, beta == 0 ? alpha * x : alpha * x + beta * load(data, i, format));
}

}  // namespace floe_simulator
