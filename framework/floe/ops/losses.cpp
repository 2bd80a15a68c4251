// Losses, composed of ops.
#include <floe/ops/losses.h>

#include <fmt/format.h>

#include <floe/ops/arithmetic.h>
#include <floe/ops/checks.h>
#include <floe/ops/create.h>
#include <floe/ops/pointwise.h>
#include <floe/ops/reduce.h>
#include <floe/ops/shape_ops.h>
#include <floe/ops/softmax.h>

namespace floe {
namespace {

constexpr const char* sparse = "sparse_softmax_cross_entropy";

void require_labels(const Operand& logits, const Operand& labels) {
  require_floating(sparse, logits, "logits");
  require_defined(sparse, labels, "labels");
  auto shown = {Shown{"logits", logits, "..., classes"}, Shown{"labels", labels, "..."}};
  if (is_floating(labels->dtype()) || labels->dtype() == DType::boolean)
    throw DTypeError(message(sparse, "labels must be int32, int64 or uint8", shown, logits.where()));
  if (logits->rank() == 0 || labels->rank() != logits->rank() - 1 ||
      !std::equal(labels->shape().begin(), labels->shape().end(), logits->shape().begin())) {
    throw ShapeError(
        message(sparse, "labels must have the shape of the logits without classes", shown, logits.where()));
  }
}

// The negative logarithm of each label's probability, (...).
Tensor surprise(const Operand& logits, const Operand& labels) {
  auto shown = {Shown{"logits", logits, "..., classes"}, Shown{"labels", labels, "..."}};
  std::int64_t classes = logits->dim(-1), rows = labels->elements();
  Tensor wide = cast(labels->on(Device{}), DType::int64);
  for (std::int64_t label : wide.span<std::int64_t>()) {
    if (label < 0 || label >= classes)
      throw ValueError(
          message(sparse, fmt::format("label {} is outside 0 .. {}", label, classes - 1), shown, logits.where()));
  }
  Tensor at = reshape(wide, {rows}) + range(0, rows, 1, DType::int64) * classes;
  return negative(reshape(gather(reshape(log_softmax(logits), {-1}), at), labels->shape()));
}

// A number, or a tensor that broadcasts to `a` and not the other way: (n, 1) against (n,) would be all pairs.
void require_target(const char* op, const Operand& a, const char* a_role, const OperandOrNumber& b,
                    const char* b_role) {
  require_floating(op, a, a_role);
  if (b.is_number()) return;
  require_same_dtype(op, a, a_role, b, b_role);
  bool fits = b->rank() <= a->rank();
  for (int axis = -b->rank(); fits && axis < 0; ++axis) fits = b->dim(axis) == a->dim(axis) || b->dim(axis) == 1;
  if (!fits)
    throw ShapeError(message(op, fmt::format("{} does not broadcast to the shape of {}", b_role, a_role),
                             {{a_role, a}, {b_role, b}}, a.where()));
}

// The target where the prediction is: data may come from the CPU for a model on a GPU.
OperandOrNumber beside(const Operand& a, const OperandOrNumber& b, Tensor& copied) {
  if (b.is_number() || b->device() == a->device()) return b;
  copied = to(b, a->device());
  return OperandOrNumber(copied, b.where().file, b.where().line);
}

}  // namespace

Tensor binary_cross_entropy_with_logits(Operand logits, OperandOrNumber labels) {
  require_target("binary_cross_entropy_with_logits", logits, "logits", labels, "labels");
  if (labels.is_number())
    require_number("binary_cross_entropy_with_logits", "a label", labels.number().real(), numbers::from_0_to_1, logits,
                   DType::float64);
  CallScope scope(logits.where());
  if (labels.is_number()) {
    double label = labels.number().real();
    if (label == 1) return reduce_mean(softplus(negative(logits)));
    if (label == 0) return reduce_mean(softplus(logits));
    return reduce_mean(label * softplus(negative(logits)) + (1 - label) * softplus(logits));
  }
  // What a label rules out counts for nothing, not even where it is infinite.
  Tensor copied;
  OperandOrNumber here = beside(logits, labels, copied);
  return reduce_mean(multiply_no_nan(softplus(negative(logits)), here) + multiply_no_nan(softplus(logits), 1.0 - here));
}

Tensor sparse_softmax_cross_entropy(Operand logits, Operand labels) {
  CallScope scope(logits.where());
  require_labels(logits, labels);
  return reduce_mean(surprise(logits, labels));
}

Tensor sparse_softmax_cross_entropy(Operand logits, Operand labels, Operand mask) {
  CallScope scope(logits.where());
  require_labels(logits, labels);
  require_defined(sparse, mask, "mask");
  if (mask->dtype() != DType::boolean && mask->dtype() != logits->dtype()) {
    throw DTypeError(message(sparse, "the mask must be bool or of the logits' dtype",
                             {{"logits", logits}, {"mask", mask}}, logits.where()));
  }
  if (mask->shape() != labels->shape()) {
    throw ShapeError(
        message(sparse, "the mask must have the labels' shape", {{"mask", mask}, {"labels", labels}}, logits.where()));
  }
  Tensor counts = (mask->dtype() == DType::boolean ? cast(mask, logits->dtype()) : mask.tensor()).on(logits->device());
  // The logits of what does not count are put aside: they may be infinite or NaN.
  Tensor sound = where(expand_dims(equal(counts, 0.0), -1), 0.0, logits);
  return reduce_sum(surprise(sound, labels) * counts) / maximum(reduce_sum(counts), 1.0);
}

Tensor mean_squared_error(Operand prediction, OperandOrNumber target) {
  require_target("mean_squared_error", prediction, "prediction", target, "target");
  CallScope scope(prediction.where());
  Tensor copied;
  return reduce_mean(square(prediction - beside(prediction, target, copied)));
}

Tensor mean_absolute_error(Operand prediction, OperandOrNumber target) {
  require_target("mean_absolute_error", prediction, "prediction", target, "target");
  CallScope scope(prediction.where());
  Tensor copied;
  return reduce_mean(abs(prediction - beside(prediction, target, copied)));
}

}  // namespace floe
