// Traced: a tensor in a pointwise formula. Written for a type T, the formula then becomes recorded ops, which is how
// pointwise ops get gradients of every order from one slope.
#pragma once

#include <floe/backend/math.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>

namespace floe {

class Traced {
 public:
  Traced(const Tensor& tensor) : tensor_(tensor) {}
  template <math::Number N> explicit Traced(N number) : number_(static_cast<double>(number)) {}

  // What less() of a and b gave: its choices between two plain numbers have their dtype.
  Traced(const Tensor& condition, const Traced& a, const Traced& b)
      : tensor_(condition), compared_(a.tensor_.defined() ? a.tensor_.dtype() : b.tensor_.dtype()) {}

  Traced choose(const Traced& a, const Traced& b) const {
    if (!both(a, b)) return where(tensor_, a.operand(), b.operand());
    return where(tensor_, full({}, a.number_, compared_, tensor_.device()), b.number_);
  }

  OperandOrNumber operand() const { return tensor_.defined() ? OperandOrNumber(tensor_) : OperandOrNumber(number_); }
  const Tensor& tensor() const { return tensor_; }

  friend Traced operator+(const Traced& a, const Traced& b) {
    return both(a, b) ? Traced(a.number_ + b.number_) : Traced(add(a.operand(), b.operand()));
  }
  friend Traced operator-(const Traced& a, const Traced& b) {
    return both(a, b) ? Traced(a.number_ - b.number_) : Traced(subtract(a.operand(), b.operand()));
  }
  friend Traced operator*(const Traced& a, const Traced& b) {
    return both(a, b) ? Traced(a.number_ * b.number_) : Traced(multiply(a.operand(), b.operand()));
  }
  friend Traced operator/(const Traced& a, const Traced& b) {
    return both(a, b) ? Traced(a.number_ / b.number_) : Traced(divide(a.operand(), b.operand()));
  }
  friend Traced operator-(const Traced& a) { return Traced(negative(a.tensor_)); }

 private:
  static bool both(const Traced& a, const Traced& b) { return !a.tensor_.defined() && !b.tensor_.defined(); }

  Tensor tensor_;
  double number_ = 0;
  DType compared_ = DType::boolean;
};

namespace math {

inline Traced less(const Traced& a, const Traced& b) { return {floe::less(a.operand(), b.operand()), a, b}; }
inline Traced less_equal(const Traced& a, const Traced& b) {
  return {floe::less_equal(a.operand(), b.operand()), a, b};
}
inline Traced select(const Traced& condition, const Traced& a, const Traced& b) { return condition.choose(a, b); }
inline Traced exp(const Traced& x) { return floe::exp(x.tensor()); }
inline Traced expm1(const Traced& x) { return floe::expm1(x.tensor()); }
inline Traced log(const Traced& x) { return floe::log(x.tensor()); }
inline Traced sqrt(const Traced& x) { return floe::sqrt(x.tensor()); }
inline Traced sin(const Traced& x) { return floe::sin(x.tensor()); }
inline Traced cos(const Traced& x) { return floe::cos(x.tensor()); }
inline Traced tanh(const Traced& x) { return floe::tanh(x.tensor()); }
inline Traced erf(const Traced& x) { return floe::erf(x.tensor()); }
inline Traced erfc(const Traced& x) { return Traced(1) - erf(x); }

}  // namespace math
}  // namespace floe
