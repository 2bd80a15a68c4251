// Formulas of pointwise ops, each written once: for numbers of the CPU and of a GPU, for vector registers (backend/cpu)
// and for tensors (ops/recorded.h).
#pragma once

#include <array>
#include <limits>
#include <numbers>

#include <floe/backend/math.h>
#include <floe/tensor/dtype.h>

namespace floe::formulas {

// A constant of a formula, which the op that is made of it reports as an attribute.
struct Constant {
  const char* name;
  double value;
};
struct WholeConstant {
  const char* name;
  std::int64_t value;
};

// --- Functions with a slope: y = value(x), dy/dx = slope(x, y), of float32 and float64 -------------------------------
//
// Where y is flat its slope is 0, and nothing comes back through it, not even an infinity. The slope at NaN is NaN, also
// of what is made of straight lines: there x itself is what no comparison has chosen.

enum class Reads { x, y, both };  // which of x and y the slope needs, and so what the tape keeps

struct Exp {
  static constexpr const char* name = "exp";
  static constexpr Reads reads = Reads::y;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::exp(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T, T y) { return y; }
};

struct Expm1 {
  static constexpr const char* name = "expm1";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::expm1(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) { return math::exp(x); }
};

struct Log {
  static constexpr const char* name = "log";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::log(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) { return T(1) / x; }
};

struct Log1p {
  static constexpr const char* name = "log1p";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::log1p(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) { return T(1) / (T(1) + x); }
};

struct Sqrt {
  static constexpr const char* name = "sqrt";
  static constexpr Reads reads = Reads::y;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::sqrt(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T, T y) { return T(0.5) / y; }
};

struct Rsqrt {
  static constexpr const char* name = "rsqrt";
  static constexpr Reads reads = Reads::y;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return T(1) / math::sqrt(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T, T y) { return T(-0.5) * y * y * y; }
};

struct Square {
  static constexpr const char* name = "square";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return x * x; }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) { return T(2) * x; }
};

struct Abs {
  static constexpr const char* name = "abs";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::abs(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) {
    const T below = math::select(math::less(x, T(0)), T(-1), math::select(math::less_equal(x, T(0)), T(0), x));
    return math::select(math::less(T(0), x), T(1), below);
  }
};

struct Sin {
  static constexpr const char* name = "sin";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::sin(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) { return math::cos(x); }
};

struct Cos {
  static constexpr const char* name = "cos";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::cos(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) { return -math::sin(x); }
};

struct Tanh {
  static constexpr const char* name = "tanh";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::tanh(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) { return T(4) * math::sigmoid_slope(x + x); }
};

struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::sigmoid(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) { return math::sigmoid_slope(x); }
};

struct Relu {
  static constexpr const char* name = "relu";
  static constexpr Reads reads = Reads::y;
  // NaN stays.
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::select(math::less(x, T(0)), T(0), x); }
  template <class T>
  FLOE_HOST_DEVICE static T slope(T, T y) {
    return math::select(math::less(T(0), y), T(1), math::select(math::less_equal(y, T(0)), T(0), y));
  }
};

struct LeakyRelu {
  static constexpr const char* name = "leaky_relu";
  static constexpr Reads reads = Reads::y;
  template <class T>
  FLOE_HOST_DEVICE T value(T x) const {
    return math::select(math::less(x, T(0)), math::multiply_no_nan(x, T(leak)), x);
  }
  template <class T>
  FLOE_HOST_DEVICE T slope(T, T y) const {
    return math::select(math::less(T(0), y), T(1), math::select(math::less_equal(y, T(0)), T(leak), y));
  }
  std::array<Constant, 1> constants() const { return {{{"slope", leak}}}; }
  double leak;
};

struct Elu {
  static constexpr const char* name = "elu";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE T value(T x) const {
    return math::select(math::less(x, T(0)), T(alpha) * math::expm1(x), x);
  }
  template <class T>
  FLOE_HOST_DEVICE T slope(T x, T) const {
    return math::select(math::less(T(0), x), T(1), T(alpha) * math::exp(math::minimum(x, T(0))));
  }
  std::array<Constant, 1> constants() const { return {{{"alpha", alpha}}}; }
  double alpha;
};

struct Softplus {
  static constexpr const char* name = "softplus";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) {
    return math::maximum(x, T(0)) + math::log1p(math::exp(-math::abs(x)));
  }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) { return math::sigmoid(x); }
};

struct Erf {
  static constexpr const char* name = "erf";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::erf(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) {
    return T(2 * std::numbers::inv_sqrtpi) * math::bell(x, 1);
  }
};

struct NormalCdf {
  static constexpr const char* name = "normal_cdf";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::normal_cdf(x); }
  template <class T>
  FLOE_HOST_DEVICE static T slope(T x, T) {
    return T(std::numbers::inv_sqrtpi / std::numbers::sqrt2) * math::bell(x, 0.5);
  }
};

