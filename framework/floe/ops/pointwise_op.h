// From a pointwise formula to an op: check, allocate, run, record. Included by the .cpp files that define such ops.
//
// A formula is a struct with a name, `value(x)` and `slope(x, y)` written for a type T (float, double, a packet or
// Traced), and `reads`: see backend/formulas.h.
#pragma once

#include <fmt/format.h>

#include <floe/ops/traced.h>  // first: a formula finds only the math that stands before it

#include <floe/backend/cpu/pointwise.h>
#include <floe/backend/run.h>
#include <floe/ops/checks.h>

namespace floe {

template <class Formula>
Tensor pointwise_gradient(const Formula& formula, Tensor dy, const Tensor& x, const Tensor& y) {
  Operand spent(std::move(dy));
  ResultPlace place;
  Tensor dx = place.like(spent, false);
  const Tensor& from_x = x.defined() ? x : y;  // what the slope does not read may be anything
  const Tensor& from_y = y.defined() ? y : x;
  run<cpu::pointwise_gradient<Formula>, cuda::pointwise_gradient<Formula>>(dy.device(), formula, dy, from_x, from_y,
                                                                           dx);
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
  Tensor y = place.like(x, Formula::reads != formulas::Reads::y);
  run<cpu::pointwise<Formula>, cuda::pointwise<Formula>>(x->device(), formula, x, y);
  static const Tensor nothing;
  record({Formula::name, x.where()}, {x}, y,
         {Formula::reads == formulas::Reads::y ? nothing : x.tensor(),
          Formula::reads == formulas::Reads::x ? nothing : y},
         [formula](Backward& op) {
           const Tensor &a = op.kept(0), &b = op.kept(1);
           if (!op.differentiable()) return op.give(0, pointwise_gradient(formula, op.take_dy(), a, b));
           Traced slope = formula.slope(Traced(a), Traced(b));
           op.give(0, multiply(op.dy(), slope.operand()));
         });
  return y;
}

}  // namespace floe
