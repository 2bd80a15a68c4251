// From a pointwise formula to an op: check, allocate, run, record. Included by the .cpp files that define such ops.
//
// A formula is a struct with a name, `value(x)` and `slope(x, y)` written for a type T (float, double, a packet or
// Recorded), and `reads`: see backend/formulas.h.
#pragma once

#include <array>
#include <tuple>

#include <fmt/format.h>

#include <floe/ops/recorded.h>  // first: a formula finds only the math that stands before it

#include <floe/backend/cpu/pointwise.h>
#include <floe/backend/run.h>
#include <floe/ops/checks.h>

namespace floe {

// The constants of a formula as attributes, if it has any.
template <class Formula>
auto attributes_of(const Formula& formula) {
  if constexpr (requires { formula.constants(); }) {
    auto told = [](auto... constant) { return std::array{Attribute{constant.name, constant.value}...}; };
    return std::apply(told, formula.constants());
  } else {
    static_assert(std::is_empty_v<Formula>, "a formula that has constants lists them: constants()");
    return std::span<const Attribute>();
  }
}

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
  const auto attributes = attributes_of(formula);
  OpInfo info{.name = name.c_str(), .attributes = Attributes(attributes)};
  if (x.defined() && y.defined())
    observe(info, {dy, x, y}, dx);
  else
    observe(info, {dy, from_x}, dx);
  return dx;
}

template <class Formula>
Tensor pointwise(const Formula& formula, const Operand& x) {
  require_floating(Formula::name, x);
  ResultPlace place;
  Tensor y = place.like(x, Formula::reads != formulas::Reads::y);
  run<cpu::pointwise<Formula>, cuda::pointwise<Formula>>(x->device(), formula, x, y);
  static const Tensor nothing;
  const auto attributes = attributes_of(formula);
  record({Formula::name, x.where(), Attributes(attributes)}, {x}, y,
         {Formula::reads == formulas::Reads::y ? nothing : x.tensor(),
          Formula::reads == formulas::Reads::x ? nothing : y},
         [formula](Backward& op) {
           const Tensor &a = op.kept(0), &b = op.kept(1);
           if (!op.differentiable()) return op.give(0, pointwise_gradient(formula, op.take_dy(), a, b));
           Recorded slope = formula.slope(Recorded(a), Recorded(b));
           op.give(0, multiply_no_nan(op.dy(), slope.operand()));
         });
  return y;
}

}  // namespace floe
