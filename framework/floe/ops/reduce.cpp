// Reductions over any axes.
#include <floe/ops/reduce.h>

#include <algorithm>

#include <fmt/format.h>

#include <floe/backend/run.h>
#include <floe/ops/arithmetic.h>
#include <floe/ops/checks.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/shape_ops.h>
#include <floe/tape/tape.h>

namespace floe {
namespace {

// What a reduction over `axes` of a shape comes to: the result with the axes as size 1, and without them.
struct ReducedAxes {
  ReducedAxes(const char* op, const Operand& x, const Axes& axes) {
    require_defined(op, x, "x");
    reduced.assign(static_cast<std::size_t>(x->rank()), axes.all());
    for (int axis : require_axes(op, x, axes.list())) reduced[axis] = true;
    for (int axis = 0; axis < x->rank(); ++axis) {
      kept.append(reduced[axis] ? 1 : x->dim(axis));
      if (!reduced[axis]) dropped.append(x->dim(axis));
      if (reduced[axis]) count *= x->dim(axis);
    }
  }

  const Shape& result(bool keepdims) const { return keepdims ? kept : dropped; }

  // Those that are reduced.
  Shape axes() const {
    Shape list;
    for (std::size_t axis = 0; axis < reduced.size(); ++axis) {
      if (reduced[axis]) list.append(static_cast<std::int64_t>(axis));
    }
    return list;
  }

  std::vector<bool> reduced;
  Shape kept, dropped;
  std::int64_t count = 1;  // elements that meet in one
};

// x with its axes folded so that the reduced ones are adjacent; transposed first if they are not.
struct Adjacent {
  Adjacent(const Tensor& x, const ReducedAxes& over) : x(x) {
    int first = x.rank(), last = -1;
    for (int axis = 0; axis < x.rank(); ++axis) {
      if (over.reduced[axis] && x.dim(axis) != 1) first = std::min(first, axis), last = axis;
    }
    bool adjacent = true;
    for (int axis = first; axis <= last; ++axis) adjacent &= over.reduced[axis] || x.dim(axis) == 1;
    if (adjacent) {
      for (int axis = 0; axis < x.rank(); ++axis)
        (axis < first ? folded.outer : axis <= last ? folded.reduced : folded.inner) *= x.dim(axis);
      return;
    }
    AxisList order;
    for (bool wanted : {false, true}) {
      for (int axis = 0; axis < x.rank(); ++axis) {
        if (over.reduced[axis] == wanted)
          order.push_back(axis), (wanted ? folded.reduced : folded.outer) *= x.dim(axis);
      }
    }
    NoRecording silence;
    this->x = transpose(x, order);
  }

