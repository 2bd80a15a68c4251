// Arithmetic, comparison and logic under broadcasting.
#include <floe/ops/arithmetic.h>

#include <cmath>

#include <fmt/format.h>

#include <floe/backend/cpu/pointwise.h>
#include <floe/backend/run.h>
#include <floe/ops/checks.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>

namespace floe {

using namespace formulas;

namespace {

// The two operands as tensors of one dtype; a number becomes a tensor of rank 0 on the CPU, from which a GPU takes it
// along with the call.
struct Pair {
  Pair(const char* op, const OperandOrNumber& a, const OperandOrNumber& b) : a(a), b(b) {
    const OperandOrNumber& tensor = a.is_number() ? b : a;
    if (tensor.is_number()) throw ValueError(message(op, "needs at least one tensor", {}, a.where()));
    require_defined(op, tensor, a.is_number() ? "b" : "a");
    if (a.is_number()) from_number = like(op, a, b);
    if (b.is_number()) from_number = like(op, b, a);
    first = a.is_number() ? &from_number : &a.tensor();
    second = b.is_number() ? &from_number : &b.tensor();
    if (a.is_number() || b.is_number()) return;
    require_same_dtype(op, a, "a", b, "b");
    if (first->device() != second->device() && !is_constant_number(*first) && !is_constant_number(*second))
      require_same_device(op, a, "a", b, "b");
  }

  // What a tape keeps of a number, and any other constant of rank 0 on the CPU, may be combined with a tensor on a GPU.
  static bool is_constant_number(const Tensor& x) {
    return x.rank() == 0 && x.id().is_constant() && x.device().kind == Device::Kind::cpu;
  }

  // The GPU, if one of the two is there.
  Device device() const { return first->device().kind == Device::Kind::cpu ? second->device() : first->device(); }

  static Tensor like(const char* op, const OperandOrNumber& number, const OperandOrNumber& tensor) {
    Number value = number.number();
    if (!fits(value, tensor->dtype())) {
      Shown shown{"tensor", tensor};
      if (value.real() != std::trunc(value.real())) {
        throw DTypeError(message(op,
                                 fmt::format("{} is not a whole number but the tensor is {}; cast() converts",
                                             value.text(), name(tensor->dtype())),
                                 {shown}, tensor.where()));
      }
      throw ValueError(message(op, fmt::format("{} is beyond {}; cast() converts", value.text(), name(tensor->dtype())),
                               {shown}, tensor.where()));
    }
    return full({}, value, tensor->dtype());
  }

  // Uninitialised memory for a result, or that of an operand that is as large and spent.
  Tensor result(const Shape& shape, bool kept) {
    for (const OperandOrNumber* operand : {&a, &b}) {
      if (!operand->is_number() && (*operand)->shape() == shape && (*operand)->device() == device() &&
          place.reuse(*operand, kept))
        return (*operand)->detached();
    }
    return Tensor(shape, first->dtype(), device());
  }