struct Gelu {
  static constexpr const char* name = "gelu";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE static T value(T x) { return math::gelu(x); }
  template <class T> FLOE_HOST_DEVICE static T slope(T x, T) {
    const T inside = math::maximum(math::minimum(x, T(40)), T(-40));  // the bell is 0 long before infinity
    return math::fma(inside, NormalCdf::slope(x, x), math::normal_cdf(x));
  }
};

struct Clip {
  static constexpr const char* name = "clip";
  static constexpr Reads reads = Reads::x;
  template <class T> FLOE_HOST_DEVICE T value(T x) const {
    return math::select(math::less(x, T(low)), T(low), math::select(math::less(T(high), x), T(high), x));
  }
  template <class T> FLOE_HOST_DEVICE T slope(T x, T) const {
    return math::select(
        math::less(x, T(low)), T(0),
        math::select(math::less(T(high), x), T(0), math::select(math::less_equal(x, T(high)), T(1), x)));
  }
  std::array<Constant, 2> constants() const { return {{{"low", low}, {"high", high}}}; }
  double low, high;
};

// All of them, each with its op: for backends that compile them by name, and for those who call ops by name.
#define FLOE_EACH_FORMULA(X)                                                                                          \
  X(Exp, exp)                                                                                                         \
  X(Expm1, expm1) X(Log, log) X(Log1p, log1p) X(Sqrt, sqrt) X(Rsqrt, rsqrt) X(Square, square) X(Abs, abs) X(Sin, sin) \
      X(Cos, cos) X(Tanh, tanh) X(Sigmoid, sigmoid) X(Relu, relu) X(LeakyRelu, leaky_relu) X(Elu, elu)                \
          X(Softplus, softplus) X(Erf, erf) X(NormalCdf, normal_cdf) X(Gelu, gelu) X(Clip, clip)

// --- Functions without a slope: y = f(x), of numbers of any dtype ----------------------------------------------------

struct Magnitude {
  template <class T> FLOE_HOST_DEVICE T operator()(T a) const { return math::abs(a); }
};

struct Squared {
  template <class T> FLOE_HOST_DEVICE T operator()(T a) const {
    return static_cast<T>(math::modular(a) * math::modular(a));
  }
};

struct Sign {
  template <class T> FLOE_HOST_DEVICE T operator()(T a) const {
    return math::select(math::less(T(0), a), T(1), math::select(math::less(a, T(0)), T(-1), static_cast<T>(T(0) * a)));
  }
};

// A whole number stays as it is.
struct Floor {
  template <class T> FLOE_HOST_DEVICE T operator()(T a) const {
    if constexpr (std::is_integral_v<T>) return a;
    else return math::floor(a);
  }
};

struct Ceil {
  template <class T> FLOE_HOST_DEVICE T operator()(T a) const {
    if constexpr (std::is_integral_v<T>) return a;
    else return -math::floor(-a);
  }
};

struct Round {
  template <class T> FLOE_HOST_DEVICE T operator()(T a) const {
    if constexpr (std::is_integral_v<T>) return a;
    else return math::rint(a);
  }
};

// clip() of whole numbers, whose ends are whole.
struct ClipWhole {
  template <class T> FLOE_HOST_DEVICE T operator()(T a) const {
    if constexpr (std::is_integral_v<T>) {
      T bottom = nearest<T>(low), top = nearest<T>(high);
      return a < bottom ? bottom : a > top ? top : a;
    } else {
      return a;
    }
  }

  // The same number, or the end of T's range beyond it.
  template <class T> FLOE_HOST_DEVICE static T nearest(std::int64_t whole) {
    constexpr T bottom = std::numeric_limits<T>::lowest(), top = std::numeric_limits<T>::max();
    if (whole <= static_cast<std::int64_t>(bottom)) return bottom;
    return whole >= static_cast<std::int64_t>(top) ? top : static_cast<T>(whole);
  }

  std::array<WholeConstant, 2> constants() const { return {{{"low", low}, {"high", high}}}; }
  std::int64_t low, high;
};

#define FLOE_EACH_MAP(X) \
  X(Magnitude, abs) X(Squared, square) X(Sign, sign) X(Floor, floor) X(Ceil, ceil) X(Round, round) X(ClipWhole, clip)

// --- Questions about float32 and float64 -----------------------------------------------------------------------------

struct IsNan {
  template <class T> FLOE_HOST_DEVICE bool operator()(T a) const { return a != a; }
};

struct IsFinite {
  template <class T> FLOE_HOST_DEVICE bool operator()(T a) const {
    return math::abs(a) <= std::numeric_limits<T>::max();
  }
};

#define FLOE_EACH_TEST(X) X(IsNan, isnan) X(IsFinite, isfinite)

// --- Of two numbers --------------------------------------------------------------------------------------------------

// On which dtypes a formula is defined.
enum class Takes { all, numbers, floating, booleans };

