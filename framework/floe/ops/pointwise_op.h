// From a pointwise formula to an op: check, allocate, run, record. Included by the .cpp files that define such ops.
//
// A formula is a struct with a name, `value(x)` and `slope(x, y)` written for a type T (float, double, a packet or
// Traced), and `reads`: which of x and y the slope needs, and so what the tape keeps.
#pragma once

#include <fmt/format.h>

#include <floe/backend/cpu/pointwise.h>
#include <floe/ops/checks.h>
#include <floe/ops/traced.h>

namespace floe {

enum class Reads { x, y, both };

template <class Formula>
Tensor pointwise_gradient(const Formula& formula, Tensor dy, const Tensor& x, const Tensor& y) {
  Operand spent(std::move(dy));
  ResultPlace place;
  Tensor dx = place.like(spent, false);
  const Tensor& from_x = x.defined() ? x : y;  // what the slope does not read may be anything
  const Tensor& from_y = y.defined() ? y : x;
  dispatch_floating(dy.dtype(), [&]<class T>() {
    cpu::pointwise_flat<T>(
        dy.elements(), [&](auto g, auto a, auto b) { return g * formula.slope(a, b); }, result_data<T>(dx),
        dy.data<T>(), from_x.data<T>(), from_y.data<T>());
  });
  static const std::string name = fmt::format("{}_gradient", Formula::name);
  if (x.defined() && y.defined())
    observe({name.c_str()}, {dy, x, y}, dx);
  else
    observe({name.c_str()}, {dy, from_x}, dx);
  return dx;
}

template <class Formula>
Tensor pointwise(const Formula& formula, const Operand& x) {
  require_floating(Formula::name, x);
  ResultPlace place;
  Tensor y = place.like(x, Formula::reads != Reads::y);
  dispatch_floating(x->dtype(), [&]<class T>() {
    cpu::pointwise_flat<T>(
        x->elements(), [&](auto a) { return formula.value(a); }, result_data<T>(y), x->data<T>());
  });
  static const Tensor nothing;
  record({Formula::name, x.where()}, {x}, y,
         {Formula::reads == Reads::y ? nothing : x.tensor(), Formula::reads == Reads::x ? nothing : y},
         [formula](Backward& op) {
           const Tensor &a = op.kept(0), &b = op.kept(1);
           if (!op.differentiable()) return op.give(0, pointwise_gradient(formula, op.take_dy(), a, b));
           Traced slope = formula.slope(Traced(a), Traced(b));
           op.give(0, multiply(op.dy(), slope.operand()));
         });
  return y;
}

}  // namespace floe