  const OperandOrNumber &a, &b;
  ResultPlace place;
  Tensor from_number;
  const Tensor* first;
  const Tensor* second;
};

Shape broadcast(const char* op, Shown a, Shown b, Location where) {
  const Shape &p = a.tensor.shape(), &q = b.tensor.shape();
  if (p == q) return p;
  Shape shape;
  int rank = std::max(p.rank(), q.rank());
  for (int axis = -rank; axis < 0; ++axis) {
    std::int64_t one = BroadcastLoop::size_at(p, axis), other = BroadcastLoop::size_at(q, axis);
    if (one != other && one != 1 && other != 1) {
      throw ShapeError(message(
          op, fmt::format("axis {} has {} and {}, and only a size of 1 is repeated", axis, one, other), {a, b}, where));
    }
    shape.append(one == 1 ? other : one);
  }
  return shape;
}

Shape broadcast_shape(const char* op, const Pair& pair, Location where) {
  return floe::broadcast_shape(op, *pair.first, *pair.second, where);
}

template <class Formula>
void require_taken(const char* op, const Pair& pair, Location where) {
  DType dtype = pair.first->dtype();
  constexpr bool floating = Formula::takes == Takes::floating;
  if (floating ? is_floating(dtype) : dtype != DType::boolean) return;
  throw DTypeError(message(op,
                           floating ? "needs float32 or float64; cast() converts" : "needs numbers; cast() converts",
                           {{"a", *pair.first}, {"b", *pair.second}}, where));
}

// Integers have no fractions that a negative exponent could give. Exponents on a GPU have to be waited for.
void require_whole_power(const Tensor& exponent, Location where) {
  dispatch(exponent.dtype(), [&]<class T>() {
    if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
      const Tensor here = exponent.on(Device{});
      for (T power : here.span<T>()) {
        if (power >= 0) continue;
        throw ValueError(message("pow", fmt::format("integers have no power of {}; cast() converts", power),
                                 {{"b", exponent}}, where));
      }
    }
  });
}

// Check, allocate, run; the caller records, and may keep the operands.
template <class Formula>
Tensor arithmetic(const char* op, Pair& pair, Location where, Formula formula, bool kept) {
  require_taken<Formula>(op, pair, where);
  Tensor y = pair.result(broadcast_shape(op, pair, where), kept);
  run<cpu::combine<Formula>, cuda::combine<Formula>>(y.device(), formula, *pair.first, *pair.second, y);
  return y;
}

template <class Formula>
Tensor comparison(const char* op, const OperandOrNumber& a, const OperandOrNumber& b, Formula formula) {
  Pair pair(op, a, b);
  Tensor y(broadcast_shape(op, pair, a.where()), DType::boolean, pair.device());
  run<cpu::compare<Formula>, cuda::compare<Formula>>(y.device(), formula, *pair.first, *pair.second, y);
  record_blocked({op, a.where()}, {*pair.first, *pair.second}, y);
  return y;
}

template <class Formula>
Tensor logical(const char* op, const Operand& a, const Operand& b, Formula formula) {
  require_alike(op, a, "a", b, "b");
  if (a->dtype() != DType::boolean)
    throw DTypeError(message(op, "needs bool tensors, such as comparisons give", {{"a", a}, {"b", b}}, a.where()));
  return comparison(op, a, b.tensor(), formula);
}

}  // namespace

Shape broadcast_shape(const char* op, const Tensor& a, const Tensor& b, Location where) {
  return broadcast(op, {"a", a}, {"b", b}, where);
}

Tensor add(OperandOrNumber a, OperandOrNumber b) {
  Pair pair("add", a, b);
  Tensor y = arithmetic("add", pair, a.where(), Add{}, false);
  record({"add", a.where()}, {*pair.first, *pair.second}, y, {},
         [sa = pair.first->shape(), sb = pair.second->shape()](Backward& op) {
           if (op.needs(0)) op.give(0, sum_to(op.dy(), sa));
           if (op.needs(1)) op.give(1, sum_to(op.dy(), sb));
         });
  return y;
}

Tensor subtract(OperandOrNumber a, OperandOrNumber b) {
  Pair pair("subtract", a, b);
  Tensor y = arithmetic("subtract", pair, a.where(), Subtract{}, false);
  record({"subtract", a.where()}, {*pair.first, *pair.second}, y, {},
         [sa = pair.first->shape(), sb = pair.second->shape()](Backward& op) {
           if (op.needs(0)) op.give(0, sum_to(op.dy(), sa));
           if (op.needs(1)) op.give(1, sum_to(negative(op.dy()), sb));
         });
  return y;
}

Tensor multiply(OperandOrNumber a, OperandOrNumber b) {
  Pair pair("multiply", a, b);
  const Tensor &p = *pair.first, &q = *pair.second;
  Tensor y = arithmetic("multiply", pair, a.where(), Multiply{}, true);
  record({"multiply", a.where()}, {p, q}, y, {kept_for(p, q), kept_for(q, p)},
         [sa = p.shape(), sb = q.shape()](Backward& op) {
           if (op.needs(0)) op.give(0, sum_to(multiply(op.dy(), op.kept(0)), sa));
           if (op.needs(1)) op.give(1, sum_to(multiply(op.dy(), op.kept(1)), sb));
         });
  return y;
}

