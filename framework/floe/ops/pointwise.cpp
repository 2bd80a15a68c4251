// Pointwise functions: the ops around the formulas.
#include <floe/ops/pointwise.h>

#include <cmath>

#include <fmt/format.h>

#include <floe/ops/pointwise_op.h>

namespace floe {

using namespace formulas;

namespace {

// A function through which no gradient flows, for any numeric dtype: y = f(x).
template <class Function>
Tensor blocked(const char* name, const Operand& x, Function function) {
  require_defined(name, x, "x");
  ResultPlace place;
  Tensor y = place.like(x, false);
  run<cpu::map<Function>, cuda::map<Function>>(x->device(), function, x, y);
  record_blocked({name, x.where(), Attributes(attributes_of(function))}, {x}, y);
  return y;
}

template <class Test>
Tensor predicate(const char* name, const Operand& x, Test test) {
  require_floating(name, x);
  Tensor y(x->shape(), DType::boolean, x->device());
  run<cpu::test<Test>, cuda::test<Test>>(x->device(), test, x, y);
  record_blocked({name, x.where()}, {x}, y);
  return y;
}

// A function that has a formula with a slope for floats, and one without for integers.
template <class Formula, class Function>
Tensor of_numbers(const char* name, const Operand& x, Formula formula, Function function) {
  require_numbers(name, x);
  return is_floating(x->dtype()) ? pointwise(formula, x) : blocked(name, x, function);
}

}  // namespace

Tensor exp(Operand x) { return pointwise(Exp{}, x); }
Tensor expm1(Operand x) { return pointwise(Expm1{}, x); }
Tensor log(Operand x) { return pointwise(Log{}, x); }
Tensor log1p(Operand x) { return pointwise(Log1p{}, x); }
Tensor sqrt(Operand x) { return pointwise(Sqrt{}, x); }
Tensor rsqrt(Operand x) { return pointwise(Rsqrt{}, x); }
Tensor square(Operand x) { return of_numbers("square", x, Square{}, Squared{}); }
Tensor sin(Operand x) { return pointwise(Sin{}, x); }
Tensor cos(Operand x) { return pointwise(Cos{}, x); }
Tensor tanh(Operand x) { return pointwise(Tanh{}, x); }
Tensor sigmoid(Operand x) { return pointwise(Sigmoid{}, x); }
Tensor relu(Operand x) { return pointwise(Relu{}, x); }
Tensor softplus(Operand x) { return pointwise(Softplus{}, x); }
Tensor erf(Operand x) { return pointwise(Erf{}, x); }
Tensor normal_cdf(Operand x) { return pointwise(NormalCdf{}, x); }
Tensor gelu(Operand x) { return pointwise(Gelu{}, x); }

Tensor leaky_relu(Operand x, double slope) {
  require_floating("leaky_relu", x);
  require_number("leaky_relu", "the slope", slope, numbers::from_0, x, x->dtype());
  return pointwise(LeakyRelu{slope}, x);
}

Tensor elu(Operand x, double alpha) {
  require_floating("elu", x);
  require_number("elu", "alpha", alpha, numbers::from_0, x, x->dtype());
  return pointwise(Elu{alpha}, x);
}

Tensor abs(Operand x) { return of_numbers("abs", x, Abs{}, Magnitude{}); }

Tensor clip(Operand x, Number low, Number high) {
  require_numbers("clip", x);
  auto refuse = [&](const std::string& what) { throw ValueError(message("clip", what, {{"x", x}}, x.where())); };
  if (!(low.real() <= high.real()))
    refuse(fmt::format("low must not exceed high: {} and {}", low.text(), high.text()));
  auto nearest = [](Number end, double rounded) { return end.whole().value_or(converted<std::int64_t>(rounded)); };
  ClipWhole whole{nearest(low, std::ceil(low.real())), nearest(high, std::floor(high.real()))};
  if (is_floating(x->dtype())) {
    for (Number bound : {low, high}) require_fits("clip", bound, x->dtype());
  } else if (whole.low > whole.high) {
    refuse(fmt::format("there is no whole number from {} to {}", low.text(), high.text()));
  }
  return of_numbers("clip", x, Clip{low.real(), high.real()}, whole);
}

Tensor sign(Operand x) {
  require_numbers("sign", x);
  return blocked("sign", x, Sign{});
}

Tensor floor(Operand x) {
  require_floating("floor", x);
  return blocked("floor", x, Floor{});
}

Tensor ceil(Operand x) {
  require_floating("ceil", x);
  return blocked("ceil", x, Ceil{});
}

Tensor round(Operand x) {
  require_floating("round", x);
  return blocked("round", x, Round{});
}

Tensor isnan(Operand x) { return predicate("isnan", x, IsNan{}); }
Tensor isfinite(Operand x) { return predicate("isfinite", x, IsFinite{}); }

}  // namespace floe