constexpr const char* in_words(Takes takes) {
  switch (takes) {
    case Takes::all:
      return "a dtype of Floe";
    case Takes::numbers:
      return "numbers";
    case Takes::floating:
      return "float32 and float64";
    case Takes::booleans:
      return "bool";
  }
  return "";
}

struct Add {
  static constexpr Takes takes = Takes::numbers;
  template <class T> FLOE_HOST_DEVICE auto operator()(T a, T b) const { return math::modular(a) + math::modular(b); }
};
struct Subtract {
  static constexpr Takes takes = Takes::numbers;
  template <class T> FLOE_HOST_DEVICE auto operator()(T a, T b) const { return math::modular(a) - math::modular(b); }
};
struct Multiply {
  static constexpr Takes takes = Takes::numbers;
  template <class T> FLOE_HOST_DEVICE auto operator()(T a, T b) const { return math::modular(a) * math::modular(b); }
};
struct MultiplyNoNan {
  static constexpr Takes takes = Takes::floating;
  template <class T> FLOE_HOST_DEVICE auto operator()(T a, T b) const { return math::multiply_no_nan(a, b); }
};
struct Divide {
  static constexpr Takes takes = Takes::floating;
  template <class T> FLOE_HOST_DEVICE auto operator()(T a, T b) const { return a / b; }
};
struct Maximum {
  static constexpr Takes takes = Takes::numbers;
  template <class T> FLOE_HOST_DEVICE auto operator()(T a, T b) const { return math::maximum(a, b); }
};
struct Minimum {
  static constexpr Takes takes = Takes::numbers;
  template <class T> FLOE_HOST_DEVICE auto operator()(T a, T b) const { return math::minimum(a, b); }
};
struct Pow {
  static constexpr Takes takes = Takes::numbers;
  template <class T> FLOE_HOST_DEVICE auto operator()(T a, T b) const { return math::pow(a, b); }
};
struct FloorDivide {
  static constexpr Takes takes = Takes::numbers;
  template <class T> FLOE_HOST_DEVICE auto operator()(T a, T b) const { return math::floor_divide(a, b); }
};
struct Remainder {
  static constexpr Takes takes = Takes::numbers;
  template <class T> FLOE_HOST_DEVICE auto operator()(T a, T b) const { return math::remainder(a, b); }
};

#define FLOE_EACH_ARITHMETIC(X)                                                                                       \
  X(Add, add) X(Subtract, subtract) X(Multiply, multiply) X(MultiplyNoNan, multiply_no_nan) X(Divide, divide)         \
  X(Maximum, maximum) X(Minimum, minimum) X(Pow, pow) X(FloorDivide, floor_divide) X(Remainder, remainder)

struct Equal {
  static constexpr Takes takes = Takes::all;
  template <class T> FLOE_HOST_DEVICE bool operator()(T a, T b) const { return a == b; }
};
struct NotEqual {
  static constexpr Takes takes = Takes::all;
  template <class T> FLOE_HOST_DEVICE bool operator()(T a, T b) const { return a != b; }
};
struct Less {
  static constexpr Takes takes = Takes::all;
  template <class T> FLOE_HOST_DEVICE bool operator()(T a, T b) const { return a < b; }
};
struct LessEqual {
  static constexpr Takes takes = Takes::all;
  template <class T> FLOE_HOST_DEVICE bool operator()(T a, T b) const { return a <= b; }
};
struct Greater {
  static constexpr Takes takes = Takes::all;
  template <class T> FLOE_HOST_DEVICE bool operator()(T a, T b) const { return a > b; }
};
struct GreaterEqual {
  static constexpr Takes takes = Takes::all;
  template <class T> FLOE_HOST_DEVICE bool operator()(T a, T b) const { return a >= b; }
};
struct And {
  static constexpr Takes takes = Takes::booleans;
  FLOE_HOST_DEVICE bool operator()(bool a, bool b) const { return a && b; }
};
struct Or {
  static constexpr Takes takes = Takes::booleans;
  FLOE_HOST_DEVICE bool operator()(bool a, bool b) const { return a || b; }
};

#define FLOE_EACH_COMPARISON(X)                                                                        \
  X(Equal, equal) X(NotEqual, not_equal) X(Less, less) X(LessEqual, less_equal) X(Greater, greater)    \
  X(GreaterEqual, greater_equal) X(And, logical_and) X(Or, logical_or)

// dispatch() over the dtypes that a formula takes.
template <class Formula, class Visitor>
void dispatch_taken(DType dtype, Visitor visit) {
  dispatch(dtype, [&]<class T>() {
    constexpr bool boolean = std::is_same_v<T, bool>;
    constexpr bool taken = Formula::takes == Takes::all || (Formula::takes == Takes::booleans) == boolean;
    if constexpr (taken && (Formula::takes != Takes::floating || std::is_floating_point_v<T>))
      visit.template operator()<T>();
    else
      refuse_dtype("dispatch_taken", in_words(Formula::takes), dtype);
  });
}

}  // namespace floe::formulas
