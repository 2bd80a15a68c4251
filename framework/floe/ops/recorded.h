// Recorded: a tensor in a pointwise formula. Written for a type T, the formula then becomes recorded ops, which is how
// pointwise ops get gradients of every order from one slope.
#pragma once

#include <floe/backend/math.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>

namespace floe {

class Recorded {
 public:
  Recorded(const Tensor& tensor) : tensor_(tensor) {}
  template <math::Number N>
  explicit Recorded(N number) : number_(static_cast<double>(number)) {}

  // What less() of a and b gave: its choices between two plain numbers have their dtype.
  Recorded(const Tensor& condition, const Recorded& a, const Recorded& b)
      : tensor_(condition), compared_(a.tensor_.defined() ? a.tensor_.dtype() : b.tensor_.dtype()) {}

  Recorded choose(const Recorded& a, const Recorded& b) const {
    if (!both(a, b)) return where(tensor_, a.operand(), b.operand());
    return where(tensor_, full({}, a.number_, compared_, tensor_.device()), b.number_);
  }

  OperandOrNumber operand() const { return tensor_.defined() ? OperandOrNumber(tensor_) : OperandOrNumber(number_); }
  const Tensor& tensor() const { return tensor_; }

  friend Recorded operator+(const Recorded& a, const Recorded& b) {
    return both(a, b) ? Recorded(a.number_ + b.number_) : Recorded(add(a.operand(), b.operand()));
  }
  friend Recorded operator-(const Recorded& a, const Recorded& b) {
    return both(a, b) ? Recorded(a.number_ - b.number_) : Recorded(subtract(a.operand(), b.operand()));
  }
  friend Recorded operator*(const Recorded& a, const Recorded& b) {
    return both(a, b) ? Recorded(a.number_ * b.number_) : Recorded(multiply(a.operand(), b.operand()));
  }
  friend Recorded operator/(const Recorded& a, const Recorded& b) {
    return both(a, b) ? Recorded(a.number_ / b.number_) : Recorded(divide(a.operand(), b.operand()));
  }
  friend Recorded operator-(const Recorded& a) { return Recorded(negative(a.tensor_)); }

 private:
  static bool both(const Recorded& a, const Recorded& b) { return !a.tensor_.defined() && !b.tensor_.defined(); }

  Tensor tensor_;
  double number_ = 0;
  DType compared_ = DType::boolean;
};

namespace math {

inline Recorded less(const Recorded& a, const Recorded& b) { return {floe::less(a.operand(), b.operand()), a, b}; }
inline Recorded less_equal(const Recorded& a, const Recorded& b) {
  return {floe::less_equal(a.operand(), b.operand()), a, b};
}
inline Recorded select(const Recorded& condition, const Recorded& a, const Recorded& b) {
  return condition.choose(a, b);
}
inline Recorded fma(const Recorded& a, const Recorded& b, const Recorded& c) { return a * b + c; }
inline Recorded exp(const Recorded& x) { return floe::exp(x.tensor()); }
inline Recorded expm1(const Recorded& x) { return floe::expm1(x.tensor()); }
inline Recorded log(const Recorded& x) { return floe::log(x.tensor()); }
inline Recorded sqrt(const Recorded& x) { return floe::sqrt(x.tensor()); }
inline Recorded sin(const Recorded& x) { return floe::sin(x.tensor()); }
inline Recorded cos(const Recorded& x) { return floe::cos(x.tensor()); }
inline Recorded tanh(const Recorded& x) { return floe::tanh(x.tensor()); }
inline Recorded erf(const Recorded& x) { return floe::erf(x.tensor()); }
inline Recorded maximum(const Recorded& a, const Recorded& b) { return floe::maximum(a.operand(), b.operand()); }
inline Recorded minimum(const Recorded& a, const Recorded& b) { return floe::minimum(a.operand(), b.operand()); }
inline Recorded sigmoid(const Recorded& x) { return floe::sigmoid(x.tensor()); }
inline Recorded sigmoid_slope(const Recorded& x) { return sigmoid(x) * sigmoid(-x); }
inline Recorded normal_cdf(const Recorded& x) { return floe::normal_cdf(x.tensor()); }
// The square of an infinity has no slope.
inline Recorded bell(const Recorded& x, double scale) {
  const Recorded inside = maximum(minimum(x, Recorded(40)), Recorded(-40));
  return exp(Recorded(-scale) * (inside * inside));
}

}  // namespace math
}  // namespace floe