Tensor multiply_no_nan(OperandOrNumber a, OperandOrNumber b) {
  Pair pair("multiply_no_nan", a, b);
  const Tensor &p = *pair.first, &q = *pair.second;
  Tensor y = arithmetic("multiply_no_nan", pair, a.where(), MultiplyNoNan{}, true);
  record({"multiply_no_nan", a.where()}, {p, q}, y, {kept_for(p, q), kept_for(q, p)},
         [sa = p.shape(), sb = q.shape()](Backward& op) {
           if (op.needs(0)) op.give(0, sum_to(multiply_no_nan(op.dy(), op.kept(0)), sa));
           if (op.needs(1)) op.give(1, sum_to(multiply_no_nan(op.kept(1), op.dy()), sb));
         });
  return y;
}

Tensor divide(OperandOrNumber a, OperandOrNumber b) {
  Pair pair("divide", a, b);
  const Tensor &p = *pair.first, &q = *pair.second;
  Tensor y = arithmetic("divide", pair, a.where(), Divide{}, true);
  record({"divide", a.where()}, {p, q}, y, {q, kept_for(q, y)}, [sa = p.shape(), sb = q.shape()](Backward& op) {
    Tensor da = divide(op.dy(), op.kept(0));
    if (op.needs(0)) op.give(0, sum_to(da, sa));
    if (op.needs(1)) op.give(1, sum_to(negative(multiply(da, op.kept(1))), sb));
  });
  return y;
}

namespace {

// Where `chosen` is true, or a is NaN, which may be a number on the CPU beside a tensor on a GPU.
Tensor or_nan(const Tensor& chosen, const Tensor& a) { return logical_or(chosen, not_equal(a, a).on(chosen.device())); }

}  // namespace

Tensor maximum(OperandOrNumber a, OperandOrNumber b) {
  Pair pair("maximum", a, b);
  const Tensor &p = *pair.first, &q = *pair.second;
  Tensor y = arithmetic("maximum", pair, a.where(), Maximum{}, true);
  record({"maximum", a.where()}, {p, q}, y, {p, q}, [](Backward& op) {
    Tensor first = or_nan(greater_equal(op.kept(0), op.kept(1)), op.kept(0));
    if (op.needs(0)) op.give(0, sum_to(where(first, op.dy(), 0.0), op.kept(0).shape()));
    if (op.needs(1)) op.give(1, sum_to(where(first, 0.0, op.dy()), op.kept(1).shape()));
  });
  return y;
}

Tensor minimum(OperandOrNumber a, OperandOrNumber b) {
  Pair pair("minimum", a, b);
  const Tensor &p = *pair.first, &q = *pair.second;
  Tensor y = arithmetic("minimum", pair, a.where(), Minimum{}, true);
  record({"minimum", a.where()}, {p, q}, y, {p, q}, [](Backward& op) {
    Tensor first = or_nan(less_equal(op.kept(0), op.kept(1)), op.kept(0));
    if (op.needs(0)) op.give(0, sum_to(where(first, op.dy(), 0.0), op.kept(0).shape()));
    if (op.needs(1)) op.give(1, sum_to(where(first, 0.0, op.dy()), op.kept(1).shape()));
  });
  return y;
}

Tensor pow(OperandOrNumber a, OperandOrNumber b) {
  Pair pair("pow", a, b);
  const Tensor &p = *pair.first, &q = *pair.second;
  require_whole_power(q, a.where());
  Tensor y = arithmetic("pow", pair, a.where(), Pow{}, true);
  record({"pow", a.where()}, {p, q}, y, {p, q, kept_for(q, y)}, [](Backward& op) {
    const Tensor &p = op.kept(0), &q = op.kept(1);
    if (op.needs(0)) {
      Tensor base = where(equal(q, 0.0), 1.0, p);  // the slope is then 0, even at base 0
      op.give(0, sum_to(multiply_no_nan(op.dy(), q * pow(base, q - 1)), p.shape()));
    }
    if (op.needs(1)) {
      Tensor flat = less_equal(p, 0.0);  // there the power is not a function of its exponent
      Tensor slope = where(flat, 0.0, op.kept(2) * log(where(flat, 1.0, p)));
      op.give(1, sum_to(multiply_no_nan(op.dy(), slope), q.shape()));
    }
  });
  return y;
}

