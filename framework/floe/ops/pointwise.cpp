// Pointwise functions: each formula and its slope once.
#include <floe/ops/pointwise.h>

#include <limits>
#include <numbers>

#include <fmt/format.h>

#include <floe/ops/pointwise_op.h>

namespace floe {
namespace {

struct Exp {
  static constexpr const char* name = "exp";
  static constexpr Reads reads = Reads::y;
  template <class T> static T value(T x) { return math::exp(x); }
  template <class T> static T slope(T, T y) { return y; }
};

struct Expm1 {
  static constexpr const char* name = "expm1";
  static constexpr Reads reads = Reads::y;
  template <class T> static T value(T x) { return math::expm1(x); }
  template <class T> static T slope(T, T y) { return y + T(1); }
};

struct Log {
  static constexpr const char* name = "log";
  static constexpr Reads reads = Reads::x;
  template <class T> static T value(T x) { return math::log(x); }
  template <class T> static T slope(T x, T) { return T(1) / x; }
};

struct Log1p {
  static constexpr const char* name = "log1p";
  static constexpr Reads reads = Reads::x;
  template <class T> static T value(T x) { return math::log1p(x); }
  template <class T> static T slope(T x, T) { return T(1) / (T(1) + x); }
};

struct Sqrt {
  static constexpr const char* name = "sqrt";
  static constexpr Reads reads = Reads::y;
  template <class T> static T value(T x) { return math::sqrt(x); }
  template <class T> static T slope(T, T y) { return T(0.5) / y; }
};

struct Rsqrt {
  static constexpr const char* name = "rsqrt";
  static constexpr Reads reads = Reads::y;
  template <class T> static T value(T x) { return T(1) / math::sqrt(x); }
  template <class T> static T slope(T, T y) { return T(-0.5) * y * y * y; }
};

struct Square {
  static constexpr const char* name = "square";
  static constexpr Reads reads = Reads::x;
  template <class T> static T value(T x) { return x * x; }
  template <class T> static T slope(T x, T) { return T(2) * x; }
};

struct Abs {
  static constexpr const char* name = "abs";
  static constexpr Reads reads = Reads::x;
  template <class T> static T value(T x) { return math::abs(x); }
  template <class T> static T slope(T x, T) {
    return math::select(math::less(T(0), x), T(1), math::select(math::less(x, T(0)), T(-1), T(0)));
  }
};

struct Sin {
  static constexpr const char* name = "sin";
  static constexpr Reads reads = Reads::x;
  template <class T> static T value(T x) { return math::sin(x); }
  template <class T> static T slope(T x, T) { return math::cos(x); }
};

struct Cos {
  static constexpr const char* name = "cos";
  static constexpr Reads reads = Reads::x;
  template <class T> static T value(T x) { return math::cos(x); }
  template <class T> static T slope(T x, T) { return -math::sin(x); }
};

struct Tanh {
  static constexpr const char* name = "tanh";
  static constexpr Reads reads = Reads::y;
  template <class T> static T value(T x) { return math::tanh(x); }
  template <class T> static T slope(T, T y) { return T(1) - y * y; }
};

struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static constexpr Reads reads = Reads::y;
  template <class T> static T value(T x) { return T(1) / (T(1) + math::exp(-x)); }
  template <class T> static T slope(T, T y) { return y * (T(1) - y); }
};

struct Relu {
  static constexpr const char* name = "relu";
  static constexpr Reads reads = Reads::y;
  template <class T> static T value(T x) { return math::select(math::less(x, T(0)), T(0), x); }  // NaN stays
  template <class T> static T slope(T, T y) { return math::select(math::less(T(0), y), T(1), T(0)); }
};

struct LeakyRelu {
  static constexpr const char* name = "leaky_relu";
  static constexpr Reads reads = Reads::y;
  template <class T> T value(T x) const { return math::select(math::less(x, T(0)), T(leak) * x, x); }
  template <class T> T slope(T, T y) const { return math::select(math::less(T(0), y), T(1), T(leak)); }
  double leak;
};

struct Elu {
  static constexpr const char* name = "elu";
  static constexpr Reads reads = Reads::y;
  template <class T> T value(T x) const { return math::select(math::less(x, T(0)), T(alpha) * math::expm1(x), x); }
  template <class T> T slope(T, T y) const { return math::select(math::less(T(0), y), T(1), y + T(alpha)); }
  double alpha;
};

struct Softplus {
  static constexpr const char* name = "softplus";
  static constexpr Reads reads = Reads::x;
  template <class T> static T value(T x) { return math::maximum(x, T(0)) + math::log1p(math::exp(-math::abs(x))); }
  template <class T> static T slope(T x, T) { return T(1) / (T(1) + math::exp(-x)); }
};

struct Erf {
  static constexpr const char* name = "erf";
  static constexpr Reads reads = Reads::x;
  template <class T> static T value(T x) { return math::erf(x); }
  template <class T> static T slope(T x, T) { return T(2 * std::numbers::inv_sqrtpi) * math::exp(-(x * x)); }
};

struct Gelu {
  static constexpr const char* name = "gelu";
  static constexpr Reads reads = Reads::x;
  static constexpr double root_half = 1 / std::numbers::sqrt2;
  template <class T>
  static T below(T x) {
    return T(0.5) * math::erfc(T(-root_half) * x);
  }  // erfc keeps the digits of small tails
  template <class T> static T value(T x) { return x * below(x); }
  template <class T> static T slope(T x, T) {
    return below(x) + x * T(std::numbers::inv_sqrtpi * root_half) * math::exp(T(-0.5) * x * x);
  }
};

struct Clip {
  static constexpr const char* name = "clip";
  static constexpr Reads reads = Reads::x;
  template <class T>
  T value(T x) const {
    return math::select(math::less(x, T(low)), T(low), math::select(math::less(T(high), x), T(high), x));
  }
  template <class T>
  T slope(T x, T) const {
    return math::select(math::less(x, T(low)), T(0), math::select(math::less(T(high), x), T(0), T(1)));
  }
  double low, high;
};

// A function through which no gradient flows, for any numeric dtype: y = f(x).
template <class Function>
Tensor blocked(const char* name, const Operand& x, Function function) {
  require_defined(name, x, "x");
  ResultPlace place;
  Tensor y = place.like(x, false);
  dispatch(x->dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>)
      cpu::pointwise_flat<T>(x->elements(), function, result_data<T>(y), x->data<T>());
  });
  record_blocked({name, x.where()}, {x}, y);
  return y;
}

