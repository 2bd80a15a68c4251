// The C library's functions in double precision, compiled so that its vector forms are taken: all within a few last
// places of a double, which is nothing beside a float's.
#include <wide/reference.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace floe::reference {
namespace {

template <class F>
void each(std::int64_t size, const double* __restrict x, double* __restrict y, F f) {
  for (std::int64_t i = 0; i < size; ++i) y[i] = f(x[i]);
}

// The slope of 1 / (1 + e^-x).
double rise(double x) {
  const double e = std::exp(-std::abs(x));
  return e / ((1 + e) * (1 + e));
}

double normal_cdf_of(double x) { return 0.5 * std::erfc(x * (-1 / std::numbers::sqrt2)); }

}  // namespace

#define FLOE_REFERENCE(name, ...)                               \
  void name(std::int64_t size, const double* in, double* out) { \
    each(size, in, out, [](double x) { return __VA_ARGS__; });  \
  }

FLOE_REFERENCE(exp, std::exp(x))
FLOE_REFERENCE(expm1, std::expm1(x))
FLOE_REFERENCE(log, std::log(x))
FLOE_REFERENCE(log1p, std::log1p(x))
FLOE_REFERENCE(sqrt, std::sqrt(x))
FLOE_REFERENCE(rsqrt, 1 / std::sqrt(x))
FLOE_REFERENCE(sin, std::sin(x))
FLOE_REFERENCE(cos, std::cos(x))
FLOE_REFERENCE(tanh, std::tanh(x))
FLOE_REFERENCE(tanh_slope, 4 * rise(2 * x))
FLOE_REFERENCE(sigmoid, 1 / (1 + std::exp(-x)))
FLOE_REFERENCE(sigmoid_slope, rise(x))
FLOE_REFERENCE(elu, std::max(x, 0.0) + std::expm1(std::min(x, 0.0)))
FLOE_REFERENCE(elu_slope, std::exp(std::min(x, 0.0)))
FLOE_REFERENCE(softplus, std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))))
FLOE_REFERENCE(erf, std::erf(x))
FLOE_REFERENCE(erf_slope, 2 * std::numbers::inv_sqrtpi * std::exp(-x * x))
FLOE_REFERENCE(normal_cdf, normal_cdf_of(x))
FLOE_REFERENCE(gelu, x* normal_cdf_of(x))

}  // namespace floe::reference