Tensor floor_divide(OperandOrNumber a, OperandOrNumber b) {
  Pair pair("floor_divide", a, b);
  Tensor y = arithmetic("floor_divide", pair, a.where(), FloorDivide{}, false);
  record_blocked({"floor_divide", a.where()}, {*pair.first, *pair.second}, y);
  return y;
}

Tensor remainder(OperandOrNumber a, OperandOrNumber b) {
  Pair pair("remainder", a, b);
  const Tensor &p = *pair.first, &q = *pair.second;
  Tensor y = arithmetic("remainder", pair, a.where(), Remainder{}, true);
  record({"remainder", a.where()}, {p, q}, y, {kept_for(q, p), kept_for(q, q)},
         [sa = p.shape(), sb = q.shape()](Backward& op) {
           if (op.needs(0)) op.give(0, sum_to(op.dy(), sa));
           if (op.needs(1)) op.give(1, sum_to(negative(multiply(op.dy(), floor_divide(op.kept(0), op.kept(1)))), sb));
         });
  return y;
}

Tensor negative(Operand x) {
  require_numbers("negative", x);
  if (x->dtype() == DType::uint8)
    throw DTypeError(message("negative", "uint8 has no negative numbers; cast() converts", {{"x", x}}, x.where()));
  return multiply(std::move(x), -1);
}

Tensor equal(OperandOrNumber a, OperandOrNumber b) { return comparison("equal", a, b, Equal{}); }
Tensor not_equal(OperandOrNumber a, OperandOrNumber b) { return comparison("not_equal", a, b, NotEqual{}); }
Tensor less(OperandOrNumber a, OperandOrNumber b) { return comparison("less", a, b, Less{}); }
Tensor less_equal(OperandOrNumber a, OperandOrNumber b) { return comparison("less_equal", a, b, LessEqual{}); }
Tensor greater(OperandOrNumber a, OperandOrNumber b) { return comparison("greater", a, b, Greater{}); }
Tensor greater_equal(OperandOrNumber a, OperandOrNumber b) { return comparison("greater_equal", a, b, GreaterEqual{}); }

Tensor logical_and(Operand a, Operand b) { return logical("logical_and", a, b, And{}); }
Tensor logical_or(Operand a, Operand b) { return logical("logical_or", a, b, Or{}); }
Tensor logical_not(Operand x) {
  require_defined("logical_not", x, "x");
  if (x->dtype() != DType::boolean)
    throw DTypeError(message("logical_not", "needs a bool tensor, such as comparisons give", {{"x", x}}, x.where()));
  return comparison("logical_not", x, 0.0, Equal{});
}

Tensor where(Operand condition, OperandOrNumber a, OperandOrNumber b) {
  require_defined("where", condition, "condition");
  if (condition->dtype() != DType::boolean) {
    throw DTypeError(message("where", "the condition must be bool, such as comparisons give",
                             {{"condition", condition}}, condition.where()));
  }
  Pair pair("where", a, b);
  const Tensor &p = *pair.first, &q = *pair.second;
  Shape both = broadcast_shape("where", pair, condition.where());
  Shape shape = broadcast("where", {"condition", condition}, {"a or b", p.view(both)}, condition.where());
  bool numbers = Pair::is_constant_number(p) && Pair::is_constant_number(q);
  if (!numbers && !Pair::is_constant_number(condition))
    require_same_device("where", condition, "condition", Pair::is_constant_number(p) ? b : a, "a or b");
  Tensor y(shape, p.dtype(), numbers ? condition->device() : pair.device());
  run<cpu::where, cuda::where>(y.device(), condition, broadcast_strides(condition->shape(), shape), p,
                               broadcast_strides(p.shape(), shape), q, broadcast_strides(q.shape(), shape), y);
  record({"where", condition.where()}, {condition, p, q}, y, {condition},
         [sa = p.shape(), sb = q.shape()](Backward& op) {
           if (op.needs(1)) op.give(1, sum_to(where(op.kept(0), op.dy(), 0.0), sa));
           if (op.needs(2)) op.give(2, sum_to(where(op.kept(0), 0.0, op.dy()), sb));
         });
  return y;
}

}  // namespace floe