template <class Function>
Tensor predicate(const char* name, const Operand& x, Function function) {
  require_floating(name, x);
  Tensor y(x->shape(), DType::boolean, x->device());
  dispatch_floating(x->dtype(), [&]<class T>() {
    std::transform(x->data<T>(), x->data<T>() + x->elements(), y.mutable_data<bool>(), function);
  });
  record_blocked({name, x.where()}, {x}, y);
  return y;
}

// A whole number as a T, or the end of T's range beyond it.
template <class T>
T nearest(double whole) {
  using Range = std::numeric_limits<T>;
  if (whole <= static_cast<double>(Range::lowest())) return Range::lowest();
  return whole >= static_cast<double>(Range::max()) ? Range::max() : static_cast<T>(whole);
}

void require_numeric(const char* op, const Operand& x) {
  require_defined(op, x, "x");
  if (x->dtype() == DType::boolean)
    throw DTypeError(message(op, "needs numbers; cast() converts", {{"x", x}}, caller(x.where())));
}

}  // namespace

Tensor exp(Operand x) { return pointwise(Exp{}, x); }
Tensor expm1(Operand x) { return pointwise(Expm1{}, x); }
Tensor log(Operand x) { return pointwise(Log{}, x); }
Tensor log1p(Operand x) { return pointwise(Log1p{}, x); }
Tensor sqrt(Operand x) { return pointwise(Sqrt{}, x); }
Tensor rsqrt(Operand x) { return pointwise(Rsqrt{}, x); }
Tensor square(Operand x) { return pointwise(Square{}, x); }
Tensor sin(Operand x) { return pointwise(Sin{}, x); }
Tensor cos(Operand x) { return pointwise(Cos{}, x); }
Tensor tanh(Operand x) { return pointwise(Tanh{}, x); }
Tensor sigmoid(Operand x) { return pointwise(Sigmoid{}, x); }
Tensor relu(Operand x) { return pointwise(Relu{}, x); }
Tensor softplus(Operand x) { return pointwise(Softplus{}, x); }
Tensor erf(Operand x) { return pointwise(Erf{}, x); }
Tensor gelu(Operand x) { return pointwise(Gelu{}, x); }

Tensor leaky_relu(Operand x, double slope) {
  if (!(slope >= 0))
    throw ValueError(message("leaky_relu", fmt::format("the slope must be 0 or more, and is {}", slope), {{"x", x}},
                             caller(x.where())));
  return pointwise(LeakyRelu{slope}, x);
}

Tensor elu(Operand x, double alpha) {
  if (!(alpha >= 0))
    throw ValueError(
        message("elu", fmt::format("alpha must be 0 or more, and is {}", alpha), {{"x", x}}, caller(x.where())));
  return pointwise(Elu{alpha}, x);
}

Tensor abs(Operand x) {
  require_numeric("abs", x);
  return is_floating(x->dtype()) ? pointwise(Abs{}, x) : blocked("abs", x, [](auto a) { return math::abs(a); });
}

Tensor clip(Operand x, double low, double high) {
  require_numeric("clip", x);
  if (!(low <= high))
    throw ValueError(
        message("clip", fmt::format("low must not exceed high: {} and {}", low, high), {{"x", x}}, caller(x.where())));
  Clip formula{low, high};
  if (is_floating(x->dtype())) return pointwise(formula, x);
  if (std::ceil(low) > std::floor(high)) {
    throw ValueError(
        message("clip", fmt::format("no whole number lies from {} to {}", low, high), {{"x", x}}, caller(x.where())));
  }
  return blocked("clip", x, [=]<class T>(T a) {
    if constexpr (std::is_integral_v<T>) return std::clamp(a, nearest<T>(std::ceil(low)), nearest<T>(std::floor(high)));
    else return formula.value(a);
  });
}

Tensor sign(Operand x) {
  require_numeric("sign", x);
  return blocked("sign", x, [](auto a) {
    using T = decltype(a);
    return math::select(math::less(T(0), a), T(1), math::select(math::less(a, T(0)), T(-1), static_cast<T>(T(0) * a)));
  });
}

Tensor floor(Operand x) {
  require_floating("floor", x);
  return blocked("floor", x, []<class T>(T a) {
    if constexpr (std::is_integral_v<T>)
      return a;
    else
      return math::floor(a);
  });
}

Tensor ceil(Operand x) {
  require_floating("ceil", x);
  return blocked("ceil", x, []<class T>(T a) {
    if constexpr (std::is_integral_v<T>)
      return a;
    else
      return -math::floor(-a);
  });
}

Tensor round(Operand x) {
  require_floating("round", x);
  return blocked("round", x, []<class T>(T a) {
    if constexpr (std::is_integral_v<T>)
      return a;
    else
      return math::rint(a);
  });
}

Tensor isnan(Operand x) { return predicate("isnan", x, [](auto a) { return std::isnan(a); }); }
Tensor isfinite(Operand x) { return predicate("isfinite", x, [](auto a) { return std::isfinite(a); }); }

}  // namespace floe
