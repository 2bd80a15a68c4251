// The functions of accuracy.cpp in double precision, each from one array to another.
#pragma once

#include <cstdint>

namespace floe::reference {

using Function = void (*)(std::int64_t size, const double* x, double* y);

void exp(std::int64_t size, const double* x, double* y);
void expm1(std::int64_t size, const double* x, double* y);
void log(std::int64_t size, const double* x, double* y);
void log1p(std::int64_t size, const double* x, double* y);
void sqrt(std::int64_t size, const double* x, double* y);
void rsqrt(std::int64_t size, const double* x, double* y);
void sin(std::int64_t size, const double* x, double* y);
void cos(std::int64_t size, const double* x, double* y);
void tanh(std::int64_t size, const double* x, double* y);
void tanh_slope(std::int64_t size, const double* x, double* y);
void sigmoid(std::int64_t size, const double* x, double* y);
void sigmoid_slope(std::int64_t size, const double* x, double* y);
void elu(std::int64_t size, const double* x, double* y);
void elu_slope(std::int64_t size, const double* x, double* y);
void softplus(std::int64_t size, const double* x, double* y);
void erf(std::int64_t size, const double* x, double* y);
void erf_slope(std::int64_t size, const double* x, double* y);
void normal_cdf(std::int64_t size, const double* x, double* y);
void gelu(std::int64_t size, const double* x, double* y);

}  // namespace floe::reference