  Tensor x;
  Folded folded{1, 1, 1};
};

Tensor reduced(const Operand& x, const ReducedAxes& over, bool keepdims, DType dtype,
               void (*kernel)(Device, const Tensor&, const Folded&, Tensor&)) {
  Tensor y(over.result(keepdims), dtype, x->device());
  if (y.elements() == 0) return y;
  Adjacent adjacent(x, over);
  kernel(x->device(), adjacent.x, adjacent.folded, y);
  return y;
}

// Sums of bytes would mostly wrap.
void require_summable(const char* op, const Operand& x) {
  require_numbers(op, x);
  if (x->dtype() == DType::uint8)
    throw DTypeError(message(op, "does not take uint8; cast() converts", {{"x", x}}, x.where()));
}

// Largest or smallest: the gradient goes to the elements that reached it, or that are NaN, in equal shares.
Tensor extreme(const char* op, const Operand& x, const Axes& axes, bool keepdims,
               void (*kernel)(Device, const Tensor&, const Folded&, Tensor&)) {
  require_numbers(op, x);
  ReducedAxes over(op, x, axes);
  if (over.count == 0 && over.dropped.elements() > 0)
    throw ShapeError(message(op, "there is no element to choose from", {{"x", x}}, x.where()));
  Tensor y = reduced(x, over, keepdims, x->dtype(), kernel);
  const Shape list = over.axes();
  const Attribute attributes[] = {{"axes", list}, {"keepdims", keepdims}};
  if (!is_floating(x->dtype())) {
    record_blocked({op, x.where(), attributes}, {x}, y);
    return y;
  }
  record({op, x.where(), attributes}, {x}, y, {x, y}, [axes, kept = over.kept](Backward& op) {
    const Tensor& x = op.kept(0);
    Tensor reached = cast(logical_or(equal(x, reshape(op.kept(1), kept)), not_equal(x, x)), x.dtype());
    op.give(0, multiply_no_nan(reshape(op.dy(), kept) / reduce_sum(reached, axes, true), reached));
  });
  return y;
}

Tensor arg(const char* op, const Operand& x, int axis, void (*kernel)(Device, const Tensor&, const Folded&, Tensor&)) {
  require_numbers(op, x);
  axis = require_axis(op, x, axis);
  ReducedAxes over(op, x, axis);
  if (x->dim(axis) == 0) throw ShapeError(message(op, "there is no element to choose from", {{"x", x}}, x.where()));
  Tensor y = reduced(x, over, false, DType::int64, kernel);
  record_blocked({op, x.where(), {{"axis", axis}}}, {x}, y);
  return y;
}

template <auto cpu_kernel, auto cuda_kernel>
void on(Device device, const Tensor& x, const Folded& axis, Tensor& y) {
  run<cpu_kernel, cuda_kernel>(device, x, axis, y);
}

// Any or all of bool elements, as their largest or smallest.
Tensor quantified(const char* op, const Operand& x, const Axes& axes, bool keepdims, bool over_nothing,
                  void (*kernel)(Device, const Tensor&, const Folded&, Tensor&)) {
  require_defined(op, x, "x");
  if (x->dtype() != DType::boolean)
    throw DTypeError(message(op, "needs a bool tensor, such as comparisons give", {{"x", x}}, x.where()));
  ReducedAxes over(op, x, axes);
  Tensor y = over.count == 0 ? full(over.result(keepdims), over_nothing, DType::boolean, x->device())
                             : reduced(x, over, keepdims, DType::boolean, kernel);
  record_blocked({op, x.where(), {{"axes", over.axes()}, {"keepdims", keepdims}}}, {x}, y);
  return y;
}

}  // namespace

Tensor reduce_sum(Operand x, Axes axes, bool keepdims) {
  require_summable("reduce_sum", x);
  ReducedAxes over("reduce_sum", x, axes);
  Tensor y = reduced(x, over, keepdims, x->dtype(), on<cpu::reduce_sum, cuda::reduce_sum>);
  record({"reduce_sum", x.where(), {{"axes", over.axes()}, {"keepdims", keepdims}}}, {x}, y, {},
         [whole = x->shape(), kept = over.kept](Backward& op) {
           op.give(0, broadcast_to(reshape(op.dy(), kept), whole));
         });
  return y;
}

Tensor reduce_mean(Operand x, Axes axes, bool keepdims) {
  require_floating("reduce_mean", x);
  double count = static_cast<double>(ReducedAxes("reduce_mean", x, axes).count);
  CallScope scope(x.where());
  return reduce_sum(x, axes, keepdims) / count;
}

Tensor reduce_variance(Operand x, Axes axes, bool keepdims) {
  require_floating("reduce_variance", x);
  ReducedAxes("reduce_variance", x, axes);  // refuses wrong axes under this name
  CallScope scope(x.where());
  return reduce_mean(square(x - reduce_mean(x, axes, true)), axes, keepdims);
}

Tensor reduce_max(Operand x, Axes axes, bool keepdims) {
  return extreme("reduce_max", x, axes, keepdims, on<cpu::reduce_max, cuda::reduce_max>);
}
Tensor reduce_min(Operand x, Axes axes, bool keepdims) {
  return extreme("reduce_min", x, axes, keepdims, on<cpu::reduce_min, cuda::reduce_min>);
}

// By halves, so that no element is ever divided by: gradients are right where factors are 0.
Tensor reduce_prod(Operand x, Axes axes, bool keepdims) {
  require_numbers("reduce_prod", x);
  CallScope scope(x.where());
  ReducedAxes over("reduce_prod", x, axes);
  AxisList order;
  for (bool wanted : {false, true}) {
    for (int axis = 0; axis < x->rank(); ++axis) {
      if (over.reduced[axis] == wanted) order.push_back(axis);
    }
  }
  if (over.count == 0) {
    return is_floating(x->dtype()) ? reduce_sum(x, axes, keepdims) + 1.0
                                   : ones(over.result(keepdims), x->dtype(), x->device());
  }
  Tensor y = reshape(transpose(x, order), {over.dropped.elements(), over.count});
  while (y.dim(1) > 1) {
    std::int64_t half = y.dim(1) / 2;
    Tensor product = slice(y, 1, 0, half) * slice(y, 1, half, 2 * half);
    y = y.dim(1) % 2 ? concat({product, slice(y, 1, 2 * half)}, 1) : product;
  }
  return reshape(y, over.result(keepdims));
}

Tensor reduce_logsumexp(Operand x, Axes axes, bool keepdims) {
  require_floating("reduce_logsumexp", x);
  CallScope scope(x.where());
  ReducedAxes over("reduce_logsumexp", x, axes);
  if (over.count == 0) return log(reduce_sum(x, axes, keepdims));
  Tensor top = stop_gradient(reduce_max(x, axes, true));
  top = where(isfinite(top), top, 0.0);
  return reshape(log(reduce_sum(exp(x - top), axes, true)) + top, over.result(keepdims));
}

Tensor reduce_any(Operand x, Axes axes, bool keepdims) {
  return quantified("reduce_any", x, axes, keepdims, false, on<cpu::reduce_max, cuda::reduce_max>);
}

Tensor reduce_all(Operand x, Axes axes, bool keepdims) {
  return quantified("reduce_all", x, axes, keepdims, true, on<cpu::reduce_min, cuda::reduce_min>);
}

Tensor argmax(Operand x, int axis) { return arg("argmax", x, axis, on<cpu::arg_max, cuda::arg_max>); }
Tensor argmin(Operand x, int axis) { return arg("argmin", x, axis, on<cpu::arg_min, cuda::arg_min>); }

Tensor cumsum(Operand x, int axis, bool exclusive, bool reverse) {
  require_summable("cumsum", x);
  axis = require_axis("cumsum", x, axis);
  Folded folded{1, x->dim(axis), 1};
  for (int i = 0; i < axis; ++i) folded.outer *= x->dim(i);
  for (int i = axis + 1; i < x->rank(); ++i) folded.inner *= x->dim(i);
  Tensor y(x->shape(), x->dtype(), x->device());
  if (y.elements() > 0) run<cpu::cumsum, cuda::cumsum>(x->device(), x, folded, exclusive, reverse, y);
  record({"cumsum", x.where(), {{"axis", axis}, {"exclusive", exclusive}, {"reverse", reverse}}}, {x}, y, {},
         [=](Backward& op) { op.give(0, cumsum(op.dy(), axis, exclusive, !reverse)); });
  return y;
}

TopK top_k(Operand x, std::int64_t k) {
  require_numbers("top_k", x);
  if (x->rank() == 0) throw ShapeError(message("top_k", "a scalar has no axis to choose along", {{"x", x}}, x.where()));
  if (k < 0 || k > x->dim(-1))
    throw ValueError(message("top_k",
                             fmt::format("cannot take {} of {} of the last axis", k, count(x->dim(-1), "element")),
                             {{"x", x}}, x.where()));
  Shape shape = x->shape();
  shape[x->rank() - 1] = k;
  TopK top{Tensor(shape, x->dtype(), x->device()), Tensor(shape, DType::int64, x->device())};
  if (shape.elements() > 0) run<cpu::top_k, cuda::top_k>(x->device(), x, top.values, top.indices);
  const Attribute attributes[] = {{"k", k}};
  const OpInfo info{"top_k", x.where(), attributes};
  if (!is_floating(x->dtype())) {
    record_blocked(info, {x}, {&top.values, &top.indices});
    return top;
  }
  record(info, {x}, {&top.values, &top.indices}, {top.indices}, [whole = x->shape()](Backward& op) {
    // Add each value's gradient at its index, through positions in the flattened tensor.
    std::int64_t classes = whole[whole.rank() - 1], k = op.kept(0).dim(-1),
                 rows = classes ? whole.elements() / classes : 0;
    Tensor at = reshape(op.kept(0), {rows, k}) +
                expand_dims(range(0, rows, 1, DType::int64) * classes, 1).on(op.kept(0).device());
    op.give(0, reshape(scatter(reshape(op.dy(), {-1}), reshape(at, {-1}), whole.elements()), whole));
  });
  return top;
}

Tensor scale_for_squares(const Tensor& x) {
  NoRecording silence;
  if (x.elements() == 0) return ones({}, x.dtype(), x.device());
  const bool single = x.dtype() == DType::float32;
  const double far = single ? 0x1p50 : 0x1p400, factor = single ? 0x1p100 : 0x1p600;
  Tensor top = reduce_max(abs(x));
  Tensor not_small = where(less(top, 1 / far), full({}, factor, x.dtype(), x.device()), 1.0);
  return where(greater(top, far), 1 / factor, not_small);
}

Tensor norm(Operand x) {
  require_floating("norm", x);
  Tensor y;
  {
    NoRecording silence;
    CallScope scope(x.where());
    Tensor scale = scale_for_squares(x);
    y = sqrt(reduce_sum(square(x * scale))) / scale;
  }
  record({"norm", x.where()}, {x}, y, {x, y}, [](Backward& op) {
    const Tensor &y = op.kept(1), none = equal(y, 0.0);
    op.give(0, op.dy() * where(none, 0.0, op.kept(0) / where(none, 1.0, y)));
  });
  return y;
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  require_defined("sum_to", x, "x");
  if (x.shape() == shape) return x;
  std::vector<int> axes;
  int extra = x.rank() - shape.rank();
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (axis < extra || (shape[axis - extra] == 1 && x.dim(axis) != 1)) axes.push_back(axis);
  }
  return reshape(reduce_sum(x, axes, true), shape);
}

}  // namespace floe
